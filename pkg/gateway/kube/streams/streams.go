// Package streams carries what passes behind a verified 101 of Kubernetes: exec, attach and port-forward, over SPDY/3.1 and over
// WebSocket.
//
// Both upgraded connections end here. A stream of the client is opened at the cluster only where the request asked for its
// kind, each kind once; every frame is read, understood and written anew; what no rule of the protocol names ends the session
// with a reason that is recorded. Whoever carries is told of every byte before it goes on, and says what of the output may be
// shown.
package streams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// What a request is for, as recordings name it.
const (
	Exec        = "exec"
	Attach      = "attach"
	PortForward = "port-forward"
)

// Plan is what was understood of the request for an upgrade: nothing else passes behind it.
type Plan struct {
	What     string // Exec, Attach or PortForward
	Protocol string // one of Protocols: SPDY, or a subprotocol of WebSocket
	// Which streams the request asked for. With a terminal there is no stderr.
	Stdin, Stdout, Stderr, TTY bool
	Log                        *slog.Logger // nil: nothing is logged
}

// Side is one of the two upgraded connections.
type Side struct {
	Conn net.Conn
	Read io.Reader // what was read of it already, and the rest; nil: Conn
	// Gate puts what is written behind a gate, which may refuse it; nil: there is none.
	Gate func(io.Writer) io.Writer

	write io.Writer
}

// filled is a side whose errors tell that it is gone.
func (s Side) filled(cluster bool) Side {
	if s.Read == nil {
		s.Read = s.Conn
	}
	s.Read, s.write = reader{s.Read, cluster}, writer{s.Conn, cluster}
	if s.Gate != nil {
		s.write = s.Gate(s.write)
	}
	return s
}

// ErrLeft says that the client ended the connection by itself.
var ErrLeft = errors.New("the client left")

// Violation says that a peer sent what the protocol, or the request, does not have.
type Violation struct {
	Cluster bool // it was the cluster that sent it
	Reason  string
}

// Error is who did what.
func (v *Violation) Error() string {
	if v.Cluster {
		return "the cluster sent " + v.Reason
	}
	return "the client sent " + v.Reason
}

// Limits in time.
const (
	// grace is how long a peer has to take the last words when a session is ended.
	grace = 300 * time.Millisecond
	// parting is how long a client has to close its connection when the cluster has ended.
	parting = 5 * time.Second
)

// carriage is one session of two connections and what is done with them.
type carriage struct {
	log            *slog.Logger
	client, target Side
	up             func() error            // from the client to the cluster, until the client ends (io.EOF) or something is wrong
	down           func() error            // the other way
	last           func(err error)         // says to the client how it ends; nil: the cluster ended
	ctx            context.Context         //nolint:containedctx // of run, which it is made for
	close          context.CancelCauseFunc // of that
}

// run carries until the cluster ends, the client leaves, a peer breaks the protocol or ctx ends. It answers nil where the cluster
// ended, and why it ended else. Both connections are closed then.
func (c *carriage) run(whole context.Context) error {
	ctx, cancel := context.WithCancelCause(whole)
	defer cancel(nil)
	c.ctx, c.close = ctx, cancel
	_, _ = c.client.Conn.SetDeadline(time.Time{}), c.target.Conn.SetDeadline(time.Time{}) // both may be silent for as long as they like
	up, down := make(chan struct{}), make(chan struct{})
	go c.loop(c.up, true, up)
	go c.loop(c.down, false, down)
	stop := context.AfterFunc(ctx, func() {
		_ = c.client.Conn.SetWriteDeadline(time.Now().Add(grace)) // what is being written may be in the way
		_ = c.target.Conn.Close()
	})
	defer stop()
	<-down                      // it ends when the cluster's connection does
	why := context.Cause(whole) // whoever ends it may have been heard of by what they did to the connection first
	if why == nil {
		why = context.Cause(ctx)
	}
	_ = c.target.Conn.Close()
	if ctx.Err() != nil { // the last words have their time now, however long ago the end came
		_ = c.client.Conn.SetWriteDeadline(time.Now().Add(grace))
	}
	c.last(why)
	tunnel.Part(ctx, c.client.Conn, parting, grace, up)
	return why
}

// loop runs one direction, and ends the whole with what is wrong.
func (c *carriage) loop(f func() error, fromClient bool, done chan<- struct{}) {
	defer close(done)
	defer func() {
		if e := recover(); e != nil {
			c.log.Error("session panicked", "panic", fmt.Sprint(e), "stack", string(debug.Stack()))
			c.close(errors.New("internal error"))
		}
	}()
	c.ended(f(), fromClient)
	if fromClient { // the cluster may still have something to say, which the client reads while it sends
		_, _ = io.Copy(io.Discard, c.client.Conn)
		c.close(ErrLeft)
	}
}

// ended says what the end of one direction means for the whole.
func (c *carriage) ended(err error, fromClient bool) {
	var lost *gone
	if errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, &lost) {
		err = &gone{!fromClient, err}
	}
	switch {
	case errors.Is(err, io.EOF) && fromClient:
		c.close(ErrLeft)
	case errors.Is(err, io.EOF): // what is left is told by last
	case !errors.As(err, &lost):
		c.close(peerError(err, !fromClient))
	case !lost.cluster:
		c.close(ErrLeft)
	case !fromClient:
		c.close(lost)
	default: // the cluster reads no more, but may still have something to say
	}
}
