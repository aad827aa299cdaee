package localproxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/localproxy/relay"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/pump"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

const (
	// answersWithin is how long answers of the gateway may keep an answer of ours waiting that stands behind them.
	answersWithin = 10 * time.Second
	// leaveWithin is how long a program may go on sending after the last answer: a socket that is closed under what it
	// sends would be reset, and the answer lost.
	leaveWithin = 2 * time.Second
	// headRoom is the buffer for heads of requests. Large reads of bodies pass it by.
	headRoom = 8 << 10
	// framing is more than chunks add to a full read, so that it leaves in one write.
	framing = 64
)

// conversation is one local socket on which requests come, one behind the other. Each is checked before a byte of it is
// passed on, and passed on as it was understood. Answers are passed back unread.
type conversation struct {
	*Proxy
	local relay.Conn
	in    *bufio.Reader
	out   *bufio.Writer // to the tunnel
	say   saying

	remote   tunnel.Conn   // nil until the first request is passed on
	gone     func()        // says that this client went
	answered chan struct{} // closed when the answers of the tunnel are over
	why      *api.Error    // why there is no tunnel
	holds    atomic.Bool   // an answer of ours stands behind those of the tunnel
	raw      atomic.Bool   // behind an upgrade
}

// converse is the life of one local socket. proved takes it out of those that may be cut to make room.
func (p *Proxy) converse(ctx context.Context, local relay.Conn, proved func() bool, d *door, say saying) {
	t := &conversation{Proxy: p, local: local, in: bufio.NewReaderSize(local, headRoom), say: say, answered: make(chan struct{})}
	t.out = bufio.NewWriterSize(writerFunc(func(b []byte) (int, error) { return t.send(ctx, b) }), pump.Room+framing)
	defer t.end()
	if local.SetDeadline(time.Now().Add(openWithin)) != nil {
		return
	}
	for first := true; ; first = false {
		q, err := http1.ReadRequest(t.in)
		if err != nil {
			t.stop(ctx, nil, err)
			return
		}
		if r := d.admit(q); r != nil {
			t.reply(ctx, q, r)
			return
		}
		if first && (!proved() || local.SetDeadline(time.Time{}) != nil) {
			return
		}
		if err := t.pass(q); err != nil {
			t.stop(ctx, q, err)
			return
		}
		if q.Upgrade != "" {
			t.passRaw()
			return
		}
	}
}

