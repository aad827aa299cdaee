package policy_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

func TestTheFirstReachRuleThatMatchesHolds(t *testing.T) {
	p := parse(t, `version: 1
reach:
  - {name: eve, who: {users: [eve]}, on: {connections: [db-prod]}, ttl: 5m, reason: required}
  - {name: all, who: {groups: ["*"]}, on: {kinds: [postgres]}, ttl: 2h, renew: true}
`)
	for _, c := range []struct {
		s    policy.Subject
		c    policy.Connection
		want string
	}{
		{person("eve", "x"), dbProd(), "{eve 5m0s true false} true"},
		{person("bob", "x"), dbProd(), "{all 2h0m0s false true} true"},
		{person("bob"), dbProd(), "{ 0s false false} false"},
		{person("bob", "x"), policy.Connection{Name: "web", Kind: "ssh"}, "{ 0s false false} false"},
	} {
		r, ok := p.Reach(c.s, c.c)
		if got := fmt.Sprint(r, ok); got != c.want {
			t.Errorf("%s on %s: %s, want %s", c.s.User, c.c.Name, got, c.want)
		}
	}
}

func TestMasksHoldUnlessTheSubjectIsExcepted(t *testing.T) {
	p := parse(t, `version: 1
masks:
  - {name: pii, unless: {groups: [privacy]}, columns: ["*.email", public.users.ssn], as: redact}
  - {name: cards, who: {types: [agent]}, columns: [card], as: last4, writable: true}
  - {name: elsewhere, on: {connections: [db-dev]}, columns: [card], as: "null"}
  - {name: leaks, unless: {users: [bot]}, on: {labels: {env: prod}}, detect: [email, us_ssn], as: last4}
`)
	agent := person("bot")
	agent.Type = "agent"
	for _, c := range []struct {
		s    policy.Subject
		want string
	}{
		{person("dev", "developers"), "[{pii [*.email public.users.ssn] [] [] [] redact false [] <nil> false} {leaks [] [] [] [email us_ssn] last4 false [] <nil> false}]"},
		{person("pia", "privacy"), "[{leaks [] [] [] [email us_ssn] last4 false [] <nil> false}]"},
		{agent, "[{pii [*.email public.users.ssn] [] [] [] redact false [] <nil> false} {cards [card] [] [] [] last4 true [] <nil> false}]"},
	} {
		if got := fmt.Sprint(p.Masks(c.s, dbProd())); got != c.want {
			t.Errorf("%s: %s, want %s", c.s.User, got, c.want)
		}
	}
}

func TestAPowerIsNobodysUnlessARuleGivesIt(t *testing.T) {
	p := parse(t, `version: 1
powers:
  - {name: audit, who: {groups: [security]}, may: [sessions.read, locks]}
  - {name: local, who: {groups: [dba]}, on: {connections: ["db-*"]}, may: [sessions.end]}
`)
	for _, c := range []struct {
		s     policy.Subject
		power policy.Power
		c     policy.Connection
		want  bool
	}{
		{person("sec", "security"), policy.SessionsRead, dbProd(), true},
		{person("sec", "security"), policy.Locks, policy.Connection{}, true},
		{person("sec", "security"), policy.SessionsEnd, dbProd(), false},
		{person("dba", "dba"), policy.SessionsEnd, dbProd(), true},
		{person("dba", "dba"), policy.SessionsEnd, policy.Connection{}, false},
		{person("dev", "developers"), policy.SessionsRead, dbProd(), false},
		{person("sec", "security"), "everything", dbProd(), false},
	} {
		if got := p.May(c.s, c.power, c.c); got != c.want {
			t.Errorf("%s, %s on %q: %v", c.s.User, c.power, c.c.Name, got)
		}
	}
}

func TestASessionIsReadOnlyWhereNoRuleGivesMore(t *testing.T) {
	p := sample(t)
	if p.ReadOnly(person("dev", "developers"), dbProd()) {
		t.Error("a developer writes with an approval")
	}
	if !p.ReadOnly(person("pia", "privacy"), dbProd()) {
		t.Error("privacy may only read")
	}
	if parse(t, policyOf([]string{"verdict: allow"})).ReadOnly(person("dev"), dbProd()) {
		t.Error("a rule without effects allows writes")
	}
	if !parse(t, policyOf([]string{"effects: [write], verdict: deny"})).ReadOnly(person("dev"), dbProd()) {
		t.Error("a deny rule gives nothing")
	}
}

