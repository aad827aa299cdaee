package web

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
)

// mirror is a service that logs the fields that it got, and answers with those that it is told to.
func mirror(t testing.TB, log *journal, answer http.Header) gateway.Target {
	return site(t, func(w http.ResponseWriter, r *http.Request) {
		log.Add("%s %s", r.Method, r.RequestURI)
		log.Add("Host: %s", r.Host)
		for name, values := range r.Header {
			log.Add("%s: %s", name, strings.Join(values, " | "))
		}
		for name, values := range answer {
			w.Header()[name] = values
		}
		_, _ = io.WriteString(w, "{}")
	})
}

func TestHostAndOriginAreTheTargetsWhateverAClientSays(t *testing.T) { // J3
	log := &journal{}
	target := mirror(t, log, nil)
	fields := "X-Forwarded-Host: evil\nX-Forwarded-For: 1.2.3.4\nX-Forwarded-Proto: https\nX-Forwarded-Uri: /admin\nX-Original-URL: /admin\n" +
		"X-Rewrite-URL: /admin\nForwarded: host=evil\nX-Original-Host: evil\nX-HTTP-Method-Override: DELETE\nX-Real-IP: evil\nX_Forwarded_Host: evil\n" +
		"X-Remote-User: evil\nX-Auth-Request-Email: evil\nCf-Access-Jwt-Assertion: evil\nX-Amzn-Oidc-Data: evil\nX-Middleware-Subrequest: evil\n" +
		"Authorization: Bearer evil\nProxy-Authorization: evil\nOrigin: http://evil\nReferer: http://evil/page?token=evil\nSec-Fetch-Site: same-origin"
	if a := open(t, target, allowAll).Ask("GET /x", fields, ""); a.StatusCode != 200 {
		t.Fatal(a.Status)
	}
	got := log.String()
	for _, bad := range []string{"evil", "1.2.3.4", "/admin", "DELETE"} {
		if strings.Contains(got, bad) {
			t.Errorf("the service was told %s:\n%s", bad, got)
		}
	}
	for _, want := range []string{"Host: " + target.Base.Host, "Origin: " + target.Base.String(), "Referer: " + target.Base.String() + "/page", "Authorization: Bearer " + secretToken} {
		if !strings.Contains(got, want) {
			t.Errorf("the service was not told %s:\n%s", want, got)
		}
	}
}

func TestACredentialIsSentInItsPlaceAndNoneOfTheClients(t *testing.T) {
	for name, c := range map[string]struct {
		login        credential.Login
		fields, want string
		line         string
		status       int
	}{
		"a field":                           {credential.Login{Slot: credential.Slot{In: credential.InHeader, Name: "X-Api-Key"}}, "X-Api-Key: mine\nx_api_key: mine\nX-API-KEY: mine", "X-Api-Key: " + secretToken, "GET /x", 200},
		"basic":                             {credential.Login{User: "svc", Password: credential.NewSecret(secretToken), Slot: credential.Slot{In: credential.InBasic}}, "Authorization: Basic mine", "Authorization: Basic ", "GET /x", 200},
		"a cookie":                          {credential.Login{Slot: credential.Slot{In: credential.InCookie, Name: "sid"}}, "Cookie: a=1; sid=mine; hoop_local_80_x=mine; b=2\nCookie: sid=mine", "Cookie: a=1; b=2; sid=" + secretToken, "GET /x", 200},
		"a parameter":                       {credential.Login{Slot: credential.Slot{In: credential.InQuery, Name: "key"}}, "X: y", "GET /x?a=1&key=" + secretToken, "GET /x?a=1", 200},
		"a parameter that the client sends": {credential.Login{Slot: credential.Slot{In: credential.InQuery, Name: "key"}}, "X: y", "", "GET /x?key=mine", 400},
		"a parameter that the client sends in CASES": {credential.Login{Slot: credential.Slot{In: credential.InQuery, Name: "key"}}, "X: y", "", "GET /x?%4bEY=mine", 400},
	} {
		t.Run(name, func(t *testing.T) {
			log := &journal{}
			target := mirror(t, log, nil)
			if c.login.Slot.In != credential.InBasic {
				c.login.Value = credential.NewSecret(secretToken)
			}
			target.Credential = c.login
			s := open(t, target, allowAll)
			if a := s.Ask(c.line, c.fields, ""); a.StatusCode != c.status {
				t.Fatalf("%s %s", a.Status, a.Text)
			}
			if got := log.String(); strings.Contains(got, "mine") || !strings.Contains(got, c.want) {
				t.Errorf("the service got:\n%s", got)
			}
			if strings.Contains(s.Recording(), secretToken) {
				t.Error("the recording has it")
			}
		})
	}
}

