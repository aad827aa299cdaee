package localproxy_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

func TestAKubeconfigIsPrivateAndGoesWithItsRun(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p := serveWeb(t, "kubernetes", nil)
	e := p.Endpoint()
	for path, mode := range map[string]os.FileMode{filepath.Dir(e.Config): 0o700 | os.ModeDir, e.Config: 0o600} {
		if st, err := os.Stat(path); err != nil || st.Mode() != mode {
			t.Errorf("%s: %v, %v", path, st.Mode(), err)
		}
	}
	text, err := os.ReadFile(e.Config)
	must(t, err)
	want := `# written by hoop connect, removed at its end
apiVersion: v1
kind: Config
clusters:
- name: "grafana"
  cluster:
    server: https://127.0.0.1:` + p.port() + `
    certificate-authority-data: ` + base64.StdEncoding.EncodeToString(e.CA) + `
users:
- name: "grafana"
  user:
    token: "` + p.secret() + `"
contexts:
- name: "grafana"
  context:
    cluster: "grafana"
    user: "grafana"
    namespace: default
current-context: "grafana"
`
	if string(text) != want {
		t.Errorf("the kubeconfig is\n%s", text)
	}
	if env := e.Env(); len(env) != 1 || env[0] != (localproxy.Var{Name: "KUBECONFIG", Value: e.Config}) || e.Line() != "export KUBECONFIG='"+e.Config+"'" || e.URL() != "https://127.0.0.1:"+p.port() {
		t.Errorf("%v %s %s", env, e.Line(), e.URL())
	}
	// No private key is in any file.
	must(t, filepath.WalkDir(os.Getenv("TMPDIR"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if b, _ := os.ReadFile(path); strings.Contains(string(b), "PRIVATE") {
				t.Errorf("%s has a private key", path)
			}
		}
		return err
	}))
	p.stop()
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestSeveralClustersShareOneKubeconfig(t *testing.T) {
	var all []localproxy.Endpoint
	for _, name := range []string{"k8s-stg", "k8s-prod"} {
		p := serveWeb(t, "kubernetes", func(o *localproxy.Options, _ *webGateway) { o.Connection.Name = name })
		all = append(all, p.Endpoint())
	}
	vars, remove, err := localproxy.Environment(all)
	must(t, err)
	if len(vars) != 1 || vars[0].Name != "KUBECONFIG" || vars[0].Value == all[0].Config {
		t.Fatalf("%v", vars)
	}
	if st, err := os.Stat(vars[0].Value); err != nil || st.Mode() != 0o600 {
		t.Errorf("%v %v", st, err)
	}
	run := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), kubectl(), append([]string{"--kubeconfig", vars[0].Value}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s", out)
		}
		return strings.TrimSpace(string(out))
	}
	if got := run("config", "get-contexts", "-o", "name"); got != "k8s-prod\nk8s-stg" {
		t.Errorf("contexts %q", got)
	}
	if got := run("config", "current-context"); got != "k8s-stg" {
		t.Errorf("current is %q", got)
	}
	for _, e := range all {
		if got := run("--context", e.Name, "get", "--raw", "/who"); got != "GET /who" {
			t.Errorf("%s answered %q", e.Name, got)
		}
	}
	remove()
	if _, err := os.Stat(vars[0].Value); !os.IsNotExist(err) {
		t.Error("the kubeconfig is still there")
	}
}

// cluster answers what kubectl asks at its beginning.
func cluster(g *webGateway, c *net.TCPConn) {
	r := bufio.NewReader(c)
	for {
		q, err := g.read(r)
		if err != nil {
			return
		}
		status, body := 200, fmt.Sprintf(`{"echo":%q}`, q.body)
		if q.URL.Path == "/version" {
			body = `{"major":"1","minor":"33","gitVersion":"v1.33.0"}`
		}
		if _, err := fmt.Fprintf(c, "HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body); err != nil {
			return
		}
	}
}

