package sftp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// host is the host's own SFTP server. It is lent by the guard alone.
type host struct {
	w io.WriteCloser

	writing sync.Mutex

	mu      sync.Mutex
	next    uint32
	waiting map[uint32]answer
	over    error
	done    chan struct{}
	room    chan struct{} // what is asked at once
}

// answer takes the host's answer to a request, on the goroutine that reads the host; what it is given is overwritten behind it.
type answer func(r reply, in *packets)

// maxWaiting is how many requests may be under way at the host.
const maxWaiting = 1024

var errHost = errors.New("the host's SFTP server is gone")

func newHost(w io.WriteCloser) *host {
	return &host{w: w, waiting: map[uint32]answer{}, done: make(chan struct{}), room: make(chan struct{}, maxWaiting)}
}

// greet agrees on the version, and answers the host's extensions.
func (h *host) greet(in *packets) (map[string]string, error) {
	if _, err := h.w.Write(framed(binary.BigEndian.AppendUint32([]byte{typeInit}, version))); err != nil {
		return nil, errors.Join(errHost, err)
	}
	packet, err := in.next()
	if err != nil {
		return nil, errors.Join(errHost, err)
	}
	c := &cursor{b: packet}
	if kind, got := c.byte(), c.uint32(); kind != typeVersion || got != version {
		return nil, fmt.Errorf("%w: it does not speak version %d", errHost, version)
	}
	extensions := map[string]string{}
	for len(c.b) > 0 && !c.bad && len(extensions) < 64 {
		name := c.string(256)
		extensions[name] = c.string(256)
	}
	if err := c.end(); err != nil {
		return nil, errors.Join(errHost, err)
	}
	return extensions, nil
}

// read hands the host's answers to who waits for them, until the host is gone or breaks the protocol.
func (h *host) read(in *packets) {
	err := h.readAll(in)
	h.mu.Lock()
	h.over = err
	h.mu.Unlock()
	close(h.done)
}

func (h *host) readAll(in *packets) error {
	for {
		packet, err := in.next()
		if err != nil {
			return errors.Join(errHost, err)
		}
		c := &cursor{b: packet}
		kind, id := c.byte(), c.uint32()
		h.mu.Lock()
		take, asked := h.waiting[id]
		delete(h.waiting, id)
		h.mu.Unlock()
		if c.bad || !asked {
			return fmt.Errorf("%w: it answers what nobody asked", errHost)
		}
		take(reply{kind, c.b}, in)
		<-h.room
	}
}

// ask sends a request, whose id it sets. in, if not nil, is what its data was read into.
func (h *host) ask(r request, in *packets, take answer) error {
	select {
	case h.room <- struct{}{}:
	case <-h.done:
		return h.gone()
	}
	h.mu.Lock()
	h.next++
	r.id = h.next
	h.waiting[r.id] = take
	h.mu.Unlock()
	h.writing.Lock()
	defer h.writing.Unlock()
	head := r.head()
	var out []byte
	switch {
	case r.kind == typeWrite && in != nil:
		out = in.withData(head, r.data)
	case r.kind == typeWrite:
		out = framed(append(head, r.data...))
	default:
		out = framed(head)
	}
	if _, err := h.w.Write(out); err != nil {
		return errors.Join(errHost, err)
	}
	return nil
}

func (h *host) gone() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.over
}

// promise is an answer that somebody waits for.
type promise chan reply

// later is an answer for ask that keeps the promise.
func (p promise) later(r reply, _ *packets) { p <- reply{r.kind, append([]byte{}, r.body...)} }

func newPromise() promise { return make(promise, 1) }

// await answers what the host answered.
func (h *host) await(ctx context.Context, p promise) (reply, error) {
	select {
	case r := <-p:
		return r, nil
	default:
	}
	select {
	case r := <-p:
		return r, nil
	case <-ctx.Done():
		return reply{}, context.Cause(ctx)
	case <-h.done:
		return reply{}, h.gone()
	}
}
