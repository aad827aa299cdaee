package pgsql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// viewSchema is a schema of views over masked columns. Its masked values are the first verb's, so that two databases of it
// can differ in them alone; %[2]s is what tells a value of the first from one of the second.
const viewSchema = `CREATE TABLE people(id int PRIMARY KEY, name text, ssn text, card varchar(20), born date, pay int, boss int, doc jsonb, gone text);
	INSERT INTO people VALUES (1, 'Ann', '%[1]s1', '%[1]s2', '20%[2]s-01-01', %[2]s, NULL, '{"k": "%[1]s3"}', NULL), (2, 'Bob', '%[1]s4', NULL, NULL, 7%[2]s, 1, '{}', '%[1]s5'), (3, 'Cy', '%[1]s1', '%[1]s6', '19%[2]s-02-02', %[2]s, 1, NULL, '%[1]s7');
	CREATE TABLE things(id int PRIMARY KEY, owner int, label text); INSERT INTO things VALUES (10, 1, 'a'), (11, 2, 'b'), (12, 9, 'c');
	CREATE TABLE parts(id int, ssn text, note text) PARTITION BY LIST (id); CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1); CREATE TABLE part2 PARTITION OF parts DEFAULT;
	INSERT INTO parts VALUES (1, '%[1]s1', 'n'), (2, '%[1]s2', 'm');
	CREATE TABLE olds(id int, name text); CREATE TABLE kids(ssn text) INHERITS (olds); INSERT INTO olds VALUES (1, 'o'); INSERT INTO kids VALUES (2, 'k', '%[1]s1');
	CREATE TABLE gens(id int, ssn text, same bool GENERATED ALWAYS AS (NULLIF(ssn, 'AAA11') IS NULL) STORED, told text GENERATED ALWAYS AS (NULLIF(ssn, 'AAA11')) STORED); INSERT INTO gens VALUES (1, '%[1]s1'), (2, NULL);
	`

