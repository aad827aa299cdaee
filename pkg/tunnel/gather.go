package tunnel

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// maxRecord is the most that TLS puts into one record, and so into one write of its own.
const maxRecord = 16 << 10

// gathering is a connection below TLS that can hold writes back, so that several records leave in one.
type gathering struct {
	net.Conn // changed with at and mu held

	at   sync.Mutex // is held by who closes, who may be anybody, and by who puts another connection there
	gone bool

	mu      sync.Mutex
	holding bool
	held    []byte
	spare   []byte // the room of the last large write, for another behind it
}

// maxSpare is the most room that is kept.
const maxSpare = 128 << 10

// overhead is more than TLS 1.3 adds to a record: a header of 5 bytes, a type and a tag of 16.
const overhead = 32

// Close closes what is below, now and, where another connection takes its place, then.
func (g *gathering) Close() error {
	g.at.Lock()
	defer g.at.Unlock()
	g.gone = true
	return g.Conn.Close()
}

func (g *gathering) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.holding {
		g.spare = nil // the large ones are over: most connections never have much to say again
		return g.Conn.Write(b)
	}
	g.held = append(g.held, b...)
	return len(b), nil
}

// hold holds back what a write of n bytes becomes.
func (g *gathering) hold(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holding = true
	if room := n + (n/maxRecord+1)*overhead; cap(g.spare) < room {
		g.spare = make([]byte, 0, room)
	}
	g.held, g.spare = g.spare[:0], nil
}

// release writes what was held.
func (g *gathering) release() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := g.held
	g.holding, g.held = false, nil
	if cap(held) <= maxSpare {
		g.spare = held
	}
	if len(held) == 0 {
		return nil
	}
	_, err := g.Conn.Write(held)
	return err
}

// gathered is a TLS connection whose large writes are one write below.
type gathered struct {
	*tls.Conn
	under *gathering
}

func (c *gathered) Write(b []byte) (int, error) {
	if len(b) <= maxRecord {
		return c.Conn.Write(b)
	}
	c.under.hold(len(b))
	n, err := c.Conn.Write(b)
	if rerr := c.under.release(); err == nil {
		err = rerr
	}
	return n, err
}

// Serve does the handshake of a TLS server, and answers a connection of the same make as a tunnel.
func Serve(ctx context.Context, c net.Conn, conf *tls.Config) (Conn, error) {
	under := &gathering{Conn: c}
	conn := tls.Server(under, conf)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return &gathered{conn, under}, nil
}

// Below is the socket below the TLS of a connection that Dial or Serve opened.
func Below(c net.Conn) (net.Conn, bool) {
	g, ok := c.(*gathered)
	if !ok {
		return nil, false
	}
	return g.under.Conn, true
}

// Rebase puts another connection to the same peer in the place of Below, for an engine that reads and writes sockets in a
// way of its own. Nobody else may be using c; closing it is free to all, and then holds for the other connection too.
func Rebase(c net.Conn, below net.Conn) {
	under := c.(*gathered).under
	under.at.Lock()
	defer under.at.Unlock()
	under.mu.Lock()
	defer under.mu.Unlock()
	under.Conn = below
	if under.gone {
		_ = below.Close() // it would be whoever closed c who did it
	}
}
