package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgproto3/v2"
	"github.com/jackc/pgx/v5/pgconn"
)

// named is a statement with a comment at its beginning, by which the server's list of what runs shows whose it is.
func named(name, text string) string { return "/* " + name + " */ " + text }

// asleep is a statement that what comes behind it waits for, longer than it may and than any of these tests takes.
func asleep(name string) string { return named(name, "SELECT pg_sleep(60)") }

// resting is one that ends by itself, some time later.
func resting(name string) string { return named(name, "SELECT pg_sleep(9)") }

// heldUp sends messages behind which something waits, and answers once the target has begun with the one that is named so.
func heldUp(t *testing.T, c net.Conn, name string, messages ...encoder) {
	t.Helper()
	if _, err := c.Write(join(messages...)); err != nil {
		t.Fatal(err)
	}
	for looks := 0; count(t, "SELECT count(*) FROM pg_stat_activity WHERE (wait_event = 'PgSleep' OR wait_event_type = 'Lock') AND query LIKE '/* "+name+" */%'") != "1"; looks++ {
		if looks == 1000 {
			t.Fatalf("%s has not begun: %s", name, count(t, "SELECT string_agg(concat_ws(' ', state, wait_event, query), E'\n') FROM pg_stat_activity WHERE usename = 'agent'"))
		}
	}
}

// segments is how many ReadyForQuery messages are answered to messages.
func segments(messages []encoder) (n int) {
	for _, m := range messages {
		switch m.(type) {
		case *query, *syncing:
			n++
		}
	}
	return n
}

// movable is a view that shows what nobody masks, until move is called.
func movable(t *testing.T) (move func()) {
	t.Helper()
	admin(t, "DROP VIEW IF EXISTS v_moving; CREATE VIEW v_moving AS SELECT id, name AS v FROM users; GRANT SELECT ON v_moving TO agent")
	t.Cleanup(func() { admin(t, "DROP VIEW v_moving") })
	return func() { admin(t, "CREATE OR REPLACE VIEW v_moving AS SELECT id, ssn AS v FROM users") }
}

