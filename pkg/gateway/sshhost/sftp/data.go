package sftp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// open opens a file or a folder for the client.
func (s *server) open(ctx context.Context, r request, holding func()) []byte {
	if s.handles.full() {
		return status(r.id, statusFailure, fmt.Sprintf("hoop: there are %d files open already", maxHandles))
	}
	if r.kind == typeOpen && (r.flags == 0 || r.flags >= openExcl<<1) {
		return status(r.id, statusBadMessage, statusText(statusBadMessage))
	}
	do := s.Files.open
	if r.kind == typeOpendir {
		do = s.opendir
	}
	h, code, err := do(ctx, r, holding)
	if err != nil {
		return s.refusal(r.id, err)
	}
	if code != statusOK {
		return status(r.id, code, statusText(code))
	}
	name, ok := s.handles.add(h)
	if !ok {
		s.shut(h)
		_ = h.ended("too many files are open")
		return status(r.id, statusFailure, "hoop: too many files are open")
	}
	return putString(binary.BigEndian.AppendUint32([]byte{typeHandle}, r.id), name)
}

// read asks the host for a piece of a file, and passes on what comes.
func (s *server) read(ctx context.Context, r request) error {
	h := s.handles.get(r.handle)
	if h == nil || h.dir || h.read == nil {
		s.answer(status(r.id, statusFailure, statusText(statusFailure)))
		return nil
	}
	if refused := h.goesOn(ctx); refused != nil {
		s.answer(s.refusal(r.id, refused))
		return nil
	}
	r.length = min(r.length, maxData)
	ask := request{kind: typeRead, handle: h.host, offset: r.offset, length: r.length}
	return s.up.Continue(h.read, func(to *host) error {
		return to.ask(ask, nil, func(got reply, in *packets) { s.data(h, r, got, in) })
	})
}

// data passes on a piece of a file that the host answered.
func (s *server) data(h *handle, r request, got reply, in *packets) {
	if got.kind != typeData {
		if code := got.status(); code != statusEOF {
			h.fail(code)
		}
		s.answer(s.shown(r.id, got))
		return
	}
	c := &cursor{b: got.body}
	data := c.bytes()
	if c.end() != nil || len(data) > int(r.length) {
		h.fail(statusBadMessage)
		s.answer(status(r.id, statusFailure, "hoop: the host sent more than was asked for"))
		return
	}
	if refused := h.got(r.offset, data); refused != nil {
		s.answer(s.refusal(r.id, refused))
		return
	}
	head := binary.BigEndian.AppendUint32([]byte{typeData}, r.id)
	s.write(in.withData(binary.BigEndian.AppendUint32(head, uint32(len(data))), data))
}

// written passes on a piece that the client writes.
func (s *server) written(ctx context.Context, r request, in *packets) error {
	h := s.handles.get(r.handle)
	if h == nil || h.dir || h.write == nil {
		s.answer(status(r.id, statusFailure, statusText(statusFailure)))
		return nil
	}
	if refused := h.goesOn(ctx); refused != nil {
		s.answer(s.refusal(r.id, refused))
		return nil
	}
	h.sent(r.offset, r.data)
	ask := request{kind: typeWrite, handle: h.host, offset: r.offset, data: r.data}
	return s.up.Continue(h.write, func(to *host) error {
		return to.ask(ask, in, func(got reply, _ *packets) {
			if code := got.status(); code != statusOK {
				h.fail(code)
			}
			s.answer(s.shown(r.id, got))
		})
	})
}

// relay passes on a question about a handle, and its answer.
func (s *server) relay(ctx context.Context, r request) error {
	h := s.handles.get(r.handle)
	if h == nil || r.kind == typeReaddir && !h.dir {
		s.answer(status(r.id, statusFailure, statusText(statusFailure)))
		return nil
	}
	p := h.passFor(false)
	if refused := h.goesOn(ctx); refused != nil {
		s.answer(s.refusal(r.id, refused))
		return nil
	}
	return s.up.Continue(p, func(to *host) error {
		return to.ask(request{kind: r.kind, handle: h.host}, nil, func(got reply, _ *packets) {
			if refused := p.Piece(len(got.body)); refused != nil {
				h.refuse(refused)
				s.answer(s.refusal(r.id, refused))
				return
			}
			s.answer(s.shown(r.id, got))
		})
	})
}

// close closes a handle, and answers once what went through it is recorded.
func (s *server) close(ctx context.Context, r request) []byte {
	h := s.handles.take(r.handle)
	if h == nil {
		return status(r.id, statusFailure, statusText(statusFailure))
	}
	promise := newPromise()
	err := s.up.Continue(h.passFor(false), func(to *host) error {
		return to.ask(request{kind: typeClose, handle: h.host}, nil, promise.later)
	})
	var got reply
	if err == nil {
		got, err = s.host.await(ctx, promise)
	}
	if err != nil {
		return s.refusal(r.id, errors.Join(err, h.ended("not closed")))
	}
	if code := got.status(); code != statusOK {
		h.fail(code)
	}
	if err := h.ended(""); err != nil {
		return s.refusal(r.id, err)
	}
	return s.shown(r.id, got)
}

// fsetstat sets attributes of an open file, which is judged as if its path were named.
func (s *server) fsetstat(ctx context.Context, r request, holding func()) []byte {
	h := s.handles.get(r.handle)
	if h == nil {
		return status(r.id, statusFailure, statusText(statusFailure))
	}
	began := time.Now()
	o := operation{name: "setstat", paths: []named{{path: h.path, open: true}}, detail: r.attrs.words(), does: withMode(r.attrs, policy.Write)}
	admitted, err := s.admit(ctx, o, holding)
	if err != nil {
		return s.refusal(r.id, err)
	}
	got, err := s.send(ctx, admitted.pass, request{kind: typeFsetstat, handle: h.host, attrs: r.attrs})
	if err := errors.Join(err, s.done(ready{admitted.pass, []string{h.path}}, o, r, got, err, began)); err != nil {
		return s.refusal(r.id, err)
	}
	return s.shown(r.id, got)
}

// onHandle carries out an extension on what is open, under what it was opened for.
func (s *server) onHandle(ctx context.Context, r request) []byte {
	h := s.handles.get(r.handle)
	from := h
	if r.extension == extCopyData {
		from = s.handles.get(r.from)
	}
	writes := r.extension != extFstatvfs
	if h == nil || from == nil || writes && h.write == nil || from != h && from.read == nil {
		return status(r.id, statusFailure, statusText(statusFailure))
	}
	ask := request{kind: typeExtended, extension: r.extension, handle: h.host, from: from.host, offset: r.offset, length64: r.length64, target: r.target}
	for _, one := range []*handle{h, from} {
		if refused := one.goesOn(ctx); refused != nil {
			return s.refusal(r.id, refused)
		}
	}
	if r.extension == extCopyData {
		h.copied(from)
	}
	promise := newPromise()
	if err := s.up.Continue(h.passFor(writes), func(to *host) error { return to.ask(ask, nil, promise.later) }); err != nil {
		return s.refusal(r.id, err)
	}
	got, err := s.host.await(ctx, promise)
	if err != nil {
		return s.refusal(r.id, err)
	}
	return s.shown(r.id, got)
}

// copied notes that a host copies from one handle to another: how much, it does not say.
func (h *handle) copied(from *handle) {
	for _, one := range []struct {
		h *handle
		f *flow
	}{{h, &h.in}, {from, &from.out}} {
		one.h.mu.Lock()
		one.f.outside = true
		one.h.mu.Unlock()
	}
}
