package postgres_test

import (
	"strings"
	"testing"
)

// allButVault allows reading, writing and defining all but one table, and the functions of the role's own schema.
const allButVault = `
version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: ["*"]}, ttl: 30m}]
rules:
  - {name: all, who: {groups: [developers]}, effects: [read, write, delete, schema, session], verdict: allow}
  - {name: own, who: {groups: [developers]}, effects: [execute], objects: ["agent.*"], verdict: allow}
  - {name: closed, who: {groups: [developers]}, objects: [public.vault, "other.*"], verdict: deny}
`

// vault is a gateway before a closed table, a closed function, and a schema of the role's own that is looked through before theirs.
func vault(t *testing.T) *stand {
	t.Helper()
	admin(t, "DROP SCHEMA IF EXISTS agent CASCADE; CREATE SCHEMA agent AUTHORIZATION agent; DROP TABLE IF EXISTS vault; CREATE TABLE vault AS SELECT 'canary'::text AS v; GRANT ALL ON vault TO agent",
		"DROP FUNCTION IF EXISTS public.guarded(int); CREATE FUNCTION public.guarded(int) RETURNS text LANGUAGE sql AS 'SELECT ''canary''::text'",
		"DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA other; CREATE TABLE other.orders AS SELECT 'canary'::text AS v; GRANT USAGE ON SCHEMA other TO agent; GRANT ALL ON other.orders TO agent")
	t.Cleanup(func() {
		admin(t, "DROP SCHEMA IF EXISTS agent CASCADE; DROP SCHEMA IF EXISTS other CASCADE; DROP TABLE IF EXISTS vault; DROP FUNCTION IF EXISTS public.guarded(int)")
	})
	return listen(t, allButVault)
}

