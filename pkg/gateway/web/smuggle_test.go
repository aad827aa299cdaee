package web

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
)

// answering answers every request that net/http reads from the connection with its line and the length of its body.
func answering(_ int, c net.Conn) {
	r := bufio.NewReader(c)
	for {
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		text := q.Method + " " + q.RequestURI
		answer := http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(text)), Request: q}
		answer.Header = http.Header{"Content-Type": {"text/plain"}, "X-Body": {http.StatusText(len(body))}}
		if answer.Write(c) != nil {
			return
		}
	}
}

// everything lets pass whatever can be understood: what the wire does wrong is not hidden behind a rule.
const everything = `version: 1
rules:
  - {name: all, effects: [read, write, delete, session, transfer, execute, unknown], verdict: allow}
`

const stowaway = "GET /stowaway HTTP/1.1\r\nHost: app\r\n\r\n"

// J1: what two readers could take apart in two ways is answered 400, the socket is closed, and the target hears nothing: neither of
// the request nor of the one that hides in it.
func TestARequestThatHidesAnotherReachesNobody(t *testing.T) {
	const post = "POST /front HTTP/1.1\r\nHost: app\r\n"
	for name, text := range map[string]string{
		"CL.TE":                   post + "Content-Length: 42\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + stowaway,
		"TE.CL":                   post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n25\r\n" + stowaway + "\r\n0\r\n\r\n",
		"TE.TE by xchunked":       post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + stowaway,
		"TE.TE by a tab":          post + "Transfer-Encoding:\tchunked\tx\r\n\r\n0\r\n\r\n" + stowaway,
		"TE.TE twice":             post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + stowaway,
		"TE before the colon":     post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + stowaway,
		"TE behind a bare CR":     post + "X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + stowaway,
		"TE behind a bare LF":     post + "X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + stowaway,
		"TE folded":               post + "X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + stowaway,
		"a bare LF in a chunk":    post + "Transfer-Encoding: chunked\r\n\r\n3;a\nabc\r\n0\r\n\r\n" + stowaway,
		"a bare LF behind a size": post + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n" + stowaway,
		"no CRLF behind a chunk":  post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n" + stowaway,
		"a size that overflows":   post + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n0\r\n\r\n" + stowaway,
		"+5":                      post + "Content-Length: +5\r\n\r\nabcde" + stowaway,
		"5,5":                     post + "Content-Length: 5,5\r\n\r\nabcde" + stowaway,
		"two lengths":             post + "Content-Length: 5\r\nContent-Length: 0\r\n\r\n" + stowaway,
		"NUL":                     post + "X: a\x00b\r\n\r\n" + stowaway,
		"the absolute form":       "GET http://other/ HTTP/1.1\r\nHost: app\r\n\r\n" + stowaway,
		"two Hosts":               "GET / HTTP/1.1\r\nHost: app\r\nHost: other\r\n\r\n" + stowaway,
		"a Host with a user":      "GET / HTTP/1.1\r\nHost: app@other\r\n\r\n" + stowaway,
		"an upgrade with a body":  "GET / HTTP/1.1\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 37\r\n\r\n" + stowaway,
		"TE in HTTP/1.0":          "POST / HTTP/1.0\r\nHost: app\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + stowaway,
	} {
		for _, before := range []string{"", "GET /before HTTP/1.1\r\nHost: app\r\n\r\n"} {
			u := httpform.Play(t, answering)
			c := open(t, at(u.Base(t)), everything)
			if before != "" {
				c.Say(before)
				if got := c.Read("GET"); got.StatusCode != 200 {
					t.Fatalf("%s: %s %s", name, got.Status, got.Text)
				}
			}
			c.Say(text)
			got := c.Read("POST")
			if _, err := c.In.ReadByte(); got.StatusCode != 400 || err == nil {
				t.Errorf("%s: status %d, then %v", name, got.StatusCode, err)
			}
			_ = c.Conn.Close()
			u.Stop()
			if came := u.Text(); strings.Contains(came, "stowaway") || strings.Contains(came, "front") || strings.Count(came, " HTTP/1.1") != strings.Count(before, " HTTP/1.1") {
				t.Errorf("%s: the target heard %q", name, came)
			}
		}
	}
}

