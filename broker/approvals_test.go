package broker_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

const digestA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

var byDBA = []api.Approvers{{Rule: "writes", Groups: []string{"dba"}, Quorum: 1}}

// request is what a gateway asks for.
func request(u user, digest string, demands ...api.Approvers) api.Approval {
	if len(demands) == 0 {
		demands = byDBA
	}
	return api.Approval{
		Requester: u.session.Identity, Connection: "db-prod", Digest: digest, Command: "DELETE FROM t WHERE id = $1",
		Params: []string{"7"}, Rule: demands[0].Rule, Approvers: demands,
	}
}

func (w *world) ask(u user, g api.Grant, digest string, demands ...api.Approvers) api.Approval {
	w.t.Helper()
	a, err := w.broker.AskApproval(w.t.Context(), request(u, digest, demands...), g.ID)
	w.must(err)
	return a
}

func (w *world) decide(u user, a api.Approval, decision string) (api.Approval, error) {
	return u.Decide(w.t.Context(), a.ID, api.DecisionRequest{Decision: decision, Digest: a.Digest})
}

func (w *world) claim(u user, a api.Approval, demands ...api.Approvers) error {
	if len(demands) == 0 {
		demands = byDBA
	}
	return w.broker.ClaimApproval(w.t.Context(), a.ID, a.Digest, u.session.Identity, demands)
}

func digest(n int) string { return fmt.Sprintf("%064x", n) }

// K3: an approval covers one execution, for as long as it lives.
func TestAnApprovalIsUsedOnce(t *testing.T) {
	w := newWorld(t)
	dev, dba := w.signIn("dev", "developers"), w.signIn("dba", "dba")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	if !strings.HasPrefix(a.ID, "ap_") || a.URL != "https://hoop.test/approvals/"+a.ID || a.State != api.ApprovalPending || a.Reason != "ticket 7" ||
		a.ExpiresAt.Sub(a.CreatedAt) != 10*time.Minute {
		t.Errorf("%+v", a)
	}
	if again := w.ask(dev, g, digestA); again.ID != a.ID {
		t.Errorf("the same command is request %s and %s", a.ID, again.ID)
	}
	wantCode(t, w.claim(dev, a), api.CodeApprovalPending)
	approved, err := w.decide(dba, a, "approve")
	if err != nil || approved.State != api.ApprovalApproved || len(approved.Decisions) != 1 || approved.Decisions[0].By.User != "dba" || approved.Decisions[0].Scope != "once" {
		t.Fatalf("%+v, %v", approved, err)
	}
	if again := w.ask(dev, g, digestA); again.ID != a.ID || again.State != api.ApprovalApproved {
		t.Errorf("asked again once it is approved: %+v", again)
	}
	w.must(w.claim(dev, a))
	for range 3 {
		wantCode(t, w.claim(dev, a), api.CodeConflict)
	}
	if next := w.ask(dev, g, digestA); next.ID == a.ID || next.State != api.ApprovalPending {
		t.Errorf("after it was used: %+v", next)
	}
	if got, want := w.auditKinds(a.ID), []string{"approval_asked", "approval_decision", "approval_approved", "approval_used"}; !slices.Equal(got, want) {
		t.Errorf("audit: %v, want %v", got, want)
	}
}

func TestOfManyClaimsAtOnceOneIsGood(t *testing.T) {
	w := newWorld(t)
	dev, dba := w.signIn("dev", "developers"), w.signIn("dba", "dba")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	if _, err := w.decide(dba, a, "approve"); err != nil {
		t.Fatal(err)
	}
	var good atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if w.claim(dev, a) == nil {
				good.Add(1)
			}
		})
	}
	wg.Wait()
	if good.Load() != 1 {
		t.Errorf("%d claims were good", good.Load())
	}
}

func TestTheSameCommandAskedAtOnceIsOneRequest(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	g, _ := w.grant(dev)
	var mu sync.Mutex
	ids := map[string]bool{}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			a, err := w.broker.AskApproval(t.Context(), request(dev, digestA), g.ID)
			mu.Lock()
			defer mu.Unlock()
			if ids[a.ID] = true; err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(ids) != 1 {
		t.Errorf("requests: %v", ids)
	}
}

