package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// canary is a file on the host that a command would change.
func (w *world) canary(t *testing.T, name string) (path string) {
	t.Helper()
	if err := w.host.Sample("app/"+name, "alive\n"); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(w.host.Dir, "app", name)
}

func alive(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// hostLog is what reached the host, from a place in its log on.
func (w *world) hostLog(t *testing.T, from int) string {
	t.Helper()
	text, err := os.ReadFile(w.host.Log())
	if err != nil {
		t.Fatal(err)
	}
	return string(text[from:])
}

// refusalOf is the object on stderr of a command that a host's gateway refused.
func refusalOf(t *testing.T, stderr string) (r struct {
	Code, Rule, Message string
	Remedy              []struct{ Kind, Text string }
	ApprovalID          string `json:"approval_id"`
}) {
	t.Helper()
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &r) == nil && r.Code != "" {
			return r
		}
	}
	t.Fatalf("no refusal in %s", stderr)
	return r
}

func TestOrdinarySSHRunsCommandsOnAHost(t *testing.T) {
	dev := shared.user(t, "dev")
	release := shared.canary(t, "release.txt")
	if r := dev.run(t, "connect", "web-1", "--", "ssh", "web-1", "cat "+release+" | sort"); r.code != 0 || r.stderr != "" || r.stdout == "" {
		t.Fatalf("exit %d: %q %q", r.code, r.stdout, r.stderr)
	}
	// The program's own streams and code, a signal as ssh tells of it, and a host that is gone.
	for command, want := range map[string]result{
		"cat; echo on stderr >&2; exit 7": {stdout: "from stdin\n", stderr: "on stderr\n", code: 7},
		"kill -9 $$":                      {code: 255},
		"printf 'a\\0b' | od -An -c":      {stdout: "   a  \\0   b\n"},
	} {
		r := dev.runIn(t, "from stdin\n", "connect", "web-2", "--", "ssh", "web-2", command)
		if r.stdout != want.stdout || r.stderr != want.stderr || r.code != want.code {
			t.Errorf("%s: exit %d, %q, %q", command, r.code, r.stdout, r.stderr)
		}
	}
	// The line that it prints works as it stands in a shell.
	l := dev.spawn(t, "connect", "web-1")
	eventually(t, commandTime, "the line is printed", func() bool { return strings.HasSuffix(l.events.String(), "web-1\n") })
	if r := dev.program(t, "", "sh", "-c", strings.TrimSpace(l.events.String())+" uptime"); r.code != 0 || !strings.Contains(r.stdout, "load average") {
		t.Errorf("the printed line: %d %q %q", r.code, r.stdout, r.stderr)
	}
}

func TestARefusedCommandDoesNotReachTheHost(t *testing.T) {
	dev, from := shared.user(t, "dev"), len(shared.hostLog(t, 0))
	canary := shared.canary(t, "canary.refused")
	for _, command := range []string{"sh -c 'rm " + canary + "'", "python3 -c 'import os; os.remove(\"" + canary + "\")'", "uptime; curl http://127.0.0.1:1/" + canary} {
		r := dev.run(t, "connect", "web-1", "--", "ssh", "web-1", command)
		refusal := refusalOf(t, r.stderr)
		if r.code != 126 || r.stdout != "" || refusal.Code != "denied" || refusal.Rule != "default" || len(refusal.Remedy) == 0 {
			t.Errorf("%s: exit %d, %q, %+v", command, r.code, r.stdout, refusal)
		}
	}
	if !alive(canary) || strings.Contains(shared.hostLog(t, from), "canary.refused") {
		t.Error("it reached the host")
	}
}

func TestAnApprovedCommandRunsOnceOnTheHost(t *testing.T) {
	dev, dba := shared.user(t, "dev"), shared.user(t, "dba")
	canary, from := shared.canary(t, "canary.approved"), len(shared.hostLog(t, 0))
	l := dev.spawn(t, "connect", "web-1", "--", "ssh", "web-1", "rm "+canary)
	eventually(t, commandTime, "it says that it waits", func() bool {
		return strings.Contains(l.stderr.String(), "hoop: ") && len(dba.approvals(t, "canary.approved")) == 1
	})
	if !alive(canary) || strings.Contains(shared.hostLog(t, from), "canary.approved") {
		t.Fatal("it reached the host before it was approved")
	}
	dba.must(t, "approvals", "approve", dba.approvals(t, "canary.approved")[0].ID)
	select {
	case <-l.done:
	case <-time.After(commandTime):
		t.Fatal("it does not go on")
	}
	if code := l.cmd.ProcessState.ExitCode(); code != 0 || alive(canary) {
		t.Errorf("exit %d; the file is there: %v; %s", code, alive(canary), l.stderr)
	}
	if state := dba.approvals(t, "canary.approved")[0].State; state != "used" {
		t.Errorf("the request is %s", state)
	}
}

