package sftp

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/guard"
)

// server is what a client speaks with.
type server struct {
	*Files
	client  io.ReadWriter
	handles handles

	writing sync.Mutex
	broken  error // the client can't be written to

	queue   chan func(ctx context.Context, holding func())
	pending sync.WaitGroup
	held    chan struct{} // operations that wait for a person
}

// Bounds of what a client may have under way.
const (
	maxQueue = 64
	maxHeld  = 32
)

// Client is the client's side of a channel.
type Client interface {
	io.ReadWriter
	CloseWrite() error
}

// Serve speaks SFTP with a client until it ends. Where the host or ctx ends first, the client is told that nothing more
// comes. What is still open is recorded then.
func (f *Files) Serve(ctx context.Context, client Client) error {
	s := &server{
		Files: f, client: client, handles: handles{all: map[string]*handle{}},
		queue: make(chan func(context.Context, func()), maxQueue), held: make(chan struct{}, maxHeld),
	}
	ended := make(chan struct{})
	defer close(ended)
	f.work.Go(func() {
		select {
		case <-f.host.done:
			s.writing.Lock()
			defer s.writing.Unlock()
			_ = client.CloseWrite()
		case <-ended:
		}
	})
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.pending.Go(func() { s.operate(ctx) })
	err := s.readAll(ctx)
	close(s.queue)
	if err != nil {
		cancel(err) // else what was asked for is done to its end
	}
	s.pending.Wait()
	for _, h := range slices.Collect(maps.Values(s.handles.all)) {
		s.shut(h)
		err = errors.Join(err, h.ended("not closed"))
	}
	return err
}

// operate carries out operations one behind the other. One that waits for a person lets the next ones go ahead.
func (s *server) operate(ctx context.Context) {
	for op := range s.queue {
		done, waits := make(chan struct{}), make(chan struct{})
		var once sync.Once
		s.pending.Go(func() {
			defer close(done)
			op(ctx, func() { once.Do(func() { close(waits) }) })
		})
		select {
		case <-done:
			continue
		case <-waits:
		}
		select {
		case s.held <- struct{}{}:
			s.pending.Go(func() { <-done; <-s.held })
		default:
			<-done
		}
	}
}

// later queues an operation and answers the client with what it answers.
func (s *server) later(id uint32, op func(ctx context.Context, holding func()) []byte) {
	s.queue <- func(ctx context.Context, holding func()) { s.answer(op(ctx, holding)) }
}

// answer writes a packet to the client.
func (s *server) answer(body []byte) { s.write(framed(body)) }

func (s *server) write(packet []byte) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.broken == nil {
		_, s.broken = s.client.Write(packet)
	}
}

// readAll takes the client's requests until it ends.
func (s *server) readAll(ctx context.Context) error {
	in := readPackets(s.client)
	packet, err := in.next()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	if c := (&cursor{b: packet}); c.byte() != typeInit || c.uint32() < version || c.bad {
		return errPacket
	}
	s.answer(s.version())
	for {
		packet, err := in.next()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
		r, err := decodeRequest(packet)
		if err != nil {
			return err
		}
		if err := s.take(ctx, r, in); err != nil {
			return err
		}
	}
}

// version is the greeting: what the host has of the extensions that are known, and our own limits.
func (s *server) version() []byte {
	b := binary.BigEndian.AppendUint32([]byte{typeVersion}, version)
	for _, name := range slices.Sorted(maps.Keys(s.extensions)) {
		b = putString(putString(b, name), s.extensions[name])
	}
	return putString(putString(b, extLimits), "1")
}

