package web

import (
	"net/http"
	"strings"
	"testing"
)

// P1: what stands behind a cookie's value is the client's where it tells how to keep the cookie, and nothing else: some services set two
// cookies in one field, and a quoted value may have a semicolon.
func TestNoValueStandsAmongTheAttributesOfACookie(t *testing.T) {
	kept := "; Path=/a; Expires=Thu, 01 Jan 2099 00:00:00 GMT; Max-Age=9; HttpOnly; Secure; SameSite=Lax; Partitioned; Priority=High"
	target := site(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Set-Cookie"] = []string{
			"a=1; sid=canary-second" + kept, `b="x;canary-quoted"; Path=/`, "c=1; canary-word; Comment=canary-comment; HttpOnly=canary-flag; SameSite=canary-site; Max-Age=canary-age", "lang=de; sid=canary-shown",
			"d=1; Path=/, e=canary-folded; HttpOnly", "shown=1, h=canary-behind", "f=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT, g=canary-late",
		}
	})
	target.ShownCookies = []string{"shown"}
	s := open(t, target, allowAll)
	set := s.Ask("GET /", "", "").Header["Set-Cookie"]
	if text := strings.Join(set, "\n") + s.Recording(); len(set) != 7 || strings.Contains(text, "canary") || !strings.HasSuffix(set[0], kept) {
		t.Errorf("%q in:\n%s", set, text)
	}
}
