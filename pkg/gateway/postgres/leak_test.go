package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// allButMasks allows everything and masks what is private in users.
var allButMasks = allowAll + testPolicy[strings.Index(testPolicy, "masks:"):]

// canaries are masked values of the schema.
func canaries() []string {
	return []string{"ann@example.com", "123-45-6789", "4111111111111111", "+1-202-555-0101", "bob@example.com", "987-65-4321", "Oslo"}
}

// transcript is all that a client gets for a text, errors in full.
func transcript(t testing.TB, c *pgconn.PgConn, sql string) string {
	t.Helper()
	results, err := c.Exec(t.Context(), sql).ReadAll()
	var b strings.Builder
	for _, r := range results {
		for _, row := range r.Rows {
			fmt.Fprintf(&b, "%s\n", row)
		}
		fmt.Fprintln(&b, r.CommandTag)
	}
	if e, ok := err.(*pgconn.PgError); ok {
		fmt.Fprintf(&b, "%s %s %s %s %s", e.Code, e.Message, e.Detail, e.Hint, e.Where)
	} else if err != nil {
		fmt.Fprint(&b, err)
	}
	return b.String()
}

func admin(t testing.TB, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if err := server.Exec(sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func TestErrorTextsShowNoMaskedRow(t *testing.T) {
	admin(t, "ALTER TABLE users ADD CONSTRAINT named CHECK (name <> '')",
		"CREATE TABLE tenants(id int primary key); INSERT INTO tenants VALUES (1); GRANT ALL ON tenants TO agent",
		"ALTER TABLE users ADD COLUMN tenant int CHECK (tenant > 0) REFERENCES tenants ON UPDATE CASCADE; UPDATE users SET tenant = 1 WHERE id = 1",
		"ALTER TABLE users ADD UNIQUE (email)",
		"CREATE TABLE invites(email text REFERENCES users(email) DEFERRABLE INITIALLY DEFERRED); INSERT INTO invites VALUES ('ann@example.com'); GRANT ALL ON invites TO agent",
		"ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey")
	t.Cleanup(func() {
		admin(t, "DROP TABLE invites", "ALTER TABLE users DROP COLUMN tenant, DROP CONSTRAINT named, DROP CONSTRAINT users_email_key", "DROP TABLE tenants")
	})
	// What refers to a masked column that can't be written can't be broken from here; where it is writable, it can.
	s := listen(t, strings.ReplaceAll(allButMasks, "as: redact}", "as: redact, writable: true}"))
	for name, texts := range map[string][]string{
		"the statement's own row":      {"UPDATE users SET name = '' WHERE id = 1"},
		"a prepared statement's row":   {"PREPARE p AS UPDATE users SET name = '' WHERE id = 1", "EXECUTE p", "EXPLAIN ANALYZE EXECUTE p"},
		"a row changed by cascade":     {"UPDATE tenants SET id = -1 WHERE id = 1"},
		"a key referred to":            {"DELETE FROM users WHERE id = 1"},
		"a deferred key":               {"BEGIN", "DELETE FROM users WHERE id = 1", "COMMIT"},
		"a deferred key made due":      {"BEGIN", "DELETE FROM users WHERE id = 1", "SET CONSTRAINTS ALL IMMEDIATE", "ROLLBACK"},
		"a statement inside of a CTE":  {"WITH x AS (UPDATE users SET name = '' WHERE id = 1 RETURNING id) SELECT * FROM x"},
		"an explained statement's row": {"EXPLAIN ANALYZE UPDATE users SET name = '' WHERE id = 1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.client(t)
			failed := false
			for _, text := range texts {
				got := transcript(t, c, text)
				failed = failed || strings.Contains(got, "23")
				for _, canary := range canaries() {
					if strings.Contains(got, canary) {
						t.Errorf("%s\nshows %s: %s", text, canary, got)
					}
				}
			}
			if !failed {
				t.Error("no constraint was broken, so this proves nothing")
			}
		})
	}
	t.Run("a deferred key at Sync", func(t *testing.T) {
		c := s.client(t)
		r := c.ExecParams(t.Context(), "DELETE FROM users WHERE id = 1", nil, nil, nil, nil).Read()
		if e, ok := r.Err.(*pgconn.PgError); !ok || !strings.HasPrefix(e.Code, "23") || strings.Contains(e.Detail, "ann@") || strings.Contains(e.Message, "ann@") {
			t.Errorf("got %v", r.Err)
		}
	})
}

func TestDefinitionsOfTheOpenTransactionCount(t *testing.T) {
	admin(t, "CREATE SCHEMA agent AUTHORIZATION agent")
	t.Cleanup(func() { admin(t, "DROP SCHEMA agent CASCADE") })
	c := listen(t, allButMasks).client(t)
	for _, text := range []string{
		"CREATE TABLE agent.users(id int, email text)", "SELECT * FROM users", "BEGIN", "DROP TABLE agent.users", "SELECT * FROM users",
		"ROLLBACK", "SELECT * FROM users", "BEGIN", "SAVEPOINT s", "DROP TABLE agent.users", "ROLLBACK TO s", "SELECT * FROM users", "COMMIT",
		"DROP TABLE agent.users", "SELECT * FROM users ORDER BY id",
	} {
		got := transcript(t, c, text)
		for _, canary := range canaries() {
			if strings.Contains(got, canary) {
				t.Errorf("%s\nshows %s: %s", text, canary, got)
			}
		}
		if text == "SELECT * FROM users ORDER BY id" && !strings.Contains(got, "***") {
			t.Errorf("the masked table does not answer: %s", got)
		}
	}
}

func TestATableOfTheOpenTransactionCanBeUsedInIt(t *testing.T) {
	c := listen(t, allButMasks).client(t)
	for _, step := range []struct{ text, want string }{
		{"BEGIN", "BEGIN"}, {"CREATE TABLE fresh(a int)", "CREATE TABLE"}, {"INSERT INTO fresh VALUES (1)", "INSERT 0 1"},
		{"SELECT a FROM fresh", "[1]"}, {"ROLLBACK", "ROLLBACK"}, {"SELECT a FROM fresh", "42P01"}, {"SELECT count(*) FROM orders", "[2]"},
	} {
		if got := transcript(t, c, step.text); !strings.Contains(got, step.want) {
			t.Errorf("%s: got %s, want %s", step.text, got, step.want)
		}
	}
}

// pg_dump empties the search path first. Nothing is read by a name that means something else since.
func TestAnEmptySearchPathIsKnown(t *testing.T) {
	const empty = "SELECT pg_catalog.set_config('search_path', '', false)"
	masked, none := "[***]", "42P01"
	for name, texts := range map[string][][2]string{
		"for the session":               {{empty, "SELECT 1"}, {"SELECT ssn FROM users WHERE id = 1", none}, {"SELECT ssn FROM public.users WHERE id = 1", masked}},
		"and reset":                     {{empty, "SELECT 1"}, {"SELECT ssn FROM users WHERE id = 1", none}, {"RESET search_path", "RESET"}, {"SELECT ssn FROM users WHERE id = 1", masked}},
		"rolled back":                   {{"BEGIN", "BEGIN"}, {empty, "SELECT 1"}, {"SELECT ssn FROM public.users WHERE id = 1", masked}, {"ROLLBACK", "ROLLBACK"}, {"SELECT ssn FROM users WHERE id = 1", masked}},
		"rolled back to a savepoint":    {{"BEGIN", "BEGIN"}, {"SAVEPOINT s", "SAVEPOINT"}, {empty, "SELECT 1"}, {"ROLLBACK TO s", "ROLLBACK"}, {"SELECT ssn FROM users WHERE id = 1", masked}, {"COMMIT", "COMMIT"}},
		"committed":                     {{"BEGIN", "BEGIN"}, {empty, "SELECT 1"}, {"COMMIT", "COMMIT"}, {"SELECT ssn FROM users WHERE id = 1", none}, {"TABLE public.users LIMIT 1", "***"}},
		"prepared before it":            {{"PREPARE p AS SELECT ssn FROM users WHERE id = 1", "PREPARE"}, {"SET search_path = ''", "SET"}, {"EXECUTE p", ""}, {"SELECT ssn FROM users", none}},
		"with a row's place beneath it": {{"SET search_path = ''", "SET"}, {"SELECT u FROM public.users u WHERE id = 1", "***"}, {"SELECT * FROM public.users WHERE id = 1", "***"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := listen(t, allButMasks).client(t)
			for _, text := range texts {
				got := transcript(t, c, text[0])
				if !strings.Contains(got, text[1]) {
					t.Errorf("%s: got %s, want %s", text[0], got, text[1])
				}
				for _, canary := range canaries() {
					if strings.Contains(got, canary) {
						t.Errorf("%s shows %s", text[0], canary)
					}
				}
			}
		})
	}
}
