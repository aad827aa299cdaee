package main_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// host signs in to web-1 through the gateway.
func (who person) host(t *testing.T) *ssh.Client {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hostPublic, hostPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	open, _, err := who.ask(t, tunnel.Hello{Connection: "web-1", SSH: &tunnel.SSH{Client: public, Host: hostPrivate.Seed()}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := ssh.NewPublicKey(hostPublic)
	if err != nil {
		t.Fatal(err)
	}
	conn, channels, requests, err := ssh.NewClientConn(raw, "web-1", &ssh.ClientConfig{
		User: "anybody", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(shown), Timeout: 30 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := ssh.NewClient(conn, channels, requests)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// onHost runs a command there, and answers what it said on both streams and how it ended.
func onHost(t *testing.T, c *ssh.Client, command string) (said string, status int) {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	out, err := s.CombinedOutput(command)
	var exit *ssh.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v (%s)", command, err, out)
	}
	if exit != nil {
		return string(out), exit.ExitStatus()
	}
	return string(out), 0
}

func (p *process) hostLog(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "web-1", "log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheSampleHostRunsWhatTheSamplePolicyAllows(t *testing.T) {
	p := program(t).dev(t, stateDir(t))
	c := p.login(t, "dev").host(t)
	release := filepath.Join(p.dir, "web-1", "app", "release.txt")
	if said, status := onHost(t, c, "cat "+release+" | sort"); said != "2026.11.3\n" || status != 0 {
		t.Fatalf("a diagnosis: %q, %d", said, status)
	}
	for command, rule := range map[string]string{
		"cat /etc/passwd": "default", "sudo -n rm " + release: "default", "cat " + release + " /etc/passwd": "default", "python3 -c pass": "default",
	} {
		if said, status := onHost(t, c, command); status != 126 || !strings.Contains(said, `"rule":"`+rule+`"`) {
			t.Errorf("%s: %d, %s", command, status, said)
		}
	}
	if said, status := onHost(t, p.login(t, "agent").host(t), "uname -a"); status != 0 || said == "" {
		t.Errorf("an agent's diagnosis: %d, %s", status, said)
	}
	log := p.hostLog(t)
	if !strings.Contains(log, `hoop web-1 for "dev"`) {
		t.Error("the host's log does not say for whom the certificate was")
	}
	for _, never := range []string{"/etc/passwd", "sudo", "python3"} {
		if strings.Contains(log, never) {
			t.Errorf("%q reached the host", never)
		}
	}
	text, err := os.ReadFile(filepath.Join(p.dir, "hoopd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if out, stderr, code := program(t).run(t, "check", filepath.Join(p.dir, "hoopd.yaml")); code != 0 || !strings.Contains(out+stderr, "TrustedUserCAKeys") {
		t.Errorf("hoopd check: %d %s%s\n%s", code, out, stderr, text)
	}
}

// The host takes a certificate of the authority that hoopd holds, and nothing else.
func TestTheSampleHostKnowsNobodyButTheAuthority(t *testing.T) {
	p := program(t).dev(t, stateDir(t))
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ssh.Dial("tcp", "127.0.0.1:"+strconv.Itoa(p.ports(t).Host), &ssh.ClientConfig{
		User: p.hostUser(t), Auth: []ssh.AuthMethod{ssh.PublicKeys(signer), ssh.Password("")}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
		t.Fatalf("past the gateway: %v", err)
	}
	for _, name := range []string{"web-1.ca", "web-1/host_key", "web-1/sshd_config"} {
		if st, err := os.Stat(filepath.Join(p.dir, name)); err != nil || st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v, %v", name, st, err)
		}
	}
}

// hostUser is who commands run as there.
func (p *process) hostUser(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "hoopd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "principals: ['")
	name, _, ok := strings.Cut(after, "'")
	if !ok {
		t.Fatalf("no principal in %s", text)
	}
	return name
}

// lives tells whether a process with this word in its command line runs.
func lives(t *testing.T, word string) bool {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(all) == 0 {
		t.Fatalf("processes can't be listed here: %v", err)
	}
	for _, name := range all {
		if line, err := os.ReadFile(name); err == nil && bytes.HasPrefix(line, []byte("sleep\x00"+word)) {
			return true
		}
	}
	return false
}

func TestWhatCommandsLeaveOnTheSampleHostEndsWithIt(t *testing.T) {
	h := program(t)
	dir := stateDir(t)
	policy := "version: 1\nreach: [{name: all, who: {users: [dev]}, on: {connections: [web-1]}}]\n" +
		"rules: [{name: all, effects: [read, write, execute, session, unknown], verdict: allow}]\n"
	if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		p := h.dev(t, dir)
		word := strconv.Itoa(1_000_000+os.Getpid()) + "." + strconv.Itoa(int(signal))
		if said, status := onHost(t, p.login(t, "dev").host(t), "setsid -f sleep "+word+" >/dev/null 2>&1 </dev/null"); status != 0 {
			t.Fatalf("leave a process: %d %s", status, said)
		}
		eventually(t, 10*time.Second, "it runs", func() bool { return lives(t, word) })
		p.signal(signal)
		<-p.done
		if signal == syscall.SIGKILL { // the next one ends what it left
			p = h.dev(t, dir)
		}
		if lives(t, word) {
			t.Errorf("after %s what the command left still runs", signal)
		}
		p.signal(syscall.SIGTERM)
		<-p.done
		if left := p.relatives(t); len(left) > 0 {
			t.Errorf("after %s: %v", signal, left)
		}
	}
}

// What keeps the host away keeps nothing else away.
func TestWithoutAHostAllElseIsThere(t *testing.T) {
	dir := stateDir(t)
	if err := os.Mkdir(filepath.Join(dir, "web-1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "web-1"), 0o777); err != nil { // somebody else's, it may be
		t.Fatal(err)
	}
	p := program(t).dev(t, dir)
	if said := p.stderr(); strings.Count(said, "web-1 is not here") != 1 || strings.Contains(said, "ssh web-1") {
		t.Errorf("it says: %s", said)
	}
	dev := p.login(t, "dev")
	if all, err := dev.Connections(t.Context()); err != nil || len(all) != 2 || all[0].Name != "db-prod" || all[1].Name != "status" {
		t.Errorf("connections: %+v, %v", all, err)
	}
	if got, err := query(t, dev.connect(t), "SELECT count(*) FROM users"); err != nil || got != "1000" {
		t.Errorf("%q, %v", got, err)
	}
}
