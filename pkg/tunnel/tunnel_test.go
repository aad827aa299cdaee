package tunnel_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const serverName = "gateway.hoop.test"

// authority signs the certificates of a test.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true,
		BasicConstraintsValid: true, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{key: key, cert: cert, pool: pool}
}

func (a *authority) sign(t testing.TB, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, key.Public(), a.key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// port is one listener with a tunnel and HTTPS on it.
type port struct {
	*tunnel.Split
	ca      *authority
	address string
}

func listen(t testing.TB, change func(*tunnel.Config)) *port {
	t.Helper()
	ca := newAuthority(t)
	conf := tunnel.Config{
		HTTPS:   &tls.Config{Certificates: []tls.Certificate{ca.sign(t, "web.hoop.test")}},
		Gateway: &tls.Config{Certificates: []tls.Certificate{ca.sign(t, serverName)}},
		Verify: func(chain []*x509.Certificate) error {
			return chain[0].CheckSignatureFrom(ca.cert)
		},
		ServerName: serverName,
		Timeout:    5 * time.Second,
	}
	if change != nil {
		change(&conf)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s, err := tunnel.NewSplit(ln, conf)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return &port{Split: s, ca: ca, address: ln.Addr().String()}
}

func (p *port) target() tunnel.Target {
	return tunnel.Target{Addresses: []string{p.address}, ServerName: serverName, Roots: p.ca.pool}
}

func (p *port) credential(t testing.TB) tunnel.Credential {
	cert := p.ca.sign(t)
	return func(context.Context) (*tls.Certificate, error) { return &cert, nil }
}

// next accepts one tunnel in the background and hands it to serve.
func (p *port) next(t testing.TB, serve func(*tunnel.Incoming)) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		in, err := p.Accept(context.Background())
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("accept: %v", err)
			}
			return
		}
		serve(in)
	}()
	return done
}

// closedByPeer waits until the other side has closed c, and fails when that takes too long.
func closedByPeer(t testing.TB, c net.Conn) {
	t.Helper()
	must(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	buf := make([]byte, 512)
	for {
		_, err := c.Read(buf)
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			t.Fatal("the connection was left open")
		}
		if err != nil {
			return
		}
	}
}
