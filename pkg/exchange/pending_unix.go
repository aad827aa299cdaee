//go:build unix

package exchange

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// socket is one that can be looked into. It is not safe for concurrent use.
type socket struct {
	conn net.Conn
	raw  syscall.RawConn // nil: it can't
	look func(fd uintptr) bool

	waiting bool
	err     error // that is where it stays
}

func newSocket(conn net.Conn) *socket {
	s := &socket{conn: conn}
	if c, ok := conn.(syscall.Conn); ok {
		s.raw, s.err = c.SyscallConn()
	}
	s.look = s.peek
	return s
}

// pending says whether bytes wait to be read. An error means that the connection can't be used any more.
func (s *socket) pending() (bool, error) {
	if s.raw == nil || s.err != nil {
		return false, s.err
	}
	if err := s.raw.Read(s.look); err != nil {
		return false, err
	}
	return s.waiting, s.err
}

func (s *socket) peek(fd uintptr) bool {
	var one [1]byte
	n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	s.waiting = err == nil && n > 0
	switch {
	case err == nil && n == 0:
		s.err = io.EOF
	case err != nil && !errors.Is(err, syscall.EAGAIN):
		s.err = err
	}
	return true
}
