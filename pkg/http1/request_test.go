package http1_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

func read(t *testing.T, text string) (*http1.Request, *bufio.Reader) {
	t.Helper()
	r := bufio.NewReader(strings.NewReader(text))
	q, err := http1.ReadRequest(r)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return q, r
}

func TestARequestIsReadUpToTheEndOfItsBody(t *testing.T) {
	q, r := read(t, "POST /a/b?c=d HTTP/1.1\r\nHost: h:80\r\nX-A:  b c\t\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX-T: u\r\n\r\nNEXT")
	want := &http1.Request{Method: "POST", Path: "/a/b", Query: "c=d", Asked: true, Minor: 1, Length: http1.Chunked, Fields: http1.Fields{
		{Name: "Host", Value: "h:80"}, {Name: "X-A", Value: "b c"}, {Name: "Transfer-Encoding", Value: "Chunked"}}}
	if !reflect.DeepEqual(q, want) {
		t.Errorf("got %+v", q)
	}
	body, err := io.ReadAll(q.Body(r))
	if string(body) != "abc0123456789" || err != nil {
		t.Errorf("body %q, %v", body, err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "NEXT" {
		t.Errorf("%q is left", rest)
	}
}

// heads are first lines and fields (a Host is added where the text has none that is said to be its own) and the status with which
// each is refused; 0 for those that are read.
var heads = []struct {
	name, text string
	status     int
}{
	{"a plain request is read", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 0},
	{"OPTIONS asks the server as such", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 0},
	{"HTTP/1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", 0},
	{"an address in brackets is a host", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 0},
	{"GET may have a length", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 0},
	{"opaque bytes are a value", "GET / HTTP/1.1\r\nHost: h\r\nX: \xc3\xa4\xff\r\n\r\n", 0},
	{"an empty value is one", "GET / HTTP/1.1\r\nHost: h\r\nX:\r\n\r\n", 0},
	{"what browsers leave in queries is read", "GET /?q={\"a\":[1|2]}%zz' HTTP/1.1\r\nHost: h\r\n\r\n", 0},

	// J1: where a message ends.
	{"Content-Length and Transfer-Encoding", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"Transfer-Encoding and Content-Length", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
	{"xchunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", 400},
	{"chunked behind gzip", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400},
	{"chunked twice", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"chunked, then identity", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400},
	{"chunked in quotes", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", 400},
	{"a vertical tab before chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \vchunked\r\n\r\n", 400},
	{"an empty Transfer-Encoding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n", 400},
	{"Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"a long s in chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chun\u212aed\r\n\r\n", 400},
	{"+5", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\n", 400},
	{"-5", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n", 400},
	{"5,5", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5,5\r\n\r\n", 400},
	{"5 5", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5 5\r\n\r\n", 400},
	{"0x5", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\n", 400},
	{"no number", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", 400},
	{"two types", "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\ncontent-type: application/json\r\n\r\n", 400},
	{"the same length twice", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
	{"a length that overflows", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551621\r\n\r\n", 400},
	{"a bare LF ends the first line", "GET / HTTP/1.1\nHost: h\r\n\r\n", 400},
	{"a bare LF ends a field", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
	{"a bare LF ends the head", "GET / HTTP/1.1\r\nHost: h\r\n\n", 400},
	{"a bare CR in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n", 400},
	{"two CR before LF", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\r\n\r\n", 400},
	{"a CR before the end of the head", "GET / HTTP/1.1\r\nHost: h\r\n\r\r\n\r\n", 400},
	{"obs-fold by a space", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400},
	{"obs-fold by a tab", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb: c\r\n\r\n", 400},
	{"a folded first field", "GET / HTTP/1.1\r\n Host: h\r\nHost: h\r\n\r\n", 400},
	{"a space before the colon", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\n", 400},
	{"a tab before the colon", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding\t: chunked\r\n\r\n", 400},
	{"no colon", "GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", 400},
	{"no name", "GET / HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n", 400},
	{"a name outside ASCII", "GET / HTTP/1.1\r\nHost: h\r\nX\xe4: a\r\n\r\n", 400},
	{"NUL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n", 400},
	{"NUL in a name", "GET / HTTP/1.1\r\nHost: h\r\nX\x00: a\r\n\r\n", 400},
	{"DEL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\x7f\r\n\r\n", 400},
	{"an empty line before the request", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},

	// J3: whose request it is.
	{"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400},
	{"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\nhost: g\r\n\r\n", 400},
	{"two Hosts in one", "GET / HTTP/1.1\r\nHost: h, g\r\n\r\n", 400},
	{"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
	{"a user in Host", "GET / HTTP/1.1\r\nHost: h@g\r\n\r\n", 400},
	{"a path in Host", "GET / HTTP/1.1\r\nHost: h/a\r\n\r\n", 400},
	{"a port that is none", "GET / HTTP/1.1\r\nHost: h:80a\r\n\r\n", 400},
	{"no port behind the colon", "GET / HTTP/1.1\r\nHost: h:\r\n\r\n", 400},
	{"an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
	{"the absolute form", "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"the absolute form of another host", "GET http://g/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"the authority form", "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"* for GET", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"* with a query", "OPTIONS *?a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"a fragment", "GET /#a HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"a fragment in the query", "GET /?a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"a tab for a space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"a target outside ASCII", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"a backslash", "GET /a\\..\\b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"half an escape", "GET /a%2 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"an escape of what is no digit", "GET /a%2g HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"no target", "GET HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"no method", " / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
	{"a method with a colon", "GE:T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},

	{"CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 405},
	{"TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405},
	{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
	{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
	{"HTTP/0.9", "GET /\r\n\r\n", 400},
	{"http/1.1", "GET / http/1.1\r\nHost: h\r\n\r\n", 400},
	{"HTTP/1.10", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", 400},
	{"something behind the version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400},
	{"an expectation that nobody knows", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 200-ok\r\n\r\n", 417},
	{"two expectations", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n", 417},
	{"two protocols in Upgrade", "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: a, b\r\n\r\n", 400},
	{"two Upgrades", "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: a\r\nUpgrade: a\r\n\r\n", 400},
	{"an upgrade with a body", "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: a\r\nContent-Length: 1\r\n\r\n", 400},
	{"no token in Connection", "GET / HTTP/1.1\r\nHost: h\r\nConnection: a b\r\n\r\n", 400},

	{"a first line of more than 32 KiB", "GET /" + strings.Repeat("a", 32<<10) + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
	{"a head of more than 64 KiB", "GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", 431},
	{"a head of 63 KiB is read", "GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("a", 63<<10) + "\r\n\r\n", 0},
	{"201 fields", "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: a\r\n", 200) + "\r\n", 431},
	{"200 fields are read", "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: a\r\n", 199) + "\r\n", 0},
}

func TestWhatTwoReadersCouldUnderstandInTwoWaysIsRefused(t *testing.T) {
	for _, head := range heads {
		// A buffer of 16 bytes is the smallest that there is: no line is in it at once.
		for _, size := range []int{16, 4096} {
			_, err := http1.ReadRequest(bufio.NewReaderSize(strings.NewReader(head.text), size))
			status := 0
			var e *http1.Error
			if errors.As(err, &e) {
				status = e.Status
			}
			if status != head.status || (err == nil) != (head.status == 0) {
				t.Errorf("%s: status %d, %v; %d was to be", head.name, status, err, head.status)
			}
		}
	}
}

func TestTheEndOfAConnectionIsToldFromTheEndOfAHead(t *testing.T) {
	text := "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
	for n := range len(text) {
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if _, err := http1.ReadRequest(bufio.NewReader(strings.NewReader(text[:n]))); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestWhatConnectionSays(t *testing.T) {
	for _, c := range []struct {
		line, fields string
		closes       bool
		upgrade      string
		goesOn       bool
	}{
		{"GET / HTTP/1.1", "", false, "", false},
		{"GET / HTTP/1.1", "Connection: x, Close\r\n", true, "", false},
		{"GET / HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", true, "", false},
		{"GET / HTTP/1.0", "", true, "", false},
		{"GET / HTTP/1.0", "Connection: Keep-Alive\r\n", false, "", false},
		{"GET / HTTP/1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n", false, "websocket", false},
		{"POST / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n", false, "spdy/3.1", false},
		{"GET / HTTP/1.1", "Upgrade: websocket\r\n", false, "", false},
		{"GET / HTTP/1.1", "Connection: upgrade\r\n", false, "", false},
		{"GET / HTTP/1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", true, "", false},
		{"GET / HTTP/1.1", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n", false, "", false},
		{"POST / HTTP/1.1", "Expect: 100-Continue\r\nContent-Length: 1\r\n", false, "", true},
		{"POST / HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 0\r\n", false, "", false},
		{"POST / HTTP/1.0", "Expect: 100-continue\r\nContent-Length: 1\r\n", true, "", false},
	} {
		q, _ := read(t, c.line+"\r\nHost: h\r\n"+c.fields+"\r\n")
		if q.Close != c.closes || q.Upgrade != c.upgrade || q.Continue != c.goesOn {
			t.Errorf("%s, %q: %+v", c.line, c.fields, q)
		}
	}
}

// J5: what a client says of connections neither reaches the target nor takes away what a gateway adds.
func TestEndToEndHasNothingThatIsSaidToTheNextHop(t *testing.T) {
	q, _ := read(t, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-One,\r\nconnection: x-two, Authorization\r\nX-One: 1\r\nX_One: 1\r\nX-TWO: 2\r\n"+
		"Authorization: b\r\nKeep-Alive: 5\r\nProxy-Authorization: c\r\nProxy_Any: d\r\nTE: trailers\r\nTrailer: e\r\nUpgrade: f\r\nContent-Length: 0\r\n"+
		"Transfer_Encoding: chunked\r\nContent_Length: 7\r\nExpect: 100-continue\r\nX-Three: 3\r\nProxied: g\r\n\r\n")
	want := http1.Fields{{Name: "X-Three", Value: "3"}, {Name: "Proxied", Value: "g"}}
	if got := q.EndToEnd(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestNamesAreComparedInASCIIOnly(t *testing.T) {
	f := http1.Fields{{Name: "X-User", Value: "1"}, {Name: "x_user", Value: "2"}, {Name: "x-user", Value: "3"}}
	if f.Get("x-USER") != "1" || f.Get("y") != "" || fmt.Sprint(f.Values("X-user")) != "[1 3]" || len(f.Without("X-User")) != 0 {
		t.Errorf("%q, %v, %v", f.Get("x-USER"), f.Values("X-user"), f.Without("X-User"))
	}
	if f.Get("x-u\u017fer") != "" {
		t.Error("a long s is taken for an s")
	}
}
