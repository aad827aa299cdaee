package guard_test

import (
	"errors"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// doors are a policy by which a command may reach some objects, and whose command itself has a verdict.
type doors struct {
	version string
	itself  policy.Verdict
	open    map[string]policy.Verdict
}

func (d *doors) Decide(_ policy.Subject, _ policy.Connection, c policy.Command) policy.Decision {
	if object := c.Accesses[0].Object; object != "public.t" {
		return policy.Decision{Verdict: d.open[object], Rule: object}
	}
	return verdict(d.itself).decide()
}

func (*doors) Standing(policy.Subject, policy.Connection) policy.Standing {
	return policy.Standing{Limits: policy.NoLimits()}
}

func (d *doors) Version() string { return d.version }

func door(name string) guard.Command {
	c := command("(to " + name + ")")
	c.Facts.Accesses = []policy.Access{{Effect: policy.Transfer, Object: name}}
	return c
}

// running is a command that was admitted and sent.
func running(t *testing.T, s *guard.Session) *guard.Pass {
	t.Helper()
	p, err := s.Admit(t.Context(), command("RUN"))
	if err == nil {
		err = guard.NewUpstream(s, 0).With(p, func(int) error { return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhatACommandReachesForIsJudgedByItself(t *testing.T) {
	j := &journal{}
	rules := &doors{"1", policy.Allow, map[string]policy.Verdict{"a": policy.Allow, "c": policy.Approve}}
	p := running(t, gate(t, rules, j, newDesk()))
	left, err := p.Reach(t.Context(), door("a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b", "c"} { // nobody was asked for the command, so nobody is for a part of it
		_, err = p.Reach(t.Context(), door(name))
		if r := refusal(t, err); r.Rule != name || r.DecisionID == "" || !j.has(record.TypeCommand, "(to "+name+")") || !j.has(record.TypeRefused, `"rule":"`+name+`"`) {
			t.Errorf("%s: %+v, recorded %v", name, r, j.bodies)
		}
	}
	if err := p.Stands(t.Context()); err != nil {
		t.Errorf("what is refused ends the command: %v", err)
	}
	rules.version, rules.open["a"] = "2", policy.Deny
	if r := refusal(t, p.Stands(t.Context())); r.Rule != "a" {
		t.Errorf("it goes on with what is denied now: %+v", r)
	}
	left()
	if err := p.Stands(t.Context()); err != nil {
		t.Errorf("what it has left ends it: %v", err)
	}
	if err := p.Finish(guard.Outcome{}); err != nil {
		t.Fatal(err)
	}
	rules.version, rules.open["a"] = "3", policy.Allow
	if _, err := p.Reach(t.Context(), door("a")); !errors.Is(err, guard.ErrNoPass) {
		t.Errorf("a command that is over reaches on: %v", err)
	}
}

func TestWhatAnApprovedCommandReachesForIsApprovedWithIt(t *testing.T) {
	d := newDesk()
	d.answer("approved")
	rules := &doors{"1", policy.Approve, map[string]policy.Verdict{"a": policy.Approve}}
	p := running(t, gate(t, rules, &journal{}, d))
	if _, err := p.Reach(t.Context(), door("a")); err != nil {
		t.Error(err)
	}
	_, err := p.Reach(t.Context(), door("b"))
	refusal(t, err)
}
