package broker_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/hoop-gateway/hoop/broker"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/identity/identitytest"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// signInRenewable signs somebody in whose provider gave a refresh token.
func (w *world) signInRenewable(name string, groups ...string) user {
	w.t.Helper()
	claims := w.claims(name, groups...)
	refresh := w.issuer.Refreshable("sub-"+name, claims)
	s, err := w.anonymous().Login(w.t.Context(), api.LoginRequest{IDToken: w.token(name, groups...), RefreshToken: refresh})
	w.must(err)
	return user{w.withToken(s.AccessToken), s}
}

// refresh uses the user's refresh token and takes the new tokens.
func (w *world) refresh(u *user) error {
	w.t.Helper()
	s, err := w.anonymous().Refresh(w.t.Context(), u.session.RefreshToken)
	if err == nil {
		*u = user{w.withToken(s.AccessToken), s}
	}
	return err
}

func TestSignInGivesAnAccessTokenForTenMinutesAndARefreshForEightHours(t *testing.T) {
	w := newWorld(t)
	dev := w.signInRenewable("dev", "developers")
	now := w.clock.Now()
	if d := dev.session.ExpiresAt.Sub(now); d != 10*time.Minute {
		t.Errorf("access for %s", d)
	}
	if d := dev.session.RefreshExpiresAt.Sub(now); d != 8*time.Hour {
		t.Errorf("refresh for %s", d)
	}
	who, err := dev.WhoAmI(t.Context())
	if err != nil || who.User != "dev" || who.Type != "human" || who.Claims != nil {
		t.Errorf("%+v, %v", who, err)
	}
	w.clock.add(10 * time.Minute)
	_, err = dev.WhoAmI(t.Context())
	wantCode(t, err, api.CodeSignInNeeded)
	w.must(w.refresh(&dev))
	if _, err := dev.WhoAmI(t.Context()); err != nil {
		t.Error(err)
	}
	w.clock.add(8*time.Hour - 10*time.Minute)
	wantCode(t, w.refresh(&dev), api.CodeSignInNeeded)
}

func TestAWorkloadIsSignedInUntilItsTokensOwnEnd(t *testing.T) {
	w := newWorld(t)
	agent := w.signInAgent()
	if s := agent.session; s.RefreshToken != "" || !s.RefreshExpiresAt.IsZero() || s.ExpiresAt.Sub(w.clock.Now()).Round(time.Minute) != 2*time.Hour {
		t.Errorf("%+v", s)
	}
	claims := w.claims("x")
	claims["repository_id"], claims["exp"] = "1234", w.clock.Now().Add(40*time.Hour).Unix()
	s, err := w.anonymous().Login(t.Context(), api.LoginRequest{IDToken: w.issuer.Token(t, "sub-agent", claims), RefreshToken: "x"})
	w.must(err)
	if d := s.ExpiresAt.Sub(w.clock.Now()); d != 8*time.Hour || s.RefreshToken != "" {
		t.Errorf("a token of 40 h signs in for %s: %+v", d, s)
	}
}

// B1, B2, B5, B11, B34: whatever is wrong with a token, the answer is the same, and
// the token is in no log.
func TestRefusedSignInsLookAllTheSame(t *testing.T) {
	w := newWorld(t)
	good := w.issuer.Claims("sub-dev", w.claims("dev"))
	other := w.issuer.Claims("sub-dev", map[string]any{"aud": "grafana", "name": "dev"})
	bodies := map[string]bool{}
	for what, in := range map[string]api.LoginRequest{
		"nothing":          {},
		"alg none":         {IDToken: identitytest.Unsigned(t, map[string]any{"alg": "none"}, good, "")},
		"HS256":            {IDToken: identitytest.HMAC(t, w.issuer.RSAPublicKey(), good)},
		"other audience":   {IDToken: w.issuer.Sign(t, jose.RS256, other, nil)},
		"too large":        {IDToken: strings.Repeat("x", 20<<10)},
		"unknown issuer":   {IDToken: w.issuer.Token(t, "sub-dev", map[string]any{"iss": "https://other.test"})},
		"unknown provider": {IDToken: w.token("dev"), Provider: "other"},
		"nobody's name":    {IDToken: w.issuer.Token(t, "sub-dev", nil)},
	} {
		_, err := w.anonymous().Login(t.Context(), in)
		e := wantCode(t, err, api.CodeSignInNeeded)
		if e.RequestID == "" || e.Status != http.StatusUnauthorized {
			t.Errorf("%s: %+v", what, e)
		}
		e.RequestID = ""
		bodies[e.Message+e.Hint+e.Title] = true
		if in.IDToken != "" && strings.Contains(w.logged(), in.IDToken) {
			t.Errorf("%s: the token is in the log", what)
		}
	}
	if len(bodies) != 1 {
		t.Errorf("answers differ: %v", bodies)
	}
	if len(w.auditKinds("")) != 0 {
		t.Error("a refused sign-in left state")
	}
	if !strings.Contains(w.logged(), "algorithm") {
		t.Error("the precise reason is not in the log")
	}
}

