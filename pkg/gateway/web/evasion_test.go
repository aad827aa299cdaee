package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

// loose lets everything pass but what deletes, and what tools do that are not named.
const loose = `version: 1
rules:
  - {name: all, effects: [read, write, session, execute, transfer, unknown], verdict: allow}
  - {name: no-admin, http: {paths: ["/admin/**"]}, verdict: deny}
  - {name: no-drop, effects: [execute], http: {tools: [drop]}, verdict: deny}
`

func TestAPathIsWrittenInOneWayOrRefused(t *testing.T) {
	for _, path := range []string{
		"/x/%25%32%65%25%32%65/admin", "/x/%252e", "/x/%25%32e", "/%25%36%31dmin", // once decoded they are encoded again
		"/x/%c0%ae%c0%ae/admin", "/x%c0%afadmin", "/%ff", // no UTF-8: longer forms of dots and slashes
		"/x/..%2fadmin", "/x%2f..%2fadmin", "/x%2f%2e%2e%2fadmin", "/x%2F.%2Fy", "/%2Fadmin", "/x%2F%2Fy", "/x/%2e%2e%2Fadmin", "/x%5cy", "/x%3by", "/x%00",
	} {
		if got, err := canonical(path); err == nil {
			t.Errorf("%s is %s", path, got)
		}
	}
	for path, want := range map[string]string{
		"/a%2fb": "/a%2Fb", "/a%2F": "/a%2F", "/%7euser": "/~user", "/a[0]{b}|c^`\"<>": "/a%5B0%5D%7Bb%7D%7Cc%5E%60%22%3C%3E", "/100%25": "/100%25", "/%e4%b8%ad": "/%E4%B8%AD",
	} {
		got, err := canonical(path)
		if again, _ := canonical(got); got != want || err != nil || again != got {
			t.Errorf("%s is %s, and that %s (%v), not %s", path, got, again, err, want)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, path := range []string{"/a/b", "/%25%32%65", "/a%2Fb", "/a%2f..", "/%c3%a4"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got, err := canonical(path)
		if err != nil {
			return
		}
		if again, err := canonical(got); err != nil || again != got {
			t.Errorf("%q is %q, and that %q (%v)", path, got, again, err)
		}
		for _, part := range strings.Split(strings.ReplaceAll(got, "%2F", "/"), "/") {
			if part == "." || part == ".." {
				t.Errorf("%q has a dot segment: %q", path, got)
			}
		}
	})
}

// J1: a method that is named somewhere else than in the first line is the one that some frameworks serve.
func TestNoRequestNamesAnotherMethod(t *testing.T) {
	form := "Content-Type: application/x-www-form-urlencoded"
	multi := "Content-Type: multipart/form-data; boundary=x"
	part := func(name string) string {
		return "--x\r\nContent-Disposition: form-data; " + name + "\r\n\r\nDELETE\r\n--x--\r\n"
	}
	for _, c := range []struct{ line, fields, body string }{
		{"POST /u/1?_method=DELETE", "", ""}, {"POST /u/1?_METHOD=delete", "", ""}, {"POST /u/1?.method=DELETE", "", ""}, {"POST /u/1?%20_method=DELETE", "", ""},
		{"POST /u/1?[method=DELETE", "", ""}, {"POST /u/1?_method[]=DELETE", "", ""}, {"POST /u/1?_method%00x=DELETE", "", ""}, {"POST /u/1?X-HTTP-Method-Override=DELETE", "", ""},
		{"POST /u/1", form, "a=b&_method=DELETE"}, {"POST /u/1", form, "%5fmethod=delete"}, {"POST /u/1", form, "a=b;_method=DELETE"}, {"POST /u/1", form, ".method=DELETE"},
		{"POST /u/1", "", "_method=DELETE"}, {"POST /u/1", "Content-Type: text/plain", "_method=DELETE"},
		{"POST /u/1", multi, part(`name="_method"`)}, {"POST /u/1", multi, part(`name=_method`)}, {"POST /u/1", multi, part("\r\n name=\"_method\"")}, {"POST /u/1", multi, part(`name*=utf-8''%5Fmethod`)},
		{"POST /u/1", multi, part(`name=a; name="_method"`)}, {"POST /u/1", "Content-Type: multipart/form-data; boundary=y; boundary=x", part(`name="_method"`)},
		{"POST /u/1", "Content-Type: application/json", `{"a":1,"_method":"DELETE"}`}, {"POST /u/1", "Content-Type: application/json", `{"\u005fmethod":"DELETE"}`},
	} {
		log := &journal{}
		s := open(t, mirror(t, log, nil), loose)
		if a := s.Ask(c.line, c.fields, c.body); a.StatusCode != 400 || log.String() != "" {
			t.Errorf("%s %q: %s %s\n%s", c.line, c.body, a.Status, a.Text, log)
		}
	}
	for _, c := range []struct{ line, fields, body string }{
		{"POST /u/1", form, "_method=post&payment_method=card"}, {"POST /u/1", multi, strings.ReplaceAll(part(`name="payment_method"`), "DELETE", "_method")},
		{"POST /u/1?method=x", "Content-Type: application/json", `{"method":"DELETE","a":{"_method":1}}`}, {"PATCH /u/1", form, "_method=patch"},
		{"POST /u/1", multi, part(`name="f"; filename="pay_method.pdf"`)},
	} {
		if a := open(t, mirror(t, &journal{}, nil), loose).Ask(c.line, c.fields, c.body); a.StatusCode != 200 {
			t.Errorf("%s %q: %s %s", c.line, c.body, a.Status, a.Text)
		}
	}
}

// J3, J5: fields in which somebody in front tells a service who asks, for what, and for which part of it.
func TestWhatProxiesTellIsNotTheClientsToSay(t *testing.T) {
	names := strings.Fields(`X-Forward-For X-Forwarded-Port X-Originating-IP X-Remote-Addr WL-Proxy-Client-IP X-ProxyUser-Ip X-Azure-ClientIP CF-Connecting-IPv6 X-Appengine-User-Email
		X-Endpoint-Api-Userinfo X-Userinfo X-User-Id X-User-Email X-Username X-Groups X-Roles X-Role X-Email Remote-Groups Remote-Name Remote-Email Shib-Session-Id OIDC-Claim-Email Eppn
		Client-Cert Client-Cert-Chain X-Client-Cert X-Client-DN X-Client-Verify X-Tls-Client-Subject X-Arr-ClientCert SSL-Client-Verify X-Credential-Identifier X-Anonymous-Consumer
		Sudo es-security-runas-user X-On-Behalf-Of X-Impersonate-User X-Original-Path X-Original-Uri X-Envoy-Original-Path X-Rewrite-Url X-Override-Url X-Request-Uri X-Proxy-Url
		X-Host-Override X-Http-Host-Override X-Backend-Host Base-Url X-HTTP-Verb X-Method X-Method-Override HTTP-Method-Override X-Sendfile-Type X-Accel-Mapping Dapr-App-Id
		X-Middleware-Rewrite Gitlab-Workhorse-Api-Request Request-Range X-Ms-Range X.Http.Method.Override X!Real!Ip Cloudfront-Viewer-Address X-Jwt-Assertion`)
	log := &journal{}
	s := open(t, mirror(t, log, nil), allowAll)
	var fields strings.Builder
	for _, name := range names {
		fields.WriteString(name + ": evil\n")
	}
	honest := "Content-Type: text/plain\nX-User-Agent: grpc-web\nX-Tenant: a\nX-Scope-OrgID: b\nX-Csrf-Token: c\nX-Client-Version: d\nX-Grafana-Org-Id: 1\nMcp-Session-Id: e"
	s.Ask("GET /x", fields.String()+honest, "")
	if got := log.String(); strings.Contains(got, "evil") {
		t.Errorf("the service got:\n%s", got)
	}
	for line := range strings.SplitSeq(honest, "\n") {
		if !strings.Contains(strings.ToLower(log.String()), strings.ToLower(line)) {
			t.Errorf("the service did not get %s:\n%s", line, log)
		}
	}
}

// J9: a part of a body that nobody asked for can be all that a mask would hide.
func TestAPartOfABodyIsWithheldWhereItIsLookedAt(t *testing.T) {
	part := "HTTP/1.1 206 Partial Content\r\nContent-Type: application/json\r\nContent-Range: bytes 8-20/40\r\nContent-Length: 13\r\n\r\n\"078-05-1120\""
	if a := open(t, canned(t, part), maskedStreams).Ask("GET /x", "", ""); a.StatusCode != 502 {
		t.Errorf("%s %q", a.Status, a.Text)
	}
	if a := open(t, withoutCredential(canned(t, part)), allowAll).Ask("GET /x", "", ""); a.StatusCode != 206 {
		t.Errorf("where nothing is looked for: %s %q", a.Status, a.Text)
	}
	rows := strings.Replace(part, "bytes 8-20/40", "0-1/5", 1) // as PostgREST counts rows: the body is whole
	if a := open(t, canned(t, rows), maskedStreams).Ask("GET /x", "", ""); a.StatusCode != 206 {
		t.Errorf("rows: %s %q", a.Status, a.Text)
	}
}

// J1: some servers don't read the bodies of some requests, and take them for the next request. They have to close instead.
func TestABodyThatAServerDoesNotReadIsNoRequest(t *testing.T) {
	const hidden = "DELETE /stowaway HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, c := range []struct{ line, body string }{
		{"GET /a", hidden}, {"DELETE /a", hidden}, {"OPTIONS /a", hidden}, {"POST /a", hidden}, {"POST /a", "\r\n" + hidden}, {"PUT /a", "GET /stowaway\r\n"}, {"PATCH /a", strings.ToLower(hidden)},
		{"GET /a", `{"query":{}}`},
	} {
		log := &journal{}
		s := open(t, raw(t, func(conn net.Conn) {
			r := bufio.NewReader(conn)
			for {
				q, err := http.ReadRequest(r) // and nothing of its body
				if err != nil {
					return
				}
				log.Add("%s %s", q.Method, q.RequestURI)
				if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); err != nil || q.Close {
					return
				}
			}
		}), allowAll)
		if a := s.Ask(c.line, "Content-Type: text/plain", c.body); a.StatusCode != 200 {
			t.Errorf("%s: %s", c.line, a.Status)
		}
		if a := s.Ask("GET /next", "", ""); a.StatusCode != 200 {
			t.Errorf("%s, then: %s", c.line, a.Status)
		}
		if got := log.String(); got != c.line+"\nGET /next" {
			t.Errorf("%s %q: the service served\n%s", c.line, c.body, got)
		}
	}
}

