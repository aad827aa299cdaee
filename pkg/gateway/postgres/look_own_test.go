package postgres_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// What a session reads for its own uncommitted definitions does not keep others' from it.
func TestOthersDefinitionsAreSeenInATransactionWithOwnOnes(t *testing.T) {
	admin(t, "DROP VIEW IF EXISTS v_moving; CREATE VIEW v_moving AS SELECT id, name AS v FROM users; GRANT SELECT ON v_moving TO agent")
	t.Cleanup(func() { admin(t, "DROP VIEW v_moving") }) // when the session that holds its lock is gone
	s := listen(t, allButMasks)
	a, b := s.client(t), s.client(t)
	for _, text := range []string{"BEGIN", "CREATE TABLE own_one(a int)", "SELECT * FROM own_one"} {
		if got := transcript(t, a, text); strings.Contains(got, "42") {
			t.Fatalf("%s: %s", text, got)
		}
	}
	admin(t, "CREATE OR REPLACE VIEW v_moving AS SELECT id, ssn AS v FROM users")
	for seen := false; !seen; { // it is promised within two seconds
		seen = strings.Contains(transcript(t, b, "SELECT v FROM v_moving"), "***")
	}
	if got := transcript(t, a, "SELECT v FROM v_moving"); !strings.Contains(got, "***") || strings.Contains(got, "123-45-6789") {
		t.Errorf("the session sees %s", got)
	}
}