// kubectl is the program that the tests' dependencies brought, or this system's.
func kubectl() string {
	if path, err := filepath.Abs("../.cache/k8s/clients/v36/kubectl"); err == nil {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return "kubectl"
}

func (p *webProxy) kubectl(t testing.TB, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), kubectl(), args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+p.Endpoint().Config, "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestKubectlWorksThroughTheListener(t *testing.T) {
	p := serveWeb(t, "kubernetes", func(_ *localproxy.Options, g *webGateway) { g.serve = cluster })
	if out, err := p.kubectl(t, "", "version"); err != nil || !strings.Contains(out, "Server Version: v1.33.0") {
		t.Errorf("%s %v", out, err)
	}
	if out, err := p.kubectl(t, "{}", "create", "--raw", "/apis/x", "-f", "-"); err != nil || out != `{"echo":"{}"}` {
		t.Errorf("%s %v", out, err)
	}
	for _, q := range p.gw.requests() {
		if q.Header.Get("Authorization") != "" {
			t.Errorf("the secret was passed on: %v", q.Header)
		}
	}
	// What goes wrong kubectl says in words.
	p.gw.fail.Store(&api.Error{Code: api.CodeTargetDown, Message: "The cluster does not answer.", Hint: "Ask its owner."})
	if out, err := p.kubectl(t, "", "get", "--raw", "/x"); err == nil || !strings.Contains(out, "The cluster does not answer. Ask its owner.") {
		t.Errorf("%s %v", out, err)
	}
	p.gw.fail.Store(nil)
	out, err := p.kubectl(t, "", "--token", "wrong", "get", "--raw", "/x")
	if err == nil || !strings.Contains(out, "hoop env grafana") && !strings.Contains(out, "Unauthorized") {
		t.Errorf("%s %v", out, err)
	}
	dials := p.gw.dials.Load()
	out, err = p.kubectl(t, "", "--server", "https://127.0.0.1:"+p.port(), "--certificate-authority", "/etc/ssl/certs/ca-certificates.crt", "get", "--raw", "/x")
	if err == nil || !strings.Contains(out, "x509") || p.gw.dials.Load() != dials {
		t.Errorf("%s %v", out, err)
	}
}

// tls opens a socket to the listener as a client of Kubernetes does.
func (p *webProxy) tls(t testing.TB, change func(*tls.Config)) (*client, error) {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(p.Endpoint().CA) {
		t.Fatal("no CA")
	}
	config := &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", NextProtos: []string{"h2", "http/1.1"}}
	if change != nil {
		change(config)
	}
	c, err := tls.Dial("tcp", p.Endpoint().String(), config)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return &client{c, bufio.NewReader(c)}, nil
}

