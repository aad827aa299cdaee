package postgres

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard"
)

// heldBytes is how much of a waiting client's further input is read, so that its goodbye is seen.
const heldBytes = 64 << 10

// watch keeps reading the client while the frontend waits. The context that it answers ends when the client leaves, with
// io.EOF or errTerminated as its cause. release must be called before the frontend reads on.
func (s *session) watch(ctx context.Context) (watched context.Context, release func()) {
	watched, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for watched.Err() == nil {
			more, err := s.in.Prefetch(heldBytes)
			switch {
			case !more:
				return
			case err != nil && watched.Err() == nil:
				cancel(err)
			case s.in.Waiting('X'):
				cancel(errTerminated)
			}
		}
	}()
	return watched, func() {
		// A deadline in the past ends the read; the connection stays usable.
		cancel(io.ErrClosedPipe)
		s.hush()
		<-done
		s.unhush()
	}
}

// ears are whether the client is heard. Who ends the session ends its reads from another goroutine than the one that reads, and what that
// one does next must not begin them again.
type ears struct {
	mu   sync.Mutex
	shut bool // for good
}

// hush has reads from the client return, until unhush.
func (s *session) hush() {
	s.ears.mu.Lock()
	defer s.ears.mu.Unlock()
	if !s.ears.shut { // else the deadline is that of who says farewell
		_ = s.client.SetReadDeadline(time.Unix(1, 0))
	}
}

func (s *session) unhush() {
	s.ears.mu.Lock()
	defer s.ears.mu.Unlock()
	if !s.ears.shut {
		_ = s.client.SetReadDeadline(time.Time{})
	}
}

// deafen has reads from the client return, now and later.
func (s *session) deafen() {
	s.ears.mu.Lock()
	defer s.ears.mu.Unlock()
	s.ears.shut = true
	_ = s.client.SetReadDeadline(time.Unix(1, 0))
}

// holding is guard's Holding: it watches the client while a person is asked, and lets a cancel request end the wait.
func (s *session) holding(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	watched, release := s.watch(ctx)
	s.mu.Lock()
	s.held = cancel
	s.mu.Unlock()
	return watched, func() {
		s.mu.Lock()
		s.held = nil
		s.mu.Unlock()
		release()
		cancel(nil)
	}
}

// Cancel takes back what the session waits for, runs or judges; without any it does nothing.
func (s *session) Cancel() {
	s.mu.Lock()
	held, running := s.held, s.queue.running()
	s.mu.Unlock()
	switch {
	case held != nil:
		held(guard.ErrCancelled)
	case running:
		s.target.cancel()
	default:
		s.judging.CompareAndSwap(judging, judgingCancelled)
	}
}

// waiting tells the client in a notice that its command waits for a person.
func (s *session) waiting(message string) {
	if err := s.tell(notice("00000", "NOTICE", fmt.Sprintf("hoop: %s", message))); err != nil {
		s.log.Debug("client gone while held", "error", err)
	}
}
