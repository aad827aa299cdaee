//go:build !linux

package pump

import (
	"errors"
	"net"
)

// Loop is none on this system.
type Loop struct{}

// Start answers a loop that adopts nothing.
func Start(int) (*Loop, error) { return &Loop{}, nil }

// Close does nothing.
func (*Loop) Close() {}

// Adopt answers errors.ErrUnsupported.
func (*Loop) Adopt(net.Conn) (*Conn, error) { return nil, errors.ErrUnsupported }

// Conn is never made on this system.
type Conn struct{ net.Conn }

// Park answers errors.ErrUnsupported.
func (*Conn) Park(func(room []byte) bool) error { return errors.ErrUnsupported }

// Unsent is 0.
func (*Conn) Unsent() int { return 0 }

// Drain returns at once.
func (*Conn) Drain() error { return nil }

// CloseWrite answers errors.ErrUnsupported.
func (*Conn) CloseWrite() error { return errors.ErrUnsupported }

// Gone is never closed.
func (*Conn) Gone() <-chan struct{} { return nil }

// Reset answers errors.ErrUnsupported.
func (*Conn) Reset() error { return errors.ErrUnsupported }
