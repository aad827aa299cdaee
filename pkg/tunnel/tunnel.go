// Package tunnel carries one client socket between a client and a gateway, over one TLS 1.3 connection.
//
// Both sides prove who they are: the gateway with a certificate of the CA that came with the grant, the client
// with the grant's own certificate. After the handshake the client sends one Hello and the gateway one Answer,
// each a JSON object behind a 16 bit length; from then on the connection is the target protocol's bytes.
// There is no multiplexer: no stream waits for another, and half-close and back-pressure are the kernel's.
package tunnel

import (
	"io"
	"net"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Protocol is the ALPN name of the tunnel. A peer that does not negotiate it never reaches the gateway.
const Protocol = "hoop/1"

// Version is the version of Hello and Answer that this package speaks.
const Version = 1

// MaxFrame is the most bytes that the JSON of a Hello or an Answer may have.
const MaxFrame = 4096

// Timeout bounds everything from accept to a read Hello, and each attempt of a client to reach a gateway.
const Timeout = 5 * time.Second

// Conn is a tunnel. CloseWrite ends one direction and leaves the other open.
type Conn interface {
	net.Conn
	CloseWrite() error
}

// Hello is the first thing that a client sends.
type Hello struct {
	V          int    `json:"v"`
	Connection string `json:"connection"`       // the name that the client believes it opens; the grant decides
	Client     string `json:"client,omitempty"` // name and version of the client program, for the record

	// SSH is set for connections of kind ssh.
	SSH *SSH `json:"ssh,omitempty"`

	// First is sent in the same flight as the Hello: the protocol's opening bytes, which then cost no
	// round trip of their own. A gateway reads them after its Answer.
	First []byte `json:"-"`
}

// SSH is what local programs and the gateway know each other by, for as long as one `hoop connect` runs. Both keys are made
// for it: see docs/design/0008.
type SSH struct {
	Client []byte `json:"client"` // the Ed25519 public key that programs sign in with, 32 bytes
	Host   []byte `json:"host"`   // the seed of the Ed25519 key that the gateway proves to be, 32 bytes
}

// String hides the seed.
func (*SSH) String() string { return "REDACTED" }

// GoString hides the seed from %#v.
func (*SSH) GoString() string { return "REDACTED" }

// Answer is the first thing that a gateway sends. Error is nil when the session is open.
type Answer struct {
	V       int        `json:"v"`
	Session string     `json:"session,omitempty"`
	Error   *api.Error `json:"error,omitempty"`
}

// keepAlive notices a peer whose machine is gone within about fifteen seconds.
func keepAlive(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		// An error here means that the connection is gone already, which the next read says better.
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 6 * time.Second, Interval: 3 * time.Second, Count: 3})
	}
}

// drain reads what a peer has sent already, so that closing does not reset the connection under an answer
// that is still on its way.
func drain(c net.Conn, d time.Duration) {
	if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(c, 1<<20))
}

// Abort closes the connection under c at once, without TLS's farewell, which may wait for a peer that does not read.
func Abort(c net.Conn) {
	if under, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = under.NetConn()
	}
	_ = c.Close()
}
