package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/pump"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// A session's two goroutines park in a loop while they wait for their peers (see pkg/pump). What comes is handled there in
// the same code, as long as nothing in it waits: for a person, a grammar worker, the disk, definitions, a peer that does
// not read. Whatever would wait answers errSlow before it has done anything, and the goroutine takes the message over.

// errSlow says that a message can't be handled in the loop. Nothing of it was done.
var errSlow = errors.New("this can't be done in the loop")

// later is errSlow in the place of a refusal.
var later = &refused{}

const (
	// bulk is how much of an answer, in bytes, is better handled by a goroutine, which may wait for the client and for the
	// recorder: that writes no more than this by itself.
	bulk = 4 << 10
	// turns is how often a peer is read before others have their turn.
	turns = 4
)

// seam is a socket below the target's connection, which a loop may take over.
type seam struct{ net.Conn }

// sockets are a session's sockets in a loop.
type sockets struct{ client, target *pump.Conn }

// enter takes a session's sockets into the loop. Where they are none the session is served without; an error is one of a
// system that is short of descriptors, and leaves no session.
func (s *session) enter(loop *pump.Loop) error {
	target, ok := s.target.beneath().(*seam)
	if !ok {
		return nil
	}
	client, below := s.client, s.client
	through, tunnelled := client.(tunnel.Conn)
	if tunnelled {
		if b, ok := tunnel.Below(through); ok {
			below = b
		} else {
			tunnelled = false
		}
	}
	far, kept := target.Conn.(*pump.Conn) // one that was kept is in a loop already
	near, err := loop.Adopt(below)
	if errors.Is(err, errors.ErrUnsupported) && !kept {
		return nil
	}
	if err != nil {
		return err
	}
	if tunnelled {
		tunnel.Rebase(through, near)
	} else {
		s.client = near
	}
	s.in = s.buffers.NewReader(s.client, wire.FromClient)
	if !kept {
		if far, err = loop.Adopt(target.Conn); err != nil {
			return err
		}
	}
	target.Conn = far
	s.socket = sockets{near, far}
	return nil
}

// nextInput waits for more of the client. In the loop, what can be is also handled.
func (s *session) nextInput(ctx context.Context) error {
	if s.socket.client == nil {
		return s.in.Fill()
	}
	var failed error
	err := s.socket.client.Park(func([]byte) (again bool) {
		defer func() {
			s.inLoop = false
			if e := recover(); e != nil {
				again, failed = false, s.panicked(e)
			}
		}()
		s.inLoop = true
		again, failed = s.inputInLoop(ctx)
		return again
	})
	return errors.Join(err, failed)
}

// inputInLoop handles what comes of the client until something is slow.
func (s *session) inputInLoop(ctx context.Context) (again bool, err error) {
	for range turns {
		if err := s.in.Fill(); errors.Is(err, pump.ErrNothing) {
			return true, nil
		} else if err != nil {
			return false, err
		}
		if err := s.messages(ctx); errors.Is(err, errSlow) {
			return false, nil
		} else if err != nil {
			return false, err
		}
		if err := s.out.flush(); err != nil || s.socket.target.Unsent() > 0 {
			return false, err
		}
	}
	return false, nil // and parks again, behind the others
}

// nextAnswer waits for more of the target. In the loop, what can be is also handled: all but large results.
func (s *session) nextAnswer(back *wire.Reader, r *run, much bool) error {
	if s.socket.target == nil || much {
		return gone(back.Fill())
	}
	var failed error
	err := s.socket.target.Park(func([]byte) (again bool) {
		defer func() {
			if e := recover(); e != nil {
				again, failed = false, s.panicked(e)
			}
		}()
		again, failed = s.answersInLoop(back, r)
		return again
	})
	return errors.Join(gone(err), failed)
}

func (s *session) answersInLoop(back *wire.Reader, r *run) (again bool, err error) {
	for range turns {
		if err := back.Fill(); errors.Is(err, pump.ErrNothing) {
			return true, nil
		} else if err != nil {
			return false, gone(err)
		}
		if back.Buffered() > bulk || s.bounded() || s.gate.Behind() {
			return false, nil
		}
		if err := s.answers(back, r); err != nil {
			return false, s.through(r, err)
		}
		if err := s.write(r); err != nil || s.socket.client.Unsent() > 0 {
			return false, err
		}
	}
	return false, nil
}

// bounded says whether what is answered now may reach a limit, which is announced.
func (s *session) bounded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	head := s.queue.head()
	return head != nil && head.pass != nil && head.pass.Bounded()
}

// gone is what a failed read of the target means.
func gone(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errTargetGone, err)
}

// drained waits until a peer has taken what was written to it.
func drained(c *pump.Conn) error {
	if c == nil {
		return nil
	}
	return c.Drain()
}

func (s *session) panicked(e any) error {
	s.log.Error("session panicked", "panic", fmt.Sprint(e))
	return fmt.Errorf("%w: internal error", wire.ErrProtocol)
}
