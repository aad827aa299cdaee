package policy_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

func problems(t *testing.T, text string) policy.Problems {
	t.Helper()
	p, err := policy.Parse([]byte(text), "policy.yaml")
	var found policy.Problems
	if p != nil || !errors.As(err, &found) || len(found) == 0 {
		t.Fatalf("%q parsed: %v, %v", text, p, err)
	}
	return found
}

func TestTheExampleOfTheDesignParses(t *testing.T) {
	text, err := os.ReadFile("testdata/design.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := parse(t, string(text))
	dev := person("dev", "developers")
	reach, ok := p.Reach(dev, dbProd())
	if want := (policy.Reach{Rule: "devs", TTL: 30 * time.Minute, ReasonRequired: true}); !ok || reach != want {
		t.Fatalf("reach %+v, %v", reach, ok)
	}
	d := p.Decide(dev, dbProd(), does("write", "public.users"))
	want := "[{writes-need-a-dba [] [dba] 1 45s 10m0s}]"
	if got := fmt.Sprint(d.Approvals); d.Verdict != policy.Approve || got != want {
		t.Fatalf("%v %s", d.Verdict, got)
	}
	if got := fmt.Sprint(p.Masks(dev, dbProd())); got != "[{pii [public.users.ssn *.email] [] [] [] redact false [] <nil> false}]" {
		t.Fatalf("masks %s", got)
	}
}

func TestAProblemSaysWhereItIsAndWhatWasMeant(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"version: 1\nrules:\n  - name: a\n    verdit: deny\n", "policy.yaml:4:5: unknown key \"verdit\" in a rule\n    hint: did you mean \"verdict\"?"},
		{"version: 1\nrules:\n  - {name: a, verdict: alow}\n", "policy.yaml:3:24: unknown verdict \"alow\"\n    hint: did you mean \"allow\"?"},
		{"version: 1\nrulez: []\n", "policy.yaml:2:1: unknown key \"rulez\" in a policy\n    hint: did you mean \"rules\"?"},
		{"version: 2\n", "policy.yaml:1:1: the policy's version is \"2\", this hoopd reads version 1"},
		{"rules: [{name: a, verdict: deny}]\n", "policy.yaml:1:1: the policy's version is \"\""},
		{"version: 1\nrules: [{name: a, verdict: deny, effects: [reed]}]\n", "policy.yaml:2:44: unknown effect \"reed\"\n    hint: did you mean \"read\"?"},
		{"version: 1\nrules: [{verdict: deny}]\n", "policy.yaml:2:9: the name is missing"},
		{"version: 1\nrules: [{name: default, verdict: deny}]\n", "the name \"default\" is taken"},
		{"version: 1\nrules: [{name: a, verdict: deny}, {name: a, verdict: deny}]\n", "the name \"a\" is used twice"},
		{"version: 1\nrules: [{name: a, name: b, verdict: deny}]\n", "policy.yaml:2:19: key \"name\" stands here twice"},
		{"version: 1\nrules: [{name: a}]\n", "the verdict is missing"},
		{"version: 1\nrules: [{name: a, verdict:}]\n", "key \"verdict\" has no value"},
		{"version: 1\nrules: []\n", "an empty list says nothing here"},
		{"version: 1\nrules: {name: a}\n", "a list is needed here, not a mapping"},
		{"version: 1\nrules: [{name: a, verdict: deny, who: {}}]\n", "it names nobody"},
		{"version: 1\nrules: [{name: a, verdict: deny, who: {groups: dba}}]\n", "a list is needed here, not a single value"},
		{"version: 1\nrules: [{name: a, verdict: allow, approval: {by: {groups: [dba]}}}]\n", "approval stands in a rule whose verdict is allow"},
		{"version: 1\nrules: [{name: a, verdict: approve, approval: {by: {users: [x]}, quorum: 2}}]\n", "the quorum is 2, but only 1 can approve"},
		{"version: 1\nrules: [{name: a, verdict: approve, approval: {by: {groups: [\"*\"]}}}]\n", "names stand in full here"},
		{"version: 1\nrules: [{name: a, verdict: approve, approval: {by: {groups: [dba]}, hold: 1 day}}]\n", "\"1 day\" is no duration from 0s to 10m"},
		{"version: 1\nrules: [{name: a, verdict: deny, sql: {matches: \"(\"}}]\n", "error parsing regexp"},
		{"version: 1\nrules: [{name: a, verdict: deny, sql: {commands: [DELETE]}}]\n", "hint: write \"delete\""},
		{"version: 1\nrules: [{name: a, verdict: deny, sql: {tables_max: 3}}]\n", "tables_max in a deny rule"},
		{"version: 1\nrules: [{name: a, verdict: deny, sql: {}}]\n", "it asks for nothing"},
		{"version: 1\nrules: [{name: a, verdict: deny, if: 'usr == \"x\"'}]\n", "undeclared reference to 'usr'"},
		{"version: 1\nrules: [{name: a, verdict: deny, if: 'user'}]\n", "a condition is true or false, this one is of type string"},
		{"version: 1\nreach: [{name: a, ttl: 30}]\n", "\"30\" is no duration"},
		{"version: 1\nreach: [{name: a, reason: maybe}]\n", "unknown value \"maybe\""},
		{"version: 1\nmasks: [{name: a, columns: [a.b.c.d], as: redact}]\n", "\"a.b.c.d\" is no pattern of a column"},
		{"version: 1\nmasks: [{name: a, columns: [email]}]\n", "a mask says what is shown instead"},
		{"version: 1\nmasks: [{name: a, as: redact}]\n", "a mask needs columns, fields, json, rows or detect"},
		{"version: 1\nmasks:\n  - name: a\n    as: redact\n    detect: [emial]\n", "policy.yaml:5:14: unknown detector \"emial\"\n    hint: did you mean \"email\"?"},
		{"version: 1\nmasks: [{name: a, detect: [passport], as: redact}]\n", "hint: known here: email, credit_card"},
		{"version: 1\nmasks: [{name: a, detect: email, as: redact}]\n", "a list is needed here, not a single value"},
		{"version: 1\nmasks: [{name: a, detect: [], as: redact}]\n", "2:"},
		{"version: 1\nmasks: [{name: a, detect: [email, email], as: redact}]\n", "the detector \"email\" stands here twice"},
		{"version: 1\nmasks: [{name: a, detect: [email]}]\n", "a mask says what is shown instead"},
		{"version: 1\nmasks: [{name: a, detect: [email], as: hash}]\n", "as: hash is not served"},
		{"version: 1\nmasks: [{name: a, detect: [email], columns: [\"*.email\"], as: redact}]\n", "a mask has columns, fields or json, or it has detect, not both"},
		{"version: 1\nmasks: [{name: a, detect: [email], as: redact, writable: true}]\n", "writable is about columns"},
		{"version: 1\nmasks: [{name: a, detect: [email], as: redact, pages: true}]\n", "pages says that a service's pages"},
		{"version: 1\npowers: [{name: a, may: [session.read]}]\n", "did you mean \"sessions.read\"?"},
		{"version: 1\npowers: [{name: a}]\n", "a power says what one may"},
		{"version: 1\ntests: [{on: db}]\n", "a test needs as"},
		{"", "the file holds 0 YAML documents"},
		{"version: 1\n---\nversion: 1\n", "the file holds 2 YAML documents"},
		{"version: [1\n", "policy.yaml:1:10: "},
		{"version: 1\nrules: &a [{name: a, verdict: deny}]\n", "anchors, aliases, tags"},
		{"version: !!int 1\n", "anchors, aliases, tags"},
		{"version: 1\nrules: [{name: a, verdict: deny, objects: [*]}]\n", "policy.yaml:2:4"},
		{"version: 1\n\x00", "not UTF-8 text"},
		{"version: 1\n\xff", "not UTF-8 text"},
		{strings.Repeat("#", 300<<10), "307200 bytes long"},
	} {
		if got := problems(t, c.text).Error(); !strings.Contains(got, c.want) {
			t.Errorf("%.80q:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestWhatThisVersionDoesNotServeIsRefusedAndNotIgnored(t *testing.T) {
	for _, c := range []struct{ text, what string }{
		{"masks: [{name: a, patterns: [\"[0-9]+\"], as: redact}]", "patterns"},
		{"masks: [{name: a, columns: [email], as: hash}]", "as: hash"},
		{"masks: [{name: a, columns: [email], as: pseudonym}]", "as: pseudonym"},
		{"rules: [{name: a, verdict: approve, approval: {by: {groups: [dba]}, preview: explain}}]", "preview"},
		{"reach: [{name: a, approval: {by: {groups: [dba]}}}]", "approval of a grant"},
	} {
		found := problems(t, "version: 1\n"+c.text+"\n")
		if len(found) != 1 || found[0].Message != c.what+" is not served by this version" || found[0].Line != 2 || found[0].Hint == "" {
			t.Errorf("%s: %v", c.text, found)
		}
	}
}

func TestAllProblemsAreReportedAtOnceInTheOrderOfTheFile(t *testing.T) {
	found := problems(t, "version: 3\nreach: [{nam: a}]\nrules:\n  - {name: x, verdict: no}\n  - {name: y, verdict: deny, effects: [all, none]}\n")
	if len(found) != 6 {
		t.Fatalf("%d problems:\n%v", len(found), found)
	}
	for i := 1; i < len(found); i++ {
		if found[i].Line < found[i-1].Line {
			t.Fatalf("out of order:\n%v", found)
		}
	}
}

func TestDeepNestingIsRefusedBeforeItIsParsed(t *testing.T) {
	for _, deep := range []string{
		"a: " + strings.Repeat("[", 50_000),
		"a: " + strings.Repeat("{a: ", 20_000),
		strings.Repeat("- ", 50_000),
		strings.Repeat("? ", 50_000),
		strings.Repeat("a: ", 50_000),
		strings.Repeat("!a ", 50_000),
		strings.Repeat("&a ", 50_000),
		indented(600),
	} {
		began := time.Now()
		problems(t, deep)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%.20q took %s", deep, took)
		}
	}
}

// indented nests a key in a key, one space at a time.
func indented(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestTheVersionIsTheHashOfTheBytes(t *testing.T) {
	a := parse(t, "version: 1\n")
	b := parse(t, "version: 1 \n")
	if len(a.Version()) != 64 || a.Version() == b.Version() || a.Version() != parse(t, "version: 1\n").Version() {
		t.Fatalf("%s %s", a.Version(), b.Version())
	}
}

// A policy that parses parses again to the same version, and allows nothing that no rule names.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/sample.yaml", "testdata/design.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("version: 1\nrules: [{name: a, verdict: allow}]\n"))
	f.Add([]byte("version: 1\nrules: [{name: a, verdict: approve, effects: [unknown], if: 'user == \"u\"'}]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := policy.Parse(text, "p")
		if (p == nil) == (err == nil) {
			t.Fatalf("policy %v with error %v", p, err)
		}
		if err != nil {
			return
		}
		again, err := policy.Parse(text, "p")
		if err != nil || again.Version() != p.Version() {
			t.Fatalf("parses once, then: %v", err)
		}
		s := person("u", "g")
		for _, effect := range []policy.Effect{policy.Read, policy.Delete, policy.Unknown, "nonsense"} {
			d := p.Decide(s, dbProd(), policy.Command{Accesses: []policy.Access{{Effect: effect, Object: "o"}}, Now: time.Unix(0, 0)})
			if d.Verdict != policy.Deny && !named(p.Rules(s, dbProd()), d.Rule, effect) {
				t.Fatalf("%s of %s by %q, which no rule is", d.Verdict, effect, d.Rule)
			}
		}
	})
}

// named says that a rule of that name speaks of the effect.
func named(rules []policy.Rule, name string, effect policy.Effect) bool {
	for _, r := range rules {
		if r.Name != name || r.Verdict == policy.Deny {
			continue
		}
		if r.Effects == nil && effect != policy.Unknown && effect != "nonsense" {
			return true
		}
		for _, e := range r.Effects {
			if e == effect || e == policy.Unknown && effect == "nonsense" {
				return true
			}
		}
	}
	return false
}
