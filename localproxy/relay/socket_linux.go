package relay

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// errWouldBlock says that a socket has nothing to read now. TLS goes on where it was when it is asked again after an error
// that calls itself temporary.
var errWouldBlock net.Error = wouldBlock{}

type wouldBlock struct{}

func (wouldBlock) Error() string   { return "nothing to read now" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }

// socket is a file descriptor that the loop alone uses. As a net.Conn it stands below TLS: Read takes what was received
// before, Write never blocks and keeps what the kernel does not take.
type socket struct {
	fd      int
	in      []byte // received and not yet read
	end     error  // what Read answers behind in: io.EOF, or why the socket failed
	out     []byte // to be written before anything else is
	events  uint32 // that the loop waits for
	reading bool   // more may come from here
	closing bool   // CloseWrite when out is written
	closed  bool   // this direction has ended
}

// take makes a socket over the same kernel socket as c, which nobody else may be using and which is to be closed.
func take(c net.Conn) (*socket, error) {
	with, ok := c.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	raw, err := with.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	if cerr := raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil || err != nil {
		return nil, errors.Join(cerr, err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return &socket{fd: fd, reading: true}, nil
}

// receive reads once into buf, and answers what came. Nothing and no error: there is nothing now.
func (s *socket) receive(buf []byte) (int, error) {
	for {
		n, err := unix.Read(s.fd, buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return 0, nil
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// Read hands out what was received.
func (s *socket) Read(b []byte) (int, error) {
	if len(s.in) > 0 {
		n := copy(b, s.in)
		s.in = s.in[n:]
		return n, nil
	}
	if s.end != nil {
		return 0, s.end
	}
	return 0, errWouldBlock
}

// Write writes what the kernel takes and keeps the rest.
func (s *socket) Write(b []byte) (int, error) {
	if len(s.out) > 0 {
		s.out = append(s.out, b...)
		return len(b), nil
	}
	n, err := s.send(b)
	if err != nil {
		return n, err
	}
	s.out = append(s.out, b[n:]...)
	return len(b), nil
}

// send writes until the kernel takes no more.
func (s *socket) send(b []byte) (int, error) {
	sent := 0
	for sent < len(b) {
		n, err := unix.Write(s.fd, b[sent:])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return sent, nil
		case err != nil:
			return sent, os.NewSyscallError("write", err)
		}
		sent += n
	}
	return sent, nil
}

// flush writes what was kept, and ends the direction where that was asked for.
func (s *socket) flush() error {
	if len(s.out) > 0 {
		n, err := s.send(s.out)
		if err != nil {
			return err
		}
		if s.out = s.out[n:]; len(s.out) > 0 {
			return nil
		}
		s.out = nil
	}
	if s.closing && !s.closed {
		s.closed = true
		return os.NewSyscallError("shutdown", unix.Shutdown(s.fd, unix.SHUT_WR))
	}
	return nil
}

// CloseWrite ends the direction once everything is written.
func (s *socket) CloseWrite() error {
	s.closing = true
	return s.flush()
}

// Close does nothing: the loop closes the descriptor, which it may still be waiting on.
func (s *socket) Close() error { return nil }

func (s *socket) LocalAddr() net.Addr              { return nil }
func (s *socket) RemoteAddr() net.Addr             { return nil }
func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }
