package sshhost_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/sshd"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/freeport"
	"github.com/hoop-gateway/hoop/pkg/gateway"
)

const runAnd = `
version: 1
rules:
  - {name: run, effects: [read, execute, session, unknown, privilege, transfer], verdict: allow}
  - {name: lend, ssh: {channels: [%s]}, verdict: %s, approval: {by: {groups: [ops]}, hold: 20s}}
`

func lending(channel string) string {
	return strings.Replace(fmt.Sprintf(runAnd, channel, "allow"), ", approval: {by: {groups: [ops]}, hold: 20s}", "", 1)
}

// keyring is an agent with one key, whose comment tells that it was asked.
func keyring(t testing.TB) agent.Agent {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	a := agent.NewKeyring()
	must(t, a.Add(agent.AddedKey{PrivateKey: private, Comment: "lent-key"}))
	return a
}

func askForAgent(x *ssh.Session) error { return agent.RequestAgentForwarding(x) }

func TestAnAgentIsLentOnlyByARuleThatNamesIt(t *testing.T) {
	log := since(t)
	for name, policy := range map[string]string{"without a rule": allowAll, "with a display's rule": lending("x11")} {
		s := open(t, policy)
		must(t, agent.ForwardToAgent(s.client, keyring(t)))
		got := s.runWith(t, "echo got=$SSH_AUTH_SOCK", func(x *ssh.Session) {
			if askForAgent(x) == nil {
				t.Error("it was granted ", name)
			}
		})
		if got.out != "got=\n" {
			t.Errorf("%s: %+v", name, got)
		}
		if text := s.recording(t); !strings.Contains(text, "(agent)") {
			t.Errorf("%s: the recording lacks it: %s", name, text)
		}
	}
	if strings.Contains(log(), "auth-agent-req") {
		t.Error("the host was asked")
	}
	s := open(t, lending("agent"))
	must(t, agent.ForwardToAgent(s.client, keyring(t)))
	got := s.runWith(t, "ssh-add -l", func(x *ssh.Session) { must(t, askForAgent(x)) })
	if !strings.Contains(got.out, "lent-key") {
		t.Errorf("%+v", got)
	}
	if text := s.recording(t); !strings.Contains(text, `"what":"auth-agent@openssh.com"`) {
		t.Errorf("the recording lacks its use: %s", text)
	}
}

func TestAnAgentThatIsHeldIsLentOnceItIsApproved(t *testing.T) {
	s := open(t, fmt.Sprintf(runAnd, "agent", "approve"))
	must(t, agent.ForwardToAgent(s.client, keyring(t)))
	s.desk.wait = make(chan string)
	log := since(t)
	done := make(chan ran, 1)
	go func() {
		done <- s.runWith(t, "ssh-add -l", func(x *ssh.Session) { _ = askForAgent(x) })
	}()
	within(t, "it is asked for", func() bool { return s.desk.asked.Load() == 1 })
	if strings.Contains(log(), "auth-agent-req") || strings.Contains(log(), "ssh-add") {
		t.Error("the host was asked before anybody approved")
	}
	s.desk.wait <- api.ApprovalApproved
	if got := <-done; !strings.Contains(got.out, "lent-key") {
		t.Errorf("%+v", got)
	}
}

func TestOpenSSHLendsItsAgent(t *testing.T) {
	o := openWithSSH(t, lending("agent"))
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	socket := filepath.Join(o.dir, "agent.sock")
	ring := agent.NewKeyring()
	must(t, ring.Add(agent.AddedKey{PrivateKey: private, Comment: "openssh-lent-key"}))
	serveAgent(t, socket, ring)
	x := o.command(t, "-A", "-o", "IdentityAgent=SSH_AUTH_SOCK", "host", "ssh-add -l")
	x.Env = append(x.Env, "SSH_AUTH_SOCK="+socket)
	if got, err := x.CombinedOutput(); !strings.Contains(string(got), "openssh-lent-key") {
		t.Errorf("%s, %v", got, err)
	}
}

func serveAgent(t testing.TB, socket string, ring agent.Agent) {
	t.Helper()
	l, err := net.Listen("unix", socket)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, conn); _ = conn.Close() }()
		}
	}()
}

// anotherHost is a real server with more lines in its configuration.
func anotherHost(t testing.TB, lines ...string) (*sshd.Server, func(*gateway.Target)) {
	t.Helper()
	dir, err := os.MkdirTemp("", "hoop-sshd-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o711))
	host, err := sshd.Prepare(filepath.Join(dir, "host"), filepath.Join(dir, "key"))
	must(t, err)
	port, err := freeport.Next()
	must(t, err)
	got, err := host.Start(context.Background(), port, lines...)
	must(t, err)
	t.Cleanup(func() { must(t, got.Stop()) })
	return got, func(to *gateway.Target) {
		key, err := os.ReadFile(got.Key)
		must(t, err)
		to.Address, to.HostKeys = got.Address(), []string{got.HostKey}
		to.Credential.User, to.Credential.Key = got.User, credential.NewSecret(strings.TrimSpace(string(key)))
	}
}

func logOf(t testing.TB, host *sshd.Server) string {
	t.Helper()
	text, err := os.ReadFile(host.Log())
	must(t, err)
	return string(text)
}

type displayRequest struct {
	Single   bool
	Protocol string
	Cookie   string
	Screen   uint32
}

func TestADisplayIsLentOnlyByARuleThatNamesIt(t *testing.T) {
	host, change := anotherHost(t, "X11Forwarding yes", "XAuthLocation /bin/true")
	ask := func(r displayRequest) func(*ssh.Session) error {
		return func(x *ssh.Session) error { return granted(x.SendRequest("x11-req", true, ssh.Marshal(r))) }
	}
	good := displayRequest{Protocol: "MIT-MAGIC-COOKIE-1", Cookie: strings.Repeat("0f", 16)}
	// What a display's program does: a connection to where DISPLAY says.
	use := `bash -c 'd=${DISPLAY#*:}; exec 3<>/dev/tcp/127.0.0.1/$((6000 + ${d%.*})); echo to-the-display >&3; head -n1 <&3'`
	for name, x := range map[string]struct {
		policy string
		ask    displayRequest
		want   string
	}{
		"by a rule":                    {lending("x11"), good, "to-the-display\n"},
		"without a rule":               {allowAll, good, ""},
		"with an agent's rule":         {lending("agent"), good, ""},
		"with a cookie that is none":   {lending("x11"), displayRequest{Protocol: "MIT-MAGIC-COOKIE-1", Cookie: "x\nadd :0 . 00"}, ""},
		"with a protocol that is none": {lending("x11"), displayRequest{Protocol: "$(id)", Cookie: "00"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, x.policy, change)
			came := s.answerEach("x11")
			got := s.runWith(t, use, func(session *ssh.Session) {
				if err := ask(x.ask)(session); (err == nil) != (x.want != "") {
					t.Errorf("asked for it: %v", err)
				}
			})
			if got.out != x.want || (came.Load() == 1) != (x.want != "") {
				t.Errorf("%+v, %d connections came", got, came.Load())
			}
			text := s.recording(t)
			if !strings.Contains(text, "(x11)") || strings.Contains(text, x.ask.Cookie+`"`) {
				t.Errorf("the recording lacks it, or has the cookie: %s", text)
			}
		})
	}
	if strings.Count(logOf(t, host), "req x11-req") != 1 {
		t.Error("the host was asked more than once")
	}
}
