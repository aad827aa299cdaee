package relay

import (
	"errors"
	"io"
	"net"
	"sync"
)

// chunk is how much is read at once, in bytes.
const chunk = 64 << 10

// goroutines is the engine of two goroutines a link.
type goroutines struct {
	pool sync.Pool // of *[chunk]byte

	mu    sync.Mutex
	links map[*Link]bool
	over  bool
}

// Reference is the engine that works for any kind of connection, on any system.
func Reference() *Engine {
	g := &goroutines{links: map[*Link]bool{}}
	return &Engine{carry: g.carry, end: g.end}
}

func (g *goroutines) carry(l *Link) {
	defer l.abort()
	if !g.keep(l) {
		return
	}
	defer g.forget(l)
	var wg sync.WaitGroup
	wg.Go(func() { g.copy(l, l.Remote, l.Local, func([]byte) {}) })
	g.copy(l, l.Local, l.Remote, l.see)
	wg.Wait()
}

func (g *goroutines) keep(l *Link) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over {
		g.links[l] = true
	}
	return !g.over
}

func (g *goroutines) forget(l *Link) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.links, l)
}

func (g *goroutines) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	for l := range g.links {
		l.abort()
	}
}

// halfCloser is a connection of which one direction can end.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// copy carries one direction: as much as there is in one read, then one write.
func (g *goroutines) copy(l *Link, dst, src halfCloser, seen func([]byte)) {
	buf := g.buffer()
	defer g.pool.Put(buf)
	for {
		n, err := src.Read(buf[:])
		if n > 0 {
			seen(buf[:n])
			if _, werr := dst.Write(buf[:n]); werr != nil {
				break
			}
		}
		if errors.Is(err, io.EOF) {
			if dst.CloseWrite() == nil {
				return
			}
		}
		if err != nil {
			break
		}
	}
	l.abort()
}

// buffer comes from the pool. Its content is overwritten, never read, by the next user.
func (g *goroutines) buffer() *[chunk]byte {
	if buf, ok := g.pool.Get().(*[chunk]byte); ok {
		return buf
	}
	return new([chunk]byte)
}
