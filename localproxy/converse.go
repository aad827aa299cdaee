package localproxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/localproxy/relay"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/pump"
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

// turns is how many requests of one socket pass in the loop before others have their turn.
const turns = 8

// conversation is one local socket on which requests come, one behind the other. Each is checked before a byte of it is
// passed on, and passed on as it was understood. Answers are passed back unread.
//
// One goroutine owns the requests, another the answers. Where there is a loop both leave their waiting to it, and it passes on
// what can be without waiting: answers, and requests that are there whole. All else is for the goroutine, as if there were no
// loop: what comes in pieces, what is refused, ends and errors.
type conversation struct {
	*Proxy
	door  *door
	local *relay.End
	in    *bufio.Reader
	out   *bufio.Writer // to the tunnel
	say   saying

	remote   *relay.End    // nil until the first request is passed on
	gone     func()        // says that this client went
	answered chan struct{} // closed when the answers of the tunnel are over
	why      *api.Error    // why there is no tunnel
	holds    atomic.Bool   // an answer of ours stands behind those of the tunnel
	late     atomic.Bool   // those did not end in time
	raw      atomic.Bool   // behind an upgrade
	leaving  *time.Timer   // ends the reading of requests behind the last answer; of the answers' goroutine, until answered

	// Of whoever has the requests: the loop while the local end is parked.
	inLoop bool
	met    *turn // what the loop met and could not pass on
}

// turn is a request whose turn it is.
type turn struct {
	q   *http1.Request // nil: none could be read
	r   *reply         // it may not pass
	err error          // it could not be read, or be passed on
}

// converse is the life of one local socket. proved takes it out of those that may be cut to make room.
func (p *Proxy) converse(ctx context.Context, local relay.Conn, proved func() bool, d *door, say saying) {
	t := &conversation{Proxy: p, door: d, local: &relay.End{Conn: local}, say: say, answered: make(chan struct{})}
	t.in = bufio.NewReaderSize(readerFunc(func(b []byte) (int, error) { return t.local.Read(b) }), headRoom)
	t.out = bufio.NewWriterSize(writerFunc(func(b []byte) (int, error) { return t.send(ctx, b) }), pump.Room+framing)
	defer t.end()
	if local.SetDeadline(time.Now().Add(openWithin)) != nil {
		return
	}
	for first := true; ; first = false {
		n := t.next()
		if n.err != nil {
			t.stop(ctx, n.q, n.err)
			return
		}
		if n.r != nil {
			t.reply(ctx, n.q, n.r)
			return
		}
		if first && (!proved() || local.SetDeadline(time.Time{}) != nil) {
			return
		}
		if err := t.pass(n.q); err != nil {
			t.stop(ctx, n.q, err)
			return
		}
		if n.q.Upgrade != "" {
			t.passRaw()
			return
		}
	}
}

// next reads the next request, behind those that the loop passes on.
func (t *conversation) next() turn {
	for t.local.InLoop() && t.in.Buffered() == 0 {
		t.met = nil
		if err := t.local.Park(t.passWhole); err != nil {
			return turn{err: err}
		}
		if t.met != nil {
			return *t.met
		}
		if err := t.remote.Drain(); err != nil {
			return turn{err: errors.Join(errTunnel, err)}
		}
	}
	return t.read()
}

// read reads one request and has it judged.
func (t *conversation) read() turn {
	q, err := http1.ReadRequest(t.in)
	if err != nil {
		return turn{err: err}
	}
	return turn{q: q, r: t.door.admit(q)}
}

