package sshhost_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// shellRuns says how many shells the host's log has.
func shellRuns(t testing.TB) int {
	return strings.Count(serverLog(t), "Starting session: shell")
}

// shell asks for a shell, types, and answers how it ended.
func (s *session) shell(t testing.TB, terminal bool, typed string) ran {
	t.Helper()
	x, err := s.client.NewSession()
	must(t, err)
	defer func() { _ = x.Close() }()
	var out, errs bytes.Buffer
	x.Stdout, x.Stderr, x.Stdin = &out, &errs, strings.NewReader(typed)
	if terminal {
		must(t, x.RequestPty("xterm", 24, 80, nil))
	}
	must(t, x.Shell())
	err = x.Wait()
	got := ran{out: out.String(), errs: errs.String()}
	var status *ssh.ExitError
	switch {
	case errors.As(err, &status):
		got.status = status.ExitStatus()
	case err != nil:
		got.status, got.errs = -1, got.errs+err.Error()
	}
	return got
}

const allowShell = "version: 1\nrules: [{name: free, effects: [shell], ssh: {channels: [shell]}, verdict: allow}]\n"

func TestAShellThatARuleNamesRunsAndSaysWhatItIs(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		s := open(t, allowShell)
		before := shellRuns(t)
		var got ran
		if terminal {
			p := s.sitDown(t)
			got.out = p.types(t, "", "$ ") + p.types(t, "echo in-$((6*7))\r", "in-42\r\n")
			got.errs = got.out
			var status *ssh.ExitError
			if err := p.leaves(t, "exit 7\r"); errors.As(err, &status) {
				got.status = status.ExitStatus()
			}
		} else {
			got = s.shell(t, false, "echo in-$((6*7)); exit 7\n")
		}
		if got.status != 7 || !strings.Contains(got.out, "in-42") || shellRuns(t) != before+1 {
			t.Errorf("terminal %v: %+v", terminal, got)
		}
		if !strings.Contains(got.errs, "hoop: this shell is unrestricted and recorded") {
			t.Errorf("terminal %v: the client was told %q", terminal, got.errs)
		}
		if text := s.recording(t); !strings.Contains(text, `"what":"shell"`) || !strings.Contains(text, "in-42") || !strings.Contains(text, `"status":7`) {
			t.Errorf("terminal %v: the recording is %s", terminal, text)
		}
	}
}

func TestAPolicyThatNoLongerAllowsAShellEndsIt(t *testing.T) {
	s := open(t, allowShell)
	must(t, s.raw.SetDeadline(time.Now().Add(20*time.Second)))
	p := s.sitDown(t)
	p.types(t, "", "$ ")
	s.follow(t, strings.Replace(allowShell, "free", "other", 1))
	p.types(t, "echo still-$((6*7))\r", "still-42\r\n")
	s.follow(t, allowAll)
	file := filepath.Join(place(t), "late")
	var status *ssh.ExitError
	if err := p.leaves(t, "touch "+file+"\r"); !errors.As(err, &status) || status.ExitStatus() != 126 {
		t.Errorf("the shell ended with %v", err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a line ran that came behind the change: %v", err)
	}
}

func TestNoRuleForCommandsOpensAShell(t *testing.T) {
	for _, rules := range []string{
		allowAll, "version: 1\nrules: [{name: all, verdict: allow}]\n",
		`version: 1
rules: [{name: a, effects: [shell, execute], ssh: {argv: [["*", "*"], ["*"]]}, verdict: allow}, {name: b, effects: [execute], verdict: allow}]`,
		`version: 1
rules: [{name: a, effects: [shell], ssh: {operators: some}, verdict: allow}, {name: b, effects: [shell], ssh: {channels: [exec]}, verdict: allow}]`,
	} {
		s := open(t, rules)
		before := shellRuns(t)
		for _, terminal := range []bool{false, true} {
			got := s.shell(t, terminal, "touch shell-marker\n")
			if got.status != 126 || !strings.Contains(got.errs, "effect shell") || !strings.Contains(got.errs, "ssh HOST COMMAND") {
				t.Errorf("%s: %+v", rules, got)
			}
		}
		// A shell that a command starts on a terminal is one too.
		got := s.runWith(t, "env bash", func(x *ssh.Session) { must(t, x.RequestPty("xterm", 24, 80, nil)) })
		if got.status != 126 {
			t.Errorf("%s: env bash on a terminal: %+v", rules, got)
		}
		if shellRuns(t) != before || strings.Contains(serverLog(t), "shell-marker") || strings.Contains(serverLog(t), "env bash") {
			t.Errorf("%s: the host's log has a shell", rules)
		}
	}
}

func TestAShellCanWaitForAPerson(t *testing.T) {
	s := open(t, `version: 1
rules: [{name: ask, effects: [shell], verdict: approve, approval: {by: {groups: [ops]}, quorum: 1, hold: 20s, ttl: 10m}}]`)
	before := shellRuns(t)
	s.desk.state = api.ApprovalRejected
	if got := s.shell(t, false, "echo never\n"); got.status != 126 || shellRuns(t) != before || s.desk.seen[0].Command != "(interactive shell)" {
		t.Errorf("%+v, asked for %+v", got, s.desk.seen)
	}
	s.desk.state = api.ApprovalApproved
	if got := s.shell(t, false, "echo approved\n"); got.status != 0 || !strings.Contains(got.out, "approved") || s.desk.used.Load() != 1 {
		t.Errorf("an approved shell does not run: %+v", got)
	}
}

// typist is a person at a terminal.
type typist struct {
	x   *ssh.Session
	in  io.Writer
	out io.Reader

	held string
}

func (s *session) sitDown(t testing.TB) *typist {
	t.Helper()
	return sitDown(t, s.client)
}

func sitDown(t testing.TB, client *ssh.Client) *typist {
	t.Helper()
	x, err := client.NewSession()
	must(t, err)
	must(t, x.RequestPty("xterm", 24, 80, nil))
	p := &typist{x: x}
	out, w := io.Pipe()
	x.Stdout, x.Stderr, p.out = w, w, out
	p.in, err = x.StdinPipe()
	must(t, err)
	must(t, x.Shell())
	t.Cleanup(func() { _ = x.Close(); _ = out.Close() })
	return p
}

// leaves sends keys, after which line mode or a shell must end.
func (p *typist) leaves(t testing.TB, keys string) error {
	t.Helper()
	_, err := io.WriteString(p.in, keys)
	must(t, err)
	go func() { _, _ = io.Copy(io.Discard, p.out) }() // ends with the pipe, which the test's end closes
	return p.x.Wait()
}

// types sends keys and reads until some texts have come, one behind the other. What came behind them is for the next call.
func (p *typist) types(t testing.TB, keys string, until ...string) (got string) {
	t.Helper()
	_, err := io.WriteString(p.in, keys)
	must(t, err)
	for _, text := range until {
		if !strings.Contains(p.held, text) {
			p.held = awaitOutput(t, io.MultiReader(strings.NewReader(p.held), p.out), text)
		}
		before, behind, _ := strings.Cut(p.held, text)
		got, p.held = got+before+text, behind
	}
	return got
}
