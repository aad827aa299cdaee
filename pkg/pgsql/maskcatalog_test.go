package pgsql_test

import (
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// Masks are known by names: nothing is renamed or written under masks that would let a masked relation, or a function that is not
// trusted, be known by another one.
func TestNothingMasksAreKnownByIsRenamedUnderThem(t *testing.T) {
	s := newDatabase(t, "known", `CREATE TABLE users(id int, email text); ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON users USING (id > 0); CREATE TABLE free(id int); ALTER TABLE free ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON free USING (true);
		CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE VIEW classes AS SELECT relname FROM pg_class; CREATE VIEW over AS SELECT * FROM classes`)
	masked, open := envOf(t, s, mask("users.email")), envOf(t, s, nil)
	for _, text := range []string{
		"UPDATE pg_class SET relname = 'other' WHERE relname = 'users'", "UPDATE pg_catalog.pg_attribute SET attname = 'x' WHERE attname = 'email'", "WITH x AS (DELETE FROM pg_policy RETURNING 1) SELECT 1", "INSERT INTO pg_proc SELECT * FROM pg_proc", "COPY pg_description FROM STDIN",
		"UPDATE classes SET relname = 'other'", "UPDATE over SET relname = 'other'", "EXPLAIN ANALYZE UPDATE over SET relname = 'other'",
		"MERGE INTO pg_class c USING free ON relname = 'users' WHEN MATCHED THEN UPDATE SET relname = 'other'", "PREPARE p AS UPDATE pg_class SET relname = 'other'",
		"ALTER FUNCTION spy() RENAME TO stamp", "ALTER FUNCTION pg_catalog.query_to_xml(text, bool, bool, text) RENAME TO format", "ALTER ROUTINE spy() RENAME TO stamp", "ALTER PROCEDURE q() RENAME TO r", "ALTER AGGREGATE pg_catalog.max(int) RENAME TO min",
		"ALTER COLLATION pg_catalog.\"C\" RENAME TO \"D\"", "ALTER OPERATOR CLASS pg_catalog.int4_ops USING btree RENAME TO x", "DROP POLICY p ON users", "DROP POLICY IF EXISTS p ON public.users",
	} {
		refusal(t, text, masked)
		if a := understand(t, text, open); a.Problem != nil {
			t.Errorf("%s is refused where nothing is masked: %+v", text, *a.Problem)
		}
	}
	for _, text := range []string{"ALTER ROLE agent RENAME TO other", "DROP POLICY p ON free", "ALTER POLICY p ON free RENAME TO q", "ALTER TABLE free RENAME id TO x", "UPDATE free SET id = 1"} {
		if a := understand(t, text, masked); a.Problem != nil {
			t.Errorf("%s: %+v", text, *a.Problem)
		}
	}
	if a := understand(t, "UPDATE pg_class SET relname = 'other'", open); !a.Statements[0].ChangesCatalog {
		t.Error("what names mean is not read again")
	}
}

// What a prepared statement shows is not stored: it may be masks.
func TestWhatIsPreparedIsNotStoredUnderMasks(t *testing.T) {
	s := newDatabase(t, "stores", "CREATE TABLE users(id int, email text)")
	masked, open := envOf(t, s, mask("users.email")), envOf(t, s, nil)
	known := func(string) ([]pgsql.Access, bool) {
		return []pgsql.Access{{Effect: pgsql.Read, Object: "public.users"}}, true
	}
	masked.Prepared, open.Prepared = known, known
	for _, text := range []string{"CREATE TABLE n AS EXECUTE p", "CREATE TABLE IF NOT EXISTS n AS EXECUTE p(1) WITH NO DATA", "EXPLAIN ANALYZE CREATE TABLE n AS EXECUTE p"} {
		refusal(t, text, masked)
		if a := understand(t, text, open); a.Problem != nil {
			t.Errorf("%s is refused where nothing is masked: %+v", text, *a.Problem)
		}
	}
}