// A view answers masked where its rows are the same whatever the masked values are, and is refused otherwise. The oracle is the
// server: two databases that differ in masked values alone.
func TestViewsAnswerMaskedOrAreRefused(t *testing.T) {
	answered := map[string]string{
		"plain":      "SELECT id, name, ssn AS tax_id FROM people",
		"star":       "SELECT * FROM people",
		"swapped":    "SELECT name AS ssn, ssn AS name FROM people",
		"on_view":    "SELECT tax_id AS t, id FROM plain WHERE id < 3",
		"computed":   "SELECT id, substr(ssn, 1, 3) || '*' AS code, upper(name) AS n FROM people",
		"told":       "SELECT id, NULLIF(ssn, 'AAA11') AS a, CASE WHEN ssn = 'AAA11' THEN 'yes' END AS b, ssn IS NULL AS c FROM people",
		"joined":     "SELECT t.label, p.ssn, p.card FROM things t LEFT JOIN people p ON p.id = t.owner",
		"by_id":      "SELECT * FROM people JOIN (SELECT id, label FROM things) x USING (id)",
		"full_id":    "SELECT * FROM (SELECT id, ssn FROM people) a FULL JOIN things b USING (id)",
		"sub":        "SELECT q.s, q.n FROM (SELECT ssn AS s, name AS n FROM people ORDER BY name LIMIT 2) q",
		"cte":        "WITH c AS (SELECT ssn AS s, id FROM people) SELECT s, label FROM c JOIN things ON owner = c.id",
		"united":     "SELECT id, ssn FROM people UNION ALL SELECT id, label FROM things UNION ALL SELECT 0, NULL",
		"laterally":  "SELECT p.id, l.z FROM people p, LATERAL (SELECT p.ssn AS z) l",
		"scalar":     "SELECT t.id, (SELECT p.ssn FROM people p WHERE p.id = t.owner) AS s FROM things t",
		"existing":   "SELECT t.id FROM things t WHERE EXISTS (SELECT p.ssn FROM people p WHERE p.id = t.owner)",
		"grouped":    "SELECT name, count(*) AS n FROM people GROUP BY name",
		"by_key":     "SELECT p.id, p.ssn, count(t.id) AS n FROM people p LEFT JOIN things t ON t.owner = p.id GROUP BY p.id ORDER BY p.id",
		"whole":      "SELECT p.id, p AS whole FROM people p",
		"fetched":    "SELECT id, doc ->> 'k' AS k FROM people",
		"unrelated":  "SELECT id, name FROM people WHERE name > 'B' ORDER BY name DESC LIMIT 1",
		"recursing":  "WITH RECURSIVE r(id, depth) AS (SELECT id, 1 FROM people WHERE boss IS NULL UNION ALL SELECT p.id, depth + 1 FROM people p JOIN r ON p.boss = r.id) SELECT * FROM r",
		"over_parts": "SELECT * FROM parts", "over_part": "SELECT * FROM part1", "over_parent": "SELECT * FROM olds", "over_kid": "SELECT * FROM kids", "over_gen": "SELECT * FROM gens",
		"barrier": "SELECT id, ssn FROM people WHERE name <> 'Cy'", `":varno 3"`: `SELECT ssn AS ":varattno 1", name AS "{VAR :varno 1", id AS "<>" FROM people AS ":rtekind (1"`,
		"whole_join": "SELECT j.a, j.b FROM (people p(a) CROSS JOIN (SELECT 1 AS b) x) AS j",
	}
	refused := map[string][3]string{ // its definition, and what the refusal must name besides it
		"f_where":     {"SELECT id FROM people WHERE ssn LIKE '1%'", "people.ssn", "filters"},
		"f_join":      {"SELECT t.id FROM things t JOIN people p ON p.ssn = t.label", "people.ssn", "joins"},
		"f_using":     {"SELECT a.id FROM people a JOIN (SELECT id AS x, ssn FROM people) b USING (ssn)", "people.ssn", ""},
		"f_natural":   {"SELECT * FROM people NATURAL JOIN (SELECT ssn FROM people) x", "people.ssn", ""},
		"f_group":     {"SELECT ssn, count(*) AS n FROM people GROUP BY ssn", "people.ssn", "groups"},
		"f_having":    {"SELECT name FROM people GROUP BY name HAVING max(ssn) > 'B'", "people.ssn", "aggregates"},
		"f_order":     {"SELECT id FROM people ORDER BY ssn", "people.ssn", "sorts"},
		"f_order2":    {"SELECT id, ssn FROM people ORDER BY 2 LIMIT 1", "people.ssn", "sorts"},
		"f_distinct":  {"SELECT DISTINCT ssn FROM people", "people.ssn", "repeats"},
		"f_on":        {"SELECT DISTINCT ON (ssn) id FROM people", "people.ssn", ""},
		"f_limit":     {"SELECT id FROM people LIMIT (SELECT length(max(ssn)) FROM people)", "people.ssn", ""},
		"f_max":       {"SELECT max(ssn) AS m FROM people", "people.ssn", "aggregates"},
		"f_count":     {"SELECT count(gone) AS m FROM people", "people.gone", "aggregates"},
		"f_window":    {"SELECT id, row_number() OVER (ORDER BY ssn) AS r FROM people", "people.ssn", "sorts"},
		"f_lag":       {"SELECT id, lag(ssn) OVER (ORDER BY id) AS r FROM people", "people.ssn", "aggregates"},
		"f_filter":    {"SELECT count(*) FILTER (WHERE ssn LIKE 'A%') AS r FROM people", "people.ssn", "aggregates"},
		"f_union":     {"SELECT ssn FROM people UNION SELECT label FROM things", "people.ssn", "compares"},
		"f_except":    {"SELECT label FROM things EXCEPT ALL SELECT ssn FROM people", "people.ssn", "compares"},
		"f_in":        {"SELECT id FROM things WHERE label IN (SELECT ssn FROM people)", "people.ssn", ""},
		"f_out_in":    {"SELECT id, label IN (SELECT ssn FROM people) AS x FROM things", "people.ssn", ""},
		"f_cast":      {"SELECT id, ssn::int AS n FROM people WHERE id = 1", "people.ssn", "fail"},
		"f_div":       {"SELECT 1 / (pay - 11) AS n FROM people", "people.pay", "fail"},
		"f_srf":       {"SELECT regexp_split_to_table(ssn, '') AS n FROM people", "people.ssn", "rows out of"},
		"f_series":    {"SELECT p.id, g FROM people p, generate_series(1, p.pay) g", "people.pay", "rows out of"},
		"f_lateral":   {"SELECT p.id FROM people p, LATERAL (SELECT 1 WHERE p.ssn LIKE '1%') l", "people.ssn", "filters"},
		"f_values":    {"SELECT v.x FROM people p, LATERAL (VALUES (p.ssn), (p.card)) v(x)", "people.ssn", ""},
		"f_exists":    {"SELECT id FROM things t WHERE EXISTS (SELECT 1 FROM people p WHERE p.ssn > t.label)", "people.ssn", "filters"},
		"f_subquery":  {"SELECT id FROM (SELECT id, ssn AS s FROM people) q WHERE s > 'B'", "people.ssn", "filters"},
		"f_cte":       {"WITH c AS (SELECT id, ssn AS s FROM people) SELECT id FROM c WHERE s > 'B'", "people.ssn", "filters"},
		"f_unioned":   {"SELECT x FROM (SELECT ssn AS x FROM people UNION ALL SELECT label FROM things) q WHERE x > 'B'", "people.ssn", "filters"},
		"f_second":    {"SELECT x FROM (SELECT label AS x FROM things UNION ALL SELECT ssn FROM people) q ORDER BY x LIMIT 1", "people.ssn", "sorts"},
		"f_recursive": {"WITH RECURSIVE r(s, n) AS (SELECT ssn, 1 FROM people UNION ALL SELECT s, n + 1 FROM r WHERE n < 2) SELECT * FROM r", "people.ssn", ""},
		"f_view":      {"SELECT id FROM plain WHERE tax_id > 'B'", "plain.tax_id", "filters"},
		"f_on_view":   {"SELECT id FROM f_where", "f_where", "people.ssn"},
		"f_gen":       {"SELECT id FROM gens WHERE same", "gens.same", "filters"},
		"f_part":      {"SELECT note FROM part1 WHERE ssn > 'B'", "part1.ssn", "filters"},
		"f_parent":    {"SELECT note FROM parts WHERE ssn > 'B'", "parts.ssn", "filters"},
		"f_kid":       {"SELECT name FROM kids ORDER BY ssn", "kids.ssn", "sorts"},
		"f_row":       {"SELECT p.id FROM people p WHERE p::text LIKE '%AAA%'", "people", "whole rows"},
		"f_json":      {"SELECT to_jsonb(p) AS j FROM people p", "people", "fail"},
		"f_case":      {"SELECT CASE WHEN ssn LIKE 'A%' THEN 1/0 END AS n FROM people WHERE id > 5", "people.ssn", "fail"},
		"f_sample":    {"SELECT id FROM people ORDER BY CASE WHEN ssn > 'B' THEN id END", "people.ssn", "sorts"},
	}
	var text strings.Builder
	for _, name := range append([]string{"plain", "f_where"}, sortedNames(answered, "plain")...) {
		definition := answered[name]
		if name == "f_where" {
			definition = refused[name][0]
		}
		if name == "barrier" {
			name += " WITH (security_barrier)"
		}
		fmt.Fprintf(&text, "CREATE VIEW %s AS %s; ", name, definition)
	}
	for _, name := range sortedNames(refused, "f_where") {
		fmt.Fprintf(&text, "CREATE VIEW %s AS %s; ", name, refused[name][0])
	}
	for _, name := range []string{"plain", "computed", "told", "f_cast", "f_where", "united", "f_json"} {
		definition := answered[name] + refused[name][0]
		fmt.Fprintf(&text, "CREATE MATERIALIZED VIEW m_%s AS %s; ", name, strings.Replace(definition, "ssn::int", "('1' || pay)::int", 1))
	}
	one, two := viewTwins(t, text.String())
	masks := mask("people.ssn", "people.card", "people.born", "people.pay", "people.doc", "people.gone", "parts.ssn", "kids.ssn", "gens.ssn")
	envOne, envTwo := envOf(t, one, masks), envOf(t, two, masks)
	for _, name := range append(sortedNames(answered, ""), "m_plain", "m_computed", "m_told", "m_united", "m_f_cast", "m_f_json") {
		for _, query := range []string{"SELECT * FROM %s", "TABLE %s", "SELECT count(*), count(x), max(x::text) FROM %s x", "SELECT x::text FROM %s x WHERE x::text LIKE '%%AAA%%'", "SELECT * FROM ONLY %s AS v ORDER BY 1", "COPY (SELECT * FROM %s) TO STDOUT"} {
			same(t, fmt.Sprintf(query, name), one, two, envOne, envTwo)
		}
	}
	for name, want := range refused {
		refusal(t, "SELECT * FROM "+name, envOne, append(want[1:], "public."+name)...)
	}
	refusal(t, "SELECT * FROM m_f_where", envOne, "people.ssn", "public.m_f_where")
	if t.Failed() {
		return
	}
	a := understand(t, "SELECT * FROM plain p JOIN joined j ON true", envOne)
	if want := "public.joined.card public.joined.ssn public.plain.tax_id"; strings.Join(a.Masked, " ") != want {
		t.Errorf("masked %v", a.Masked)
	}
}

