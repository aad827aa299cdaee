package exchange

import (
	"context"
	"errors"
	"io"
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
	stop := context.AfterFunc(ctx, s.interrupt)
	defer stop()
	_ = t.conn.SetReadDeadline(time.Time{}) // a switched connection may be silent for as long as it likes
	s.out = http1.AppendAnswer(s.out[:0], &http1.Answer{Status: 101, Fields: shown.Fields, Upgrade: a.Upgrade})
	if _, err := s.client.conn.Write(s.out); err != nil {
		s.finish(pass, guard.Outcome{Tag: "101", Error: "the client left"})
		return errLeft
	}
	outcome := m.Carry(ctx, Switched{
		Pass: pass, Protocol: m.Send.Upgrade, Answer: a,
		Client: struct {
			io.Reader
			io.Writer
		}{s.client.reader, s.client.conn},
		Send: func(send func(io.Writer) error) error {
			return s.up.Continue(pass, func(t *Target) error { return send(t.conn) })
		},
		Target: t.reader,
		End:    t.drop,
	})
	s.finish(pass, outcome)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return errLeft
}
