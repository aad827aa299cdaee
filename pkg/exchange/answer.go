package exchange

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// answer does all that is done for one request. An error ends the session, and whoever could be told was told.
func (s *Session) answer(ctx context.Context, r *http1.Request) error {
	s.busy.Add(1)
	defer s.busy.Add(-1)
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	q := &Request{Request: r, Standing: s.gate.Standing(), session: s, body: r.Body(s.client.reader)}
	q.over.Store(r.Length == 0)
	m, why := s.protocol.Understand(ctx, q)
	if q.err != nil {
		return s.illegible(q)
	}
	if why != nil {
		return s.reply(q, s.protocol.Refuse(s.gate.Reject(ctx, m.Command, *why)))
	}
	v := s.vigil(end)
	defer v.stop()
	if q.over.Load() {
		v.keep()
	}
	pass, err := s.gate.Admit(ctx, s.asked(q, m))
	if err != nil {
		v.stop()
		return s.refused(ctx, q, err)
	}
	defer pass.Timed(func(r *guard.Refusal) { end(r) })()
	defer s.attend(ctx, pass, end).stop()
	return s.perform(ctx, q, m, pass, v)
}

// asked is the command that the guard judges. What was approved is understood anew before it runs: the policy may be another.
func (s *Session) asked(q *Request, m *Meaning) guard.Command {
	c := m.Command
	if c.NoHold == nil {
		c.NoHold = func(context.Context) string { return "" }
	}
	c.Anew = func(ctx context.Context) (guard.Command, error) {
		q.Standing = s.gate.Standing()
		fresh, why := s.protocol.Understand(ctx, q)
		if why != nil {
			return guard.Command{}, errors.New(why.Message)
		}
		*m = *fresh
		return fresh.Command, nil
	}
	return c
}

// illegible answers a request whose body could not be read.
func (s *Session) illegible(q *Request) error {
	if reply, ok := malformed(s.protocol, q.err); ok {
		s.gate.Note("malformed", "a body was not understood: "+q.err.Error())
		_ = write(s.client.conn, q.Request, reply, true)
		s.unread = true
	}
	return errLeft
}

// refused answers a request that was not admitted.
func (s *Session) refused(ctx context.Context, q *Request, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(cause, errLeft) {
		return errLeft
	}
	var r *guard.Refusal
	if errors.As(err, &r) {
		return s.reply(q, s.protocol.Refuse(r))
	}
	s.log.Error("request not admitted", "error", err)
	return s.fail(q, &api.Error{Code: api.CodeInternal, Message: "The request was not admitted."})
}

func (s *Session) fail(q *Request, why *api.Error) error {
	return s.reply(q, s.protocol.Fail(statusOf(why), why))
}

// perform sends an admitted request and brings back its answer.
func (s *Session) perform(ctx context.Context, q *Request, m *Meaning, pass *guard.Pass, v *vigil) error {
	stop := whenOver(ctx, s.abandon) // whatever ends the request ends its waits
	defer stop()
	var a *http1.Answer
	var sending <-chan error
	reached := false
	err := s.up.With(pass, func(t *Target) (err error) {
		reached = true
		a, sending, err = t.send(ctx, &m.Send, m.Body, s.follows(ctx, q, m, pass, v.end), v.keep)
		return err
	})
	defer s.settle(sending)
	switch {
	case err != nil && !reached:
		v.stop()
		s.log.Error("request not recorded", "error", err)
		return s.fail(q, unrecorded())
	case err != nil:
		v.stop()
		return s.unanswered(ctx, q, pass, err)
	}
	shown, err := m.Shows(pass, a)
	if err != nil {
		v.stop()
		s.target.drop()
		s.log.Warn("answer withheld", "error", err)
		s.finish(pass, guard.Outcome{Tag: strconv.Itoa(a.Status), Error: "withheld"})
		return s.fail(q, withheld())
	}
	if a.Status == 101 {
		v.stop()
		return s.switched(ctx, m, pass, a, shown)
	}
	err = s.carry(ctx, q, pass, a, shown, v)
	if err == nil && q.last() {
		s.unread = q.unread()
		return errLeft
	}
	return err
}