func sortedNames[V any](m map[string]V, without string) []string {
	var out []string
	for name := range m {
		if name != without {
			out = append(out, name)
		}
	}
	slices.Sort(out) // the two databases must be made alike
	return out
}

// viewTwins makes two databases of viewSchema with the same further definitions, and answers a session of agent in each.
func viewTwins(t *testing.T, definitions string) (one, two *session) {
	t.Helper()
	name := strings.ToLower(strings.TrimPrefix(t.Name(), "Test"))
	one = newDatabase(t, name+"1", fmt.Sprintf(viewSchema, "AAA1", "11")+definitions)
	two = newDatabase(t, name+"2", fmt.Sprintf(viewSchema, "BBB2", "22")+definitions)
	for _, database := range []string{name + "1", name + "2"} {
		if err := server.ExecIn(database, "ANALYZE"); err != nil {
			t.Fatal(err)
		}
	}
	return one, two
}

// same holds that a text answers, and the same in two databases that differ in masked values alone.
func same(t *testing.T, text string, one, two *session, envOne, envTwo pgsql.Env) {
	t.Helper()
	a, b := understand(t, text, envOne), understand(t, text, envTwo)
	if a.Problem != nil || b.Problem != nil {
		t.Errorf("%s is refused: %+v", text, a.Problem)
		return
	}
	first, second := transcript(t, one, text, a), transcript(t, two, text, b)
	if first != second || a.Rewritten != b.Rewritten {
		t.Errorf("%s\nbecame %s\nanswers\n%s\nand\n%s", text, a.Rewritten, first, second)
	}
	if strings.Contains(first, "Severity:ERROR") || strings.Contains(first, "AAA1") && !strings.Contains(text, "AAA") {
		t.Errorf("%s\nbecame %s\nanswers %s", text, a.Rewritten, first)
	}
}

// refusal holds that a text is refused by the masks, in words that name something.
func refusal(t *testing.T, text string, env pgsql.Env, names ...string) {
	t.Helper()
	a := understand(t, text, env)
	if a.Problem == nil || a.Problem.Rule != "mask" || a.Problem.Hint == "" {
		t.Errorf("%s: %s %+v", text, brief(a), a.Problem)
		return
	}
	for _, name := range names {
		if !strings.Contains(a.Problem.Message, name) {
			t.Errorf("%s: the refusal does not name %s: %s", text, name, a.Problem.Message)
		}
	}
}
