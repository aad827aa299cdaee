package http1_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

// answers are heads, the method that was asked with, and the length of the body; refused is for those that are.
const refused = -100

var answers = []struct {
	name, method, text string
	length             int64
}{
	{"a counted body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 3},
	{"a body in chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", http1.Chunked},
	{"a body up to the end", "GET", "HTTP/1.1 200 OK\r\n\r\n", http1.UntilClose},
	{"no reason", "GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 0},
	{"HEAD has no body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 0},
	{"204 has no body", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 0},
	{"304 has no body", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", 0},
	{"100 has no body", "GET", "HTTP/1.1 100 Continue\r\n\r\n", 0},
	{"101 has no body", "GET", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n", 0},
	{"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", 3},

	{"a 101 that says nothing", "GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n", refused},
	{"a 204 with a body", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", refused},
	{"a 204 in chunks", "GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", refused},
	{"a 100 with a body", "GET", "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n", refused},
	{"both framings", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", refused},
	{"two lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", refused},
	{"two types", "GET", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\n", refused},
	{"chunks in HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", refused},
	{"HTTP/2.0", "GET", "HTTP/2.0 200 OK\r\n\r\n", refused},
	{"status 099", "GET", "HTTP/1.1 099 X\r\n\r\n", refused},
	{"status 600", "GET", "HTTP/1.1 600 X\r\n\r\n", refused},
	{"status 2000", "GET", "HTTP/1.1 2000 X\r\n\r\n", refused},
	{"no status", "GET", "HTTP/1.1\r\n\r\n", refused},
	{"a bare LF", "GET", "HTTP/1.1 200 OK\nContent-Length: 3\r\n\r\n", refused},
	{"a folded field", "GET", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", refused},
	{"a control character in the reason", "GET", "HTTP/1.1 200 O\x00K\r\n\r\n", refused},
	{"J12: a head of more than 64 KiB", "GET", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 66) + "\r\n", refused},
	{"J12: 201 fields", "GET", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: a\r\n", 201) + "\r\n", refused},
}

func TestAnswersAreReadStrictly(t *testing.T) {
	for _, c := range answers {
		a, err := http1.ReadAnswer(bufio.NewReader(strings.NewReader(c.text)), c.method)
		var e *http1.Error
		switch {
		case c.length == refused && (!errors.As(err, &e) || e.Status != 502):
			t.Errorf("%s: %+v, %v", c.name, a, err)
		case c.length != refused && (err != nil || a.Length != c.length):
			t.Errorf("%s: %+v, %v", c.name, a, err)
		}
	}
	if _, err := http1.ReadAnswer(bufio.NewReader(strings.NewReader("")), "GET"); !errors.Is(err, io.EOF) {
		t.Errorf("nothing at all: %v", err)
	}
}

func TestAnAnswerIsNotSplit(t *testing.T) {
	got := string(http1.AppendAnswer(nil, &http1.Answer{Status: 200, Length: 2, Fields: http1.Fields{
		{Name: "X-A", Value: "a"}, {Name: "X-B", Value: "b\r\nSet-Cookie: c"}, {Name: "X-C: d\r\nX-D", Value: "e"}, {Name: "X-E", Value: "f\nX-F: g"},
		{Name: "Content-Length", Value: "7"}, {Name: "transfer-encoding", Value: "chunked"}, {Name: "Connection", Value: "close"}, {Name: "", Value: "h"},
		{Name: "Upgrade", Value: "h2"},
	}}))
	if got != "HTTP/1.1 200 OK\r\nX-A: a\r\nContent-Length: 2\r\n\r\n" {
		t.Errorf("%q", got)
	}
}

func TestAnswersAreWrittenByWhatTheyAre(t *testing.T) {
	for want, a := range map[string]*http1.Answer{
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n":            {Status: 200, Length: http1.Chunked, Close: true},
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n":                                          {Status: 200, Length: http1.UntilClose},
		"HTTP/1.1 200 OK\r\n\r\n":                                                               {Status: 200, Length: http1.Silent},
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":                                          {Status: 200},
		"HTTP/1.1 204 No Content\r\n\r\n":                                                       {Status: 204},
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n":                                {Status: 304, Length: 5},
		"HTTP/1.1 100 Continue\r\n\r\n":                                                         {Status: 100},
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n": {Status: 101, Upgrade: "websocket"},
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\n":  {Status: 101, Fields: http1.Fields{{Name: "Upgrade", Value: "SPDY/3.1"}}},
		"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n":                                 {Status: 1000},
		"HTTP/1.1 502 Bad Gateway\r\nX: a\r\nContent-Length: 0\r\n\r\n":                         {Status: 101, Fields: http1.Fields{{Name: "X", Value: "a"}}},
		"HTTP/1.1 599 \r\nContent-Length: 3\r\n\r\n":                                            {Status: 599, Length: 3},
	} {
		if got := string(http1.AppendAnswer(nil, a)); got != want {
			t.Errorf("%+v: %q", a, got)
		}
	}
}

// FuzzReadAnswer: what is read is the same when it was written and is read again, and net/http reads the same status, the same length
// and the same body where ours accepts it.
func FuzzReadAnswer(f *testing.F) {
	for _, a := range answers {
		if len(a.text) < 4096 {
			f.Add([]byte(a.text+"abc"), a.method == "HEAD")
		}
	}
	f.Add([]byte("HTTP/1.1 200 OK\r\n"+strings.Repeat("X: a\r\n", 200)+"\r\nabc"), false)
	f.Fuzz(func(t *testing.T, wire []byte, head bool) {
		method := map[bool]string{true: "HEAD", false: "GET"}[head]
		r := bufio.NewReader(bytes.NewReader(wire))
		a, err := http1.ReadAnswer(r, method)
		if err != nil {
			checkError(t, err)
			return
		}
		written := http1.AppendAnswer(nil, a)
		if pastLimits(written) {
			return
		}
		b, err := http1.ReadAnswer(bufio.NewReader(bytes.NewReader(written)), method)
		if err != nil || a.Status != b.Status || a.Upgrade != b.Upgrade || a.Close && a.Status != 101 && !b.Close || !reflect.DeepEqual(a.EndToEnd(), b.EndToEnd()) {
			t.Fatalf("%q was read as %+v, written as %q and read as %+v, %v", wire, a, written, b, err)
		}
		if a.Length != b.Length {
			t.Fatalf("%q: length %d, then %d", wire, a.Length, b.Length)
		}
		if a.Status < 200 {
			return // net/http has its own ideas of what stands behind an interim answer
		}
		theirs, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(wire)), &http.Request{Method: method})
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", wire, err)
		}
		if theirs.StatusCode != a.Status {
			t.Fatalf("%q: status %d, net/http %d", wire, a.Status, theirs.StatusCode)
		}
		body, err := io.ReadAll(a.Body(r))
		other, err2 := io.ReadAll(theirs.Body)
		if err == nil && (err2 != nil || !bytes.Equal(body, other)) {
			t.Fatalf("%q: body %q, net/http %q, %v", wire, body, other, err2)
		}
	})
}

// checkError fails where an error is none that a reader may answer.
// pastLimits tells whether a head has more than readers take: one that had all of it may have grown by the fields that frame it.
func pastLimits(head []byte) bool {
	const first, last = 1, 1 // lines that are no fields
	return bytes.Count(head, []byte("\r\n"))-first-last > 200 || len(head) > 64<<10
}

func checkError(t *testing.T, err error) {
	t.Helper()
	var e *http1.Error
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	if !errors.As(err, &e) || e.Status < 400 || e.Status > 599 || e.Reason == "" {
		t.Fatalf("an error that says nothing: %v", err)
	}
}
