package pgsql_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

const throughSchema = `CREATE TABLE users(id int, ssn text); CREATE TABLE pay(id int, amount int); CREATE TABLE other(id int);
	CREATE VIEW v1 AS SELECT u.id FROM users u JOIN pay p USING (id); CREATE VIEW v2 AS SELECT id FROM v1 WHERE EXISTS (SELECT FROM other); CREATE VIEW simple AS SELECT id, ssn FROM users;
	CREATE MATERIALIZED VIEW mv AS SELECT id FROM simple; CREATE VIEW roles AS SELECT rolname FROM pg_authid;
	CREATE TABLE parts(id int, note text) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF parts FOR VALUES IN (1) PARTITION BY LIST (id); CREATE TABLE p11 PARTITION OF p1 FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF parts DEFAULT;
	CREATE TABLE mother(id int); CREATE TABLE father(name text); CREATE TABLE child(x int) INHERITS (mother, father); CREATE VIEW v_child AS SELECT * FROM child; CREATE VIEW v_family AS SELECT c.id FROM child c, mother m; CREATE VIEW v_parts AS SELECT * FROM parts`

func TestWhatLiesBeneathIsToldToo(t *testing.T) {
	s := newDatabase(t, "beneath", throughSchema)
	env := envOf(t, s, nil)
	havePairs(t, env, map[string]string{
		"SELECT * FROM v1":                            "read(public.v1) ~read(public.pay) ~read(public.users)",
		"SELECT * FROM v2":                            "read(public.v2) ~read(public.other) ~read(public.pay) ~read(public.users) ~read(public.v1)",
		"SELECT * FROM v1, users":                     "read(public.users) read(public.v1) ~read(public.pay)",
		"SELECT * FROM mv":                            "read(public.mv) ~read(public.simple) ~read(public.users)",
		"REFRESH MATERIALIZED VIEW mv":                "schema(public.mv) ~read(public.simple) ~read(public.users)",
		"DROP VIEW simple":                            "schema(public.simple)",
		"SELECT * FROM roles":                         "read(public.roles) ~admin(pg_catalog.pg_authid)",
		"UPDATE simple SET id = 1":                    "write(public.simple) ~read(public.users) ~write(public.users)",
		"DELETE FROM simple WHERE id = 1":             "delete(public.simple) read(public.simple) ~delete(public.users) ~read(public.users)",
		"SELECT * FROM parts":                         "read(public.parts) ~read(public.p1) ~read(public.p11) ~read(public.p2)",
		"SELECT * FROM p11":                           "read(public.p11) ~read(public.p1) ~read(public.parts)",
		"SELECT * FROM p1":                            "read(public.p1) ~read(public.p11) ~read(public.parts)",
		"TRUNCATE p2":                                 "delete(public.p2) ~delete(public.parts)",
		"DROP TABLE parts":                            "schema(public.parts) ~schema(public.p1) ~schema(public.p11) ~schema(public.p2)",
		"VACUUM parts":                                "admin(public.parts) ~admin(public.p1) ~admin(public.p11) ~admin(public.p2)",
		"INSERT INTO parts VALUES (1)":                "write(public.parts) ~write(public.p1) ~write(public.p11) ~write(public.p2)",
		"SELECT * FROM child":                         "read(public.child) ~read(public.father) ~read(public.mother)",
		"SELECT * FROM father":                        "read(public.father) ~read(public.child) ~read(public.mother)",
		"SELECT * FROM v_child":                       "read(public.v_child) ~read(public.child) ~read(public.father) ~read(public.mother)",
		"SELECT * FROM v_parts":                       "read(public.v_parts) ~read(public.p1) ~read(public.p11) ~read(public.p2) ~read(public.parts)",
		"EXPLAIN SELECT * FROM simple":                "read(public.simple) ~read(public.users)",
		"EXPLAIN DELETE FROM p2":                      "read(public.p2) ~read(public.parts)",
		"EXPLAIN ANALYZE DELETE FROM p2":              "delete(public.p2) ~delete(public.parts)",
		"COPY (SELECT * FROM simple) TO STDOUT":       "read(public.simple) ~read(public.users)",
		"PREPARE p AS SELECT * FROM simple":           "read(public.simple) session() ~read(public.users)",
		"WITH x AS (SELECT * FROM simple) TABLE x":    "read(public.simple) ~read(public.users)",
		"CREATE TABLE n AS SELECT * FROM simple":      "read(public.simple) schema(public.n) ~read(public.users)",
		"GRANT SELECT ON parts TO agent":              "privilege(public.parts) ~privilege(public.p1) ~privilege(public.p11) ~privilege(public.p2)",
		"SELECT 1 FROM users WHERE id IN (TABLE pay)": "read(public.pay) read(public.users)",
		"DECLARE c CURSOR FOR SELECT * FROM simple":   "read(public.simple) session() ~read(public.users)",
		"INSERT INTO other SELECT id FROM simple":     "read(public.simple) write(public.other) ~read(public.users)",
		"SELECT * FROM simple FOR UPDATE":             "read(public.simple) write(public.simple) ~read(public.users) ~write(public.users)",
		"MERGE INTO other o USING simple s ON s.id = o.id WHEN MATCHED THEN DELETE": "delete(public.other) read(public.other) read(public.simple) write(public.other) ~read(public.users)",
	})
}

