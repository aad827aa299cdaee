package postgres

import (
	"context"
	"crypto/tls"
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

// bulk is how much of an answer, in bytes, is better handled by a goroutine that may wait for the client and the recorder.
const bulk = 16 << 10

// seam is a socket below the target's connection, which a loop may take over.
type seam struct{ net.Conn }

// sockets are a session's sockets in a loop.
type sockets struct{ client, target *pump.Conn }

// enter takes a session's sockets into the loop. Where that can't be done the session is served without.
func (s *session) enter(loop *pump.Loop) {
	var under net.Conn = s.target.conn
	if t, ok := under.(*tls.Conn); ok {
		under = t.NetConn()
	}
	target, ok := under.(*seam)
	if !ok {
		return
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
	near, err := loop.Adopt(below)
	if err != nil {
		return
	}
	if tunnelled {
		tunnel.Rebase(through, near)
	} else {
		s.client = near
	}
	s.in = wire.NewReader(s.client, wire.FromClient)
	far, ok := target.Conn.(*pump.Conn) // one that was kept is in a loop already
	if !ok {
		if far, err = loop.Adopt(target.Conn); err != nil {
			return // the client's socket works as it did
		}
	}
	target.Conn = far
	s.socket = sockets{near, far}
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
	for {
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
	for {
		if err := back.Fill(); errors.Is(err, pump.ErrNothing) {
			return true, nil
		} else if err != nil {
			return false, gone(err)
		}
		if back.Buffered() > bulk {
			return false, nil
		}
		if err := s.answers(back, r); err != nil {
			return false, s.through(r, err)
		}
		if err := s.write(r); err != nil || s.socket.client.Unsent() > 0 {
			return false, err
		}
	}
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
