//go:build unix

package exchange

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// pending says whether bytes wait to be read from a socket. An error means that its peer has closed it.
func pending(conn net.Conn) (waiting bool, err error) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return false, nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false, err
	}
	var peeked error
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		n, _, failed := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case errors.Is(failed, syscall.EAGAIN):
		case failed != nil:
			peeked = failed
		case n == 0:
			peeked = io.EOF
		default:
			waiting = true
		}
		return true
	})
	return waiting, errors.Join(err, peeked)
}
