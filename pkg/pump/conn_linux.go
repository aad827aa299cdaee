package pump

import (
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is a connection whose socket a Loop waits for. One goroutine may read and others write at the same time.
type Conn struct {
	loop          *Loop
	fd            int
	local, remote net.Addr

	mu       sync.Mutex // is never held while waiting or calling anybody
	users    int        // calls under way, Park among them: the descriptor is closed behind the last
	closed   bool
	armed    uint32 // what epoll was told last; 0 when that has come
	parked   func(room []byte) bool
	unparked chan struct{}
	gone     chan struct{} // closed when the descriptor is
	reader   waiter
	drainer  waiter
	flushing bool // the loop writes what is unsent

	// Of whoever reads: the loop while the connection is parked.
	inLoop bool
	short  bool   // the last read took all that there was
	in     []byte // received and not yet read

	writing sync.Mutex // before mu; is never held while waiting
	unsent  []byte
	failed  error
}

// waiter is the goroutines that wait for one direction.
type waiter struct {
	waiting  int
	wanted   bool          // somebody waits who was not woken
	ready    chan struct{} // closed, and made anew, to wake all of them
	deadline time.Time
}

func newConn(l *Loop, fd int, was net.Conn) *Conn {
	return &Conn{
		loop: l, fd: fd, local: was.LocalAddr(), remote: was.RemoteAddr(), unparked: make(chan struct{}, 1), gone: make(chan struct{}),
		reader: waiter{ready: make(chan struct{})}, drainer: waiter{ready: make(chan struct{})},
	}
}

// Park has the loop call serve now, and each time that there may be something to read, until it answers false; Park
// returns then. serve must read until ErrNothing or answer false, must not block, and may use room while it runs. Nobody
// else may read meanwhile. A read deadline in the past, or Close, has serve called once more; one in the future is not
// looked at. An error means that the connection was closed, and serve was not called.
func (c *Conn) Park(serve func(room []byte) bool) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	c.mu.Lock()
	c.parked = serve
	c.arm()
	c.mu.Unlock()
	c.loop.kick(c)
	<-c.unparked
	return nil
}

// event is called by the loop for what epoll answered.
func (c *Conn) event(events uint32) {
	c.mu.Lock()
	if c.closed && c.users == 0 { // its descriptor may be somebody else's by now
		c.mu.Unlock()
		return
	}
	c.users++
	if c.armed&unix.EPOLLONESHOT != 0 {
		c.armed = 0
	}
	serve := c.parked
	if events&^unix.EPOLLOUT == 0 {
		serve = nil
	} else if serve == nil {
		c.reader.wake()
	}
	flush := c.flushing && events&^unix.EPOLLIN != 0
	c.mu.Unlock()
	if flush {
		c.flush()
	}
	if serve != nil {
		c.serve(serve)
	}
	c.mu.Lock()
	c.arm()
	c.mu.Unlock()
	c.leave()
}

func (c *Conn) serve(serve func(room []byte) bool) {
	c.inLoop, c.short = true, false
	again := serve(c.loop.room)
	c.inLoop = false
	c.in = slices.Clone(c.in) // was the loop's
	if again {
		return
	}
	c.mu.Lock()
	c.parked = nil
	c.mu.Unlock()
	c.unparked <- struct{}{}
}

// arm tells epoll what to wait for. mu is held.
func (c *Conn) arm() {
	want := uint32(0)
	if c.parked != nil || c.reader.wanted {
		want |= unix.EPOLLIN
	}
	if c.flushing {
		want |= unix.EPOLLOUT
	}
	if c.parked == nil {
		want |= unix.EPOLLONESHOT // else an end of the peer that nobody looks at would be told again and again
	}
	const directions = unix.EPOLLIN | unix.EPOLLOUT
	if want == c.armed || want&directions == 0 && c.armed&directions == 0 {
		return
	}
	c.armed = want
	_ = c.loop.control(unix.EPOLL_CTL_MOD, c.fd, want) // fails for a descriptor that is not there: users keep it
}

// enter begins a call, and answers an error where there can be none any more.
func (c *Conn) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.users++
	return nil
}

// leave ends a call.
func (c *Conn) leave() {
	c.mu.Lock()
	c.users--
	last := c.closed && c.users == 0
	c.mu.Unlock()
	if last {
		c.loop.forget(c)
	}
}

// Close ends the connection. What is unsent is lost: Drain comes before.
func (c *Conn) Close() error {
	return c.close(func() { _ = unix.Shutdown(c.fd, unix.SHUT_RDWR) }) // fails where the peer has left already
}

// Reset ends the connection such that the peer of a TCP socket learns that it did not end in order.
func (c *Conn) Reset() error {
	return c.close(func() {
		_ = unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}) // never fails for a socket
	})
}

// Gone is closed once the peer has been told that the connection ended: with the last call that was under way when it was closed.
func (c *Conn) Gone() <-chan struct{} { return c.gone }

// close ends all calls, does what comes before the descriptor is closed, and closes it behind the last of them.
func (c *Conn) close(first func()) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	c.closed = true
	c.users++
	parked := c.parked != nil
	c.reader.wake()
	c.drainer.wake()
	c.mu.Unlock()
	first()
	if parked {
		c.loop.kick(c)
	}
	c.leave()
	return nil
}

// CloseWrite drains and ends the direction of writing.
func (c *Conn) CloseWrite() error {
	if err := c.Drain(); err != nil {
		return err
	}
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	return unix.Shutdown(c.fd, unix.SHUT_WR)
}

// LocalAddr is the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	c.deadline(&c.reader, t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline bounds Read, and ends a Park where it lies in the past.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.deadline(&c.reader, t)
	return nil
}

// SetWriteDeadline bounds Drain; Write never waits.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.deadline(&c.drainer, t)
	return nil
}

func (c *Conn) deadline(w *waiter, t time.Time) {
	c.mu.Lock()
	w.deadline = t
	w.wake()
	kick := w == &c.reader && c.parked != nil && w.expired()
	c.mu.Unlock()
	if kick {
		c.loop.kick(c)
	}
}

// wake has all that wait look again. The connection's mu is held.
func (w *waiter) wake() {
	w.wanted = false
	if w.waiting > 0 {
		close(w.ready)
		w.ready = make(chan struct{})
	}
}

func (w *waiter) expired() bool { return !w.deadline.IsZero() && !time.Now().Before(w.deadline) }
