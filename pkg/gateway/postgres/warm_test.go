package postgres_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/jackc/pgx/v5/pgconn"
)

// session runs f in one session and answers the process that served it.
func (s *stand) session(t testing.TB, settings string, f func(*pgconn.PgConn)) uint32 {
	t.Helper()
	c, err := pgconn.Connect(t.Context(), s.dsn()+settings)
	if err != nil {
		t.Fatal(err)
	}
	if f != nil {
		f(c)
	}
	// The last command of its own, which the gateway's look is told from: it fails in a failed transaction.
	_, _ = c.Exec(t.Context(), "SELECT 'its own'").ReadAll()
	pid := c.PID()
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return pid
}

// parked answers whether a process waits for its next session: its reset was its last command. Before that it is under way.
// A process that is gone is not parked.
func parked(t testing.TB, pid uint32) bool {
	t.Helper()
	for {
		switch count(t, fmt.Sprintf(`SELECT coalesce(max(CASE WHEN state = 'idle' AND query = 'DISCARD ALL' THEN 'parked' ELSE 'busy' END), 'gone')
FROM pg_stat_activity WHERE pid = %d`, pid)) {
		case "parked":
			return true
		case "gone":
			return false
		}
	}
}

// follow runs before and then after, until after was served by the process that before has left. While others are still
// being reset there may be no room for it.
func (s *stand) follow(t testing.TB, before, after func(*pgconn.PgConn)) {
	t.Helper()
	s.session(t, "", nil) // a grant's first session leaves nothing
	for tries := 0; ; tries++ {
		left := s.session(t, "", before)
		if !parked(t, left) {
			if tries > 100 {
				t.Fatal("the connection was not kept")
			}
			continue
		}
		for n := 0; n < 3; n++ { // it is kept an instant after its look
			if s.session(t, "", after) == left {
				return
			}
		}
	}
}

