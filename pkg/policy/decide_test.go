package policy_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/policy"
	"pgregory.net/rapid"
)

// TestMatching is DESIGN.md's rules of matching as a table. Rules are written without their braces, and named by
// their place.
func TestMatching(t *testing.T) {
	sql := func(c policy.Command, s policy.SQL) policy.Command { c.SQL = &s; return c }
	for _, c := range []struct {
		rule    string // what the row shows
		rules   []string
		command policy.Command
		want    string // verdict, rule and the rules whose approvals are asked for
	}{
		{"no rule: deny", nil, does("read", "a"), "deny default"},
		{"no pair: deny", []string{"verdict: allow"}, does(), "deny default"},
		{"a missing field matches everything", []string{"verdict: allow"}, does("admin", "a"), "allow r0"},
		{"allow where any allows", []string{"effects: [write], verdict: allow", "effects: [read], verdict: allow"}, does("read", "a"), "allow r1"},
		{"approve beats allow", []string{"verdict: allow", "verdict: approve"}, does("read", "a"), "approve r1 r1"},
		{"deny beats approve", []string{"verdict: approve", "verdict: deny", "verdict: allow"}, does("read", "a"), "deny r1"},
		{"the strictest pair decides: default", []string{"effects: [read], verdict: allow"}, does("read", "b", "delete", "a"), "deny default"},
		{"the strictest pair decides: approve", []string{"effects: [read], verdict: allow", "effects: [delete], verdict: approve"}, does("delete", "a", "read", "a", "read", "b"), "approve r1 r1"},
		{"the strictest pair decides: deny", []string{"verdict: allow", `objects: ["secret.*"], verdict: deny`}, does("read", "public.a", "read", "secret.b"), "deny r1"},
		{"a denying rule is named before the lack of one", []string{"effects: [write], verdict: deny"}, does("read", "a", "write", "a"), "deny r0"},
		{"every approve rule must be satisfied", []string{"verdict: approve", "effects: [read], verdict: allow", "effects: [delete], verdict: approve"}, does("delete", "a"), "approve r0 r0,r2"},
		{"approve rules of other pairs too", []string{"objects: [a], verdict: approve", "objects: [b], verdict: approve"}, does("read", "a", "write", "b"), "approve r0 r0,r1"},
		{"a denied command asks for no approval", []string{"objects: [a], verdict: approve"}, does("read", "a", "read", "b"), "deny default"},
		{"unknown is not admitted by a rule for everything", []string{"verdict: allow", "verdict: approve"}, does("unknown", "a"), "deny default"},
		{"unknown is admitted by a rule that names it", []string{"effects: [unknown], verdict: allow"}, does("unknown", "a"), "allow r0"},
		{"unknown is denied by a rule for everything", []string{"effects: [unknown], verdict: allow", "verdict: deny"}, does("unknown", "a"), "deny r1"},
		{"a word that is no effect is unknown", []string{"verdict: allow"}, does("reed", "a"), "deny default"},
		{"an effect without an object meets no pattern of objects", []string{`objects: ["public.*"], verdict: allow`}, does("session", ""), "deny default"},
		{"an effect without an object meets *", []string{`objects: ["*"], verdict: allow`}, does("session", ""), "allow r0"},
		{"a star stands for any run of characters", []string{`objects: ["public.*_log"], verdict: allow`}, does("read", "public.a.b_log"), "allow r0"},
		{"the whole name must match", []string{`objects: ["public.user"], verdict: allow`}, does("read", "public.users"), "deny default"},
		{"what stands before and after a star does not overlap", []string{`objects: ["ab*ba"], verdict: allow`}, does("read", "aba"), "deny default"},
		{"parts between stars stand in their order", []string{`objects: ["*b*a*"], verdict: allow`}, does("read", "xab"), "deny default"},
		{"stars may stand for nothing", []string{`objects: ["**a*b*"], verdict: allow`}, does("read", "ab"), "allow r0"},
		{"case matters", []string{`objects: ["public.users"], verdict: allow`}, does("read", "public.Users"), "deny default"},
		{"who: group", []string{"who: {groups: [ops, dev*]}, verdict: allow"}, does("read", "a"), "allow r0"},
		{"who: another group", []string{"who: {groups: [dba]}, verdict: allow"}, does("read", "a"), "deny default"},
		{"who: all fields must hold", []string{"who: {groups: [developers], users: [eve]}, verdict: allow"}, does("read", "a"), "deny default"},
		{"who: type", []string{"who: {types: [human]}, verdict: allow"}, does("read", "a"), "allow r0"},
		{"who: another type", []string{"who: {types: [agent, workload]}, verdict: allow"}, does("read", "a"), "deny default"},
		{"who: claims", []string{`who: {claims: {repository_id: "1234", team: [x, y], verified: true}}, verdict: allow`}, does("read", "a"), "allow r0"},
		{"who: another claim", []string{`who: {claims: {repository_id: "12"}}, verdict: allow`}, does("read", "a"), "deny default"},
		{"who: a claim that is not there", []string{"who: {claims: {none: x}}, verdict: allow"}, does("read", "a"), "deny default"},
		{"on: name, kind, label", []string{`on: {connections: ["db-*"], kinds: [postgres], labels: {env: [dev, prod]}}, verdict: allow`}, does("read", "a"), "allow r0"},
		{"on: another name", []string{"on: {connections: [db]}, verdict: allow"}, does("read", "a"), "deny default"},
		{"on: a label that is not there", []string{`on: {labels: {zone: "*"}}, verdict: allow`}, does("read", "a"), "deny default"},
		{"sql: nothing of it holds for other kinds", []string{"sql: {filter: none}, verdict: allow"}, does("read", "a"), "deny default"},
		{"sql: filter", []string{"verdict: allow", "sql: {commands: [update, delete], filter: none}, verdict: deny"}, sql(does("delete", "a"), policy.SQL{Commands: []string{"delete"}, Filter: "none"}), "deny r1"},
		{"sql: another filter", []string{"verdict: allow", "sql: {commands: [update, delete], filter: [none, constant]}, verdict: deny"}, sql(does("delete", "a"), policy.SQL{Commands: []string{"delete"}, Filter: "some"}), "allow r0"},
		{"sql: deny if any command is listed", []string{"verdict: allow", "sql: {commands: [delete]}, verdict: deny"}, sql(does("read", "a"), policy.SQL{Commands: []string{"select", "delete"}}), "deny r1"},
		{"sql: allow only if all commands are listed", []string{"sql: {commands: [select]}, verdict: allow"}, sql(does("read", "a"), policy.SQL{Commands: []string{"select", "drop table"}}), "deny default"},
		{"sql: allow no command that is not known", []string{"sql: {commands: [select]}, verdict: allow"}, sql(does("read", "a"), policy.SQL{}), "deny default"},
		{"sql: deny if any function is listed", []string{"verdict: allow", `sql: {functions: ["pg_catalog.pg_sleep*"]}, verdict: deny`}, sql(does("read", "a"), policy.SQL{Functions: []string{"pg_catalog.lower", "pg_catalog.pg_sleep_for"}}), "deny r1"},
		{"sql: tables_max", []string{"sql: {tables_max: 2}, verdict: allow"}, sql(does("read", "a"), policy.SQL{Tables: 3}), "deny default"},
		{"sql: matches", []string{"verdict: allow", `sql: {matches: "(?i)\\bcross join\\b"}, verdict: deny`}, sql(does("read", "a"), policy.SQL{Normal: "select 1 from a CROSS JOIN b"}), "deny r1"},
		{"if: holds", []string{"verdict: allow", `if: '"developers" in groups && connection.labels.env == "prod" && effects == ["read"]', verdict: deny`}, does("read", "a"), "deny r1"},
		{"if: does not hold", []string{"verdict: allow", `if: 'objects.exists(o, o.startsWith("hr."))', verdict: deny`}, does("read", "a"), "allow r0"},
		{"if: the clock, by zone", []string{"verdict: allow", `if: 'now.getHours("Europe/Berlin") < 8', verdict: deny`}, does("read", "a"), "deny r1"},
		{"if: sql", []string{`if: 'sql.tables == 0 && sql.filter == "" && sql.commands.size() == 0', verdict: allow`}, does("read", "a"), "allow r0"},
		{"if: an error in a deny rule denies", []string{"verdict: allow", `if: 'claims.none == "x"', verdict: deny`}, does("read", "a"), "deny r1"},
		{"if: an error in an allow rule denies", []string{"verdict: allow", `if: 'now.getHours("Nowhere/Land") < 8', verdict: allow`}, does("read", "a"), "deny r1"},
		{"if: too costly denies", []string{"verdict: allow", `if: '[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, [0,1,2,3,4,5,6,7,8,9].all(d, [0,1,2,3,4,5,6,7,8,9].all(e, user != "")))))', verdict: approve`}, does("read", "a"), "deny r1"},
		{"if: is not asked where the rule speaks of no pair", []string{"effects: [read], verdict: allow", `effects: [write], if: 'claims.none == "x"', verdict: deny`}, does("read", "a"), "allow r0"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p := parse(t, policyOf(c.rules))
			c.command.Now = time.Date(2026, 3, 4, 6, 30, 0, 0, time.UTC)
			dev := person("dev", "staff", "developers")
			dev.Claims = map[string]any{"repository_id": float64(1234), "team": []any{"z", "y"}, "verified": true}
			d := p.Decide(dev, dbProd(), c.command)
			got := d.Verdict.String() + " " + d.Rule
			var asked []string
			for _, a := range d.Approvals {
				asked = append(asked, a.Rule)
			}
			if len(asked) > 0 {
				got += " " + strings.Join(asked, ",")
			}
			if got != c.want {
				t.Errorf("got %s, want %s (%s)", got, c.want, d.Message)
			}
			if d.Message == "" || len(d.Judged) != len(c.command.Accesses) {
				t.Errorf("the decision does not say why: %+v", d)
			}
		})
	}
}

