package exchange

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

// Target is the far end of one session: one connection at a time, on which one request is answered after the other.
type Target struct {
	// Dial connects. It is called again when the target has closed an idle connection.
	Dial func(ctx context.Context) (net.Conn, error)
	// Host is what the target is called in requests.
	Host string
	// Sign adds the credential to a head, as the last thing before it is sent. It must keep nothing of the head, whose fields are written over
	// by the next one.
	Sign func(ctx context.Context, head *http1.Request) error

	mu     sync.Mutex
	conn   net.Conn // nil: none
	closed bool
	socket *socket // beneath conn
	reader *bufio.Reader
	asked  http1.Request // as it is sent, with the credential
	head   []byte        // those bytes
	used   time.Time     // when the target was heard last
	rests  time.Duration // how long the connection may be idle
	until  time.Time     // when a read of an answer times out
}

// Limits for targets.
const (
	dialWithin    = 10 * time.Second
	ticketsWithin = 2 * time.Millisecond
	silence       = time.Hour // in an answer, and up to a minute less
	interims      = 5         // answers of 1xx before the one that counts
	// restFor is how long an idle connection is used again where the target does not say when it closes it: the shortest time that
	// servers in wide use close one after is five seconds. A request that crosses with the end of its connection is lost, or done and
	// not answered, and nobody can tell which: it is never sent twice.
	restFor  = 4 * time.Second
	restLess = time.Second // what is taken off from a time that it says
)

var (
	// errUnreached says that the target can't be connected to. Nothing was sent.
	errUnreached = errors.New("the target can't be reached")
	// errBroken says that the target's answer did not come, or is none. What was sent may have been done.
	errBroken = errors.New("the target broke off")
)

// connected answers a connection on which nothing was sent that is not answered.
func (t *Target) connected(ctx context.Context) (net.Conn, error) {
	t.mu.Lock()
	conn, closed := t.conn, t.closed
	t.mu.Unlock()
	if conn != nil && !closed && time.Since(t.used) < t.rests && t.quiet(conn) {
		return conn, nil
	}
	t.drop()
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	conn, err := t.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreached, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = conn.Close()
		return nil, fmt.Errorf("%w: the session is over", errUnreached)
	}
	t.conn, t.socket, t.until = conn, newSocket(beneath(conn)), time.Time{}
	if t.reader == nil {
		t.reader = bufio.NewReaderSize(nil, roomOfReader)
	}
	t.reader.Reset(conn)
	return conn, nil
}

// quiet says that the target has neither closed an idle connection nor said anything unasked on it.
func (t *Target) quiet(conn net.Conn) bool {
	if t.reader.Buffered() > 0 {
		return false
	}
	switch waiting, err := t.socket.pending(); {
	case err != nil:
		return false
	case !waiting:
		return true
	case t.socket.conn == conn:
		return false
	}
	t.until = time.Time{}
	// TLS has words of its own, such as session tickets: they are read here, and what else there is makes the connection unfit.
	if conn.SetReadDeadline(time.Now().Add(ticketsWithin)) != nil {
		return false
	}
	_, err := t.reader.Peek(1)
	var timed net.Error
	return errors.As(err, &timed) && timed.Timeout() && conn.SetReadDeadline(time.Time{}) == nil
}

// send sends a request and reads the head of its answer. Of a body that follows, done says when no more of it is read: nil
// where there is none. sent is called when all of it was sent.
func (t *Target) send(ctx context.Context, q *http1.Request, body []byte, rest io.Reader, sent func()) (a *http1.Answer, done <-chan error, err error) {
	fields := t.asked.Fields[:0]
	t.asked = *q
	t.asked.Fields = append(append(fields, http1.Field{Name: "Host", Value: t.Host}), q.Fields...)
	if err := t.Sign(ctx, &t.asked); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errUnreached, err)
	}
	t.head = http1.AppendRequest(t.head[:0], &t.asked)
	if len(t.head) == 0 { // a body without its head would be a request that nobody judged
		return nil, nil, fmt.Errorf("%w: its head can't be written", errUnreached)
	}
	conn, err := t.connected(ctx)
	if err != nil {
		return nil, nil, err
	}
	if rest == nil {
		t.head = append(t.head, body...)
	}
	if _, err = conn.Write(t.head); err == nil && rest != nil {
		done = t.follow(conn, io.MultiReader(bytes.NewReader(body), rest), t.asked.Length, sent)
	}
	if err == nil {
		a, err = t.answered(conn, q)
	}
	if q.Close { // a target that goes on all the same would take the next request behind what it did not read of this one
		t.rests = 0
	}
	if err != nil {
		t.drop()
		return nil, done, fmt.Errorf("%w: %w", errBroken, err)
	}
	return a, done, nil
}

