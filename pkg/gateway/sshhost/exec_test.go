package sshhost_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
)

func TestAnAllowedCommandRunsAsItDoesWithoutHoop(t *testing.T) {
	s := open(t, allowAll)
	for _, c := range []struct {
		command string
		want    ran
	}{
		{"echo out; echo err >&2; exit 3", ran{out: "out\n", errs: "err\n", status: 3}},
		{"true", ran{}},
		{"kill -TERM $$", ran{signal: "TERM", status: 143}},
		{"id -un", ran{out: server.User + "\n"}},
		{"printf 'é\\0\\377'", ran{out: "é\x00\xff"}},
	} {
		got := s.run(t, c.command)
		if c.want.signal != "" {
			got.status = c.want.status
		}
		if got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.command, got, c.want)
		}
	}
}

func TestInputAndOutputGoThroughWhole(t *testing.T) {
	s := open(t, allowAll)
	in := make([]byte, 8<<20)
	_, err := rand.Read(in)
	must(t, err)
	got := s.runWith(t, "cat", func(x *ssh.Session) { x.Stdin = bytes.NewReader(in) })
	if got.status != 0 || got.out != string(in) {
		t.Fatalf("%d bytes came back with status %d (%s)", len(got.out), got.status, got.errs)
	}
	// A program that reads nothing ends all the same.
	if got := s.runWith(t, "exit 5", func(x *ssh.Session) { x.Stdin = bytes.NewReader(in) }); got.status != 5 {
		t.Errorf("status %d (%s)", got.status, got.errs)
	}
}

func TestARefusedCommandIsToldAndNeverSent(t *testing.T) {
	s := open(t, "version: 1\nrules: [{name: read, effects: [read], verdict: allow}]\n")
	got := s.run(t, "touch refused-marker-1")
	if got.status != 126 || got.out != "" {
		t.Errorf("%+v", got)
	}
	var object api.Refusal
	lines := strings.Split(strings.TrimSpace(got.errs), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &object); err != nil || object.Rule != "default" || object.DecisionID == "" || !strings.HasPrefix(lines[0], "hoop: ") {
		t.Errorf("stderr is %q (%v)", got.errs, err)
	}
	if strings.Contains(serverLog(t), "refused-marker-1") {
		t.Error("the host's log has it")
	}
	if got := s.recording(t); !strings.Contains(got, "refused-marker-1") || !strings.Contains(got, `"refused"`) {
		t.Errorf("the recording lacks it: %s", got)
	}
}

const holdAll = `
version: 1
rules: [{name: ask, effects: [read, execute, session, unknown], verdict: approve, approval: {by: {groups: [ops]}, quorum: 1, hold: 20s, ttl: 10m}}]
`

func TestAnApprovedCommandRunsOnceAndARejectedOneNever(t *testing.T) {
	s := open(t, holdAll)
	s.desk.state = api.ApprovalApproved
	got := s.run(t, "echo approved-marker")
	if got.out != "approved-marker\n" || got.status != 0 || !strings.Contains(got.errs, "waiting for approval ap_1") || s.desk.used.Load() != 1 {
		t.Errorf("%+v, used %d times", got, s.desk.used.Load())
	}
	s.desk.state = api.ApprovalRejected
	if got := s.run(t, "echo rejected-marker"); got.status != 126 || got.out != "" {
		t.Errorf("%+v", got)
	}
	if strings.Contains(serverLog(t), "rejected-marker") {
		t.Error("the host's log has it")
	}
}

func TestAClientThatLeavesWhileHeldNeverHasItsCommandRun(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		s := open(t, holdAll)
		s.desk.wait = make(chan string)
		x, err := s.client.NewSession()
		must(t, err)
		mark := fmt.Sprintf("vanished-marker-%v", terminal)
		if terminal {
			must(t, x.RequestPty("xterm", 24, 80, nil))
		}
		must(t, x.Start("echo "+mark))
		within(t, "it is asked for", func() bool { return s.desk.asked.Load() == 1 })
		must(t, s.client.Close())
		err = <-s.served
		s.served <- err
		if strings.Contains(serverLog(t), mark) || s.desk.used.Load() != 0 {
			t.Error("it ran")
		}
		if got := s.desk.gone.Load() == 1; got != terminal {
			t.Errorf("on a terminal %v: withdrawn %v", terminal, got)
		}
	}
}

