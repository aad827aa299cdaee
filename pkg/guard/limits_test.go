package guard_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// bounded is a policy of one decision under limits.
type bounded struct {
	ruled
	limits policy.Limits
}

func (b bounded) Standing(policy.Subject, policy.Connection) policy.Standing {
	return policy.Standing{Limits: b.limits}
}

// under are limits of one kind, the rest unbounded.
func under(set func(*policy.Limits)) policy.Limits {
	l := policy.NoLimits()
	set(&l)
	return l
}

func limitedGate(t *testing.T, p guard.Policy, tally *guard.Tally, d *desk) *guard.Session {
	t.Helper()
	s, err := guard.New(guard.Config{
		ID: "se_1", GrantID: "gr_1", Policy: func() guard.Policy { return p }, Recorder: &journal{}, Approvals: d, Now: time.Now, ResultCap: 10, Tally: tally,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func reading(text string) guard.Command {
	c := command(text)
	c.Facts.Accesses = []policy.Access{{Effect: policy.Read, Object: "public.t"}}
	return c
}

func TestZeroLimitsRefuseEveryCommandThatDoesMoreThanSteer(t *testing.T) {
	s := limitedGate(t, bounded{verdict(policy.Allow), policy.Limits{}}, guard.NewTally(time.Now().Add(time.Hour)), newDesk())
	if _, err := s.Admit(t.Context(), reading("SELECT 1")); err == nil {
		t.Error("a zero limit let a command pass")
	}
	steers := reading("COMMIT")
	steers.Facts.Accesses = []policy.Access{{Effect: policy.Session}}
	if _, err := s.Admit(t.Context(), steers); err != nil {
		t.Errorf("a transaction can't be ended: %v", err)
	}
}

func TestExactlyAsManyCommandsPassAsAGrantMayRunWhateverItsSockets(t *testing.T) {
	limits := under(func(l *policy.Limits) { l.Grant.Commands = policy.Bound{Max: 10, Rule: "ten"} })
	tally := guard.NewTally(time.Now().Add(time.Hour))
	var passed atomic.Int64
	var work sync.WaitGroup
	for range 8 {
		s := limitedGate(t, bounded{verdict(policy.Allow), limits}, tally, newDesk())
		work.Go(func() {
			for range 5 {
				if _, err := s.Admit(t.Context(), reading("SELECT 1")); err == nil {
					passed.Add(1)
				}
			}
		})
	}
	work.Wait()
	if passed.Load() != 10 {
		t.Errorf("%d commands passed of 10", passed.Load())
	}
	r := refusal(t, func() error {
		_, err := limitedGate(t, bounded{verdict(policy.Allow), limits}, tally, newDesk()).Admit(t.Context(), reading("SELECT 1"))
		return err
	}())
	if r.Code != "limit_reached" || r.Rule != "ten" || r.Retryable || r.SQLState != "53400" || !r.ResetsAt.Equal(tally.Ends()) || len(r.Remedy) == 0 || !strings.Contains(r.Message, tally.Ends().Format(time.RFC3339)) {
		t.Errorf("%+v", r)
	}
	later := time.Now().Add(9 * time.Hour)
	tally.Renew(later)
	if _, err := limitedGate(t, bounded{verdict(policy.Allow), limits}, tally, newDesk()).Admit(t.Context(), reading("SELECT 1")); err == nil || !refusal(t, err).ResetsAt.Equal(tally.Ends()) {
		t.Errorf("a renewed grant begins anew, or its end stayed: %v", err)
	}
}

func TestACommandThatDidNotRunIsNotCounted(t *testing.T) {
	limits := under(func(l *policy.Limits) { l.Grant.Commands = policy.Bound{Max: 1, Rule: "one"} })
	tally := guard.NewTally(time.Now().Add(time.Hour))
	d := newDesk()
	d.state = "rejected"
	for name, p := range map[string]ruled{"denied": verdict(policy.Deny), "rejected": verdict(policy.Approve)} {
		if r := refusal(t, func() error {
			_, err := limitedGate(t, bounded{p, limits}, tally, d).Admit(t.Context(), reading("SELECT 1"))
			return err
		}()); r.Code == "limit_reached" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	prepare := reading("SELECT 1")
	prepare.Stage = guard.Prepare
	s := limitedGate(t, bounded{verdict(policy.Allow), limits}, tally, newDesk())
	for _, c := range []guard.Command{prepare, prepare, reading("SELECT 1")} {
		if _, err := s.Admit(t.Context(), c); err != nil {
			t.Errorf("the one command did not pass: %v", err)
		}
	}
	for _, c := range []guard.Command{prepare, reading("SELECT 1")} {
		if _, err := s.Admit(t.Context(), c); err == nil {
			t.Error("a second one passed")
		}
	}
	d = newDesk()
	asking := limitedGate(t, bounded{verdict(policy.Approve), limits}, tally, d)
	if _, err := asking.Admit(t.Context(), reading("SELECT 1")); err == nil || len(d.asked) > 0 {
		t.Errorf("somebody was asked for a command that can't run: %v", err)
	}
}

func TestRowsAndBytesStopWhereTheirLimitIs(t *testing.T) {
	bound := policy.Bound{Max: 20, Rule: "few"}
	for name, limits := range map[string]policy.Limits{
		"rows of a command":  under(func(l *policy.Limits) { l.Command.Rows = bound }),
		"bytes of a command": under(func(l *policy.Limits) { l.Command.Bytes = bound }),
		"rows of a grant":    under(func(l *policy.Limits) { l.Grant.Rows = bound }),
		"bytes of a grant":   under(func(l *policy.Limits) { l.Grant.Bytes = bound }),
	} {
		s := limitedGate(t, bounded{verdict(policy.Allow), limits}, guard.NewTally(time.Now()), newDesk())
		p, err := s.Admit(t.Context(), reading("SELECT 1"))
		if err != nil || !p.Bounded() {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range 20 {
			if r := p.Row(1); r != nil {
				t.Fatalf("%s: row %d: %v", name, i+1, r)
			}
		}
		if r := p.Row(1); r == nil || r.Code != "limit_reached" || r.Rule != "few" || r.SQLState != "53400" {
			t.Errorf("%s: %+v", name, r)
		}
		_, err = s.Admit(t.Context(), reading("SELECT 2"))
		if perGrant := strings.HasSuffix(name, "grant"); perGrant == (err == nil) {
			t.Errorf("%s: the next command: %v", name, err)
		}
	}
}

func TestAChangeThatCanNotBeCountedAndUndoneIsRefused(t *testing.T) {
	few := ruled{func() policy.Decision {
		return policy.Decision{Verdict: policy.Allow, Rule: "r", Affected: &policy.Bound{Max: 3, Rule: "r"}}
	}}
	rows := under(func(l *policy.Limits) { l.Grant.Rows = policy.Bound{Max: 3, Rule: "r"} })
	for _, c := range []struct {
		name   string
		policy bounded
		with   guard.Control
		passes bool
	}{
		{"a bound on changes, the zero control", bounded{few, policy.NoLimits()}, guard.NoControl, false},
		{"a bound on changes that can't be counted", bounded{few, policy.NoLimits()}, guard.CanUndo, false},
		{"a bound on changes", bounded{few, policy.NoLimits()}, guard.CanCount, true},
		{"a bound on rows, the zero control", bounded{verdict(policy.Allow), rows}, guard.NoControl, false},
		{"a bound on rows", bounded{verdict(policy.Allow), rows}, guard.CanUndo, true},
		{"no bound", bounded{verdict(policy.Allow), policy.NoLimits()}, guard.NoControl, true},
	} {
		cmd := command("DELETE FROM t")
		cmd.Control = c.with
		p, err := limitedGate(t, c.policy, guard.NewTally(time.Now()), newDesk()).Admit(t.Context(), cmd)
		if (err == nil) != c.passes || err != nil && refusal(t, err).Code != "uncountable" {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil && p.BoundedChanges() {
			for rows, over := range map[int64]bool{0: false, 3: false, 4: true, -1: true} {
				if r := p.Affected(rows); (r != nil) != over {
					t.Errorf("%d rows: %v", rows, r)
				}
			}
		}
	}
}

func TestWhatCanBeCutOffIsBoundedByItsResultAlone(t *testing.T) {
	few := ruled{func() policy.Decision {
		return policy.Decision{Verdict: policy.Allow, Rule: "r", Affected: &policy.Bound{Max: 3, Rule: "r"}}
	}}
	bytes := under(func(l *policy.Limits) { l.Command.Bytes = policy.Bound{Max: 10, Rule: "ten"} })
	cmd := command("(forward db.internal:5432)")
	cmd.Cut = true
	if _, err := limitedGate(t, bounded{few, policy.NoLimits()}, guard.NewTally(time.Now()), newDesk()).Admit(t.Context(), cmd); err == nil {
		t.Error("a bound on changes can't be kept, and it passes")
	}
	p, err := limitedGate(t, bounded{verdict(policy.Allow), bytes}, guard.NewTally(time.Now()), newDesk()).Admit(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	if p.Piece(10) != nil || p.Piece(1) == nil {
		t.Error("it is not cut off at the bound")
	}
}
