package relay_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	mrand "math/rand"
	"net"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/localproxy/relay"
	"github.com/hoop-gateway/hoop/pkg/pump"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// world is an engine between a local listener and a gateway that accepts tunnels.
type world struct {
	engine *relay.Engine
	split  *tunnel.Split
	cert   tls.Certificate
	local  net.Listener
}

// engines are those that must behave alike.
var engines = map[string]func() *relay.Engine{"of this system": func() *relay.Engine { return relay.New(pump.Busy) }, "reference": relay.Reference}

func eachEngine(t *testing.T, test func(*testing.T, *world)) {
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) { test(t, open(t, engine())) })
	}
}

func open(t testing.TB, engine *relay.Engine) *world {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"gw"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	w := &world{engine: engine}
	w.cert = tls.Certificate{Certificate: [][]byte{must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)}, PrivateKey: key}
	gateway := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	w.local = must(net.Listen("tcp", "127.0.0.1:0"))(t)
	w.split = must(tunnel.NewSplit(gateway, tunnel.Config{
		Gateway: &tls.Config{Certificates: []tls.Certificate{w.cert}}, Verify: func([]*x509.Certificate) error { return nil },
	}))(t)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- w.split.Serve(ctx) }()
	t.Cleanup(func() {
		engine.End()
		cancel()
		_ = w.local.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return w
}

// ends are the two far ends of a link that is being carried.
type ends struct {
	program net.Conn      // the local program's
	gateway tunnel.Conn   // the gateway's
	done    chan struct{} // Carry returned
}

// link carries one more link.
func (w *world) link(t testing.TB, seen func([]byte) bool) *ends {
	t.Helper()
	e, local, remote := w.sockets(t)
	go func() {
		defer close(e.done)
		w.engine.Carry(relay.Link{Local: local, Remote: remote, Seen: seen})
	}()
	t.Cleanup(func() { tunnel.Abort(e.program); tunnel.Abort(e.gateway); e.awaitDone(t) })
	return e
}

// sockets are those of one more link, which nobody carries yet.
func (w *world) sockets(t testing.TB) (e *ends, local *net.TCPConn, remote tunnel.Conn) {
	t.Helper()
	e = &ends{done: make(chan struct{})}
	accepted := make(chan tunnel.Conn, 1)
	go func() {
		in, err := w.split.Accept(t.Context())
		if err != nil {
			close(accepted)
			return
		}
		if c, err := in.Accept("se_1"); err == nil {
			accepted <- c
		}
	}()
	roots := x509.NewCertPool()
	leaf := must(x509.ParseCertificate(w.cert.Certificate[0]))(t)
	roots.AddCert(leaf)
	address := w.split.HTTPS().Addr().String()
	remote, _, err := tunnel.Dial(t.Context(), tunnel.Target{Addresses: []string{address}, ServerName: "gw", Roots: roots},
		func(context.Context) (*tls.Certificate, error) { return &w.cert, nil }, tunnel.Hello{V: tunnel.Version, Connection: "db"})
	if err != nil {
		t.Fatal(err)
	}
	e.gateway = <-accepted
	e.program = must(net.Dial("tcp", w.local.Addr().String()))(t)
	deadline := time.Now().Add(patience)
	_, _ = e.program.SetDeadline(deadline), e.gateway.SetDeadline(deadline) // fail for closed connections alone
	t.Cleanup(func() { tunnel.Abort(e.program); tunnel.Abort(e.gateway) })
	return e, must(w.local.Accept())(t).(*net.TCPConn), remote
}

func (e *ends) awaitDone(t testing.TB) {
	t.Helper()
	select {
	case <-e.done:
	case <-time.After(patience):
		t.Fatal("the link is still carried")
	}
}

// noise writes n random bytes in pieces of random sizes and answers their hash.
func noise(w io.Writer, seed int64, n int) ([32]byte, error) {
	r, h := mrand.New(mrand.NewSource(seed)), sha256.New()
	for n > 0 {
		size := 1 + r.Intn(100)
		if r.Intn(3) == 0 {
			size = 1 + r.Intn(300_000)
		}
		b := make([]byte, min(n, size))
		_, _ = r.Read(b) // never fails
		h.Write(b)
		if _, err := w.Write(b); err != nil {
			return [32]byte{}, err
		}
		n -= len(b)
	}
	return [32]byte(h.Sum(nil)), nil
}

func hashOf(r io.Reader) ([32]byte, error) {
	h := sha256.New()
	_, err := io.Copy(h, r)
	return [32]byte(h.Sum(nil)), err
}