func TestACallBehindOtherSignsIsNoOtherText(t *testing.T) {
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drop","arguments":{}}}`
	json := "Content-Type: application/json"
	for name, c := range map[string]struct{ fields, body string }{
		"a comment":            {json, "/* x */ " + call},
		"a line's comment":     {json, "// x\n" + call},
		"a hash":               {json, "# x\n" + call},
		"a guard":              {json, ")]}'\n" + call},
		"a list":               {json, "//\n[/**/" + call + "]"},
		"a list in a list":     {json, "#\n[\u00a0[" + call + "]]"},
		"white space":          {json, "\u00a0" + call},
		"wide white space":     {json, "\u2003\u3000\u2028" + call},
		"no width":             {json, "\u200b" + call},
		"UTF-7":                {json + "; charset=utf-7", strings.Replace(call, "tools/call", "tools+AC8-call", 1)},
		"UTF-7, in another":    {json + ";CHARSET*=us-ascii''utf-7", "+AHsAIg-jsonrpc"},
		"EBCDIC":               {json + "; charset=cp037", call},
		"charsets":             {json + "; charset=utf-8; charset=utf-7", call},
		"another case":         {json, strings.Replace(call, "tools/call", "Tools/Call", 1)},
		"a space":              {json, strings.Replace(call, "tools/call", "tools/call ", 1)},
		"an end":               {json, strings.Replace(call, `"drop"`, `"drop\u0000"`, 1)},
		"the case of its name": {json, strings.Replace(call, `"drop"`, `"DROP"`, 1)},
		"a space in its name":  {json, strings.Replace(call, `"drop"`, `" drop"`, 1)},
		"a field":              {json + "\nMcp-Method: tools/call", strings.Replace(call, "tools/call", "ping", 1)},
		"a field by itself":    {json + "\nMcp-Method: tools/call\nMcp-Name: drop", `{"a":1}`},
		"a field's name":       {json + "\nMcp-Method: tools/call\nMcp-Name: drop", strings.Replace(call, `"drop"`, `"search"`, 1)},
		"a coded name":         {json + "\nMcp-Method: tools/call\nMcp-Name: =?base64?ZHJvcA==?=", strings.Replace(call, `"drop"`, `"search"`, 1)},
		"two fields":           {json + "\nMcp-Method: tools/call\nMcp-Method: ping", strings.Replace(call, `"drop"`, `"search"`, 1)},
	} {
		log := &journal{}
		s := open(t, mirror(t, log, nil), loose)
		if a := s.Ask("POST /mcp", c.fields, c.body); a.StatusCode/100 != 4 || log.String() != "" {
			t.Errorf("%s: %s %s\n%s", name, a.Status, a.Text, log)
		}
	}
	for name, c := range map[string]struct{ fields, body string }{
		"a page":          {"Content-Type: text/markdown", "# Method\n[a link](b) and \\escapes of jsonrpc"},
		"a program":       {"Content-Type: text/plain", "#!/bin/sh\necho method"},
		"as it should be": {json + "\nMcp-Method: tools/call\nMcp-Name: search", strings.Replace(call, `"drop"`, `"search"`, 1)},
		"in base64":       {json + "\nMcp-Method: tools/call\nMcp-Name: =?base64?c2VhcmNo?=", strings.Replace(call, `"drop"`, `"search"`, 1)},
		"read":            {json + "\nMcp-Method: resources/read\nMcp-Name: a://b", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"a://b"}}`},
		"Latin":           {"Content-Type: text/plain; charset=ISO-8859-1", "caf\xe9"},
	} {
		if a := open(t, mirror(t, &journal{}, nil), loose).Ask("POST /mcp", c.fields, c.body); a.StatusCode != 200 {
			t.Errorf("%s: %s %s", name, a.Status, a.Text)
		}
	}
}

// A service that signs the gateway in by a cookie must not be sent another of its name, in whatever way services take cookies apart.
func TestTheGatewaysCookieIsNotTheClientsToSend(t *testing.T) {
	for _, cookie := range []string{"session=evil", "session =evil", "a=b,session=evil", "a=b session=evil", "SESSION=evil", "a=b; \tsession\t=evil", "sess%69on=evil", "session", "a=\"x session=evil\"", "session[]=evil"} {
		log := &journal{}
		target := mirror(t, log, nil)
		target.Credential = credential.Login{Slot: credential.Slot{In: credential.InCookie, Name: "session"}, Value: credential.NewSecret("ours-4711")}
		open(t, target, allowAll).Ask("GET /x", "Cookie: "+cookie+"\nCookie: theme=dark", "")
		if got := log.String(); strings.Contains(got, "evil") || strings.Count(got, "session") != 1 || !strings.Contains(got, "theme=dark") {
			t.Errorf("%s: the service got\n%s", cookie, got)
		}
	}
}

func TestEveryTextOfAWebSocketIsMaskedAsADocument(t *testing.T) {
	whole := allowAll + "masks:\n  - {name: whole, json: [\"$\"], as: redact}\n"
	for _, text := range []string{`"` + canarySSN + `"`, " 78051120 ", "-7805.1", "text " + canarySSN} {
		s := dial(t, talks(t, &journal{}, func(_ net.Conn, r *websocket.Reader, w *websocket.Writer) {
			_ = w.Message(websocket.Text, []byte(text))
			_, _ = r.Message()
		}), whole)
		got := string(s.hear().Payload)
		if strings.Contains(got, "1120") || strings.Contains(got, "7805.1") {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}

func TestAScriptForARequestThatNamesAFunctionIsWithheldUnderMasks(t *testing.T) {
	jsonp := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/javascript")
		_, _ = io.WriteString(w, r.URL.Query().Get("callback")+`({"ssn":"`+canarySSN+`"})`)
	}
	for _, call := range []string{"cb", "a[0]", "alert(1);x", "x=1;" + strings.Repeat("y=1;", 300) + "f"} {
		a := open(t, site(t, jsonp), maskedStreams).Ask("GET /x?callback="+url.QueryEscape(call), "", "")
		if a.StatusCode != 502 || strings.Contains(a.Text, canarySSN) {
			t.Errorf("%s: %s %s", call, a.Status, a.Text)
		}
	}
}

// What a client made to depend on a version must not be done without: a mask hides the version, and dropping the field would make a
// careful request a careless one.
func TestAConditionalWriteIsNeverMadeUnconditional(t *testing.T) {
	document := http.Header{"Content-Type": {"application/json"}}
	for _, c := range []struct {
		line, field string
		status      int
		want        string
	}{
		{"PUT /x", `If-Match: "v1"`, 415, ""}, {"DELETE /x", `If-Match: "v1"`, 415, ""}, {"PATCH /x", "If-Unmodified-Since: Thu, 26 Nov 2026 20:00:00 GMT", 415, ""},
		{"PUT /x", "If-None-Match: *", 200, "If-None-Match: *"}, {"PUT /x", "If-Match: *", 200, "If-Match: *"}, {"POST /x", `If-None-Match: "v1"`, 415, ""},
		{"GET /x", `If-None-Match: "v1"`, 200, "Accept-Encoding"},
	} {
		log := &journal{}
		a := open(t, mirror(t, log, document), maskedStreams).Ask(c.line, c.field, "")
		if got := log.String(); a.StatusCode != c.status || !strings.Contains(got, c.want) || c.status != 200 && got != "" || strings.Contains(got, "v1") {
			t.Errorf("%s with %s: %s\n%s", c.line, c.field, a.Status, got)
		}
		log = &journal{}
		if a := open(t, mirror(t, log, nil), allowAll).Ask(c.line, c.field, ""); a.StatusCode != 200 || !strings.Contains(log.String(), c.field) {
			t.Errorf("where nothing is masked: %s with %s: %s\n%s", c.line, c.field, a.Status, log)
		}
	}
}

// P7: what detectors find is in no recording, however a path is written.
func TestAPathIsRecordedAsDetectorsSeeIt(t *testing.T) {
	s := open(t, mirror(t, &journal{}, nil), allowAll+"masks:\n  - {name: cards, detect: [credit_card, email], as: redact}\n")
	s.Ask("GET /cards/4111%201111%201111%201111/carol%40example.com", "", "")
	s.Ask("GET /cards/..%2F4111%201111%201111%201111", "", "")
	if text := s.Recording(); strings.Contains(text, "4111%20") || strings.Contains(text, "4111 1111") || strings.Contains(text, "carol") || !strings.Contains(text, "/cards/") {
		t.Errorf("recorded:\n%s", text)
	}
}

// A project of GitLab is one segment of a path, group%2Fproject. It passes as it came, and a service that takes it for two segments gets
// nothing by it that a rule keeps from the person.
func TestAnEncodedSlashPassesAsItCameAndIsJudgedInBothReadings(t *testing.T) {
	const rules = `version: 1
rules:
  - {name: all, effects: [read], http: {paths: ["/api/v4/projects/**"]}, verdict: allow}
  - {name: issues, effects: [write], http: {paths: ["/api/v4/projects/{id}/issues"]}, verdict: allow}
  - {name: none, http: {paths: ["/api/v4/projects/{id}/variables", "/api/v4/projects/secret/{name}"]}, verdict: deny}
`
	for _, c := range []struct {
		line    string
		raw, ok bool
	}{
		{"GET /api/v4/projects/group%2Fproject", false, true},
		{"GET /api/v4/projects/group%2fsub%2Fproject/issues", false, true},
		{"GET /api/v4/projects/group%2Fproject/variables", false, false}, // one segment
		{"GET /api/v4/projects/1%2Fvariables", false, false},             // two
		{"GET /api/v4/projects/secret%2Fproject", false, false},
		{"GET /api/v4/projects/1%2F..%2Fusers", false, false},
		{"GET /api/v4%2Fprojects/1", false, false},
		{"POST /api/v4/projects/group%2Fproject/issues", false, false}, // to a service that decodes, another path
		{"POST /api/v4/projects/group%2Fproject/issues", true, true},
		{"GET /api/v4/projects/1%2Fvariables", true, true}, // a project's name
		{"GET /api/v4/projects/group%2Fproject/variables", true, false},
		{"GET /api/v4/projects/1%2F..%2Fusers", true, false},
	} {
		log := &journal{}
		target := mirror(t, log, nil)
		target.RawPaths = c.raw
		a := open(t, target, rules).Ask(c.line, "", "")
		if want := strings.Replace(c.line, "%2f", "%2F", 1); (a.StatusCode == 200) != c.ok || c.ok != strings.HasPrefix(log.String(), want+"\n") || !c.ok && log.String() != "" {
			t.Errorf("%s, raw %t: %s %s\n%s", c.line, c.raw, a.Status, a.Text, log)
		}
	}
}
