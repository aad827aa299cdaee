package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/policy"
	"pgregory.net/rapid"
)

// through adds pairs, written as effect, object, that a command reaches through those that it names.
func through(c policy.Command, pairs ...string) policy.Command {
	c.Accesses = slices.Clone(c.Accesses)
	for _, a := range does(pairs...).Accesses {
		a.Through = true
		c.Accesses = append(c.Accesses, a)
	}
	return c
}

func TestWhatLiesBeneathOnlyTightens(t *testing.T) {
	view := does("read", "public.v")
	for _, c := range []struct {
		rule    string
		rules   []string
		command policy.Command
		want    string
	}{
		{"a policy that allows just the view keeps working", []string{"objects: [public.v], verdict: allow"}, through(view, "read", "public.users"), "allow r0"},
		{"a denied table can't be read through a view", []string{"objects: [public.v], verdict: allow", "objects: [public.users], verdict: deny"}, through(view, "read", "public.users"), "deny r1"},
		{"nor by a rule for its schema", []string{"verdict: allow", `effects: [read], objects: ["hr.*"], verdict: deny`}, through(view, "read", "public.users", "read", "hr.pay"), "deny r1"},
		{"another effect on the table is another matter", []string{"verdict: allow", "effects: [write], objects: [public.users], verdict: deny"}, through(view, "read", "public.users"), "allow r0"},
		{"an approval for the table is one for the view", []string{"objects: [public.v], verdict: allow", "objects: [public.users], verdict: approve"}, through(view, "read", "public.users"), "approve r1 r1"},
		{"to be allowed the table does not allow the view", []string{"objects: [public.users], verdict: allow"}, through(view, "read", "public.users"), "deny default"},
		{"nor does an approval for the table", []string{"objects: [public.users], verdict: approve"}, through(view, "read", "public.users"), "deny default"},
		{"what is named itself needs a rule, whatever it is reached through besides", []string{"objects: [public.v], verdict: allow"}, through(does("read", "public.v", "read", "public.users"), "read", "public.users"), "deny default"},
		{"nothing but what lies beneath is nothing", []string{"verdict: allow"}, through(does(), "read", "public.users"), "deny default"},
		{"an effect that can't be told is no matter beneath", []string{"verdict: allow"}, through(view, "unknown", "public.users"), "allow r0"},
		{"unless a rule is against it", []string{"verdict: allow", "objects: [public.users], verdict: deny"}, through(view, "unknown", "public.users"), "deny r1"},
		{"a condition of an allow rule sees what is named", []string{`if: 'objects == ["public.v"]', verdict: allow`}, through(view, "read", "public.users"), "allow r0"},
		{"and not what lies beneath", []string{`if: '"public.users" in objects', verdict: allow`}, through(view, "read", "public.users"), "deny default"},
		{"a condition of a deny rule sees it too", []string{"verdict: allow", `if: '"public.users" in objects', verdict: deny`}, through(view, "read", "public.users"), "deny r1"},
		{"and holds without it as well", []string{"verdict: allow", `if: 'objects == ["public.v"]', verdict: deny`}, through(view, "read", "public.users"), "deny r1"},
		{"an approve rule that matches by it allows nothing", []string{`if: '"public.users" in objects', verdict: approve`}, through(view, "read", "public.users"), "deny default"},
		{"an approve rule that matches by it asks", []string{"verdict: allow", `if: '"public.users" in objects', verdict: approve`}, through(view, "read", "public.users"), "approve r1 r1"},
		{"a deny rule that matches by it is named before the lack of one", []string{`if: '"public.users" in objects', verdict: deny`}, through(view, "read", "public.users"), "deny r0"},
	} {
		d := parse(t, policyOf(c.rules)).Decide(person("dev", "developers"), dbProd(), c.command)
		got := d.Verdict.String() + " " + d.Rule
		for _, a := range d.Approvals {
			got += " " + a.Rule
		}
		if got != c.want || len(d.Judged) != len(c.command.Accesses) || d.Message == "" && d.Verdict != policy.Allow {
			t.Errorf("%s: got %s, want %s (%s)", c.rule, got, c.want, d.Message)
		}
	}
}

