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
	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/grant"
	"github.com/hoop-gateway/hoop/pkg/policy"
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

func TestAGrantEndsAtItsTimeWithEventsBefore(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	g, hash := w.grant(dev)
	feed := w.broker.Endings(t.Context())
	events := make(chan api.GrantEvent, 10)
	go func() {
		defer close(events)
		for e, err := range dev.Events(t.Context(), g.ID, 0) {
			if err != nil {
				t.Error(err)
				return
			}
			events <- e
		}
	}()
	w.clock.add(29*time.Minute + time.Second)
	if e := <-events; e.Type != api.EventExpiring || e.Seq != 1 || !e.ExpiresAt.Equal(g.ExpiresAt) {
		t.Errorf("%+v", e)
	}
	w.clock.add(59 * time.Second)
	began := time.Now()
	if e := nextEnding(t, feed); e.GrantID != g.ID || e.Reason != api.EndingExpired || e.Seq == 0 {
		t.Errorf("%+v", e)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the gateway was told after %s", took)
	}
	if e := <-events; e.Type != api.EventClosed || e.Code != api.EndingExpired || e.Seq != 2 {
		t.Errorf("%+v", e)
	}
	if e, open := <-events; open {
		t.Errorf("after the last event: %+v", e)
	}
	_, err := w.broker.Grant(t.Context(), g.ID, hash)
	wantCode(t, err, api.CodeGrantEnded)
	_, err = dev.RenewCertificate(t.Context(), g.ID)
	wantCode(t, err, api.CodeGrantEnded)
	wantCode(t, w.broker.OpenSession(t.Context(), api.SessionInfo{ID: "se_late01", GrantID: g.ID}), api.CodeGrantEnded)
	grants, err := dev.Grants(t.Context())
	if err != nil || len(grants) != 1 || grants[0].State != "expired" || grants[0].Certificate != nil || grants[0].Gateway != nil {
		t.Errorf("%+v, %v", grants, err)
	}
	if got := w.auditKinds(g.ID); !slices.Equal(got, []string{"grant", "grant_expired"}) {
		t.Errorf("audit: %v", got)
	}
}

func TestAGrantSurvivesARestartOfTheBroker(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	g, hash := w.grant(dev)
	w.stop()
	w.start()
	kept, err := w.broker.Grant(t.Context(), g.ID, hash)
	if err != nil || kept.Identity.User != "dev" || !kept.ExpiresAt.Equal(g.ExpiresAt) {
		t.Errorf("%+v, %v", kept, err)
	}
	cert, err := w.withToken(dev.session.AccessToken).RenewCertificate(t.Context(), g.ID)
	w.must(err)
	if h, _ := w.handleOf(cert.Certificate); h.KeyHash != hash || h.GrantID != g.ID {
		t.Errorf("%+v", h)
	}
}

func TestACertificateIsRenewedForTheSameKeyAndNeverBeyondTheGrant(t *testing.T) {
	w := newWorld(t)
	dev, other := w.signIn("dev", "developers"), w.signIn("other", "developers")
	g, hash := w.grant(dev)
	_, err := other.RenewCertificate(t.Context(), g.ID)
	wantCode(t, err, api.CodeNotFound)
	w.clock.add(28 * time.Minute)
	cert, err := dev.RenewCertificate(t.Context(), g.ID)
	w.must(err)
	if !cert.NotAfter.Equal(g.ExpiresAt) || cert.RenewAfter.Sub(w.clock.Now().UTC()).Round(time.Second) != time.Minute {
		t.Errorf("%+v for a grant until %s", cert, g.ExpiresAt)
	}
	if h, _ := w.handleOf(cert.Certificate); h.KeyHash != hash {
		t.Error("another key")
	}
	if status, _ := w.post(dev.session.AccessToken, "/v1/grants/"+g.ID+"/certificate", "application/json", `{}`); status != 200 {
		t.Errorf("an empty body: %d", status)
	}
}

