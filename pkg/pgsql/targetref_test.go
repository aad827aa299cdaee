package pgsql_test

import (
	"strings"
	"testing"
)

// Where a statement writes to a masked relation, no reference in it may mean that relation's masked columns, whatever hides
// what stands nearer.
func TestNothingInsideAWriteReadsTheTargetsMaskedColumns(t *testing.T) {
	s := connect(t, "agent", "postgres")
	env := envOf(t, s, piiMasks())
	for _, inside := range []string{
		"SELECT users.email FROM (orders users CROSS JOIN orders o2) AS j", "SELECT users.* FROM (orders users CROSS JOIN orders o2) AS j", "SELECT users FROM (orders users CROSS JOIN orders o2) AS j",
		"SELECT (users).email FROM (orders users CROSS JOIN orders o2) AS j", "SELECT email FROM (orders o(email) CROSS JOIN orders o2) AS j(foo)",
		"SELECT 1 FROM orders o(email), (orders a JOIN orders b ON email LIKE 'ann%')", "SELECT 1 FROM orders users, (orders a JOIN orders b ON users.ssn LIKE '1%')",
		"SELECT 1 FROM users v, (orders a JOIN orders b ON email LIKE 'ann%')", "SELECT email FROM (users v CROSS JOIN orders) AS j(a, b)", "SELECT email FROM orders", "SELECT email",
		"SELECT (SELECT email FROM orders) FROM users v", "SELECT 1 UNION SELECT 2 ORDER BY email", "SELECT old.email FROM (orders old CROSS JOIN orders o) j", "SELECT new FROM (orders new CROSS JOIN orders o) j",
		"SELECT public.users.ssn FROM (users CROSS JOIN orders o) j", "SELECT 1 FROM users u(a, b, c, d, e, f, g) WHERE email IS NULL", "VALUES (ssn)", "WITH x AS (SELECT ssn) SELECT * FROM x",
		"SELECT 1 FROM orders GROUP BY email", "SELECT 1 FROM generate_series(1, length(ssn)) g", "SELECT 1 FROM LATERAL (SELECT ssn) l", "SELECT (SELECT ssn FROM users v LIMIT 1) FROM orders JOIN users w ON card = ''",
	} {
		for _, around := range []string{"UPDATE users SET name = name RETURNING (%)", "DELETE FROM users WHERE EXISTS (%)", "UPDATE users SET name = (%)", "INSERT INTO users (id) VALUES (9) RETURNING (%)",
			"DELETE FROM users USING orders o WHERE (%) IS NULL", "WITH w AS (DELETE FROM users RETURNING (%)) SELECT 1"} {
			text := strings.Replace(around, "%", inside, 1)
			if a := understand(t, text, env); a.Problem == nil || a.Problem.Rule != "mask" {
				t.Errorf("%s: %s\n%s", text, brief(a), a.Rewritten)
			}
		}
	}
}

func TestHonestWritesToAMaskedRelationRun(t *testing.T) {
	s := connect(t, "agent", "postgres")
	env := envOf(t, s, piiMasks())
	for _, text := range []string{
		"DELETE FROM users WHERE id IN (SELECT id FROM users WHERE email LIKE 'x%')", "DELETE FROM users u WHERE EXISTS (SELECT FROM users v WHERE v.email = 'x' AND v.id = u.id)",
		"UPDATE users SET name = 'x' WHERE id = 5 AND NOT EXISTS (SELECT 1 FROM orders WHERE orders.user_id = users.id)", "UPDATE users SET name = o.total FROM orders o WHERE o.user_id = users.id AND o.id = -1",
		"UPDATE users SET name = s.name FROM (SELECT id, name FROM users WHERE email IS NOT NULL) s WHERE s.id = users.id AND s.id = -1", "DELETE FROM users USING orders WHERE orders.user_id = users.id AND orders.id = -1 RETURNING users.id, orders.*",
		"INSERT INTO users (id, name) SELECT -1, max(email) FROM users WHERE false RETURNING id", "WITH old AS (SELECT id FROM users WHERE email = 'x') DELETE FROM users WHERE id IN (SELECT id FROM old)",
		"UPDATE users SET name = 'x' WHERE id = (SELECT max(u.id) FROM users u JOIN orders o ON o.user_id = u.id AND o.id = -1)", "DELETE FROM orders WHERE user_id IN (SELECT id FROM users WHERE email = 'ann@example.com')",
		"DELETE FROM users WHERE id = -1 AND id IN (SELECT users.id FROM users WHERE users.ssn IS NULL ORDER BY users.email)",
	} {
		a := understand(t, text, env)
		if strings.Contains(text, "max(email)") != (a.Problem != nil) { // it would store a mask
			t.Errorf("%s: %+v", text, a.Problem)
			continue
		}
		if a.Problem != nil {
			continue
		}
		answer := s.simple(t.Context(), "BEGIN; "+a.Rewritten+"; ROLLBACK")
		_ = s.simple(t.Context(), "ROLLBACK")
		if strings.Contains(answer, "ERROR") {
			t.Errorf("%s became %s: %s", text, a.Rewritten, answer)
		}
	}
}

