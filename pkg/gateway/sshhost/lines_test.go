package sshhost_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
)

const lineRules = `
version: 1
rules:
  - {name: look, effects: [read, session, unknown], ssh: {channels: [lines], operators: none, argv: [["echo", "*"], ["pwd"], ["cat", "*"], ["stty", "size"], ["cd", "/usr*"], ["false"]]}, verdict: allow}
  - {name: ask, ssh: {channels: [lines], operators: none, argv: [["touch", "*"]]}, effects: [write, session], verdict: approve, approval: {by: {groups: [ops]}, quorum: 1, hold: 20s, ttl: 10m}}
`

func TestEachLineIsJudgedAndRunsByItself(t *testing.T) {
	s := open(t, lineRules)
	before := shellRuns(t)
	p := s.sitDown(t)
	if got := p.types(t, "", "~> "); !strings.Contains(got, "line mode") || !strings.Contains(got, "effect shell") {
		t.Errorf("it says %q", got)
	}
	p.types(t, "echo one-$\x7fline\r", "\r\none-line\r\n", "~> ")
	p.types(t, "\x1b[A\r", "\r\none-line\r\n", "~> ")
	if got := p.types(t, "rm line-marker-1\r", "~> "); !strings.Contains(got, "hoop: no rule allows dev the effect delete") {
		t.Errorf("it says %q", got)
	}
	p.types(t, "echo line-marker-2; echo x\r", "hoop: no rule allows", "~> ")
	p.types(t, "stty size\r", "24 80", "~> ")
	// What is typed may overtake a size that nobody waits for the answer of.
	must(t, granted(p.x.SendRequest("window-change", true, ssh.Marshal(struct{ Columns, Rows, Width, Height uint32 }{100, 30, 0, 0}))))
	p.types(t, "stty size\r", "30 100", "~> ")
	p.types(t, "echo pasted-1\recho pasted-2\r", "pasted-2\r\n", "~> ")
	p.types(t, "echo line-marker-3\x03echo cleared\r", "\r\ncleared\r\n", "~> ")
	if log := serverLog(t); strings.Contains(log, "line-marker") || shellRuns(t) != before || !strings.Contains(log, "pasted-1") {
		t.Error("the host's log has what was refused")
	}
	must(t, p.leaves(t, "\x04"))
	text := s.recording(t)
	for _, want := range []string{`"what":"line"`, "line-marker-1", `"rule":"look"`, "(interactive shell)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the recording lacks %q", want)
		}
	}
}

func TestInterruptingALine(t *testing.T) {
	s := open(t, lineRules)
	s.desk.wait = make(chan string)
	p := s.sitDown(t)
	p.types(t, "", "~> ")
	p.types(t, "cat\r", "cat\r\n")
	p.types(t, "there\r", "there\r\nthere\r\n") // its own answer, behind the echo: it runs
	p.types(t, "\x03", "~> ")
	p.types(t, "touch interrupted-marker\r", "waiting for approval ap_1")
	p.types(t, "x\x03", "is withdrawn", "~> ")
	if s.desk.gone.Load() != 1 || s.desk.used.Load() != 0 || strings.Contains(serverLog(t), "interrupted-marker") {
		t.Error("what was taken back is not withdrawn, or ran")
	}
	p.types(t, "exit 300\r", "below 256", "~> ")
	var status *ssh.ExitError
	if err := p.leaves(t, "exit 5\r"); !errors.As(err, &status) || status.ExitStatus() != 5 {
		t.Errorf("it ends with %v", err)
	}
}

func TestLineModeKeepsTheDirectoryThatWasJudged(t *testing.T) {
	s := open(t, lineRules)
	log := since(t)
	got := s.shell(t, false, strings.Join([]string{
		"cd /usr/share/../lib", "pwd", "cd -", "cd -", "pwd", "cd /etc", "pwd", "cd no-such-place", "pwd", "echo dir-marker | cat",
		"cat passwd", "cd", "pwd", "false", "",
	}, "\n"))
	if want := strings.Repeat("/usr/lib\n", 4); !strings.HasPrefix(got.out, want) || got.status != 1 {
		t.Errorf("%+v", got)
	}
	home := strings.TrimPrefix(got.out, strings.Repeat("/usr/lib\n", 4))
	if strings.Contains(got.out, "root:") || strings.HasPrefix(home, "/usr/lib") {
		t.Errorf("%+v", got)
	}
	for _, never := range []string{"dir-marker", "cd /etc", "line-mode"} {
		if strings.Contains(log(), never) {
			t.Errorf("the host's log has %s", never)
		}
	}
}

