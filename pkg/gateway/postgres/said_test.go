package postgres_test

import (
	"strings"
	"testing"
)

// What is not a row can carry as much: it counts as one.
func TestErrorsNoticesAndNotificationsCountAsRows(t *testing.T) {
	if err := server.Exec(`CREATE OR REPLACE FUNCTION public.loud(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..n LOOP RAISE NOTICE 'canary %', i; END LOOP; RETURN n; END $$`); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		limits   string
		messages []encoder
		ready    int
		want     string
	}{
		"errors of a grant": {"{name: few, rows: 3}", []encoder{&query{String: "SELECT 'a'::int"}, &query{String: "SELECT 'b'::int"}, &query{String: "SELECT 1 / 0"}, &query{String: "SELECT 'd'::int"}, &query{String: "SELECT 1"}}, 5,
			"E22P02 ZI E22P02 ZI E22012 ZI E53400 ZI E53400 ZI"},
		"their bytes":          {"{name: few, bytes: 1KiB}", []encoder{&query{String: "SELECT repeat('x', 700)::int"}, &query{String: "SELECT repeat('x', 700)::int"}}, 2, "E22P02 ZI E53400 ZI"},
		"an error behind rows": {fiveRows, []encoder{&query{String: "SELECT 1 / (6 - i) FROM generate_series(1, 9) i"}, &query{String: "SELECT 1"}}, 2, "T D D D D D E53400 ZI T D C ZI"},
		"errors of a batch":    {"{name: few, rows: 1}", append(append(extended("", "SELECT 1 / (i - 1) FROM generate_series(1, 2) i"), &syncing{}), append(extended("", "SELECT 1 / (i - 1) FROM generate_series(1, 2) i"), &syncing{})...), 2, "1 2 T E22012 ZI 1 2 T E53400 ZI"},
		"notices":              {fiveRows, []encoder{&query{String: "SELECT public.loud(4)"}, &query{String: "SELECT public.loud(1000)"}, &query{String: "SELECT 1"}}, 3, "T N N N N D C ZI T N N N N N N E53400 ZI T D C ZI"},
		"notifications":        {"{name: few, rows: 2}", []encoder{&query{String: "LISTEN loud"}, &query{String: "NOTIFY loud, 'a'"}, &query{String: "NOTIFY loud, 'b'"}, &query{String: "NOTIFY loud, 'c'"}}, 4, "C ZI C A ZI C A ZI C ZI"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := listen(t, limited(c.limits)).raw(t)
			if got := say(t, conn, c.ready, c.messages...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Rows that a foreign key changes are in no tag: a command whose rows must be counted may not change any.
func TestWhatAForeignKeyChangesBesidesCannotBeCounted(t *testing.T) {
	scratch(t, "kept_parent")
	if err := server.Exec("ALTER TABLE kept_parent ADD PRIMARY KEY (i); CREATE TABLE kept_child (p int REFERENCES kept_parent ON DELETE CASCADE); INSERT INTO kept_child SELECT i FROM kept_parent, generate_series(1, 50); ALTER TABLE kept_child OWNER TO agent"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Exec("DROP TABLE kept_child CASCADE") })
	s := listen(t, strings.Replace(allowAll, "verdict: allow}", "verdict: allow, max_rows_affected: 5}", 1))
	conn := s.raw(t)
	for text, want := range map[string]string{
		"DELETE FROM kept_parent WHERE i = 1":        "E42501 ZI",
		"DELETE FROM kept_child WHERE false":         "C ZI",
		"UPDATE kept_parent SET i = 100 WHERE i = 1": "E23503 ZI",
		"INSERT INTO kept_parent VALUES (11)":        "C ZI",
	} {
		if got := say(t, conn, 1, &query{String: text}); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	if got := count(t, "SELECT count(*) FROM kept_child"); got != "500" {
		t.Errorf("%s rows are left of 500", got)
	}
}
