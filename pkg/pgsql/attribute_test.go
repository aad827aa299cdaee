package pgsql_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// (x).name and alias.name are calls where a function has that name, whatever the type of x, wherever they stand.
func TestAttributeNotationIsACall(t *testing.T) {
	for _, form := range []string{
		"SELECT ('x'::text).%s", "SELECT (('x'::text).%s).*", "SELECT (('x'::text).upper).%s", "SELECT (('x'::text).%s).upper", "SELECT (array['a'])[1].%s",
		"SELECT ($1).%s", "SELECT x.%s FROM lower('A') x", "SELECT (x).%s FROM lower('A') x", "SELECT 1 WHERE ('x'::text).%s IS NULL", "SELECT 1 ORDER BY ('x'::text).%s",
		"SELECT 1 GROUP BY ('x'::text).%s", "SELECT 1 HAVING ('x'::text).%s IS NULL", "SELECT 1 LIMIT ('x'::text).%s", "SELECT * FROM generate_series(1, ('x'::text).%s)",
		"SELECT * FROM (SELECT 1) a JOIN (SELECT 2) b ON ('x'::text).%s", "SELECT count(*) FILTER (WHERE ('x'::text).%s) OVER (PARTITION BY ('x'::text).%s)",
		"VALUES (('x'::text).%s)", "WITH a AS (SELECT ('x'::text).%s) SELECT 1", "SELECT CASE WHEN ('x'::text).%s THEN 1 END", "SELECT ARRAY[('x'::text).%s]", "SELECT ROW(('x'::text).%s)",
		"SELECT (SELECT ('x'::text).%s)", "SELECT COALESCE(('x'::text).%s, 1)", "SELECT ('x'::text).%s::text COLLATE \"C\"", "SELECT xmlelement(name a, ('x'::text).%s)",
		"SELECT x.%s FROM (VALUES (1)) x", "PREPARE p AS SELECT ('x'::text).%s", "EXPLAIN SELECT ('x'::text).%s", "COPY (SELECT ('x'::text).%s) TO STDOUT",
		"INSERT INTO t VALUES (('x'::text).%s)", "UPDATE t SET a = ('x'::text).%s", "DELETE FROM t WHERE ('x'::text).%s", "DELETE FROM t RETURNING ('x'::text).%s", "DELETE FROM t RETURNING t.%s",
		"EXECUTE q(('x'::text).%s)", "CREATE INDEX ON t ((('x'::text).%s))", "CREATE TABLE n (a int DEFAULT ('x'::text).%s)", "ALTER TABLE t ADD CHECK (('x'::text).%s IS NULL)",
		"CALL f(('x'::text).%s)", "SELECT * FROM XMLTABLE('/' PASSING ('x'::text).%s COLUMNS a int)", "SELECT 1 FROM ONLY t TABLESAMPLE system (('1'::text).%s)",
	} {
		env := pgsql.Env{Prepared: func(string) ([]pgsql.Access, bool) { return nil, true }}
		a := understand(t, strings.ReplaceAll(form, "%s", "pg_ls_dir"), env)
		if got := brief(a); !strings.Contains(got, "transfer(pg_catalog.pg_ls_dir)") {
			t.Errorf("%s: %s %+v", form, got, a.Problem)
			continue
		}
		if !slices.Contains(a.Statements[0].Functions, "pg_catalog.pg_ls_dir") || a.Statements[0].Reviewed {
			t.Errorf("%s: %+v", form, a.Statements[0])
		}
	}
	for text, want := range map[string]string{
		"SELECT ('rvseq'::regclass).nextval":         "select: write(public.rvseq)",
		"SELECT ('x'::text).set_config":              "refused session 42501",
		"SELECT (u).name, u.length, (u).city FROM u": "select: read(public.u)",
		"UPDATE t SET a.pg_ls_dir = 1":               "update: write(public.t)",
	} {
		if got := brief(understand(t, text, pgsql.Env{})); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestAttributeNotationKnowsTheCatalogsFunctions(t *testing.T) {
	s := newDatabase(t, "attributes", `CREATE TABLE users(id int, name text, email text); CREATE TABLE orders(id int, user_id int, email text);
		CREATE FUNCTION secret(orders) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM users WHERE id = $1.user_id';
		CREATE FUNCTION email(orders) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM users WHERE id = $1.user_id';
		CREATE FUNCTION of_number(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM users WHERE id = $1';
		CREATE TYPE odd AS (a int); CREATE FUNCTION odder(text) RETURNS odd LANGUAGE sql AS 'SELECT ROW(1)::odd'; CREATE CAST (text AS odd) WITH FUNCTION odder(text)`)
	open, masked := envOf(t, s, nil), envOf(t, s, mask("users.email"))
	for text, want := range map[string]string{
		"SELECT (o).secret FROM orders o": "public.secret", "SELECT o.secret FROM orders o": "public.secret", "SELECT orders.secret FROM orders": "public.secret",
		"SELECT public.orders.secret FROM orders": "public.secret", "SELECT (1).of_number": "public.of_number", "SELECT ('x'::text).odd": "",
		"SELECT (SELECT users.email FROM (users CROSS JOIN users u) j LIMIT 1) FROM orders users":              "public.email",
		"SELECT (SELECT o.email FROM orders a JOIN orders b ON o.email = '' LIMIT 1) FROM orders o, orders o2": "-",
		"SELECT o.email, u.email, q.email FROM orders o, users u, (SELECT 1 AS email) q":                       "-",
		"SELECT (q).x, q.secrets FROM (SELECT 1) q":                                                            "-",
	} {
		a, b := understand(t, text, open), understand(t, text, masked)
		execute := slices.ContainsFunc(a.Statements[0].Accesses, func(x pgsql.Access) bool { return x.Effect == pgsql.Execute && x.Object == want })
		if execute != (want != "-") {
			t.Errorf("%s: %s, want %q", text, brief(a), want)
		}
		if want != "-" && want != "" && !slices.Contains(a.Statements[0].Functions, want) {
			t.Errorf("%s: functions %v", text, a.Statements[0].Functions)
		}
		if (b.Problem != nil) != execute {
			t.Errorf("%s under masks: %s %+v", text, brief(b), b.Problem)
		}
	}
}
