package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/broker"
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

func TestWhoIsNotAskedDecidesNothing(t *testing.T) {
	w := newWorld(t)
	dev, other, security := w.signIn("dev", "developers"), w.signIn("other", "developers"), w.signIn("sec", "security")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	_, err := w.decide(other, a, "approve")
	wantCode(t, err, api.CodeNotFound)
	_, err = other.Approval(t.Context(), a.ID)
	wantCode(t, err, api.CodeNotFound)
	_, err = other.Withdraw(t.Context(), a.ID)
	wantCode(t, err, api.CodeNotFound)
	if list, err := other.Approvals(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("another's list: %+v, %v", list, err)
	}
	if seen, err := security.Approval(t.Context(), a.ID); err != nil || seen.Command != a.Command {
		t.Errorf("sessions.read: %+v, %v", seen, err)
	}
	_, err = w.decide(security, a, "approve")
	wantCode(t, err, api.CodeDenied)
	for _, bad := range []string{"", "yes", "APPROVE"} {
		_, err := w.decide(w.signIn("dba", "dba"), a, bad)
		wantCode(t, err, api.CodeUsage)
	}
}

func TestListsAreByState(t *testing.T) {
	w := newWorld(t)
	dev, dba := w.signIn("dev", "developers"), w.signIn("dba", "dba")
	g, _ := w.grant(dev)
	a, b := w.ask(dev, g, digest(1)), w.ask(dev, g, digest(2))
	if _, err := w.decide(dba, a, "approve"); err != nil {
		t.Fatal(err)
	}
	for state, want := range map[string]int{"": 2, "pending": 1, "approved": 1, "used": 0} {
		if list, err := dba.Approvals(t.Context(), state); err != nil || len(list) != want {
			t.Errorf("%q: %+v, %v", state, list, err)
		}
	}
	_, err := dba.Approvals(t.Context(), "open")
	wantCode(t, err, api.CodeUsage)
	w.clock.add(11 * time.Minute)
	if list, err := dba.Approvals(t.Context(), "pending"); err != nil || len(list) != 0 {
		t.Errorf("%s is over, and listed: %+v, %v", b.ID, list, err)
	}
	if s, err := w.broker.Stats(t.Context()); err != nil || s.ActiveGrants != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestAnApprovalThatIsOverIsNotUsed(t *testing.T) {
	w := newWorld(t)
	dev, dba := w.signIn("dev", "developers"), w.signIn("dba", "dba")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	if _, err := w.decide(dba, a, "approve"); err != nil {
		t.Fatal(err)
	}
	b := w.ask(dev, g, digest(2))
	w.clock.add(10 * time.Minute)
	wantCode(t, w.claim(dev, a), api.CodeConflict)
	_, err := w.decide(dba, b, "approve")
	wantCode(t, err, api.CodeConflict)
	if next := w.ask(dev, g, digestA); next.ID == a.ID {
		t.Error("the request that is over is offered again")
	}
}

func TestAwaitReturnsWhenSomebodyAnswered(t *testing.T) {
	w := newWorld(t)
	dev, dba := w.signIn("dev", "developers"), w.signIn("dba", "dba")
	g, _ := w.grant(dev)
	for n, settle := range map[int]func(a api.Approval) string{
		1: func(a api.Approval) string {
			_, err := w.decide(dba, a, "approve")
			w.must(err)
			return api.ApprovalApproved
		},
		2: func(a api.Approval) string {
			_, err := w.decide(dba, a, "reject")
			w.must(err)
			return api.ApprovalRejected
		},
		3: func(a api.Approval) string {
			_, err := dev.Withdraw(t.Context(), a.ID)
			w.must(err)
			return api.ApprovalWithdrawn
		},
		4: func(a api.Approval) string { w.clock.add(11 * time.Minute); return api.ApprovalExpired },
	} {
		a := w.ask(dev, g, digest(n))
		answer := make(chan string, 2)
		go func() {
			got, err := w.broker.AwaitApproval(t.Context(), a.ID)
			answer <- got.State + errorText(err)
		}()
		go func() {
			got, err := dev.WaitApproval(t.Context(), a.ID, 20*time.Second)
			answer <- got.State + errorText(err)
		}()
		want := settle(a)
		for range 2 {
			if got := <-answer; got != want {
				t.Errorf("waited for %q, got %q", want, got)
			}
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return " " + err.Error()
}

// An error of Await means that nobody answered.
func TestAwaitEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	dev := w.signIn("dev", "developers")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := w.broker.AwaitApproval(ctx, a.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", got, err)
	}
	_, err := w.broker.AwaitApproval(t.Context(), "ap_none")
	wantCode(t, err, api.CodeNotFound)
	got, err := dev.WaitApproval(t.Context(), a.ID, 10*time.Millisecond)
	if wantCode(t, err, api.CodeWaitTimedOut); got.State != api.ApprovalPending {
		t.Errorf("%+v", got)
	}
}

func TestTheRequesterLearnsTheOutcome(t *testing.T) {
	w := newWorld(t)
	dev, dba := w.signIn("dev", "developers"), w.signIn("dba", "dba")
	g, _ := w.grant(dev)
	a, b := w.ask(dev, g, digest(1)), w.ask(dev, g, digest(2))
	_, err := w.decide(dba, a, "approve")
	w.must(err)
	_, err = w.decide(dba, b, "reject")
	w.must(err)
	_, err = dev.EndGrant(t.Context(), g.ID, "")
	w.must(err)
	var got []string
	for e, err := range dev.Events(t.Context(), g.ID, 0) {
		w.must(err)
		got = append(got, e.Type+" "+e.ApprovalID+" "+e.By)
	}
	if want := []string{"approved " + a.ID + " dba", "rejected " + b.ID + " dba", "closed  dev"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// K11: nobody can tire the reviewers out.
func TestRequestsForApprovalAreLimited(t *testing.T) {
	w := newWorld(t, func(c *broker.Config) { c.Limits.ApprovalsPerHour = 7 })
	dev := w.signIn("dev", "developers")
	g, _ := w.grant(dev)
	var asked []api.Approval
	for n := range 5 {
		asked = append(asked, w.ask(dev, g, digest(n)))
	}
	_, err := w.broker.AskApproval(t.Context(), request(dev, digest(9)), g.ID)
	wantCode(t, err, api.CodeTooMany)
	w.ask(dev, g, digest(0)) // one that is there is found
	for _, a := range asked {
		w.must(w.broker.WithdrawApproval(t.Context(), a.ID, dev.session.Identity))
	}
	w.ask(dev, g, digest(10))
	w.ask(dev, g, digest(11))
	_, err = w.broker.AskApproval(t.Context(), request(dev, digest(12)), g.ID)
	wantCode(t, err, api.CodeTooMany)
}

func TestOnlyACompleteRequestOfTheGrantsOwnPersonIsFiled(t *testing.T) {
	w := newWorld(t)
	dev, other := w.signIn("dev", "developers"), w.signIn("other", "developers")
	g, _ := w.grant(dev)
	for what, change := range map[string]func(*api.Approval){
		"no digest":          func(a *api.Approval) { a.Digest = "" },
		"a short digest":     func(a *api.Approval) { a.Digest = "ab" },
		"nobody to ask":      func(a *api.Approval) { a.Approvers = nil },
		"a quorum of none":   func(a *api.Approval) { a.Approvers = []api.Approvers{{Groups: []string{"dba"}}} },
		"a demand of nobody": func(a *api.Approval) { a.Approvers = []api.Approvers{{Quorum: 1}} },
		"another person":     func(a *api.Approval) { a.Requester = other.session.Identity },
		"another connection": func(a *api.Approval) { a.Connection = "db-secret" },
		"a book":             func(a *api.Approval) { a.Command = strings.Repeat("x", 2<<20) },
	} {
		a := request(dev, digestA)
		change(&a)
		if got, err := w.broker.AskApproval(t.Context(), a, g.ID); err == nil {
			t.Errorf("%s: %+v", what, got)
		}
	}
	// What a request says of its own state is not believed.
	a := request(dev, digestA)
	a.ID, a.State, a.Decisions = "ap_mine", api.ApprovalApproved, []api.ApprovalDecision{{Decision: "approve"}}
	a.ExpiresAt = w.clock.Now().Add(1000 * time.Hour)
	filed, err := w.broker.AskApproval(t.Context(), a, g.ID)
	if err != nil || filed.ID == "ap_mine" || filed.State != api.ApprovalPending || len(filed.Decisions) != 0 || filed.ExpiresAt.Sub(filed.CreatedAt) > 24*time.Hour {
		t.Errorf("%+v, %v", filed, err)
	}
}

// K9: pending and approved requests survive a restart; a claim after it is still single.
func TestApprovalsSurviveARestart(t *testing.T) {
	w := newWorld(t)
	dev, dba := w.signIn("dev", "developers"), w.signIn("dba", "dba")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	if _, err := w.decide(dba, a, "approve"); err != nil {
		t.Fatal(err)
	}
	w.stop()
	w.start()
	w.must(w.claim(dev, a))
	wantCode(t, w.claim(dev, a), api.CodeConflict)
}

// C17 for approvals: a decision and a claim that can't be written down did not happen.
func TestAFailingStoreDecidesNothing(t *testing.T) {
	faulty := &faultyStore{}
	w := newWorld(t, func(c *broker.Config) { c.Store = faulty })
	dev, dba := w.signIn("dev", "developers"), w.signIn("dba", "dba")
	g, _ := w.grant(dev)
	a := w.ask(dev, g, digestA)
	state := func() string {
		kept, err := dev.Approval(t.Context(), a.ID)
		w.must(err)
		return kept.State
	}
	until := func(do func() error, before string) {
		faulty.armed.Store(true)
		defer faulty.armed.Store(false)
		for n := int64(0); n < 50; n++ {
			faulty.left.Store(n)
			err := do()
			if err == nil {
				return
			}
			if wantCode(t, err, api.CodeUnavailable); state() != before {
				t.Fatalf("after a failure at write %d it is %s", n, state())
			}
		}
		t.Fatal("it never succeeded")
	}
	until(func() error { _, err := w.decide(dba, a, "approve"); return err }, api.ApprovalPending)
	until(func() error { return w.claim(dev, a) }, api.ApprovalApproved)
	if state() != api.ApprovalUsed {
		t.Error(state())
	}
}
