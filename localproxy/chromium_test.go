package localproxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/localproxy"
)

// hostilePage does to each of some origins all that a page can do, and says when it is done.
const hostilePage = `<!doctype html><body><iframe name="sink"></iframe><script>
const wait = p => Promise.race([p, new Promise(r => setTimeout(r, 3000))]).catch(() => {});
const load = (tag, url) => new Promise(r => { const e = document.createElement(tag); e.onload = e.onerror = r; e.src = url; document.body.append(e); });
const form = (method, url) => new Promise(r => { const f = document.createElement('form'); f.method = method; f.action = url; f.target = 'sink';
  document.body.append(f); document.querySelector('iframe').onload = r; f.submit(); });
const socket = url => new Promise(r => { const s = new WebSocket(url); s.onopen = s.onerror = s.onclose = r; });
(async () => {
  for (const host of %[1]s) {
    const url = 'http://' + host + '/hostile?';
    await wait(fetch(url + 'get', {mode: 'no-cors', credentials: 'include'}));
    await wait(fetch(url + 'post', {method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x'}));
    await wait(fetch(url + 'unnamed', {method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x', referrerPolicy: 'no-referrer'}));
    await wait(fetch(url + 'cors', {method: 'DELETE', credentials: 'include', headers: {'X-Own': '1'}}));
    await wait(load('img', url + 'img'));
    await wait(load('script', url + 'script'));
    await wait(load('iframe', url + 'iframe'));
    await wait(form('post', url + 'form'));
    await wait(form('get', url + 'form-get'));
    await wait(socket('ws://' + host + '/hostile?socket'));
    navigator.sendBeacon(url + 'beacon', 'x');
  }
  await fetch('/done');
  location = %[2]q;
})();
</script>`

// ATTACKS A5, A8: whatever a page does in a browser that is signed in, from another site and from another port of the same
// host, nothing of it reaches the tunnel. What the person opens does. Who can serve pages at another port gets the cookie at
// none of the hosts that can be guessed; that it would be seen is shown by the one host where it is sent.
func TestNoPageOfAnotherOriginReachesTheTunnel(t *testing.T) {
	done := make(chan struct{}, 3)
	var lock sync.Mutex
	var pages []string // from where the hostile pages were served
	var victims string
	var next []string // where the browser is led to from one page after the other
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			lock.Lock()
			defer lock.Unlock()
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(w, hostilePage, victims, next[0])
			next = next[1:]
		case "/done":
			lock.Lock()
			defer lock.Unlock()
			known := strings.Contains(r.Header.Get("Cookie"), "hoop_local_")
			pages = append(pages, fmt.Sprintf("%s with the cookie: %v", r.Host, known))
			done <- struct{}{}
		}
	}))
	defer evil.Close()
	_, evilPort, err := net.SplitHostPort(evil.Listener.Addr().String())
	must(t, err)
	p := serveWeb(t, "http", func(_ *localproxy.Options, g *webGateway) {
		g.serve = func(g *webGateway, c *net.TCPConn) {
			for r := bufio.NewReader(c); ; {
				if _, err := g.read(r); err != nil {
					return
				}
				text := "<script>location = 'http://127.0.0.1:" + evilPort + "/page'</script>"
				_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
			}
		}
	})
	lock.Lock()
	victims = fmt.Sprintf("['"+p.browserHost()+"', 'grafana.localhost:%[1]s', '127.0.0.1:%[1]s', 'localhost:%[1]s']", p.port())
	ownHost := strings.TrimSuffix(p.browserHost(), p.port()) + evilPort
	next = []string{"http://grafana.localhost:" + evilPort + "/page", "http://" + ownHost + "/page", "/end"}
	lock.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", p.Endpoint().SignIn.Reveal())
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = io.Discard, io.Discard, 10*time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a browser is many processes
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	must(t, cmd.Start())
	for range 3 {
		select {
		case <-done:
		case <-ctx.Done():
			t.Error("the pages did not come to their end")
		}
	}
	cancel()
	_ = cmd.Wait() // it was killed
	lock.Lock()
	defer lock.Unlock()
	want := []string{"127.0.0.1:" + evilPort + " with the cookie: false", "grafana.localhost:" + evilPort + " with the cookie: false", ownHost + " with the cookie: true"}
	if !slices.Equal(pages, want) {
		t.Errorf("hostile pages were served at %q", pages)
	}
	opened := false
	for _, q := range p.gw.requests() {
		opened = opened || q.RequestURI == "/"
		if strings.Contains(q.RequestURI, "hostile") {
			t.Errorf("%s %s reached the tunnel: %v", q.Method, q.RequestURI, q.Header)
		}
	}
	if !opened {
		t.Error("what the person opened did not reach the tunnel")
	}
}
