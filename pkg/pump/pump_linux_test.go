package pump_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	mrand "math/rand"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hoop-gateway/hoop/pkg/pump"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

func start(t testing.TB) *pump.Loop {
	t.Helper()
	l, err := pump.Start(pump.Busy)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// pair is a connection in a loop, and its ordinary other end.
func pair(t testing.TB, l *pump.Loop) (*pump.Conn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	near, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.Adopt(near)
	if err != nil {
		t.Fatal(err)
	}
	if err := far.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), far.Close() })
	return c, far.(*net.TCPConn)
}

// within fails the test when f does not return.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s: still waiting", what)
	}
}

func descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// parkedRead reads all that comes into to, parked in the loop. Now and then it comes back and reads in the ordinary way.
func parkedRead(c *pump.Conn, r io.Reader, to io.Writer) error {
	turn := 0
	for {
		var failed error
		err := c.Park(func(room []byte) bool {
			for {
				n, err := r.Read(room)
				_, _ = to.Write(room[:n]) // into a hash or a buffer
				switch {
				case errors.Is(err, pump.ErrNothing):
					return true
				case err != nil:
					failed = err
					return false
				}
				if turn++; turn%5 == 0 {
					return false
				}
			}
		})
		if err == nil {
			err = failed
		}
		if err == nil && turn%10 == 0 {
			small := make([]byte, 7)
			var n int
			n, err = r.Read(small)
			_, _ = to.Write(small[:n])
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func send(w io.Writer, seed int64, n int) ([]byte, error) {
	r, h := mrand.New(mrand.NewSource(seed)), sha256.New()
	for n > 0 {
		size := 1 + r.Intn(200)
		if r.Intn(4) == 0 {
			size = 1 + r.Intn(200_000)
		}
		b := make([]byte, min(n, size))
		_, _ = r.Read(b) // never fails
		h.Write(b)
		if _, err := w.Write(b); err != nil {
			return nil, err
		}
		if d, ok := w.(interface{ Drain() error }); ok {
			if err := d.Drain(); err != nil {
				return nil, err
			}
		}
		n -= len(b)
	}
	return h.Sum(nil), nil
}

func TestBytesArriveAsTheyWereSentParkedAndNot(t *testing.T) {
	l := start(t)
	var all sync.WaitGroup
	for n := range int64(6) {
		c, far := pair(t, l)
		sent, back := make(chan []byte, 1), make(chan []byte, 1)
		all.Go(func() {
			h, err := send(far, 2*n, 4<<20)
			if err = errors.Join(err, far.CloseWrite()); err != nil {
				t.Error(err)
			}
			sent <- h
		})
		all.Go(func() {
			h, err := send(c, 2*n+1, 4<<20)
			if err = errors.Join(err, c.CloseWrite()); err != nil {
				t.Error(err)
			}
			back <- h
		})
		all.Go(func() {
			h := sha256.New()
			if err := parkedRead(c, c, h); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(h.Sum(nil), <-sent) {
				t.Error("what was read is not what was sent")
			}
		})
		all.Go(func() {
			h := sha256.New()
			if _, err := io.Copy(h, far); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(h.Sum(nil), <-back) {
				t.Error("what was written is not what arrived")
			}
		})
	}
	all.Wait()
}

func TestTLSReadsParked(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, far := pair(t, start(t))
	near := tls.Client(c, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	peer := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13})
	sent := make(chan []byte, 1)
	go func() {
		h, err := send(peer, 1, 4<<20)
		if err = errors.Join(err, peer.CloseWrite()); err != nil {
			t.Error(err)
		}
		sent <- h
	}()
	if err := near.Handshake(); err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	if err := parkedRead(c, near, h); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(h.Sum(nil), <-sent) {
		t.Error("what was read is not what was sent")
	}
}

func TestWriteNeverWaitsAndDrainDoes(t *testing.T) {
	c, far := pair(t, start(t))
	written := 0
	within(t, "write", func() {
		for c.Unsent() == 0 {
			n, err := c.Write(make([]byte, 64<<10))
			if err != nil {
				t.Error(err)
			}
			written += n
		}
	})
	_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	within(t, "drain to a deadline", func() {
		if err := c.Drain(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
	_ = c.SetWriteDeadline(time.Time{})
	drained := make(chan error, 1)
	go func() { drained <- c.Drain() }()
	if n, err := io.CopyN(io.Discard, far, int64(written)); err != nil {
		t.Fatalf("%d of %d bytes arrived: %v", n, written, err)
	}
	if err := <-drained; err != nil || c.Unsent() != 0 {
		t.Errorf("%v, %d bytes unsent", err, c.Unsent())
	}
}

func TestWhoIsWrittenToAndNeverReadsFailsTheConnection(t *testing.T) {
	c, _ := pair(t, start(t))
	var err error
	for range 64 {
		if _, err = c.Write(make([]byte, 1<<20)); err != nil {
			break
		}
		if c.Unsent() > pump.MaxUnsent {
			t.Fatalf("%d bytes are kept", c.Unsent())
		}
	}
	if err == nil {
		t.Fatal("everything was kept")
	}
	if _, again := c.Write([]byte("x")); again == nil {
		t.Error("written after a failure")
	}
}

func TestALoopThatEndsEndsItsConnections(t *testing.T) {
	l, err := pump.Start(pump.Busy)
	if err != nil {
		t.Fatal(err)
	}
	c, far := pair(t, l)
	parked := make(chan error, 1)
	go func() {
		var failed error
		err := c.Park(func([]byte) bool {
			_, failed = c.Read(make([]byte, 1))
			return errors.Is(failed, pump.ErrNothing)
		})
		parked <- errors.Join(err, failed)
	}()
	within(t, "close", l.Close)
	if err := <-parked; err == nil {
		t.Error("parked without an end")
	}
	if _, err := l.Adopt(far); err == nil {
		t.Error("a loop that is over adopted a connection")
	}
}
