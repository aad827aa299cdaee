package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/jackc/pgx/v5/pgconn"
)

// limited is allowAll with limits.
func limited(limits string) string { return allowAll + "limits: [" + limits + "]\n" }

const fiveRows = "{name: few, rows: 5, per: command}"

// scratch makes a table of ten rows at the target and takes it away again.
func scratch(t testing.TB, name string) {
	t.Helper()
	if err := server.Exec("DROP TABLE IF EXISTS " + name + "; CREATE TABLE " + name + " AS SELECT i FROM generate_series(1, 10) i; ALTER TABLE " + name + " OWNER TO agent"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Exec("DROP TABLE " + name) })
}

func TestNoRowBeyondALimitReachesTheClientAndTheSessionGoesOn(t *testing.T) {
	scratch(t, "limited_rows")
	one := func(text string) []encoder { return append(extended("", text), &syncing{}) }
	for name, c := range map[string]struct {
		messages []encoder
		ready    int
		want     string
	}{
		"simple":              {[]encoder{&query{String: "TABLE limited_rows"}, &query{String: "SELECT 1"}}, 2, "T D D D D D E53400 ZI T D C ZI"},
		"exactly as many":     {[]encoder{&query{String: "TABLE limited_rows LIMIT 5"}}, 1, "T D D D D D C ZI"},
		"extended":            {append(one("TABLE limited_rows"), one("SELECT 1")...), 2, "1 2 T D D D D D E53400 ZI 1 2 T D C ZI"},
		"without end":         {[]encoder{&query{String: "SELECT repeat('x', 10000), generate_series(1, 1000000000)"}, &query{String: "SELECT 1"}}, 2, "T D D D D D E53400 ZI T D C ZI"},
		"extended, no end":    {append(one("SELECT generate_series(1, 1000000000)"), one("SELECT 1")...), 2, "1 2 T D D D D D E53400 ZI 1 2 T D C ZI"},
		"in a transaction":    {[]encoder{&query{String: "BEGIN"}, &query{String: "TABLE limited_rows"}, &query{String: "SELECT 1"}, &query{String: "ROLLBACK"}}, 4, "C ZT T D D D D D E53400 ZE E25P02 ZE C ZI"},
		"back to a savepoint": {[]encoder{&query{String: "BEGIN"}, &query{String: "SAVEPOINT s"}, &query{String: "TABLE limited_rows"}, &query{String: "ROLLBACK TO s"}, &query{String: "SELECT 1"}, &query{String: "COMMIT"}}, 6, "C ZT C ZT T D D D D D E53400 ZE C ZT T D C ZT C ZI"},
		"a portal in pieces": {[]encoder{
			&parse{Query: "TABLE limited_rows"}, &bind{}, &execute{MaxRows: 3}, &execute{MaxRows: 3}, &execute{MaxRows: 3}, &syncing{}, &query{String: "SELECT 1"},
		}, 2, "1 2 D D D s D D E53400 ZI T D C ZI"},
		"COPY":          {[]encoder{&query{String: "COPY limited_rows TO STDOUT"}, &query{String: "SELECT 1"}}, 2, "H d d d d d E53400 ZI T D C ZI"},
		"COPY, binary":  {append(one("COPY limited_rows TO STDOUT"), &query{String: "SELECT 1"}), 2, "1 2 n H d d d d d E53400 ZI T D C ZI"},
		"a cursor":      {[]encoder{&query{String: "BEGIN; DECLARE c CURSOR FOR TABLE limited_rows"}, &query{String: "FETCH 3 FROM c"}, &query{String: "FETCH 9 FROM c"}, &query{String: "ROLLBACK"}}, 4, "C C ZT T D D D C ZT T D D D D D E53400 ZE C ZI"},
		"several texts": {[]encoder{&query{String: "SELECT 1; TABLE limited_rows; SELECT 2"}, &query{String: "SELECT 1"}}, 2, "T D C T D D D D E53400 ZI T D C ZI"},
		"what is behind it in the batch": {append(append(extended("", "TABLE limited_rows"), extended("", "DELETE FROM limited_rows")...), &syncing{}, &query{String: "SELECT count(*) FROM limited_rows"}), 2,
			"1 2 T D D D D D E53400 ZI T D C ZI"},
		"an error of its own": {[]encoder{&query{String: "SELECT 1/0"}, &query{String: "SELECT 1"}}, 2, "E22012 ZI T D C ZI"},
		"the empty text":      {[]encoder{&query{String: ""}, &query{String: "BEGIN"}, &query{String: "COMMIT"}}, 3, "I ZI C ZT C ZI"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := listen(t, limited(fiveRows)).raw(t)
			if got := say(t, conn, c.ready, c.messages...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	if got := count(t, "SELECT count(*) FROM limited_rows"); got != "10" {
		t.Errorf("%s rows are left of 10", got)
	}
}

func TestWhatAnswersTooMuchChangesNothing(t *testing.T) {
	scratch(t, "limited_changes")
	for name, c := range map[string]struct {
		messages []encoder
		ready    int
		want     string
	}{
		"simple":      {[]encoder{&query{String: "DELETE FROM limited_changes RETURNING i"}}, 1, "T D D D D D E53400 ZI"},
		"extended":    {append(extended("", "DELETE FROM limited_changes RETURNING i"), &syncing{}), 1, "1 2 T D D D D D E53400 ZI"},
		"a batch":     {append(append(extended("", "DELETE FROM limited_changes"), extended("", "TABLE pg_class")...), &syncing{}), 1, "1 2 n C 1 2 T D D D D D E53400 ZI"},
		"transaction": {[]encoder{&query{String: "BEGIN"}, &query{String: "DELETE FROM limited_changes RETURNING i"}, &query{String: "COMMIT"}}, 3, "C ZT T D D D D D E53400 ZE C ZI"},
		"many texts":  {[]encoder{&query{String: "DELETE FROM limited_changes; TABLE pg_class"}}, 1, "E42501 ZI"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := listen(t, limited(fiveRows)).raw(t)
			if got := say(t, conn, c.ready, c.messages...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if got := count(t, "SELECT count(*) FROM limited_changes"); got != "10" {
				t.Errorf("%s rows are left of 10", got)
			}
		})
	}
}

func TestAGrantsRowsAndBytesAreCountedOverAllItsSessions(t *testing.T) {
	for limit, texts := range map[string][2]string{
		"{name: some, rows: 12}":    {"SELECT generate_series(1, 10)", "SELECT generate_series(1, 10)"},
		"{name: some, bytes: 3KiB}": {"SELECT repeat('x', 2000)", "SELECT repeat('x', 2000)"},
	} {
		s := listen(t, limited(limit))
		first, second := s.client(t), s.client(t)
		if _, err := first.Exec(t.Context(), texts[0]).ReadAll(); err != nil {
			t.Fatal(err)
		}
		e := refusalOf(t, second, texts[1])
		if e.Code != "53400" || !strings.Contains(e.Detail, `"code":"limit_reached"`) || !strings.Contains(e.Detail, `"retryable":false`) ||
			!strings.Contains(e.Detail, `"resets_at":"`+s.tally.Ends().Format("2006-01-02T15:04:05Z")) {
			t.Errorf("%s: %+v", limit, e)
		}
		// From here on nothing is even sent.
		const canary = "SELECT 'never_sent_canary'"
		for _, c := range []*pgconn.PgConn{first, second} {
			if e := refusalOf(t, c, canary); e.Code != "53400" {
				t.Errorf("%s: %+v", limit, e)
			}
			if _, err := c.Exec(t.Context(), "BEGIN; COMMIT").ReadAll(); err != nil {
				t.Errorf("%s: a transaction can't be ended: %v", limit, err)
			}
		}
		if reached("never_sent_canary") {
			t.Errorf("%s: a command beyond the limit reached the target", limit)
		}
	}
}

func TestACommandBeyondThoseOfItsGrantIsNotSent(t *testing.T) {
	s := listen(t, limited("{name: three, commands: 3, per: grant}, {name: many, commands: 100}"))
	first, second := s.client(t), s.client(t)
	for _, c := range []*pgconn.PgConn{first, second} {
		if _, err := c.Exec(t.Context(), "BEGIN").ReadAll(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(t.Context(), "SELECT 1").ReadAll(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Exec(t.Context(), "COMMIT").ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	if e := refusalOf(t, first, "SELECT 'one_too_many_canary'; SELECT 2"); e.Code != "53400" || !strings.Contains(e.Message, "three") {
		t.Errorf("two statements in one text: %+v", e)
	}
	if r := second.ExecParams(t.Context(), "SELECT 1", nil, nil, nil, nil).Read(); r.Err != nil {
		t.Fatal(r.Err)
	}
	r := first.ExecParams(t.Context(), "SELECT 'one_too_many_canary'", nil, nil, nil, nil).Read()
	var e *pgconn.PgError
	if !errors.As(r.Err, &e) || e.Code != "53400" || !strings.Contains(e.Detail, `"rule":"three"`) {
		t.Errorf("got %v", r.Err)
	}
	if reached("one_too_many_canary") {
		t.Error("a command beyond the limit reached the target")
	}
}

func TestALimitThatCanNotBeCountedRefuses(t *testing.T) {
	s := listen(t, limited("{name: many, rows: 1000000}"))
	for name, tally := range map[string]*guard.Tally{"none": nil, "zero": {}} {
		s.tally = tally
		if e := refusalOf(t, s.client(t), "SELECT 1"); !strings.Contains(e.Detail, `"code":"uncountable"`) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestTheRecordingSaysThatACommandWasCutAndUndone(t *testing.T) {
	scratch(t, "limited_record")
	s := listen(t, limited(fiveRows))
	c := s.client(t)
	refusalOf(t, c, "DELETE FROM limited_record RETURNING i")
	got := s.recording(t, c)
	for _, want := range []string{`"code":"limit_reached"`, `"rows":5`, `"sqlstate":"53400"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

// refusalOf runs a text that must be refused.
func refusalOf(t testing.TB, c *pgconn.PgConn, text string) *pgconn.PgError {
	t.Helper()
	_, err := c.Exec(t.Context(), text).ReadAll()
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		t.Fatalf("%s: got %v, want a refusal", text, err)
	}
	return e
}

// reached asks the target's log whether a text got there.
func reached(text string) bool { return strings.Contains(server.Log(), text) }
