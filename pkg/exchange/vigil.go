package exchange

import (
	"context"
	"sync/atomic"
	"time"
)

// vigilAfter is how long an answer may take before somebody looks whether the client still waits for it.
const vigilAfter = 50 * time.Millisecond

// vigil ends a request whose client left while it waited. It may be kept only while nobody reads from the client.
type vigil struct {
	session *Session
	timer   *time.Timer
	done    chan struct{}
	ending  atomic.Bool
}

// keep begins a vigil, which ends ctx with errLeft.
func (s *Session) keep(end context.CancelCauseFunc) *vigil {
	v := &vigil{session: s, done: make(chan struct{})}
	v.timer = time.AfterFunc(vigilAfter, func() {
		defer close(v.done)
		if _, err := s.client.reader.Peek(1); err != nil && !v.ending.Load() {
			end(errLeft)
		}
	})
	return v
}

// stop ends the vigil, and returns once the client can be read from again. It may be called more than once.
func (v *vigil) stop() {
	if v == nil || v.ending.Swap(true) || v.timer.Stop() {
		return
	}
	_ = v.session.client.conn.SetReadDeadline(time.Unix(1, 0))
	<-v.done
	v.session.patience(0)
}