// K1: another command, person or demand than what was approved does not pass.
func TestAnApprovalCoversExactlyWhatWasShown(t *testing.T) {
	w := newWorld(t)
	dev, other, dba := w.signIn("dev", "developers"), w.signIn("other", "developers"), w.signIn("dba", "dba")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	_, err := dba.Decide(t.Context(), a.ID, api.DecisionRequest{Decision: "approve", Digest: digest(1)})
	wantCode(t, err, api.CodeUsage)
	if _, err := w.decide(dba, a, "approve"); err != nil {
		t.Fatal(err)
	}
	changed := a
	changed.Digest = digest(1)
	wantCode(t, w.claim(dev, changed), api.CodeRejected)
	wantCode(t, w.claim(other, a), api.CodeNotFound)
	wantCode(t, w.broker.ClaimApproval(t.Context(), a.ID, a.Digest, dev.session.Identity, nil), api.CodeDenied)
	wantCode(t, w.broker.ClaimApproval(t.Context(), "ap_none", a.Digest, dev.session.Identity, byDBA), api.CodeNotFound)
	w.must(w.claim(dev, a))
	// A demand that those who agreed do not meet voids the approval.
	b := w.ask(dev, g, digest(2))
	if _, err := w.decide(dba, b, "approve"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, w.claim(dev, b, api.Approvers{Rule: "new", Groups: []string{"privacy"}, Quorum: 1}), api.CodeRejected)
	wantCode(t, w.claim(dev, b), api.CodeConflict)
}

func TestARequestUnderOtherDemandsIsAnotherRequest(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	b := w.ask(dev, g, digestA, api.Approvers{Rule: "writes", Groups: []string{"dba"}, Quorum: 2})
	if a.ID == b.ID {
		t.Error("the quorum changed, the request did not")
	}
	kept, err := dev.Approval(t.Context(), a.ID)
	if err != nil || kept.State != api.ApprovalWithdrawn {
		t.Errorf("%+v, %v", kept, err)
	}
}

// K4: nobody decides their own request: not under another name, not for the machine that
// they own, and no machine decides at all.
func TestNobodyDecidesTheirOwn(t *testing.T) {
	w := newWorld(t)
	requester := w.signIn("dev", "developers", "dba")
	g, _ := w.grant(requester)
	a := w.ask(requester, g, digestA)
	_, err := w.decide(requester, a, "approve")
	wantCode(t, err, api.CodeDenied)
	w.clock.add(time.Second)
	renamed := w.claims("somebody else", "dba")
	s, err := w.anonymous().Login(t.Context(), api.LoginRequest{IDToken: w.issuer.Token(t, "sub-dev", renamed)})
	w.must(err)
	_, err = w.decide(user{w.withToken(s.AccessToken), s}, a, "approve")
	wantCode(t, err, api.CodeDenied)

	agent, owner, other := w.signInAgent(), w.signIn("dba", "dba"), w.signIn("dba2", "dba")
	ag, _ := w.grant(agent)
	mine := w.ask(agent, ag, digest(1), api.Approvers{Rule: "writes", Groups: []string{"dba", "agents"}, Quorum: 1})
	for what, u := range map[string]user{"its owner": owner, "itself": agent} {
		if _, err := w.decide(u, mine, "approve"); err == nil {
			t.Errorf("the agent's request was decided by %s", what)
		}
	}
	theirs := w.ask(requester, g, digest(2), api.Approvers{Rule: "writes", Groups: []string{"agents"}, Quorum: 1})
	if _, err := w.decide(agent, theirs, "approve"); err == nil {
		t.Error("a machine decided a person's request")
	}
	if _, err := w.decide(other, mine, "approve"); err != nil {
		t.Errorf("another dba: %v", err)
	}
}

