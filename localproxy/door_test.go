package localproxy_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/localproxy"
)

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// ATTACKS A5, A6, A8: what shows that a request is not of this origin, or does not prove anything, ends it here.
func TestOnlyRequestsOfThisOriginWithTheSecretPass(t *testing.T) {
	p := serveWeb(t, "http", nil)
	port, secret := p.port(), p.secret()
	host, bearer := "Host: 127.0.0.1:"+port, "Authorization: Bearer "+secret
	for name, c := range map[string]struct {
		want   int
		fields []string
	}{
		"bearer":                        {200, []string{host, bearer}},
		"bearer, in another case":       {200, []string{host, "authorization: bEARER " + secret}},
		"basic":                         {200, []string{host, basic("hoop", secret)}},
		"by localhost":                  {200, []string{"Host: localhost:" + port, bearer}},
		"by its name":                   {200, []string{"Host: grafana.localhost:" + port, bearer}},
		"by its name, in another case":  {200, []string{"Host: Grafana.LOCALHOST:" + port, bearer}},
		"from a page of its own":        {200, []string{host, bearer, "Origin: http://127.0.0.1:" + port, "Sec-Fetch-Site: same-origin"}},
		"from the address bar":          {200, []string{host, bearer, "Sec-Fetch-Site: none"}},
		"rebinding":                     {403, []string{"Host: evil.test:" + port, bearer}},
		"rebinding to a name like ours": {403, []string{"Host: x.grafana.localhost:" + port, bearer}},
		"another connection's name":     {403, []string{"Host: other.localhost:" + port, bearer}},
		"another port":                  {403, []string{"Host: 127.0.0.1:1", bearer}},
		"no port":                       {403, []string{"Host: 127.0.0.1", bearer}},
		"0.0.0.0":                       {403, []string{"Host: 0.0.0.0:" + port, bearer}},
		"a foreign origin":              {403, []string{host, bearer, "Origin: http://evil.test"}},
		"an opaque origin":              {403, []string{host, bearer, "Origin: null"}},
		"a page in a sandbox":           {403, []string{host, bearer, "Origin: null", "Sec-Fetch-Site: cross-site"}},
		"opaque, from the address bar":  {403, []string{host, bearer, "Origin: null", "Sec-Fetch-Site: none"}},
		"opaque, from two sites":        {403, []string{host, bearer, "Origin: null", "Sec-Fetch-Site: none", "Sec-Fetch-Site: same-origin"}},
		"opaque, and another":           {403, []string{host, bearer, "Origin: null", "Origin: http://evil.test", "Sec-Fetch-Site: same-origin"}},
		"a form that names no page":     {200, []string{host, bearer, "Origin: null", "Sec-Fetch-Site: same-origin"}},
		"another port's origin":         {403, []string{host, bearer, "Origin: http://127.0.0.1:1"}},
		"another scheme's origin":       {403, []string{host, bearer, "Origin: https://127.0.0.1:" + port}},
		"another name's origin":         {403, []string{host, bearer, "Origin: http://localhost:" + port}},
		"two origins":                   {403, []string{host, bearer, "Origin: http://127.0.0.1:" + port, "Origin: http://evil.test"}},
		"from another site":             {403, []string{host, bearer, "Sec-Fetch-Site: cross-site"}},
		"from another port's page":      {403, []string{host, bearer, "Sec-Fetch-Site: same-site"}},
		"from a site of a new kind":     {403, []string{host, bearer, "Sec-Fetch-Site: novel"}},
		"from two sites":                {403, []string{host, bearer, "Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"}},
		"a WebSocket of another origin": {403, []string{host, bearer, "Origin: http://evil.test", "Connection: Upgrade", "Upgrade: websocket"}},
		"no secret":                     {401, []string{host}},
		"half of the secret":            {401, []string{host, bearer[:len(bearer)-1]}},
		"more than the secret":          {401, []string{host, bearer + "x"}},
		"an empty secret":               {401, []string{host, "Authorization: Bearer "}},
		"another scheme":                {401, []string{host, "Authorization: Token " + secret}},
		"another user":                  {401, []string{host, basic("admin", secret)}},
		"a wrong password":              {401, []string{host, basic("hoop", secret[1:])}},
		"no base64":                     {401, []string{host, "Authorization: Basic !"}},
		"twice":                         {401, []string{host, bearer, bearer}},
		"in the query's place":          {401, []string{host, "X-Authorization: Bearer " + secret}},
	} {
		t.Run(name, func(t *testing.T) {
			before, dials := len(p.gw.requests()), p.gw.dials.Load()
			sock := p.client(t)
			sock.send(t, head("GET /api/x?y", c.fields...))
			a, body := sock.answer(t, "GET")
			if a.StatusCode != c.want {
				t.Fatalf("answered %d %s, want %d", a.StatusCode, body, c.want)
			}
			for name := range a.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("the answer has %s", name)
				}
			}
			if c.want == 200 {
				if body != "GET /api/x?y" {
					t.Errorf("answered %q", body)
				}
				return
			}
			sock.closed(t)
			if len(p.gw.requests()) != before || p.gw.dials.Load() != dials {
				t.Error("it reached the tunnel")
			}
			var problem map[string]any
			if err := json.Unmarshal([]byte(body), &problem); err != nil || a.Header.Get("Content-Type") != "application/problem+json" || problem["code"] == "" || problem["message"] == "" ||
				problem["hint"] == "" || problem["retryable"] != false || problem["request_id"] == nil {
				t.Errorf("said %s %s", a.Header, body)
			}
			if strings.Contains(body, secret) || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("said %s %s", a.Header, body)
			}
		})
	}
	for _, q := range p.gw.requests() {
		if q.Header.Get("Authorization") != "" {
			t.Errorf("the secret was passed on: %v", q.Header)
		}
	}
}