// B17: a refresh token that comes twice ends the sign-in and its grants.
func TestAReusedRefreshTokenEndsTheSignIn(t *testing.T) {
	w := newWorld(t)
	dev := w.signInRenewable("dev", "developers")
	stolen := dev.session.RefreshToken
	g, hash := w.grant(dev)
	w.must(w.refresh(&dev))
	feed := w.broker.Endings(t.Context())
	_, err := w.anonymous().Refresh(t.Context(), stolen)
	wantCode(t, err, api.CodeSignInNeeded)
	if e := nextEnding(t, feed); e.GrantID != g.ID || e.Reason != api.EndingSignIn {
		t.Errorf("%+v", e)
	}
	_, err = dev.WhoAmI(t.Context())
	wantCode(t, err, api.CodeSignInNeeded)
	wantCode(t, w.refresh(&dev), api.CodeSignInNeeded)
	_, err = w.broker.Grant(t.Context(), g.ID, hash)
	wantCode(t, err, api.CodeGrantEnded)
}

func TestAnAccessTokenIsNoRefreshTokenAndTheOtherWayRound(t *testing.T) {
	w := newWorld(t)
	dev := w.signInRenewable("dev", "developers")
	_, err := w.anonymous().Refresh(t.Context(), dev.session.AccessToken)
	wantCode(t, err, api.CodeSignInNeeded)
	_, err = w.withToken(dev.session.RefreshToken).WhoAmI(t.Context())
	wantCode(t, err, api.CodeSignInNeeded)
	if _, err := dev.WhoAmI(t.Context()); err != nil {
		t.Errorf("and neither did harm: %v", err)
	}
}

// B18: a person whom the provider no longer knows is out at the next refresh, with their grants.
func TestAPersonWhomTheProviderRefusesIsOut(t *testing.T) {
	w := newWorld(t)
	dev := w.signInRenewable("dev", "developers")
	g, _ := w.grant(dev)
	w.issuer.RemoveUser("sub-dev")
	feed := w.broker.Endings(t.Context())
	wantCode(t, w.refresh(&dev), api.CodeSignInNeeded)
	if e := nextEnding(t, feed); e.GrantID != g.ID {
		t.Errorf("%+v", e)
	}
}

// B20: an outage of the provider refuses the refresh and ends nothing.
func TestAnOutageOfTheProviderEndsNothing(t *testing.T) {
	w := newWorld(t)
	dev := w.signInRenewable("dev", "developers")
	g, hash := w.grant(dev)
	w.issuer.SetDown(true)
	if e := wantCode(t, w.refresh(&dev), api.CodeUnavailable); !e.Retryable || e.Status != http.StatusServiceUnavailable {
		t.Errorf("%+v", e)
	}
	if _, err := w.broker.Grant(t.Context(), g.ID, hash); err != nil {
		t.Errorf("the grant: %v", err)
	}
	w.issuer.SetDown(false)
	w.clock.add(time.Minute)
	w.must(w.refresh(&dev))
}

