package broker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/broker"
	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/grant"
	"github.com/hoop-gateway/hoop/pkg/identity"
	"github.com/hoop-gateway/hoop/pkg/identity/identitytest"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// fakePolicy is who may what as a test says it: group -> connection -> reach.
type fakePolicy struct {
	mu     sync.Mutex
	reach  map[string]map[string]policy.Reach
	powers map[string][]policy.Power // group -> powers, over every connection
	only   map[policy.Power]string   // limits a power to one connection
}

func (p *fakePolicy) Reach(s policy.Subject, c policy.Connection) (policy.Reach, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range s.Groups {
		if r, ok := p.reach[g][c.Name]; ok {
			return r, true
		}
	}
	return policy.Reach{}, false
}

func (p *fakePolicy) May(s policy.Subject, power policy.Power, c policy.Connection) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if name, limited := p.only[power]; limited && name != c.Name {
		return false
	}
	return slices.ContainsFunc(s.Groups, func(g string) bool { return slices.Contains(p.powers[g], power) })
}

func (p *fakePolicy) Version() string { return "test" }

func (p *fakePolicy) set(change func(*fakePolicy)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// fakeClock stands still until it is moved.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type fakeJudge struct{}

func (fakeJudge) Can(_ context.Context, who api.Identity, q api.CanRequest) (api.Can, error) {
	return api.Can{Connection: q.Connection, Verdict: "allow", Rule: who.User}, nil
}

func (fakeJudge) TestPolicy(_ context.Context, text []byte) (api.PolicyReport, error) {
	return api.PolicyReport{OK: len(text) > 0, Problems: []api.PolicyProblem{}}, nil
}

func (fakeJudge) Explain(_ context.Context, q api.PolicyRequest, _ api.Identity) (api.Can, error) {
	return api.Can{Connection: q.Connection, Verdict: "deny"}, nil
}

type fakeRecordings map[string]string

func (f fakeRecordings) Open(path string) (io.ReadSeekCloser, error) {
	text, ok := f[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return struct {
		io.ReadSeeker
		io.Closer
	}{strings.NewReader(text), io.NopCloser(nil)}, nil
}

// world is a broker over HTTPS with a real store and a real issuer.
type world struct {
	t      *testing.T
	dir    string
	issuer *identitytest.Issuer
	policy *fakePolicy
	clock  *fakeClock
	files  fakeRecordings
	cfg    broker.Config
	store  store.Store
	broker *broker.Broker
	server *httptest.Server
	log    *strings.Builder
	logMu  sync.Mutex
}

// Write takes a line of the log.
func (w *world) Write(p []byte) (int, error) {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	return w.log.Write(p)
}

func newWorld(t *testing.T, change ...func(*broker.Config)) *world {
	t.Helper()
	w := &world{
		t: t, dir: t.TempDir(), issuer: identitytest.New(t), clock: &fakeClock{now: time.Now()},
		files: fakeRecordings{}, log: &strings.Builder{},
		policy: &fakePolicy{
			reach: map[string]map[string]policy.Reach{
				"developers": {"db-prod": {Rule: "devs", TTL: 30 * time.Minute}},
				"agents":     {"db-prod": {Rule: "agents", TTL: 30 * time.Minute}},
				"dba":        {"db-prod": {Rule: "dba", TTL: time.Hour, ReasonRequired: true}},
			},
			powers: map[string][]policy.Power{"security": {
				policy.SessionsRead, policy.SessionsEnd, policy.GrantsEnd, policy.Locks, policy.PolicyExplain,
			}},
			only: map[policy.Power]string{},
		},
	}
	authority, err := grant.LoadOrCreateAuthority(filepath.Join(w.dir, "ca"))
	w.must(err)
	provider, err := identity.NewProvider(identity.Config{
		Name: "corp", Issuer: w.issuer.URL, ClientID: identitytest.ClientID, RootCAs: w.issuer.Roots,
		UsernameClaim: "name", GroupsClaim: "groups", Now: w.clock.Now,
		Match: []identity.Match{{
			Claims: map[string]string{"repository_id": "1234"}, As: "agent", Groups: []string{"agents"}, Type: identity.Agent,
			Owner: &api.Person{Issuer: w.issuer.URL, Subject: "sub-dba"},
		}},
	})
	w.must(err)
	w.cfg = broker.Config{
		Version: "1.2.3", PublicURL: "https://hoop.test", StateDir: w.dir, Providers: []*identity.Provider{provider},
		Connections: []broker.Connection{
			{Name: "db-prod", Kind: "postgres", Database: "app", Labels: map[string]string{"env": "prod"}},
			{Name: "db-secret", Kind: "postgres"},
		},
		Policy: func() broker.Policy { return w.policy }, Authority: authority,
		Gateway: api.Gateway{Addresses: []string{"gw.test:8443"}, ServerName: "gw.test", CA: "PEM"},
		Judge:   fakeJudge{}, Recordings: w.files, Clock: w.clock.Now,
		Keys:   func() []api.Key { return []api.Key{{ID: "k1", Public: []byte{1}}} },
		Logger: slog.New(slog.NewTextHandler(w, nil)),
	}
	for _, c := range change {
		c(&w.cfg)
	}
	w.start()
	t.Cleanup(w.stop)
	return w
}

// start opens the store and serves; stop ends both, so start again is a restart.
func (w *world) start() {
	w.t.Helper()
	db, err := store.OpenSQLite(w.t.Context(), filepath.Join(w.dir, "hoop.db"))
	w.must(err)
	w.store = db
	if w.cfg.Store == nil {
		w.cfg.Store = db
	} else if f, ok := w.cfg.Store.(*faultyStore); ok {
		f.Store = db
	}
	w.broker, err = broker.New(w.cfg)
	w.must(err)
	w.server = httptest.NewUnstartedServer(w.broker.Handler())
	w.server.EnableHTTP2 = true
	w.server.StartTLS()
}

func (w *world) stop() {
	if w.broker == nil {
		return
	}
	w.broker.Close()
	w.server.Close()
	w.must(w.store.Close())
	w.broker = nil
	if _, faulty := w.cfg.Store.(*faultyStore); !faulty {
		w.cfg.Store = nil
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(w.server.Certificate())
	return pool
}

// anonymous is a client without a sign-in.
func (w *world) anonymous() *api.Client {
	w.t.Helper()
	return w.clientWith(nil)
}

func (w *world) clientWith(token func(context.Context) (string, error)) *api.Client {
	w.t.Helper()
	c, err := api.NewClient(w.server.URL, w.roots(), token)
	w.must(err)
	w.t.Cleanup(c.Close)
	return c
}

func (w *world) withToken(token string) *api.Client {
	return w.clientWith(func(context.Context) (string, error) { return token, nil })
}

// user is somebody with a sign-in.
type user struct {
	*api.Client
	session api.Session
}

// signIn signs somebody in by name, whose subject is sub-NAME.
func (w *world) signIn(name string, groups ...string) user {
	w.t.Helper()
	s, err := w.anonymous().Login(w.t.Context(), api.LoginRequest{IDToken: w.token(name, groups...)})
	w.must(err)
	return user{w.withToken(s.AccessToken), s}
}

func (w *world) claims(name string, groups ...string) map[string]any {
	now := w.clock.Now()
	return map[string]any{"name": name, "groups": groups, "iat": now.Unix(), "exp": now.Add(2 * time.Hour).Unix()}
}

func (w *world) token(name string, groups ...string) string {
	return w.issuer.Token(w.t, "sub-"+name, w.claims(name, groups...))
}

// signInAgent signs in the workload that the person sub-dba owns.
func (w *world) signInAgent() user {
	w.t.Helper()
	claims := w.claims("x")
	claims["repository_id"] = "1234"
	s, err := w.anonymous().Login(w.t.Context(), api.LoginRequest{IDToken: w.issuer.Token(w.t, "sub-agent", claims)})
	w.must(err)
	return user{w.withToken(s.AccessToken), s}
}

func newKey(t testing.TB) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

// grant asks for a grant on db-prod and returns it with its key's hash.
func (w *world) grant(u user) (api.Grant, [32]byte) {
	w.t.Helper()
	key, der := newKey(w.t)
	g, err := u.CreateGrant(w.t.Context(), api.GrantRequest{Connection: "db-prod", PublicKey: der, Reason: "ticket 7"})
	w.must(err)
	hash, err := grant.KeyHash(key.Public())
	w.must(err)
	return g, hash
}

// wantCode fails unless err is an *api.Error of this code, and returns it.
func wantCode(t testing.TB, err error, code string) *api.Error {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of code %s", err, code)
	}
	if e.Code != code {
		t.Fatalf("got %v, want the code %s", e, code)
	}
	return e
}

// auditKinds returns the kinds of the audit entries about subject, oldest first.
func (w *world) auditKinds(subject string) []string {
	w.t.Helper()
	var kinds []string
	w.must(w.store.View(w.t.Context(), func(tx store.Tx) error {
		entries, err := tx.Entries(store.ChainAudit)
		for _, e := range entries {
			if subject == "" || e.Subject == subject {
				kinds = append(kinds, e.Kind)
			}
		}
		return err
	}))
	return kinds
}

// nextEnding returns the next ending that is not a heartbeat.
func nextEnding(t testing.TB, feed <-chan api.Ending) api.Ending {
	t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		select {
		case e, ok := <-feed:
			if !ok {
				t.Fatal("the feed ended")
			}
			if e != (api.Ending{}) {
				return e
			}
		case <-deadline:
			t.Fatal("no ending came")
		}
	}
}
