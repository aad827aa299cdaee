package tunnel

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// counted counts writes, and fails them where told.
type counted struct {
	net.Conn
	writes atomic.Int32
	fail   atomic.Pointer[error]
}

func (c *counted) Write(b []byte) (int, error) {
	c.writes.Add(1)
	if err := c.fail.Load(); err != nil {
		return 0, *err
	}
	return c.Conn.Write(b)
}

func TestManyRecordsLeaveInOneWrite(t *testing.T) {
	near, far := net.Pipe()
	below := &counted{Conn: near}
	under := &gathering{Conn: below}
	cert := selfSigned(t)
	c := &gathered{tls.Server(under, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, SessionTicketsDisabled: true}), under}
	peer := tls.Client(far, &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true})
	got := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(io.LimitReader(peer, 300_005)) // what was read is compared below
		got <- b
	}()
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	small, large := bytes.Repeat([]byte("x"), 5), bytes.Repeat([]byte("y"), 300_000)
	if _, err := c.Write(small); err != nil {
		t.Fatal(err)
	}
	before := below.writes.Load()
	if n, err := c.Write(large); n != len(large) || err != nil {
		t.Fatal(n, err)
	}
	if n := below.writes.Load() - before; n != 1 {
		t.Errorf("%d writes", n)
	}
	if b := <-got; !bytes.Equal(b, append(small, large...)) {
		t.Errorf("%d bytes came, and not the same", len(b))
	}
	broken := errors.New("broken")
	below.fail.Store(&broken)
	if _, err := c.Write(large); !errors.Is(err, broken) {
		t.Errorf("a failed write: %v", err)
	}
}

func TestTheRoomOfLargeWritesIsUsedAgainAndThenLetGo(t *testing.T) {
	near, far := net.Pipe()
	under := &gathering{Conn: near}
	c := &gathered{tls.Server(under, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{selfSigned(t)}, SessionTicketsDisabled: true}), under}
	go func() {
		_, _ = io.Copy(io.Discard, tls.Client(far, &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true}))
	}()
	t.Cleanup(func() { _ = near.Close() })
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	write := func(n int) {
		t.Helper()
		if _, err := c.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	write(100_000)
	first := under.spare
	if cap(first) < 100_000 {
		t.Fatalf("room for %d bytes is kept", cap(first))
	}
	write(90_000)
	if &under.spare[:1][0] != &first[:1][0] {
		t.Error("the second large write made room of its own")
	}
	write(5)
	if under.spare != nil {
		t.Error("the room outlives a small write")
	}
	write(300_000)
	if under.spare != nil {
		t.Error("very much room is kept")
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// closing says when it was closed.
type closing struct {
	net.Conn
	closed chan struct{}
}

func (c *closing) Close() error {
	close(c.closed)
	return nil
}

// Who ends everything may end a connection that is just put on another socket.
func TestAConnectionIsClosedThatIsPutOnAnotherSocketMeanwhile(t *testing.T) {
	first, second := &closing{closed: make(chan struct{})}, &closing{closed: make(chan struct{})}
	under := &gathering{Conn: first}
	c := &gathered{tls.Server(under, &tls.Config{}), under}
	go Rebase(c, second)
	Abort(c)
	select { // whichever came first: an adopted socket has no other one that could be closed in its place
	case <-second.closed:
	case <-time.After(30 * time.Second):
		t.Error("the socket is open")
	}
}
