package broker_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/broker"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// get fetches a path and returns the answer with its body.
func (w *world) get(token, method, path string) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, nil)
	w.must(err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := w.server.Client().Do(req)
	w.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	w.must(err)
	return res, string(text)
}

// O1: the live routes are those of the document, and each that needs a sign-in refuses
// without one, in the same words whatever is wrong with the token.
func TestEveryRouteOfTheDocumentIsLiveAndGuarded(t *testing.T) {
	w := newWorld(t)
	_, text := w.get("", "GET", "/openapi.json")
	var doc struct {
		Paths map[string]map[string]struct {
			Security []any `json:"security"`
		} `json:"paths"`
	}
	w.must(json.Unmarshal([]byte(text), &doc))
	if len(doc.Paths) < 20 {
		t.Fatalf("a document of %d paths", len(doc.Paths))
	}
	fill := strings.NewReplacer("{id}", "ap_abcdefghjk", "{user}", "x")
	for path, methods := range doc.Paths {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			op, there := methods[strings.ToLower(method)]
			for _, token := range []string{"", "x", "hoop_at_" + strings.Repeat("A", 43)} {
				res, body := w.get(token, method, fill.Replace(path))
				open := there && len(op.Security) == 0
				switch {
				case !there && res.StatusCode != http.StatusNotFound:
					t.Errorf("%s %s is not in the document and answers %d", method, path, res.StatusCode)
				case there && !open && (res.StatusCode != http.StatusUnauthorized || !strings.Contains(body, api.CodeSignInNeeded)):
					t.Errorf("%s %s answers %d without a sign-in", method, path, res.StatusCode)
				case open && (res.StatusCode == http.StatusNotFound || res.StatusCode >= 500):
					t.Errorf("%s %s answers %d", method, path, res.StatusCode)
				}
				if res.Header.Get("X-Request-Id") == "" || res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s %s: headers %v", method, path, res.Header)
				}
			}
		}
	}
}

func TestEveryErrorIsAProblemWithItsFiveFields(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]int{"/nothing": 404, "/v1/whoami": 401, "/approvals/<script>": 404} {
		res, body := w.get("", "GET", path)
		var e map[string]any
		w.must(json.Unmarshal([]byte(body), &e))
		for _, field := range []string{"code", "message", "hint", "retryable", "request_id"} {
			if _, there := e[field]; !there {
				t.Errorf("%s: no %s in %s", path, field, body)
			}
		}
		if res.StatusCode != want || res.Header.Get("Content-Type") != "application/problem+json" || e["request_id"] != res.Header.Get("X-Request-Id") {
			t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
	}
}

func TestAPanicIsAnInternalErrorAndTheBrokerLives(t *testing.T) {
	w := newWorld(t, func(c *broker.Config) { c.Keys = func() []api.Key { panic("a secret") } })
	dev := w.signIn("dev", "developers")
	_, err := dev.Keys(t.Context())
	if e := wantCode(t, err, api.CodeInternal); e.Status != 500 || strings.Contains(e.Message, "secret") {
		t.Errorf("%+v", e)
	}
	if _, err := dev.WhoAmI(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(w.logged(), "panicked") {
		t.Error("nothing in the log")
	}
}

func TestTheApprovalsPageShowsNothingOfTheRequest(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	res, real := w.get("", "GET", "/approvals/"+a.ID)
	_, none := w.get("", "GET", "/approvals/ap_abcdefghjk")
	if strings.ReplaceAll(real, a.ID, "X") != strings.ReplaceAll(none, "ap_abcdefghjk", "X") {
		t.Error("the page tells a request that exists from one that does not")
	}
	if !strings.Contains(real, "hoop approvals show "+a.ID) || strings.Contains(real, "DELETE") {
		t.Errorf("%s", real)
	}
	csp := res.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("%s", csp)
	}
}

