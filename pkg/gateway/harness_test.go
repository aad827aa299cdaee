package gateway_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/grant"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
	"github.com/prometheus/client_golang/prometheus"
)

// office stands in the broker's place.
type office struct {
	guard.Approvals
	mu      sync.Mutex
	grants  map[string]api.Grant
	opened  []api.SessionInfo
	closed  []api.SessionInfo
	failing error
	endings chan api.Ending
}

func (o *office) Grant(_ context.Context, id string, _ [32]byte) (api.Grant, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	g, ok := o.grants[id]
	if !ok {
		return g, &api.Error{Code: api.CodeGrantEnded, Message: "The grant is over."}
	}
	return g, o.failing
}

func (o *office) OpenSession(_ context.Context, s api.SessionInfo) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened = append(o.opened, s)
	return nil
}
func (o *office) UpdateSession(context.Context, api.SessionInfo) error { return nil }
func (o *office) CloseSession(_ context.Context, s api.SessionInfo) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = append(o.closed, s)
	return nil
}
func (o *office) CrashedSessions(context.Context) ([]api.SessionInfo, error) { return nil, nil }
func (o *office) Endings(ctx context.Context) <-chan api.Ending {
	out := make(chan api.Ending)
	go func() {
		defer close(out)
		for {
			select {
			case e := <-o.endings:
				out <- e
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// echo is a protocol without a target: its sessions say why they end.
type echo struct {
	mu      sync.Mutex
	targets []gateway.Target
}

type greeting struct{ conn net.Conn }

func (greeting) Client() string { return "test" }
func (greeting) Done() bool     { return false }

func (e *echo) Greet(_ context.Context, c net.Conn, _ gateway.Visit) (gateway.Greeting, error) {
	return greeting{c}, nil
}
func (e *echo) Open(_ context.Context, g gateway.Greeting, t gateway.Target) (gateway.Session, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.targets = append(e.targets, t)
	return session{g.(greeting).conn}, nil
}
func (e *echo) GrantEnded(string) {}
func (e *echo) Refuse(g gateway.Greeting, why *api.Error) {
	_, _ = g.(greeting).conn.Write([]byte("refused " + why.Code))
}
func (e *echo) Judge(context.Context, gateway.Target, []policy.Mask, string) (gateway.Judgement, error) {
	return gateway.Judgement{Facts: policy.Command{Accesses: []policy.Access{{Effect: policy.Read, Object: "public.t"}}}}, nil
}
func (e *echo) JudgeText(context.Context, policy.Programs, string) gateway.Judgement {
	return gateway.Judgement{}
}

type session struct{ conn net.Conn }

func (s session) Serve(ctx context.Context, _ *guard.Session) error {
	_, _ = s.conn.Write([]byte("open\n"))
	<-ctx.Done()
	_, _ = s.conn.Write([]byte(context.Cause(ctx).Error()))
	_ = s.conn.Close()
	return context.Cause(ctx)
}
func (session) Idle() bool                                 { return true }
func (session) About() (string, string, map[string]string) { return "db", "role", nil }
func (session) Close() error                               { return nil }

// stand is a gateway behind a real tunnel.
type stand struct {
	t         *testing.T
	office    *office
	echo      *echo
	dir       string
	authority *grant.Authority
	to        tunnel.Target
	gateway   *gateway.Gateway
}

const rules = `
version: 1
reach: [{name: all, on: {connections: ["*"]}, ttl: 30m}]
rules: [{name: read, effects: [read], verdict: allow}]
`

func start(t *testing.T, change func(*gateway.Config)) *stand {
	t.Helper()
	s := &stand{t: t, dir: t.TempDir(), echo: &echo{}, office: &office{grants: map[string]api.Grant{}, endings: make(chan api.Ending)}}
	var err error
	if s.authority, err = grant.LoadOrCreateAuthority(filepath.Join(s.dir, "grants")); err != nil {
		t.Fatal(err)
	}
	signer, err := record.LoadOrCreateSigner(filepath.Join(s.dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse([]byte(rules), "policy")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GATEWAY_TEST_PASSWORD", "target-password-canary")
	verify := func(peer []*x509.Certificate, now time.Time) (string, [32]byte, error) {
		h, err := grant.NewVerifier(s.authority.Certificate()).Verify(peer, now)
		return h.GrantID, h.KeyHash, err
	}
	c := gateway.Config{
		Authority: s.office, Approvals: s.office, Verify: verify, Policy: func() *policy.Policy { return p },
		Connections: []gateway.Connection{{Name: "db", Kind: "echo", Address: "127.0.0.1:1", User: "u", Sources: credential.Sources{Password: credential.Source{Env: "GATEWAY_TEST_PASSWORD"}}}},
		Protocols:   map[string]gateway.Protocol{"echo": s.echo}, Recordings: filepath.Join(s.dir, "recordings"), Signer: signer,
		Metrics: gateway.NewMetrics(prometheus.NewRegistry()), Log: nil, Now: time.Now,
	}
	change(&c)
	s.serve(c)
	return s
}

func (s *stand) serve(c gateway.Config) {
	t := s.t
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cert, pool := certificate(t)
	split, err := tunnel.NewSplit(l, tunnel.Config{
		Gateway: &tls.Config{Certificates: []tls.Certificate{cert}}, Verify: func([]*x509.Certificate) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.gateway, err = gateway.New(c); err != nil {
		t.Fatal(err)
	}
	s.to = tunnel.Target{Addresses: []string{l.Addr().String()}, ServerName: "gateway.test", Roots: pool}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { _ = split.Serve(ctx) })
	work.Go(func() {
		if err := s.gateway.Run(ctx, split.Accept); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); work.Wait() })
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key := newKey(t)
	form := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"gateway.test"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// dial opens a tunnel under a grant of an authority.
func (s *stand) dial(by *grant.Authority, id, connection string) (tunnel.Conn, error) {
	key := newKey(s.t)
	text, err := by.Issue(id, key.Public(), time.Now().Add(time.Minute))
	if err != nil {
		s.t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	c, _, err := tunnel.Dial(s.t.Context(), s.to, func(context.Context) (*tls.Certificate, error) {
		return &tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}, nil
	}, tunnel.Hello{Connection: connection, Client: "test"})
	return c, err
}

const grantID = "gr_abcdefghij"

func (s *stand) grant(connection string, life time.Duration) {
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.grants[grantID] = api.Grant{ID: grantID, Connection: api.Connection{Name: connection}, ExpiresAt: time.Now().Add(life)}
}

// heartbeat makes the feed fresh.
func (s *stand) heartbeat() { s.office.endings <- api.Ending{} }

func code(err error) string {
	var e *api.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func (s *stand) open() tunnel.Conn {
	s.t.Helper()
	c, err := s.dial(s.authority, grantID, "db")
	if err != nil {
		s.t.Fatal(err)
	}
	word := make([]byte, 5)
	if _, err := io.ReadFull(c, word); err != nil || string(word) != "open\n" {
		s.t.Fatalf("got %q, %v", word, err)
	}
	return c
}