// B19: groups come from the provider at each refresh, and a reach that goes with them ends the grant.
func TestGroupsAreThoseOfTheLatestRefresh(t *testing.T) {
	w := newWorld(t)
	dev := w.signInRenewable("dev", "developers")
	g, hash := w.grant(dev)
	w.clock.add(time.Minute)
	w.issuer.SetUser("sub-dev", w.claims("dev", "interns"))
	feed := w.broker.Endings(t.Context())
	w.must(w.refresh(&dev))
	if e := nextEnding(t, feed); e.GrantID != g.ID || e.Reason != api.EndingPolicy {
		t.Errorf("%+v", e)
	}
	if _, err := w.broker.Grant(t.Context(), g.ID, hash); err == nil {
		t.Error("the grant stands")
	}
	_, der := newKey(t)
	_, err := dev.CreateGrant(t.Context(), api.GrantRequest{Connection: "db-prod", PublicKey: der})
	wantCode(t, err, api.CodeNoSuchConnection)
	// And a token from before the change does not bring the groups back.
	old := w.claims("dev", "developers")
	old["iat"] = w.clock.Now().Add(-5 * time.Minute).Unix()
	s, err := w.anonymous().Login(t.Context(), api.LoginRequest{IDToken: w.issuer.Token(t, "sub-dev", old)})
	w.must(err)
	_, err = w.withToken(s.AccessToken).CreateGrant(t.Context(), api.GrantRequest{Connection: "db-prod", PublicKey: der})
	wantCode(t, err, api.CodeNoSuchConnection)
}

func TestLogoutEndsTheSignInAndItsGrants(t *testing.T) {
	w := newWorld(t)
	dev, laptop := w.signInRenewable("dev", "developers"), w.signInRenewable("dev", "developers")
	g, _ := w.grant(dev)
	kept, keptHash := w.grant(laptop)
	feed := w.broker.Endings(t.Context())
	w.must(dev.Logout(t.Context()))
	if e := nextEnding(t, feed); e.GrantID != g.ID {
		t.Errorf("%+v", e)
	}
	_, err := dev.WhoAmI(t.Context())
	wantCode(t, err, api.CodeSignInNeeded)
	wantCode(t, w.refresh(&dev), api.CodeSignInNeeded)
	if _, err := w.broker.Grant(t.Context(), kept.ID, keptHash); err != nil {
		t.Errorf("the other sign-in's grant: %v", err)
	}
}

func TestNoTokenIsInTheStateFolderOrTheLog(t *testing.T) {
	w := newWorld(t)
	dev := w.signInRenewable("dev", "developers")
	canaries := []string{dev.session.AccessToken, dev.session.RefreshToken, "provider-refresh-sub-dev", w.token("dev", "developers")}
	w.must(w.refresh(&dev))
	canaries = append(canaries, dev.session.AccessToken, dev.session.RefreshToken)
	w.must(filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, c := range canaries {
			if strings.Contains(string(text), c) {
				t.Errorf("%s holds the token %.20s…", path, c)
			}
		}
		return err
	}))
	for _, c := range canaries {
		if strings.Contains(w.logged(), c) {
			t.Errorf("the log holds the token %.20s…", c)
		}
	}
}

func TestASealedTokenOpensForItsOwnSignInAlone(t *testing.T) {
	w := newWorld(t)
	w.signInRenewable("dev", "developers")
	path := filepath.Join(w.dir, "provider-tokens.key")
	w.stop()
	w.must(os.Chmod(path, 0o640))
	cfg := w.cfg
	cfg.Store = &faultyStore{}
	if _, err := broker.New(cfg); err == nil || !strings.Contains(err.Error(), "read by others") {
		t.Errorf("a key that others can read: %v", err)
	}
	w.must(os.WriteFile(path, []byte("short"), 0o600))
	w.must(os.Chmod(path, 0o600))
	if _, err := broker.New(cfg); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged key: %v", err)
	}
	w.must(os.WriteFile(path, []byte(strings.Repeat("k", 32)), 0o600))
}

func TestSignInsOfOneAddressAreLimited(t *testing.T) {
	w := newWorld(t, func(c *broker.Config) { c.Limits.LoginsPerMinute = 3 })
	for range 3 {
		w.signIn("dev", "developers")
	}
	_, err := w.anonymous().Login(t.Context(), api.LoginRequest{IDToken: w.token("dev")})
	if e := wantCode(t, err, api.CodeTooMany); e.RetryAfter < 1 || e.RetryAfter > 20 {
		t.Errorf("%+v", e)
	}
	w.clock.add(20 * time.Second)
	w.signIn("dev", "developers")
}

