package exchange

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// errSwitched ends a session whose socket has left HTTP: nothing is read as a request behind that.
var errSwitched = errors.New("the connection has left HTTP")

// switched tells the client that the target has switched, and has the protocol carry what follows.
func (s *Session) switched(ctx context.Context, m *Meaning, pass *guard.Pass, a *http1.Answer, shown Shown) error {
	if m.Carry == nil {
		s.target.drop()
		s.finish(pass, guard.Outcome{Tag: "101", Error: "switched unasked"})
		return errSwitched
	}
	t := s.target
	conn := t.current()
	if conn == nil {
		s.finish(pass, guard.Outcome{Tag: "101", Error: "the session ended"})
		return errSwitched
	}
	stop := whenOver(ctx, s.interrupt)
	defer stop()
	s.waits.patience(0) // a switched connection may be silent for as long as it likes, either way
	_ = conn.SetReadDeadline(time.Time{})
	s.out = http1.AppendAnswer(s.out[:0], &http1.Answer{Status: 101, Fields: shown.Fields, Upgrade: a.Upgrade})
	if _, err := s.client.conn.Write(s.out); err != nil {
		s.finish(pass, guard.Outcome{Tag: "101", Error: "the client left"})
		return errLeft
	}
	lend := func(send func(io.Writer) error) func(*Target) error {
		return func(*Target) error { return send(conn) }
	}
	outcome := m.Carry(ctx, Switched{
		Pass: pass, Answer: a, Gate: s.gate, Target: t.reader, End: t.drop,
		Client: struct {
			io.Reader
			io.Writer
		}{s.client.reader, s.client.conn},
		Send:   func(send func(io.Writer) error) error { return s.up.Continue(pass, lend(send)) },
		SendAs: func(p *guard.Pass, send func(io.Writer) error) error { return s.up.With(p, lend(send)) },
		Hush:   s.waits.hush, Patience: s.waits.patience, Hurry: s.waits.hurry,
		Take:       func() net.Conn { s.waits.give(); return s.client.conn },
		TargetConn: conn,
	})
	s.unread = true // whatever it sends now
	s.finish(pass, outcome)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return errLeft
}