func runs(t testing.TB, c *pgconn.PgConn, sql string) string {
	t.Helper()
	results, err := c.Exec(t.Context(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var out []string
	for _, r := range results {
		for _, row := range r.Rows {
			for _, v := range row {
				out = append(out, string(v))
			}
		}
	}
	return strings.Join(out, " ")
}

// What a session can leave on a connection, and a question whose answer would show it.
func TestNothingOfASessionIsLeftForTheNextOneOnItsConnection(t *testing.T) {
	for name, c := range map[string]struct{ leave, look, want string }{
		"settings": {"SET statement_timeout = '77s'; SET work_mem = '7MB'; SET TimeZone = 'Asia/Tokyo'; SET application_name = 'canary'",
			"SELECT current_setting('statement_timeout'), current_setting('application_name'), current_setting('work_mem') = '7MB', current_setting('TimeZone') = 'Asia/Tokyo'", "0  f f"},
		"advisory locks": {"SELECT pg_advisory_lock(4711)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()", "0"},
		"channels":       {"LISTEN canary", "SELECT count(*) FROM pg_listening_channels()", "0"},
		"statements":     {"PREPARE canary AS SELECT 1", "SELECT count(*) FROM pg_prepared_statements", "0"},
		"cursors":        {"BEGIN; DECLARE canary CURSOR WITH HOLD FOR SELECT 1; COMMIT", "SELECT count(*) FROM pg_cursors", "0"},
		"read-only":      {"SET default_transaction_read_only = on", "SELECT current_setting('default_transaction_read_only')", "off"},
		"isolation":      {"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SELECT current_setting('transaction_isolation')", "read committed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, allowAll)
			s.follow(t, func(x *pgconn.PgConn) {
				for part := range strings.SplitSeq(c.leave, "; ") {
					runs(t, x, part)
				}
			}, func(x *pgconn.PgConn) {
				if got := runs(t, x, c.look); got != c.want {
					t.Errorf("%s: got %q, want %q", c.look, got, c.want)
				}
			})
		})
	}
}

func TestTheSameDrawIsNotForeseen(t *testing.T) {
	s := listen(t, allowAll)
	drawn := ""
	s.follow(t, func(x *pgconn.PgConn) {
		runs(t, x, "SELECT setseed(0.5)")
		drawn = runs(t, x, "SELECT random()")
		runs(t, x, "SELECT setseed(0.5)")
	}, func(x *pgconn.PgConn) {
		if got := runs(t, x, "SELECT random()"); got == drawn {
			t.Error("the next session draws what the one before it chose")
		}
	})
}

func TestWhatAResetCannotTakeAwayEndsTheConnection(t *testing.T) {
	if err := server.Exec("CREATE OR REPLACE FUNCTION public.own_function() RETURNS int LANGUAGE sql AS 'SELECT 1'"); err != nil {
		t.Fatal(err)
	}
	for name, leave := range map[string]func(*testing.T, *stand, *pgconn.PgConn){
		"temporary tables": func(t *testing.T, _ *stand, c *pgconn.PgConn) { runs(t, c, "CREATE TEMP TABLE canary(id int)") },
		"own functions":    func(t *testing.T, _ *stand, c *pgconn.PgConn) { runs(t, c, "SELECT public.own_function()") },
		"search path":      func(t *testing.T, _ *stand, c *pgconn.PgConn) { runs(t, c, "SET search_path = pg_catalog, public") },
		"unknown settings": func(t *testing.T, _ *stand, c *pgconn.PgConn) { runs(t, c, "SET canary.x = 'y'") },
		"an open transaction": func(t *testing.T, _ *stand, c *pgconn.PgConn) {
			runs(t, c, "BEGIN")
		},
		"a failed transaction": func(t *testing.T, _ *stand, c *pgconn.PgConn) {
			runs(t, c, "BEGIN")
			if _, err := c.Exec(t.Context(), "SELECT 1/0").ReadAll(); err == nil {
				t.Error("no error")
			}
		},
		"a cancel request": func(t *testing.T, s *stand, c *pgconn.PgConn) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			mark := fmt.Sprintf("warm%d", c.PID())
			go func() {
				_, err := c.Exec(context.WithoutCancel(ctx), "SELECT pg_sleep(30), '"+mark+"'").ReadAll()
				done <- err
			}()
			for count(t, fmt.Sprintf("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid = %d AND query LIKE '%%%s%%'", c.PID(), mark)) != "1" {
				continue
			}
			if err := c.CancelRequest(t.Context()); err != nil {
				t.Error(err)
			}
			if err := <-done; err == nil {
				t.Error("it was not cancelled")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, allowAll)
			s.session(t, "", nil)
			if parked(t, s.session(t, "", func(c *pgconn.PgConn) { leave(t, s, c) })) {
				t.Error("the connection was kept")
			}
		})
	}
}

func TestAConnectionIsKeptForItsGrantAndSettingsAlone(t *testing.T) {
	s := listen(t, allowAll)
	s.session(t, "", nil)
	left := s.session(t, "", nil)
	if !parked(t, left) {
		t.Fatal("the connection was not kept")
	}
	others := map[string]func() uint32{
		"other settings": func() uint32 { return s.session(t, "&application_name=other", nil) },
		"another grant": func() uint32 {
			s.mu.Lock()
			s.grant = "gr_other"
			s.mu.Unlock()
			return s.session(t, "", nil)
		},
		"the read-only lane": func() uint32 {
			s.mu.Lock()
			s.grant, s.target.ReadOnly = "gr_test", true
			s.mu.Unlock()
			return s.session(t, "", nil)
		},
	}
	for name, open := range others {
		for range 3 {
			if pid := open(); pid == left {
				t.Errorf("%s: served over the connection that was kept", name)
			}
		}
		if !parked(t, left) {
			t.Fatalf("%s: the connection was not kept meanwhile, so this shows nothing", name)
		}
	}
}

func TestTheEndOfAGrantClosesWhatIsKeptForIt(t *testing.T) {
	s := listen(t, allowAll)
	s.session(t, "", nil)
	open, err := pgconn.Connect(t.Context(), s.dsn()) // before there is one that it could take
	if err != nil {
		t.Fatal(err)
	}
	left := s.session(t, "", nil)
	if !parked(t, left) {
		t.Fatal("the connection was not kept")
	}
	s.protocol.GrantEnded("gr_other")
	if !parked(t, left) {
		t.Fatal("another grant's end closed it")
	}
	s.protocol.GrantEnded("gr_test")
	pid := open.PID()
	if err := open.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []uint32{left, pid} { // one whose reset is under way is closed behind it
		guardtest.Within(t, 10*time.Second, fmt.Sprintf("process %d is gone behind the grant's end", p), func() bool {
			return count(t, fmt.Sprintf("SELECT count(*) FROM pg_stat_activity WHERE pid = %d", p)) == "0"
		})
	}
}

