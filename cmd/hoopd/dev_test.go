package main_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
)

func refusedBy(t *testing.T, err error, rule string) {
	t.Helper()
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "42501" || !strings.Contains(pg.Detail, `"`+rule+`"`) {
		t.Fatalf("not refused by %s: %v", rule, err)
	}
}

func TestAPersonSignsInAtTheDevicePageAndQueriesThroughTheGateway(t *testing.T) {
	p := program(t).dev(t, stateDir(t))
	dev := p.signIn(t, "dev")
	who, err := dev.WhoAmI(t.Context())
	if err != nil || who.User != "dev" || len(who.Groups) != 1 || who.Groups[0] != "developers" || who.Type != "human" {
		t.Fatalf("who: %+v, %v", who, err)
	}
	conn := dev.connect(t)
	if got, err := query(t, conn, "SELECT id, email, ssn FROM users ORDER BY id LIMIT 3"); err != nil || strings.Contains(got, "@") || !strings.HasPrefix(got, "1|") {
		t.Fatalf("masked rows: %q, %v", got, err)
	}
	_, err = query(t, conn, "DROP TABLE orders")
	refusedBy(t, err, "default")
	if got, err := query(t, conn, "SELECT count(*) FROM users"); err != nil || got != "1000" {
		t.Fatalf("after a refusal: %q, %v", got, err)
	}
	if log := p.targetLog(t); !strings.Contains(log, "SELECT count(*) FROM") || strings.Contains(log, "DROP TABLE orders") {
		t.Fatal("the target's log lacks what ran, or has what was refused")
	}
	privacy := p.login(t, "privacy").connect(t)
	if got, err := query(t, privacy, "SELECT count(*) FROM users WHERE email LIKE '%@example.com'"); err != nil || got == "0" {
		t.Fatalf("privacy sees %q, %v", got, err)
	}
	again, err := p.client(t, "").Refresh(t.Context(), dev.session.RefreshToken)
	if err != nil || len(again.Identity.Groups) != 1 || again.Identity.Groups[0] != "developers" {
		t.Fatalf("the refresh, which asks the provider again: %+v, %v", again.Identity, err)
	}
	agent, err := p.login(t, "agent").WhoAmI(t.Context())
	if err != nil || agent.Type != "agent" || agent.Groups[0] != "agents" {
		t.Fatalf("agent: %+v, %v", agent, err)
	}
	if code, text := p.ready(t); code != http.StatusOK {
		t.Fatalf("/readyz: %d %s", code, text)
	}
	metrics, err := http.Get("http://127.0.0.1:" + strconv.Itoa(p.ports(t).Metrics) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text := body(t, metrics)
	for _, want := range []string{"hoop_commands_total{", "hoop_refusals_total{", "hoop_approvals_pending 0", "hoop_grants_active", "hoop_sessions_open", "hoop_grammar_workers_healthy 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

func TestAChangedPolicyIsInForceWithinASecond(t *testing.T) {
	p := program(t).dev(t, stateDir(t))
	path := filepath.Join(p.dir, "policy.yaml")
	sample, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	conn := p.login(t, "dev").connect(t)
	count := func() error { _, err := query(t, conn, "SELECT count(*) FROM orders"); return err }
	if err := count(); err != nil {
		t.Fatal(err)
	}

	// A changed rule judges the next command.
	write(strings.Replace(string(sample), "rules:\n", "rules:\n  - {name: no-orders, who: {users: [dev]}, objects: [public.orders], verdict: deny, message: Not now.}\n", 1))
	eventually(t, time.Second, "the new rule refuses", func() bool {
		var pg *pgconn.PgError
		return errors.As(count(), &pg) && pg.Code == "42501"
	})
	write(string(sample))
	eventually(t, time.Second, "the rule is gone", func() bool { return count() == nil })

	// A broken file, and one that fails its own tests, keep the last good one and say so.
	for _, broken := range []string{"version: 1\nrulez: []\n", strings.Replace(string(sample), "expect: allow, rule: read", "expect: deny", 1)} {
		write(broken)
		eventually(t, 5*time.Second, "/readyz tells of it", func() bool {
			code, text := p.ready(t)
			return code == http.StatusServiceUnavailable && strings.Contains(text, `"policy"`)
		})
		if err := count(); err != nil {
			t.Fatalf("with a broken file: %v", err)
		}
		if !strings.Contains(p.stderr(), "policy_broken") {
			t.Fatal("no alarm in the log")
		}
	}
	write(string(sample))
	eventually(t, 5*time.Second, "ready again", func() bool { code, _ := p.ready(t); return code == http.StatusOK })

	// A reach that is gone closes the sessions under it.
	write(strings.Replace(string(sample), "groups: [developers, agents, dba, privacy]}\n    on:", "groups: [agents, dba, privacy]}\n    on:", 1))
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err = conn.ReceiveMessage(ctx) // what is sent unasked: the end
	for err == nil {
		_, err = conn.ReceiveMessage(ctx)
	}
	if took := time.Since(began); took > time.Second || ctx.Err() != nil {
		t.Fatalf("the session closed after %s (%v)", took, err)
	}
}

func TestTwoRunSideBySideAndNoneSharesAFolder(t *testing.T) {
	h := program(t)
	dir := stateDir(t)
	first := h.dev(t, dir)
	_, stderr, code := h.run(t, "dev", "--state", dir)
	if code != 2 || !strings.Contains(stderr, "another hoopd dev runs in") {
		t.Fatalf("a second one in the same folder: %d %s", code, stderr)
	}
	second := h.dev(t, stateDir(t))
	for _, p := range []*process{first, second} {
		if got, err := query(t, p.login(t, "dev").connect(t), "SELECT count(*) FROM users"); err != nil || got != "1000" {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

func TestASignalStopsEverythingAndSealsRecordings(t *testing.T) {
	h := program(t)
	p := h.dev(t, stateDir(t))
	ports := p.ports(t)
	conn := p.login(t, "dev").connect(t)
	if _, err := query(t, conn, "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	if len(p.relatives(t)) < 3 {
		t.Fatalf("this test finds too few processes: %v", p.relatives(t))
	}
	p.signal(syscall.SIGTERM)
	if !p.ended(20*time.Second) || p.cmd.ProcessState.ExitCode() != 0 {
		t.Fatalf("exit: %v\n%s", p.cmd.ProcessState, p.stderr())
	}
	eventually(t, 5*time.Second, "no process is left", func() bool { return len(p.relatives(t)) == 0 })
	if _, err := os.Stat(filepath.Join(p.dir, "env")); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("env is still there")
	}
	// The next start has the same ports, the same data, and knows how the session ended.
	p = h.dev(t, p.dir)
	if p.ports(t) != ports {
		t.Fatal("the ports changed")
	}
	sessions, err := p.login(t, "dev").Sessions(t.Context())
	if err != nil || len(sessions) < 2 {
		t.Fatalf("sessions: %+v, %v", sessions, err)
	}
	for _, s := range sessions {
		if s.State == "crashed" || s.Client != "hoopd-dev-check" && s.State != "sealed" {
			t.Errorf("session %s (%s) is %s", s.ID, s.Client, s.State)
		}
	}
}

func TestAKilledOneIsTakenOver(t *testing.T) {
	h := program(t)
	p := h.dev(t, stateDir(t))
	conn := p.login(t, "dev").connect(t)
	if _, err := query(t, conn, "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGKILL)
	<-p.done
	again := h.dev(t, p.dir)
	security := again.login(t, "security")
	sessions, err := security.Sessions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	crashed := 0
	for _, s := range sessions {
		if s.State == "crashed" {
			crashed++
		}
	}
	if crashed != 1 {
		t.Fatalf("%d sessions are known to have crashed: %+v", crashed, sessions)
	}
	if got, err := query(t, again.login(t, "dev").connect(t), "SELECT count(*) FROM users"); err != nil || got != "1000" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestAGivenDatabaseIsUsedAsItIs(t *testing.T) {
	h := program(t)
	db := pgtest.Start(t)
	for _, sql := range []string{
		"CREATE TABLE users (id int, email text)", "INSERT INTO users VALUES (1, 'real@example.com')",
		"CREATE ROLE app LOGIN PASSWORD 'app-secret'", "GRANT SELECT ON users TO app",
	} {
		if err := db.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
	before := db.Log()
	dir := stateDir(t)
	p := h.dev(t, dir, "--postgres", db.DSNFor("app", "app-secret", "postgres"))
	if got, err := query(t, p.login(t, "dev").connect(t), "SELECT id, email FROM users"); err != nil || !strings.HasPrefix(got, "1|") || strings.Contains(got, "@") {
		t.Fatalf("%q, %v", got, err)
	}
	for line := range strings.Lines(strings.TrimPrefix(db.Log(), before)) {
		_, statement, _ := strings.Cut(line, "statement: ")
		for _, word := range []string{"INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "GRANT", "DROP", "COPY"} {
			if strings.HasPrefix(strings.ToUpper(statement), word) {
				t.Errorf("it wrote: %s", line)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
		t.Error("a private cluster was made too")
	}
	if strings.Contains(p.stderr(), "app-secret") {
		t.Error("the log holds the password")
	}
	p.signal(syscall.SIGTERM)
	<-p.done
	if _, stderr, code := h.run(t, "dev", "--state", dir); code != 2 || !strings.Contains(stderr, "--postgres") {
		t.Errorf("the same folder without the database: %d %s", code, stderr)
	}
}

// stopped is the folder of a hoopd dev that ran and was stopped.
func stopped(t *testing.T) string {
	t.Helper()
	p := program(t).dev(t, stateDir(t))
	p.signal(syscall.SIGTERM)
	<-p.done
	return p.dir
}

func TestAFolderThatBecameUnsafeIsRefusedAndServeTakesASafeOne(t *testing.T) {
	h := program(t)
	dir := stopped(t)
	for _, key := range []string{"state/https-ca.key", "state/gateway-ca.key", "state/grant-ca.key", "provider.key"} {
		path := filepath.Join(dir, key)
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		_, stderr, code := h.run(t, "dev", "--state", dir)
		if code == 0 || !strings.Contains(stderr, filepath.Base(key)) || !strings.Contains(stderr, "can be read by others") {
			t.Errorf("%s: %d %s", key, code, stderr)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	// What people changed is kept, and held to loopback by dev; serve listens where it is told to.
	path := filepath.Join(dir, "hoopd.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "listen: 127.0.0.1", "listen: 0.0.0.0", 1)
	changed = strings.Replace(changed, "tls: {mode: disable}", "tls: {mode: require}", 1)
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := h.run(t, "dev", "--state", dir); code != 2 || !strings.Contains(stderr, "listens on loopback alone") {
		t.Errorf("a listener for everybody: %d %s", code, stderr)
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != changed {
		t.Error("hoopd.yaml was written over")
	}
	p := h.start(t, dir, "serve", "-c", path)
	eventually(t, startTime, "hoopd serve is ready", func() bool { return strings.Contains(p.stderr(), `"serving"`) })
	if code, text := p.ready(t); code != http.StatusOK || !strings.Contains(text, "not verified in full") {
		t.Errorf("/readyz: %d %s", code, text)
	}
	p.signal(syscall.SIGINT)
	if !p.ended(20*time.Second) || p.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("exit: %v", p.cmd.ProcessState)
	}
}
