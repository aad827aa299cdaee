package e2e

import (
	"encoding/json"
	"net"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestASignalEndsConnectWithItsClientsWithinTwoSeconds(t *testing.T) {
	w := shared
	l := w.user(t, "dev").open(t, "db-prod")
	ended := l.busy(t, 5)
	began := time.Now()
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.done:
	case <-time.After(2 * time.Second):
		t.Fatal("hoop connect goes on after SIGTERM")
	}
	if code := l.cmd.ProcessState.ExitCode(); code != 143 {
		t.Errorf("exit %d", code)
	}
	t.Logf("hoop connect ended after %s; its clients %s later", time.Since(began), ended(2*time.Second))
	if c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(l.port)); err == nil {
		_ = c.Close()
		t.Error("the port is still open")
	}
}

func TestASignalReachesTheChild(t *testing.T) {
	w := shared
	u := w.user(t, "dev")
	l := u.spawn(t, "connect", "db-prod", "--", "sh", "-c", `trap "echo caught; exit 7" TERM; echo started; while :; do sleep 0.05; done`)
	eventually(t, commandTime, "the child runs", func() bool { return strings.Contains(l.events.String(), "started") })
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.done:
	case <-time.After(5 * time.Second):
		t.Fatal("hoop connect goes on after its child's end")
	}
	if code := l.cmd.ProcessState.ExitCode(); code != 7 || !strings.Contains(l.events.String(), "caught") {
		t.Errorf("exit %d, the child said %q", code, l.events)
	}
}

func TestAKilledClientRollsBackWhatItLeftOpen(t *testing.T) {
	w := shared
	if _, err := w.past(t.Context(), "free", "CREATE TABLE left_open (id int); GRANT ALL ON left_open TO hoop"); err != nil {
		t.Fatal(err)
	}
	l := w.user(t, "agent").open(t, "db-free")
	c := l.dial(t)
	for _, sql := range []string{"BEGIN", "INSERT INTO left_open VALUES (1)"} {
		if _, err := c.simple(t, sql); err != nil {
			t.Fatal(err)
		}
	}
	open := func() bool {
		return w.asked(t, "free", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'free' AND usename = 'hoop' AND state = 'idle in transaction'") == "1"
	}
	if !open() {
		t.Fatal("no transaction is open at the target")
	}
	began := time.Now()
	if err := l.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-l.done
	eventually(t, 15*time.Second, "the target rolls back", func() bool { return !open() })
	t.Logf("rolled back after %s", time.Since(began))
	if w.asked(t, "free", "SELECT count(*) FROM left_open") != "0" {
		t.Fatal("it was committed")
	}
}

// lastLine reads the error object that hoop's stderr ends with.
func lastLine(t *testing.T, r result) (e struct {
	Code, Message, Hint string
	ExitCode            int `json:"exit_code"`
}) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &e); err != nil || e.Code == "" || e.Message == "" {
		t.Fatalf("stderr does not end with an error object: %s", r.stderr)
	}
	return e
}

func TestWithoutASignInNothingAsksOrHangs(t *testing.T) {
	u := shared.stranger(t)
	for _, args := range [][]string{{"connect", "db-prod"}, {"ls"}, {"approvals", "ls"}} {
		r := u.run(t, append(args, "-o", "json")...)
		if e := lastLine(t, r); r.code != 4 || e.ExitCode != 4 || e.Hint == "" || r.took > 2*time.Second {
			t.Errorf("hoop %v: exit %d after %s: %s", args, r.code, r.took, r.stderr)
		}
	}
	r := u.run(t, "connect", "db-prod", "-o", "json", "--", "true")
	if e := lastLine(t, r); r.code != 125 || e.ExitCode != 4 || r.took > 2*time.Second {
		t.Errorf("around a program: exit %d after %s: %s", r.code, r.took, r.stderr)
	}
}

func TestAPortThatIsTakenIsNotReplaced(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	r := shared.user(t, "dev").run(t, "connect", "db-prod", "--port", port, "-o", "json")
	if e := lastLine(t, r); r.code != 10 || e.ExitCode != 10 || !strings.Contains(e.Message+e.Hint, port) || r.stdout != "" {
		t.Fatalf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
}

func TestAWrongSecretOrDatabaseOpensNothing(t *testing.T) {
	w := shared
	l, from := w.user(t, "dev").open(t, "db-prod"), w.logged(t)
	before := backends(w.targetLog(t, 0))
	for what, c := range map[string]struct{ old, now, want string }{
		"password": {":" + l.pass + "@", ":wrong@", "28P01"},
		"database": {"/app", "/postgres", "3D000"},
	} {
		changed := *l
		if changed.url = strings.Replace(l.url, c.old, c.now, 1); changed.url == l.url {
			t.Fatalf("the URL has another form: no %q", c.old)
		}
		if _, err := changed.tryDial(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("another %s: %v", what, err)
		}
	}
	for pid := range backends(w.targetLog(t, from)) {
		if !before[pid] {
			t.Errorf("it reached the target, as [%s]: %s", pid, w.targetLog(t, from))
		}
	}
}

// backends are the target's processes that a part of its log is of. A session has one of its own; the gateway's question for
// changed definitions, every two seconds, keeps the one that it has.
func backends(log string) map[string]bool {
	pids := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\S+ \S+ UTC \[(\d+)\] `).FindAllStringSubmatch(log, -1) {
		pids[m[1]] = true
	}
	return pids
}