// havePairs says which pairs each text is understood to have.
func havePairs(t *testing.T, env pgsql.Env, texts map[string]string) {
	t.Helper()
	for text, want := range texts {
		a := understand(t, text, env)
		if got := strings.Join(pairs(a), " "); a.Problem != nil || got != want {
			t.Errorf("%s\n got %s\nwant %s %+v", text, got, want, a.Problem)
		}
	}
}

// pairs are the accesses of a text's first statement, those that it names first; what it reaches through them has a ~.
func pairs(a pgsql.Analysis) []string {
	var named, through []string
	for _, x := range a.Statements[0].Accesses {
		pair := x.Effect + "(" + x.Object + ")"
		if x.Through {
			through = append(through, "~"+pair)
			continue
		}
		named = append(named, pair)
	}
	slices.Sort(named)
	slices.Sort(through)
	return append(named, through...)
}

// A name goes on with all that its statement had, and what it had through others stays that.
func TestNamesGoOnWithWhatLiesBeneath(t *testing.T) {
	s := newDatabase(t, "beneathnames", throughSchema)
	env := envOf(t, s, nil)
	prepared := understand(t, "PREPARE p AS SELECT * FROM simple", env).Statements[0]
	if len(prepared.Inner) != 2 || !prepared.Inner[1].Through {
		t.Fatalf("inside %+v", prepared.Inner)
	}
	env.Prepared = func(string) ([]pgsql.Access, bool) { return prepared.Inner, true }
	for _, text := range []string{"EXECUTE p", "EXPLAIN EXECUTE p", "EXPLAIN ANALYZE EXECUTE p"} {
		if got := strings.Join(pairs(understand(t, text, env)), " "); got != "read(public.simple) session() ~read(public.users)" {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// The server is the oracle: what it says that it reads, once views are expanded and children found, is named or beneath.
func TestTheServerReadsNothingThatWasNotTold(t *testing.T) {
	s := newDatabase(t, "beneathoracle", throughSchema)
	env := envOf(t, s, nil)
	if answer := s.simple(t.Context(), "SET debug_print_rewritten = on; SET debug_pretty_print = off; SET client_min_messages = log"); strings.Contains(answer, "ERROR") {
		t.Fatal(answer)
	}
	relid := regexp.MustCompile(`:relid ([0-9]+)`)
	for _, text := range []string{"SELECT * FROM v1", "SELECT * FROM v2", "SELECT * FROM mv", "SELECT * FROM v_parts", "SELECT * FROM v_family", "UPDATE simple SET id = 1", "DELETE FROM simple", "SELECT * FROM (SELECT * FROM v2) q, LATERAL (SELECT * FROM v_child WHERE q.id = id) l", "INSERT INTO simple SELECT id FROM v2"} {
		told := pairs(understand(t, text, env))
		s.notices = nil
		_ = s.simple(t.Context(), "BEGIN;"+text+";ROLLBACK")
		count := 0
		for _, match := range relid.FindAllStringSubmatch(strings.Join(s.notices, "\n"), -1) {
			for _, r := range env.Catalog.Relations {
				if match[1] != strconv.Itoa(int(r.OID)) {
					continue
				}
				count++
				if !slices.ContainsFunc(told, func(p string) bool { return strings.HasSuffix(p, "("+r.Qualified()+")") }) {
					t.Errorf("%s reads %s, and says %v", text, r.Qualified(), told)
				}
			}
		}
		if count == 0 {
			t.Errorf("%s: the server did not say what it reads: %.300v", text, s.notices)
		}
	}
}
