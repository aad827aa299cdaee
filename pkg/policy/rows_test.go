package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

func TestARowFilterIsReadAsSQLWouldReadIt(t *testing.T) {
	for text, want := range map[string]string{
		`tenant_id = 7`:                           "{= tenant_id  7 []}",
		`Tenant_ID=-7.5`:                          "{= tenant_id  -7.5 []}",
		`"Tenant ""ID" <> 'O''Brien'`:             `{<> Tenant "ID  O'Brien []}`,
		`a = 1 OR b = 2 AND NOT c`:                "{or    [{= a  1 []} {and    [{= b  2 []} {not    [{= c  true []}]}]}]}",
		`(a = 1 OR b != 2) AND c IS NOT NULL`:     "{and    [{or    [{= a  1 []} {<> b  2 []}]} {not null c   []}]}",
		`a IN (1, 'x') AND b NOT IN (2)`:          "{and    [{or    [{= a  1 []} {= a  x []}]} {not    [{= b  2 []}]}]}",
		`a BETWEEN 1 AND 5 AND b IS NULL`:         "{and    [{and    [{>= a  1 []} {<= a  5 []}]} {null b   []}]}",
		`a NOT BETWEEN '2020-01-01' AND 'x' OR b`: "{or    [{not    [{and    [{>= a  2020-01-01 []} {<= a  x []}]}]} {= b  true []}]}",
		`owner >= author`:                         "{>= owner author  []}",
	} {
		p := parse(t, fmt.Sprintf("version: 1\nmasks: [{name: m, objects: [public.orders], rows: %q}]\n", text))
		masks := p.Masks(person("dev", "developers"), dbProd())
		if len(masks) != 1 || masks[0].Rows == nil || fmt.Sprint(masks[0].Rows.Where) != want {
			t.Errorf("%s: %+v, want %s", text, masks, want)
		}
	}
}