func TestHostsAndADatabaseAtOnce(t *testing.T) {
	const script = `ssh -F "$HOOP_SSH_CONFIG" web-1 uname -a && ssh -F "$HOOP_SSH_CONFIG" web-2 echo two && psql -XAtc 'SELECT count(*) FROM users'`
	r := shared.user(t, "dev").run(t, "connect", "web-1", "web-2", "db-prod", "--", "sh", "-c", script)
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if r.code != 0 || len(lines) != 3 || !strings.HasPrefix(lines[0], "Linux") || lines[1] != "two" || lines[2] != "1000" {
		t.Errorf("exit %d: %q %q", r.code, r.stdout, r.stderr)
	}
}

func TestASessionOnAHostIsListedAndReplayed(t *testing.T) {
	dev := shared.user(t, "dev")
	word := "replayed-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	for _, command := range []string{"echo " + word, "python3 " + word} {
		dev.run(t, "connect", "web-1", "--", "ssh", "web-1", command)
	}
	var list struct {
		Sessions []struct{ ID, Connection string }
	}
	dev.json(t, &list, "sessions", "ls")
	var replayed strings.Builder
	for _, s := range list.Sessions[:min(4, len(list.Sessions))] {
		if s.Connection == "web-1" {
			replayed.WriteString(dev.must(t, "sessions", "replay", s.ID))
			dev.must(t, "sessions", "verify", s.ID)
		}
	}
	for _, want := range []string{"echo " + word, word + "\n", "python3 " + word, "REFUSED"} {
		if !strings.Contains(replayed.String(), want) {
			t.Errorf("the replays lack %q: %s", want, replayed.String())
		}
	}
}