// pass passes one request on: what there is of it by one write, and what comes later by one write for each read.
func (t *conversation) pass(q *http1.Request) error {
	head := http1.AppendRequest(t.out.AvailableBuffer(), q)
	if len(head) == 0 {
		return &http1.Error{Status: http.StatusBadRequest, Reason: "it can't be written"}
	}
	if _, err := t.out.Write(head); err != nil {
		return err
	}
	if q.Length == 0 {
		return t.out.Flush()
	}
	body, frames := q.Body(t.in), http1.NewBodyWriter(t.out, q.Length)
	room, lent := t.room()
	defer lent()
	for {
		if t.in.Buffered() == 0 {
			if err := t.out.Flush(); err != nil {
				return err
			}
		}
		n, err := body.Read(room)
		if n > 0 {
			if _, werr := frames.Write(room[:n]); werr != nil {
				return werr
			}
		}
		switch {
		case err == io.EOF:
			return errors.Join(frames.Close(), t.out.Flush())
		case err != nil:
			return err
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// errTunnel says that the tunnel takes no more. There may be an answer that says why.
var errTunnel = errors.New("write to the tunnel")

// send writes to the tunnel, which the first bytes open: they are then in the same flight.
func (t *conversation) send(ctx context.Context, b []byte) (int, error) {
	if t.remote != nil {
		n, err := t.remote.Write(b)
		if err != nil {
			err = errors.Join(errTunnel, err)
		}
		return n, err
	}
	remote, session, err := t.dial(ctx, b)
	if err != nil {
		t.why = asError(err)
		return 0, err
	}
	t.remote, t.gone = remote, t.client(session)
	go func() {
		defer close(t.answered) // end waits for it
		t.passBack()
	}()
	return len(b), nil
}

// passBack passes the tunnel's answers on until they end. Unless something of ours stands behind them, their end is
// passed on too, and the program has a moment to notice.
func (t *conversation) passBack() {
	err := t.copy(t.local, t.remote)
	switch {
	case t.holds.Load():
	case err != nil:
		t.breakOff()
	case t.local.CloseWrite() != nil:
		tunnel.Abort(t.local)
	case !t.raw.Load():
		soon := time.Now().Add(leaveWithin)
		_, _ = t.local.SetReadDeadline(soon), t.remote.SetWriteDeadline(soon) // else they are gone
	}
}

// copy copies to the end of src, by one write for each read.
func (t *conversation) copy(dst io.Writer, src io.Reader) error {
	room, lent := t.room()
	defer lent()
	for {
		n, err := src.Read(room)
		if n > 0 {
			if _, werr := dst.Write(room[:n]); werr != nil {
				return werr
			}
		}
		switch {
		case err == io.EOF: // in order, and not inside of something
			return nil
		case err != nil:
			return err
		}
	}
}

// passRaw passes on what follows an upgrade. The gateway has promised to close a socket whose upgrade did not come about.
func (t *conversation) passRaw() {
	t.raw.Store(true)
	if t.local.SetReadDeadline(time.Time{}) != nil || t.copy(t.remote, t.in) != nil {
		t.breakOff()
		return
	}
	t.leave()
}

// breakOff ends both sides such that what was under way can't be taken for whole: an answer may have no other end than the
// socket's.
func (t *conversation) breakOff() {
	if tcp, ok := t.local.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else it is gone
	}
	tunnel.Abort(t.local)
	tunnel.Abort(t.remote)
}

// stop ends a socket on which no further request can be read, or one could not be passed on.
func (t *conversation) stop(ctx context.Context, q *http1.Request, err error) {
	var malformed *http1.Error
	switch {
	case t.why != nil:
		t.reply(ctx, q, &reply{status: http.StatusServiceUnavailable, why: t.why})
	case errors.As(err, &malformed):
		if q != nil && t.remote != nil {
			tunnel.Abort(t.remote) // what it would say to half a request is of no use
		}
		t.reply(ctx, q, &reply{status: malformed.Status, why: &api.Error{Code: api.CodeUsage, Message: "The request is malformed: " + malformed.Reason + "."}})
	case err == io.EOF && q == nil && t.remote != nil: // between two requests
		t.leave()
	case errors.Is(err, errTunnel) && t.remote.SetReadDeadline(time.Now().Add(answersWithin)) == nil:
		<-t.answered
		_, _ = io.Copy(io.Discard, t.in)
	case t.remote != nil:
		tunnel.Abort(t.remote)
	}
}

// leave tells the gateway that nothing more comes, and passes the answers on that do.
func (t *conversation) leave() {
	if t.remote.CloseWrite() != nil {
		tunnel.Abort(t.remote)
	}
	<-t.answered
}

// reply answers a request here, behind all answers of the gateway, and ends the socket. What is there of a request with a
// secret that was guessed waits for its turn.
func (t *conversation) reply(ctx context.Context, q *http1.Request, r *reply) {
	if t.remote != nil {
		t.holds.Store(true)
		if t.remote.CloseWrite() != nil || t.remote.SetReadDeadline(time.Now().Add(answersWithin)) != nil {
			tunnel.Abort(t.remote)
		}
		<-t.answered
	}
	if r.guess {
		if t.local.SetDeadline(time.Time{}) != nil || t.guesses.wrong(ctx) != nil {
			return
		}
	}
	if t.local.SetDeadline(time.Now().Add(leaveWithin)) != nil {
		return
	}
	if _, err := t.local.Write(r.encode(q, t.say)); err == nil && t.local.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(t.in, 1<<20))
	}
}

// end takes the tunnel down.
func (t *conversation) end() {
	if t.remote != nil {
		t.forget(t.remote)
		<-t.answered
		t.gone()
	}
}

// room lends a buffer. Its content is overwritten, never read, by the next user.
func (t *conversation) room() (room []byte, back func()) {
	lent, ok := t.rooms.Get().(*[pump.Room]byte)
	if !ok {
		lent = new([pump.Room]byte)
	}
	return lent[:], func() { t.rooms.Put(lent) }
}
