package exchange

import (
	"net"
	"sync"
	"time"
)

// tellWithin is how long telling a client the end of its session may take, and how long it then has to read that.
const tellWithin = 300 * time.Millisecond

// waits are the deadlines of the client's socket. Whoever ends a session does so from another goroutine than the one that serves it: what
// that one does next must not give the client time again, and a deadline that ends all waits must not fall into the last words.
type waits struct {
	conn net.Conn

	mu      sync.Mutex
	over    bool // the session was interrupted
	hushed  bool // reads are to return, as when it is over
	hurried bool // writes are to be taken soon
	given   bool // the deadlines are another's
}

// patience is how long a read from the client may take; 0: for ever. An interrupted session has none.
func (w *waits) patience(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.given:
	case w.over || w.hushed:
		w.none()
	case d > 0:
		_ = w.conn.SetReadDeadline(time.Now().Add(d))
	default:
		_ = w.conn.SetReadDeadline(time.Time{})
	}
}

// none has reads return. mu is held.
func (w *waits) none() { _ = w.conn.SetReadDeadline(time.Unix(1, 0)) }

// hush has reads from the client return until it is lifted.
func (w *waits) hush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hushed = true
	if !w.given {
		w.none()
	}
}

// lift lifts it. The next read needs patience.
func (w *waits) lift() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hushed = false
}

// interrupt has all reads return, now and later, and writes soon.
func (w *waits) interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if !w.given {
		w.none()
		w.soon()
	}
}

// soon has what is written be taken soon. mu is held.
func (w *waits) soon() {
	w.hurried = true
	_ = w.conn.SetWriteDeadline(time.Now().Add(tellWithin))
}

// hurry has what is written from now on be taken soon.
func (w *waits) hurry() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.given {
		w.soon()
	}
}

// words gives the last words their time, right before they are written: how long ago the end came says nothing of how long they take,
// and it may be longer ago than they may take.
func (w *waits) words() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hurried && !w.given {
		w.soon()
	}
}

// calm gives writes all time again, behind a request that was abandoned.
func (w *waits) calm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.given && !w.over && w.hurried {
		w.hurried = false
		_ = w.conn.SetWriteDeadline(time.Time{})
	}
}

// give leaves the deadlines to who carries or ends the connection from here on.
func (w *waits) give() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.given = true
}
