package pgsql_test

import "testing"

// What a rule says of a relation or a function speaks of the statements too that reach it by its schema, or give it another name.
func TestWhatReachesAWholeSchemaReachesItsRelations(t *testing.T) {
	s := newDatabase(t, "whole", `CREATE SCHEMA secrets; CREATE TABLE secrets.a(x int); CREATE VIEW secrets.v AS SELECT 1 AS x; CREATE SCHEMA free; CREATE TABLE free.b(x int);
		CREATE FUNCTION evil() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION free.evil(int) RETURNS int LANGUAGE sql AS 'SELECT 1'`)
	env := envOf(t, s, nil)
	havePairs(t, env, map[string]string{
		"ALTER SCHEMA secrets RENAME TO other":                  "schema() schema(secrets.a) schema(secrets.v)",
		"DROP SCHEMA free, secrets CASCADE":                     "schema() schema(free.b) schema(secrets.a) schema(secrets.v)",
		"DROP SCHEMA IF EXISTS free":                            "schema() schema(free.b)",
		"GRANT SELECT ON ALL TABLES IN SCHEMA secrets TO agent": "privilege() privilege(secrets.a) privilege(secrets.v)",
		"CREATE PUBLICATION p FOR TABLES IN SCHEMA secrets":     "schema() transfer(secrets.a) transfer(secrets.v)",
		"ALTER PUBLICATION p ADD TABLES IN SCHEMA free":         "schema() transfer(free.b)",
		"CREATE PUBLICATION p FOR ALL TABLES":                   "schema() transfer(free.b) transfer(secrets.a) transfer(secrets.v)",
		"ALTER EXTENSION plpgsql ADD TABLE secrets.a":           "schema() schema(secrets.a)",
		"ALTER FUNCTION evil() RENAME TO safe":                  "execute(public.evil) execute(public.safe) schema()",
		"ALTER FUNCTION free.evil(int) RENAME TO safe":          "execute(free.evil) execute(free.safe) schema()",
		"ALTER ROUTINE evil() SET SCHEMA free":                  "execute(free.evil) execute(public.evil) schema()",
		"ALTER ROLE agent RENAME TO other":                      "schema()",
	})
	refusal(t, "ALTER EXTENSION plpgsql ADD TABLE secrets.a", envOf(t, s, mask("secrets.a.x")), "secrets.a")
}
