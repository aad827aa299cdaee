package pgsql_test

import (
	"fmt"
	"strings"
	"testing"
)

// A short definition whose parts stand for each other again and again takes no longer to read than it is long: who may create a view must not
// be able to keep the catalog from being read. Read part by part anew, most of these take 2^40 steps, and the long ones more than are made.
func TestDefinitionsThatNameAColumnAgainAndAgainAreRead(t *testing.T) {
	levels := func(inner, outer string) string {
		for range 40 {
			inner = strings.ReplaceAll(outer, "…", inner)
		}
		return inner
	}
	joined := func(column string) string {
		out := "SELECT x, " + column + " FROM people JOIN (SELECT id, 1 / id AS x FROM things) j0 USING (id)"
		for i := range 40 {
			out += fmt.Sprintf(" FULL JOIN (SELECT 1 / id AS x FROM things) j%d USING (x)", i+1)
		}
		return out
	}
	united := func(column string) string {
		out := "WITH c0 AS (SELECT id, " + column + " AS a FROM people)"
		for i := range 40 {
			out += fmt.Sprintf(", c%d AS (SELECT * FROM c%d UNION ALL SELECT * FROM c%d)", i+1, i, i)
		}
		return out + " SELECT * FROM c40"
	}
	long := func(column string) string {
		var terms []string
		for i := range 2000 {
			terms = append(terms, fmt.Sprintf("%s > '%d' AND 1 / (id + %d) > 0", column, i, i))
		}
		return "SELECT id, " + strings.Join(terms, " AND ") + " AS a FROM people"
	}
	either := func(column string) string {
		return "SELECT id, COALESCE(NULL" + strings.Repeat(", "+column+", (1 / id)::text", 1000) + ") AS a FROM people"
	}
	nested := func(column string) string {
		out := "name"
		for i := range 1000 {
			out = fmt.Sprintf("CASE WHEN %s > '%d' THEN upper(name) ELSE %s END", column, i, out)
		}
		return "SELECT id, " + out + " AS a FROM people"
	}
	const choice = "SELECT CASE WHEN b THEN a ELSE a END AS a, b, c FROM (…) q"
	const asked = "COALESCE((SELECT … FROM things), (1 / id)::text)"
	answered := map[string][2]string{ // its definition, and which of its columns is masked
		"n_value":   {levels("SELECT ssn AS a, id > 0 AS b, name AS c FROM people", choice), "a"},
		"n_decided": {levels("SELECT name AS a, ssn > 'B' AS b, name AS c FROM people", choice), "a b"}, // nothing fails
		"n_plain":   {levels("SELECT 1 / id AS a, name > 'B' AS b, ssn AS c FROM people", choice), "c"},
		"n_whole":   {levels("SELECT ssn AS a, id > 0 AS b, name AS c FROM people", "SELECT COALESCE(a, a) AS a, b, q.c FROM (…) q"), "a"},
		"n_asked":   {"SELECT id, " + levels("name", asked) + " AS a, ssn FROM people", "ssn"},
		"n_joined":  {joined("ssn"), "ssn"},
		"n_united":  {united("ssn"), "a"},
		"n_cte":     {united("name"), ""},
		"n_long":    {long("name"), ""},
		"n_either":  {either("name"), ""},
		"n_nested":  {nested("ssn"), "a"},
	}
	refused := map[string][2]string{ // its definition, and what the refusal must name besides it
		"n_fails":      {levels("SELECT 1 / id AS a, ssn > 'B' AS b, name AS c FROM people", choice), "fail"},
		"n_asks":       {"SELECT id, " + levels("ssn", asked) + " AS a FROM people", "people.ssn"},
		"n_long_fails": {long("ssn"), "fail"},
		"n_either_of":  {either("ssn"), "fail"},
	}
	var schema strings.Builder
	fmt.Fprintf(&schema, viewSchema, "AAA1", "11")
	for _, name := range sortedNames(answered, "") {
		fmt.Fprintf(&schema, "CREATE VIEW %s AS %s; ", name, answered[name][0])
	}
	for _, name := range sortedNames(refused, "") {
		fmt.Fprintf(&schema, "CREATE VIEW %s AS %s; ", name, refused[name][0])
	}
	env := envOf(t, newDatabase(t, "again_and_again", schema.String()), mask("people.ssn"))
	for name, view := range answered {
		var want []string
		for _, column := range strings.Fields(view[1]) {
			want = append(want, "public."+name+"."+column)
		}
		if a := understand(t, "SELECT * FROM "+name, env); a.Problem != nil || strings.Join(a.Masked, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %+v, masked %v", name, a.Problem, a.Masked)
		}
	}
	for name, view := range refused {
		refusal(t, "SELECT * FROM "+name, env, "public."+name, "people.ssn", view[1])
	}
}
