package broker_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/broker"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/grant"
)

// handleOf verifies a certificate as a gateway does.
func (w *world) handleOf(text string) (grant.Handle, *x509.Certificate) {
	w.t.Helper()
	block, _ := pem.Decode([]byte(text))
	leaf, err := x509.ParseCertificate(block.Bytes)
	w.must(err)
	h, err := grant.NewVerifier(w.cfg.Authority.Certificate()).Verify([]*x509.Certificate{leaf}, time.Now())
	w.must(err)
	return h, leaf
}

func TestAGrantIsGivenToWhoeverThePolicyReaches(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	connections, err := dev.Connections(t.Context())
	w.must(err)
	if len(connections) != 1 || connections[0].Name != "db-prod" || connections[0].TTL != 1800 {
		t.Fatalf("connections within reach: %+v", connections)
	}
	g, hash := w.grant(dev)
	if !g.ExpiresAt.Equal(g.CreatedAt.Add(30*time.Minute)) || g.Gateway == nil || g.Gateway.ServerName != "gw.test" {
		t.Fatalf("grant: %+v", g)
	}
	h, leaf := w.handleOf(g.Certificate.Certificate)
	if h.GrantID != g.ID || h.KeyHash != hash {
		t.Fatalf("handle %+v for grant %s", h, g.ID)
	}
	if d := leaf.NotAfter.Sub(g.CreatedAt); d > 5*time.Minute || d <= 5*time.Minute-time.Second || // certificates count whole seconds
		g.Certificate.RenewAfter.Sub(g.CreatedAt) != 150*time.Second {
		t.Errorf("a certificate for %s, renewed after %s", d, g.Certificate.RenewAfter)
	}
	kept, err := w.broker.Grant(t.Context(), h.GrantID, h.KeyHash)
	w.must(err)
	if kept.Identity.User != "dev" || kept.Connection.Database != "app" || kept.Reason != "ticket 7" || kept.Identity.Claims["name"] != "dev" {
		t.Fatalf("the gateway reads %+v", kept)
	}
	if got := w.auditKinds(g.ID); !slices.Equal(got, []string{"grant"}) {
		t.Fatalf("audit of the grant: %v", got)
	}
}

// C1: the certificate without its key, or with another, is of no use.
func TestAGrantWithAnotherKeyIsRefused(t *testing.T) {
	w := newWorld(t)
	g, hash := w.grant(w.signIn("dev", "developers"))
	hash[0] ^= 1
	_, err := w.broker.Grant(t.Context(), g.ID, hash)
	wantCode(t, err, api.CodeDenied)
	_, err = w.broker.Grant(t.Context(), g.ID, [32]byte{})
	wantCode(t, err, api.CodeDenied)
	_, err = w.broker.Grant(t.Context(), "gr_none", hash)
	wantCode(t, err, api.CodeGrantEnded)
	if !strings.Contains(w.logged(), "grant_pop_failed") {
		t.Error("no alert")
	}
}

// What is out of reach does not exist: the answer is the same to the letter.
func TestAConnectionOutOfReachDoesNotExist(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	_, der := newKey(t)
	var bodies []string
	for _, name := range []string{"db-secret", "db-unknown", "", strings.Repeat("x", 1000)} {
		_, err := dev.CreateGrant(t.Context(), api.GrantRequest{Connection: name, PublicKey: der})
		e := wantCode(t, err, api.CodeNoSuchConnection)
		e.RequestID = ""
		text, _ := json.Marshal(e)
		bodies = append(bodies, string(text))
		_, err = dev.Can(t.Context(), api.CanRequest{Connection: name})
		wantCode(t, err, api.CodeNoSuchConnection)
	}
	if len(slices.Compact(bodies)) != 1 {
		t.Errorf("answers differ: %v", bodies)
	}
}

