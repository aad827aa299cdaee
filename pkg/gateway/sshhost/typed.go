package sshhost

import (
	"bytes"
	"context"
	"io"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/guard"
)

// maxTyped is how much of what a client typed ahead is kept, in bytes; more waits at the client.
const maxTyped = 64 << 10

// typed is what a client types in line mode. It goes to the prompt, to a line that runs, or, while a line waits for a person,
// nowhere; who reads it changes from line to line, so reading can be given up without losing what comes next.
type typed struct {
	mu   sync.Mutex
	more sync.Cond // of mu
	held []byte
	err  error // what reading ended with
	over bool  // nobody wants to know any more
}

func newTyped() *typed {
	t := &typed{}
	t.more.L = &t.mu
	return t
}

// fill reads until from ends.
func (t *typed) fill(from io.Reader) {
	buf := make([]byte, 4<<10)
	for {
		n, err := from.Read(buf)
		t.mu.Lock()
		t.held, t.err = append(t.held, buf[:n]...), err
		t.more.Broadcast()
		for err == nil && !t.over && len(t.held) > maxTyped {
			t.more.Wait()
		}
		if t.over {
			t.held = nil
		}
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// stop lets fill go on to its end, whatever comes.
func (t *typed) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.more.Broadcast()
}

// next waits for what comes next. It ends with ctx, or where reading did.
func (t *typed) next(ctx context.Context, p []byte) (int, error) {
	stop := context.AfterFunc(ctx, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.more.Broadcast()
	})
	defer stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.held) == 0 && t.err == nil && ctx.Err() == nil {
		t.more.Wait()
	}
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case len(t.held) == 0:
		return 0, t.err
	}
	n := copy(p, t.held)
	t.held = t.held[:copy(t.held, t.held[n:])]
	t.more.Broadcast()
	return n, nil
}

// interrupt is what Ctrl-C sends.
const interrupt = 0x03

// holding has Ctrl-C take back a line that waits for a person. What else is typed meanwhile is for nobody.
func (c *channel) holding(ctx context.Context) (held context.Context, release func()) {
	if c.keys == nil {
		return ctx, func() {}
	}
	held, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		buf := make([]byte, 256)
		for {
			n, err := c.keys.next(held, buf)
			if bytes.IndexByte(buf[:n], interrupt) >= 0 {
				cancel(guard.ErrCancelled)
			}
			if err != nil {
				return
			}
		}
	})
	return held, func() { cancel(nil); watch.Wait() }
}