func TestTheEndOfASessionStopsWhatRunsWithinASecond(t *testing.T) {
	s := open(t, allowAll)
	x, err := s.client.NewSession()
	must(t, err)
	var errs bytes.Buffer
	x.Stderr = &errs
	out, err := x.StdoutPipe()
	must(t, err)
	must(t, x.Start("echo $$; exec sleep 300"))
	var pid int
	_, err = fmt.Fscan(out, &pid)
	must(t, err)
	if !alive(pid) {
		t.Fatal("the command does not run")
	}
	began := time.Now()
	s.end(&api.Error{Code: api.CodeLocked, Message: "You were locked."})
	_, _ = io.Copy(io.Discard, out)
	_ = x.Wait()
	err = <-s.served
	s.served <- err
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if !strings.Contains(errs.String(), "You were locked.") {
		t.Errorf("the client was told %q", errs.String())
	}
	within(t, "the command is gone", func() bool { return !alive(pid) })
	if took := time.Since(began); took > time.Second {
		t.Errorf("the command went on for %v", took)
	}
}

func TestATerminalHasItsSizeAndSignalsArrive(t *testing.T) {
	s := open(t, allowAll)
	x, err := s.client.NewSession()
	must(t, err)
	must(t, x.RequestPty("xterm", 33, 77, nil))
	var out bytes.Buffer
	x.Stdout = &out
	must(t, x.Run("stty size; echo $TERM; echo $LANG"))
	if got := strings.Fields(out.String()); len(got) < 3 || got[0] != "33" || got[1] != "77" || got[2] != "xterm" {
		t.Errorf("got %q", got)
	}
	x, err = s.client.NewSession()
	must(t, err)
	o, err := x.StdoutPipe()
	must(t, err)
	must(t, x.Start("trap 'echo got it; exit 9' USR1; echo ready; while :; do sleep 0.05; done"))
	line := make([]byte, 6)
	_, err = io.ReadFull(o, line)
	must(t, err)
	must(t, x.Signal(ssh.SIGUSR1))
	rest, err := io.ReadAll(o)
	must(t, err)
	var status *ssh.ExitError
	if err := x.Wait(); !errors.As(err, &status) || status.ExitStatus() != 9 || string(rest) != "got it\n" {
		t.Errorf("%v, %q", err, rest)
	}
}

func TestSignalsAndSizesAreForTheirOwnCommand(t *testing.T) {
	s := open(t, allowAll)
	waits := "trap 'echo usr1; exit 9' USR1; trap 'echo winch' WINCH; echo ready; while :; do sleep 0.05; done"
	start := func() (*ssh.Session, io.Reader) {
		x, err := s.client.NewSession()
		must(t, err)
		o, err := x.StdoutPipe()
		must(t, err)
		must(t, x.Start(waits))
		_, err = io.ReadFull(o, make([]byte, len("ready\n")))
		must(t, err)
		return x, o
	}
	mine, out := start()
	other, rest := start()
	name := func(n string) []byte { return ssh.Marshal(struct{ N string }{n}) }
	log := since(t)
	for _, unknown := range []string{"WINCH", "STOP", "CONT", "usr1", "SIGUSR1", "USR1\x00", "", "9", "KILL ", "INT@openssh.com"} {
		if granted(mine.SendRequest("signal", true, name(unknown))) == nil {
			t.Errorf("the signal %q was taken", unknown)
		}
	}
	if granted(mine.SendRequest("signal", true, append(name("USR1"), 0))) == nil {
		t.Error("a signal with bytes behind it was taken")
	}
	if granted(mine.SendRequest("window-change", true, ssh.Marshal(struct{ A, B, C, D uint32 }{80, 24, 0, 0}))) == nil {
		t.Error("a size was taken without a terminal")
	}
	idle, _, err := s.client.OpenChannel("session", nil)
	must(t, err)
	if granted(idle.SendRequest("signal", true, name("USR1"))) == nil {
		t.Error("a signal was taken where nothing runs")
	}
	if got := log(); strings.Contains(got, "req signal") || strings.Contains(got, "req window-change") {
		t.Error("the host was told")
	}
	must(t, granted(mine.SendRequest("signal", true, name("USR1"))))
	got, err := io.ReadAll(out)
	must(t, err)
	if string(got) != "usr1\n" {
		t.Errorf("its command says %q", got)
	}
	var status *ssh.ExitError
	if err := mine.Wait(); !errors.As(err, &status) || status.ExitStatus() != 9 {
		t.Errorf("it ended with %v", err)
	}
	if granted(mine.SendRequest("signal", true, name("USR1"))) == nil {
		t.Error("a signal was taken by a channel that is over")
	}
	must(t, granted(other.SendRequest("signal", true, name("USR1")))) // it still runs, and is told for the first time
	got, err = io.ReadAll(rest)
	must(t, err)
	if string(got) != "usr1\n" {
		t.Errorf("the other command says %q", got)
	}
}
