package policy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

func TestTheStrictestOfTheLimitsThatMatchHolds(t *testing.T) {
	const file = `
version: 1
limits:
  - {name: all, rows: 100, commands: 50, bytes: 1MiB}
  - {name: agents, who: {groups: [agents]}, rows: 10, commands: 80, per: grant, statement: 30s}
  - {name: each, who: {groups: [agents]}, rows: 5, bytes: 2KiB, per: command}
  - {who: {groups: [agents]}, on: {connections: [db-prod]}, statement: 10s, idle_in_transaction: 1h}
`
	p := parse(t, file)
	got := p.Limits(person("a", "agents"), dbProd())
	want := policy.Limits{
		Grant: policy.Quota{Rows: policy.Bound{Max: 10, Rule: "agents"}, Commands: policy.Bound{Max: 50, Rule: "all"}, Bytes: policy.Bound{Max: 1 << 20, Rule: "all"}},
		Command: policy.Quota{
			Rows: policy.Bound{Max: 5, Rule: "each"}, Commands: policy.Bound{Max: policy.NoBound}, Bytes: policy.Bound{Max: 2048, Rule: "each"},
		},
		Statement:         policy.Bound{Max: int64(10 * time.Second), Rule: "limit-4"},
		IdleInTransaction: policy.Bound{Max: int64(time.Hour), Rule: "limit-4"},
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	other := p.Limits(person("b"), policy.Connection{Name: "other"})
	if other.Grant.Rows.Max != 100 || other.Command.Rows.Set() || other.Statement.Set() || other.IdleInTransaction != (policy.Bound{Max: int64(5 * time.Minute), Rule: policy.RuleDefault}) {
		t.Errorf("somebody else elsewhere: %+v", other)
	}
	if got := p.Standing(person("a", "agents"), dbProd()).Limits; got != want {
		t.Errorf("standing: %+v", got)
	}
	var lines []string
	for _, l := range p.LimitRules(person("a", "agents"), dbProd()) {
		lines = append(lines, l.Name+": "+l.String())
	}
	if got := strings.Join(lines, "; "); got != "all: rows 100, commands 50, bytes 1048576 per grant; agents: rows 10, commands 80 per grant, statement 30s; "+
		"each: rows 5, bytes 2048 per command; limit-4: statement 10s, idle_in_transaction 1h" {
		t.Error(got)
	}
}

func TestZeroLimitsLetNothingPass(t *testing.T) {
	var none *policy.Policy
	for name, l := range map[string]policy.Limits{"zero": {}, "of no policy": none.Limits(person("a"), dbProd())} {
		for _, b := range []policy.Bound{l.Grant.Rows, l.Grant.Commands, l.Grant.Bytes, l.Command.Rows, l.Command.Bytes, l.Statement, l.IdleInTransaction} {
			if !b.Set() || b.Max != 0 {
				t.Errorf("%s: %+v", name, b)
			}
		}
	}
}

func TestTheStrictestRuleBoundsTheRowsThatACommandChanges(t *testing.T) {
	p := parse(t, policyOf([]string{
		"effects: [read, write, delete, session], verdict: allow",
		"effects: [write], objects: [public.orders], verdict: allow, max_rows_affected: 100",
		"effects: [write, delete], verdict: approve, objects: [public.users], max_rows_affected: 10",
		"effects: [read, write], objects: [public.orders], who: {groups: [interns]}, verdict: allow, max_rows_affected: 0",
	}))
	for _, c := range []struct {
		who  policy.Subject
		cmd  policy.Command
		want string
	}{
		{person("a"), does("write", "public.other"), "none"},
		{person("a"), does("write", "public.orders"), "100 by r1"},
		{person("a"), does("read", "public.orders"), "none"},
		{person("a"), does("delete", "public.orders"), "none"},
		{person("a"), does("write", "public.orders", "delete", "public.users"), "10 by r2"},
		{person("i", "interns"), does("write", "public.orders"), "0 by r3"},
		{person("i", "interns"), does("read", "public.orders"), "none"},
		{person("a"), policy.Command{Accesses: []policy.Access{{Effect: policy.Write, Object: "public.view"}, {Effect: policy.Write, Object: "public.orders", Through: true}}}, "none"},
		{person("a"), policy.Command{Accesses: []policy.Access{{Effect: policy.Write, Object: "public.view"}, {Effect: policy.Write, Object: "public.users", Through: true}}}, "10 by r2"},
	} {
		got, d := "none", p.Decide(c.who, dbProd(), c.cmd)
		if d.Affected != nil {
			got = fmt.Sprintf("%d by %s", d.Affected.Max, d.Affected.Rule)
		}
		if got != c.want {
			t.Errorf("%s, %v: %s, want %s", c.who.User, c.cmd.Accesses, got, c.want)
		}
	}
}

func TestLimitsThatSayNothingOrTooMuchAreProblems(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"limits: [{name: a}]", "it limits nothing"},
		{"limits: [{name: a, rows: -1}]", `"-1" is no whole number`},
		{"limits: [{name: a, bytes: 10MB}]", `"10MB" is no number of bytes`},
		{"limits: [{name: a, bytes: 9999999999GiB}]", "is no number of bytes"},
		{"limits: [{name: a, rows: 5, per: session}]", `session`},
		{"limits: [{name: a, commands: 5, per: command}]", "commands are counted per grant"},
		{"limits: [{name: a, statement: 5s, per: grant}]", "nothing is counted"},
		{"limits: [{name: a, statement: 0s}]", "is no duration from 100ms"},
		{"limits: [{name: a, rows: 5}, {name: a, rows: 6}]", `the name "a" is used twice`},
		{"limits: [{name: default, rows: 5}]", `the name "default" is taken`},
		{"limits: [{name: a, row: 5}]", "row"},
		{"rules: [{name: a, verdict: deny, max_rows_affected: 5}]", "in a deny rule"},
		{"rules: [{name: a, verdict: allow, effects: [read], max_rows_affected: 5}]", "speaks of neither"},
		{"rules: [{name: a, verdict: allow, max_rows_affected: many}]", `"many" is no whole number`},
	} {
		if got := problems(t, "version: 1\n"+c.text+"\n").Error(); !strings.Contains(got, c.want) {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestLintFindsLimitsThatNeverCount(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"limits: [{name: a, who: {groups: [y]}, rows: 5}]", "limit a is for y, whom no reach rule names"},
		{"limits: [{name: a, who: {groups: [x]}, rows: 5}, {name: b, rows: 4}]", "limit a never counts: limit b is at least as strict"},
		{"limits: [{name: a, rows: 5}, {name: b, rows: 5}]", "limit b never counts: limit a is at least as strict"},
	} {
		if got := fmt.Sprint(parse(t, "version: 1\nreach: [{name: r, who: {groups: [x]}}]\n"+c.text+"\n").Lint()); !strings.Contains(got, c.want) {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
	if got := parse(t, "version: 1\nreach: [{name: r, who: {groups: [x]}}]\nlimits: [{name: a, rows: 5}, {name: b, rows: 5, per: command}, {name: c, bytes: 5}]\n").Lint(); len(got) > 0 {
		t.Errorf("of limits that all count: %v", got)
	}
}

func TestATestOfThePolicyNamesTheLimitsThatMustHold(t *testing.T) {
	const file = `version: 1
rules: [{name: read, effects: [read], verdict: allow}]
limits: [{name: few, who: {groups: [agents]}, rows: 5}]
tests:
  - {as: {user: a, groups: [agents]}, on: db, command: SELECT 1, expect: allow, limits: [few]}
  - {as: {user: b, groups: [people]}, on: db, command: SELECT 1, expect: allow, limits: [few]}
`
	judge := func(context.Context, policy.Test) (policy.Command, error) { return does("read", ""), nil }
	failed := parse(t, file).RunTests(t.Context(), judge)
	if len(failed) != 1 || failed[0].Test.Line != 6 || !strings.Contains(failed[0].String(), "the limit few does not hold for b") {
		t.Errorf("%v", failed)
	}
}
