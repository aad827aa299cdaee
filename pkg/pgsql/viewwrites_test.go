package pgsql_test

import (
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// What a write does beneath a view can't be judged by the view: its errors, triggers and checks are those of the table.
func TestNothingIsWrittenThroughViewsOverMaskedColumns(t *testing.T) {
	s := newDatabase(t, "viewwrites", `CREATE TABLE people(id int PRIMARY KEY, name text, ssn text, CHECK (name <> 'bad')); INSERT INTO people VALUES (1, 'Ann', 'AAA1');
		CREATE VIEW names AS SELECT id, name FROM people; CREATE VIEW full_rows AS SELECT * FROM names; CREATE VIEW tax AS SELECT id, ssn AS tax_id FROM people; CREATE TABLE free(id int); CREATE VIEW free_view AS SELECT * FROM free;
		CREATE MATERIALIZED VIEW kept AS SELECT id, name FROM people`)
	env := envOf(t, s, mask("people.ssn"))
	for _, view := range []string{"names", "full_rows", "tax"} {
		for _, text := range []string{"UPDATE % SET id = 2", "DELETE FROM % WHERE id = 1", "INSERT INTO % (id) VALUES (2)", "COPY % (id) FROM STDIN", "WITH x AS (DELETE FROM % RETURNING id) SELECT * FROM x"} {
			refusal(t, strings.ReplaceAll(text, "%", view), env, "public.")
		}
		refusal(t, "MERGE INTO "+view+" USING free ON true WHEN MATCHED THEN DELETE", env)
		refusal(t, "ALTER VIEW "+view+" RENAME TO other", env, "public."+view)
	}
	refusal(t, "REFRESH MATERIALIZED VIEW kept", env, "public.kept")
	for _, text := range []string{"UPDATE free_view SET id = 2", "SELECT * FROM names WHERE name = 'Ann'", "SELECT * FROM kept", "SELECT id FROM tax FOR UPDATE"} {
		if a := understand(t, text, env); a.Problem != nil {
			t.Errorf("%s: %+v", text, *a.Problem)
		}
	}
}

// The columns of a view are told by its definition: another one is another catalog, and is judged anew.
func TestARedefinedViewIsJudgedAnew(t *testing.T) {
	s := newDatabase(t, "redefined", `CREATE TABLE people(id int PRIMARY KEY, name text, ssn text); INSERT INTO people VALUES (1, 'Ann', 'AAA1'); CREATE VIEW v AS SELECT id, name AS x FROM people; CREATE VIEW w AS SELECT x FROM v`)
	for _, step := range []struct{ change, v, w string }{
		{"SELECT 1", "", ""},
		{"CREATE OR REPLACE VIEW v AS SELECT id, ssn AS x FROM people", "public.v.x", "public.w.x"},
		{"CREATE OR REPLACE VIEW v AS SELECT id, left(ssn, 1) AS x FROM people", "public.v.x", "public.w.x"},
		{"CREATE OR REPLACE VIEW v AS SELECT id, name AS x FROM people WHERE ssn > ''", "refused mask 42501", "refused mask 42501"},
		{"CREATE OR REPLACE VIEW v AS SELECT id, name AS x FROM people", "", ""},
		{"ALTER TABLE people RENAME name TO y; ALTER TABLE people RENAME ssn TO name; ALTER TABLE people RENAME y TO ssn", "public.v.x", "public.w.x"},
	} {
		before, err := pgsql.ReadSignature(t.Context(), s.PgConn)
		if err != nil {
			t.Fatal(err)
		}
		if err := server.ExecIn("redefined", step.change); err != nil {
			t.Fatal(err)
		}
		if after, err := pgsql.ReadSignature(t.Context(), s.PgConn); err != nil || (after == before) != (step.change == "SELECT 1") {
			t.Errorf("%s: the signature says otherwise: %v", step.change, err)
		}
		env := envOf(t, s, mask("people.ssn"))
		for view, want := range map[string]string{"v": step.v, "w": step.w} {
			a := understand(t, "SELECT * FROM "+view, env)
			got := strings.Join(a.Masked, " ")
			if a.Problem != nil {
				got = brief(a)
			} else if answer := s.simple(t.Context(), a.Rewritten); strings.Contains(answer, "AAA1") {
				t.Errorf("after %s %s answers %s", step.change, view, answer)
			}
			if got != want {
				t.Errorf("after %s %s: %s, want %s", step.change, view, got, want)
			}
		}
	}
}

// Masks at either end of an inheritance or a partitioning are read at both, through views too.
func TestMasksOfChildrenAndParentsShowInViews(t *testing.T) {
	s := newDatabase(t, "bothways", `CREATE TABLE top(id int, ssn text); CREATE TABLE mid(x text) INHERITS (top); CREATE TABLE low(y int) INHERITS (mid); CREATE TABLE other(z text) INHERITS (top);
		CREATE TABLE parts(id int, ssn text) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF parts FOR VALUES IN (1) PARTITION BY LIST (id); CREATE TABLE p11 PARTITION OF p1 FOR VALUES IN (1);
		INSERT INTO top VALUES (1, 'AAA1'); INSERT INTO low VALUES (2, 'AAA2', 'x', 3); INSERT INTO other VALUES (3, 'AAA3', 'AAA4'); INSERT INTO parts VALUES (1, 'AAA5');
		CREATE VIEW v_top AS SELECT ssn AS s FROM top; CREATE VIEW v_only AS SELECT ssn AS s FROM ONLY top; CREATE VIEW v_low AS SELECT ssn AS s, y FROM low; CREATE VIEW v_other AS SELECT ssn AS s FROM other; CREATE VIEW v_parts AS SELECT ssn AS s FROM parts; CREATE VIEW v_p11 AS SELECT ssn AS s FROM p11;
		CREATE VIEW v_where AS SELECT id FROM p1 WHERE ssn > ''`)
	for _, masked := range [][]string{{"top.ssn", "parts.ssn"}, {"low.ssn", "p11.ssn"}, {"mid.ssn", "p1.ssn"}} {
		env := envOf(t, s, mask(masked...))
		for _, view := range []string{"v_top", "v_only", "v_low", "v_other", "v_parts", "v_p11"} {
			a := understand(t, "SELECT * FROM "+view, env)
			if a.Problem != nil || strings.Join(a.Masked, " ") != "public."+view+".s" {
				t.Errorf("%v: %s masks %v %+v", masked, view, a.Masked, a.Problem)
				continue
			}
			if answer := s.simple(t.Context(), a.Rewritten); strings.Contains(answer, "AAA") || !strings.Contains(answer, "***") {
				t.Errorf("%v: %s answers %s", masked, view, answer)
			}
		}
		refusal(t, "SELECT * FROM v_where", env, "public.v_where", "public.p1.ssn")
	}
}
