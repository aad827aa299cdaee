package pgsql_test

import (
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

func TestWhoMayDoEverythingIsAskedLess(t *testing.T) {
	for text, want := range map[string]string{
		"CREATE TEMP TABLE t(a int); INSERT INTO t VALUES (1); SELECT * FROM t": "create table: session(public.t); insert: write(public.t); select: read(public.t)",
		"PREPARE p AS SELECT 1; EXECUTE p; DEALLOCATE p":                        "prepare: read() session(); execute: session() unknown(); deallocate: session()",
		"SET application_name = 'x'; SELECT 1":                                  "set: session(); select: read()",
		"DECLARE c CURSOR FOR SELECT 1; FETCH c; MOVE c; CLOSE c":               "declare: read() session(); fetch: session() unknown(); move: session() unknown(); close: session()",
		"ROLLBACK; SELECT 1":          "rollback: session(); select: read()",
		"SET search_path = x, public": "set: session()",
		"SET LOCAL search_path TO DEFAULT; RESET search_path; SELECT 1":                  "set: session(); reset: session(); select: read()",
		"SELECT pg_catalog.set_config('search_path', '', false)":                         "select: session()",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = x AS 'SELECT 1'": "create function: execute(public.f)",
		"ALTER ROLE x SET search_path = y":                                               "alter role: privilege()",
		"SELECT * FROM nothing_of_that_name":                                             "select: read(public.nothing_of_that_name)",
		"SET ROLE x; RESET ROLE; SELECT 1":                                               "set: privilege(); reset: privilege(); select: read()",
		"SET LOCAL session_replication_role = replica":                                   "set: privilege()",
		"SET SESSION AUTHORIZATION x":                                                    "set: privilege()",
		"RESET ALL; DISCARD ALL":                                                         "reset: session(); discard: session()",
		"EXPLAIN ANALYZE EXECUTE p":                                                      "explain: session() unknown()",
	} {
		if got := brief(understand(t, text, pgsql.Env{Unrestricted: true})); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	for _, text := range []string{"SET standard_conforming_strings = off; SELECT 1", "SELECT set_config('client_encoding', 'SJIS', false)", "SET backslash_quote = on", "SELECT set_config('role', 'x', false)", "UPDATE pg_settings SET setting = 'x'",
		"SELECT set_config(a, 'x', true) FROM t", "SELECT set_config('search_path', a, true) FROM t", "ALTER ROLE x SET role = y"} {
		if a := understand(t, text, pgsql.Env{Unrestricted: true}); a.Problem == nil || a.Problem.Rule != "session" {
			t.Errorf("%s: %s", text, brief(a))
		}
	}
	for _, text := range []string{"SET ROLE x", "RESET SESSION AUTHORIZATION", "SET session_replication_role TO DEFAULT"} {
		if a := understand(t, text, pgsql.Env{Unrestricted: true}); a.Problem != nil || !a.Statements[0].ChangesRole {
			t.Errorf("%s may change the role, and does not say so: %+v", text, a.Problem)
		}
		if a := understand(t, text, pgsql.Env{}); a.Problem == nil {
			t.Errorf("%s is allowed to others, after it was understood for one who may do everything", text)
		}
	}
	for _, text := range []string{"RESET ALL", "DISCARD ALL", "SET search_path = x", "SET LOCAL search_path TO DEFAULT", "SELECT set_config('search_path', 'x', false)"} {
		a := understand(t, text, pgsql.Env{Unrestricted: true})
		if a.Problem != nil || !a.Statements[0].ChangesCatalog {
			t.Errorf("%s changes what names mean, and does not say so: %+v", text, a.Problem)
		}
		if a := understand(t, text, pgsql.Env{}); a.Problem == nil {
			t.Errorf("%s is allowed to others, after it was understood for one who may do everything", text)
		}
	}
}

func TestWhatDependsOnTheSessionsNamesSaysSo(t *testing.T) {
	env := pgsql.Env{Prepared: func(string) ([]pgsql.Access, bool) { return nil, true }, Cursor: func(string) ([]pgsql.Access, bool) { return nil, true }}
	for text, want := range map[string]pgsql.NameOp{"EXECUTE p": pgsql.ExecutePrepared, "EXPLAIN EXECUTE p": pgsql.ExecutePrepared, "EXPLAIN ANALYZE EXECUTE p": pgsql.ExecutePrepared,
		"CREATE TABLE x AS EXECUTE p": pgsql.ExecutePrepared, "EXPLAIN CREATE TABLE x AS EXECUTE p": pgsql.ExecutePrepared, "FETCH p": pgsql.FetchCursor, "EXPLAIN DECLARE p CURSOR FOR SELECT 1": pgsql.NoName, "SELECT 1": pgsql.NoName} {
		a := understand(t, text, env)
		if a.Problem != nil || a.Statements[0].Names.Op != want || a.Personal != (want != pgsql.NoName) {
			t.Errorf("%s: %+v personal %v %+v", text, a.Statements[0].Names, a.Personal, a.Problem)
		}
	}
}