// C10: fields that the request has no word for are refused, and those it has only shorten.
func TestARequestCanOnlyAskForLess(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	_, der := newKey(t)
	key := base64.StdEncoding.EncodeToString(der)
	for what, body := range map[string]string{
		"a role":             `{"connection":"db-prod","public_key":"` + key + `","role":"postgres"}`,
		"an identity":        `{"connection":"db-prod","public_key":"` + key + `","identity":{"user":"root"}}`,
		"a state":            `{"connection":"db-prod","public_key":"` + key + `","state":"active"}`,
		"an end":             `{"connection":"db-prod","public_key":"` + key + `","expires_at":"2099-01-01T00:00:00Z"}`,
		"a second object":    `{"connection":"db-prod","public_key":"` + key + `"}{"connection":"db-secret"}`,
		"a negative ttl":     `{"connection":"db-prod","public_key":"` + key + `","ttl_seconds":-1}`,
		"a fractional ttl":   `{"connection":"db-prod","public_key":"` + key + `","ttl_seconds":1.5}`,
		"a list":             `["db-prod"]`,
		"nothing":            ``,
		"no key":             `{"connection":"db-prod"}`,
		"a key that is none": `{"connection":"db-prod","public_key":"AAAA"}`,
		"a long reason":      `{"connection":"db-prod","public_key":"` + key + `","reason":"` + strings.Repeat("x", 1025) + `"}`,
		"a body of 10 MiB":   `{"connection":"db-prod","reason":"` + strings.Repeat("x", 10<<20) + `"}`,
	} {
		if status, e := w.post(dev.session.AccessToken, "/v1/grants", "application/json", body); status != 400 || e.Code != api.CodeUsage {
			t.Errorf("%s: %d, %+v", what, status, e)
		}
	}
	if status, _ := w.post(dev.session.AccessToken, "/v1/grants", "text/plain", `{"connection":"db-prod","public_key":"`+key+`"}`); status != 400 {
		t.Errorf("a form's content type: %d", status)
	}
	for asked, want := range map[int64]time.Duration{0: 30 * time.Minute, 60: time.Minute, 1801: 30 * time.Minute, 1 << 40: 30 * time.Minute, 9_223_372_036_854_775_807: 30 * time.Minute} {
		g, err := dev.CreateGrant(t.Context(), api.GrantRequest{Connection: "db-prod", PublicKey: der, TTLSeconds: asked})
		if err != nil || g.ExpiresAt.Sub(g.CreatedAt) != want {
			t.Errorf("asked for %d s: %s, %v", asked, g.ExpiresAt.Sub(g.CreatedAt), err)
		}
	}
}

func TestAReasonIsNeededWhereThePolicySaysSo(t *testing.T) {
	w := newWorld(t)
	dba := w.signIn("dba", "dba")
	_, der := newKey(t)
	_, err := dba.CreateGrant(t.Context(), api.GrantRequest{Connection: "db-prod", PublicKey: der})
	if e := wantCode(t, err, api.CodeUsage); !strings.Contains(e.Hint, "--reason") {
		t.Errorf("%+v", e)
	}
	reason := "<b>\x1b[2J☂</b>"
	g, err := dba.CreateGrant(t.Context(), api.GrantRequest{Connection: "db-prod", PublicKey: der, Reason: reason})
	if err != nil || g.Reason != reason {
		t.Errorf("%q, %v: the reason is kept as it is", g.Reason, err)
	}
}

// C16: one identity has a bounded number of live grants, and of requests in a minute.
func TestGrantsAreLimitedForEachIdentity(t *testing.T) {
	w := newWorld(t, func(c *broker.Config) { c.Limits.LiveGrants, c.Limits.GrantsPerMinute = 3, 5 })
	dev, other := w.signIn("dev", "developers"), w.signIn("other", "developers")
	_, der := newKey(t)
	ask := func(u user) error {
		_, err := u.CreateGrant(t.Context(), api.GrantRequest{Connection: "db-prod", PublicKey: der})
		return err
	}
	for range 3 {
		w.must(ask(dev))
	}
	if e := wantCode(t, ask(dev), api.CodeTooMany); !strings.Contains(e.Message, "live") || e.RetryAfter == 0 {
		t.Errorf("%+v", e)
	}
	wantCode(t, ask(dev), api.CodeTooMany)
	if e := wantCode(t, ask(dev), api.CodeTooMany); !strings.Contains(e.Message, "minute") || e.RetryAfter != 12 {
		t.Errorf("%+v", e)
	}
	w.must(ask(other))
	grants, err := dev.Grants(t.Context())
	w.must(err)
	_, err = dev.EndGrant(t.Context(), grants[0].ID, "")
	w.must(err)
	w.clock.add(12 * time.Second)
	w.must(ask(dev))
}
