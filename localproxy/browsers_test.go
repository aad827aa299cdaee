package localproxy_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/localproxy"
)

// browser is what a browser sends with the address of a link.
func (p *webProxy) browser(more ...string) []string {
	return append([]string{"Host: " + p.browserHost(), "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Accept: text/html"}, more...)
}

// browserHost is the host of the links.
func (p *webProxy) browserHost() string {
	host, _, _ := strings.Cut(strings.TrimPrefix(p.Endpoint().SignIn.Reveal(), "http://"), "/")
	return host
}

// signInTarget is the path of the link, which is for a host of this listener alone.
func (p *webProxy) signInTarget(t testing.TB, link localproxy.Secret) string {
	t.Helper()
	target, ok := strings.CutPrefix(link.Reveal(), "http://"+p.browserHost())
	if !ok || !regexp.MustCompile(`^grafana-[a-z2-7]{16}\.localhost:`+p.port()+`$`).MatchString(p.browserHost()) || strings.Contains(link.Reveal(), p.secret()) {
		t.Fatalf("the link is %s", link.Reveal())
	}
	return target
}

func TestABrowserSignsInByALinkThatIsGoodOnce(t *testing.T) {
	p := serveWeb(t, "http", nil)
	first := p.signInTarget(t, p.Endpoint().SignIn)
	sock := p.client(t)
	sock.send(t, head("GET "+first, p.browser("Cookie: hoop_local_old=1; theirs=2")...))
	a, body := sock.answer(t, "GET")
	if a.StatusCode != 303 || a.Header.Get("Location") != "/" || a.Header.Get("Referrer-Policy") != "no-referrer" || a.Header.Get("Cache-Control") != "no-store" || body != "" {
		t.Fatalf("answered %d %v %s", a.StatusCode, a.Header, body)
	}
	cookies := a.Cookies()
	if len(cookies) != 2 || cookies[1].Name != "hoop_local_old" || cookies[1].MaxAge >= 0 {
		t.Fatalf("cookies %v", cookies)
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Domain != "" || c.MaxAge != 0 || !strings.Contains(c.Name, p.port()) || c.Value == p.secret() || len(c.Value) < 32 {
		t.Fatalf("cookie %v", c)
	}
	next := p.next(t, localproxy.BrowserSignedIn)
	second := p.signInTarget(t, next.SignIn)
	cookie := "Cookie: a=b; " + c.Name + "=" + c.Value
	for name, c := range map[string]struct {
		want   int
		line   string
		fields []string
	}{
		"the link again":              {403, "GET " + first, p.browser()},
		"no code":                     {403, "GET /.hoop/sign-in?code=", p.browser()},
		"the link by another name":    {403, "GET " + second, append([]string{"Host: 127.0.0.1:" + p.port()}, p.browser()[1:]...)},
		"the link by a form":          {403, "POST " + second, p.browser()},
		"the link on another page":    {403, "GET " + second, []string{"Host: " + p.browserHost(), "Sec-Fetch-Site: cross-site"}},
		"the cookie":                  {200, "GET /d/1", p.browser(cookie)},
		"the cookie, for a WebSocket": {200, "GET /ws", []string{"Host: " + p.browserHost(), "Origin: http://" + p.browserHost(), cookie}},
		"the cookie and a token":      {200, "GET /d/2", p.browser(cookie, "Authorization: Bearer theirs")},
		"the cookie and two tokens":   {401, "GET /d/3", p.browser(cookie, "Authorization: Bearer a", "Authorization: Bearer b")},
		"the cookie, by 127.0.0.1":    {401, "GET /", append([]string{"Host: 127.0.0.1:" + p.port(), cookie}, p.browser()[1:]...)},
		"the cookie, by its name":     {401, "GET /", append([]string{"Host: grafana.localhost:" + p.port(), cookie}, p.browser()[1:]...)},
		"the link by its name":        {403, "GET " + second, append([]string{"Host: grafana.localhost:" + p.port()}, p.browser()[1:]...)},
		"the cookie, by localhost":    {401, "GET /", append([]string{"Host: localhost:" + p.port(), cookie}, p.browser()[1:]...)},
		"the cookie, not of a page":   {401, "GET /", []string{"Host: " + p.browserHost(), cookie}},
		"the cookie, from elsewhere":  {403, "GET /", []string{"Host: " + p.browserHost(), "Sec-Fetch-Site: same-site", cookie}},
		"a wrong cookie":              {401, "GET /", p.browser(cookie[:len(cookie)-1])},
		"another cookie":              {401, "GET /", p.browser(strings.Replace(cookie, "hoop_local_", "hoop_local_1", 1))},
		"none":                        {401, "GET /", p.browser()},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(p.gw.requests())
			sock := p.client(t)
			sock.send(t, head(c.line, c.fields...))
			a, body := sock.answer(t, "GET")
			passed := p.gw.requests()[before:]
			if a.StatusCode != c.want || (len(passed) > 0) != (c.want == 200) || len(a.Cookies()) > 0 {
				t.Fatalf("answered %d %v %s, %d passed", a.StatusCode, a.Header, body, len(passed))
			}
			for _, q := range passed {
				if q.Header.Get("Cookie") != "a=b" || (q.Header.Get("Authorization") == "Bearer theirs") != strings.Contains(name, "token") {
					t.Errorf("passed on %v", q.Header)
				}
			}
		})
	}
	sock = p.client(t)
	sock.send(t, head("GET "+second, p.browser()...))
	if a, _ := sock.answer(t, "GET"); a.StatusCode != 303 {
		t.Errorf("the next link answered %d", a.StatusCode)
	}
}