// K5: of many clicks at once there is one final state, and everybody else is told that it was late.
func TestManyClicksMakeOneFinalState(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	reviewers := make([]user, 10)
	for n := range reviewers {
		reviewers[n] = w.signIn(fmt.Sprintf("dba%d", n), "dba")
	}
	var won, late atomic.Int64
	var wg sync.WaitGroup
	for n := range 100 {
		wg.Go(func() {
			_, err := w.decide(reviewers[n%10], a, []string{"approve", "reject"}[n%2])
			var e *api.Error
			switch {
			case err == nil:
				won.Add(1)
			case errors.As(err, &e) && e.Code == api.CodeConflict:
				late.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || late.Load() != 99 {
		t.Errorf("%d clicks won, %d were late", won.Load(), late.Load())
	}
	kept, err := dev.Approval(t.Context(), a.ID)
	if err != nil || len(kept.Decisions) != 1 || (kept.State == api.ApprovalApproved) != (kept.Decisions[0].Decision == "approve") {
		t.Errorf("%+v, %v", kept, err)
	}
}

func TestARejectionWinsAtOnceAndALateApprovalDoesNothing(t *testing.T) {
	w := newWorld(t)
	dev, dba, other := w.signIn("dev", "developers"), w.signIn("dba", "dba"), w.signIn("dba2", "dba")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA, api.Approvers{Rule: "writes", Groups: []string{"dba"}, Quorum: 2})
	if half, err := w.decide(dba, a, "approve"); err != nil || half.State != api.ApprovalPending {
		t.Errorf("half of the quorum: %+v, %v", half, err)
	}
	_, err := w.decide(dba, a, "approve")
	wantCode(t, err, api.CodeConflict) // one person counts once
	if no, err := w.decide(other, a, "reject"); err != nil || no.State != api.ApprovalRejected {
		t.Errorf("%+v, %v", no, err)
	}
	_, err = w.decide(w.signIn("dba3", "dba"), a, "approve")
	wantCode(t, err, api.CodeConflict)
	wantCode(t, w.claim(dev, a), api.CodeConflict)
}

// Who sends a rejected command again gets the same answer, until the request would have ended; others ask for themselves.
func TestARejectionStandsUntilTheRequestEnds(t *testing.T) {
	w := newWorld(t)
	dev, friend, dba := w.signIn("dev", "developers"), w.signIn("friend", "developers"), w.signIn("dba", "dba")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	if _, err := w.decide(dba, a, "reject"); err != nil {
		t.Fatal(err)
	}
	again, _ := w.grant(dev) // another process
	for _, grant := range []api.Grant{g, again} {
		if next := w.ask(dev, grant, digestA); next.ID != a.ID || next.State != api.ApprovalRejected || len(next.Decisions) != 1 {
			t.Errorf("asked again: %+v", next)
		}
	}
	hers, _ := w.grant(friend)
	if next := w.ask(friend, hers, digestA); next.State != api.ApprovalPending {
		t.Errorf("somebody else's: %+v", next)
	}
	for name, next := range map[string]api.Approval{
		"another command": w.ask(dev, g, digest(2)),
		"other demands":   w.ask(dev, g, digestA, api.Approvers{Rule: "writes", Groups: []string{"privacy"}, Quorum: 1}),
	} {
		if next.ID == a.ID || next.State != api.ApprovalPending {
			t.Errorf("%s: %+v", name, next)
		}
	}
	w.clock.add(11 * time.Minute)
	if next := w.ask(dev, g, digestA); next.ID == a.ID || next.State != api.ApprovalPending {
		t.Errorf("after its end: %+v", next)
	}
}

func TestEveryDemandNeedsItsOwnQuorum(t *testing.T) {
	w := newWorld(t)
	dev, dba, both := w.signIn("dev", "developers"), w.signIn("dba", "dba"), w.signIn("both", "dba", "privacy")
	g, _ := w.grant(dev)
	demands := []api.Approvers{{Rule: "one", Groups: []string{"dba"}, Quorum: 2}, {Rule: "two", Users: []string{"both"}, Quorum: 1}}
	a := w.ask(dev, g, digestA, demands...)
	if half, err := w.decide(dba, a, "approve"); err != nil || half.State != api.ApprovalPending {
		t.Errorf("%+v, %v", half, err)
	}
	if whole, err := w.decide(both, a, "approve"); err != nil || whole.State != api.ApprovalApproved {
		t.Errorf("%+v, %v", whole, err)
	}
	w.must(w.claim(dev, a, demands...))
}

// K6: who loses the right between the click and the run counts no more.
func TestAReviewerIsLookedAtAgainWhenTheApprovalIsUsed(t *testing.T) {
	for what, lose := range map[string]func(w *world, dba user){
		"locked": func(w *world, _ user) {
			_, err := w.signIn("sec", "security").Lock(w.t.Context(), "dba", "")
			w.must(err)
		},
		"out of the group": func(w *world, _ user) {
			w.clock.add(time.Second)
			w.signIn("dba", "interns")
		},
	} {
		w := newWorld(t)
		dev, dba := w.signIn("dev", "developers"), w.signIn("dba", "dba")
		g, _ := w.grant(dev)
		a := w.ask(dev, g, digestA)
		if _, err := w.decide(dba, a, "approve"); err != nil {
			t.Fatal(err)
		}
		lose(w, dba)
		wantCode(t, w.claim(dev, a), api.CodeRejected)
		if next := w.ask(dev, g, digestA); next.ID == a.ID {
			t.Errorf("%s: the void approval is offered again", what)
		}
	}
}

func TestALockedRequesterRunsNothing(t *testing.T) {
	w := newWorld(t)
	dev, dba := w.signIn("dev", "developers"), w.signIn("dba", "dba")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	if _, err := w.decide(dba, a, "approve"); err != nil {
		t.Fatal(err)
	}
	_, err := w.signIn("sec", "security").Lock(t.Context(), "dev", "")
	w.must(err)
	wantCode(t, w.claim(dev, a), api.CodeLocked)
}
