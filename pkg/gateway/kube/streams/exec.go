package streams

import (
	"context"
	"errors"
	"log/slog"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/spdy"
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

// Carry carries an exec or an attach until it ends. It answers nil where the cluster ended the connection, ErrLeft where the
// client did, *Violation where one of them broke the protocol, and else what to answered or why ctx ended. Both connections are
// closed then.
func Carry(ctx context.Context, plan Plan, client, target Side, to Command) error {
	c := newCarriage(plan, client, target)
	if plan.Protocol != SPDY {
		c.channels(newCommand(plan, to), plan.Protocol == channelsV5)
		return c.run(ctx)
	}
	c.relay(&spdyCommand{command: newCommand(plan, to)})
	return c.run(ctx)
}

func newCommand(plan Plan, to Command) *command { return &command{plan: plan, to: to} }

func newCarriage(plan Plan, client, target Side) *carriage {
	c := &carriage{log: plan.Log, client: client.filled(false), target: target.filled(true)}
	c.target.Read = until{c.target.Read, c}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c
}

// relay has SPDY spoken on both sides.
func (c *carriage) relay(what carried) {
	r := newRelay(what, c.client, c.target)
	c.up = func() error { return read(c.client, r.fromClient) }
	c.down = func() error { return read(c.target, r.fromTarget) }
	c.last = r.last
}

// errRefused refuses one stream of many.
var errRefused = errors.New("this stream is refused")

// spdyCommand is a command whose streams are SPDY's.
type spdyCommand struct {
	*command
	opened [kinds]bool
}

func (c *spdyCommand) opens(f *spdy.Frame) (*stream, []spdy.Header, error) {
	k := kindOf(f.Get("streamtype"))
	if !c.plan.asked(k) {
		return nil, nil, fromClient("a stream %s, which its request did not ask for", k)
	}
	if c.opened[k] {
		return nil, nil, fromClient("a second stream %s", k)
	}
	c.opened[k] = true
	return &stream{kind: k}, []spdy.Header{{Name: "streamtype", Value: k.String()}}, nil
}

func (c *spdyCommand) sent(s *stream, p []byte, _ bool) ([]byte, error) {
	return c.command.sent(s.kind, p)
}

func (c *spdyCommand) shown(s *stream, p []byte, last bool) ([]byte, error) {
	return c.command.shown(s.kind, p, last)
}

func (c *spdyCommand) closed(*stream) {}

// last tells the verdict in the stream for it.
func (c *spdyCommand) last(s *stream, err error) []byte {
	if s.kind != status {
		return nil
	}
	if v, ok := c.verdict(err); ok {
		return v.append(nil)
	}
	return nil
}

// peerError makes what a peer sent that is no frame a violation of its.
func peerError(err error, cluster bool) error {
	var noFrame *spdy.Error
	var noMessage *websocket.Error
	switch {
	case errors.As(err, &noFrame):
		return &Violation{cluster, "what is no frame: " + noFrame.Reason}
	case errors.As(err, &noMessage):
		return &Violation{cluster, "what is no message: " + noMessage.Reason}
	}
	return err
}
