package localproxy_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

func (p *proxy) psql(t testing.TB, env []string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "psql", append([]string{"-XAtw"}, args...)...)
	cmd.Env = append(p.env(), env...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestPsqlWorksThroughTheListener(t *testing.T) {
	for name, change := range map[string]func(*localproxy.Options){
		"tcp":    nil,
		"socket": func(o *localproxy.Options) { o.SocketDir = t.TempDir() + "/s" },
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t, change)
			for _, env := range [][]string{nil, {"PGSSLMODE=prefer"}, {"PGUSER=anybody"}, {"PGGSSENCMODE=disable"}} {
				if out, err := p.psql(t, env, "-c", "select 6*7"); err != nil || out != "42" {
					t.Errorf("%v: %q (%v)", env, out, err)
				}
			}
			if out, err := p.psql(t, nil, "-d", p.Endpoint().URL(), "-c", "select 6*7"); err != nil || out != "42" {
				t.Errorf("by URL: %q (%v)", out, err)
			}
			connected := p.next(t, localproxy.ClientConnected)
			if connected.ClientID == "" || connected.Recording != "ses_1" {
				t.Errorf("event %+v", connected)
			}
			for p.next(t, localproxy.ClientClosed).ClientID != connected.ClientID { // a program that has left is not waited for by the next
			}
		})
	}
}

func TestMuchDataPassesUnchanged(t *testing.T) {
	p := serve(t, nil)
	const sum = "select md5(string_agg(repeat(g::text, 50), ',')) from generate_series(1, 40000) g"
	want, err := p.psql(t, nil, "-c", sum)
	must(t, err)
	cmd := exec.CommandContext(t.Context(), "sh", "-c",
		`psql -Xqw -c "copy (select repeat(g::text, 50) from generate_series(1, 40000) g) to stdout" |
		psql -XAtqw -c 'create temp table t(s text)' -c 'copy t from stdin' -c "select md5(string_agg(s, ',')) from t"`)
	cmd.Env = p.env()
	out, err := cmd.CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != want {
		t.Fatalf("%s (%v), want %s", got, err, want)
	}
}

func TestPsycopgWorksThroughTheListener(t *testing.T) {
	p := serve(t, nil)
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", `
import os, psycopg2
c = psycopg2.connect(os.environ["DATABASE_URL"])
cur = c.cursor()
cur.execute("select %s || 'b'", ("a",))
print(cur.fetchone()[0])
try:
    psycopg2.connect(os.environ["DATABASE_URL"], password="wrong")
except psycopg2.OperationalError as e:
    print("password authentication failed" in str(e))
`)
	cmd.Env = p.env()
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "ab\nTrue\n" {
		t.Fatalf("%s (%v)", out, err)
	}
}

func TestOnlyTheSecretOpensTheListener(t *testing.T) {
	p := serve(t, nil)
	for name, url := range map[string]string{
		"wrong":  strings.Replace(p.Endpoint().URL(), p.Endpoint().Password.Reveal(), strings.Repeat("x", 32), 1),
		"absent": strings.Replace(p.Endpoint().URL(), ":"+p.Endpoint().Password.Reveal(), "", 1),
		"prefix": strings.Replace(p.Endpoint().URL(), p.Endpoint().Password.Reveal(), p.Endpoint().Password.Reveal()[:31], 1),
	} {
		if err := connect(t, url); err == nil {
			t.Errorf("%s secret: let in", name)
		}
	}
	if n := p.gw.dials.Load(); n != 0 {
		t.Fatalf("%d tunnels were opened for programs without the secret", n)
	}
	must(t, connect(t, p.Endpoint().URL()))
}

// connect opens and closes one connection with pgx.
func connect(t testing.TB, url string) error {
	t.Helper()
	c, err := pgconn.Connect(t.Context(), url)
	if err != nil {
		return err
	}
	return c.Close(context.Background())
}

func TestAnotherDatabaseIsRefusedAfterTheSecret(t *testing.T) {
	p := serve(t, nil)
	err := connect(t, strings.Replace(p.Endpoint().URL(), "/postgres?", "/template1?", 1))
	wantState(t, err, "3D000")
	wrong := strings.Replace(p.Endpoint().URL(), "/postgres?", "/template1?", 1)
	wrong = strings.Replace(wrong, p.Endpoint().Password.Reveal(), "wrong", 1)
	wantState(t, connect(t, wrong), "28P01")
	if n := p.gw.dials.Load(); n != 0 {
		t.Errorf("%d tunnels were opened", n)
	}
}

func wantState(t testing.TB, err error, state string) *pgconn.PgError {
	t.Helper()
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != state || pg.Severity != "FATAL" {
		t.Fatalf("got %v, want FATAL %s", err, state)
	}
	return pg
}

func TestTheListenerStaysUpWhileThereIsNoTunnel(t *testing.T) {
	p := serve(t, nil)
	for _, c := range []struct{ code, state string }{
		{api.CodeUnreachable, "08006"}, {api.CodeTargetDown, "57P03"}, {api.CodeUnavailable, "57P03"},
		{api.CodeGrantEnded, "28000"}, {api.CodeDenied, "28000"}, {api.CodeTooMany, "53300"}, {"new_code", "XX000"},
	} {
		p.gw.fail.Store(&api.Error{Code: c.code, Message: "why\x00 not", Hint: "what next"})
		if pg := wantState(t, connect(t, p.Endpoint().URL()), c.state); pg.Message != "why not" || pg.Hint != "what next" {
			t.Errorf("said %q, %q", pg.Message, pg.Hint)
		}
	}
	if e := p.next(t, localproxy.Reconnecting); e.Err == nil || e.Err.Code != api.CodeUnreachable {
		t.Errorf("event %+v", e)
	}
	p.gw.fail.Store(nil)
	must(t, connect(t, p.Endpoint().URL()))
	p.next(t, localproxy.Reconnected)
}

func TestACancelReachesOnlyItsOwnSession(t *testing.T) {
	p := serve(t, nil)
	c, err := pgconn.Connect(t.Context(), p.Endpoint().URL())
	must(t, err)
	defer c.Close(context.Background())
	key := append([]byte{byte(c.PID() >> 24), byte(c.PID() >> 16), byte(c.PID() >> 8), byte(c.PID())}, c.SecretKey()...)

	key[len(key)-1] ^= 1
	raw := p.raw(t)
	_, err = raw.Write(append([]byte{0, 0, 0, byte(8 + len(key)), 4, 0xd2, 0x16, 0x2e}, key...))
	must(t, err)
	if n, err := raw.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("a cancel with a wrong key was answered")
	}
	if n := p.gw.dials.Load(); n != 1 {
		t.Fatalf("%d tunnels: the wrong cancel opened one", n)
	}

	ended := make(chan error, 1)
	go func() {
		_, err := c.Exec(context.Background(), "select pg_sleep(60)").ReadAll()
		ended <- err
	}()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for running := true; running; { // one that comes before the statement runs is lost, as it is without a proxy
		must(t, c.CancelRequest(t.Context()))
		select {
		case err = <-ended:
			running = false
		case <-again.C:
		}
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "57014" {
		t.Fatalf("got %v, want a cancelled statement", err)
	}
}
