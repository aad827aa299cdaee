package pump_test

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/pump"
)

func TestADeadlineEndsReadAndParkAndTheConnectionGoesOn(t *testing.T) {
	c, far := pair(t, start(t))
	past, none := time.Unix(1, 0), time.Time{}
	ways := map[string]func() error{
		"read": func() error { _, err := c.Read(make([]byte, 1)); return err },
		"park": func() (failed error) {
			err := c.Park(func([]byte) bool {
				_, err := c.Read(make([]byte, 1))
				if errors.Is(err, pump.ErrNothing) {
					return true
				}
				failed = err
				return false
			})
			return errors.Join(err, failed)
		},
	}
	for name, way := range ways {
		for when, set := range map[string]func(){
			"before": func() { _ = c.SetReadDeadline(past) },
			"while":  func() { time.AfterFunc(50*time.Millisecond, func() { _ = c.SetReadDeadline(past) }) },
		} {
			within(t, name+" "+when, func() {
				set()
				if err := way(); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s, %s: %v", name, when, err)
				}
			})
			_ = c.SetReadDeadline(none)
		}
	}
	within(t, "a deadline in the future", func() {
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if err := ways["read"](); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
	_ = c.SetReadDeadline(none)
	if _, err := far.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	within(t, "reading on", func() {
		if err := ways["read"](); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseEndsWhoWaitsAndFreesTheDescriptor(t *testing.T) {
	l := start(t)
	before := descriptors(t)
	for name, wait := range map[string]func(*pump.Conn) error{
		"read": func(c *pump.Conn) error { _, err := c.Read(make([]byte, 1)); return err },
		"park": func(c *pump.Conn) (failed error) {
			err := c.Park(func([]byte) bool {
				_, failed = c.Read(make([]byte, 1))
				return errors.Is(failed, pump.ErrNothing)
			})
			return errors.Join(err, failed)
		},
		"drain": func(c *pump.Conn) error {
			for c.Unsent() == 0 {
				if _, err := c.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
			}
			return c.Drain()
		},
	} {
		within(t, name, func() {
			c, far := pair(t, l)
			time.AfterFunc(50*time.Millisecond, func() { _ = c.Close() })
			// A write that was under way may see the socket's end before the connection's.
			if err := wait(c); !errors.Is(err, net.ErrClosed) && !(name == "drain" && errors.Is(err, syscall.EPIPE)) {
				t.Errorf("%s: %v", name, err)
			}
			_ = far.Close()
			if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: written after the end: %v", name, err)
			}
			if err := c.Park(func([]byte) bool { t.Error("served after the end"); return false }); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: parked after the end: %v", name, err)
			}
		})
	}
	within(t, "freeing descriptors", func() { // the loop may be the last to let one go
		for descriptors(t) > before {
			runtime.Gosched()
		}
	})
}

// What a peer got before a reset has no end, and is not taken for whole.
func TestAResetIsNoEndInOrder(t *testing.T) {
	l := start(t)
	for _, parked := range []bool{false, true} {
		c, far := pair(t, l)
		if _, err := c.Write([]byte("half")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(far, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			if !parked {
				_, err := c.Read(make([]byte, 1))
				ended <- err
				return
			}
			ended <- c.Park(func(room []byte) bool {
				_, err := c.Read(room)
				return errors.Is(err, pump.ErrNothing)
			})
		}()
		if err := c.Reset(); err != nil {
			t.Fatal(err)
		}
		within(t, "who waits", func() { <-ended })
		within(t, "its end", func() { <-c.Gone() })
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("parked %v: the peer reads %v", parked, err)
		}
		if err := c.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed again: %v", err)
		}
	}
}

func TestAPeerThatLeavesIsSeenParked(t *testing.T) {
	for _, reset := range []bool{false, true} {
		c, far := pair(t, start(t))
		if reset {
			_ = far.SetLinger(0)
		}
		time.AfterFunc(50*time.Millisecond, func() { _ = far.Close() })
		within(t, "park", func() {
			var failed error
			if err := c.Park(func([]byte) bool {
				_, failed = c.Read(make([]byte, 1))
				return errors.Is(failed, pump.ErrNothing)
			}); err != nil {
				t.Error(err)
			}
			if failed == nil || !reset && !errors.Is(failed, io.EOF) {
				t.Errorf("reset %v: %v", reset, failed)
			}
		})
	}
}