func TestALinkLeadsToADirectoryThatIsJudgedToo(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		must(t, os.Chmod(d, 0o755))
	}
	must(t, os.Symlink("/etc", filepath.Join(dir, "out")))
	must(t, os.Mkdir(filepath.Join(dir, "it's here"), 0o755))
	must(t, os.Symlink("it's here", filepath.Join(dir, "in")))
	s := open(t, fmt.Sprintf(`
version: 1
rules: [{name: look, effects: [read, session], ssh: {channels: [lines], operators: none, argv: [["pwd"], ["cat", "*"], ["cd", "%s/*"]]}, verdict: allow}]`, dir))
	got := s.shell(t, false, "cd "+dir+"/out\npwd\ncat passwd\ncd "+dir+"/in\npwd\n")
	if strings.Contains(got.out, "root:") || strings.Count(got.out, "\n") != 2 || strings.Contains(got.out, "/etc") || !strings.HasSuffix(got.out, "\n"+dir+"/it's here\n") || got.status != 0 {
		t.Errorf("%+v", got)
	}
}

func TestAReviewerSeesAndApprovesWhatALineSends(t *testing.T) {
	s := open(t, lineRules)
	s.desk.state = api.ApprovalApproved
	got := s.shell(t, false, "cd /usr/lib\ntouch   'a b'\n")
	if len(s.desk.seen) == 0 {
		t.Fatalf("nobody was asked: %+v", got)
	}
	const sent = "cd /usr/lib || exit; touch 'a b'"
	if last := s.desk.seen[len(s.desk.seen)-1]; last.Command != "cd /usr/lib || exit; touch   'a b'" || !strings.Contains(serverLog(t), sent) {
		t.Errorf("asked for %q", last.Command)
	}
	elsewhere := open(t, lineRules)
	elsewhere.desk.state = api.ApprovalRejected
	elsewhere.shell(t, false, "touch 'a b'\n")
	if a, b := elsewhere.desk.seen[0], s.desk.seen[len(s.desk.seen)-1]; a.Digest == b.Digest {
		t.Error("what was approved for one directory is approved for another")
	}
}

// A rule that lists cat alone is for cat where the host puts it: somewhere else the same words read other files.
func TestARuleForAProgramHoldsInTheDirectoriesThatItLists(t *testing.T) {
	s := open(t, `
version: 1
rules:
  - {name: walk, effects: [session], ssh: {channels: [lines], argv: [["cd", "*"]]}, verdict: allow}
  - {name: look, effects: [read, session], ssh: {channels: [lines], argv: [["cat", "*"], ["cd", "/usr/*"]]}, verdict: allow}
`)
	got := s.shell(t, false, "cd /etc\ncat ./passwd\ncd /usr/lib\ncat os-release\n")
	if strings.Contains(got.out, "root:") || !strings.Contains(got.out, "NAME=") || strings.Contains(serverLog(t), "cat ./passwd") {
		t.Errorf("%+v", got)
	}
}

const allLines = `
version: 1
rules: [{name: all, effects: [read, write, execute, session, unknown], ssh: {channels: [lines]}, verdict: allow}]`

func TestTheEndOfASessionStopsALine(t *testing.T) {
	s := open(t, allLines)
	p := s.sitDown(t)
	p.types(t, "", "~> ")
	var pid int
	_, err := fmt.Sscan(p.types(t, "echo pid is $$; exec sleep 300\r", "pid is ", "\r\npid is ", "\r\n")[len("echo pid is $$; exec sleep 300\r\npid is "):], &pid)
	must(t, err)
	s.end(&api.Error{Code: api.CodeLocked, Message: "You were locked."})
	p.types(t, "", "You were locked.")
	within(t, "the line is gone", func() bool { return !alive(pid) })
}

// A client that sends without end, and leaves line mode by its first line, holds nothing up.
func TestWhatIsTypedBehindTheEndOfLineModeIsForNobody(t *testing.T) {
	s := open(t, allLines)
	if got := s.shell(t, false, "exit 3\n"+strings.Repeat("echo never\n", 40_000)); got.status != 3 || strings.Contains(got.out, "never") {
		t.Errorf("%d, %d bytes", got.status, len(got.out))
	}
	_ = s.client.Close()
	err := <-s.served
	s.served <- err
}

func TestARefusedLineWritesNoEscapes(t *testing.T) {
	s := open(t, lineRules)
	got := s.shell(t, false, "rm '\x1b]0;evil\a' \u202e\n'\x1b]0;evil\a\u202e' x\n\x1b[31m\ncd '\x1b[2J'\n")
	if strings.ContainsAny(got.errs+got.out, "\x1b\a\u202e") || !strings.Contains(got.errs, "no rule allows") {
		t.Errorf("%+q", got.errs+got.out)
	}
}

func TestLineModeNeedsARuleThatNamesIt(t *testing.T) {
	s := open(t, "version: 1\nrules: [{name: look, effects: [read, session, execute], verdict: allow}]\n")
	if got := s.shell(t, true, "echo x\r"); got.status != 126 || strings.Contains(got.errs, "line mode:") {
		t.Errorf("%+v", got)
	}
}
