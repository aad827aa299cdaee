package relay

import (
	"errors"
	"io"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/tunnel"
	"golang.org/x/sys/unix"
)

const (
	// received is how much is read from a socket at once, in bytes.
	received = 128 << 10
	// opened is the room for what that is behind TLS: a record that was begun before may end in it.
	opened = received + 16<<10
)

// pair is a link in the loop.
type pair struct {
	link   *Link
	local  *socket
	remote *socket
	tls    tunnel.Conn // over remote
	done   chan struct{}
	broken bool // the tunnel failed: what came through it is still written
}

// loop waits for all sockets of all pairs in one goroutine, which lives as long as there are any. It reads once, writes
// once, and never waits for one socket alone: what a socket does not take is kept, and its other side is not read
// meanwhile. So it needs no buffer for a link that is quiet, no goroutine for a direction, and a system call less for
// each message than two goroutines do.
type loop struct {
	mu    sync.Mutex
	fresh []*pair // not yet waited for
	runs  bool
	over  bool
	poll  int // epoll's descriptor, of the running goroutine
	wake  int // eventfd: fresh or over changed

	// What follows is the running goroutine's.
	pairs  map[*pair]bool
	byFD   map[int32]*pair
	raw    []byte
	opened []byte
}

// carry carries a link to its end. It answers false where the link is not made of sockets, and has touched nothing then.
func (l *loop) carry(link *Link) bool {
	p := newPair(link)
	if p == nil {
		return false
	}
	if !l.add(p) {
		p.close()
	}
	<-p.done
	return true
}

// newPair takes the sockets of a link over. It is nil where there are none.
func newPair(link *Link) *pair {
	below, ok := tunnel.Below(link.Remote)
	if !ok {
		return nil
	}
	remote, err := take(below)
	if err != nil {
		return nil
	}
	local, err := take(link.Local)
	if err != nil {
		_ = unix.Close(remote.fd)
		return nil
	}
	_, _ = below.Close(), link.Local.Close() // the descriptors are the loop's now, as copies
	tunnel.Rebase(link.Remote, remote)
	return &pair{link: link, local: local, remote: remote, tls: link.Remote, done: make(chan struct{})}
}

// add gives a pair to the running goroutine, and starts that where there is none.
func (l *loop) add(p *pair) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	l.fresh = append(l.fresh, p)
	if l.runs {
		l.signal()
		return true
	}
	var err error
	if l.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return false
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err == nil {
		err = l.watch(unix.EPOLL_CTL_ADD, l.wake, unix.EPOLLIN)
	}
	if err != nil {
		l.fresh = nil
		l.release()
		return false
	}
	l.runs = true
	go l.run()
	return true
}

func (l *loop) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.runs {
		l.signal()
	}
}