func TestTheTargetsCredentialNeverComesBack(t *testing.T) { // P1
	encoded := url.QueryEscape("Bearer " + secretToken)
	for name, play := range map[string]http.HandlerFunc{
		"body": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Authorization")) },
		"in parts": func(w http.ResponseWriter, r *http.Request) {
			for _, c := range []byte(r.Header.Get("Authorization")) {
				_, _ = w.Write([]byte{c})
				w.(http.Flusher).Flush()
			}
		},
		"field": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Debug", "got "+r.Header.Get("Authorization"))
		},
		"a name": func(w http.ResponseWriter, _ *http.Request) { w.Header()["X-"+secretToken] = []string{"x"} },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/next?auth="+encoded, http.StatusFound)
		},
		"redirect elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example.com/"+url.PathEscape(r.Header.Get("Authorization")), http.StatusFound)
		},
		"cookie": func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "tok", Value: secretToken})
		},
		"trailer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Trail")
			fmt.Fprint(w, "x")
			w.(http.Flusher).Flush()
			w.Header().Set("X-Trail", secretToken)
		},
		"error page": func(w http.ResponseWriter, r *http.Request) { http.Error(w, "bad "+r.Header.Get("Authorization"), 500) },
		"image": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			fmt.Fprint(w, "\x89PNG"+secretToken)
		},
	} {
		t.Run(name, func(t *testing.T) {
			log := &journal{}
			s := open(t, site(t, func(w http.ResponseWriter, r *http.Request) {
				log.Add("%s", r.Header.Get("Authorization"))
				play(w, r)
			}), allowAll)
			s.Send("GET /x HTTP/1.1\nHost: x\nConnection: close\n\n")
			got, err := io.ReadAll(s.In)
			if err != nil || len(got) == 0 {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), secretToken) {
				t.Fatal("the service was not signed in to")
			}
			for where, text := range map[string]string{"the client": string(got), "the recording": s.Recording(), "the log": s.Log.String()} {
				for _, form := range []string{secretToken, url.PathEscape(secretToken)} {
					if strings.Contains(text, form) {
						t.Errorf("%s has it:\n%s", where, text)
					}
				}
			}
		})
	}
}

func TestAnswersSpeakOfNoOriginButTheClients(t *testing.T) { // J11
	log := &journal{}
	target := mirror(t, log, http.Header{
		"Set-Cookie": {
			"a=1; Domain=.corp.example.com; Path=/; HttpOnly", "b=2; domain =.corp;\tDOMAIN\t=x; Secure", "hoop_local_8080_ab=stolen; Path=/", "HOOP_LOCAL_x=1", "=nameless",
			"sid=fixed",
		},
		"Service-Worker-Allowed": {"/"}, "Clear-Site-Data": {`"cookies"`}, "Strict-Transport-Security": {"max-age=1"}, "Alt-Svc": {`h3=":443"`},
		"Refresh": {"0; url=http://grafana.internal/"}, "Www-Authenticate": {"Basic realm=x"}, "X-Kept": {"yes"},
	})
	target.ShownCookies = []string{"a", "b", "sid"}
	s := open(t, target, allowAll)
	a := s.Ask("GET /x", "", "")
	want := []string{"a=1; Path=/; HttpOnly", "b=2; Secure", "sid=fixed"}
	if got := a.Header["Set-Cookie"]; !slices.Equal(got, want) {
		t.Errorf("cookies: %q", got)
	}
	for _, name := range []string{"Service-Worker-Allowed", "Clear-Site-Data", "Strict-Transport-Security", "Alt-Svc", "Refresh", "Www-Authenticate"} {
		if a.Header.Get(name) != "" {
			t.Errorf("%s: %s", name, a.Header.Get(name))
		}
	}
	if a.Header.Get("X-Kept") != "yes" {
		t.Error("a field of its own is gone")
	}
}