func TestRulesTellWhatHoldsForSomebodySomewhere(t *testing.T) {
	rules := sample(t).Rules(person("dev", "developers"), dbProd())
	if len(rules) != 3 || rules[1].Approval.Groups[0] != "dba" || rules[1].Effects[1] != policy.Delete || rules[2].Effects != nil {
		t.Fatalf("%+v", rules)
	}
	if n := len(sample(t).Rules(person("sec", "security"), dbProd())); n != 1 {
		t.Fatalf("security meets %d rules, the one for everybody is meant", n)
	}
}

// byWords understands the few commands of these tests.
func byWords(_ context.Context, t policy.Test) (policy.Command, error) {
	switch strings.Fields(t.Command)[0] {
	case "SELECT":
		return does("read", "public.users"), nil
	case "DELETE", "UPDATE":
		filter := "none"
		if strings.Contains(t.Command, "WHERE") {
			filter = "some"
		}
		c := does("delete", "public.users")
		c.SQL = &policy.SQL{Commands: []string{"delete"}, Filter: filter}
		return c, nil
	case "INSERT":
		return does("write", "public.orders"), nil
	case "DROP":
		return does("schema", "public.users"), nil
	default:
		return policy.Command{}, errors.New("no such command")
	}
}

func TestTheTestsOfTheSamplePass(t *testing.T) {
	p := sample(t)
	if len(p.Tests()) != 6 {
		t.Fatalf("%d tests", len(p.Tests()))
	}
	for _, f := range p.RunTests(t.Context(), byWords) {
		t.Error(f)
	}
}

func TestATestThatComesOutOtherwiseFails(t *testing.T) {
	p := parse(t, `version: 1
rules:
  - {name: read, on: {labels: {env: prod}}, effects: [read], verdict: allow}
tests:
  - {as: {user: a}, on: db-prod, command: SELECT, expect: allow}
  - {as: {user: b}, on: {name: db-prod, labels: {env: prod}}, command: SELECT, expect: deny}
  - {as: {user: c}, on: db-prod, command: DROP, expect: deny, rule: read}
  - {as: {user: d}, on: db-prod, command: GIBBERISH, expect: allow}
  - {as: {user: e}, on: db-prod, command: GIBBERISH, expect: deny}
`)
	users := func(failures []policy.TestFailure) string {
		var b strings.Builder
		for _, f := range failures {
			if f.String() == "" {
				t.Error("a failure says nothing")
			}
			b.WriteString(f.Test.As.User)
		}
		return b.String()
	}
	if got := users(p.RunTests(t.Context(), byWords)); got != "abcd" {
		t.Errorf("without connections these fail: %s", got)
	}
	if got := users(p.RunTests(t.Context(), byWords, policy.Connection{Name: "other"}, dbProd())); got != "bcd" {
		t.Errorf("with the connection's labels these fail: %s", got)
	}
	if got := p.RunTests(t.Context(), byWords)[0].String(); got != `line 5: "SELECT" as a on db-prod: want allow, got deny by default (no rule allows a the effect read on public.users (db-prod))` {
		t.Errorf("failure: %s", got)
	}
}

