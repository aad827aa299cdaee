package pgsql_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

func understand(t testing.TB, text string, env pgsql.Env) pgsql.Analysis {
	t.Helper()
	return pgsql.Analyze(context.Background(), grammar, text, env)
}

// brief writes an analysis in one line: the command and the accesses of each statement, or the rule and SQLSTATE of the problem.
func brief(a pgsql.Analysis) string {
	if a.Problem != nil {
		return "refused " + a.Problem.Rule + " " + a.Problem.SQLState
	}
	var parts []string
	for _, st := range a.Statements {
		s := st.Command + ":"
		for _, access := range st.Accesses {
			s += fmt.Sprintf(" %s(%s)", access.Effect, access.Object)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}

func TestAStatementHasTheEffectsOfAllItsParts(t *testing.T) {
	for text, want := range map[string]string{
		"":         "",
		" ; -- x":  "",
		"select 1": "select: read()",
		"SELECT * FROM users u JOIN app.orders o USING (id)": "select: read(app.orders) read(public.users)",
		"TABLE users":        "select: read(public.users)",
		"VALUES (1),(2)":     "select: read()",
		"select 1; select 2": "select: read(); select: read()",
		"WITH d AS (DELETE FROM a WHERE x=1 RETURNING *) SELECT * FROM b": "select: delete(public.a) read(public.a) read(public.b)",
		"WITH d AS (DELETE FROM a) SELECT * FROM d":                       "select: delete(public.a)",
		"WITH x AS (SELECT 1) SELECT * FROM x, y.x":                       "select: read(y.x)",
		"WITH x AS (SELECT * FROM x) SELECT * FROM x":                     "select: read(public.x)",
		"WITH RECURSIVE x AS (SELECT * FROM x) SELECT * FROM x":           "select: read()",
		"SELECT * INTO t2 FROM t":                                         "select: read(public.t) schema(public.t2)",
		"SELECT * INTO TEMP t2 FROM t":                                    "select: read(public.t) write(pg_temp.t2)",
		"CREATE TABLE t2 AS SELECT * FROM t":                              "create table as: read(public.t) schema(public.t2)",
		"SELECT * FROM t FOR UPDATE OF t":                                 "select: read(public.t) write(public.t)",
		"INSERT INTO t VALUES (1)":                                        "insert: write(public.t)",
		"INSERT INTO t SELECT * FROM u RETURNING id":                      "insert: read(public.t) read(public.u) write(public.t)",
		"UPDATE t SET a = 1":                                              "update: write(public.t)",
		"UPDATE t SET a = b FROM u WHERE t.id = u.id":                     "update: read(public.t) read(public.u) write(public.t)",
		"DELETE FROM t USING u WHERE true":                                "delete: delete(public.t) read(public.t) read(public.u)",
		"MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)": "merge: delete(public.t) read(public.t) read(public.u) write(public.t)",
		"TRUNCATE a, b":                                              "truncate: delete(public.a) delete(public.b)",
		"EXPLAIN DELETE FROM t":                                      "explain: read(public.t)",
		"EXPLAIN ANALYZE DELETE FROM t":                              "explain: delete(public.t)",
		"EXPLAIN (ANALYZE, COSTS off) UPDATE t SET a=1":              "explain: write(public.t)",
		"EXPLAIN (ANALYZE off) DELETE FROM t":                        "explain: read(public.t)",
		"EXPLAIN (ANALYZE 0) DELETE FROM t":                          "explain: read(public.t)",
		"EXPLAIN (ANALYZE 1) DELETE FROM t":                          "explain: delete(public.t)",
		"PREPARE p AS DELETE FROM t WHERE id = $1":                   "prepare: delete(public.t) read(public.t) session()",
		"DECLARE c CURSOR FOR SELECT * FROM t":                       "declare: read(public.t) session()",
		"COPY t TO STDOUT":                                           "copy: read(public.t)",
		"COPY (SELECT * FROM t) TO STDOUT":                           "copy: read(public.t)",
		"COPY (SELECT 1) TO STDOUT":                                  "copy: read()",
		"COPY (SELECT 1) TO '/tmp/x'":                                "copy: transfer()",
		"COPY t FROM STDIN":                                          "copy: write(public.t)",
		"COPY t TO '/tmp/x'":                                         "copy: read(public.t) transfer()",
		"COPY t FROM PROGRAM 'id'":                                   "copy: transfer() write(public.t)",
		"DO $$ BEGIN END $$":                                         "do: execute()",
		"CALL p()":                                                   "call: execute(public.p)",
		"SELECT f()":                                                 "select: execute(public.f)",
		"SELECT lower('A'), pg_catalog.now()":                        "select: read()",
		"SELECT evil.lower('A')":                                     "select: execute(evil.lower)",
		"SELECT pg_terminate_backend(1)":                             "select: admin(pg_catalog.pg_terminate_backend)",
		"SELECT pg_read_file('x')":                                   "select: transfer(pg_catalog.pg_read_file)",
		"SELECT query_to_xml('delete from t',true,true,'')":          "select: execute(pg_catalog.query_to_xml)",
		"SELECT nextval('s')":                                        "select: write(public.s)",
		"SELECT nextval('App.\"S q\"'::regclass)":                    "select: write(app.S q)",
		"SELECT setval(x, 1) FROM t":                                 "select: read(public.t) write(pg_catalog.setval)",
		"SELECT pg_sleep(1)":                                         "select: session()",
		"SELECT 1 OPERATOR(evil.+) 1":                                "select: execute()",
		"SELECT 'x'::evil.mood":                                      "select: execute()",
		"CREATE TABLE x(id int)":                                     "create table: schema(public.x)",
		"CREATE TEMP TABLE x(id int)":                                "create table: session(public.x)",
		"DROP TABLE a, b.c":                                          "drop table: schema(b.c) schema(public.a)",
		"DROP FUNCTION f(int)":                                       "drop function: schema()",
		"ALTER TABLE a ADD b int":                                    "alter table: schema(public.a)",
		"ALTER TABLE a OWNER TO x":                                   "alter table: privilege() schema(public.a)",
		"CREATE INDEX ON t (lower(a))":                               "create index: schema(public.t)",
		"CREATE INDEX ON t (f(a))":                                   "create index: execute(public.f) schema(public.t)",
		"CREATE VIEW v AS SELECT * FROM t":                           "create view: read(public.t) schema(public.v)",
		"COMMENT ON COLUMN t.a IS 'x'":                               "comment: schema(public.t)",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'": "create function: execute(public.f)",
		"GRANT SELECT ON t TO x":                                     "grant: privilege(public.t)",
		"CREATE ROLE x":                                              "create role: privilege()",
		"SET ROLE x":                                                 "refused session 42501",
		"VACUUM t":                                                   "vacuum: admin(public.t)",
		"ANALYZE":                                                    "analyze: admin()",
		"BEGIN":                                                      "begin: session()",
		"SELECT * FROM x.pg_stat_statements, pg_something":           "select: admin(pg_catalog.pg_something) admin(x.pg_stat_statements)",
		"SHOW x":                                   "show: read()",
		"SET application_name = 'x'":               "set: session()",
		"SET my.thing = 'x'":                       "set: unknown()",
		"LISTEN x":                                 "listen: session()",
		"SELECT * FROM pg_class, pg_authid":        "select: admin(pg_catalog.pg_authid) read(pg_catalog.pg_class)",
		"SELECT * FROM information_schema.columns": "select: read(information_schema.columns)",
		"SELECT * FROM pg_toast.pg_toast_1":        "select: admin(pg_toast.pg_toast_1)",
		"CREATE USER MAPPING FOR x SERVER y":       "create user mapping: transfer()",
		"LOCK t":                                   "lock: write(public.t)",
		"LOCK a, b IN ACCESS SHARE MODE NOWAIT":    "lock: read(public.a) read(public.b)",
		"LOCK a IN ROW SHARE MODE":                 "lock: write(public.a)",
		"SELECT (SELECT max(a) FROM b) FROM c WHERE EXISTS (SELECT FROM d) ORDER BY (SELECT 1 FROM e)":                                          "select: read(public.b) read(public.c) read(public.d) read(public.e)",
		"SELECT * FROM a, LATERAL (SELECT * FROM b) x, ROWS FROM (generate_series(1,2)), XMLTABLE('/' PASSING (SELECT c FROM c) COLUMNS x int)": "select: read(public.a) read(public.b) read(public.c)",
	} {
		if got := brief(understand(t, text, pgsql.Env{})); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestPinnedSettingsCantBeChangedInAnyWay(t *testing.T) {
	for _, text := range []string{
		"SET standard_conforming_strings=off", "SET LOCAL client_encoding='SJIS'", "SET NAMES 'GBK'", "RESET client_encoding", "RESET ALL", "DISCARD ALL",
		"SELECT set_config('search_path','x',false)", "SELECT pg_catalog.set_config(a, 'x', true) FROM t", "SELECT set_config('application_name', (SELECT a FROM t), true)",
		"UPDATE pg_settings SET setting='x' WHERE name='role'", "UPDATE pg_catalog.pg_settings SET setting = 'x'", "ALTER ROLE x SET standard_conforming_strings = off",
		"ALTER DATABASE d SET client_encoding = 'x'", "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = x AS ''", "ALTER FUNCTION f() SET role = x",
		"SET SESSION AUTHORIZATION x", "SET ROLE NONE", "RESET ROLE", "RESET SESSION AUTHORIZATION", "SET search_path = x", "SET SCHEMA 'x'",
		"SELECT set_config('search_path', '', true)", "SELECT set_config('search_path', NULL, false)", "SELECT set_config('search_path', 1, false)", "SELECT 1, set_config('search_path', '', false)",
		"SELECT set_config('search_path', '', false) FROM t", "PREPARE p AS SELECT set_config('search_path', '', false)", "EXPLAIN ANALYZE SELECT set_config('search_path', '', false)",
		"DECLARE c CURSOR FOR SELECT set_config('search_path', '', false)", "SELECT set_config('search_path', set_config('search_path', '', false), false)",
		"SELECT set_config(name, 'x', false) FROM pg_settings", "SELECT set_config(name, 'x', false) FROM pg_settings WHERE name = 'role'", "SELECT set_config(name, 'x', false) FROM pg_settings WHERE name <> 'work_mem'",
		"SELECT set_config(name, 'x', false) FROM t AS pg_settings WHERE name = 'work_mem'", "SELECT set_config(name, 'x', false) FROM pg_settings, t WHERE name = 'work_mem'",
		"SELECT set_config(setting, 'x', false) FROM pg_settings WHERE name = 'work_mem'", "SELECT set_config(name, 'x', false) FROM pg_settings WHERE 'work_mem' = name", "SELECT set_config(name, '', false) FROM pg_settings WHERE name = 'search_path'",
		"SELECT (SELECT set_config(name, 'x', false) FROM (SELECT 'role'::text AS name) x) FROM pg_settings WHERE name = 'work_mem'",
		"SET search_path = 1", "SET LOCAL search_path = ''", "SET search_path = '', public", "ALTER ROLE x SET search_path = ''", "SET LOCAL search_path TO DEFAULT", "ALTER ROLE x RESET search_path",
		"SET backslash_quote = on", "select 1; SET ROLE x", "EXPLAIN ANALYZE SELECT set_config('role','x',false)",
		"WITH x AS (UPDATE pg_settings SET setting='x' RETURNING 1) SELECT 1", "SET session_replication_role = replica",
	} {
		if a := understand(t, text, pgsql.Env{}); a.Problem == nil || a.Problem.Rule != "session" {
			t.Errorf("%s: %s", text, brief(a))
		}
	}
	for _, text := range []string{"SELECT pg_catalog.set_config('search_path', '', false)", "SET search_path = ''", "RESET search_path", "SET search_path TO DEFAULT"} { // pg_dump does so
		if a := understand(t, text, pgsql.Env{}); a.Problem != nil || !a.Statements[0].ChangesCatalog || !strings.HasSuffix(brief(a), ": session()") {
			t.Errorf("%s: %s", text, brief(a))
		}
		if a := understand(t, text+"; SELECT * FROM t", pgsql.Env{}); a.Problem == nil || a.Problem.Rule != "names" {
			t.Errorf("%s: what follows in one text is understood by the names before: %s", text, brief(a))
		}
	}
	for _, text := range []string{"SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'", "SET row_security = off", "SET default_transaction_isolation TO 'read committed'", "SET client_encoding = 'UTF8'", "SET NAMES 'utf-8'", "SET standard_conforming_strings = on", "SET extra_float_digits = 3", "SET TIME ZONE 'UTC'", "SELECT set_config('TimeZone','UTC',false)"} {
		if got := brief(understand(t, text, pgsql.Env{})); !strings.HasSuffix(got, " session()") {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestTheReadOnlyLaneStaysReadOnly(t *testing.T) {
	for _, text := range []string{"BEGIN READ WRITE", "SET TRANSACTION READ WRITE", "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE", "SET default_transaction_read_only = off", "SET transaction_read_only = off", "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "RESET default_transaction_read_only"} {
		if a := understand(t, text, pgsql.Env{ReadOnly: true}); a.Problem == nil || a.Problem.Rule != "session" {
			t.Errorf("%s in the lane: %s", text, brief(a))
		}
		if a := understand(t, text, pgsql.Env{}); a.Problem != nil {
			t.Errorf("%s outside: %s", text, brief(a))
		}
	}
}

func TestAfterAChangeOfNamesTheRestIsSentSeparately(t *testing.T) {
	for _, text := range []string{"CREATE TEMP TABLE t(a int); SELECT * FROM t", "PREPARE p AS SELECT 1; EXECUTE p", "SET application_name='x'; SELECT 1", "DROP TABLE t; SELECT 1", "ROLLBACK; SELECT 1", "DECLARE c CURSOR FOR SELECT 1; SELECT 1"} {
		if a := understand(t, text, pgsql.Env{}); a.Problem == nil || a.Problem.Rule != "names" {
			t.Errorf("%s: %s", text, brief(a))
		}
	}
	for _, text := range []string{"BEGIN; SELECT 1; COMMIT", "SET application_name='x'; SET DateStyle='ISO'", "BEGIN; CREATE TABLE t(a int); COMMIT", "BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT 1"} {
		if a := understand(t, text, pgsql.Env{}); a.Problem != nil {
			t.Errorf("%s: %v", text, *a.Problem)
		}
	}
}

func TestNamesContinueWhatTheyStandFor(t *testing.T) {
	inner := []pgsql.Access{{Effect: "delete", Object: "public.t"}}
	env := pgsql.Env{
		Prepared: func(name string) ([]pgsql.Access, bool) { return inner, name == "p" },
		Cursor:   func(name string) ([]pgsql.Access, bool) { return inner, name == "c" },
	}
	for text, want := range map[string]string{
		"EXECUTE p(1)":                "execute: delete(public.t) session()",
		"EXPLAIN ANALYZE EXECUTE p":   "explain: delete(public.t) session()",
		"FETCH ALL FROM c":            "fetch: delete(public.t) session()",
		"MOVE c":                      "move: delete(public.t) session()",
		"EXECUTE q":                   "refused names 26000",
		"FETCH d":                     "refused names 34000",
		"CREATE TABLE x AS EXECUTE p": "create table as: delete(public.t) schema(public.x) session()",
	} {
		if got := brief(understand(t, text, env)); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	a := understand(t, "PREPARE x AS UPDATE t SET a=1", env)
	if a.Statements[0].Names != (pgsql.NameUse{Op: pgsql.Prepare, Name: "x"}) || fmt.Sprint(a.Statements[0].Inner) != "[{write public.t false }]" {
		t.Errorf("PREPARE: %+v", a.Statements[0])
	}
}

func TestTheWeakestFilterCounts(t *testing.T) {
	for text, want := range map[string]string{
		"DELETE FROM t": "none", "DELETE FROM t WHERE true": "constant", "UPDATE t SET a=1 WHERE 1=1": "constant", "DELETE FROM t WHERE id = id": "constant",
		"DELETE FROM t WHERE id = 1": "some", "DELETE FROM t WHERE id = 1 OR true": "constant", "DELETE FROM t WHERE id = 1 OR false": "some",
		"DELETE FROM t WHERE id = 1 AND true": "some", "DELETE FROM t WHERE now() > '2020-01-01'": "constant", "SELECT 1": "",
		"WITH a AS (DELETE FROM t WHERE id=1), b AS (DELETE FROM u) SELECT 1": "none", "UPDATE t SET a=1 WHERE CURRENT OF c": "some",
	} {
		if got := understand(t, text, pgsql.Env{}).Statements[0].Filter; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestWhatCantBeReadIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"SELEC 1":                            "unparsable 42601",
		"SELECT '":                           "unparsable 42601",
		"SELECT 1a":                          "unparsable 42601",
		"SELECT /* /* */":                    "unparsable 42601",
		"SELECT \xff":                        "limits 22021",
		"SELECT 'a\x00b'":                    "limits 22021",
		"SELECT " + strings.Repeat("(", 501): "limits 54001",
		"SELECT '" + strings.Repeat("a", 1<<20) + "'":         "limits 54001",
		"SELECT 1 IN (1" + strings.Repeat(",1", 30_000) + ")": "limits 54001",
	} {
		a := understand(t, text, pgsql.Env{})
		if got := brief(a); got != "refused "+want || a.Rewritten != "" {
			t.Errorf("%.40s: %s, want %s; to send: %.40s", text, got, want, a.Rewritten)
		}
	}
	if a := understand(t, "INSERT INTO t VALUES (1,2)"+strings.Repeat(",(1,'some text')", 40_000), pgsql.Env{}); a.Problem != nil {
		t.Errorf("a long VALUES list: %v", *a.Problem)
	}
	if a := understand(t, "SELECT /* é */ 'é', x y z", pgsql.Env{}); a.Problem == nil || a.Problem.Position != 25 {
		t.Errorf("behind a comment: %+v", a.Problem)
	}
	for _, text := range []string{"SELECT 1 FROM t WHERE a NOT /* x */ IN (1)", "SELECT 1 FROM t ORDER BY a NULLS -- x\n FIRST"} {
		if a := understand(t, text, pgsql.Env{}); a.Problem != nil {
			t.Errorf("a comment between two words of one: %+v", a.Problem)
		}
	}
	if a := understand(t, "SELECT 'é', x y z", pgsql.Env{}); a.Problem == nil || a.Problem.Position != 17 {
		t.Errorf("position: %+v", a.Problem)
	}
}