// C7: a locked person is out at once and everywhere: sign-in, refresh, every call, grants,
// sessions; and after a restart too.
func TestALockKeepsAPersonOut(t *testing.T) {
	for _, name := range []string{"dev", ""} {
		w := newWorld(t)
		security := w.signIn("sec", "security")
		dev := w.signInRenewable("dev", "developers")
		g, hash := w.grant(dev)
		w.must(w.broker.OpenSession(t.Context(), api.SessionInfo{ID: "se_lock01", GrantID: g.ID}))
		lock := name
		if lock == "" {
			lock = w.issuer.URL + "|sub-dev"
		}
		feed := w.broker.Endings(t.Context())
		began := time.Now()
		_, err := security.Lock(t.Context(), lock, "incident 9")
		w.must(err)
		first, second := nextEnding(t, feed), nextEnding(t, feed)
		if took := time.Since(began); took > time.Second {
			t.Errorf("the gateway was told after %s", took)
		}
		if first.GrantID != g.ID || second.SessionID != "se_lock01" || first.Reason != api.EndingLocked {
			t.Errorf("%+v, %+v", first, second)
		}
		w.stop()
		w.start()
		security, dev = user{w.withToken(security.session.AccessToken), security.session}, user{w.withToken(dev.session.AccessToken), dev.session}
		_, err = dev.WhoAmI(t.Context())
		wantCode(t, err, api.CodeLocked)
		wantCode(t, w.refresh(&dev), api.CodeLocked)
		_, err = w.anonymous().Login(t.Context(), api.LoginRequest{IDToken: w.token("dev")})
		wantCode(t, err, api.CodeLocked)
		_, err = w.broker.Grant(t.Context(), g.ID, hash)
		wantCode(t, err, api.CodeLocked)
		wantCode(t, w.broker.OpenSession(t.Context(), api.SessionInfo{ID: "se_lock02", GrantID: g.ID}), api.CodeLocked)
		locks, err := security.Locks(t.Context())
		if err != nil || len(locks) != 1 || locks[0].User != lock || locks[0].By != "sec" || locks[0].Reason != "incident 9" {
			t.Errorf("%+v, %v", locks, err)
		}
		w.must(security.Unlock(t.Context(), lock))
		w.must(w.refresh(&dev))
		wantCode(t, security.Unlock(t.Context(), lock), api.CodeNotFound)
	}
}

func TestLocksNeedTheirPower(t *testing.T) {
	w := newWorld(t)
	dev, security := w.signIn("dev", "developers"), w.signIn("sec", "security")
	_, err := dev.Locks(t.Context())
	wantCode(t, err, api.CodeNotFound)
	_, err = dev.Lock(t.Context(), "sec", "")
	wantCode(t, err, api.CodeNotFound)
	wantCode(t, dev.Unlock(t.Context(), "sec"), api.CodeNotFound)
	w.policy.set(func(p *fakePolicy) { p.only[policy.Locks] = "db-prod" })
	_, err = security.Lock(t.Context(), "dev", "")
	w.must(err)
	wantCode(t, security.Unlock(t.Context(), "dev"), api.CodeDenied)
	for _, bad := range []string{"", " dev", strings.Repeat("x", 3000)} {
		_, err := security.Lock(t.Context(), bad, "")
		wantCode(t, err, api.CodeUsage)
	}
}

// logged returns what was logged so far.
func (w *world) logged() string {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	return w.log.String()
}

// post sends a body as it is, and returns the status and the error in the answer.
func (w *world) post(token, path, contentType, body string) (int, *api.Error) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.server.URL+path, strings.NewReader(body))
	w.must(err)
	req.Header.Set("Content-Type", contentType)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := w.server.Client().Do(req)
	w.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	w.must(err)
	e, err := decodeProblem(text)
	if res.StatusCode >= 400 && err != nil {
		w.t.Errorf("%s answers %d with %q", path, res.StatusCode, text)
	}
	return res.StatusCode, e
}

func decodeProblem(text []byte) (*api.Error, error) {
	var e api.Error
	err := json.Unmarshal(text, &e)
	return &e, err
}