// levels are the ways into a transaction that reads, of the catalog too, what was committed when it began.
func levels() map[string][]string {
	return map[string][]string{
		"repeatable read":   {"BEGIN ISOLATION LEVEL REPEATABLE READ"},
		"serializable":      {"BEGIN", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"},
		"by default":        {"SET default_transaction_isolation = 'repeatable read'", "BEGIN"},
		"after another one": {"BEGIN ISOLATION LEVEL REPEATABLE READ", "CREATE TABLE own_two(a int)", "SELECT * FROM own_two", "ROLLBACK; BEGIN ISOLATION LEVEL SERIALIZABLE"},
		"in one text":       {"BEGIN ISOLATION LEVEL REPEATABLE READ", "CREATE TABLE own_two(a int)", "SELECT * FROM own_two", "COMMIT AND CHAIN", "DROP TABLE own_two"},
	}
}

// moving is a view over a column that nobody masks, and b's notice that it shows a masked one by now.
func moving(t *testing.T, s *stand) (move func()) {
	t.Helper()
	change, b := movable(t), s.client(t)
	return func() {
		change()
		for seen := false; !seen; { // it is promised within two seconds
			seen = strings.Contains(transcript(t, b, "SELECT v FROM v_moving"), "***")
		}
	}
}

// Where a transaction's own definitions can't be read together with what others have committed since, nothing is understood.
func TestOthersDefinitionsEndATransactionThatCantSeeThem(t *testing.T) {
	for name, begin := range levels() {
		t.Run(name, func(t *testing.T) {
			s := listen(t, allButMasks)
			move := moving(t, s)
			a := s.client(t)
			for _, text := range append(begin, "SELECT count(*) FROM orders", "CREATE TABLE own_one(a int)", "SELECT * FROM own_one") {
				if got := transcript(t, a, text); strings.Contains(got, "42") && !strings.Contains(name, "one") {
					t.Fatalf("%s: %s", text, got)
				}
			}
			move()
			got := transcript(t, a, "SELECT v FROM v_moving")
			if strings.Contains(got, "123-45-6789") || !strings.Contains(got, "40001") || !strings.Contains(got, "began") || !strings.Contains(got, "Roll back and begin anew") {
				t.Errorf("the session sees %s", got)
			}
			for _, text := range []string{"ROLLBACK", "BEGIN ISOLATION LEVEL REPEATABLE READ", "CREATE TABLE own_one(a int)"} {
				if got := transcript(t, a, text); strings.Contains(got, "0001") {
					t.Errorf("%s: %s", text, got)
				}
			}
			if got := transcript(t, a, "SELECT v FROM v_moving"); !strings.Contains(got, "***") {
				t.Errorf("begun anew, the session sees %s", got)
			}
		})
	}
}

// A transaction that follows another one by AND CHAIN reads nothing of its own definitions for sure either, and nobody else has to have
// changed any: the refusal must not say so.
func TestAChainedTransactionIsNotToldThatSomebodyElseChangedDefinitions(t *testing.T) {
	a := listen(t, allButMasks).client(t)
	for _, text := range []string{"BEGIN ISOLATION LEVEL REPEATABLE READ", "CREATE TABLE own_chained(a int)", "SELECT * FROM own_chained", "COMMIT AND CHAIN"} {
		if got := transcript(t, a, text); strings.Contains(got, "0001") {
			t.Fatalf("%s: %s", text, got)
		}
	}
	t.Cleanup(func() { admin(t, "DROP TABLE own_chained") })
	got := transcript(t, a, "SELECT * FROM own_chained")
	if !strings.Contains(got, "40001") || strings.Contains(got, "Somebody else") || !strings.Contains(got, "AND CHAIN") || !strings.Contains(got, "Roll back and begin anew") {
		t.Errorf("it is told %s", got)
	}
	transcript(t, a, "ROLLBACK")
}

// What is changed before the transaction's first own definition is not in what it reads of the catalog either.
func TestDefinitionsThatChangedBeforeAnyOfItsOwnEndItToo(t *testing.T) {
	s := listen(t, allButMasks)
	move := moving(t, s)
	a := s.client(t)
	transcript(t, a, "BEGIN ISOLATION LEVEL REPEATABLE READ")
	transcript(t, a, "SELECT count(*) FROM orders") // takes the snapshot
	move()
	transcript(t, a, "SAVEPOINT one")
	if got := transcript(t, a, "SELECT v FROM v_moving"); !strings.Contains(got, "***") {
		t.Errorf("without definitions of its own the session sees %s", got)
	}
	transcript(t, a, "CREATE TABLE own_one(a int)")
	if got := transcript(t, a, "SELECT v FROM v_moving"); strings.Contains(got, "123-45-6789") || !strings.Contains(got, "40001") {
		t.Errorf("with them it sees %s", got)
	}
}

// A transaction that takes another one's snapshot reads what was committed before it began itself.
func TestDefinitionsAreNotReadInASnapshotThatSomebodyExportedBeforeTheyChanged(t *testing.T) {
	s := listen(t, allButMasks)
	move := moving(t, s)
	a, keeper := s.client(t), s.client(t)
	transcript(t, keeper, "BEGIN ISOLATION LEVEL REPEATABLE READ")
	rows, err := keeper.Exec(t.Context(), "SELECT pg_export_snapshot()").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	move()
	transcript(t, a, "BEGIN ISOLATION LEVEL REPEATABLE READ")
	if got := transcript(t, a, "SET TRANSACTION SNAPSHOT '"+string(rows[0].Rows[0][0])+"'"); got != "SET\n" {
		t.Fatalf("taken: %s", got)
	}
	if got := transcript(t, a, "SELECT v FROM v_moving"); !strings.Contains(got, "***") {
		t.Errorf("without definitions of its own the session sees %s", got)
	}
	transcript(t, a, "CREATE TABLE own_one(a int)")
	if got := transcript(t, a, "SELECT v FROM v_moving"); strings.Contains(got, "123-45-6789") || !strings.Contains(got, "40001") {
		t.Errorf("with them it sees %s", got)
	}
	transcript(t, a, "ROLLBACK")
	if got := transcript(t, a, "BEGIN ISOLATION LEVEL REPEATABLE READ; CREATE TABLE own_one(a int)"); strings.Contains(got, "40001") {
		t.Errorf("begun anew: %s", got)
	}
	if got := transcript(t, a, "SELECT v FROM v_moving"); !strings.Contains(got, "***") {
		t.Errorf("begun anew, the session sees %s", got)
	}
}

func TestATransactionThatCantSeeOthersDefinitionsMayEnd(t *testing.T) {
	s := listen(t, allButMasks)
	move := moving(t, s)
	a, raw := s.client(t), s.raw(t)
	t.Cleanup(func() { admin(t, "DROP TABLE IF EXISTS own_one, own_three") })
	transcript(t, a, "BEGIN ISOLATION LEVEL REPEATABLE READ")
	say(t, raw, 1, &query{String: "BEGIN ISOLATION LEVEL REPEATABLE READ"})
	say(t, raw, 1, &parse{Name: "end", Query: "COMMIT"}, &syncing{})
	transcript(t, a, "CREATE TABLE own_one(a int)")
	say(t, raw, 1, &query{String: "CREATE TABLE own_three(a int)"})
	move()
	if got := transcript(t, a, "COMMIT"); got != "COMMIT\n" {
		t.Errorf("it commits: %s", got)
	}
	if got := say(t, raw, 1, &bind{PreparedStatement: "end"}, &execute{}, &syncing{}); got != "2 C ZI" {
		t.Errorf("it commits what was prepared: %s", got)
	}
	if got := count(t, "SELECT count(*) FROM pg_class WHERE relname IN ('own_one', 'own_three')"); got != "2" {
		t.Errorf("%s of two are committed", got)
	}
}

// What others do that changes nothing for this session disturbs neither its transaction nor a batch in it.
func TestWhatOthersDoElsewhereDoesNotDisturbATransactionWithOwnDefinitions(t *testing.T) {
	for _, begin := range []string{"BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"} {
		t.Run(begin, func(t *testing.T) {
			s := listen(t, allButMasks)
			admin(t, "CREATE TABLE emptied(a int)")
			t.Cleanup(func() { admin(t, "DROP TABLE emptied") })
			raw, b := s.raw(t), s.client(t)
			elsewhere, err := pgconn.Connect(t.Context(), server.DSN())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = elsewhere.Close(context.Background()) })
			making := func(name string) {
				transcript(t, elsewhere, "CREATE TEMP TABLE "+name+"(a int primary key, b text DEFAULT 3 CHECK (b <> 'a')); CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
			}
			one := []encoder{&parse{Query: "SELECT * FROM own_four"}, &bind{}, &execute{}}
			say(t, raw, 1, &query{String: begin})
			making("theirs")
			if got := say(t, raw, 1, &query{String: "CREATE TABLE own_four(a int)"}); got != "C ZT" {
				t.Fatalf("made: %s", got)
			}
			if got := say(t, raw, 1, append(one, &syncing{})...); got != "1 2 C ZT" {
				t.Fatalf("read: %s", got)
			}
			if _, err := raw.Write(join(append(one, &flushing{})...)); err != nil {
				t.Fatal(err)
			}
			readUntil(t, raw, 'C')
			admin(t, "TRUNCATE emptied; REFRESH MATERIALIZED VIEW mv_users")
			making("theirs_too")
			transcript(t, b, "DROP TABLE no_such")
			transcript(t, b, "SELECT 1") // the gateway has read the catalog again
			if got := say(t, raw, 1, append(one, &syncing{})...); got != "1 2 C ZT" {
				t.Errorf("in a batch: %s", got)
			}
		})
	}
}

