package policy

import (
	"context"
	"fmt"
	"slices"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// Test is one of the `tests` of a policy file: what is expected of a command.
type Test struct {
	Line       int
	As         Subject
	Connection Connection
	Command    string
	Expect     Verdict
	Rule       string   // the rule that must decide; "" for any
	Limits     []string // limits that must hold for the subject on the connection
}

// TestFailure is a test that did not come out as expected, or could not be run.
type TestFailure struct {
	Test     Test
	Decision Decision
	Err      error // why the command could not be judged
}

// String says what was expected and what came, in one line.
func (f TestFailure) String() string {
	where := fmt.Sprintf("line %d: %q as %s on %s", f.Test.Line, f.Test.Command, f.Test.As.User, f.Test.Connection.Name)
	if f.Err != nil {
		return fmt.Sprintf("%s: %v", where, f.Err)
	}
	want := f.Test.Expect.String()
	if f.Test.Rule != "" {
		want += " by " + f.Test.Rule
	}
	return fmt.Sprintf("%s: want %s, got %s by %s (%s)", where, want, f.Decision.Verdict, f.Decision.Rule, f.Decision.Message)
}

// Tests are the tests of the file, in its order.
func (p *Policy) Tests() []Test {
	if p == nil {
		return nil
	}
	return append([]Test(nil), p.tests...)
}

// RunTests judges every test's command and returns the tests that fail. judge understands a command's text; its error
// fails the test, unless a denial by any rule was expected: what can't be understood is refused. Of connections, the
// one with the test's name lends its kind and labels; without it the test's own words stand, and the kind is postgres.
func (p *Policy) RunTests(ctx context.Context, judge func(context.Context, Test) (Command, error), connections ...Connection) []TestFailure {
	var failures []TestFailure
	for _, t := range p.Tests() {
		for _, c := range connections {
			if c.Name == t.Connection.Name {
				t.Connection = c
			}
		}
		if err := p.limited(t); err != nil {
			failures = append(failures, TestFailure{Test: t, Err: err})
			continue
		}
		cmd, err := judge(ctx, t)
		if err != nil {
			if t.Expect != Deny || t.Rule != "" || ctx.Err() != nil {
				failures = append(failures, TestFailure{Test: t, Err: err})
			}
			continue
		}
		d := p.Decide(t.As, t.Connection, cmd)
		if d.Verdict != t.Expect || t.Rule != "" && d.Rule != t.Rule {
			failures = append(failures, TestFailure{Test: t, Decision: d})
		}
	}
	return failures
}

// limited checks that the limits that a test names hold for whom it is.
func (p *Policy) limited(t Test) error {
	held := p.LimitRules(t.As, t.Connection)
	for _, want := range t.Limits {
		if !slices.ContainsFunc(held, func(l Limit) bool { return l.Name == want }) {
			return fmt.Errorf("the limit %s does not hold for %s", want, t.As.User)
		}
	}
	return nil
}

func (d *decoder) test(n *strict.Node) Test {
	t := Test{Line: n.Line, As: Subject{Type: "human"}, Connection: Connection{Kind: "postgres"}}
	d.Mapping(n, "a test", strict.Fields{
		"as":      func(n *strict.Node) { d.subject(n, &t.As) },
		"on":      func(n *strict.Node) { d.connection(n, &t.Connection) },
		"command": d.Into(&t.Command),
		"expect":  func(n *strict.Node) { t.Expect = verdictOf(d.word(n, "verdict", "allow", "approve", "deny")) },
		"rule":    d.Into(&t.Rule),
		"limits":  d.names(&t.Limits),
	})
	for _, key := range []string{"as", "on", "command", "expect"} {
		if n.Kind == strict.Mapping && !n.Has(key) {
			d.Report(n, fmt.Sprintf("a test needs %s", key), `write: {as: {user: dev, groups: [developers]}, on: db-prod, command: "SELECT 1", expect: allow}`)
		}
	}
	return t
}

func (d *decoder) subject(n *strict.Node, s *Subject) {
	d.Mapping(n, "as", strict.Fields{
		"user":   d.Into(&s.User),
		"groups": d.names(&s.Groups),
		"type":   func(n *strict.Node) { s.Type = d.word(n, "type", "human", "workload", "agent") },
		"claims": func(n *strict.Node) {
			s.Claims = map[string]any{}
			d.free(n, "claims", func(key string, value *strict.Node) { s.Claims[key] = d.Text(value) })
		},
	})
}

// connection reads a name, or a mapping with what else rules can ask for.
func (d *decoder) connection(n *strict.Node, c *Connection) {
	if n.Kind != strict.Mapping {
		c.Name = d.Text(n)
		return
	}
	d.Mapping(n, "on", strict.Fields{
		"name": d.Into(&c.Name),
		"kind": d.Into(&c.Kind),
		"labels": func(n *strict.Node) {
			c.Labels = map[string]string{}
			d.free(n, "labels", func(key string, value *strict.Node) { c.Labels[key] = d.Text(value) })
		},
	})
}
