package postgres_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgproto3/v2"
)

type flushing = pgproto3.Flush

func TestAStatementRunsNoLongerThanItsLimitWhateverTheClientSets(t *testing.T) {
	brief := func(time string) string {
		return limited("{name: brief, statement: " + time + "}, {name: long, statement: 1h}")
	}
	s := listen(t, brief("1m"))
	for _, before := range []string{
		"SELECT 1", "SET statement_timeout = 0", "SELECT set_config('statement_timeout', '0', false)",
		"DO $$ BEGIN PERFORM set_config('statement_timeout', '0', false); END $$", "BEGIN; SET LOCAL statement_timeout = '1h'",
	} {
		c := s.client(t)
		if _, err := c.Exec(t.Context(), before).ReadAll(); err != nil {
			t.Fatal(err)
		}
		s.setPolicy(brief("200ms")) // for what can't end by itself
		began := time.Now()
		e := refusalOf(t, c, "SELECT pg_sleep(20)")
		if e.Code != "57014" || !strings.Contains(e.Detail, `"rule":"brief"`) || time.Since(began) > 5*time.Second {
			t.Errorf("behind %s, after %s: %+v", before, time.Since(began), e)
		}
		s.setPolicy(brief("1m"))
		if r := c.ExecParams(t.Context(), "ROLLBACK", nil, nil, nil, nil).Read(); r.Err != nil {
			t.Errorf("behind it: %v", r.Err)
		}
		s.setPolicy(brief("200ms"))
		if r := c.ExecParams(t.Context(), "SELECT pg_sleep($1)", [][]byte{[]byte("20")}, nil, nil, nil).Read(); r.Err == nil || !strings.Contains(r.Err.Error(), "57014") {
			t.Errorf("extended: %v", r.Err)
		}
		s.setPolicy(brief("1m"))
	}
	if got := count(t, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'agent' AND state = 'active' AND query ~ 'pg_sleep'"); got != "0" {
		t.Errorf("%s still run at the target", got)
	}
}

func TestTheClientsOwnShorterTimeHolds(t *testing.T) {
	c := listen(t, limited("{name: brief, statement: 1h}")).client(t)
	if _, err := c.Exec(t.Context(), "SET statement_timeout = '50ms'").ReadAll(); err != nil {
		t.Fatal(err)
	}
	if e := refusalOf(t, c, "SELECT pg_sleep(20)"); e.Code != "57014" || strings.Contains(e.Message, "hoop") {
		t.Errorf("%+v", e)
	}
}

func TestATransactionThatIsIdleForTooLongIsEnded(t *testing.T) {
	scratch(t, "idle")
	for name, messages := range map[string][]encoder{
		"begun":            {&query{String: "BEGIN"}, &query{String: "DELETE FROM idle"}},
		"the client's own": {&query{String: "SET idle_in_transaction_session_timeout = 0"}, &query{String: "BEGIN; DELETE FROM idle"}},
		"aborted":          {&query{String: "BEGIN"}, &query{String: "SELECT 1/0"}},
		"without a Sync":   {&query{String: "SELECT 1"}, &parse{Query: "DELETE FROM idle"}, &bind{}, &execute{}, &flushing{}},
		"nor a Flush":      {&query{String: "SELECT 1"}, &parse{Query: "DELETE FROM idle"}, &bind{}, &execute{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, limited("{name: quick, idle_in_transaction: 200ms}"))
			outside := s.client(t)
			conn := s.raw(t)
			if _, err := conn.Write(join(messages...)); err != nil {
				t.Fatal(err)
			}
			all, err := io.ReadAll(conn)
			if err != nil || !strings.HasSuffix(summary(all), "E25P03") || !strings.Contains(string(all), "quick") {
				t.Errorf("%v, %s", err, summary(all))
			}
			if _, err := outside.Exec(t.Context(), "SELECT 1").ReadAll(); err != nil {
				t.Errorf("a session outside of a transaction ended too: %v", err)
			}
		})
	}
	if got := count(t, "SELECT count(*) FROM idle"); got != "10" {
		t.Errorf("%s rows are left of 10", got)
	}
}

func TestALongTransactionThatWorksIsNotIdle(t *testing.T) {
	c := listen(t, limited("{name: quick, idle_in_transaction: 1s}")).client(t)
	for _, text := range []string{"BEGIN", "SELECT pg_sleep(1.5)", "SELECT pg_sleep(0.1)", "SELECT pg_sleep(1.1)", "COMMIT"} {
		if _, err := c.Exec(t.Context(), text).ReadAll(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}