func TestATargetThatEndsAKeptConnectionHurtsNobody(t *testing.T) {
	s := listen(t, allowAll)
	s.session(t, "", nil)
	left := s.session(t, "", nil)
	if !parked(t, left) {
		t.Fatal("the connection was not kept")
	}
	count(t, fmt.Sprintf("SELECT pg_terminate_backend(%d, 10000)", left))
	for range 3 {
		s.session(t, "", func(c *pgconn.PgConn) {
			if got := runs(t, c, "SELECT 'fine'"); got != "fine" || c.PID() == left {
				t.Errorf("got %q of process %d", got, c.PID())
			}
		})
	}
}

func TestALateCancelIsNotForTheNextSession(t *testing.T) {
	s := listen(t, allowAll)
	var before uint32
	s.follow(t, func(c *pgconn.PgConn) { before = binary.BigEndian.Uint32(c.SecretKey()) }, func(c *pgconn.PgConn) {
		if binary.BigEndian.Uint32(c.SecretKey()) == before {
			t.Error("the secret is the one of the session before")
		}
		late := binary.BigEndian.AppendUint32(nil, 16)
		late = binary.BigEndian.AppendUint32(late, 80877102)
		late = binary.BigEndian.AppendUint32(late, c.PID())
		late = binary.BigEndian.AppendUint32(late, before)
		done := make(chan error, 1)
		go func() {
			_, err := c.Exec(context.Background(), "SELECT pg_sleep(0.2)").ReadAll()
			done <- err
		}()
		for count(t, fmt.Sprintf("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid = %d", c.PID())) != "1" {
			if len(done) > 0 {
				break
			}
		}
		dialAndSend(t, s, late)
		if err := <-done; err != nil {
			t.Errorf("a late cancel reached the next session: %v", err)
		}
	})
}

func TestASessionOverAKeptConnectionIsRecordedAndJudged(t *testing.T) {
	s := listen(t, testPolicy)
	s.follow(t, func(c *pgconn.PgConn) { runs(t, c, "SELECT 1") }, func(c *pgconn.PgConn) {
		if got := runs(t, c, "SELECT ssn FROM users WHERE id = 1"); strings.Trim(got, "*") != "" {
			t.Errorf("a masked column reads %q", got)
		}
		if _, err := c.Exec(t.Context(), "DROP TABLE users").ReadAll(); err == nil {
			t.Error("what is denied ran")
		}
	})
	for { // the last session's recording is sealed
		s.mu.Lock()
		files, closed := s.files, len(s.closed)
		s.mu.Unlock()
		if closed < len(files) {
			continue
		}
		text, err := os.ReadFile(files[len(files)-1])
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"FROM users", "DROP TABLE users"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%q is not in the recording", want)
			}
		}
		return
	}
}

// What somebody gives to new connections in between holds for the next session, though a kept connection started without it.
func TestAKeptConnectionIsNotUsedOnceNewOnesStartDifferently(t *testing.T) {
	for name, change := range map[string][2]string{
		"of the role":     {"ALTER ROLE agent SET search_path = 'elsewhere', public", "ALTER ROLE agent RESET search_path"},
		"of the database": {"ALTER DATABASE " + server.Database + " SET search_path = 'elsewhere', public", "ALTER DATABASE " + server.Database + " RESET search_path"},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, allowAll)
			s.session(t, "", nil)
			left := s.session(t, "", nil)
			if !parked(t, left) {
				t.Fatal("the connection was not kept")
			}
			if err := server.Exec(change[0]); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = server.Exec(change[1]) })
			s.session(t, "", func(x *pgconn.PgConn) {
				if got := runs(t, x, "SHOW search_path"); got != "elsewhere, public" {
					t.Errorf("the next session has %q", got)
				}
			})
		})
	}
}
