package exchange

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// vigilAfter is how long an answer may take before somebody looks whether the client still waits for it.
const vigilAfter = 50 * time.Millisecond

// vigil ends a request whose client left while it waited. It may be kept only while nobody reads from the client.
type vigil struct {
	session *Session
	end     context.CancelCauseFunc

	mu     sync.Mutex
	kept   bool // keep was called
	ending bool
	done   chan struct{} // closed behind the watch; nil: nobody needed it yet
}

// vigil makes one that ends a request's context with errLeft.
func (s *Session) vigil(end context.CancelCauseFunc) *vigil {
	return &vigil{session: s, end: end}
}

// keep begins it, once all that the client had to send was read.
func (v *vigil) keep() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.ending && !v.kept {
		v.kept = true
		v.session.toWatch.set(v.watch)
	}
}

// watched is closed once the watch is over. mu is held.
func (v *vigil) watched() chan struct{} {
	if v.done == nil {
		v.done = make(chan struct{})
	}
	return v.done
}

func (v *vigil) watch() {
	v.mu.Lock()
	defer close(v.watched())
	if !v.ending {
		v.session.waits.patience(0) // what was given to the head is not the answer's
	}
	v.mu.Unlock()
	err := v.gone()
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil && !v.ending {
		v.end(errLeft)
	}
}

// gone returns once the client is gone, with the reason, or once nothing more of what it sends can be held. What it sends meanwhile is its
// next request, behind which it may still leave.
func (v *vigil) gone() (err error) {
	defer func() {
		if e := recover(); e != nil {
			v.session.log.Error("vigil panicked", "panic", fmt.Sprint(e))
			err = errLeft
		}
	}()
	r := v.session.client.reader
	for err == nil {
		_, err = r.Peek(r.Buffered() + 1)
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil
	}
	return err
}

// stop ends the vigil, and returns once the client can be read from again. It may be called more than once.
func (v *vigil) stop() {
	v.mu.Lock()
	if v.ending || !v.kept || v.session.toWatch.stop() {
		v.ending = true
		v.mu.Unlock()
		return
	}
	v.ending = true
	watched := v.watched()
	v.mu.Unlock()
	v.session.waits.hush()
	<-watched
	v.session.waits.lift()
	v.session.waits.patience(0)
}