// follow sends a body behind its head as it comes, in the frame that the head announced.
func (t *Target) follow(conn net.Conn, body io.Reader, length int64, sent func()) <-chan error {
	done := make(chan error, 1)
	go func() { // ends with the connection, or with the client's
		defer func() {
			if e := recover(); e != nil {
				done <- fmt.Errorf("internal error: %v", e)
			}
		}()
		w := http1.NewBodyWriter(conn, length)
		_, err := io.Copy(w, body)
		if err == nil {
			err = w.Close()
		}
		if err == nil {
			sent()
		}
		done <- err // a target that reads no more may have answered already
	}()
	return done
}

// answered reads heads up to the one that counts.
func (t *Target) answered(conn net.Conn, q *http1.Request) (*http1.Answer, error) {
	if err := t.patience(conn); err != nil {
		return nil, err
	}
	for range interims + 1 {
		a, err := http1.ReadAnswer(t.reader, q.Method)
		if err != nil {
			return nil, err
		}
		t.used, t.rests = time.Now(), rest(a)
		if a.Status >= 200 || a.Status == 101 && q.Upgrade != "" && strings.EqualFold(a.Upgrade, q.Upgrade) {
			return a, nil
		}
		if a.Status == 101 {
			return nil, errors.New("it switches protocols unasked")
		}
	}
	return nil, errors.New("it sends interim answers without an end")
}

// patience gives the target time to say something.
func (t *Target) patience(conn net.Conn) error {
	until := time.Now().Add(silence)
	if until.Sub(t.until) < time.Minute {
		return nil
	}
	t.until = until
	return conn.SetReadDeadline(until)
}

// fill reads what there is of a body by now: TLS and chunks hand out less at once, and every piece has its price.
func (t *Target) fill(body io.Reader, p []byte) (n int, err error) {
	conn := t.current()
	for n < len(p)/2 && err == nil && (n == 0 || conn != nil && t.more(body)) {
		var m int
		m, err = body.Read(p[n:])
		n += m
	}
	return n, err
}

// more says that more of a body can be read without waiting for what the target has not said yet.
func (t *Target) more(body io.Reader) bool {
	if t.reader.Buffered() == 0 {
		if waiting, err := t.socket.pending(); !waiting || err != nil {
			return false
		}
		if _, err := t.reader.Peek(1); err != nil {
			return true // a read says what is wrong
		}
	}
	known, ok := body.(*patient)
	return ok && known.ready()
}

// beneath is the socket of a connection.
func beneath(conn net.Conn) net.Conn {
	if encrypted, ok := conn.(*tls.Conn); ok {
		return encrypted.NetConn()
	}
	return conn
}

// rest is how long a connection may be idle behind an answer.
func rest(a *http1.Answer) time.Duration {
	for part := range strings.SplitSeq(a.Fields.Get("Keep-Alive"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !strings.EqualFold(name, "timeout") {
			continue
		}
		if n, err := strconv.Atoi(value); err == nil && n >= 0 {
			return min(time.Duration(n)*time.Second-restLess, time.Minute)
		}
	}
	return restFor
}

// body reads the body of an answer, which may be silent for so long between two pieces.
func (t *Target) body(a *http1.Answer) io.Reader {
	conn, r := t.current(), a.Body(t.reader)
	return &patient{target: t, conn: conn, r: r}
}

// patient is a body that is waited for.
type patient struct {
	target *Target
	conn   net.Conn
	r      io.Reader
}

// Read reads on.
func (b *patient) Read(p []byte) (int, error) {
	if b.conn == nil {
		return 0, net.ErrClosed
	}
	if err := b.target.patience(b.conn); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	b.target.used = time.Now()
	return n, err
}

// ready says that what there is in the reader is of the body, and not only the end of a chunk. What a body is unpacked from may be too
// little to unpack anything, so nobody can say that of one that is packed.
func (b *patient) ready() bool {
	chunked, ok := b.r.(interface{ Ready() bool })
	return !ok || chunked.Ready()
}

// current is the connection that is open; nil: none is.
func (t *Target) current() net.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conn
}

// drop closes the connection, so that the next request gets a new one.
func (t *Target) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn != nil {
		_ = t.conn.Close()
		t.conn = nil
	}
}

// Close ends the target's side for good.
func (t *Target) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.drop()
}
