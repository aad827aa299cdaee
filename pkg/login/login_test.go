package login_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/login"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const origin = "https://hoop.example.com"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code string) *api.Error {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got %v, want code %s", err, code)
	}
	return e
}

// broker rotates refresh tokens and ends a sign-in whose token comes twice, as the real one does.
type broker struct {
	mu        sync.Mutex
	logins    []api.LoginRequest
	used      map[string]bool
	refreshes int
	revoked   bool
	life      time.Duration
}

func (b *broker) Login(_ context.Context, r api.LoginRequest) (api.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.logins = append(b.logins, r)
	return b.session(), nil
}

func (b *broker) Refresh(_ context.Context, token string) (api.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used == nil {
		b.used = map[string]bool{}
	}
	if b.used[token] || b.revoked {
		b.revoked = true
		return api.Session{}, &api.Error{Code: api.CodeSignInNeeded, Message: "used twice"}
	}
	b.used[token] = true
	b.refreshes++
	return b.session(), nil
}

func (b *broker) session() api.Session {
	n := strings.Repeat("x", b.refreshes+len(b.logins))
	return api.Session{AccessToken: "canary-access-" + n, RefreshToken: "canary-refresh-" + n,
		ExpiresAt: time.Now().Add(b.life), RefreshExpiresAt: time.Now().Add(8 * time.Hour), Identity: api.Identity{User: "dev", Issuer: "https://idp.example.com"}}
}

func openStore(t testing.TB, path string) *login.Store {
	t.Helper()
	dir, err := login.OpenDir(path)
	must(t, err)
	store, err := login.NewStore(dir, login.KeepFile, nil, nil)
	must(t, err)
	return store
}

func TestWithoutASignInOnlyASignInHelps(t *testing.T) {
	b := &broker{}
	for _, store := range []*login.Store{nil, openStore(t, t.TempDir())} {
		s := login.NewSource(login.Options{Origin: origin, Broker: b, Store: store})
		_, err := s.Token(t.Context())
		wantCode(t, err, api.CodeSignInNeeded)
	}
	if len(b.logins)+b.refreshes != 0 {
		t.Error("the broker was asked")
	}
}

// The tokens of a store are refreshed once, however many processes come at the same time.
func TestParallelProcessesRefreshOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hoop")
	b := &broker{life: time.Hour}
	first := openStore(t, path)
	must(t, first.Begin(t.Context(), login.Saved{Origin: origin, Session: api.Session{AccessToken: "old", RefreshToken: "old-refresh",
		ExpiresAt: time.Now().Add(-time.Minute), RefreshExpiresAt: time.Now().Add(time.Hour)}}))
	var wg sync.WaitGroup
	for range 20 {
		s := login.NewSource(login.Options{Origin: origin, Broker: b, Store: openStore(t, path)})
		wg.Go(func() {
			token, err := s.Token(t.Context())
			if err != nil || !strings.HasPrefix(token, "canary-access-") {
				t.Errorf("%q (%v)", token, err)
			}
		})
	}
	wg.Wait()
	if b.refreshes != 1 || b.revoked {
		t.Errorf("%d refreshes, revoked %v", b.refreshes, b.revoked)
	}
}

func TestARefreshIsKeptForTheNextProcess(t *testing.T) {
	path := t.TempDir()
	b := &broker{life: 10 * time.Second} // shorter than what counts as fresh: each process refreshes
	must(t, openStore(t, path).Begin(t.Context(), login.Saved{Origin: origin, Session: api.Session{RefreshToken: "r0", RefreshExpiresAt: time.Now().Add(time.Hour)}}))
	for range 3 {
		s := login.NewSource(login.Options{Origin: origin, Broker: b, Store: openStore(t, path)})
		_, err := s.Token(t.Context())
		must(t, err)
	}
	if b.refreshes != 3 || b.revoked {
		t.Errorf("%d refreshes, revoked %v", b.refreshes, b.revoked)
	}
}

func TestASignInThatIsOverIsNotRefreshed(t *testing.T) {
	b := &broker{life: time.Hour}
	store := openStore(t, t.TempDir())
	for _, session := range []api.Session{
		{AccessToken: "a", RefreshToken: "r", RefreshExpiresAt: time.Now().Add(-time.Second)},
		{AccessToken: "a", ExpiresAt: time.Now().Add(-time.Second)},
	} {
		must(t, store.Begin(t.Context(), login.Saved{Origin: origin, Session: session}))
		_, err := login.NewSource(login.Options{Origin: origin, Broker: b, Store: store}).Token(t.Context())
		wantCode(t, err, api.CodeSignInNeeded)
	}
	if b.refreshes != 0 {
		t.Error("the broker was asked")
	}
}