func TestLintFindsWhatIsHardlyMeant(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"rules: [{name: a, verdict: approve}]", "rule a asks for an approval that nobody can give"},
		{"rules: [{name: a, verdict: allow}]", "rule a allows everybody everything everywhere"},
		{"rules: [{name: a, who: {groups: [x]}, effects: [read], verdict: allow}, {name: b, who: {groups: [\"*\"]}, verdict: deny}]", "rule a never decides: rule b is stricter and matches all that it does"},
		{"rules: [{name: a, who: {groups: [y]}, effects: [read], verdict: allow}]", "rule a is for y, whom no reach rule names"},
		{"masks: [{name: a, unless: {users: [\"*\"]}, columns: [email], as: redact}]", "mask a holds for nobody"},
		{"masks: [{name: a, columns: [\"*.*\"], as: redact}]", "mask a hides every column"},
		{"powers: [{name: a, may: [locks]}]", "power a is everybody's"},
	} {
		text := "version: 1\nreach: [{name: r, who: {groups: [x]}}]\n" + c.text + "\n"
		found := parse(t, text).Lint()
		if len(found) == 0 || !strings.Contains(fmt.Sprint(found), c.want) || found[0].Line != 3 {
			t.Errorf("%s:\n got %v\nwant %s", c.text, found, c.want)
		}
	}
	if got := fmt.Sprint(parse(t, "version: 1\n").Lint()); !strings.Contains(got, "nobody can open a connection") {
		t.Errorf("no reach: %s", got)
	}
	if got := fmt.Sprint(parse(t, "version: 1\nreach: [{name: a}, {name: b, who: {users: [x]}}]\n").Lint()); !strings.Contains(got, "reach b never holds") || !strings.Contains(got, "reach a is everybody's") {
		t.Errorf("reach: %s", got)
	}
}

func TestLintHasNothingToSayOfTheSample(t *testing.T) {
	if found := sample(t).Lint(); len(found) > 0 {
		t.Fatal(policy.Problems(found).Error())
	}
}

func TestDecidingFromManyGoroutinesIsTheSame(t *testing.T) {
	p := parse(t, policyOf([]string{`if: 'effects.exists(e, e == "read") && now.getFullYear() == 2026', verdict: allow`}))
	cmd := does("read", "a")
	cmd.Now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	verdicts := make(chan policy.Verdict)
	for range 8 {
		go func() {
			for range 50 {
				verdicts <- p.Decide(person("dev"), dbProd(), cmd).Verdict
			}
		}()
	}
	for range 8 * 50 {
		if v := <-verdicts; v != policy.Allow {
			t.Fatalf("verdict %s", v)
		}
	}
}

func TestNothingRestrictsOnlyWhomOneRuleAllowsEverything(t *testing.T) {
	const all = "effects: [read, write, delete, schema, privilege, execute, transfer, session, admin, unknown], verdict: allow"
	for name, c := range map[string]struct {
		rest string
		want bool
	}{
		"all is allowed":                  {"rules: [{name: a, " + all + "}]", true},
		"another rule allows less":        {"rules: [{name: a, " + all + "}, {name: b, effects: [read], verdict: allow}]", true},
		"a rule of somebody else denies":  {"rules: [{name: a, " + all + "}, {name: b, who: {groups: [others]}, effects: [read], verdict: deny}]", true},
		"one effect is missing":           {"rules: [{name: a, effects: [read, write, delete, schema, privilege, execute, transfer, session, admin], verdict: allow}]", false},
		"unknown is not named":            {"rules: [{name: a, verdict: allow}]", false},
		"only some objects":               {"rules: [{name: a, objects: [\"public.*\"], " + all + "}]", false},
		"only some commands":              {"rules: [{name: a, sql: {commands: [select]}, " + all + "}]", false},
		"only at times":                   {"rules: [{name: a, if: 'user == \"dev\"', " + all + "}]", false},
		"a rule denies":                   {"rules: [{name: a, " + all + "}, {name: b, objects: [x], effects: [read], verdict: deny}]", false},
		"a rule asks":                     {"rules: [{name: a, " + all + "}, {name: b, effects: [delete], verdict: approve, approval: {by: {groups: [dba]}}}]", false},
		"something is masked":             {"rules: [{name: a, " + all + "}]\nmasks: [{name: m, columns: [email], as: redact}]", false},
		"only free text is masked":        {"rules: [{name: a, " + all + "}]\nmasks: [{name: m, detect: [email], as: redact}]", true},
		"nothing is allowed":              {"rules: [{name: a, effects: [read], verdict: deny}]", false},
		"two rules allow it between them": {"rules: [{name: a, effects: [read], verdict: allow}, {name: b, effects: [write], verdict: allow}]", false},
	} {
		if got := parse(t, "version: 1\n"+c.rest+"\n").Unrestricted(person("dev", "developers"), dbProd()); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (*policy.Policy)(nil).Unrestricted(person("dev"), dbProd()) {
		t.Error("no policy restricts nothing")
	}
}
