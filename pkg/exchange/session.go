package exchange

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// Client is a socket whose first request was read.
type Client struct {
	Grant string // that it came with

	conn   net.Conn
	reader *bufio.Reader
	first  *http1.Request
	words  Words
}

// roomOfReader is how much of a socket is read at once: a whole head is never more.
const roomOfReader = 64 << 10

// Client is what the program calls itself.
func (c *Client) Client() string { return c.first.Fields.Get("User-Agent") }

// Done says that there is a session to open.
func (c *Client) Done() bool { return false }

// Refuse answers the first request where there is no session for it.
func (c *Client) Refuse(why *api.Error) {
	_ = c.conn.SetWriteDeadline(time.Now().Add(tellWithin))
	_ = write(c.conn, c.first, c.words.Fail(statusOf(why), why), true)
	tunnel.Part(context.Background(), c.conn, partWithin, tellWithin, nil)
}

// malformed is the answer to what http1 could not read; false where there is nobody to answer.
func malformed(words Words, err error) (Reply, bool) {
	if err == nil {
		return Reply{}, false
	}
	var bad *http1.Error
	if !errors.As(err, &bad) {
		return Reply{}, false
	}
	return words.Fail(bad.Status, &api.Error{Code: api.CodeUsage, Message: "The request is malformed: " + bad.Reason + "."}), true
}

// statusOf is the HTTP status of an error that is none of a request.
func statusOf(e *api.Error) int {
	switch e.Code {
	case api.CodeTargetDown:
		return 502
	case api.CodeGrantEnded, api.CodeLocked, api.CodeNoSuchConnection:
		return 403
	default:
		return 503
	}
}

// Session is one client socket, and one connection to the target at a time.
type Session struct {
	log      *slog.Logger
	protocol Protocol
	client   *Client
	target   *Target

	gate   *guard.Session
	up     *guard.Upstream[*Target]
	busy   atomic.Int64
	waits  waits
	unread bool // the last words were written while the client may still send

	toWatch alarm // of the vigil of the request that is answered
	toAsk   alarm // of its attention

	out  []byte // room for what is written
	room []byte // room for what is read
}

// NewSession serves a client in front of a target. The session owns both.
func NewSession(log *slog.Logger, c *Client, p Protocol, t *Target) *Session {
	return &Session{
		log: log, protocol: p, client: c, target: t, waits: waits{conn: c.conn}, toWatch: alarm{after: vigilAfter}, toAsk: alarm{after: standsEvery},
	}
}

var errLeft = errors.New("the client left")

// Serve answers requests until the client leaves or ctx ends, which cuts off what runs.
func (s *Session) Serve(ctx context.Context, gate *guard.Session) (err error) {
	s.gate, s.up = gate, guard.NewUpstream(gate, s.target)
	defer func() {
		s.target.Close()
		if s.unread || ctx.Err() != nil {
			s.waits.give()
			tunnel.Part(ctx, s.client.conn, partWithin, tellWithin, nil)
		}
		_ = s.Close()
	}()
	defer func() {
		if e := recover(); e != nil {
			s.log.Error("session panicked", "panic", fmt.Sprint(e), "stack", string(debug.Stack()))
			err = errors.New("internal error")
		}
	}()
	stop := whenOver(ctx, s.interrupt)
	defer stop()
	for r := s.client.first; ; {
		if err := s.answer(ctx, r); err != nil {
			return s.ending(ctx, err)
		}
		if r, err = s.next(); err != nil {
			return s.ending(ctx, err)
		}
	}
}

// interrupt has everything that waits for a peer return.
func (s *Session) interrupt() {
	s.waits.interrupt()
	s.target.Close()
}

// next reads the head of another request.
func (s *Session) next() (*http1.Request, error) {
	s.waits.calm()
	s.waits.patience(idleFor)
	if _, err := s.client.reader.Peek(1); err != nil {
		return nil, errLeft
	}
	if !http1.HeadBuffered(s.client.reader) {
		s.waits.patience(headWithin)
	}
	r, err := http1.ReadRequest(s.client.reader)
	if reply, ok := malformed(s.protocol, err); ok {
		s.gate.Note("malformed", "a request was not understood: "+err.Error())
		_ = write(s.client.conn, nil, reply, true)
		s.unread = true
		return nil, errLeft
	}
	return r, err
}

// ending is why the session is over: nil where the client left by itself.
func (s *Session) ending(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var timed net.Error
	if errors.Is(err, errLeft) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &timed) {
		return nil
	}
	return err
}

// Idle says whether no request is being answered.
func (s *Session) Idle() bool { return s.busy.Load() == 0 }

// Close closes both sides. It may be called more than once.
func (s *Session) Close() error {
	s.target.Close()
	s.toWatch.end()
	s.toAsk.end()
	_ = s.client.conn.Close() // it is closed already where it was served
	return nil
}
