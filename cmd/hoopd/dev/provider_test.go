package dev_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev"
)

// serve runs a provider on loopback and answers its issuer.
func serve(t *testing.T, dir string) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	issuer := "http://" + srv.Listener.Addr().String()
	p, err := dev.NewProvider(dir, issuer)
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = p
	srv.Start()
	t.Cleanup(srv.Close)
	return issuer
}

func discover(t *testing.T, issuer string) (*oidc.Provider, oauth2.Config) {
	t.Helper()
	found, err := oidc.NewProvider(t.Context(), issuer)
	if err != nil {
		t.Fatal(err)
	}
	return found, oauth2.Config{
		ClientID: "hoop", Endpoint: found.Endpoint(), RedirectURL: "http://127.0.0.1:7777/callback",
		Scopes: []string{"openid", "profile", "groups", "offline_access"},
	}
}

// browse follows the sign-in to the redirect that carries the code, as a browser of a person who picks an account.
func browse(t *testing.T, start, account string) (code string) {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	to := func(res *http.Response, err error) *url.URL {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		_ = res.Body.Close()
		next, err := res.Location()
		if err != nil {
			t.Fatalf("status %d without a redirect: %s", res.StatusCode, text)
		}
		return next
	}
	login := to(browser.Get(start))
	if login.Path != "/login" {
		return login.Query().Get("code")
	}
	page, err := browser.Get(login.String())
	if err != nil || page.StatusCode != http.StatusOK {
		t.Fatalf("login page: %v", err)
	}
	_ = page.Body.Close()
	callback := to(browser.PostForm(login.Scheme+"://"+login.Host+"/login", url.Values{"id": {login.Query().Get("id")}, "account": {account}}))
	return to(browser.Get(callback.String())).Query().Get("code")
}

func groupsOf(t *testing.T, found *oidc.Provider, token *oauth2.Token) (user string, groups []string) {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	id, err := found.Verifier(&oidc.Config{ClientID: "hoop", SupportedSigningAlgs: []string{"ES256"}}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		User   string   `json:"preferred_username"`
		Groups []string `json:"groups"`
	}
	if err := id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	return claims.User, claims.Groups
}

func TestTheCodeFlowNeedsPKCEAndAGoodVerifier(t *testing.T) {
	found, client := discover(t, serve(t, t.TempDir()))
	if code := browse(t, client.AuthCodeURL("state"), "dev"); code != "" {
		t.Fatal("a request without a challenge got a code")
	}
	verifier := oauth2.GenerateVerifier()
	code := browse(t, client.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), "privacy")
	if _, err := client.Exchange(t.Context(), code, oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
		t.Fatal("another verifier was taken")
	}
	code = browse(t, client.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), "privacy")
	token, err := client.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if user, groups := groupsOf(t, found, token); user != "privacy" || len(groups) != 1 || groups[0] != "privacy" {
		t.Fatalf("%s %v", user, groups)
	}
	if _, err := client.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err == nil {
		t.Fatal("a code was taken twice")
	}
}