// In a batch nothing can be read again, so that what others change there ends it, but for what names nothing.
func TestOthersDefinitionsEndABatchWithOwnOnes(t *testing.T) {
	s := listen(t, allButMasks)
	move := moving(t, s)
	t.Cleanup(func() { admin(t, "DROP TABLE IF EXISTS own_nine") })
	reads, commits := s.raw(t), s.raw(t)
	for table, raw := range map[string]net.Conn{"own_one": reads, "own_nine": commits} {
		if got := say(t, raw, 2, &query{String: "BEGIN"}, &query{String: "CREATE TABLE " + table + "(a int)"}); got != "C ZT C ZT" {
			t.Fatalf("made: %s", got)
		}
		if _, err := raw.Write(join(&parse{Query: "SELECT * FROM " + table}, &bind{}, &execute{}, &flushing{})); err != nil {
			t.Fatal(err)
		}
		readUntil(t, raw, 'C')
	}
	move()
	a := told(t, reads, &parse{Query: "SELECT v FROM v_moving"}, &bind{}, &execute{}, &syncing{})
	if !strings.Contains(string(a), "Somebody else changed definitions while this batch was under way") {
		t.Errorf("got %q", a)
	}
	if got := say(t, reads, 1, &query{String: "ROLLBACK"}); got != "C ZI" {
		t.Errorf("it ends: %s", got)
	}
	if got := say(t, commits, 1, &parse{Query: "COMMIT"}, &bind{}, &execute{}, &syncing{}); got != "1 2 C ZI" {
		t.Errorf("it commits: %s", got)
	}
}

// readUntil reads whole messages up to one of a type.
func readUntil(t *testing.T, c io.Reader, last byte) {
	t.Helper()
	for {
		var head [5]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head[1:]))-4); err != nil {
			t.Fatal(err)
		}
		if head[0] == last {
			return
		}
	}
}
