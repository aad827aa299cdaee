package web

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
)

// signing is a service that sets cookies and logs those that it gets.
func signing(t testing.TB, log *journal) gateway.Target {
	return site(t, func(w http.ResponseWriter, r *http.Request) {
		log.Add("%s Cookie: %s, X-Csrf-Token: %s, X-Other: %s", r.URL.Path, r.Header["Cookie"], r.Header.Get("X-CSRF-Token"), r.Header.Get("X-Other"))
		if r.URL.Path == "/login" {
			for _, c := range []string{
				"sid=canary-session; Path=/; HttpOnly", "XSRF-TOKEN=canary%2Bcsrf; Path=/", `quoted="canary a, b"; HTTPONLY`, "lang=canary-de", "gone=; Max-Age=0", "canary-nameless", "other=canary-session",
			} {
				w.Header().Add("Set-Cookie", c)
			}
		}
		_, _ = io.WriteString(w, "{}")
	})
}

// within opens a session of a grant.
func within(t testing.TB, p *Protocol, grant string, target gateway.Target) *stand {
	return httpform.Open(t, guardtest.Setting{
		Protocol: func(*slog.Logger) gateway.Protocol { return p }, Target: target, Policy: allowAll, Visit: gateway.Visit{GrantID: grant},
	})
}

// jarOf is what a browser would send back.
func jarOf(a *http.Response) (out []string) {
	for _, c := range a.Header["Set-Cookie"] {
		pair, _, _ := strings.Cut(c, ";")
		out = append(out, pair)
	}
	return out
}

// J11, P1: what a service sets after the gateway has signed in is a credential as well.
func TestTheValuesOfAServicesCookiesStayAtTheGateway(t *testing.T) {
	log := &journal{}
	target := signing(t, log)
	target.ShownCookies = []string{"lang"}
	p := New(slog.New(slog.DiscardHandler), nil)
	s := within(t, p, "gr_one", target)
	a := s.Ask("GET /login", "", "")
	set := a.Header["Set-Cookie"]
	if len(set) != 6 || !strings.HasSuffix(set[0], "; Path=/; HttpOnly") || set[3] != "lang=canary-de" || set[4] != "gone=; Max-Age=0" {
		t.Errorf("the client got %q", set)
	}
	for _, c := range set {
		if strings.Contains(strings.ReplaceAll(c, "lang=canary-de", ""), "canary") {
			t.Errorf("the client has %q", c)
		}
	}
	again := within(t, p, "gr_one", target)
	if got := again.Ask("GET /login", "", "").Header["Set-Cookie"]; !slices.Equal(got, set) {
		t.Errorf("another socket of the grant gets %q, not %q", got, set)
	}
	pairs := jarOf(a.Response)
	standIn := func(i int) string { _, v, _ := strings.Cut(pairs[i], "="); return v }
	for _, c := range []struct{ path, fields, want string }{
		{"/all", "Cookie: mine=1; " + strings.Join(pairs, "; ") + "\nX-CSRF-Token: " + standIn(1), `[mine=1; sid=canary-session; XSRF-TOKEN=canary%2Bcsrf; quoted="canary a, b"; lang=canary-de; gone=; other=canary-session], X-Csrf-Token: canary+csrf`},
		{"/elsewhere", "Cookie: a=" + standIn(0) + "; sid=" + standIn(5) + "; " + standIn(0) + "\nX-Other: " + standIn(0) + "\nX-CSRF-Token: " + standIn(0), "[], X-Csrf-Token: " + standIn(0) + ", X-Other: " + standIn(0)},
		{"/forged", "Cookie: sid=hoop_held_" + strings.Repeat("a", 32) + "; sid=" + standIn(0) + "x", "[], "},
	} {
		again.Ask("GET "+c.path, c.fields, "")
		if !strings.Contains(log.String(), c.path+" Cookie: "+c.want) {
			t.Errorf("%s\nthe service got:\n%s\nnot %s", c.fields, log, c.want)
		}
	}
	other := within(t, p, "gr_other", target)
	other.Ask("GET /another", "Cookie: "+pairs[0], "")
	if got := other.Ask("GET /login", "", "").Header["Set-Cookie"]; !slices.Equal(got, set) { // a request waits for its approval from one grant to the next
		t.Errorf("another grant gets %q for the same cookies, not %q", got, set)
	}
	p.GrantEnded("gr_one")
	within(t, p, "gr_one", target).Ask("GET /ended", "Cookie: "+pairs[0], "")
	for _, path := range []string{"/another", "/ended"} {
		if !strings.Contains(log.String(), path+" Cookie: [],") {
			t.Errorf("the service got:\n%s", log)
		}
	}
	if text := s.Recording() + again.Recording() + s.Log.String(); strings.Contains(text, "canary") {
		t.Errorf("the recording or the log has a value:\n%s", text)
	}
}