func policyOf(rules []string) string {
	var b strings.Builder
	b.WriteString("version: 1\n")
	if len(rules) > 0 {
		b.WriteString("rules:\n")
	}
	for i, r := range rules {
		fmt.Fprintf(&b, "  - {name: r%d, %s}\n", i, r)
	}
	return b.String()
}

func TestANilAndAZeroPolicyRefuseEverything(t *testing.T) {
	for _, p := range []*policy.Policy{nil, {}} {
		s, c := person("dev", "developers"), dbProd()
		if d := p.Decide(s, c, does("read", "a")); d.Verdict != policy.Deny || d.Message == "" || len(d.Judged) != 1 {
			t.Errorf("decision %+v", d)
		}
		if _, ok := p.Reach(s, c); ok || p.May(s, policy.Locks, c) || !p.ReadOnly(s, c) || p.Masks(s, c) != nil || p.Rules(s, c) != nil || p.Tests() != nil || p.Version() != "" {
			t.Error("it gives something")
		}
	}
}

func TestAZeroDecisionRefuses(t *testing.T) {
	if v := (policy.Decision{}).Verdict; v != policy.Deny || v.String() != "deny" {
		t.Fatalf("verdict %s", v)
	}
}

func TestAPanicRefuses(t *testing.T) {
	d := policy.Broken().Decide(person("dev"), dbProd(), does("read", "a", "read", "b"))
	if d.Verdict != policy.Deny || d.Rule != policy.RuleInternal || d.Message == "" || len(d.Judged) != 2 || d.Judged[1].Verdict != policy.Deny {
		t.Fatalf("decision %+v", d)
	}
}