// A browser is not asked for a password: it would show a dialog instead of the page that says what to do.
func TestOnlyProgramsAreAskedForAPassword(t *testing.T) {
	p := serveWeb(t, "http", nil)
	host := "Host: 127.0.0.1:" + p.port()
	for name, c := range map[string]struct {
		fields    []string
		challenge bool
		page      bool
	}{
		"a program":         {[]string{host}, true, false},
		"a browser":         {[]string{host, "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Accept: text/html,*/*;q=0.8"}, false, true},
		"a page's script":   {[]string{host, "Sec-Fetch-Site: same-origin"}, false, false},
		"an older browser":  {[]string{host, "Origin: http://127.0.0.1:" + p.port()}, false, false},
		"a program's pages": {[]string{host, "Accept: text/html"}, true, true},
	} {
		sock := p.client(t)
		sock.send(t, head("GET /", c.fields...))
		a, body := sock.answer(t, "GET")
		if a.StatusCode != 401 || (a.Header.Get("WWW-Authenticate") != "") != c.challenge || strings.Contains(body, "<!doctype html>") != c.page || !strings.Contains(body, "hoop connect") {
			t.Errorf("%s: %d %v %s", name, a.StatusCode, a.Header, body)
		}
	}
}

// ATTACKS A2.
func TestWrongSecretsOfServicesAreSlowedDownAndReported(t *testing.T) {
	p := serveWeb(t, "http", nil)
	for range 20 { // these guess nothing
		sock := p.client(t)
		sock.send(t, head("GET /", "Host: 127.0.0.1:"+p.port()))
		sock.answer(t, "GET")
	}
	if n := len(p.events); n > 0 {
		t.Errorf("%d events for requests that guess nothing", n)
	}
	for range 5 {
		sock := p.client(t)
		sock.send(t, head("GET /", "Host: 127.0.0.1:"+p.port(), "Authorization: Bearer wrong"))
		sock.answer(t, "GET")
	}
	if e := p.next(t, localproxy.SecretRefused); e.Tries != 5 {
		t.Errorf("told after %d tries", e.Tries)
	}
	if n := p.gw.dials.Load(); n != 0 {
		t.Errorf("%d tunnels", n)
	}
}

// What a request needs on its way is taken out of it, and all else stays: a service has cookies of its own.
func TestOnlyWhatProvedARequestIsTakenOut(t *testing.T) {
	p := serveWeb(t, "http", nil)
	sock := p.client(t)
	sock.send(t, head("GET /a", p.good("Cookie: a=1; hoop_local_1_x=old; b=\"2\"", "Cookie: HOOP_local_2=x", "X-Own: yes", "Accept: */*")...))
	sock.answer(t, "GET")
	q := p.gw.requests()[0]
	want := http.Header{"Cookie": {`a=1; b="2"`}, "X-Own": {"yes"}, "Accept": {"*/*"}}
	if len(q.Header) != len(want) || q.Header.Get("Cookie") != want.Get("Cookie") || len(q.Header["Cookie"]) != 1 || q.Host != "127.0.0.1:"+p.port() {
		t.Errorf("passed on %v to %s", q.Header, q.Host)
	}
}