// abandon has everything that waits for a request's target return, and gives what is still to be told a moment.
func (s *Session) abandon() {
	s.target.drop()
	s.waits.hurry()
}

// settle returns once nothing more is read of a body that was sent on. A target that answered before it had read all of it gets no more.
func (s *Session) settle(sending <-chan error) {
	if sending == nil {
		return
	}
	select {
	case <-sending:
		return
	default:
	}
	s.target.drop()
	s.waits.hush()
	<-sending
	s.waits.lift()
}

// follows is what is left of the client's body, which is counted and stands only as long as the policy lets it; nil: nothing is.
func (s *Session) follows(ctx context.Context, q *Request, m *Meaning, pass *guard.Pass, end context.CancelCauseFunc) io.Reader {
	if !m.Rest {
		return nil
	}
	q.streams = true
	return readerFunc(func(p []byte) (int, error) {
		n, err := q.Read(p)
		if n > 0 {
			pass.Input(p[:n])
			if err := pass.Stands(ctx); err != nil {
				end(err)
				return 0, err
			}
			if r := m.refuses(ctx, pass, p[:n]); r != nil {
				end(r)
				return 0, r
			}
		}
		var bad *http1.Error
		switch {
		case errors.As(err, &bad):
			end(bad)
		case err != nil && !errors.Is(err, io.EOF):
			end(errLeft)
		}
		return n, err
	})
}

// refuses looks at a piece of what follows.
func (m *Meaning) refuses(ctx context.Context, pass *guard.Pass, piece []byte) *guard.Refusal {
	if m.Follows == nil {
		return nil
	}
	why := m.Follows(piece)
	if why == nil {
		return nil
	}
	return pass.Refuse(ctx, *why)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// unanswered says that no answer came, where there is still somebody to tell.
func (s *Session) unanswered(ctx context.Context, q *Request, pass *guard.Pass, err error) error {
	cause := context.Cause(ctx)
	var refused *guard.Refusal
	var over *api.Error
	var bad *http1.Error
	switch {
	case errors.As(cause, &refused):
		s.finish(pass, guard.Outcome{Error: refused.Code})
		return s.reply(q, s.protocol.Refuse(refused))
	case errors.Is(cause, errLeft):
		s.finish(pass, guard.Outcome{Error: "the client left"})
		return errLeft
	case errors.As(cause, &bad):
		s.finish(pass, guard.Outcome{Error: "malformed"})
		q.err = bad
		return s.illegible(q)
	case errors.As(cause, &over):
		s.finish(pass, guard.Outcome{Error: over.Code})
		_ = s.fail(q, over)
		return cause
	}
	s.log.Warn("target not heard", "error", err)
	s.finish(pass, guard.Outcome{Error: "the target did not answer"})
	if !errors.Is(err, errUnreached) {
		return s.fail(q, brokeOff())
	}
	return s.fail(q, &api.Error{Code: api.CodeTargetDown, Message: "The target can't be reached.", Hint: "Try again; if it stays so, ask who runs the gateway: its log says more.", Retryable: true})
}

func brokeOff() *api.Error {
	return &api.Error{
		Code: api.CodeTargetDown, Message: "The target broke off before it answered. The request may have been carried out.",
		Hint: "Ask who runs the gateway: its log says more.",
	}
}

func unrecorded() *api.Error {
	return &api.Error{
		Code: "unrecorded", Message: "The recording can't be written, and nothing runs unrecorded.",
		Hint: "Connect again once the gateway's operator has made room for recordings.", Retryable: true,
	}
}

func withheld() *api.Error {
	return &api.Error{
		Code: api.CodeTargetDown, Message: "The target's answer can't be looked at for what is masked here, so it is withheld. The request was carried out.",
		Hint: "Ask who runs the gateway: its log says more.",
	}
}

func (s *Session) finish(p *guard.Pass, o guard.Outcome) {
	if err := p.Finish(o); err != nil {
		s.log.Error("outcome not recorded", "error", err)
	}
}
