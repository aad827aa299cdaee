//go:build !unix

package exchange

import "net"

// socket is one of which it can't be told here what waits in it: a connection that its peer has closed is noticed when it is used.
type socket struct{ conn net.Conn }

func newSocket(conn net.Conn) *socket { return &socket{conn} }

func (*socket) pending() (bool, error) { return false, nil }