func (l *loop) signal() { _, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

func (l *loop) watch(op, fd int, events uint32) error {
	return unix.EpollCtl(l.poll, op, fd, &unix.EpollEvent{Fd: int32(fd), Events: events})
}

func (l *loop) release() {
	_ = unix.Close(l.poll)
	_ = unix.Close(l.wake)
}

// run waits and serves until no pair is left. Whoever waits for a pair waits for it.
func (l *loop) run() {
	l.pairs, l.byFD = map[*pair]bool{}, map[int32]*pair{}
	l.raw, l.opened = make([]byte, received), make([]byte, opened)
	var events [64]unix.EpollEvent
	for l.renew() {
		n, err := unix.EpollWait(l.poll, events[:], -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil { // it can't be waited any more
			l.end()
		}
		for _, e := range events[:max(n, 0)] {
			if int(e.Fd) == l.wake {
				var count [8]byte
				_, _ = unix.Read(l.wake, count[:])
			} else if p := l.byFD[e.Fd]; p != nil {
				l.serve(p, int(e.Fd), e.Events)
			}
		}
	}
}

// renew takes fresh pairs in, or drops all at the end. It answers false when none is left, and the goroutine is over then.
func (l *loop) renew() bool {
	l.mu.Lock()
	fresh, over := l.fresh, l.over
	l.fresh = nil
	l.mu.Unlock()
	for _, p := range fresh {
		l.begin(p)
	}
	if over {
		for p := range l.pairs {
			l.drop(p)
		}
	}
	if len(l.pairs) > 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.fresh) > 0 {
		return true
	}
	l.runs = false
	l.release()
	return false
}

// begin waits for a pair's sockets. What its TLS has read before is carried at once.
func (l *loop) begin(p *pair) {
	l.pairs[p] = true
	for _, s := range []*socket{p.local, p.remote} {
		l.byFD[int32(s.fd)] = p
		s.events = unix.EPOLLIN
		if err := l.watch(unix.EPOLL_CTL_ADD, s.fd, s.events); err != nil {
			l.drop(p)
			return
		}
	}
	l.settle(p, l.inward(p))
}

// serve does what an event of one of a pair's sockets asks for.
func (l *loop) serve(p *pair, fd int, events uint32) {
	s := p.local
	if fd == p.remote.fd {
		s = p.remote
	}
	err := error(nil)
	if events&unix.EPOLLOUT != 0 {
		err = s.flush()
	}
	gone := events&(unix.EPOLLHUP|unix.EPOLLERR) != 0
	switch {
	case err != nil:
	case gone && s.events&unix.EPOLLIN == 0:
		err = errGone
	case events&unix.EPOLLIN == 0 && !gone:
	case s == p.local:
		err = l.outward(p)
	default:
		var n int
		n, p.remote.end = p.remote.receive(l.raw)
		p.remote.in = l.raw[:n]
		err = l.inward(p)
	}
	if err != nil && s == p.remote && len(p.local.out) > 0 {
		p.broken, s.reading, s.out = true, false, nil
		err = l.watch(unix.EPOLL_CTL_DEL, s.fd, 0)
	}
	l.settle(p, err)
}

// errGone says that a peer that is not being read has left for good: nobody reads what would be written to it.
var errGone = errors.New("the peer is gone")

// outward carries what the local program sent.
func (l *loop) outward(p *pair) error {
	n, err := p.local.receive(l.raw)
	if p.broken {
		return err
	}
	if errors.Is(err, io.EOF) {
		p.local.reading = false
		return p.closeRemote()
	}
	if err != nil || n == 0 {
		return err
	}
	_, err = p.tls.Write(l.raw[:n])
	return err
}

// inward carries all that was received from the tunnel. TLS takes all of it: what ends within a record is kept there.
func (l *loop) inward(p *pair) error {
	have := 0
	for {
		n, err := p.tls.Read(l.opened[have:])
		have += n
		if err == nil && have < len(l.opened) {
			continue
		}
		if have > 0 {
			p.link.see(l.opened[:have])
			if _, werr := p.local.Write(l.opened[:have]); werr != nil {
				return werr
			}
			have = 0
		}
		switch {
		case errors.Is(err, errWouldBlock):
			return nil
		case errors.Is(err, io.EOF):
			p.remote.reading = false
			return p.local.CloseWrite()
		case err != nil:
			return err
		}
	}
}

// closeRemote tells the tunnel that nothing more comes. TLS says so itself; the socket stays open for what comes back.
func (p *pair) closeRemote() error {
	p.remote.closed = true
	return p.tls.CloseWrite()
}

// settle ends a pair that failed or is done, and otherwise waits for what it needs next: a side is read only while the
// other takes what comes of it.
func (l *loop) settle(p *pair, err error) {
	written := len(p.local.out) == 0 && len(p.remote.out) == 0
	switch {
	case err != nil, written && (p.broken || !p.local.reading && !p.remote.reading):
		l.drop(p)
	case l.want(p.local, p.remote) != nil, !p.broken && l.want(p.remote, p.local) != nil:
		l.drop(p)
	}
}

func (l *loop) want(s, other *socket) error {
	var events uint32
	if s.reading && len(other.out) == 0 {
		events |= unix.EPOLLIN
	}
	if len(s.out) > 0 {
		events |= unix.EPOLLOUT
	}
	if events == s.events {
		return nil
	}
	s.events = events
	return l.watch(unix.EPOLL_CTL_MOD, s.fd, events)
}

// drop ends a pair. Closing a descriptor also ends the waiting for it.
func (l *loop) drop(p *pair) {
	delete(l.pairs, p)
	delete(l.byFD, int32(p.local.fd))
	delete(l.byFD, int32(p.remote.fd))
	p.close()
}

func (p *pair) close() {
	_, _ = unix.Close(p.local.fd), unix.Close(p.remote.fd)
	close(p.done)
}