func TestDiscoveryNamesTheProvidersThatPeopleUse(t *testing.T) {
	w := newWorld(t)
	d, err := w.anonymous().Discover(t.Context())
	if err != nil || d.Version != "1.2.3" || len(d.Providers) != 1 || d.Providers[0].Issuer != w.issuer.URL || d.Providers[0].Device != "provider" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestQuestionsAboutAPolicyNeedReachOrPower(t *testing.T) {
	w := newWorld(t)
	dev, security := w.signIn("dev", "developers"), w.signIn("sec", "security")
	as := &api.As{User: "x", Groups: []string{"y"}}
	if can, err := dev.Can(t.Context(), api.CanRequest{Connection: "db-prod", Command: strings.Repeat("x", 500<<10)}); err != nil || can.Rule != "dev" {
		t.Errorf("%+v, %v", can, err)
	}
	_, err := dev.Can(t.Context(), api.CanRequest{Connection: "db-prod", Command: strings.Repeat("x", 1<<20)})
	wantCode(t, err, api.CodeUsage)
	_, err = dev.Can(t.Context(), api.CanRequest{Connection: "db-prod", As: as})
	wantCode(t, err, api.CodeDenied)
	_, err = dev.Explain(t.Context(), api.PolicyRequest{Connection: "db-prod", Policy: "version: 1"})
	wantCode(t, err, api.CodeDenied)
	_, err = dev.Explain(t.Context(), api.PolicyRequest{Connection: "db-secret"})
	wantCode(t, err, api.CodeNoSuchConnection)
	if _, err := dev.Explain(t.Context(), api.PolicyRequest{Connection: "db-prod", Command: "x"}); err != nil {
		t.Error(err)
	}
	_, err = dev.TestPolicy(t.Context(), "version: 1")
	wantCode(t, err, api.CodeDenied)
	if _, err := security.Can(t.Context(), api.CanRequest{Connection: "db-secret", As: as}); err != nil {
		t.Error(err)
	}
	if report, err := security.TestPolicy(t.Context(), "version: 1"); err != nil || !report.OK {
		t.Errorf("%+v, %v", report, err)
	}
	_, err = security.TestPolicy(t.Context(), "")
	wantCode(t, err, api.CodeUsage)
	if keys, err := dev.Keys(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("%+v, %v", keys, err)
	}
}

func TestCallsOfOneIdentityAreLimited(t *testing.T) {
	w := newWorld(t, func(c *broker.Config) { c.Limits.CallsPerMinute = 2 })
	dev, other := w.signIn("dev", "developers"), w.signIn("other", "developers")
	for range 2 {
		_, err := dev.WhoAmI(t.Context())
		w.must(err)
	}
	_, err := dev.WhoAmI(t.Context())
	wantCode(t, err, api.CodeTooMany)
	_, err = other.WhoAmI(t.Context())
	w.must(err)
}

func TestABrokerThatLacksAPartDoesNotStart(t *testing.T) {
	w := newWorld(t)
	for what, change := range map[string]func(*broker.Config){
		"no store":           func(c *broker.Config) { c.Store = nil },
		"no policy":          func(c *broker.Config) { c.Policy = nil },
		"no authority":       func(c *broker.Config) { c.Authority = nil },
		"no judge":           func(c *broker.Config) { c.Judge = nil },
		"no provider":        func(c *broker.Config) { c.Providers = nil },
		"no state":           func(c *broker.Config) { c.StateDir = "" },
		"no URL":             func(c *broker.Config) { c.PublicURL = "" },
		"a URL with a query": func(c *broker.Config) { c.PublicURL = "https://x.test/?a" },
		"a provider twice":   func(c *broker.Config) { c.Providers = append(c.Providers, c.Providers[0]) },
		"a connection twice": func(c *broker.Config) { c.Connections = append(c.Connections, c.Connections[0]) },
	} {
		cfg := w.cfg
		change(&cfg)
		if b, err := broker.New(cfg); err == nil {
			b.Close()
			t.Errorf("%s: it starts", what)
		}
	}
}