func TestARedirectToElsewhereIsRefused(t *testing.T) {
	_, client := discover(t, serve(t, t.TempDir()))
	client.RedirectURL = "https://evil.example/callback"
	res, err := http.Get(client.AuthCodeURL("state", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Fatalf("status %d", res.StatusCode)
	}
}

func TestARefreshTokenOutlivesARestartAndIsNoUseElsewhere(t *testing.T) {
	dir := t.TempDir()
	_, client := discover(t, serve(t, dir))
	verifier := oauth2.GenerateVerifier()
	token, err := client.Exchange(t.Context(), browse(t, client.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)), "dba"), oauth2.VerifierOption(verifier))
	if err != nil || token.RefreshToken == "" {
		t.Fatalf("%+v, %v", token, err)
	}
	refresh := func(dir, with string) (*oidc.Provider, *oauth2.Token, error) {
		found, client := discover(t, serve(t, dir))
		token, err := client.TokenSource(t.Context(), &oauth2.Token{RefreshToken: with, Expiry: time.Unix(1, 0)}).Token()
		return found, token, err
	}
	found, again, err := refresh(dir, token.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if user, groups := groupsOf(t, found, again); user != "dba" || len(groups) != 1 || groups[0] != "dba" {
		t.Fatalf("after the refresh: %s %v", user, groups)
	}
	body, tag, _ := strings.Cut(token.RefreshToken, ".")
	for what, with := range map[string]string{"altered": body + "A." + tag, "without its seal": body, "empty seal": body + "."} {
		if _, _, err := refresh(dir, with); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
	if _, _, err := refresh(t.TempDir(), token.RefreshToken); err == nil {
		t.Error("taken by a provider with another key")
	}
}

func TestADeniedDeviceGetsNoToken(t *testing.T) {
	issuer := serve(t, t.TempDir())
	_, client := discover(t, issuer)
	flow, err := client.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.PostForm(issuer+"/device/confirm", url.Values{"user_code": {flow.UserCode}, "account": {"dev"}, "decision": {"deny"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var said *oauth2.RetrieveError
	if _, err := client.DeviceAccessToken(ctx, flow); !errors.As(err, &said) || said.ErrorCode != "access_denied" {
		t.Fatalf("error: %v", err)
	}
}

func TestWorkloadsDoNotSignInAtThePage(t *testing.T) {
	issuer := serve(t, t.TempDir())
	_, client := discover(t, issuer)
	flow, err := client.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{"agent", "root", ""} {
		res, err := http.PostForm(issuer+"/device/confirm", url.Values{"user_code": {flow.UserCode}, "account": {account}, "decision": {"approve"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: status %d", account, res.StatusCode)
		}
	}
}

func TestTheProviderIsForLoopbackAlone(t *testing.T) {
	for _, issuer := range []string{"http://10.0.0.1:80", "http://idp.example.com:80", "https://127.0.0.1:80", "http://127.0.0.1", ""} {
		if _, err := dev.NewProvider(t.TempDir(), issuer); err == nil {
			t.Errorf("%q was taken", issuer)
		}
	}
}

func TestATokenForScriptsIsBoundedAndOfAKnownAccount(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if _, err := dev.Token(dir, "dev", time.Hour); err == nil || !strings.Contains(err.Error(), "hoopd dev") {
		t.Fatalf("without a state folder: %v", err)
	}
	s, err := dev.Open(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, life := range []time.Duration{0, -time.Hour, 25 * time.Hour} {
		if _, err := dev.Token(dir, "dev", life); err == nil {
			t.Errorf("a token for %s", life)
		}
	}
	if _, err := dev.Token(dir, "root", time.Hour); err == nil {
		t.Error("a token of an unknown account")
	}
	if _, err := dev.Token(dir, "agent", time.Hour); err != nil {
		t.Error(err)
	}
}

func TestAFolderKeepsItsPorts(t *testing.T) {
	dir := t.TempDir()
	first, err := dev.Open(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dev.Open(dir, false); err == nil {
		t.Fatal("two have one folder")
	}
	if err := first.WriteEnv("https://127.0.0.1:1", "/it's/ca.crt"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(first.Env())
	if err != nil || !strings.Contains(string(text), `export HOOP_CA_FILE='/it'\''s/ca.crt'`) {
		t.Fatalf("%s, %v", text, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := dev.Open(dir, false)
	if err != nil || again.Ports != first.Ports {
		t.Fatalf("%+v, %v", again, err)
	}
	defer again.Close()
	if _, err := os.Stat(again.Env()); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("the env of one that was killed is still there")
	}
}

func TestAConnectionStringBecomesATarget(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://u:p@127.0.0.1:5433/app":                              `{"Address":"127.0.0.1:5433","Database":"app","User":"u","Mode":"disable","CAFile":"","Password":"db-prod.password"}`,
		"postgres://u:p@db.example.com/app":                              `{"Address":"db.example.com:5432","Database":"app","User":"u","Mode":"verify-full","CAFile":"","Password":"db-prod.password"}`,
		"postgres://u:p@db.example.com/app?sslmode=require":              `{"Address":"db.example.com:5432","Database":"app","User":"u","Mode":"require","CAFile":"","Password":"db-prod.password"}`,
		"host=/run/postgresql port=5432 user=u password=p dbname='app'":  `{"Address":"/run/postgresql:5432","Database":"app","User":"u","Mode":"disable","CAFile":"","Password":"db-prod.password"}`,
		"host=db.example.com user=u password=p dbname=a sslmode=disable": "in clear",
		"postgres://u@db.example.com/app":                                "no password",
		"postgres://u:hunter2@127.0.0.1:99999999/app":                    "not a connection string",
	} {
		dir := t.TempDir()
		s, err := dev.Open(dir, true)
		if err != nil {
			t.Fatal(err)
		}
		target, err := s.Target(dsn)
		got, _ := json.Marshal(target)
		if strings.HasPrefix(want, "{") && (err != nil || string(got) != want) || !strings.HasPrefix(want, "{") && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %s, %v", dsn, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Error("the error holds the password")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestThePagesRefuseOtherOriginsHostsAndWrongCodes(t *testing.T) {
	issuer := serve(t, t.TempDir())
	form := url.Values{"user_code": {"BBBB-BBBB"}, "account": {"dev"}, "decision": {"approve"}}
	for what, c := range map[string]struct {
		set  func(*http.Request)
		want int
	}{
		"a wrong code":     {func(*http.Request) {}, http.StatusBadRequest},
		"another origin":   {func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, http.StatusForbidden},
		"another site":     {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		"another host":     {func(r *http.Request) { r.Host = "rebound.example" }, http.StatusMisdirectedRequest},
		"too large a form": {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(strings.Repeat("a=b&", 10000))) }, http.StatusBadRequest},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+"/device/confirm", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.ContentLength = -1
		c.set(req)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d", what, res.StatusCode, c.want)
		}
	}
}