// J1: the target reads what was understood, in one spelling, and a body is a body however it came.
func TestTheTargetReadsWhatWasUnderstood(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"chunks become a counted body": {
			"POST /a HTTP/1.1\r\nhost: other\r\ntransfer-encoding: CHUNKED\r\nTrailer: X-T\r\n\r\n13\r\n" + stowaway[:19] + "\r\n12\r\n" + stowaway[19:] + "\r\n0\r\nX-T: b\r\n\r\n",
			"POST /a HTTP/1.1\r\nHost: TARGET\r\nAccept-Encoding: identity\r\nAuthorization: " + credentialValue + "\r\nContent-Length: 37\r\nConnection: close\r\n\r\n" + stowaway,
		},
		"a body of GET stays one": {
			"GET /a HTTP/1.1\r\nHost: other\r\nContent-Length: 037\r\n\r\n" + stowaway,
			"GET /a HTTP/1.1\r\nHost: TARGET\r\nAccept-Encoding: identity\r\nAuthorization: " + credentialValue + "\r\nContent-Length: 37\r\nConnection: close\r\n\r\n" + stowaway,
		},
		"h2c is not asked for": {
			"GET /a HTTP/1.1\r\nHost: other\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nX: \t b \t\r\n\r\n",
			"GET /a HTTP/1.1\r\nHost: TARGET\r\nX: b\r\nAccept-Encoding: identity\r\nAuthorization: " + credentialValue + "\r\n\r\n",
		},
		// J3
		"whose request it is, is not the client's to say": {
			"GET /a HTTP/1.1\r\nHost: other\r\nX-Forwarded-Host: x\r\nX-Forwarded-For: x\r\nX-Forwarded-Proto: x\r\nX-Forwarded-Uri: /x\r\nX_Forwarded_Host: x\r\nForwarded: host=x\r\n" +
				"X-Original-URL: /x\r\nX-Rewrite-URL: /x\r\nX-Original-Uri: /x\r\nX-HTTP-Method-Override: DELETE\r\nX-Real-IP: 1.2.3.4\r\nVia: x\r\nX-Hoop-User: x\r\nX-Remote-User: x\r\n\r\n",
			"GET /a HTTP/1.1\r\nHost: TARGET\r\nAccept-Encoding: identity\r\nAuthorization: " + credentialValue + "\r\n\r\n",
		},
		// J5
		"what Connection names is gone, and what is ours stays": {
			"GET /a HTTP/1.1\r\nHost: other\r\nConnection: X-One, Authorization, Host, X-Hoop-User\r\nX-One: 1\r\nX_One: 1\r\nAuthorization: Bearer mine\r\nKeep-Alive: 1\r\nTE: trailers\r\n" +
				"Trailer: a\r\nProxy-Authorization: b\r\nProxy-Connection: c\r\nTransfer_Encoding: chunked\r\nContent_Length: 5\r\n\r\n",
			"GET /a HTTP/1.1\r\nHost: TARGET\r\nAccept-Encoding: identity\r\nAuthorization: " + credentialValue + "\r\n\r\n",
		},
	} {
		u := httpform.Play(t, answering)
		socket := open(t, at(u.Base(t)), everything)
		socket.Say(c.in)
		if got := socket.Read("GET"); got.StatusCode != 200 {
			t.Errorf("%s: %s %s", name, got.Status, got.Text)
		}
		_ = socket.Conn.Close()
		u.Stop()
		if want := strings.Replace(c.want, "TARGET", u.Base(t).Host, 1); u.Text() != want {
			t.Errorf("%s: the target heard\n%q, not\n%q", name, u.Text(), want)
		}
	}
}

// A body that is too long to be read before it is judged follows behind its own head, in its own frame.
func TestALongBodyIsNoRequest(t *testing.T) {
	long := strings.Repeat("a", 1<<20) + stowaway
	for name, text := range map[string]string{
		"counted":   "POST /long HTTP/1.1\r\nHost: app\r\nContent-Length: 1048613\r\n\r\n" + long,
		"in chunks": "POST /long HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n100025\r\n" + long + "\r\n0\r\n\r\n",
	} {
		var read [][]byte // by one goroutine a connection, of which there is one
		u := httpform.Play(t, func(_ int, c net.Conn) {
			r := bufio.NewReader(c)
			for {
				q, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				body, _ := io.ReadAll(q.Body)
				read = append(read, append([]byte(q.RequestURI+" "), body...))
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		})
		c := open(t, at(u.Base(t)), everything)
		c.Say(text)
		if got := c.Read("POST"); got.StatusCode != 200 {
			t.Errorf("%s: %s %s", name, got.Status, got.Text)
		}
		_ = c.Conn.Close()
		u.Stop()
		if len(read) != 1 || !bytes.Equal(read[0], []byte("/long "+long)) {
			t.Errorf("%s: the target read %d requests, the first of them %.40q", name, len(read), append(read, nil)[0])
		}
		if head, _, _ := strings.Cut(u.Text(), "\r\n\r\n"); !strings.HasPrefix(head, "POST /long HTTP/1.1\r\n") || !strings.Contains(head, credentialValue) {
			t.Errorf("%s: the target heard %.80q first", name, u.Text())
		}
	}
}

// J5: a rule reads what the target gets. A field that Connection takes away on the way is none that a rule could count on.
func TestARuleReadsTheFieldsThatTheTargetGets(t *testing.T) {
	const dry = `version: 1
rules:
  - {name: dry, effects: [read, write, delete, session], http: {headers: {x-dry-run: ["true"]}}, verdict: allow}
`
	u := httpform.Play(t, answering)
	c := open(t, at(u.Base(t)), dry)
	c.Say("DELETE /a HTTP/1.1\r\nHost: app\r\nX-Dry-Run: true\r\n\r\n")
	if got := c.Read("DELETE"); got.StatusCode != 200 {
		t.Fatalf("the rule admits nothing: %s %s", got.Status, got.Text)
	}
	c.Say("DELETE /b HTTP/1.1\r\nHost: app\r\nX-Dry-Run: true\r\nConnection: X-Dry-Run\r\n\r\n")
	if got := c.Read("DELETE"); got.StatusCode != 403 {
		t.Errorf("%s %s", got.Status, got.Text)
	}
	_ = c.Conn.Close()
	u.Stop()
	if strings.Contains(u.Text(), "DELETE /b") {
		t.Errorf("the target heard %q", u.Text())
	}
}