// limits answers what the gateway takes.
func limits(id uint32) []byte {
	b := binary.BigEndian.AppendUint32([]byte{typeExtendedReply}, id)
	for _, n := range []uint64{maxPacket, maxData, maxData, maxHandles} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

// take carries out one request, or queues it.
func (s *server) take(ctx context.Context, r request, in *packets) error {
	switch r.kind {
	case typeRead:
		return s.read(ctx, r)
	case typeWrite:
		return s.written(ctx, r, in)
	case typeReaddir, typeFstat:
		return s.relay(ctx, r)
	case typeClose:
		s.later(r.id, func(ctx context.Context, _ func()) []byte { return s.close(ctx, r) })
	case typeOpen, typeOpendir:
		s.later(r.id, func(ctx context.Context, holding func()) []byte { return s.open(ctx, r, holding) })
	case typeFsetstat:
		s.later(r.id, func(ctx context.Context, holding func()) []byte { return s.fsetstat(ctx, r, holding) })
	case typeRealpath:
		s.later(r.id, func(ctx context.Context, holding func()) []byte { return s.realpath(ctx, r, holding) })
	case typeExtended:
		s.extended(r)
	default:
		s.later(r.id, func(ctx context.Context, holding func()) []byte { return s.path(ctx, r, holding) })
	}
	return nil
}

// refusal answers why an operation was not carried out: to the protocol, and in words beside it.
func (s *server) refusal(id uint32, err error) []byte {
	r := asRefusal(err)
	switch {
	case r != nil:
		s.Tell(r)
		return status(id, statusDenied, r.Message+" "+r.Hint())
	case errors.Is(err, errLoop), errors.Is(err, errMoved):
		return status(id, statusFailure, "hoop: "+err.Error())
	default:
		s.Log.Warn("file operation failed", "error", err)
		return status(id, statusFailure, "hoop: the operation failed")
	}
}

// path carries out a request whose answer is passed on.
func (s *server) path(ctx context.Context, r request, holding func()) []byte {
	got, _, err := s.perform(ctx, r, holding)
	if err != nil {
		return s.refusal(r.id, err)
	}
	return s.shown(r.id, got)
}

// realpath answers the path that an operation on what was named would be judged by. Where paths begin is no secret.
func (s *server) realpath(ctx context.Context, r request, holding func()) []byte {
	if r.path == "." || r.path == "" || r.path == s.home {
		return names(r.id, []entry{{name: s.home, long: s.home}})
	}
	got, paths, err := s.perform(ctx, r, holding)
	if err != nil {
		return s.refusal(r.id, err)
	}
	if found, ok := got.names(); ok && len(found) == 1 {
		return s.listing(r.id, []entry{{name: paths[0], long: paths[0]}})
	}
	return s.shown(r.id, got)
}

// shown is an answer of the host as the client may see it: rebuilt, with words of ours.
func (s *server) shown(id uint32, got reply) []byte {
	head := binary.BigEndian.AppendUint32(nil, id)
	switch got.kind {
	case typeAttrs:
		if a, ok := got.attrs(); ok {
			return a.append(append([]byte{typeAttrs}, head...))
		}
	case typeName:
		if all, ok := got.names(); ok {
			return s.listing(id, all)
		}
	case typeExtendedReply: // statvfs: eleven numbers
		if len(got.body) == 88 {
			return append(append([]byte{typeExtendedReply}, head...), got.body...)
		}
	case typeStatus:
		code := got.status()
		return status(id, code, statusText(code))
	}
	return status(id, statusFailure, statusText(statusFailure))
}

// listing shows names after the detectors.
func (s *server) listing(id uint32, all []entry) []byte {
	scan := s.Gate.Scan()
	for i := range all {
		var err, err2 error
		all[i].name, err = scan.Text(all[i].name)
		all[i].long, err2 = scan.Text(all[i].long)
		if err != nil || err2 != nil {
			return status(id, statusFailure, "hoop: the detectors failed")
		}
	}
	return names(id, all)
}

// extended carries out an extension.
func (s *server) extended(r request) {
	switch _, offered := s.extensions[r.extension]; {
	case r.extension == extLimits:
		s.answer(limits(r.id))
	case !offered:
		s.answer(status(r.id, statusUnsupported, statusText(statusUnsupported)))
	case r.extension == extFsync, r.extension == extFstatvfs, r.extension == extCopyData:
		s.later(r.id, func(ctx context.Context, _ func()) []byte { return s.onHandle(ctx, r) })
	default:
		s.later(r.id, func(ctx context.Context, holding func()) []byte { return s.path(ctx, r, holding) })
	}
}

// passFor is the pass under which a handle lends the host to a request.
func (h *handle) passFor(writes bool) *guard.Pass {
	if writes {
		return h.write
	}
	return first(h.read, h.write)
}