// ATTACKS A13: what was given by one broker is never sent to another.
func TestASignInBelongsToItsBroker(t *testing.T) {
	store := openStore(t, t.TempDir())
	must(t, store.Begin(t.Context(), login.Saved{Origin: origin, Session: api.Session{AccessToken: "a", ExpiresAt: time.Now().Add(time.Hour)}}))
	b := &broker{}
	_, err := login.NewSource(login.Options{Origin: "https://evil.example.com", Broker: b, Store: store}).Token(t.Context())
	wantCode(t, err, api.CodeSignInNeeded)
	if b.refreshes != 0 {
		t.Error("the other broker got a token")
	}
}

func TestSignOutForgets(t *testing.T) {
	store := openStore(t, t.TempDir())
	must(t, store.Begin(t.Context(), login.Saved{Origin: origin, Session: api.Session{AccessToken: "a", ExpiresAt: time.Now().Add(time.Hour)}}))
	s := login.NewSource(login.Options{Origin: origin, Broker: &broker{}, Store: store})
	_, err := s.Token(t.Context())
	must(t, err)
	must(t, s.SignOut())
	must(t, s.SignOut())
	_, err = s.Token(t.Context())
	wantCode(t, err, api.CodeSignInNeeded)
}

func TestAWorkloadsTokenIsExchangedOnceAndNeverStored(t *testing.T) {
	path := t.TempDir()
	b := &broker{life: time.Hour}
	w, err := login.FindWorkload("", env(map[string]string{login.EnvToken: "h.p.s"}), nil, origin)
	must(t, err)
	s := login.NewSource(login.Options{Origin: origin, Broker: b, Store: openStore(t, path), Workload: w})
	for range 3 {
		_, err := s.Token(t.Context())
		must(t, err)
	}
	if len(b.logins) != 1 || b.logins[0].IDToken != "h.p.s" {
		t.Errorf("logins %+v", b.logins)
	}
	if _, err := openStore(t, path).Load(origin); !errors.Is(err, login.ErrNone) {
		t.Errorf("stored: %v", err)
	}
}

func env(m map[string]string) func(string) string { return func(k string) string { return m[k] } }

func TestWorkloadTokensAreFoundInTheirOrder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		d, err := login.OpenDir(dir)
		must(t, err)
		must(t, d.Write(name, []byte(content)))
		return filepath.Join(dir, name)
	}
	asked, projected := write("asked", "asked.p.s\n"), write("projected", "projected.p.s")
	runner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer key" || r.URL.Query().Get("audience") != origin || r.URL.Query().Get("x") != "1" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`{"value":"actions.p.s"}`))
	}))
	defer runner.Close()
	vars := map[string]string{login.EnvToken: "literal.p.s", login.EnvTokenFile: projected, login.EnvActionsURL: runner.URL + "/t?x=1", login.EnvActionsKey: "key"}
	file := asked
	for _, want := range []string{"asked", "literal", "projected", "actions"} {
		w, err := login.FindWorkload(file, env(vars), runner.Client(), origin)
		must(t, err)
		token, err := w.Token(t.Context())
		if err != nil || token != want+".p.s" {
			t.Errorf("got %q (%v), want %s", token, err, want)
		}
		switch want {
		case "asked":
			file = ""
		case "literal":
			delete(vars, login.EnvToken)
		case "projected":
			delete(vars, login.EnvTokenFile)
		}
	}
	runner.Client().CloseIdleConnections()
	if w, err := login.FindWorkload("", env(nil), nil, origin); w != nil || err != nil {
		t.Errorf("found %v (%v) where there is none", w, err)
	}
}

func TestWhatIsNoTokenIsNotSent(t *testing.T) {
	dir, err := login.OpenDir(t.TempDir())
	must(t, err)
	for name, content := range map[string]string{"key": "-----BEGIN PRIVATE KEY-----\ncanary", "long": strings.Repeat("a.b.c", 10000), "two": "a.b.c d.e.f", "empty": ""} {
		must(t, dir.Write(name, []byte(content)))
		w, err := login.FindWorkload(filepath.Join(dir.Path(), name), env(nil), nil, origin)
		must(t, err)
		_, err = w.Token(t.Context())
		if e := wantCode(t, err, api.CodeSignInNeeded); strings.Contains(e.Error(), "canary") {
			t.Errorf("the file's content is in %v", e)
		}
	}
	w, err := login.FindWorkload(filepath.Join(dir.Path(), "missing"), env(nil), nil, origin)
	must(t, err)
	_, err = w.Token(t.Context())
	wantCode(t, err, api.CodeSignInNeeded)
	_, err = login.FindWorkload("", env(map[string]string{login.EnvActionsURL: "http://evil.example.com", login.EnvActionsKey: "k"}), nil, origin)
	wantCode(t, err, api.CodeUsage)
}