// J3: what a service holds for a client is not looked into for the gateway's own cookie where it is set, but where it is sent.
func TestAHeldCookieIsNoWayToSendTheGatewaysCookie(t *testing.T) {
	log := &journal{}
	target := site(t, func(w http.ResponseWriter, r *http.Request) {
		log.Add("%s %s", r.URL.Path, r.Header["Cookie"])
		w.Header().Add("Set-Cookie", `a="x, sid=evil"`)
	})
	target.Credential = credential.Login{Slot: credential.Slot{In: credential.InCookie, Name: "sid"}, Value: credential.NewSecret(secretToken)}
	s := open(t, target, allowAll)
	pairs := jarOf(s.Ask("GET /login", "", "").Response)
	s.Ask("GET /x", "Cookie: b=1; "+strings.Join(pairs, "; "), "")
	if text := log.String(); strings.Contains(text, "evil") || !strings.Contains(text, "/x [b=1; sid="+secretToken+"]") {
		t.Errorf("the service got:\n%s", text)
	}
}

func TestAJarForgetsWhatWasNotUsedForLongest(t *testing.T) {
	j := newJar([32]byte{})
	first := j.hold("first", "1", false)
	var last string
	for i := range 3 * jarCookies {
		last = j.hold("n", fmt.Sprint(i), false)
		if _, ok := j.held(first); !ok {
			t.Fatal("one that is used is forgotten")
		}
	}
	if _, ok := j.held(last); !ok || j.order.Len() != jarCookies || len(j.all) != jarCookies {
		t.Errorf("%d cookies, %d known", j.order.Len(), len(j.all))
	}
	for i := range 100 {
		j.hold("n", fmt.Sprint(i)+strings.Repeat("x", jarBytes/10), false)
	}
	if j.bytes > jarBytes || len(j.all) != j.order.Len() {
		t.Errorf("%d bytes", j.bytes)
	}
}

// A stand-in is short and its value may be long: a head must not grow without bounds by what a client says often.
func TestManyStandInsMakeNoHugeRequest(t *testing.T) {
	log := &journal{}
	target := site(t, func(w http.ResponseWriter, r *http.Request) {
		log.Add("%s %d", r.URL.Path, len(fmt.Sprint(r.Header)))
		w.Header().Set("Set-Cookie", "csrf="+strings.Repeat("v", 10000))
	})
	p := New(slog.New(slog.DiscardHandler), nil)
	s := within(t, p, "gr_one", target)
	pair := jarOf(s.Ask("GET /login", "", "").Response)[0]
	_, standIn, _ := strings.Cut(pair, "=")
	if a := s.Ask("GET /once", "Cookie: "+pair+"\nX-CSRF: "+standIn, ""); a.StatusCode != 200 || !strings.Contains(log.String(), "/once 200") {
		t.Errorf("%s %s", a.Status, log)
	}
	for _, c := range []struct{ path, fields string }{
		{"/many", "Cookie: " + strings.Repeat(pair+"; ", 50) + "a=b"}, {"/fields", strings.Repeat("Cookie: "+pair+"\n", 50) + "X-A: b"}, {"/csrf", strings.Repeat("X-CSRF: "+standIn+"\n", 50) + "X-A: b"},
	} {
		if a := within(t, p, "gr_one", target).Ask("GET "+c.path, c.fields, ""); a.StatusCode != 502 || strings.Contains(log.String(), c.path) {
			t.Errorf("%s: %s, the service got:\n%s", c.path, a.Status, log)
		}
	}
}