// What a link says never reaches the service, nor does anything else of a page that is served here.
func TestTheSignInIsNotPassedOn(t *testing.T) {
	p := serveWeb(t, "http", nil)
	sock := p.client(t)
	sock.send(t, head("GET /.hoop/sign-in?code=x", p.good()...))
	if a, _ := sock.answer(t, "GET"); a.StatusCode != 403 || p.gw.dials.Load() != 0 {
		t.Errorf("answered %d, %d tunnels", a.StatusCode, p.gw.dials.Load())
	}
}

// A cookie is sent to every port of its host. Whoever could have a page opened at that host would get it, so nobody may learn
// the host who was not given a link: it is another for each listener, and no answer says it to who does not name it.
func TestTheHostOfBrowsersIsOfOneListenerAndToldToNobody(t *testing.T) {
	p := serveWeb(t, "http", nil)
	if q := serveWeb(t, "http", nil); q.browserHost() == p.browserHost() || strings.Split(q.browserHost(), ".")[0] == strings.Split(p.browserHost(), ".")[0] {
		t.Errorf("two listeners are both %s", p.browserHost())
	}
	drawn := strings.TrimPrefix(strings.Split(p.browserHost(), ".")[0], "grafana-")
	for _, host := range []string{"127.0.0.1:" + p.port(), "localhost:" + p.port(), "grafana.localhost:" + p.port(), "grafana-" + strings.Repeat("a", 16) + ".localhost:" + p.port()} {
		for _, line := range []string{"GET /", "GET /.hoop/sign-in", "GET /.hoop/sign-in?code=x", "POST /.hoop/sign-in"} {
			sock := p.client(t)
			sock.send(t, head(line, "Host: "+host, "Sec-Fetch-Site: none", "Accept: text/html"))
			a, body := sock.answer(t, "GET")
			if said := fmt.Sprint(a.Header, body); a.StatusCode < 400 || strings.Contains(said, drawn) {
				t.Errorf("%s to %s: %d %s", line, host, a.StatusCode, said)
			}
		}
	}
	if said := fmt.Sprintf("%v %+v %#v %s", p.Endpoint(), p.Endpoint(), p.Endpoint(), p.Endpoint().Env()); strings.Contains(said, drawn) {
		t.Errorf("printed: %s", said)
	}
}

func TestNoBrowserSignsInWhereTheNameIsNoHost(t *testing.T) {
	for _, name := range []string{"a_b", "a..b", "a-", "a.", strings.Repeat("a", 47)} {
		p := serveWeb(t, "http", func(o *localproxy.Options, _ *webGateway) { o.Connection.Name = name })
		if link := p.Endpoint().SignIn.Reveal(); link != "" {
			t.Errorf("%s: %s", name, link)
		}
		sock := p.client(t)
		sock.send(t, head("GET /", "Host: 127.0.0.1:"+p.port(), "Sec-Fetch-Site: none", "Cookie: =; hoop_local_="))
		if a, _ := sock.answer(t, "GET"); a.StatusCode != 401 {
			t.Errorf("%s: answered %d", name, a.StatusCode)
		}
	}
}
