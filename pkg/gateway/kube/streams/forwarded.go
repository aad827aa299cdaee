package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/record"
)

func (a Admitted) forward(ctx context.Context, client, target Side) (guard.Outcome, error) {
	f := &forwarded{ctx: ctx, Admitted: a}
	if a.Pass.Scan() != nil { // the request must not have been let through
		_, _ = client.Conn.Close(), target.Conn.Close()
		return guard.Outcome{Error: "detectors can't look into forwarded connections"}, guard.ErrDetectors
	}
	err := Forward(ctx, a.Plan, client, target, f)
	o := guard.Outcome{Bytes: f.received.Load(), Error: failure(err)}
	if err == ErrLeft { // that is how a port-forward ends
		o.Error, err = "", nil
	}
	o.Tag = fmt.Sprintf("%d connections, %d bytes sent, %d received", f.links.Load(), f.sent.Load(), f.received.Load())
	return o, err
}

// forwarded carries connections as the guard has it: each piece may still be refused and is counted, and each connection is
// recorded.
type forwarded struct {
	Admitted
	ctx                   context.Context //nolint:containedctx // of the one call of Forward that it lives for
	links, sent, received atomic.Int64
}

// Open begins a connection, where the request still stands and its port is one that the policy lets this person reach. That it begins is
// recorded before the cluster hears of it.
func (f *forwarded) Open(port uint16) (Link, error) {
	if err := f.Pass.Stands(f.ctx); err != nil {
		return nil, err
	}
	if f.Port == nil {
		return nil, &Closed{"hoop: connections are not judged here, so none is made"}
	}
	left, err := f.Pass.Reach(f.ctx, f.Port(port))
	var no *guard.Refusal
	if errors.As(err, &no) {
		return nil, &Closed{said(no.Message, no.Hint())}
	}
	l := &forwardedLink{of: f, port: port, began: time.Now(), left: left}
	if err == nil {
		err = errors.Join(f.Pass.Event(record.Notice{Command: f.Pass.Number(), Code: PortForward, Message: "to " + l.address()}), f.Gate.Commit())
	}
	if err != nil {
		if left != nil {
			left()
		}
		return nil, err
	}
	f.links.Add(1)
	return l, nil
}

// forwardedLink is one connection.
type forwardedLink struct {
	of             *forwarded
	port           uint16
	began          time.Time
	left           func()
	sent, received atomic.Int64
}

// address is the pod's port, in records.
func (l *forwardedLink) address() string { return l.of.Object + ":" + strconv.Itoa(int(l.port)) }

// Sent counts what goes to the pod.
func (l *forwardedLink) Sent(p []byte) error {
	l.sent.Add(int64(len(p)))
	l.of.sent.Add(int64(len(p)))
	return l.of.Pass.Stands(l.of.ctx)
}

// Received counts what comes from it, which limits count too.
func (l *forwardedLink) Received(p []byte) error {
	l.received.Add(int64(len(p)))
	l.of.received.Add(int64(len(p)))
	if err := l.of.Pass.Stands(l.of.ctx); err != nil {
		return err
	}
	if over := l.of.Pass.Piece(len(p)); over != nil {
		return over
	}
	return nil
}

// Close records the connection.
func (l *forwardedLink) Close(said string) {
	l.left()
	e := record.Forward{
		Command: l.of.Pass.Number(), What: PortForward, Address: l.address(),
		Sent: l.sent.Load(), Received: l.received.Load(), DurationUS: time.Since(l.began).Microseconds(), Error: shown(said),
	}
	if err := l.of.Pass.Event(e); err != nil && l.of.Plan.Log != nil { // nothing stands behind it whose recording failed
		l.of.Plan.Log.Error("forwarded connection not recorded", "error", err)
	}
}

// shown is a text of a peer's in at most 200 characters that can stand in a line.
func shown(text string) string {
	quoted := strconv.QuoteToASCII(text)
	return quoted[1 : 1+min(len(quoted)-2, 200)]
}