func TestAGrantThatRenewsLivesAsLongAsTheSignIn(t *testing.T) {
	w := newWorld(t)
	w.policy.set(func(p *fakePolicy) {
		p.reach["developers"]["db-prod"] = policy.Reach{Rule: "devs", TTL: time.Hour, Renew: true}
	})
	dev := w.signIn("dev", "developers") // for two hours
	g, hash := w.grant(dev)
	w.clock.add(10 * time.Minute)
	if _, err := dev.RenewCertificate(t.Context(), g.ID); err != nil {
		t.Fatal(err)
	}
	if kept, err := w.broker.Grant(t.Context(), g.ID, hash); err != nil || !kept.ExpiresAt.Equal(g.ExpiresAt) {
		t.Errorf("before the middle: %s, %v", kept.ExpiresAt, err)
	}
	w.clock.add(35 * time.Minute)
	if _, err := dev.RenewCertificate(t.Context(), g.ID); err != nil {
		t.Fatal(err)
	}
	if kept, err := w.broker.Grant(t.Context(), g.ID, hash); err != nil || kept.ExpiresAt.Sub(g.ExpiresAt) != 45*time.Minute {
		t.Errorf("after the middle: %s, %v", kept.ExpiresAt, err)
	}
	w.clock.add(40 * time.Minute)
	if _, err := dev.RenewCertificate(t.Context(), g.ID); err != nil {
		t.Fatal(err)
	}
	if kept, err := w.broker.Grant(t.Context(), g.ID, hash); err != nil || kept.ExpiresAt.After(dev.session.ExpiresAt) || kept.ExpiresAt.Sub(dev.session.ExpiresAt) < -time.Second {
		t.Errorf("at the sign-in's end %s: %s, %v", dev.session.ExpiresAt, kept.ExpiresAt, err)
	}
}

func TestEndingAGrantTellsTheGatewayAndTheClient(t *testing.T) {
	w := newWorld(t)
	dev, other, security := w.signIn("dev", "developers"), w.signIn("other", "developers"), w.signIn("sec", "security")
	g, _ := w.grant(dev)
	_, err := other.EndGrant(t.Context(), g.ID, "")
	wantCode(t, err, api.CodeNotFound)
	if listed, err := other.Grants(t.Context()); err != nil || len(listed) != 0 {
		t.Errorf("another's list: %+v, %v", listed, err)
	}
	feed := w.broker.Endings(t.Context())
	began := time.Now()
	ended, err := security.EndGrant(t.Context(), g.ID, "incident")
	if err != nil || ended.State != "ended" || ended.EndedBy != "sec" {
		t.Errorf("%+v, %v", ended, err)
	}
	if e := nextEnding(t, feed); e.GrantID != g.ID || e.SessionID != "" || e.Reason != api.EndingEnded {
		t.Errorf("%+v", e)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the gateway was told after %s", took)
	}
	again, err := dev.EndGrant(t.Context(), g.ID, "")
	if err != nil || again.EndedBy != "sec" {
		t.Errorf("ending it again: %+v, %v", again, err)
	}
	if got := w.auditKinds(g.ID); !slices.Equal(got, []string{"grant", "grant_ended"}) {
		t.Errorf("audit: %v", got)
	}
	if listed, err := security.Grants(t.Context()); err != nil || len(listed) != 1 {
		t.Errorf("the list of those with the power: %+v, %v", listed, err)
	}
}

func TestAPolicyThatTakesAReachAwayEndsTheGrant(t *testing.T) {
	w := newWorld(t)
	dev, agent := w.signIn("dev", "developers"), w.signInAgent()
	g, hash := w.grant(dev)
	kept, keptHash := w.grant(agent)
	w.policy.set(func(p *fakePolicy) { delete(p.reach, "developers") })
	_, err := w.broker.Grant(t.Context(), g.ID, hash)
	wantCode(t, err, api.CodeDenied) // for what is new at once, even before anybody tells the broker
	feed := w.broker.Endings(t.Context())
	w.must(w.broker.PolicyChanged(t.Context()))
	if e := nextEnding(t, feed); e.GrantID != g.ID || e.Reason != api.EndingPolicy {
		t.Errorf("%+v", e)
	}
	if _, err := w.broker.Grant(t.Context(), kept.ID, keptHash); err != nil {
		t.Errorf("another's grant: %v", err)
	}
}