// passWhole passes on the requests that are there whole, as the loop calls it.
func (t *conversation) passWhole([]byte) bool {
	t.inLoop = true
	defer func() { t.inLoop = false }()
	for range turns {
		if _, err := t.in.Peek(1); errors.Is(err, pump.ErrNothing) {
			return true
		} else if err != nil {
			t.met = &turn{err: err}
			return false
		}
		if !http1.HeadBuffered(t.in) {
			return false
		}
		n := t.read()
		if n.err != nil || n.r != nil || n.q.Upgrade != "" || n.q.Length < 0 || n.q.Length > int64(t.in.Buffered()) {
			t.met = &n
			return false
		}
		if n.err = t.pass(n.q); n.err != nil {
			t.met = &n
			return false
		}
		if t.remote.Full() {
			return false
		}
	}
	return false
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

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// errTunnel says that the tunnel takes no more. There may be an answer that says why.
var errTunnel = errors.New("write to the tunnel")

// send writes to the tunnel, which the first bytes open: they are then in the same flight.
func (t *conversation) send(ctx context.Context, b []byte) (int, error) {
	if t.remote == nil {
		return len(b), t.open(ctx, b)
	}
	n, err := t.remote.Write(b)
	if err == nil && !t.inLoop {
		err = t.remote.Drain()
	}
	if err != nil {
		err = errors.Join(errTunnel, err)
	}
	return n, err
}

// open opens the tunnel, and has its answers passed back.
func (t *conversation) open(ctx context.Context, first []byte) error {
	remote, session, err := t.dial(ctx, first)
	if err != nil {
		t.why = asError(err)
		return err
	}
	gone := t.client(session)
	t.gone = func() { t.forget(remote); gone() }
	t.local, t.remote = t.links.Take(t.local.Conn, remote)
	go func() {
		defer close(t.answered) // end waits for it
		t.passBack()
	}()
	return nil
}

// passBack passes the tunnel's answers on until they end. Unless something of ours stands behind them, their end is
// passed on too, and the program has a moment to notice.
func (t *conversation) passBack() {
	err := relay.Copy(t.local, t.remote)
	switch {
	case t.holds.Load():
	case err != nil:
		t.breakOff()
	case t.local.CloseWrite() != nil:
		t.local.Abort()
	case !t.raw.Load():
		_ = t.remote.SetWriteDeadline(time.Now().Add(leaveWithin)) // else it is gone
		t.leaving = unread(t.local, leaveWithin)
	}
}

// unread ends the reading of an end after a while. A deadline of that time would not end the waiting in the loop.
func unread(e *relay.End, d time.Duration) *time.Timer {
	return time.AfterFunc(d, func() { _ = e.SetReadDeadline(time.Unix(1, 0)) }) // else it is gone
}

// passRaw passes on what follows an upgrade. The gateway has promised to close a socket whose upgrade did not come about.
func (t *conversation) passRaw() {
	t.raw.Store(true)
	ahead, _ := t.in.Peek(t.in.Buffered()) // never fails
	_, err := t.remote.Write(ahead)
	if err != nil || t.remote.Drain() != nil || relay.Copy(t.remote, t.local) != nil {
		t.breakOff()
		return
	}
	t.leave()
}

// breakOff ends both sides such that what was under way can't be taken for whole: an answer may have no other end than the
// socket's.
func (t *conversation) breakOff() {
	t.local.Break()
	t.remote.Abort()
}

// stop ends a socket on which no further request can be read, or one could not be passed on.
func (t *conversation) stop(ctx context.Context, q *http1.Request, err error) {
	var malformed *http1.Error
	switch {
	case t.why != nil:
		t.reply(ctx, q, &reply{status: http.StatusServiceUnavailable, why: t.why})
	case errors.As(err, &malformed):
		if q != nil && t.remote != nil {
			t.remote.Abort() // what it would say to half a request is of no use
		}
		t.reply(ctx, q, &reply{status: malformed.Status, why: &api.Error{Code: api.CodeUsage, Message: "The request is malformed: " + malformed.Reason + "."}})
	case err == io.EOF && q == nil && t.remote != nil: // between two requests
		t.leave()
	case errors.Is(err, errTunnel):
		t.outlast()
		_, _ = io.Copy(io.Discard, t.in)
	case t.remote != nil:
		t.remote.Abort()
	}
}

// outlast waits for the end of the tunnel's answers: for the gateway, which may go on and on, and for the program, which may not read.
func (t *conversation) outlast() {
	patience := time.AfterFunc(answersWithin, func() {
		t.late.Store(true)
		_ = t.remote.SetReadDeadline(time.Unix(1, 0)) // else it is gone
		_ = t.local.SetWriteDeadline(time.Unix(1, 0))
	})
	defer patience.Stop()
	<-t.answered
}

// leave tells the gateway that nothing more comes, and passes the answers on that do.
func (t *conversation) leave() {
	if t.remote.CloseWrite() != nil {
		t.remote.Abort()
	}
	<-t.answered
}

// reply answers a request here, behind all answers of the gateway, and ends the socket. What is there of a request with a
// secret that was guessed waits for its turn.
func (t *conversation) reply(ctx context.Context, q *http1.Request, r *reply) {
	if r.ask != nil {
		r = r.ask()
	}
	if t.remote != nil {
		t.holds.Store(true)
		if t.remote.CloseWrite() != nil {
			t.remote.Abort()
		}
		if t.outlast(); t.late.Load() {
			t.breakOff() // ours would stand in the middle of another one
			return
		}
		if t.leaving != nil {
			t.leaving.Stop()
		}
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

// end takes both sides down.
func (t *conversation) end() {
	if t.remote == nil {
		return
	}
	t.remote.Settle()
	t.remote.Abort()
	<-t.answered
	if t.leaving != nil {
		t.leaving.Stop()
	}
	t.local.Settle()
	t.local.Abort()
	t.gone()
}

// room lends a buffer. Its content is overwritten, never read, by the next user.
func (t *conversation) room() (room []byte, back func()) {
	lent, ok := t.rooms.Get().(*[pump.Room]byte)
	if !ok {
		lent = new([pump.Room]byte)
	}
	return lent[:], func() { t.rooms.Put(lent) }
}
