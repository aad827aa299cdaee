package exchange

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// Request is one that came from a client, with a body that may still have to be read.
type Request struct {
	*http1.Request
	// Standing is what the policy says of the person before any command.
	Standing *guard.Standing

	session *Session
	body    io.Reader
	read    []byte      // of the body
	shown   int         // of read, by Peek; Read goes on behind it
	over    atomic.Bool // nothing of it is left
	err     error       // why it can't be read
	streams bool        // Read is another goroutine's from here on
}

// Peek reads the body up to limit bytes and says whether that is all of it. It may be asked again; the body stays readable
// for who sends it on.
func (q *Request) Peek(limit int) (body []byte, whole bool, err error) {
	if q.Continue && !q.over.Load() && q.read == nil {
		if err := q.session.tellToContinue(); err != nil {
			return nil, false, err
		}
	}
	for !q.over.Load() && q.err == nil && len(q.read) < limit {
		q.fill(limit)
	}
	for !q.over.Load() && q.err == nil && len(q.read) == limit { // an end may stand right behind
		q.fill(limit + 1)
	}
	q.shown = min(len(q.read), limit)
	return q.read[:q.shown], q.over.Load() && len(q.read) <= limit, q.err
}

// fill reads once, into room that grows with what came and never with what was announced.
func (q *Request) fill(limit int) {
	if len(q.read) == cap(q.read) {
		room := min(max(4<<10, 2*cap(q.read)), limit)
		if room <= len(q.read) {
			room = len(q.read) + 1
		}
		q.read = append(make([]byte, 0, room), q.read...)
	}
	q.session.waits.patience(bodyWithin)
	n, err := q.body.Read(q.read[len(q.read):cap(q.read)])
	q.session.waits.patience(0)
	q.read = q.read[:len(q.read)+n]
	if errors.Is(err, io.EOF) {
		q.over.Store(true)
	} else if err != nil {
		q.err = err
	}
}

// Read reads what Peek left of the body, behind what it answered.
func (q *Request) Read(p []byte) (int, error) {
	if n := copy(p, q.read[q.shown:]); n > 0 {
		q.shown += n
		return n, nil
	}
	if q.over.Load() {
		return 0, io.EOF
	}
	q.session.waits.patience(bodyWithin)
	n, err := q.body.Read(p)
	q.session.waits.patience(0)
	q.over.Store(errors.Is(err, io.EOF))
	return n, err
}

// last says that no request can follow on this socket: the rest of this one's body would be read as one, or a client that asked for
// an upgrade may speak another protocol already.
//
// So is one whose body is sent on as it comes: whether all of it was read is known too late for the head of its answer. Clients of
// HTTP/1.0 are not told that a socket stays open, so it does not.
func (q *Request) last() bool {
	return q.Close || q.Minor == 0 || q.Upgrade != "" || q.streams || !q.over.Load()
}

// unread says that the client may still be sending what nobody reads.
func (q *Request) unread() bool { return q.streams || !q.over.Load() }

// Limits of time for clients.
const (
	headWithin = 30 * time.Second // from a head's first byte to its last
	bodyWithin = time.Minute      // between two pieces of a body
	idleFor    = 3 * time.Minute  // between two requests
)
