// Package relay carries bytes both ways between a local socket and a tunnel.
//
// Carry does all of it. Who has to look at one direction has Take and Copy, and an End to do the other with.
package relay

import (
	"net"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/pump"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// Conn is one end of a link. CloseWrite ends one direction and leaves the other open.
type Conn interface {
	net.Conn
	CloseWrite() error
}

// Link is a local socket and the tunnel that it is carried through.
type Link struct {
	Local  Conn
	Remote tunnel.Conn
	// Seen is shown what comes back, in order and in pieces of any size, before it is written. It must not keep the
	// bytes. Once it answers false it is not asked again. Nil: nobody looks.
	Seen func([]byte) bool
}

// Engine carries links: those between sockets in a loop where the system has one, all others with two goroutines each.
type Engine struct {
	loop *pump.Loop // nil: none
	pool sync.Pool  // of *[pump.Room]byte, for links that are not in the loop

	mu    sync.Mutex
	links map[*link]bool
	over  bool
}

// New makes the engine of this system, with a loop that looks so often for events before it sleeps (see pump.Start). End must be called.
func New(looks int) *Engine {
	e := Reference()
	if loop, err := pump.Start(looks); err == nil { // else there is the other way
		e.loop = loop
	}
	return e
}

// Reference makes an engine without a loop, which works for any kind of connection on any system.
func Reference() *Engine { return &Engine{links: map[*link]bool{}} }

// Carry carries a link until both directions have ended: the end of one is passed on as such, an error ends both. When it
// returns both sockets are closed. A link that comes after End is closed at once.
func (e *Engine) Carry(l Link) {
	k := &link{}
	k.local, k.remote = e.Take(l.Local, l.Remote)
	defer k.abort()
	if !e.keep(k) {
		return
	}
	defer e.forget(k)
	var wg sync.WaitGroup
	wg.Go(func() { e.copy(k, k.remote, k.local, nil) })
	e.copy(k, k.local, k.remote, l.Seen)
	wg.Wait()
	k.local.Settle()
	k.remote.Settle()
}

// End ends all links at once, without a farewell. It returns when the loop is over.
func (e *Engine) End() {
	e.mu.Lock()
	loop := e.loop
	e.over, e.loop = true, nil
	for k := range e.links {
		k.abort()
	}
	e.mu.Unlock()
	if loop != nil {
		loop.Close()
	}
}

func (e *Engine) keep(k *link) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.over {
		e.links[k] = true
	}
	return !e.over
}

func (e *Engine) forget(k *link) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.links, k)
}

// link is a Link that is being carried.
type link struct{ local, remote *End }

// abort closes both sockets at once.
func (k *link) abort() {
	k.local.Abort()
	k.remote.Abort()
}