func TestEachPairIsJudgedWithItsRule(t *testing.T) {
	p := parse(t, policyOf([]string{"effects: [read], verdict: allow", "effects: [write], verdict: approve", "objects: [secret], verdict: deny"}))
	d := p.Decide(person("dev"), dbProd(), does("read", "a", "write", "b", "read", "secret", "admin", "c"))
	want := "[{{read a false } allow r0} {{write b false } approve r1} {{read secret false } deny r2} {{admin c false } deny default}]"
	if got := fmt.Sprint(d.Judged); got != want || d.Rule != "r2" {
		t.Fatalf("by %s: %s", d.Rule, got)
	}
}

func TestMessagesComeFromTheRule(t *testing.T) {
	p := parse(t, policyOf([]string{`effects: [delete], verdict: deny, message: "Ask the owner."`, "effects: [write], verdict: approve, approval: {by: {groups: [dba], users: [ann]}}"}))
	for command, want := range map[string]string{
		"delete": "Ask the owner.", "write": "rule r1 asks for an approval by dba or ann", "read": "no rule allows dev the effect read on t (db-prod)",
	} {
		if d := p.Decide(person("dev"), dbProd(), does(command, "t")); d.Message != want {
			t.Errorf("%s: %q", command, d.Message)
		}
	}
}

// ruleText draws a rule that can match, or almost, the commands that command draws.
func ruleText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		field := func(name string, values ...string) string {
			return rapid.SampledFrom(append(values, "")).Draw(t, name)
		}
		parts := []string{
			field("who", "who: {groups: [developers]}", "who: {users: [eve]}"),
			field("effects", "effects: [read]", "effects: [read, write]", "effects: [unknown]"),
			field("objects", `objects: ["a*"]`, "objects: [b]"),
			field("sql", "sql: {commands: [delete]}", "sql: {filter: none}"),
			field("if", `if: 'sql.filter == "none"'`, `if: 'claims.none == "x"'`),
			"verdict: " + rapid.SampledFrom([]string{"allow", "allow", "approve", "deny"}).Draw(t, "verdict"),
		}
		return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
	})
}

