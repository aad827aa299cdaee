package broker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/broker"
	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

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
	for e, err := range dev.Events(t.Context(), g.ID, 0) {
		if err != nil || e.Type != api.EventRenewed || e.ExpiresAt.Sub(g.ExpiresAt) != 45*time.Minute {
			t.Errorf("%+v, %v", e, err)
		}
		break
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
	if err != nil || ended.State != "ended" || ended.EndedBy != "sec" || ended.Closed != nil {
		t.Errorf("%+v, %v", ended, err)
	}
	if e := nextEnding(t, feed); e.GrantID != g.ID || e.SessionID != "" || e.Reason != api.EndingEnded {
		t.Errorf("%+v", e)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the gateway was told after %s", took)
	}
	again, err := dev.EndGrant(t.Context(), g.ID, "")
	if err != nil || again.EndedBy != "sec" || again.Closed == nil || again.Closed.Code != api.EndingEnded || again.Closed.Message != "The grant was ended by sec." {
		t.Errorf("ending it again: %+v, %v", again, err)
	}
	if got := w.auditKinds(g.ID); !slices.Equal(got, []string{"grant", "grant_ended"}) {
		t.Errorf("audit: %v", got)
	}
	if listed, err := security.Grants(t.Context()); err != nil || len(listed) != 1 {
		t.Errorf("the list of those with the power: %+v, %v", listed, err)
	}
}

// Who gives a grant back is told how it ended before, also where nobody has written that down yet and where much happened under it.
func TestAGrantThatIsGivenBackTooLateSaysHowItEnded(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	g, _ := w.grant(dev)
	for range 250 {
		w.must(w.broker.PublishGrantEvent(t.Context(), g.ID, api.GrantEvent{Type: api.EventApprovalWaiting}))
	}
	w.clock.add(g.ExpiresAt.Sub(g.CreatedAt))
	ended, err := dev.EndGrant(t.Context(), g.ID, "hoop connect ended")
	if err != nil || ended.State != "expired" || ended.Closed == nil || ended.Closed.Code != api.EndingExpired || ended.Closed.Message == "" {
		t.Errorf("%+v, %v", ended, err)
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