// refusesLast sends texts, of which all but the last must run, and the last must be refused.
func refusesLast(t *testing.T, s *stand, texts ...string) {
	t.Helper()
	c := s.client(t)
	for i, text := range texts {
		got := transcript(t, c, text)
		refused := strings.Contains(got, "decision_id") || strings.Contains(got, "is void")
		if last := i == len(texts)-1; last != refused || strings.Contains(got, "canary") {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestANameIsJudgedByWhatItMeansNow(t *testing.T) {
	t.Run("EXECUTE of what was prepared before its table gave way to another", func(t *testing.T) {
		refusesLast(t, vault(t), "CREATE TABLE agent.vault(v text)", "PREPARE p AS SELECT * FROM vault", "EXECUTE p", "DROP TABLE agent.vault", "EXECUTE p")
	})
	t.Run("EXECUTE of what reads a closed table now", func(t *testing.T) {
		s := vault(t)
		admin(t, "CREATE VIEW agent.behind AS SELECT v FROM vault; ALTER VIEW agent.behind OWNER TO agent")
		refusesLast(t, s, "CREATE TABLE agent.box(v text)", "PREPARE p AS SELECT * FROM agent.box", "EXECUTE p", "ALTER TABLE agent.box RENAME TO box2", "ALTER VIEW agent.behind RENAME TO box", "EXECUTE p")
	})
	t.Run("EXPLAIN ANALYZE of it", func(t *testing.T) {
		refusesLast(t, vault(t), "CREATE TABLE agent.vault(v text)", "PREPARE p AS SELECT * FROM vault", "ALTER TABLE agent.vault RENAME TO v2", "EXPLAIN ANALYZE EXECUTE p")
	})
}

func TestAFunctionDoesNotHideAnotherOfItsName(t *testing.T) {
	t.Run("of somebody's own", func(t *testing.T) {
		refusesLast(t, vault(t), "CREATE FUNCTION agent.guarded(text) RETURNS text LANGUAGE sql AS 'SELECT $1'", "SELECT agent.guarded('x')", "SELECT guarded(1)")
	})
	t.Run("set_config", func(t *testing.T) {
		refusesLast(t, vault(t), "CREATE FUNCTION agent.set_config(int) RETURNS int LANGUAGE sql AS 'SELECT $1'", "SELECT agent.set_config(1)", "SELECT set_config('search_path', 'other', false)")
	})
	t.Run("that ends others' sessions", func(t *testing.T) {
		refusesLast(t, vault(t), "CREATE FUNCTION agent.pg_terminate_backend(text) RETURNS int LANGUAGE sql AS 'SELECT 1'", "SELECT pg_terminate_backend(0)")
	})
	t.Run("in an operator's place", func(t *testing.T) {
		refusesLast(t, vault(t), "CREATE FUNCTION agent.guarded(text) RETURNS text LANGUAGE sql AS 'SELECT $1'", "SELECT (1).guarded")
	})
}

// A name is resolved again when the statement has waited for the lock of what it meant: then the first one is gone.
func TestANameIsNotAnothersWhileItWaitsForALock(t *testing.T) {
	for _, text := range []string{"SELECT * FROM vault", "COPY vault TO STDOUT", "UPDATE vault SET v = v RETURNING v", "WITH x AS (SELECT 1) SELECT v.* FROM x, vault v"} {
		t.Run(text, func(t *testing.T) {
			s := vault(t)
			a, b := s.client(t), s.client(t)
			transcript(t, a, "CREATE TABLE agent.vault(v text)")
			transcript(t, a, "BEGIN; SAVEPOINT s")
			if got := transcript(t, a, "DROP TABLE agent.vault"); !strings.Contains(got, "DROP") {
				t.Fatal(got)
			}
			done := make(chan string)
			go func() { done <- transcript(t, b, text) }()
			for waits := false; !waits; {
				waits = count(t, "SELECT count(*) FROM pg_locks WHERE NOT granted") != "0"
				select {
				case got := <-done:
					t.Fatalf("it did not wait: %s", got)
				default:
				}
			}
			transcript(t, a, "COMMIT")
			if got := <-done; strings.Contains(got, "canary") || !strings.Contains(got, "does not exist") && !strings.Contains(got, "decision_id") {
				t.Errorf("got %s", got)
			}
		})
	}
	refusesLast(t, vault(t), "CREATE TABLE agent.vault(v text)", "SELECT vault.v FROM vault", "DROP TABLE vault")
}

// A function may move the search path, become another role, or make tables: what comes behind it is judged by what it left.
func TestWhatAFunctionMovesIsSeenBeforeTheNextStatement(t *testing.T) {
	for name, body := range map[string]string{
		"by set_config":    "LANGUAGE sql AS 'SELECT set_config(''search_path'', ''other'', false)'",
		"by a statement":   "LANGUAGE plpgsql AS 'BEGIN SET search_path = other; RETURN 1; END'",
		"by a made one":    "LANGUAGE plpgsql AS 'BEGIN EXECUTE''SET search_''||''path = other''; RETURN 1; END'",
		"by a parsed body": "BEGIN ATOMIC SELECT set_config('search_path', 'other', false); END",
		"in a transaction": "LANGUAGE plpgsql AS 'BEGIN set local search_path to other; RETURN 1; END'",
	} {
		t.Run(name, func(t *testing.T) {
			s := vault(t)
			admin(t, "CREATE FUNCTION agent.move() RETURNS text "+body)
			refusesLast(t, s, "BEGIN", "SELECT agent.move()", "SELECT * FROM orders")
			refusesLast(t, s, "BEGIN", "PREPARE p AS SELECT agent.move()", "EXECUTE p", "SELECT * FROM orders")
			refusesLast(t, s, "PREPARE p AS SELECT agent.move()", "EXECUTE p; SELECT * FROM orders")
			refusesLast(t, s, "BEGIN", "DECLARE c CURSOR FOR SELECT agent.move()", "FETCH c", "SELECT * FROM orders")
			conn := s.raw(t)
			got := say(t, conn, 1, &parse{Query: "SELECT agent.move()"}, &bind{}, &execute{}, &parse{Query: "SELECT * FROM orders"}, &bind{}, &execute{}, &syncing{})
			if strings.Count(got, "D") != 1 || !strings.Contains(got, "E42501") {
				t.Errorf("in one batch: %s", got)
			}
		})
	}
}

// Java's frameworks have such casts made for their enums.
func TestACastWithoutAFunctionRunsNobodysCode(t *testing.T) {
	s := vault(t)
	admin(t, "CREATE TYPE agent.feel AS ENUM ('good'); CREATE CAST (varchar AS agent.feel) WITH INOUT AS IMPLICIT")
	refusesLast(t, s, "SELECT 'x'::varchar, 'good'::agent.feel", "SELECT 1 FROM vault")
	s = vault(t)
	admin(t, "CREATE TYPE agent.feel AS ENUM ('good')", "CREATE FUNCTION public.feels(agent.feel) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE CAST (agent.feel AS int) WITH FUNCTION public.feels(agent.feel)")
	refusesLast(t, s, "SELECT 1", "SELECT 'good'::agent.feel::int")
}