func TestRedirectsLeadToWhereTheClientIs(t *testing.T) {
	service := func(base string) *service {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		return &service{base: u, prefix: strings.TrimSuffix(u.EscapedPath(), "/")}
	}
	for _, c := range []struct{ base, said, want string }{
		{"http://app.internal:3000", "http://app.internal:3000/login?x=1#y", "/login?x=1#y"},
		{"http://app.internal:3000", "http://APP.internal:3000", "/"},
		{"http://app.internal", "http://app.internal:80/x", "/x"},
		{"http://app.internal:3000", "/login", "/login"},
		{"http://app.internal:3000", "login", "login"},
		{"http://app.internal:3000", "?page=2", "?page=2"},
		{"http://app.internal:3000", "http://user:pw@app.internal:3000/x", "/x"},
		{"http://app.internal:3000", "https://sso.example.com/login?back=x", "https://sso.example.com/login?back=x"},
		{"http://app.internal:3000", "http://app.internal:3000//evil.example.com/x", "/"},
		{"http://app.internal:3000", "/a%2Fb/c", "/a%2Fb/c"},
		{"http://app.internal:3000/app", "/app/login", "/login"},
		{"http://app.internal:3000/app", "/app", "/"},
		{"http://app.internal:3000/app", "/apple", "/apple"},
		{"http://app.internal:3000/app", "login", "login"},
		{"http://app.internal:3000/app", "http://app.internal:3000/app/a%2Fb?x", "/a%2Fb?x"},
		{"http://app.internal:3000/app", "/app//evil.example.com", "/"},
		{"http://app.internal:3000", "http://%zz", "/"},
		{"https://app.internal", "//app.internal/x", "/x"},
		{"https://app.internal", "//other.internal/x", "//other.internal/x"},
	} {
		if got := service(c.base).location(c.said); got != c.want {
			t.Errorf("%s says %q: %q, want %q", c.base, c.said, got, c.want)
		}
	}
	cookies := service("http://app.internal/app")
	for said, want := range map[string]string{
		"a=1; Path=/app": "a=1; Path=/", "a=1; Path=/app/x": "a=1; Path=/x", "a=1; path=/apple": "a=1; Path=/apple", "a=1; Path=/": "a=1; Path=/",
	} {
		if got := cookies.hostOnly(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}

func TestLinksLeadToWhereTheClientIs(t *testing.T) {
	var target gateway.Target
	target = site(t, func(w http.ResponseWriter, _ *http.Request) {
		own := target.Base.Host
		w.Header().Add("Link", `<http://`+own+`/app/items?page=2&per=20>; rel="next", <https://other.example.com/app/x>; rel="help", </app/style.css>; rel=preload`)
		w.Header().Add("Link", `<http://`+own+`/elsewhere>; title="a <b>", <page3>; rel=last, <//`+own+`/app>; rel=up, <http://%zz>, <mailto:x@example.com>`)
		_, _ = io.WriteString(w, "{}")
	})
	base := *target.Base
	base.Path = "/app"
	target.Base = &base
	got := open(t, target, allowAll).Ask("GET /items", "", "").Header.Values("Link")
	want := []string{
		`<http://localhost/items?page=2&per=20>; rel="next", <https://other.example.com/app/x>; rel="help", </style.css>; rel=preload`,
		`<http://localhost/elsewhere>; title="a <b>", <page3>; rel=last, <http://localhost/>; rel=up, <http://%zz>, <mailto:x@example.com>`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestLinksOfAServiceBehindTLSLeadToWhereTheClientIs(t *testing.T) {
	s := &service{base: &url.URL{Scheme: "https", Host: "api.example.com"}}
	for said, want := range map[string]string{
		"//api.example.com/x": "http://localhost/x", "//api.example.com:443/x": "http://localhost/x", "https://api.example.com/x": "http://localhost/x",
		"//other.example.com/x": "//other.example.com/x", "//api.example.com:80/x": "//api.example.com:80/x",
	} {
		if got := s.link("localhost", said); got != want {
			t.Errorf("%s: %s, want %s", said, got, want)
		}
	}
}

func TestLinksInEveryAnswerLeadToWhereTheClientIs(t *testing.T) {
	var target gateway.Target
	target = site(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Link"] = []string{"", "<http://" + target.Base.Host + "/next>; rel=next"}
		w.WriteHeader(http.StatusUpgradeRequired) // also of a handshake
	})
	for what, head := range map[string]string{"a request": "GET /live HTTP/1.1\nHost: localhost\n\n", "a handshake": upgradeHead} {
		s := open(t, target, allowAll)
		s.Send(head)
		if got := s.Head("GET").Header.Values("Link"); !slices.Equal(got, []string{"", "<http://localhost/next>; rel=next"}) {
			t.Errorf("%s: %q", what, got)
		}
	}
}

func TestWhatABodyWasBeforeItWasMaskedIsNotTold(t *testing.T) { // J9
	log := &journal{}
	answer := http.Header{
		"Etag": {`"x"`}, "Last-Modified": {"Thu, 26 Nov 2026 20:00:00 GMT"}, "Digest": {"x"}, "Content-Md5": {"x"}, "Content-Digest": {"x"}, "Repr-Digest": {"x"},
		"Accept-Ranges": {"bytes"}, "Content-Type": {"application/json"}, "X-Goog-Hash": {"crc32c=x", "md5=x"}, "X-Amz-Checksum-Sha256": {"x"},
		"X-Checksum-Md5": {"x"}, "Docker-Content-Digest": {"sha256:x"}, "X-Bz-Content-Sha1": {"x"}, "X-Upstream-Etag": {"x"}, "X-Original-Content-Length": {"27"},
		"X-Ms-Content-Crc64": {"x"}, "X-Crc": {"x"}, "X-Sha384": {"x"}, "X-Sum-Sha-384": {"x"}, "X-Sha224": {"x"},
	}
	fields := "Range: bytes=10-\nIf-Range: \"x\"\nIf-None-Match: \"x\"\nIf: ([\"x\"])\nIf-Schedule-Tag-Match: \"x\"\nX-Store-If-Match: \"x\"\nIf-Modified-Since: Thu, 26 Nov 2026 20:00:00 GMT\nAccept-Encoding: gzip, br"
	a := open(t, mirror(t, log, answer), maskedStreams).Ask("GET /masked", fields, "")
	for name := range answer {
		if name != "Content-Type" && a.Header.Get(name) != "" {
			t.Errorf("%s is told where masks are", name)
		}
	}
	if got := log.String(); strings.Contains(got, "Range") || strings.Contains(got, "If") || !strings.Contains(got, "Accept-Encoding: identity") {
		t.Errorf("the service got:\n%s", got)
	}
	log = &journal{}
	a = open(t, mirror(t, log, answer), allowAll).Ask("GET /free", fields, "")
	if a.Header.Get("Etag") == "" || strings.Contains(log.String(), "Range: bytes=10-") || !strings.Contains(log.String(), "If-None-Match") {
		t.Errorf("with a credential alone, of which a part must not pass either: %v\n%s", a.Header, log)
	}
	log = &journal{}
	bare := open(t, withoutCredential(mirror(t, log, answer)), allowAll)
	if bare.Ask("GET /free", fields, ""); !strings.Contains(log.String(), "Range: bytes=10-") {
		t.Errorf("with nothing to look for: %s", log)
	}
}

func TestAMaskHoldsInFieldsThatAreDocuments(t *testing.T) { // P7
	const head = "version: 1\nrules: [{name: all, effects: [read], verdict: allow}]\nmasks:\n"
	const ssn, rows, mail = "  - {name: s, json: [\"$..ssn\"], as: redact}\n", "  - {name: r, json: [\"$[*]\"], as: redact}\n", "  - {name: m, detect: [email], as: redact}\n"
	for _, c := range []struct{ masks, said, want string }{
		{ssn, `{"shown":{"name":"carol","ssn":"078-05-1120"}}`, `{"shown":{"name":"carol","ssn":"***"}}`},
		{ssn, `[{"\u0073sn":"078-05-1120"}]`, `[{"\u0073sn":"***"}]`},
		{ssn, `[1,2]`, `[1,2]`},
		{ssn, "the ssn", "the ssn"},
		{ssn, `{"ssn":"078-05-1120"`, ""},
		{ssn, `{"a":1},{"ssn":"078-05-1120"}`, ""},
		{ssn, `{'ssn':'078-05-1120'}`, ""},
		{ssn, "{ssn:780511209}", ""},
		{ssn, "[a]", ""},
		{rows, "[780511209]", `["***"]`},
		{mail, `{"m":"carol\u0040example.com"}`, `{"m":"***"}`},
		{mail, `{"m":"carol@example.com","n":1}`, `{"m":"***","n":1}`},
		{mail, `{'m':'carol\u0040example.com'}`, ""},
		{"  - {name: c, columns: [a.b], as: redact}\n", "[a]", "[a]"},
	} {
		s := open(t, mirror(t, &journal{}, http.Header{"X-Shown": {c.said}, "Content-Type": {"application/json"}}), head+c.masks)
		if got := s.Ask("GET /x", "", "").Header.Get("X-Shown"); got != c.want {
			t.Errorf("%s%s: %s", c.masks, c.said, got)
		}
		text := s.Recording()
		for _, bad := range []string{canarySSN, "780511209", "example.com"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: the recording has it:\n%s", c.said, text)
			}
		}
	}
}

func TestLengthsAreThoseOfMaskedBodies(t *testing.T) { // J9
	for _, size := range []int{10, 100_000} {
		s := open(t, site(t, func(w http.ResponseWriter, _ *http.Request) {
			text := fmt.Sprintf(`{"ssn":"078-05-1120","more":%q}`, strings.Repeat("x", size))
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", fmt.Sprint(len(text)))
			_, _ = io.WriteString(w, text)
		}), maskedStreams)
		want := fmt.Sprintf(`{"ssn":"***","more":%q}`, strings.Repeat("x", size))
		for range 2 { // the socket is in step
			if a := s.Ask("GET /x", "", ""); a.Text != want || a.ContentLength >= 0 && a.ContentLength != int64(len(want)) {
				t.Errorf("%d of %d bytes", len(a.Text), a.ContentLength)
			}
		}
	}
}

func TestFieldsOfRequestsAreNoPartOfRecordings(t *testing.T) {
	s := open(t, mirror(t, &journal{}, nil), maskedStreams)
	s.Ask("GET /x?ssn=078-05-1120&name=carol", "Cookie: session=canary-session\nX-Mail: "+foundMail, "")
	s.Ask("GET /a/../b?ssn=078-05-1120", "", "")
	s.Ask("POST /x", "Content-Type: application/json\nCookie: session=canary-session", `{"ssn":"078-05-1120","name":"carol"}`)
	text := s.Recording()
	for _, bad := range []string{"canary-session", foundMail, "078-05-1120"} {
		if strings.Contains(text, bad) {
			t.Errorf("the recording has %s:\n%s", bad, text)
		}
	}
	if !strings.Contains(text, "name=carol") || !strings.Contains(text, `name\":\"carol`) {
		t.Errorf("the recording lacks what nothing masks:\n%s", text)
	}
}

func TestErrorsTellTheirStatusAndWhatToDo(t *testing.T) {
	target := site(t, func(http.ResponseWriter, *http.Request) {})
	target.Base.Host = "127.0.0.1:1"
	a := open(t, target, allowAll).Ask("GET /x", "", "")
	for _, want := range []string{`"status":502`, `"title":"Bad Gateway"`, `"hint":"Try again`, `"code":"`} {
		if !strings.Contains(a.Text, want) {
			t.Errorf("no %s in %s", want, a.Text)
		}
	}
}

func withoutCredential(t gateway.Target) gateway.Target {
	t.Credential = credential.Login{}
	return t
}
