package pump

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Loop waits for the sockets of its Conns. Start makes one, Close ends it.
type Loop struct {
	poll, wake int // epoll's descriptor and an eventfd
	looks      int // for events, before it sleeps
	done       chan struct{}

	mu     sync.Mutex
	conns  map[int32]*Conn
	kicked []*Conn // to be served although nothing may have come
	over   bool

	// Of the loop's goroutine.
	scratch []byte
	room    []byte
}

// Start makes a loop and its goroutine. It looks so often for events before it sleeps, giving way to others in between. To be woken costs
// more than a look where the peers of busy connections answer within microseconds (see Busy); where they take longer, as those of HTTP
// do, a loop that looks is only in the way of others on its processor.
func Start(looks int) (*Loop, error) {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("start a loop: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a loop: %w", err), unix.Close(poll))
	}
	l := &Loop{poll: poll, wake: wake, looks: looks, done: make(chan struct{}), conns: map[int32]*Conn{}}
	if err := l.control(unix.EPOLL_CTL_ADD, wake, unix.EPOLLIN); err != nil {
		return nil, errors.Join(fmt.Errorf("start a loop: %w", err), unix.Close(poll), unix.Close(wake))
	}
	go l.run()
	return l, nil
}

// Close closes what the loop still serves, and ends it. It returns when nobody uses any of it.
func (l *Loop) Close() {
	l.mu.Lock()
	l.over = true
	all := make([]*Conn, 0, len(l.conns))
	for _, c := range l.conns {
		all = append(all, c)
	}
	l.mu.Unlock()
	for _, c := range all {
		_ = c.Close()
	}
	l.signal()
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = unix.Close(l.poll), unix.Close(l.wake)
	l.wake = -1
}

// Adopt takes a connection's socket over and closes c, which nobody may be using. An error leaves c as it is.
func (l *Loop) Adopt(c net.Conn) (*Conn, error) {
	with, ok := c.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	raw, err := with.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("adopt a connection: %w", err)
	}
	fd := -1
	if cerr := raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil || err != nil {
		return nil, fmt.Errorf("adopt a connection: %w", errors.Join(cerr, err))
	}
	own := newConn(l, fd, c)
	if err := l.admit(own); err != nil {
		return nil, fmt.Errorf("adopt a connection: %w", errors.Join(err, unix.Close(fd)))
	}
	_ = c.Close() // the socket lives on under its other descriptor
	return own, nil
}

func (l *Loop) admit(c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return net.ErrClosed
	}
	if err := unix.SetNonblock(c.fd, true); err != nil {
		return err
	}
	if err := l.control(unix.EPOLL_CTL_ADD, c.fd, unix.EPOLLONESHOT); err != nil {
		return err
	}
	l.conns[int32(c.fd)] = c
	return nil
}

func (l *Loop) control(op, fd int, events uint32) error {
	return unix.EpollCtl(l.poll, op, fd, &unix.EpollEvent{Fd: int32(fd), Events: events})
}

// signal has the loop look at what was changed under mu.
func (l *Loop) signal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wake >= 0 {
		_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// kick has c served although nothing may have come.
func (l *Loop) kick(c *Conn) {
	l.mu.Lock()
	l.kicked = append(l.kicked, c)
	l.mu.Unlock()
	l.signal()
}

// forget closes the descriptor of a connection that nobody uses any more. A child that was just forked may have it for a
// moment longer, so that closing alone does not end the waiting for it.
func (l *Loop) forget(c *Conn) {
	l.mu.Lock()
	delete(l.conns, int32(c.fd))
	_ = l.control(unix.EPOLL_CTL_DEL, c.fd, 0)
	_ = unix.Close(c.fd)
	close(c.gone)
	last := l.over && len(l.conns) == 0
	l.mu.Unlock()
	if last {
		l.signal()
	}
}

func (l *Loop) run() {
	defer close(l.done)
	l.scratch, l.room = make([]byte, received), make([]byte, Room)
	var events [128]unix.EpollEvent
	for {
		n, err := l.await(events[:])
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic("epoll can't be waited for: " + err.Error()) // a wrong descriptor or address: never
		}
		for _, e := range events[:max(n, 0)] {
			if int(e.Fd) == l.wake {
				if l.awake() {
					return
				}
				continue
			}
			l.mu.Lock()
			c := l.conns[e.Fd]
			l.mu.Unlock()
			if c != nil {
				c.event(e.Events)
			}
		}
	}
}

// await answers what has come.
func (l *Loop) await(events []unix.EpollEvent) (int, error) {
	for range l.looks {
		if n, err := unix.EpollWait(l.poll, events, 0); n != 0 || err != nil {
			return n, err
		}
		_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) // never fails on Linux
	}
	return unix.EpollWait(l.poll, events, -1)
}

// awake serves those that were kicked, and answers true at the end.
func (l *Loop) awake() bool {
	var count [8]byte
	_, _ = unix.Read(l.wake, count[:])
	l.mu.Lock()
	kicked := l.kicked
	l.kicked = nil
	l.mu.Unlock()
	for _, c := range kicked {
		c.event(unix.EPOLLIN)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over && len(l.conns) == 0
}
