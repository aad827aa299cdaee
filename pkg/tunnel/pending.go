package tunnel

import (
	"container/list"
	"net"
	"sync"
)

// Pending holds connections that have not proved anything yet. When it is full, the oldest is cut:
// an honest peer is done within a few round trips, so peers that stall make room for those who do not.
type Pending struct {
	max int

	mu     sync.Mutex
	order  *list.List // of net.Conn, oldest first
	closed bool
}

// NewPending makes a set of at most max connections.
func NewPending(max int) *Pending { return &Pending{max: max, order: list.New()} }

// Add takes a connection in and returns the function that takes it out, or nil when the set is closed.
// That function is true once, and only for a connection that was not cut.
func (p *Pending) Add(c net.Conn) func() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	if p.order.Len() >= p.max {
		oldest := p.order.Front()
		_ = p.order.Remove(oldest).(net.Conn).Close()
	}
	place, here := p.order.PushBack(c), true
	return func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		before := p.order.Len()
		if here {
			p.order.Remove(place) // does nothing to a place that was cut
		}
		here = false
		return p.order.Len() < before
	}
}

// Close cuts all connections and those to come.
func (p *Pending) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for e := p.order.Front(); e != nil; e = p.order.Front() {
		_ = p.order.Remove(e).(net.Conn).Close()
	}
}
