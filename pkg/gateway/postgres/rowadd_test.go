package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgproto3/v2"
)

const addFilter = allowAll + "masks: [{name: tenant, objects: [public.entries], rows: \"tenant = 7\"}]\n"

// Nothing is added to a table whose rows are filtered, in whichever form: not where it would collide with a hidden row, and not where
// nothing could collide and the row would be hidden, or shown, by a default.
func TestNoRowIsAddedWhereRowsAreFiltered(t *testing.T) {
	admin(t, "CREATE TABLE entries(id int, tenant int DEFAULT 7, note text); INSERT INTO entries VALUES (1, 7, 'a'), (2, 8, 'hidden'); GRANT ALL ON entries TO agent; CREATE VIEW v_entries AS SELECT * FROM entries; GRANT ALL ON v_entries TO agent")
	t.Cleanup(func() { admin(t, "DROP VIEW v_entries; DROP TABLE entries") })
	s := listen(t, addFilter)
	c := s.client(t)
	for _, text := range []string{
		"INSERT INTO entries (id, note) VALUES (3, 'x')", "INSERT INTO entries DEFAULT VALUES", "INSERT INTO entries (id) SELECT 3", "INSERT INTO entries (id) SELECT 3 WHERE true", "INSERT INTO entries VALUES (3, 8, 'x')",
		"INSERT INTO entries AS l (id, note) SELECT l.id, 'x' FROM entries l WHERE l.id = 1", "INSERT INTO entries AS l (id) SELECT l.id FROM entries l", "INSERT INTO public.entries (id) VALUES (3) RETURNING id",
		"INSERT INTO entries (id) VALUES (3) ON CONFLICT DO NOTHING", "WITH x AS (INSERT INTO entries AS l (id) SELECT l.id FROM entries l WHERE true RETURNING 1) SELECT count(*) FROM x",
		"MERGE INTO entries e USING (VALUES (3)) v(id) ON e.id = v.id WHEN NOT MATCHED THEN INSERT (id) VALUES (3)", "COPY entries (id) FROM STDIN", "COPY entries FROM STDIN", "INSERT INTO v_entries (id) VALUES (3)",
		"PREPARE p AS INSERT INTO entries AS l (id) SELECT l.id FROM entries l", "EXPLAIN ANALYZE INSERT INTO entries AS l (id) SELECT l.id FROM entries l WHERE l.id = 1",
	} {
		if got := transcript(t, c, text); !strings.Contains(got, "42501") || !strings.Contains(got, "filtered for you") || !strings.Contains(got, "remedy") {
			t.Errorf("%s: %s", text, got)
		}
		if got := told(t, s.raw(t), &pgproto3.Parse{Query: text}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{}); !strings.Contains(string(got), "42501") {
			t.Errorf("%s: %q", text, got)
		}
	}
	if got := count(t, "SELECT string_agg(id || ' ' || tenant || ' ' || note, ',' ORDER BY id) FROM entries"); got != "1 7 a,2 8 hidden" {
		t.Errorf("the table has %s", got)
	}
	if got := transcript(t, c, "UPDATE entries SET note = 'b'"); got != "UPDATE 1\n" {
		t.Errorf("what works instead: %s", got)
	}
}
