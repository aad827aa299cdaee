package cli

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hoop": func() { Main("1.2.3") }})
}

// worldKey finds the world of a script.
type worldKey struct{}

func TestScripts(t *testing.T) {
	pg := pgtest.Start(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		Setup:               func(e *testscript.Env) error { return setup(t, pg, e) },
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "world": worldCmd, "await": await, "within": within, "terminate": terminate, "lastline": lastLine},
	})
}

func setup(t *testing.T, pg *pgtest.Server, e *testscript.Env) error {
	w := newWorld(e.T().(testing.TB), pg)
	e.Values[worldKey{}] = w
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.server.Certificate().Raw})
	if _, err := x509.ParseCertificate(w.server.Certificate().Raw); err != nil {
		return err
	}
	home := filepath.Join(e.WorkDir, "home")
	e.Setenv("HOME", home)
	e.Setenv("XDG_STATE_HOME", "")
	e.Setenv("XDG_CONFIG_HOME", "")
	e.Setenv("XDG_RUNTIME_DIR", "")
	e.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	e.Setenv("HOOP_BROKER", w.server.URL)
	e.Setenv("HOOP_CA_FILE", filepath.Join(e.WorkDir, "ca.pem"))
	e.Setenv("TZ", "UTC")
	kubectl, err := filepath.Abs("../../../.cache/k8s/clients/v36") // what the tests' dependencies brought wins
	if err != nil {
		return err
	}
	e.Setenv("PATH", kubectl+string(filepath.ListSeparator)+e.Getenv("PATH"))
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(e.WorkDir, "ca.pem"), ca, 0o644)
}

// exits runs a command that must exit with a code: exits CODE COMMAND ARGS...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want || neg {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// within is exits with a bound on the time: within DURATION CODE COMMAND ARGS...
func within(ts *testscript.TestScript, neg bool, args []string) {
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	begin := time.Now()
	exits(ts, neg, args[1:])
	if d := time.Since(begin); d > limit {
		ts.Fatalf("took %v, at most %v", d, limit)
	}
}

// lastline checks that the last line of a stream is an error object: lastline stderr CODE EXIT
func lastLine(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	var e struct {
		V         int
		Event     string
		Code      string
		Message   string
		ExitCode  int `json:"exit_code"`
		Retryable *bool
	}
	ts.Check(json.Unmarshal([]byte(lines[len(lines)-1]), &e))
	if e.V != 1 || e.Event != "error" || e.Code != args[1] || strconv.Itoa(e.ExitCode) != args[2] || e.Message == "" || e.Retryable == nil {
		ts.Fatalf("last line %s", lines[len(lines)-1])
	}
}

// await waits until a file has a text: await FILE TEXT
func await(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		b, _ := os.ReadFile(ts.MkAbs(args[0]))
		if strings.Contains(string(b), args[1]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s has no %q: %s", args[0], args[1], b)
		}
	}
}

// terminate sends a signal to the process that an events file names: terminate SIGNAL FILE
func terminate(ts *testscript.TestScript, _ bool, args []string) {
	signal := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}[args[0]]
	var ready struct{ PID int }
	line, _, _ := strings.Cut(ts.ReadFile(args[1]), "\n")
	ts.Check(json.Unmarshal([]byte(line), &ready))
	if ready.PID <= 1 {
		ts.Fatalf("no process in %s", line)
	}
	ts.Check(syscall.Kill(ready.PID, signal))
}

// grantOf is the grant that an events file names.
func grantOf(ts *testscript.TestScript, file string) string {
	var ready struct {
		GrantID string `json:"grant_id"`
	}
	line, _, _ := strings.Cut(ts.ReadFile(file), "\n")
	ts.Check(json.Unmarshal([]byte(line), &ready))
	return ready.GrantID
}

// worldCmd makes something happen: world WHAT ARGS...
func worldCmd(ts *testscript.TestScript, neg bool, args []string) {
	w := ts.Value(worldKey{}).(*world)
	switch args[0] {
	case "fail": // fail "METHOD /path" STATUS CODE MESSAGE
		status, err := strconv.Atoi(args[2])
		ts.Check(err)
		w.mu.Lock()
		defer w.mu.Unlock()
		message, err := strconv.Unquote(`"` + args[4] + `"`)
		ts.Check(err)
		w.fail[args[1]] = &api.Error{Status: status, Code: args[3], Message: message, Hint: "Do something else.", RequestID: "rq_7"}
	case "answer": // answer "METHOD /path" FILE
		var v any
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[2])), &v))
		w.mu.Lock()
		defer w.mu.Unlock()
		w.answers[args[1]] = v
	case "raw": // raw "METHOD /path" FILE
		w.mu.Lock()
		defer w.mu.Unlock()
		w.raw[args[1]] = []byte(ts.ReadFile(args[2]))
	case "asked": // asked "METHOD /path" TEXT
		w.mu.Lock()
		defer w.mu.Unlock()
		if strings.Contains(w.asked[args[1]], args[2]) == neg {
			ts.Fatalf("%s was asked %q", args[1], w.asked[args[1]])
		}
	case "event": // event TYPE
		w.announce(api.GrantEvent{Type: args[1], ApprovalID: "ap_1", ApprovalURL: "https://broker/approvals/ap_1", Command: "DELETE FROM a", By: "dba\x1b[31m", HoldUntil: time.Now().Add(45 * time.Second), ExpiresAt: time.Now().Add(time.Hour)})
	case "end": // end GRANT CODE
		w.end(args[1], args[2], "The grant was "+args[2]+".")
	case "over": // over FILE CODE MESSAGE: the grant of an events file, and nobody hears of it
		id := grantOf(ts, args[1])
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.over(id, args[2], args[3]) {
			ts.Fatalf("the grant %q is over", id)
		}
	case "end-of": // end-of FILE CODE: the grant of an events file
		w.end(grantOf(ts, args[1]), args[2], "The grant was "+args[2]+".")
	case "ended": // ended GRANT: by the client
		w.mu.Lock()
		defer w.mu.Unlock()
		if !strings.Contains(fmt.Sprint(w.ended), args[1]) {
			ts.Fatalf("ended: %v", w.ended)
		}
	case "life": // of access tokens
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.life = d
	case "polls":
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.polls = n
	case "record":
		w.record(ts)
	case "down":
		w.server.CloseClientConnections()
		_ = w.server.Listener.Close()
	default:
		ts.Fatalf("world can't %s", args[0])
	}
}
