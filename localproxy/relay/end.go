package relay

import (
	"net"
	"syscall"
	"time"

	"github.com/hoop-gateway/hoop/pkg/pump"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// End is one end of a link. In a loop its Write never waits, and Drain comes before more than a little is written on; its
// Read waits only outside of the loop.
type End struct {
	Conn
	engine *Engine
	socket *pump.Conn // the one below, where the loop has it; else nil
}

// Take takes the two sockets of a link into the loop where both can be, and leaves them as they are elsewhere. Nobody may be
// using them. What is read and written from then on are the ends; sockets that can't be carried any more are closed.
func (e *Engine) Take(local Conn, remote tunnel.Conn) (near, far *End) {
	near, far = &End{Conn: local, engine: e}, &End{Conn: remote, engine: e}
	e.mu.Lock()
	loop := e.loop
	e.mu.Unlock()
	if loop == nil || !near.adoptable() || !far.adoptable() {
		return near, far
	}
	if near.enter(loop) && !far.enter(loop) { // half of it is there, and can't go back
		near.Abort()
		far.Abort()
	}
	return near, far
}

// below is the socket, which is below TLS where there is TLS.
func (e *End) below() net.Conn {
	if below, secured := tunnel.Below(e.Conn); secured {
		return below
	}
	return e.Conn
}

// adoptable tells whether there is a socket.
func (e *End) adoptable() bool {
	_, is := e.below().(syscall.Conn)
	return is
}

// enter takes an end into the loop, and tells whether it is there: where not, it is what it was.
func (e *End) enter(loop *pump.Loop) bool {
	socket, err := loop.Adopt(e.below())
	if err != nil {
		return false
	}
	e.socket = socket
	if _, secured := tunnel.Below(e.Conn); secured {
		tunnel.Rebase(e.Conn, socket)
	} else {
		e.Conn = socket
	}
	return true
}

// Park has pass called with room to work in: by the loop now, and each time that there may be something to read, until it
// answers false; where there is no loop once, and it may wait. An error means that the end is closed.
func (e *End) Park(pass func(room []byte) bool) error {
	if e.socket != nil {
		return e.socket.Park(pass)
	}
	e.engine.lend(pass)
	return nil
}

// InLoop tells whether Park is the loop's.
func (e *End) InLoop() bool { return e.socket != nil }

// Full tells whether there is something written that the kernel has not taken yet.
func (e *End) Full() bool { return e.socket != nil && e.socket.Unsent() > 0 }

// Drain waits until everything that was written is sent.
func (e *End) Drain() error {
	if e.socket == nil {
		return nil
	}
	return e.socket.Drain()
}

// CloseWrite ends one direction behind everything that was written. TLS's own would give what was not sent yet no time to leave.
func (e *End) CloseWrite() error {
	if err := e.Drain(); err != nil {
		return err
	}
	return e.Conn.CloseWrite()
}

// Settle gives what was written last a second to leave, TLS's farewell among it.
func (e *End) Settle() {
	if e.socket != nil && e.socket.SetWriteDeadline(time.Now().Add(time.Second)) == nil {
		_ = e.socket.Drain() // the link is over in any case
	}
}

// Abort closes the socket at once.
func (e *End) Abort() { tunnel.Abort(e.Conn) }

// Break closes the socket such that its peer can't take what it got for all that there was to come.
func (e *End) Break() {
	if e.socket != nil {
		_ = e.socket.Reset() // else it is closed already
		return
	}
	if tcp, ok := e.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else it is gone
	}
	e.Abort()
}
