package tunnel_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// joined are the two ends of a connection over loopback, in TLS where there is a configuration for its server.
func joined(t *testing.T, conf *tls.Config) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if far, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if near, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	if conf == nil {
		return near, far
	}
	client := tls.Client(far, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // nobody is trusted here
	shaken := make(chan error, 1)
	go func() { shaken <- client.Handshake() }()
	served, err := tunnel.Serve(t.Context(), near, conf)
	if err := errors.Join(err, <-shaken); err != nil {
		t.Fatal(err)
	}
	return served, client
}

// parted calls Part, and answers a channel that is closed behind it.
func parted(ctx context.Context, c net.Conn, patience, grace time.Duration, heard <-chan struct{}) <-chan struct{} {
	done := make(chan struct{})
	go func() { defer close(done); tunnel.Part(ctx, c, patience, grace, heard) }()
	return done
}

func within(t *testing.T, limit time.Duration, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("it is not over after %s", limit)
	}
}

func eachJoined(t *testing.T, test func(t *testing.T, conf *tls.Config)) {
	t.Run("plain", func(t *testing.T) { test(t, nil) })
	t.Run("TLS", func(t *testing.T) {
		test(t, &tls.Config{Certificates: []tls.Certificate{newAuthority(t).sign(t, serverName)}})
	})
}

func TestTheLastWordsAreReadBehindWhatNobodyRead(t *testing.T) {
	eachJoined(t, func(t *testing.T, conf *tls.Config) {
		near, far := joined(t, conf)
		if _, err := far.Write(make([]byte, 100<<10)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(near, "the end"); err != nil {
			t.Fatal(err)
		}
		done := parted(t.Context(), near, time.Minute, time.Minute, nil)
		got, err := io.ReadAll(far)
		if string(got) != "the end" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		_ = far.Close()
		within(t, 30*time.Second, done)
	})
}

// full writes until the peer, which does not read, takes no more.
func full(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := c.Write(make([]byte, 1<<20)); err != nil {
			return
		}
	}
}

// TLS says farewell, and gives that five seconds.
func TestAPeerThatDoesNotReadIsCutInTime(t *testing.T) {
	eachJoined(t, func(t *testing.T, conf *tls.Config) {
		near, _ := joined(t, conf)
		full(t, near)
		within(t, 3*time.Second, parted(t.Context(), near, 100*time.Millisecond, time.Minute, nil))
	})
}

func TestTheEndOfASessionCutsPatienceShort(t *testing.T) {
	eachJoined(t, func(t *testing.T, conf *tls.Config) {
		near, _ := joined(t, conf)
		ctx, end := context.WithCancel(t.Context())
		heard := make(chan struct{})
		go func() { _, _ = io.Copy(io.Discard, near); close(heard) }()
		done := parted(ctx, near, time.Hour, time.Millisecond, heard)
		end()
		within(t, 30*time.Second, done)
	})
}