// Where masks are in force the server is told what each name was taken for.
func TestNamesAreSentWithTheirSchema(t *testing.T) {
	s := newDatabase(t, "qualified", `CREATE TABLE a(id int, x int); CREATE TABLE users(id int, ssn text); CREATE SCHEMA "A.b"; CREATE TABLE "A.b".c(id int); CREATE SCHEMA agent AUTHORIZATION agent;
		CREATE TABLE agent.mine(id int); ALTER TABLE agent.mine OWNER TO agent; CREATE SCHEMA "A"; CREATE TABLE "A"."b.c"(ssn text)`)
	env := envOf(t, s, append(mask("users.ssn"), mask("A.b.c.*")...))
	for text, want := range map[string]string{
		"SELECT a.id, public.a.x, a.* FROM a":                            `SELECT a.id, public.a.x, a.* FROM "public"."a"`,
		"SELECT * FROM ONLY a, ONLY (a) b, a * c TABLESAMPLE system (1)": `SELECT * FROM ONLY "public"."a", ONLY ("public"."a") b, "public"."a" * c TABLESAMPLE system (1)`,
		"TABLE a": `TABLE "public"."a"`,
		"WITH a AS (SELECT * FROM a) SELECT * FROM a, a b":          `WITH a AS (SELECT * FROM "public"."a") SELECT * FROM a, a b`,
		"COPY a (id) TO STDOUT":                                     `COPY "public"."a" (id) TO STDOUT`,
		"COPY a FROM STDIN":                                         `COPY "public"."a" FROM STDIN`,
		"INSERT INTO a AS b SELECT * FROM a":                        `INSERT INTO "public"."a" AS b SELECT * FROM "public"."a"`,
		"UPDATE ONLY a SET x = a.id FROM mine WHERE mine.id = a.id": `UPDATE ONLY "public"."a" SET x = a.id FROM "agent"."mine" WHERE mine.id = a.id`,
		"DELETE FROM a USING a b":                                   `DELETE FROM "public"."a" USING "public"."a" b`,
		"SELECT 1 FROM public.a, pg_class":                          `SELECT 1 FROM public.a, "pg_catalog"."pg_class"`,
		"SELECT * FROM a FOR UPDATE OF a":                           `SELECT * FROM "public"."a" FOR UPDATE OF a`,
		"TRUNCATE a; ":                                              `TRUNCATE "public"."a"; `,
		"CREATE INDEX i ON a (x)":                                   `CREATE INDEX i ON "public"."a" (x)`,
		"ALTER TABLE mine ADD y int":                                `ALTER TABLE "agent"."mine" ADD y int`,
		"CREATE TABLE a (LIKE a)":                                   `CREATE TABLE a (LIKE "public"."a")`,
		"CREATE TABLE n AS TABLE a":                                 `CREATE TABLE n AS TABLE "public"."a"`,
		"PREPARE p AS SELECT * FROM a":                              `PREPARE p AS SELECT * FROM "public"."a"`,
		`SELECT * FROM "A.b".c`:                                     `SELECT * FROM "A.b".c`,
	} {
		if a := understand(t, text, env); a.Problem != nil || a.Rewritten != want {
			t.Errorf("%s became\n%s\nwant\n%s %+v", text, a.Rewritten, want, a.Problem)
		}
	}
	if a := understand(t, `SELECT * FROM U&"!0061" UESCAPE '!'`, env); a.Problem == nil {
		t.Errorf("a name that can't be replaced was sent: %s", a.Rewritten)
	}
	for _, statement := range []string{"CREATE TABLE agent.users(id int, ssn text)"} {
		if err := server.ExecIn("qualified", statement+"; ALTER TABLE agent.users OWNER TO agent"); err != nil {
			t.Fatal(err)
		}
	}
	env = envOf(t, s, mask("public.users.ssn"))
	a := understand(t, "SELECT * FROM users", env)
	if err := server.ExecIn("qualified", "INSERT INTO public.users VALUES (1, 'secret'); DROP TABLE agent.users"); err != nil {
		t.Fatal(err)
	}
	if answer := s.simple(t.Context(), a.Rewritten); strings.Contains(answer, "secret") || !strings.Contains(answer, "42P01") {
		t.Errorf("%s: %s", a.Rewritten, answer)
	}
}
