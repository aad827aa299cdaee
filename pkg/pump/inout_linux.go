package pump

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// errUnsent says that a peer takes nothing while more and more is written to it.
var errUnsent = fmt.Errorf("the peer does not read, and more than %d bytes wait for it", MaxUnsent)

// Read reads what there is, and waits for it unless the loop calls.
func (c *Conn) Read(b []byte) (int, error) {
	if err := c.enter(); err != nil {
		return 0, err
	}
	defer c.leave()
	for {
		if err := c.readable(); err != nil {
			return 0, err
		}
		if len(c.in) > 0 || len(b) == 0 {
			n := copy(b, c.in)
			c.in = c.in[n:]
			return n, nil
		}
		if c.inLoop && c.short {
			return 0, ErrNothing
		}
		n, err := c.receive(b)
		if !errors.Is(err, unix.EAGAIN) {
			return n, err
		}
		if c.inLoop {
			return 0, ErrNothing
		}
		c.wait(&c.reader)
	}
}

// readable says why nothing may be read any more, or yet.
func (c *Conn) readable() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	if c.reader.expired() {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// receive reads once: in the loop as much as there is, into what the loop has for that.
func (c *Conn) receive(b []byte) (int, error) {
	into := b
	if c.inLoop && len(b) < received {
		into = c.loop.scratch
	}
	for {
		n, err := unix.Read(c.fd, into)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return 0, err
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		}
		c.short = n < len(into)
		if len(into) == len(b) {
			return n, nil
		}
		taken := copy(b, into[:n])
		c.in = into[taken:n]
		return taken, nil
	}
}

// Write writes what the kernel takes now, and leaves the rest to the loop.
func (c *Conn) Write(b []byte) (int, error) {
	if err := c.enter(); err != nil {
		return 0, err
	}
	defer c.leave()
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.failed != nil {
		return 0, c.failed
	}
	n := 0
	if len(c.unsent) == 0 {
		n = c.send(b)
	}
	if c.failed == nil && len(c.unsent)+len(b)-n > MaxUnsent {
		c.failed = errUnsent
	}
	if c.failed != nil {
		return n, c.failed
	}
	if n < len(b) {
		c.unsent = append(c.unsent, b[n:]...)
		c.mu.Lock()
		c.flushing = true
		c.arm()
		c.mu.Unlock()
	}
	return len(b), nil
}

// send writes until the kernel takes no more. writing is held.
func (c *Conn) send(b []byte) int {
	sent := 0
	for sent < len(b) {
		n, err := unix.Write(c.fd, b[sent:])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return sent
		case err != nil:
			c.failed = os.NewSyscallError("write", err)
			return sent
		}
		sent += n
	}
	return sent
}

// flush is called by the loop when the kernel takes more.
func (c *Conn) flush() {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.unsent = c.unsent[c.send(c.unsent):]
	if len(c.unsent) > 0 && c.failed == nil {
		return
	}
	c.unsent = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushing = false
	c.drainer.wake()
}

// Unsent is how many bytes were written that the kernel has not taken yet.
func (c *Conn) Unsent() int {
	c.writing.Lock()
	defer c.writing.Unlock()
	return len(c.unsent)
}

// Drain waits until everything that was written is sent.
func (c *Conn) Drain() error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	for {
		c.writing.Lock()
		left, err := len(c.unsent), c.failed
		c.writing.Unlock()
		if left == 0 || err != nil {
			return err
		}
		c.mu.Lock()
		closed, expired := c.closed, c.drainer.expired()
		c.mu.Unlock()
		if closed {
			return net.ErrClosed
		}
		if expired {
			return os.ErrDeadlineExceeded
		}
		c.wait(&c.drainer)
	}
}

// wait returns when there may be something to do for w, or its deadline has come or changed, or the connection is closed.
func (c *Conn) wait(w *waiter) {
	c.mu.Lock()
	if c.closed || w == &c.drainer && !c.flushing {
		c.mu.Unlock()
		return
	}
	w.waiting++
	w.wanted = true
	ready, deadline := w.ready, w.deadline
	c.arm()
	c.mu.Unlock()
	var over <-chan time.Time
	if !deadline.IsZero() {
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		over = t.C
	}
	select {
	case <-ready:
	case <-over:
	}
	c.mu.Lock()
	w.waiting--
	c.mu.Unlock()
}