// sshConfig is a file with what `hoop ssh-config` prints.
func (u *user) sshConfig(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(u.must(t, "ssh-config")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (u *user) activeGrants(t *testing.T) (ids []string) {
	t.Helper()
	var list struct {
		Grants []struct {
			ID    string `json:"grant_id"`
			State string
		}
	}
	u.json(t, &list, "grants", "ls")
	for _, g := range list.Grants {
		if g.State == "active" {
			ids = append(ids, g.ID)
		}
	}
	return ids
}

func TestSSHReachesHostsByTheirNames(t *testing.T) {
	w := shared
	agent := w.user(t, "agent")
	config := agent.sshConfig(t)
	if r := agent.program(t, "", "ssh", "-F", config, "web-2", "cat; exit 3"); r.code != 3 || r.stderr != "" {
		t.Errorf("exit %d: %q", r.code, r.stderr)
	}
	if r := agent.program(t, "x\n", "ssh", "-F", config, "web-2", "cat"); r.code != 0 || r.stdout != "x\n" {
		t.Errorf("exit %d: %q %q", r.code, r.stdout, r.stderr)
	}
	if r := agent.program(t, "", "ssh", "-F", config, "web-1", "sudo id"); r.code != 126 || refusalOf(t, r.stderr).Rule != "default" {
		t.Errorf("exit %d: %q", r.code, r.stderr)
	}
	eventually(t, commandTime, "the grants are given back", func() bool { return len(agent.activeGrants(t)) == 0 })

	// Without a sign-in the key is worth nothing, and whoever has another key gets nowhere.
	stranger := w.stranger(t)
	stranger.env = append(agent.env, "HOOP_ID_TOKEN=")
	if r := stranger.program(t, "", "ssh", "-F", config, "web-2", "id"); r.code != 255 || !strings.Contains(r.stderr, "hoop login") {
		t.Errorf("without a sign-in: exit %d: %q", r.code, r.stderr)
	}
	other := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "IdentityFile") {
			line = "  IdentityFile " + other + "\n"
		}
		lines = append(lines, line)
	}
	if err := os.WriteFile(config, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := agent.program(t, "", "ssh", "-F", config, "web-2", "id"); r.code != 255 || !strings.Contains(r.stderr, "Permission denied") {
		t.Errorf("with another key: exit %d: %q", r.code, r.stderr)
	}
}

// runs tells whether a command with this word runs on the host.
func runs(t *testing.T, word string) bool {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(all) == 0 {
		t.Fatalf("processes can't be listed here: %v", err)
	}
	for _, name := range all {
		if line, err := os.ReadFile(name); err == nil && string(line) == "sleep\x00"+word+"\x00" {
			return true
		}
	}
	return false
}

// A real master: sessions over it are those of one grant, and none outlives it.
func TestAControlMasterDiesWithItsGrant(t *testing.T) {
	w := shared
	for name, config := range map[string]func(u *user) (string, string){
		"over ssh-proxy": func(u *user) (string, string) { return u.sshConfig(t), "" },
		"over hoop connect": func(u *user) (string, string) {
			l := u.open(t, "web-2")
			var said struct{ Env map[string]string }
			if err := json.Unmarshal([]byte(strings.SplitN(l.events.String(), "\n", 2)[0]), &said); err != nil {
				t.Fatal(err)
			}
			return said.Env["HOOP_SSH_CONFIG"], l.grant
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := w.user(t, "agent")
			eventually(t, commandTime, "earlier grants are over", func() bool { return len(u.activeGrants(t)) == 0 })
			file, grant := config(u)
			socket := filepath.Join(t.TempDir(), "mux")
			master := exec.Command("ssh", "-F", file, "-M", "-N", "-S", socket, "web-2")
			said := &text{}
			master.Env, master.Stderr = u.env, said
			if err := master.Start(); err != nil {
				t.Fatal(err)
			}
			masterOver := make(chan struct{})
			go func() { _ = master.Wait(); close(masterOver) }()
			t.Cleanup(func() { _ = master.Process.Kill(); <-masterOver })
			eventually(t, commandTime, "the master listens", func() bool {
				return exec.Command("ssh", "-F", "none", "-S", socket, "-O", "check", "web-2").Run() == nil
			})
			for range 3 {
				if r := u.program(t, "", "ssh", "-F", "none", "-S", socket, "web-2", "echo over the master"); r.stdout != "over the master\n" || r.code != 0 {
					t.Fatalf("exit %d: %q %q", r.code, r.stdout, r.stderr)
				}
			}
			active := u.activeGrants(t)
			if grant == "" && len(active) == 1 {
				grant = active[0]
			}
			if grant == "" {
				t.Fatalf("grants: %v", active)
			}
			word := strconv.Itoa(2_000_000+os.Getpid()) + "." + strconv.Itoa(len(name))
			session := exec.Command("ssh", "-F", "none", "-S", socket, "web-2", "sleep "+word)
			session.Env, session.Stderr = u.env, said
			if err := session.Start(); err != nil {
				t.Fatal(err)
			}
			sessionOver := make(chan struct{})
			go func() { _ = session.Wait(); close(sessionOver) }()
			t.Cleanup(func() { _ = session.Process.Kill(); <-sessionOver })
			eventually(t, commandTime, "the command runs", func() bool { return runs(t, word) })
			u.must(t, "grants", "end", grant)
			ended := time.Now()
			for what, over := range map[string]chan struct{}{"the session": sessionOver, "the master": masterOver} {
				select {
				case <-over:
				case <-time.After(10 * time.Second):
					t.Fatalf("%s goes on: %s", what, said)
				}
			}
			if took := time.Since(ended); took > time.Second {
				t.Errorf("it took %s", took)
			}
			eventually(t, time.Second, "the host runs nothing of it", func() bool { return !runs(t, word) })
			if code := session.ProcessState.ExitCode(); code == 0 {
				t.Error("a session that was cut exits 0")
			}
			if r := u.program(t, "", "ssh", "-F", file, "-S", socket, "web-2", "echo again"); name == "over hoop connect" && r.code != 255 {
				t.Errorf("after the grant's end: exit %d %q", r.code, r.stdout)
			}
		})
	}
}
