// Package relay carries bytes both ways between a local socket and a tunnel. There are two engines behind one door: a loop
// over all sockets of a process (Linux), and two goroutines a link, which is the reference and serves everything else.
package relay

import (
	"net"

	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// Local is the socket of a local program. CloseWrite ends one direction and leaves the other open.
type Local interface {
	net.Conn
	CloseWrite() error
}

// Link is a local socket and the tunnel that it is carried through.
type Link struct {
	Local  Local
	Remote tunnel.Conn
	// Seen is shown what comes back, in order and in pieces of any size, before it is written. It must not keep the
	// bytes. Once it answers false it is not asked again. Nil: nobody looks.
	Seen func([]byte) bool
}

// see shows b to who looks on.
func (l *Link) see(b []byte) {
	if l.Seen != nil && !l.Seen(b) {
		l.Seen = nil
	}
}

// Engine carries links. The zero Engine is none: use New or Reference.
type Engine struct {
	carry func(*Link)
	end   func()
}

// Carry carries a link until both directions have ended: the end of one is passed on as such, an error ends both. When it
// returns both sockets are closed. A link that comes after End is closed at once.
func (e *Engine) Carry(l Link) { e.carry(&l) }

// End ends all links at once, without a farewell.
func (e *Engine) End() { e.end() }

// abort closes both sockets of a link at once.
func (l *Link) abort() {
	tunnel.Abort(l.Local)
	tunnel.Abort(l.Remote)
}
