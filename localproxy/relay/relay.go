// Package relay carries bytes both ways between a local socket and a tunnel.
package relay

import (
	"net"
	"sync"
	"time"

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

// New makes the engine of this system. End must be called.
func New() *Engine {
	e := Reference()
	if loop, err := pump.Start(); err == nil { // else there is the other way
		e.loop = loop
	}
	return e
}

// Reference makes an engine without a loop, which works for any kind of connection on any system.
func Reference() *Engine { return &Engine{links: map[*link]bool{}} }

// Carry carries a link until both directions have ended: the end of one is passed on as such, an error ends both. When it
// returns both sockets are closed. A link that comes after End is closed at once.
func (e *Engine) Carry(l Link) {
	k := e.link(l)
	defer k.abort()
	if !e.keep(k) {
		return
	}
	defer e.forget(k)
	var wg sync.WaitGroup
	wg.Go(func() { e.copy(k, k.remote, k.local, nil) })
	e.copy(k, k.local, k.remote, l.Seen)
	wg.Wait()
	k.local.settle()
	k.remote.settle()
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
type link struct{ local, remote end }

// end is one end of it, and the socket below where the loop has that.
type end struct {
	Conn
	socket *pump.Conn
}

// link takes the sockets of a Link into the loop where both can be.
func (e *Engine) link(l Link) *link {
	k := &link{end{Conn: l.Local}, end{Conn: l.Remote}}
	e.mu.Lock()
	loop := e.loop
	e.mu.Unlock()
	below, ok := tunnel.Below(l.Remote)
	if loop == nil || !ok {
		return k
	}
	local, err := loop.Adopt(l.Local)
	if err != nil {
		return k
	}
	k.local = end{local, local}
	remote, err := loop.Adopt(below)
	if err != nil { // half of it can't be carried in the loop, and the other half can't go back
		k.abort()
		return k
	}
	tunnel.Rebase(l.Remote, remote)
	k.remote.socket = remote
	return k
}

// settle gives what was written last a second to leave, TLS's farewell among it.
func (e end) settle() {
	if e.socket != nil && e.socket.SetWriteDeadline(time.Now().Add(time.Second)) == nil {
		_ = e.socket.Drain() // the link is over in any case
	}
}

// abort closes both sockets at once.
func (k *link) abort() {
	tunnel.Abort(k.local.Conn)
	tunnel.Abort(k.remote.Conn)
}