func TestARowFilterThatCouldMeanMoreIsRefusedWithWhatWouldDo(t *testing.T) {
	for text, want := range map[string]string{
		``:                                     "it is empty",
		`tenant_id`:                            "",
		`tenant_id = `:                         "the end stands where a constant or a column is needed",
		`7 = tenant_id`:                        `"7" stands where a column's name is needed`,
		`tenant_id = 7; DROP TABLE x`:          `";" is not served`,
		`tenant_id = 7 OR`:                     "the end stands where a column's name is needed",
		`tenant_id = 7) OR (true`:              `")" is not expected there`,
		`(tenant_id = 7`:                       `the end stands where ")" is needed`,
		`lower(name) = 'x'`:                    "lower would be a function",
		`name LIKE 'x%'`:                       `"like" is not served`,
		`a = (SELECT 1)`:                       `"(" stands where a constant`,
		`tenant_id = NULL`:                     `"null" is not served in row filters, where a constant or a column is needed`,
		`tenant_id = current_user`:             `"current_user" is not served`,
		`a + 1 = 2`:                            `"+" is not served`,
		`a = 1 -- b`:                           `"-" is not served`,
		`a::int = 1`:                           `":" is not served`,
		`public.t.a = 1`:                       `"." is not served`,
		`a = 1e5`:                              `"1e" is no number`,
		`a = 'x`:                               "a ' is not closed",
		`a = 'x\'`:                             `\ are not served`,
		`"" = 1`:                               "a name is empty",
		`a IN ()`:                              `")" stands where a constant is needed`,
		`a NOT = 1`:                            "NOT stands there without IN or BETWEEN",
		`a IS TRUE`:                            `"true" stands where "null" is needed`,
		strings.Repeat("(", 50) + "a = 1":      "nested more than",
		strings.Repeat("a = 1 OR ", 300) + "b": "longer than",
	} {
		if want == "" {
			continue
		}
		found := problems(t, fmt.Sprintf("version: 1\nmasks: [{name: m, rows: %q}]\n", text))
		if got := found.Error(); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestAMaskSaysWhatItsFilterIsFor(t *testing.T) {
	for text, want := range map[string]string{
		`{name: m, objects: [public.orders]}`:                   "no filter is here",
		`{name: m, rows: "a = 1", detect: [email], as: redact}`: "rows or detect, not both",
		`{name: m, rows: "a = 1", as: redact}`:                  "this mask has rows alone",
		`{name: m, rows: "a = 1", columns: [t.ssn]}`:            "says what is shown instead",
		`{name: m, rows: "a = 1", objects: [a.b.c]}`:            `"a.b.c" is no pattern of a table`,
		`{name: m, rows: [a]}`:                                  "a single value is needed",
		`{name: m}`:                                             "a mask needs columns, fields, json, rows or detect",
	} {
		if got := problems(t, "version: 1\nmasks: ["+text+"]\n").Error(); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	p := parse(t, `
version: 1
masks:
  - {name: a, rows: "tenant_id = 7 AND region = tenant_id"}
  - {name: b, objects: [public.orders, lines], rows: "tenant_id = 7"}
  - {name: c, columns: [users.ssn], as: redact, rows: "tenant_id = 7"}
`)
	var lines []string
	for _, m := range p.Masks(person("dev"), dbProd()) {
		lines = append(lines, m.Rows.String(m.Columns))
	}
	if got := strings.Join(lines, "; "); got != "tenant_id = 7 AND region = tenant_id, of every table with tenant_id and region; tenant_id = 7, of public.orders, lines; tenant_id = 7, of the tables of users.ssn" {
		t.Error(got)
	}
}

// Whoever has a row filter is not unrestricted: what names mean matters.
func TestWhoHasARowFilterIsRestricted(t *testing.T) {
	all := "version: 1\nrules: [{name: all, effects: [read, write, delete, schema, privilege, execute, transfer, session, admin, unknown], verdict: allow}]\n"
	if !parse(t, all).Unrestricted(person("dev"), dbProd()) {
		t.Error("without a filter")
	}
	if parse(t, all+"masks: [{name: m, rows: \"tenant_id = 7\"}]\n").Unrestricted(person("dev"), dbProd()) {
		t.Error("with a filter")
	}
}

// printed writes a condition in the language of row filters.
func printed(c policy.Condition) string {
	name := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	switch c.Op {
	case "and", "or":
		var parts []string
		for _, a := range c.Args {
			parts = append(parts, printed(a))
		}
		return "(" + strings.Join(parts, " "+c.Op+" ") + ")"
	case "not":
		return "(not " + printed(c.Args[0]) + ")"
	case "null", "not null":
		return name(c.Column) + " is " + c.Op
	}
	if c.Other != "" {
		return name(c.Column) + " " + c.Op + " " + name(c.Other)
	}
	return name(c.Column) + " " + c.Op + " '" + strings.ReplaceAll(c.Value, "'", "''") + "'"
}

// What is read, written again and read again is the same condition, of known operators alone.
func FuzzRowFilter(f *testing.F) {
	for _, text := range []string{"tenant_id = 7", `"A""b" <> 'x''y' OR NOT c`, "a IN (1, 2) AND b NOT BETWEEN -1.5 AND 'z'", "(((a IS NOT NULL)))", "a = b", "not not a", "a in (1)"} {
		f.Add(text)
	}
	read := func(text string) (*policy.Policy, policy.Condition) {
		p, err := policy.Parse([]byte(fmt.Sprintf("version: 1\nmasks: [{name: m, rows: '%s'}]\n", strings.ReplaceAll(text, "'", "''"))), "p")
		if err != nil {
			return nil, policy.Condition{}
		}
		return p, p.Masks(policy.Subject{}, policy.Connection{})[0].Rows.Where
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, first := read(text)
		if p == nil {
			return
		}
		again := printed(first)
		if len(again) > 1800 || strings.Count(again, "(")+strings.Count(again, "not ") > 15 {
			return
		}
		if q, second := read(again); q == nil || printed(second) != again {
			t.Fatalf("%q is %q, and that is %q", text, again, printed(second))
		}
	})
}