// ATTACKS A5, A6: a cluster's listener has the same door, and says no in the words of Kubernetes.
func TestOnlyRequestsWithTheTokenPassToACluster(t *testing.T) {
	p := serveWeb(t, "kubernetes", nil)
	host, bearer := "Host: 127.0.0.1:"+p.port(), "Authorization: Bearer "+p.secret()
	for name, c := range map[string]struct {
		want   int
		fields []string
	}{
		"the token":              {200, []string{host, bearer}},
		"its own origin":         {200, []string{host, bearer, "Origin: https://127.0.0.1:" + p.port()}},
		"by localhost":           {200, []string{"Host: localhost:" + p.port(), bearer}},
		"basic":                  {401, []string{host, basic("hoop", p.secret())}},
		"no token":               {401, []string{host}},
		"a cookie":               {401, []string{host, "Sec-Fetch-Site: none", "Cookie: hoop_local_" + p.port() + "_x=" + p.secret()}},
		"a WebSocket's token":    {401, []string{host, "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io." + base64.RawURLEncoding.EncodeToString([]byte(p.secret()))}},
		"rebinding":              {403, []string{"Host: evil.test:" + p.port(), bearer}},
		"a page":                 {403, []string{host, bearer, "Origin: https://evil.test"}},
		"a page, by its site":    {403, []string{host, bearer, "Sec-Fetch-Site: cross-site"}},
		"another scheme's":       {403, []string{host, bearer, "Origin: http://127.0.0.1:" + p.port()}},
		"malformed":              {400, []string{host, bearer, "Content-Length: +1"}},
		"a coding that is none ": {501, []string{host, bearer, "Transfer-Encoding: gzip"}},
	} {
		t.Run(name, func(t *testing.T) {
			dials := p.gw.dials.Load()
			sock, err := p.tls(t, nil)
			must(t, err)
			sock.send(t, head("GET /api", c.fields...))
			a, body := sock.answer(t, "GET")
			var status struct {
				Kind, APIVersion, Status, Message, Reason string
				Code                                      int
				Details                                   struct {
					Causes []struct{ Reason, Message string }
				}
			}
			if c.want == 200 {
				if a.StatusCode != 200 || body != "GET /api" {
					t.Errorf("%d %s", a.StatusCode, body)
				}
				return
			}
			if err := json.Unmarshal([]byte(body), &status); err != nil || a.StatusCode/100 != 4 && a.StatusCode != 501 || c.want < 500 && a.StatusCode != c.want {
				t.Fatalf("%d %s", a.StatusCode, body)
			}
			if status.Kind != "Status" || status.APIVersion != "v1" || status.Status != "Failure" || status.Message == "" || status.Reason == "" || status.Code != a.StatusCode ||
				len(status.Details.Causes) != 1 || status.Details.Causes[0].Reason == "" || a.Header.Get("Content-Type") != "application/json" || a.Header.Get("WWW-Authenticate") != "" {
				t.Errorf("said %v %s", a.Header, body)
			}
			if p.gw.dials.Load() != dials {
				t.Error("it reached the tunnel")
			}
		})
	}
}

func TestAClusterIsReachedByTLSAndHTTP1Alone(t *testing.T) {
	p := serveWeb(t, "kubernetes", nil)
	sock, err := p.tls(t, nil)
	must(t, err)
	if got := sock.Conn.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("negotiated %q", got)
	}
	if _, err := p.tls(t, func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }); err == nil {
		t.Error("a client that does not know the CA got in")
	}
	if _, err := p.tls(t, func(c *tls.Config) { c.ServerName = "evil.test" }); err == nil {
		t.Error("the certificate is good for another name")
	}
	plain := p.client(t)
	plain.send(t, head("GET /", p.good()...))
	if b, _ := io.ReadAll(plain.r); strings.Contains(string(b), "200 OK") || p.gw.dials.Load() != 0 {
		t.Errorf("without TLS came back %q", b)
	}
	other := serveWeb(t, "kubernetes", nil)
	if string(other.Endpoint().CA) == string(p.Endpoint().CA) {
		t.Error("two runs have one CA")
	}
}

func TestBehindAnUpgradeBytesPassBothWaysToACluster(t *testing.T) {
	p := serveWeb(t, "kubernetes", func(_ *localproxy.Options, g *webGateway) {
		g.serve = func(g *webGateway, c *net.TCPConn) {
			r := bufio.NewReader(c)
			if _, err := g.read(r); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\n")
			_, _ = io.Copy(c, r)
		}
	})
	sock, err := p.tls(t, nil)
	must(t, err)
	sock.send(t, head("POST /exec", p.good("Connection: Upgrade", "Upgrade: SPDY/3.1", "Content-Length: 0")...))
	if a, err := http.ReadResponse(sock.r, &http.Request{Method: "POST"}); err != nil || a.StatusCode != 101 {
		t.Fatalf("%v %v", a, err)
	}
	sock.send(t, "\x80\x03")
	must(t, sock.Conn.(*tls.Conn).CloseWrite())
	if b, err := io.ReadAll(sock.r); err != nil || string(b) != "\x80\x03" {
		t.Errorf("%q %v", b, err)
	}
}

func TestAClusterHasNoSocket(t *testing.T) {
	_, err := localproxy.Listen(localproxy.Options{Connection: api.Connection{Name: "k", Kind: "kubernetes"}, SocketDir: t.TempDir() + "/s"})
	if e := wantCode(t, err, api.CodeUsage); !strings.Contains(e.Message, "kubernetes") {
		t.Error(e.Message)
	}
}