func command() *rapid.Generator[policy.Command] {
	return rapid.Custom(func(t *rapid.T) policy.Command {
		var c policy.Command
		for range rapid.IntRange(1, 4).Draw(t, "pairs") {
			c.Accesses = append(c.Accesses, policy.Access{
				Effect: rapid.SampledFrom([]policy.Effect{policy.Read, policy.Write, policy.Unknown}).Draw(t, "effect"),
				Object: rapid.SampledFrom([]string{"a", "ab", "b", ""}).Draw(t, "object"),
			})
		}
		if rapid.Bool().Draw(t, "sql") {
			c.SQL = &policy.SQL{Commands: []string{"delete"}, Filter: rapid.SampledFrom([]string{"none", "some"}).Draw(t, "filter")}
		}
		return c
	})
}

func TestRulesInAnyOrderGiveTheSameVerdictAndApprovals(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rules := rapid.SliceOfN(ruleText(), 0, 6).Draw(rt, "rules")
		c := command().Draw(rt, "command")
		s := person("dev", "developers")
		d := parse(t, policyOf(rules)).Decide(s, dbProd(), c)
		if again := parse(t, policyOf(rules)).Decide(s, dbProd(), c); !reflect.DeepEqual(d, again) {
			rt.Fatalf("first %+v, then %+v", d, again)
		}
		other := parse(t, policyOf(rapid.Permutation(rules).Draw(rt, "order"))).Decide(s, dbProd(), c)
		if d.Verdict != other.Verdict || len(d.Approvals) != len(other.Approvals) {
			rt.Fatalf("%s with %d approvals, in another order %s with %d", d.Verdict, len(d.Approvals), other.Verdict, len(other.Approvals))
		}
	})
}

func TestADenyRuleNeverLoosensAndAnAllowRuleNeverTightensBeyondItsErrors(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rules := rapid.SliceOfN(ruleText(), 0, 5).Draw(rt, "rules")
		more := ruleText().Draw(rt, "more")
		c := command().Draw(rt, "command")
		s := person("dev", "developers")
		before := parse(t, policyOf(rules)).Decide(s, dbProd(), c)
		after := parse(t, policyOf(append(slices.Clone(rules), more))).Decide(s, dbProd(), c)
		if strings.HasSuffix(more, "verdict: deny") && after.Verdict > before.Verdict {
			rt.Fatalf("%s loosened %s to %s", more, before.Verdict, after.Verdict)
		}
		if strings.HasSuffix(more, "verdict: allow") && !strings.Contains(more, "claims.none") && after.Verdict < before.Verdict {
			rt.Fatalf("%s tightened %s to %s", more, before.Verdict, after.Verdict)
		}
	})
}

func TestWhatIsAllowedIsAllowedPairByPair(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := parse(t, policyOf(rapid.SliceOfN(ruleText(), 0, 6).Draw(rt, "rules")))
		c := command().Draw(rt, "command")
		s := person("dev", "developers")
		whole := p.Decide(s, dbProd(), c)
		for _, a := range c.Accesses {
			one := c
			one.Accesses = []policy.Access{a}
			if d := p.Decide(s, dbProd(), one); d.Verdict < whole.Verdict {
				rt.Fatalf("%v alone is %s, with others %s", a, d.Verdict, whole.Verdict)
			}
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	rules := []string{
		"who: {groups: [developers, agents]}, effects: [read, session], verdict: allow",
		`who: {groups: [developers, agents]}, effects: [write, delete], objects: ["public.*"], verdict: approve, approval: {by: {groups: [dba]}}`,
		"sql: {commands: [update, delete], filter: none}, verdict: deny",
	}
	for i := len(rules); i < 20; i++ {
		rules = append(rules, fmt.Sprintf(`who: {groups: [team-%d]}, on: {connections: ["db-%d-*"]}, effects: [read], objects: ["s%d.*"], verdict: allow`, i, i, i))
	}
	p := parse(b, policyOf(rules))
	s, c := person("dev", "everyone", "staff", "developers"), dbProd()
	for name, cmd := range map[string]policy.Command{
		"read":   {Accesses: does("read", "public.users").Accesses, SQL: &policy.SQL{Commands: []string{"select"}, Tables: 1}},
		"delete": {Accesses: does("delete", "public.users", "read", "public.users").Accesses, SQL: &policy.SQL{Commands: []string{"delete"}, Filter: "some", Tables: 1}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Decide(s, c, cmd)
			}
		})
	}
}
