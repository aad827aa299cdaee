package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const samplePolicy = "dev/policy.yaml"

func TestThePolicyCommandsSayWhatAServerWould(t *testing.T) {
	h := program(t)
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("version: 1\nrulez: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sample, err := os.ReadFile(samplePolicy)
	if err != nil {
		t.Fatal(err)
	}
	failing := filepath.Join(t.TempDir(), "failing.yaml")
	if err := os.WriteFile(failing, []byte(strings.Replace(string(sample), "expect: approve", "expect: allow", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	explain := func(user, groups, command string) []string {
		return []string{"policy", "explain", samplePolicy, "--as", user, "--groups", groups, "--on", "db-prod", command}
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"policy", "lint", samplePolicy}, 0, "well-formed, 0 warnings"},
		{[]string{"policy", "lint", broken}, 2, `broken.yaml:2:1: unknown key "rulez"`},
		{[]string{"policy", "test", samplePolicy}, 0, "tests pass"},
		{[]string{"policy", "test", failing}, 2, "1 of its tests fail"},
		{[]string{"policy", "test", filepath.Join(t.TempDir(), "none")}, 2, "read the policy"},
		{[]string{"policy", "lint"}, 2, "accepts 1 arg"},
		{[]string{"policy", "explain", samplePolicy, "SELECT 1"}, 2, "who asks"},
		{explain("dev", "developers", "SELECT name FROM users"), 0, "verdict: allow\nrule:    read"},
		{explain("dev", "developers", "DELETE FROM users WHERE id = 1"), 0, "verdict: approve\nrule:    writes-need-a-dba"},
		{explain("dev", "developers", "DROP TABLE users"), 0, "verdict: deny\nrule:    default"},
		{explain("dev", "developers", "SELEC 1"), 0, "verdict: deny\nrule:    unparsable"},
		{explain("security", "security", "SELECT 1"), 0, "reach:   none"},
	} {
		stdout, stderr, code := h.run(t, c.args...)
		if code != c.code || !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("hoopd %v: exit %d, want %d and %q:\n%s%s", c.args, code, c.code, c.want, stdout, stderr)
		}
	}
}

func TestWrongUseExitsWithTwo(t *testing.T) {
	h := program(t)
	for _, args := range [][]string{
		{"serv"}, {"serve"}, {"serve", "-c", "/nonexistent/hoopd.yaml"}, {"version", "--loud"}, {"version", "now"}, {"check"}, {"dev", "token"},
		{"dev", "token", "nobody", "--state", t.TempDir()}, {"policy", "explian", "x"},
	} {
		if stdout, stderr, code := h.run(t, args...); code != 2 || stdout != "" || !strings.HasPrefix(stderr, "hoopd: ") {
			t.Errorf("hoopd %v: exit %d\n%s%s", args, code, stdout, stderr)
		}
	}
	if stdout, _, code := h.run(t, "version"); code != 0 || !strings.HasPrefix(stdout, "hoopd ") {
		t.Errorf("version: %d %s", code, stdout)
	}
}

// configuration writes a hoopd.yaml whose people sign in at issuer.
func configuration(t *testing.T, issuer, scopes, policy string) string {
	t.Helper()
	dir := t.TempDir()
	sample, err := os.ReadFile(samplePolicy)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`state: state
broker:
  listen: 127.0.0.1:8443
  public_url: https://127.0.0.1:8443
  identity: [{name: corp, oidc: {issuer: %q, client_id: hoop, scopes: [%s]}, username_claim: email, groups_claim: groups}]
connections:
  - {name: db-prod, kind: postgres, address: 127.0.0.1:5432, database: app, credential: {user: hoop, password: {env: HOOP_TEST_NO_SUCH}}, tls: {mode: disable}}
policy: policy.yaml
`, issuer, scopes)
	for name, text := range map[string]string{"hoopd.yaml": text, "policy.yaml": string(sample) + policy} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "hoopd.yaml")
}

func TestCheckSaysWhatIsWrongUnsafeAndMissing(t *testing.T) {
	h := program(t)
	var provider *httptest.Server
	provider = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"issuer": %q, "grant_types_supported": ["authorization_code"], "scopes_supported": ["openid", "groups"]}`, provider.URL)
	}))
	defer provider.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []struct {
		file string
		code int
		want []string
	}{
		{configuration(t, provider.URL, "openid, groups", ""), 0, []string{
			"has no device endpoint", "gives no refresh tokens, so groups stand", "HOOP_TEST_NO_SUCH is not set", "can be served",
		}},
		{configuration(t, gone.URL, "openid", ""), 0, []string{"can't be asked now", "can be served"}},
		{configuration(t, provider.URL+"/", "openid", ""), 2, []string{"calls itself " + provider.URL}},
		{configuration(t, provider.URL, "openid", "  - {as: {user: dev, groups: [developers]}, on: db-prod, command: DROP TABLE users, expect: allow}\n"), 2, []string{"1 of its tests fail"}},
		{configuration(t, provider.URL, "openid", "rulez: []\n"), 2, []string{`unknown key "rulez"`}},
		{configuration(t, "http://idp.example.com", "openid", ""), 2, []string{"hoopd.yaml:5:", "is not https"}},
		{samplePolicy, 2, []string{"policy.yaml:4:1: unknown key"}},
	} {
		stdout, stderr, code := h.run(t, "check", c.file)
		for _, want := range c.want {
			if code != c.code || !strings.Contains(stdout+stderr, want) {
				t.Errorf("check: exit %d, want %d and %q:\n%s%s", code, c.code, want, stdout, stderr)
			}
		}
	}
}
