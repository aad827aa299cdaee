package broker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/broker"
	"github.com/hoop-gateway/hoop/pkg/api"
)

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