// locking takes locks in a transaction of somebody else's, which goes on until the test ends.
func locking(t *testing.T, text string) *pgconn.PgConn {
	t.Helper()
	c, err := pgconn.Connect(t.Context(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	transcript(t, c, "BEGIN; "+text)
	return c
}

// What waits at the target was judged by what its names meant when it came, so it does not run long after they mean something else.
func TestWhatWaitsDoesNotOutliveTheDefinitionsItWasJudgedBy(t *testing.T) {
	move := movable(t)
	scratch(t, "locked")
	s := listen(t, allButMasks)
	const reads = "SELECT v FROM v_moving"
	waits := map[string]func(string) []encoder{
		"in a pipeline": func(name string) []encoder {
			return []encoder{&query{String: asleep(name)}, &query{String: reads}}
		},
		"in a batch": func(name string) []encoder {
			return []encoder{&parse{Query: asleep(name)}, &bind{}, &execute{}, &parse{Query: reads}, &bind{}, &execute{}, &syncing{}}
		},
		"prepared before": func(name string) []encoder {
			return []encoder{&query{String: asleep(name)}, &bind{PreparedStatement: "before"}, &execute{}, &syncing{}}
		},
		"prepared in SQL": func(name string) []encoder {
			return []encoder{&query{String: asleep(name)}, &query{String: "EXECUTE earlier"}}
		},
		"bound to what SQL prepared": func(name string) []encoder {
			return []encoder{&query{String: asleep(name)}, &bind{PreparedStatement: "earlier"}, &execute{}, &syncing{}}
		},
		"in one text": func(name string) []encoder {
			return []encoder{&query{String: asleep(name) + "; " + reads}}
		},
		"in one transaction": func(name string) []encoder {
			return []encoder{&query{String: "BEGIN"}, &query{String: asleep(name) + "; " + reads}, &query{String: "COMMIT"}}
		},
		"beside own definitions": func(name string) []encoder {
			return []encoder{&query{String: asleep(name)}, &query{String: "SELECT v FROM v_moving, own_six"}}
		},
		"alone, for a lock": func(name string) []encoder {
			return []encoder{&query{String: named(name, "SELECT v FROM locked, v_moving")}}
		},
		"alone in a batch, for a lock": func(name string) []encoder {
			return []encoder{&parse{Query: named(name, "SELECT v FROM locked, v_moving")}, &bind{}, &execute{}, &syncing{}}
		},
	}
	locking(t, "LOCK TABLE locked")
	sessions := map[string]net.Conn{}
	for name, messages := range waits {
		c := s.raw(t)
		if got := say(t, c, 2, &parse{Name: "before", Query: reads}, &syncing{}, &query{String: "PREPARE earlier AS " + reads}); got != "1 ZI C ZI" {
			t.Fatalf("prepared: %s", got)
		}
		if strings.Contains(name, "own definitions") {
			say(t, c, 3, &query{String: "BEGIN"}, &query{String: "CREATE TABLE own_six(a int)"}, &query{String: "INSERT INTO own_six VALUES (1)"})
		}
		heldUp(t, c, name, messages(name)...)
		sessions[name] = c
	}
	move()
	for name, c := range sessions {
		a, err := readUntilReady(segments(waits[name]("")))(c)
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: the session goes on: %v", name, err)
		}
		text := string(a.Raw)
		if strings.Contains(text, "123-45-6789") {
			t.Errorf("%s: the client sees %q", name, text)
		}
		if !strings.Contains(text, "FATAL") || !strings.Contains(text, "C40001") || !strings.Contains(text, "Definitions changed while commands were waiting") || !strings.Contains(text, "Connect again") {
			t.Errorf("%s: it is told %q", name, text)
		}
	}
}

// What runs was understood when it began, what is answered soon never waits long, and what waits may where it means the same: none of
// them minds what others do elsewhere, nor what changes nothing for it.
func TestDefinitionsElsewhereEndNothing(t *testing.T) {
	t.Cleanup(func() {
		admin(t, "DROP TABLE IF EXISTS elsewhere, own_five, own_seven, own_eight; DROP FUNCTION IF EXISTS elsewhere(), public.lower(text)")
	})
	scratch(t, "rows_locked")
	locks := locking(t, "SELECT FROM rows_locked FOR UPDATE")
	s := listen(t, allButMasks)
	batch := func(texts ...string) (all []encoder) {
		for _, text := range texts {
			all = append(all, &parse{Query: text}, &bind{}, &execute{})
		}
		return append(all, &syncing{})
	}
	long := map[string]struct{ before, messages []encoder }{
		"a text":                   {nil, []encoder{&query{String: resting("a text")}}},
		"described":                {nil, []encoder{&parse{Query: resting("described")}, &bind{}, &pgproto3.Describe{ObjectType: 'P'}, &execute{}, &syncing{}}},
		"a pipeline":               {nil, []encoder{&query{String: resting("a pipeline")}, &query{String: "SELECT name FROM users WHERE id = 1"}, &query{String: "UPDATE orders SET total = total WHERE id = 10"}}},
		"a batch":                  {nil, batch(resting("a batch"), "SELECT name, ssn FROM users")},
		"the last of many":         {nil, []encoder{&query{String: named("the last of many", "SELECT name FROM users WHERE id = 1; SELECT 2; SELECT pg_sleep(9)")}}},
		"what has begun":           {nil, []encoder{&query{String: named("what has begun", "SELECT lower(name) FROM users, pg_sleep(9)")}}},
		"what has begun and waits": {nil, []encoder{&query{String: named("what has begun and waits", "UPDATE rows_locked SET i = i WHERE lower('A') = 'a'")}}},
		"prepared": {
			[]encoder{&query{String: "PREPARE named AS SELECT name FROM users"}},
			[]encoder{&query{String: resting("prepared")}, &query{String: "EXECUTE named"}, &bind{PreparedStatement: "named"}, &execute{}, &syncing{}},
		},
		"a cursor": {
			[]encoder{&query{String: "BEGIN"}, &query{String: "DECLARE c CURSOR FOR SELECT name, ssn FROM users"}},
			[]encoder{&query{String: resting("a cursor")}, &query{String: "FETCH c"}, &query{String: "MOVE c"}, &query{String: "COMMIT"}},
		},
		"own definitions": {
			[]encoder{&query{String: "BEGIN"}, &query{String: "CREATE TABLE own_five(a int)"}, &query{String: "CREATE TABLE own_seven(b text)"}, &query{String: "TABLE own_five"}},
			append(batch(resting("own definitions"), "INSERT INTO own_seven SELECT name FROM users", "SELECT * FROM own_seven, own_five", "SELECT name, ssn FROM users"), &query{String: "COMMIT"}),
		},
		"own definitions above READ COMMITTED": {
			[]encoder{&query{String: "BEGIN ISOLATION LEVEL REPEATABLE READ"}, &query{String: "CREATE TABLE own_eight(b text)"}, &query{String: "TABLE own_eight"}},
			append(batch(resting("own definitions above READ COMMITTED"), "INSERT INTO own_eight SELECT name FROM users"), &query{String: "COMMIT"}),
		},
	}
	answered := make(chan string, len(long))
	for name, x := range long {
		c := s.raw(t)
		if got := say(t, c, segments(x.before), x.before...); strings.Contains(got, "E") {
			t.Fatalf("before %s: %s", name, got)
		}
		heldUp(t, c, name, x.messages...)
		go func() {
			a, err := readUntilReady(segments(x.messages))(c)
			if got := summary(a.Raw); err != nil || strings.Contains(got, "E") || !strings.HasSuffix(got, "C ZI") {
				answered <- fmt.Sprintf("%s: %v, %q", name, err, a.Raw)
				return
			}
			answered <- ""
		}()
	}
	go func() { _, _ = locks.Exec(context.Background(), "SELECT pg_sleep(9); COMMIT").ReadAll() }()
	fast := s.raw(t)
	var short []encoder
	for range 200 {
		short = append(short, &query{String: "SELECT name FROM users"})
	}
	admin(t, "CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1'") // what has begun would mean another one now
	for left := len(long); left > 0; {
		admin(t, "DROP TABLE IF EXISTS elsewhere; CREATE TABLE elsewhere(a int); CREATE OR REPLACE FUNCTION elsewhere() RETURNS int LANGUAGE sql AS 'SELECT 1'")
		if got := say(t, fast, len(short), short...); strings.Contains(got, "E") {
			t.Fatalf("the pipeline: %s", got)
		}
		select {
		case wrong := <-answered:
			left--
			if wrong != "" {
				t.Error(wrong)
			}
		default:
		}
	}
}

// Where nobody can tell what names mean by now, nothing that waits may find it out.
func TestWhatWaitsEndsWhereDefinitionsCantBeRead(t *testing.T) {
	s := listen(t, allButMasks)
	waits, alone := s.raw(t), s.raw(t)
	heldUp(t, waits, "unread, waits", &query{String: asleep("unread, waits")}, &query{String: "SELECT name FROM users"})
	heldUp(t, alone, "unread, alone", &query{String: named("unread, alone", "SELECT pg_sleep(14)")})
	t.Cleanup(func() { admin(t, "ALTER ROLE agent CONNECTION LIMIT -1") })
	admin(t, "ALTER ROLE agent CONNECTION LIMIT 1; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'agent' AND query NOT LIKE '/* unread%'")
	if got, err := readUntilReady(2)(waits); !errors.Is(err, io.EOF) || !strings.Contains(string(got.Raw), "C40001") || !strings.Contains(string(got.Raw), "could not be read for too long") {
		t.Errorf("what waits: %v, %q", err, got.Raw)
	}
	if got, err := readUntilReady(1)(alone); err != nil || summary(got.Raw) != "T D C ZI" {
		t.Errorf("what does not: %v, %q", err, got.Raw)
	}
}

// What the target was sent and has not come to does not run once the session is over, although what it waited for is stopped.
func TestWhatWaitsDoesNotRunOnceTheSessionEnded(t *testing.T) {
	move := movable(t)
	admin(t, "CREATE TABLE taken(v text); GRANT ALL ON taken TO agent")
	t.Cleanup(func() { admin(t, "DROP TABLE taken") })
	for loops, how := range []string{"without a loop", "in a loop"} {
		for why, end := range map[string]func(*stand){"ended": func(s *stand) { s.end() }, "outdated": func(*stand) { move() }} {
			name := how + " " + why
			admin(t, "TRUNCATE taken; CREATE OR REPLACE VIEW v_moving AS SELECT id, name AS v FROM users")
			s := listenBy(t, protocolWith(t, loops), allButMasks, target())
			c := s.raw(t)
			heldUp(t, c, name, &query{String: asleep(name)}, &query{String: "INSERT INTO taken SELECT v FROM v_moving"}, &query{String: "INSERT INTO taken SELECT 'more'"})
			end(s)
			if got, err := readUntilReady(1)(c); !errors.Is(err, io.EOF) || !strings.Contains(string(got.Raw), "FATAL") {
				t.Errorf("%s: %v, %q", name, err, got.Raw)
			}
			for left := ""; left != "0"; {
				left = count(t, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '/* "+name+" */%' OR query LIKE 'INSERT INTO taken%'")
			}
			if got := count(t, "SELECT count(*) || ' ' || COALESCE(max(v), '') FROM taken"); got != "0 " {
				t.Errorf("%s: it has run: %s", name, got)
			}
		}
	}
}
