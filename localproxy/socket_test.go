package localproxy_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/hoop-gateway/hoop/localproxy"
)

func TestAServicesSocketIsForItsUserWithoutASecret(t *testing.T) {
	dir := t.TempDir() + "/s"
	p := serveWeb(t, "http", func(o *localproxy.Options, _ *webGateway) { o.SocketDir = dir })
	if p.Endpoint().Socket != dir+"/http.sock" || p.Endpoint().Password.Reveal() != "" || p.Endpoint().SignIn.Reveal() != "" {
		t.Fatalf("%v %s", p.Endpoint(), p.Endpoint().SignIn.Reveal())
	}
	sock := p.client(t)
	sock.send(t, head("GET /x", "Host: whatever", "Authorization: Bearer theirs", "Cookie: a=b"))
	if a, body := sock.answer(t, "GET"); a.StatusCode != 200 || body != "GET /x" {
		t.Errorf("%d %s", a.StatusCode, body)
	}
	if q := p.gw.requests()[0]; q.Header.Get("Authorization") != "Bearer theirs" || q.Header.Get("Cookie") != "a=b" {
		t.Errorf("passed on %v", q.Header)
	}
}

// ATTACKS A1: behind a Unix socket the peer's uid counts, even where the file system would let others in.
func TestAnotherUserIsRefusedAtAServicesSocket(t *testing.T) {
	dir := t.TempDir() + "/s"
	p := serveWeb(t, "http", func(o *localproxy.Options, _ *webGateway) { o.SocketDir = dir })
	if os.Getuid() != 0 {
		return // only root can be two users in one test
	}
	for d := dir; d != "/tmp" && d != "/"; d = d[:strings.LastIndex(d, "/")] {
		must(t, os.Chmod(d, 0o755))
	}
	must(t, os.Chmod(p.Endpoint().Socket, 0o666))
	cmd := exec.CommandContext(t.Context(), "curl", "-sS", "--unix-socket", p.Endpoint().Socket, "http://localhost/x")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "belongs to another user") || p.gw.dials.Load() != 0 {
		t.Errorf("%s (%v), %d tunnels", out, err, p.gw.dials.Load())
	}
}
