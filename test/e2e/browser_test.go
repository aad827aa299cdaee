package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/freeport"
)

// browser is a headless Chromium, told what to do over WebDriver.
type browser struct{ session string }

// background runs a program until the test ends, and waits until something listens on its port.
func background(t *testing.T, port int, cmd *exec.Cmd) {
	t.Helper()
	said := &text{}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = said, said, 5*time.Second // what it started may hold its output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	eventually(t, commandTime, cmd.Path+" listens", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	port, err := freeport.Next()
	if err != nil {
		t.Fatal(err)
	}
	background(t, port, exec.Command("chromedriver", fmt.Sprintf("--port=%d", port)))
	b := &browser{fmt.Sprintf("http://127.0.0.1:%d", port)}
	var made struct {
		SessionID string `json:"sessionId"`
	}
	b.do(t, "POST", "/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{"goog:chromeOptions": map[string]any{
		"args": []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--user-data-dir=" + filepath.Join(t.TempDir(), "profile")},
	}}}}, &made)
	b.session += "/session/" + made.SessionID
	t.Cleanup(func() { b.do(t, "DELETE", "", nil, nil) })
	return b
}

// do calls WebDriver, whose answers have a value.
func (b *browser) do(t *testing.T, method, path string, body, into any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if body == nil {
		text = nil
	}
	q, err := http.NewRequest(method, b.session+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: commandTime}).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%s %s: %d %v %s", method, path, res.StatusCode, err, said)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(said, &struct{ Value any }{into}); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
}

func (b *browser) open(t *testing.T, url string) {
	t.Helper()
	b.do(t, "POST", "/url", map[string]string{"url": url}, nil)
}

// run runs a script that calls done with what it found.
func (b *browser) run(t *testing.T, script string) (found any) {
	t.Helper()
	b.do(t, "POST", "/execute/async", map[string]any{"script": "const done = arguments[arguments.length-1];" + script, "args": []any{}}, &found)
	return found
}

// prometheus is a service with pages, and a log of what it was asked.
func prometheus(t *testing.T, port int) (queries func() string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "queries.log")
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "global: {query_log_file: %s}\n", log), 0o600); err != nil {
		t.Fatal(err)
	}
	background(t, port, exec.Command("prometheus", "--config.file="+config, fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port),
		"--storage.tsdb.path="+filepath.Join(dir, "data")))
	return func() string {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// hostile tries what a page of another origin can, with the browser's own sign-in at hand.
const hostile = `
const target = %q, said = [];
const tried = name => what => said.push(name + ": " + what);
const query = name => target + "/api/v1/query?query=hostile_" + name;
const form = document.createElement("form");
form.method = "POST"; form.action = target + "/api/v1/query"; form.target = "frame";
form.innerHTML = '<input name="query" value="hostile_form">';
const frame = document.createElement("iframe"); frame.name = "frame";
document.body.append(frame, form); form.submit();
const image = new Image(); image.src = query("image");
const script = document.createElement("script"); script.src = query("script"); document.head.append(script);
const link = new Promise(r => { const s = new WebSocket(target.replace("http", "ws") + "/api/v1/query?query=hostile_socket"); s.onopen = () => r("open"); s.onerror = () => r("refused"); });
Promise.allSettled([
  fetch(query("fetch"), {mode: "no-cors", credentials: "include"}).then(r => tried("no-cors")(r.type + r.status), tried("no-cors")),
  fetch(query("cors"), {credentials: "include"}).then(r => r.text()).then(tried("cors read"), () => tried("cors")("refused")),
  navigator.sendBeacon(query("beacon"), "query=hostile_beacon"), link.then(tried("socket")),
]).then(() => setTimeout(() => done(said), 500));`

// link is what a person opens in a browser.
func (l *listener) link(t *testing.T) string {
	t.Helper()
	var ready struct {
		Browser string `json:"browser_url"`
	}
	if err := json.Unmarshal([]byte(firstLine(l.events.String(), `"ready"`)), &ready); err != nil || ready.Browser == "" {
		t.Fatalf("no link for browsers: %v %s", err, l.events)
	}
	return ready.Browser
}

func TestAServiceIsUsedInABrowser(t *testing.T) {
	queries := prometheus(t, shared.service)
	dev := shared.user(t, "dev")
	l := dev.open(t, "prom")
	link := l.link(t)
	b := startBrowser(t)
	b.open(t, link)
	var title string
	b.do(t, "GET", "/title", nil, &title)
	if !strings.Contains(title, "Prometheus") {
		t.Errorf("the page is called %q", title)
	}
	got := b.run(t, `fetch("/api/v1/query?query=friendly").then(r => r.json()).then(x => done(x.status + (window.jQuery ? " with scripts" : "")))`)
	if got != "success with scripts" || !strings.Contains(queries(), "friendly") {
		t.Errorf("its own page gets %v: %s", got, queries())
	}
	b.open(t, pageElsewhere(t))
	var home string
	b.do(t, "GET", "/url", nil, &home)
	own, _, _ := strings.Cut(link, "/.hoop/")
	said := b.run(t, fmt.Sprintf(hostile, own))
	said = fmt.Sprint(said, b.run(t, fmt.Sprintf(hostile, fmt.Sprintf("http://prom.localhost:%d", l.port))))
	said = fmt.Sprint(said, b.run(t, fmt.Sprintf(hostile, fmt.Sprintf("http://127.0.0.1:%d", l.port))))
	t.Logf("a page at %s: %v", home, said)
	if strings.Contains(queries(), "hostile") {
		t.Errorf("a page of another origin reached the service: %s", queries())
	}
	b.open(t, own+"/classic/graph") // the sign-in is still good
	if b.do(t, "GET", "/title", nil, &title); !strings.Contains(title, "Prometheus") {
		t.Errorf("later the page is called %q", title)
	}
	b.open(t, fmt.Sprintf("http://prom.localhost:%d/classic/graph", l.port)) // a name that others can guess
	if b.do(t, "GET", "/title", nil, &title); !strings.Contains(title, "Unauthorized") {
		t.Errorf("by a name that can be guessed the page is called %q", title)
	}
}

func firstLine(text, with string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, with) {
			return line
		}
	}
	return ""
}

// pageElsewhere is a page of another origin on this machine.
func pageElsewhere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><body>elsewhere</body></html>")
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return fmt.Sprintf("http://evil.localhost:%d/", l.Addr().(*net.TCPAddr).Port)
}

func TestAServiceIsReachedByScripts(t *testing.T) {
	dev := shared.user(t, "dev")
	r := dev.run(t, "connect", "status", "--", "sh", "-c", `curl -fsS "$HOOP_URL/healthz"`)
	if r.code != 0 || r.stdout != "ok\n" {
		t.Errorf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}
	r = dev.run(t, "connect", "status", "--", "sh", "-c", `curl -sS -o - -w '%{http_code}' "$HOOP_URL/debug/vars"`)
	if !strings.HasSuffix(r.stdout, "403") || !strings.Contains(r.stdout, `"rule":"default"`) {
		t.Errorf("what no rule allows: %s%s", r.stdout, r.stderr)
	}
	r = dev.run(t, "connect", "status", "--", "sh", "-c", `curl -sS -o /dev/null -w '%{http_code}' "$(echo "$HOOP_URL" | sed 's#//.*@#//#')/healthz"`)
	if r.stdout != "401" {
		t.Errorf("without the secret: %s%s", r.stdout, r.stderr)
	}
}
