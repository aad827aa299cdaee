package postgres

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// A watch that ends with its session lets go of the client behind who ended the session.
func TestWhoWatchedAClientDoesNotHearItAgainOnceTheSessionEnded(t *testing.T) {
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	s := &session{client: near}
	read := func() error {
		go func() { _, _ = far.Write([]byte("x")) }() // ends with the pipe
		_, err := near.Read(make([]byte, 1))
		return err
	}
	s.hush()
	if err := read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("hushed: %v", err)
	}
	s.unhush()
	if err := read(); err != nil {
		t.Errorf("heard again: %v", err)
	}
	s.hush()
	s.deafen()
	s.unhush()
	if err := read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("over: %v", err)
	}
	_ = near.SetReadDeadline(time.Time{}) // as the farewell does
	s.hush()
	if err := read(); err != nil {
		t.Errorf("the farewell was hushed: %v", err)
	}
}
