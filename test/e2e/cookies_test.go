package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// signing is a service that knows a browser by its cookies, and pages by one that their scripts say again.
func signing(t *testing.T, port int) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path != "/me" {
			w.Header().Add("Set-Cookie", "sid=canary-session; Path=/; HttpOnly; SameSite=Lax")
			w.Header().Add("Set-Cookie", "XSRF-TOKEN=canary%2Bcsrf; Path=/")
			_, _ = io.WriteString(w, "<html><body>welcome</body></html>")
			return
		}
		sid, err := r.Cookie("sid")
		if err != nil || sid.Value != "canary-session" || r.Header.Get("X-XSRF-TOKEN") != "canary+csrf" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "a stranger")
			return
		}
		_, _ = io.WriteString(w, "known")
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
}

func TestABrowserIsSignedInByCookiesWhoseValuesItNeverHas(t *testing.T) { // J11, P1
	signing(t, shared.service)
	dev := shared.user(t, "dev")
	l := dev.open(t, "prom")
	link := l.link(t)
	b := startBrowser(t)
	b.open(t, link)
	for range 2 { // the second time with what the first has set
		own, _, _ := strings.Cut(link, "/.hoop/")
		b.open(t, own+"/")
		got := b.run(t, `const token = decodeURIComponent(document.cookie.match(/XSRF-TOKEN=([^;]*)/)[1]);
			fetch("/me", {headers: {"X-XSRF-TOKEN": token}}).then(r => r.text()).then(done);`)
		if got != "known" {
			t.Errorf("the service takes the browser for %v", got)
		}
	}
	var cookies []struct{ Name, Value string }
	b.do(t, "GET", "/cookie", nil, &cookies)
	if said := fmt.Sprint(cookies); len(cookies) < 2 || strings.Contains(said, "canary") || !strings.Contains(said, "{sid hoop_held_") {
		t.Errorf("the browser has %s", said)
	}
	again := dev.run(t, "connect", "prom", "--", "sh", "-c", fmt.Sprintf(`curl -sS -H 'Cookie: %s' -H 'X-XSRF-TOKEN: canary+csrf' "$HOOP_URL/me"`, pairs(cookies)))
	if again.stdout != "a stranger" {
		t.Errorf("in another grant the browser's cookies are good as well: %s%s", again.stdout, again.stderr)
	}
	jar := dev.run(t, "connect", "prom", "--", "sh", "-c", `cd "$(mktemp -d)"; curl -sS -c jar "$HOOP_URL/" >/dev/null; curl -sS -b jar -H 'X-XSRF-TOKEN: canary+csrf' "$HOOP_URL/me"; cat jar`)
	if !strings.HasPrefix(jar.stdout, "known") || strings.Contains(jar.stdout, "canary") {
		t.Errorf("curl with a jar: %s%s", jar.stdout, jar.stderr)
	}
}

func pairs(cookies []struct{ Name, Value string }) string {
	var out []string
	for _, c := range cookies {
		if c.Name == "sid" {
			out = append(out, c.Name+"="+c.Value)
		}
	}
	return strings.Join(out, "; ")
}