// C17, C18: wherever the store fails, the answer is `unavailable`, there is no half of a
// grant, and never a grant without its audit entry.
func TestAFailingStoreGivesNoGrant(t *testing.T) {
	faulty := &faultyStore{}
	w := newWorld(t, func(c *broker.Config) { c.Store = faulty })
	dev := w.signIn("dev", "developers")
	live, hash := w.grant(dev)
	_, der := newKey(t)
	ask := func() error {
		_, err := dev.CreateGrant(t.Context(), api.GrantRequest{Connection: "db-prod", PublicKey: der})
		return err
	}
	faulty.readOnly.Store(true)
	if e := wantCode(t, ask(), api.CodeUnavailable); e.Status != 503 || !e.Retryable {
		t.Errorf("%+v", e)
	}
	if err := w.broker.Ready(t.Context()); err == nil {
		t.Error("a broker that can't write says that it is ready")
	}
	if _, err := w.broker.Grant(t.Context(), live.ID, hash); err != nil {
		t.Errorf("the live grant: %v", err)
	}
	faulty.readOnly.Store(false)
	faulty.armed.Store(true)
	failures := 0
	for n := int64(0); ; n++ {
		faulty.left.Store(n)
		err := ask()
		if err == nil {
			break
		}
		failures++
		wantCode(t, err, api.CodeUnavailable)
		w.wantGrants(1)
	}
	if failures < 3 { // the grant, the audit entry, the commit
		t.Errorf("%d points of failure were tried", failures)
	}
	faulty.armed.Store(false)
	w.wantGrants(2)
	w.must(w.broker.Ready(t.Context()))
}

// wantGrants fails unless there are n grants, each with one audit entry.
func (w *world) wantGrants(n int) {
	w.t.Helper()
	audited := 0
	for _, kind := range w.auditKinds("") {
		if kind == "grant" {
			audited++
		}
	}
	w.must(w.store.View(w.t.Context(), func(tx store.Tx) error {
		grants, err := tx.Grants(store.GrantFilter{})
		if len(grants) != n || audited != n {
			w.t.Errorf("%d grants, %d audit entries, want %d", len(grants), audited, n)
		}
		return err
	}))
}

func TestEventsResumeWhereTheyBroke(t *testing.T) {
	w := newWorld(t)
	dev, other := w.signIn("dev", "developers"), w.signIn("other", "developers")
	g, _ := w.grant(dev)
	for n := range 3 {
		w.must(w.broker.PublishGrantEvent(t.Context(), g.ID, api.GrantEvent{Type: api.EventCommandRefused, Command: strings.Repeat("x\n", n)}))
	}
	_, err := dev.EndGrant(t.Context(), g.ID, "")
	w.must(err)
	var seqs []int64
	for e, err := range dev.Events(t.Context(), g.ID, 1) {
		w.must(err)
		seqs = append(seqs, e.Seq)
		if e.Seq == 3 && e.Command != "x\nx\n" {
			t.Errorf("%+v", e)
		}
	}
	if !slices.Equal(seqs, []int64{2, 3, 4}) {
		t.Errorf("after the first event came %v", seqs)
	}
	for _, err := range other.Events(t.Context(), g.ID, 0) {
		wantCode(t, err, api.CodeNotFound)
	}
	err = w.broker.PublishGrantEvent(t.Context(), g.ID, api.GrantEvent{Type: api.EventClosed})
	wantCode(t, err, api.CodeUsage)
	err = w.broker.PublishGrantEvent(t.Context(), g.ID, api.GrantEvent{Type: "x", Message: strings.Repeat("x", 2<<20)})
	wantCode(t, err, api.CodeUsage)
}

func TestAnOpenStreamEndsWithTheBroker(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	g, _ := w.grant(dev)
	feed := w.broker.Endings(t.Context())
	got := make(chan api.GrantEvent)
	go func() {
		for e, err := range dev.Events(t.Context(), g.ID, 0) {
			if err == nil {
				got <- e
			}
		}
	}()
	w.must(w.broker.PublishGrantEvent(t.Context(), g.ID, api.GrantEvent{Type: "x"}))
	if e := <-got; e.Type != "x" {
		t.Errorf("%+v", e)
	}
	w.stop() // returns: the server waits for its open streams
	for range feed {
		// Heartbeats may have been on their way; the feed ends.
	}
}
