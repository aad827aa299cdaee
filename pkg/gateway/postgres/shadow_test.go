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
		admin(t, "DROP SCHEMA IF EXISTS agent CASCADE; DROP SCHEMA other CASCADE; DROP TABLE IF EXISTS vault; DROP FUNCTION public.guarded(int)")
	})
	return listen(t, allButVault)
}

// refusesLast sends texts, of which all but the last must run, and the last must be refused.
func refusesLast(t *testing.T, s *stand, texts ...string) {
	t.Helper()
	c := s.client(t)
	for i, text := range texts {
		got := transcript(t, c, text)
		if last := i == len(texts)-1; last != strings.Contains(got, "decision_id") || strings.Contains(got, "canary") {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestANameIsJudgedByWhatItMeansNow(t *testing.T) {
	t.Run("EXECUTE of what was prepared before its table gave way to another", func(t *testing.T) {
		refusesLast(t, vault(t), "CREATE TABLE agent.vault(v text)", "PREPARE p AS SELECT * FROM vault", "EXECUTE p", "DROP TABLE agent.vault", "EXECUTE p")
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