func TestNoRuleBearsTheNameOfWhatLiesBeneath(t *testing.T) {
	if p := problems(t, "version: 1\nrules: [{name: through, verdict: deny}]\n"); !strings.Contains(p.Error(), "taken") {
		t.Error(p)
	}
}

// ruleOfObjects draws rules whose conditions ask for what lies beneath, besides those of ruleText.
func ruleOfObjects() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		condition := rapid.SampledFrom([]string{`"a" in objects`, `objects == ["b"]`, "objects.size() < 2", `effects.all(e, e == "read")`, `!("ab" in objects)`}).Draw(t, "condition")
		return "if: '" + condition + "', verdict: " + rapid.SampledFrom([]string{"allow", "approve", "deny"}).Draw(t, "verdict")
	})
}

func TestPairsBeneathNeverLoosen(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rules := rapid.SliceOfN(rapid.OneOf(ruleText(), ruleOfObjects()), 0, 6).Draw(rt, "rules")
		p, s := parse(t, policyOf(rules)), person("dev", "developers")
		c := command().Draw(rt, "command")
		more := c
		more.Accesses = slices.Clone(c.Accesses)
		for _, a := range command().Draw(rt, "beneath").Accesses {
			a.Through = true
			more.Accesses = slices.Insert(more.Accesses, rapid.IntRange(0, len(more.Accesses)).Draw(rt, "place"), a)
		}
		before, after := p.Decide(s, dbProd(), c), p.Decide(s, dbProd(), more)
		if after.Verdict > before.Verdict || len(after.Approvals) < len(before.Approvals) && after.Verdict == before.Verdict {
			rt.Fatalf("%s with %d approvals, with pairs beneath %s with %d", before.Verdict, len(before.Approvals), after.Verdict, len(after.Approvals))
		}
		against := slices.ContainsFunc(rules, func(r string) bool { return !strings.HasSuffix(r, "verdict: allow") })
		if !against && after.Verdict != before.Verdict {
			rt.Fatalf("%s, with pairs beneath that no rule is against %s", before.Verdict, after.Verdict)
		}
	})
}

// What runs a function that the command does not name is told, with the rule that would admit it.
func TestARefusalSaysWhatRunsAFunction(t *testing.T) {
	p := parse(t, "version: 1\nrules:\n  - {name: w, effects: [write], verdict: allow}\n")
	cmd := policy.Command{Accesses: []policy.Access{{Effect: policy.Write, Object: "public.users"}, {Effect: policy.Execute, Object: "public.touch", By: "trigger t of public.users"}}}
	d := p.Decide(person("dev"), dbProd(), cmd)
	want := "no rule allows dev the effect execute on public.touch, which trigger t of public.users runs; a rule with effects: [execute] and objects: [public.touch] would"
	if d.Verdict != policy.Deny || !strings.HasPrefix(d.Message, want) {
		t.Errorf("%v %s", d.Verdict, d.Message)
	}
	p = parse(t, "version: 1\nrules:\n  - {name: w, effects: [write], verdict: allow}\n  - {name: x, effects: [execute], objects: [public.touch], verdict: allow}\n")
	if d := p.Decide(person("dev"), dbProd(), cmd); d.Verdict != policy.Allow {
		t.Errorf("%v %s", d.Verdict, d.Message)
	}
}

func TestAMaskTrustsFunctionsByTheirWholeNames(t *testing.T) {
	p := parse(t, "version: 1\nmasks:\n  - {name: m, columns: [users.ssn], as: redact, trusts: [public.touch]}\n")
	if m := p.Masks(person("dev"), dbProd()); len(m) != 1 || !slices.Equal(m[0].Trusts, []string{"public.touch"}) {
		t.Errorf("%+v", m)
	}
	for _, bad := range []string{"touch", `"public.*"`, "public."} {
		problems(t, "version: 1\nmasks:\n  - {name: m, columns: [users.ssn], as: redact, trusts: ["+bad+"]}\n")
	}
}
