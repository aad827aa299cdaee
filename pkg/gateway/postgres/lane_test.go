package postgres_test

import (
	"encoding/binary"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// onlyReads allows nothing but reading.
const onlyReads = `
version: 1
reach: [{name: all, who: {groups: [developers]}, ttl: 30m}]
rules: [{name: read, who: {groups: [developers]}, effects: [read, session], verdict: allow}]
`

func TestNothingLeavesTheReadOnlyLane(t *testing.T) {
	scratch(t, "lane")
	to := target()
	to.ReadOnly = true
	s := listenFor(t, onlyReads, to)
	for _, text := range []string{
		"SET ROLE postgres", "SET SESSION AUTHORIZATION postgres", "RESET ALL", "DISCARD ALL", "SET default_transaction_read_only=off",
		"SET LOCAL default_transaction_read_only=off", "SET default_transaction_read_only TO DEFAULT", "RESET default_transaction_read_only",
		"SET transaction_read_only=off", "BEGIN READ WRITE", "BEGIN ISOLATION LEVEL SERIALIZABLE, READ WRITE", "START TRANSACTION READ WRITE",
		"SET TRANSACTION READ WRITE", "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "COMMIT; DROP TABLE lane", "COMMIT; SET TRANSACTION READ WRITE; DROP TABLE lane",
		"SELECT set_config('default_transaction_read_only', 'off', false)", "SELECT set_config('transaction_read_only', 'off', true)",
		"SELECT set_config('default_transaction_' || 'read_only', 'off', false)", "UPDATE pg_settings SET setting = 'off' WHERE name = 'default_transaction_read_only'",
		"ALTER ROLE agent SET default_transaction_read_only = off", "DO $$ BEGIN SET default_transaction_read_only = off; END $$",
		"DELETE FROM lane", "WITH x AS (DELETE FROM lane RETURNING i) SELECT * FROM x", "SELECT * FROM lane FOR UPDATE", "SELECT nextval('seq')",
	} {
		for _, open := range []string{"", "BEGIN"} {
			c := s.client(t)
			if _, err := c.Exec(t.Context(), open).ReadAll(); err != nil {
				t.Fatal(err)
			}
			refusalOf(t, c, text)
			if _, err := c.Exec(t.Context(), "ROLLBACK").ReadAll(); err != nil {
				t.Fatal(err)
			}
			for _, setting := range []string{"default_transaction_read_only", "transaction_read_only"} {
				if got := show(t, c, setting); got != "on" {
					t.Errorf("behind %q %q: %s is %s", open, text, setting, got)
				}
			}
		}
	}
	if got := count(t, "SELECT count(*) FROM lane"); got != "10" {
		t.Errorf("%s rows are left of 10", got)
	}
	c := s.client(t)
	for _, text := range []string{"BEGIN READ ONLY", "SET TRANSACTION READ ONLY", "COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "COMMIT"} {
		if _, err := c.Exec(t.Context(), text).ReadAll(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestASessionEntersAndLeavesTheLaneWithItsPolicy(t *testing.T) {
	scratch(t, "lane")
	s := listen(t, allowAll)
	c := s.client(t)
	if got := show(t, c, "transaction_read_only"); got != "off" {
		t.Fatalf("it begins with %s", got)
	}
	s.setPolicy(onlyReads)
	if got := show(t, c, "transaction_read_only"); got != "on" {
		t.Errorf("a tightened policy left it at %s", got)
	}
	refusalOf(t, c, "SET default_transaction_read_only = off")
	s.setPolicy(allowAll)
	if _, err := c.Exec(t.Context(), "DELETE FROM lane WHERE i = 1").ReadAll(); err != nil {
		t.Errorf("a loosened policy left it read-only: %v", err)
	}
	if got := count(t, "SELECT count(*) FROM lane"); got != "9" {
		t.Errorf("%s rows are left of 9", got)
	}
}

func TestATransactionThatAPolicyOvertakesReadsOnly(t *testing.T) {
	scratch(t, "lane")
	s := listen(t, allowAll)
	c := s.client(t)
	run := func(text string) {
		t.Helper()
		if _, err := c.Exec(t.Context(), text).ReadAll(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	run("BEGIN")
	run("DELETE FROM lane WHERE i = 1")
	run("SAVEPOINT s")
	s.setPolicy(onlyReads)
	if got := show(t, c, "transaction_read_only"); got != "on" {
		t.Errorf("the transaction goes on with %s", got)
	}
	run("ROLLBACK TO s")
	if got := show(t, c, "transaction_read_only"); got != "on" {
		t.Errorf("ROLLBACK TO made it %s", got)
	}
	run("COMMIT; BEGIN")
	if got := show(t, c, "transaction_read_only"); got != "on" {
		t.Errorf("a transaction begun with its end goes on with %s", got)
	}
	run("COMMIT")
	if got := show(t, c, "transaction_read_only"); got != "on" {
		t.Errorf("the next transaction has %s", got)
	}
	if got := count(t, "SELECT count(*) FROM lane"); got != "9" {
		t.Errorf("%s rows are left of 9: what was allowed when it ran could not be committed", got)
	}
	conn := s.raw(t)
	s.setPolicy(allowAll)
	say(t, conn, 1, &query{String: "SELECT 1"})
	if _, err := conn.Write(join(&parse{Query: "SELECT 1"}, &bind{}, &execute{}, &flushing{})); err != nil {
		t.Fatal(err)
	}
	answered(t, conn, 'C')
	s.setPolicy(onlyReads)
	if got := say(t, conn, 1, &parse{Query: "SELECT 2"}, &bind{}, &execute{}, &syncing{}); got != "E42501 ZI" {
		t.Errorf("a batch that began before: %s", got)
	}
	if got := say(t, conn, 1, &query{String: "SHOW transaction_read_only"}); got != "T D C ZI" {
		t.Errorf("behind it: %s", got)
	}
}

// show asks the target, in the client's session, for a setting.
func show(t testing.TB, c *pgconn.PgConn, setting string) string {
	t.Helper()
	got, err := c.Exec(t.Context(), "SHOW "+setting).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return string(got[0].Rows[0][0])
}

// answered reads up to a message of the given type.
func answered(t testing.TB, c io.Reader, last byte) {
	t.Helper()
	for header := make([]byte, 5); header[0] != last; {
		if _, err := io.ReadFull(c, header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(header[1:]))-4); err != nil {
			t.Fatal(err)
		}
	}
}
