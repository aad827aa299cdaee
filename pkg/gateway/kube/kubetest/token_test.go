package kubetest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
)

// asksFor has a gateway sign in with tokens that it asks the cluster for.
func asksFor(c *kubetest.Cluster, account string) func(*gateway.Target) {
	return func(t *gateway.Target) {
		t.Credential = credential.Login{Token: credential.NewSecret(c.GatewayToken), Request: &credential.TokenRequest{Namespace: "hoop", ServiceAccount: account}}
	}
}

// minted counts the tokens of an account that the cluster was asked for by the gateway.
func minted(t *testing.T, c *kubetest.Cluster, account string) int {
	t.Helper()
	return len(c.Audited(t, func(e kubetest.Event) bool {
		return e.Stage == "ResponseComplete" && e.ObjectRef.Subresource == "token" && e.ObjectRef.Name == account && e.User.Username == "hoop-gateway"
	}))
}

// A socket that is used for longer than a token lives goes on with the next one, which was asked for before the end of the first.
func TestATokenIsAskedForAnewBeforeItsEnd(t *testing.T) {
	c := kubetest.Start(t)
	d := opened(t, c, reading, asksFor(c, "deployer"))
	program := &http.Transport{MaxConnsPerHost: 1}
	defer program.CloseIdleConnections()
	before := minted(t, c, "deployer")
	for i, step := range []struct {
		later time.Duration
		asked int
	}{{0, 1}, {0, 1}, {7 * time.Minute, 1}, {time.Minute, 2}, {0, 2}} {
		d.clock.ahead.Add(int64(step.later))
		q, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+d.address+"/api/v1/namespaces/stg/pods?labelSelector=token%3D"+string(rune('a'+i)), nil)
		must(t, err)
		a, err := program.RoundTrip(q)
		must(t, err)
		text, err := io.ReadAll(a.Body)
		must(t, err)
		_ = a.Body.Close()
		seen := c.Audited(t, func(e kubetest.Event) bool { return strings.HasSuffix(e.RequestURI, "token%3D"+string(rune('a'+i))) })
		if a.StatusCode != 200 || len(seen) == 0 || seen[0].User.Username != "system:serviceaccount:hoop:deployer" {
			t.Errorf("request %d: %d %s, the cluster saw %+v", i, a.StatusCode, text, seen)
		}
		if asked := minted(t, c, "deployer") - before; asked != step.asked {
			t.Errorf("%d tokens were asked for by request %d, and %d were expected", asked, i, step.asked)
		}
	}
	if n := d.count.Load(); n != 1 {
		t.Errorf("%d sockets", n)
	}
	if text := d.log.String() + strings.Join(sealed(t, d), ""); strings.Contains(text, "eyJ") || strings.Contains(text, c.GatewayToken) {
		t.Errorf("a token is in the log or a recording: %s", text)
	}
}

// Without a token nothing is asked, also not with the one that only asks for others.
func TestWithoutATokenNothingIsAsked(t *testing.T) {
	c := kubetest.Start(t)
	d := opened(t, c, reading, asksFor(c, "default"))
	if status, text := d.got(t, "GET", "/api/v1/namespaces/stg/pods?labelSelector=without-a-token", "application/json", ""); status != 502 || !strings.Contains(text, "can't be reached") {
		t.Errorf("%d %s", status, text)
	}
	if n := minted(t, c, "default"); n != 1 {
		t.Errorf("the cluster was asked for %d tokens", n)
	}
	for _, e := range c.Audited(t, func(e kubetest.Event) bool { return strings.Contains(e.RequestURI, "without-a-token") }) {
		t.Errorf("it reached the cluster: %+v", e)
	}
	if text := d.log.String(); !strings.Contains(text, "ask for a token: the cluster answers 403") {
		t.Errorf("the log does not say why: %s", text)
	}
}
