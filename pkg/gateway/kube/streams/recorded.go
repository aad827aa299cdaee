package streams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

// Admitted is a request that the guard admitted and the cluster answered with 101.
type Admitted struct {
	Gate *guard.Session
	Pass *guard.Pass
	Plan Plan
	// Input is what of typed input is recorded: record.InputNone or record.InputEchoed.
	Input string
	// Object names the pod in records of forwarded connections: "namespace/pods/name".
	Object string
	// Secrets are not seen in output, nor in what is said of a command's end: the cluster's credential. nil: there are none.
	Secrets *body.Secrets
	// Port is the command of one connection of a port-forward, to a port of the pod; nil: none is made.
	Port func(port uint16) guard.Command
}

// Carry carries an admitted request until it ends, with its streams recorded and looked at by detectors, and answers its
// outcome. The pass is the caller's to finish; both connections are closed. The error is why it did not come to its own end:
// what Carry and Forward answer.
func (a Admitted) Carry(ctx context.Context, client, target Side) (guard.Outcome, error) {
	target.Gate = func(to io.Writer) io.Writer {
		return gated{guard.NewUpstream(a.Gate, to), a.Pass}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer a.Pass.Timed(func(r *guard.Refusal) { cancel(r) })()
	if a.Plan.What == PortForward {
		return a.forward(ctx, client, target)
	}
	return a.command(ctx, client, target)
}

// gated is the cluster's connection behind the gate: nothing is written for a command that is not admitted, or over.
type gated struct {
	up   *guard.Upstream[io.Writer]
	pass *guard.Pass
}

func (g gated) Write(p []byte) (n int, err error) {
	err = g.up.Continue(g.pass, func(w io.Writer) (err error) {
		n, err = w.Write(p)
		return err
	})
	return n, err
}

func (a Admitted) command(ctx context.Context, client, target Side) (guard.Outcome, error) {
	defer func() { _, _ = client.Conn.Close(), target.Conn.Close() }()
	t := record.Terminal{What: a.Plan.What, PTY: a.Plan.TTY, Input: a.Input}
	kept, err := a.Pass.Stream(t)
	if err != nil {
		return guard.Outcome{Error: "the output can't be recorded"}, err
	}
	r := &recorded{ctx: ctx, Admitted: a, kept: kept}
	if err = r.looks(); err == nil {
		err = Carry(ctx, a.Plan, client, target, r)
	}
	o, exit := r.outcome(err)
	if closed := kept.Close(exit); closed != nil {
		err = errors.Join(err, fmt.Errorf("record the end: %w", closed))
	}
	return o, err
}

// recorded carries a command as the guard has it: each piece may still be refused, is looked at, counted and recorded.
type recorded struct {
	Admitted
	ctx  context.Context //nolint:containedctx // of the one call of Carry that it lives for
	kept *cast.Stream
	// What the client sees, and what recordings hold of a terminal, in which those are not to show what a client typed itself.
	out, errs, own looks
	bytes          int64

	mu    sync.Mutex
	ended *Status
}

// looks are what looks at one stream: detectors, and the search for secrets.
type looks struct {
	look        *guard.Look
	live        *body.Live
	found, left []byte
}

// piece is what may be seen by now. It is good until the next call.
func (l *looks) piece(p []byte, last bool) (_ []byte, err error) {
	if l.found, err = l.look.Piece(l.found[:0], p, last); err != nil || l.live == nil {
		return l.found, err
	}
	l.left = l.live.Write(l.left[:0], l.found, last)
	return l.left, nil
}

func (r *recorded) looks() (err error) {
	scan := r.Pass.Scan()
	for _, l := range []*looks{&r.out, &r.errs, &r.own} {
		l.live = r.Secrets.Live()
		if l.look, err = guard.NewLook(scan); err != nil {
			return err
		}
	}
	return nil
}

// Input records what is typed as far as it may be, and counts and hashes what is sent to a command without a terminal: what is
// typed may be a password, which a hash would tell.
func (r *recorded) Input(p []byte) error {
	if err := r.Pass.Stands(r.ctx); err != nil {
		return err
	}
	if err := r.kept.Input(p); err != nil {
		return err
	}
	if r.Plan.TTY {
		r.out.look.Typed(p)
		return nil
	}
	r.Pass.Input(p)
	return nil
}

// Output has detectors look at a piece, counts it and records it before the client gets it.
func (r *recorded) Output(toErrors bool, p []byte, last bool) (shown []byte, err error) {
	if err := r.Pass.Stands(r.ctx); err != nil {
		return nil, err
	}
	by, keep := &r.out, r.kept.Output
	if toErrors {
		by, keep = &r.errs, r.kept.Errors
	}
	if shown, err = by.piece(p, last); err != nil {
		return nil, err
	}
	held := shown
	if r.Plan.TTY {
		if held, err = r.own.piece(p, last); err != nil {
			return nil, err
		}
	}
	r.bytes += int64(len(shown))
	if over := r.Pass.Piece(len(shown)); over != nil {
		return nil, over
	}
	if len(held) > 0 {
		err = keep(held)
	}
	return shown, err
}

// Resize records a new size.
func (r *recorded) Resize(columns, rows uint16) error {
	if err := r.Pass.Stands(r.ctx); err != nil {
		return err
	}
	return r.kept.Resize(uint32(columns), uint32(rows))
}

// Ended keeps how the command ended. What the cluster says of it may hold what detectors look for.
func (r *recorded) Ended(s Status) (_ Status, err error) {
	if s.Message, err = r.Pass.Scan().Text(s.Message); err != nil {
		return Status{}, err
	}
	s.Message = r.Secrets.Hide(s.Message)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = &s
	return s, nil
}

// outcome is how a command ended, for the record and for the recording of its streams.
func (r *recorded) outcome(err error) (guard.Outcome, record.Exit) {
	r.mu.Lock()
	s := r.ended
	r.mu.Unlock()
	o := guard.Outcome{Bytes: r.bytes, Error: failure(err)}
	x := record.Exit{Error: o.Error}
	switch {
	case s == nil && err == nil:
		o.Error = "the cluster did not say how it ended"
		x.Error = o.Error
	case s == nil:
	case s.Success || s.Exit != nil:
		if err == nil || errors.Is(err, ErrLeft) { // a client may leave once it was told
			o.Error, x.Error = "", ""
		}
		x.Status = new(uint32)
		if s.Exit != nil {
			*x.Status = *s.Exit
		}
		o.Tag = fmt.Sprintf("exit %d", *x.Status)
	case err == nil || errors.Is(err, ErrLeft):
		o.Error = "the cluster: " + shown(s.Message)
		x.Error = o.Error
	}
	return o, x
}

// failure is why something did not come to its own end, in words for the record.
func failure(err error) string {
	var refused *guard.Refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refused):
		return refused.Code
	}
	return shown(err.Error())
}
