package http1_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

func TestARequestIsWrittenAsItWasUnderstood(t *testing.T) {
	for in, want := range map[string]string{
		"GET /a?b HTTP/1.1\r\nhost: h\r\nX-A:\t a b \t\r\nconnection: keep-alive\r\n\r\n":            "GET /a?b HTTP/1.1\r\nhost: h\r\nX-A: a b\r\n\r\n",
		"GET /? HTTP/1.1\r\nHost: h\r\nConnection: X-B, close\r\nX-B: c\r\n\r\n":                     "GET /? HTTP/1.1\r\nHost: h\r\nX-B: c\r\nConnection: close, X-B\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\ncontent-length: 003\r\nexpect: 100-Continue\r\n\r\n":          "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\n\r\n":                                                         "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: h\r\ntransfer-encoding: CHUNKED\r\nTrailer: a\r\n\r\n":              "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n": "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n":   "GET / HTTP/1.1\r\nHost: h\r\nConnection: HTTP2-Settings\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n":                                         "GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n":               "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: h\r\nKeep-Alive: timeout=5\r\n\r\n": "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
	} {
		q, _ := read(t, in)
		if got := string(http1.AppendRequest(nil, q)); got != want {
			t.Errorf("%q was written as %q", in, got)
		}
	}
}

func TestNothingIsWrittenThatAReaderWouldRefuse(t *testing.T) {
	host := http1.Fields{{Name: "Host", Value: "h"}}
	for name, q := range map[string]*http1.Request{
		"a method with a line in it": {Method: "GET / HTTP/1.1\r\nX: y\r\n\r\nGET", Path: "/", Minor: 1, Fields: host},
		"no method":                  {Path: "/", Minor: 1, Fields: host},
		"TRACE":                      {Method: "TRACE", Path: "/", Minor: 1, Fields: host},
		"a path with a space":        {Method: "GET", Path: "/a b", Minor: 1, Fields: host},
		"a path with a query":        {Method: "GET", Path: "/a?b", Minor: 1, Fields: host},
		"a path of another host":     {Method: "GET", Path: "http://g/", Minor: 1, Fields: host},
		"a query with a line in it":  {Method: "GET", Path: "/", Query: "a\r\nX: y", Minor: 1, Fields: host},
		"no Host":                    {Method: "GET", Path: "/", Minor: 1},
		"two Hosts":                  {Method: "GET", Path: "/", Minor: 1, Fields: append(host, host...)},
		"a Host with a line in it":   {Method: "GET", Path: "/", Minor: 1, Fields: http1.Fields{{Name: "Host", Value: "h\r\nX: y"}}},
		"another version":            {Method: "GET", Path: "/", Minor: 2, Fields: host},
		"chunks in HTTP/1.0":         {Method: "POST", Path: "/", Length: http1.Chunked, Fields: host},
		"a body without an end":      {Method: "POST", Path: "/", Minor: 1, Length: http1.UntilClose, Fields: host},
		"an upgrade with a body":     {Method: "GET", Path: "/", Minor: 1, Length: 1, Upgrade: "websocket", Fields: host},
		"an upgrade with a line":     {Method: "GET", Path: "/", Minor: 1, Upgrade: "a\r\nX: y", Fields: host},
		"the zero request":           {},
	} {
		if got := http1.AppendRequest([]byte("before"), q); string(got) != "before" {
			t.Errorf("%s: %q", name, got)
		}
	}
	q := &http1.Request{Method: "GET", Path: "/", Minor: 1, Fields: append(host,
		http1.Field{Name: "X-A", Value: "a\r\nX-B: b"}, http1.Field{Name: "X C", Value: "c"}, http1.Field{Name: "X-D:", Value: "d"},
		http1.Field{Name: "Connection", Value: "a\r\nb, c d, X-E"}, http1.Field{Name: "X-F", Value: " f"}, http1.Field{Name: "X-G", Value: "g\x00"})}
	if got := string(http1.AppendRequest(nil, q)); got != "GET / HTTP/1.1\r\nHost: h\r\nConnection: X-E\r\n\r\n" {
		t.Errorf("%q", got)
	}
}

// FuzzReadRequest: what is read is the same when it was written and is read again, and net/http reads the same method, target, host,
// framing, body and rest where ours accepts it.
func FuzzReadRequest(f *testing.F) {
	for _, head := range heads {
		if len(head.text) < 4096 {
			f.Add([]byte(head.text + "0\r\n\r\n"))
		}
	}
	f.Add([]byte("POST / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: a\r\n", 199) + "\r\n"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := bufio.NewReader(bytes.NewReader(wire))
		q, err := http1.ReadRequest(r)
		if err != nil {
			checkError(t, err)
			return
		}
		written := http1.AppendRequest(nil, q)
		if pastLimits(written) {
			return
		}
		again, err := http1.ReadRequest(bufio.NewReader(bytes.NewReader(written)))
		if err != nil {
			t.Fatalf("%q was written as %q: %v", wire, written, err)
		}
		if !same(q, again) || !bytes.Equal(http1.AppendRequest(nil, again), written) {
			t.Fatalf("%q was read as %+v, written as %q and read as %+v", wire, q, written, again)
		}
		compare(t, wire, q, r)
	})
}

// same compares what requests mean: not how their framing was spelled.
func same(a, b *http1.Request) bool {
	c, d := *a, *b
	c.Fields, d.Fields = nil, nil
	return reflect.DeepEqual(c, d) && a.Host() == b.Host() && reflect.DeepEqual(a.EndToEnd(), b.EndToEnd())
}

func compare(t *testing.T, wire []byte, q *http1.Request, behind *bufio.Reader) {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(wire))
	theirs, err := http.ReadRequest(r)
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", wire, err)
	}
	target := q.Path
	if q.Asked {
		target += "?" + q.Query
	}
	if theirs.Method != q.Method || theirs.RequestURI != target || theirs.Host != q.Host() || theirs.ContentLength != q.Length || theirs.ProtoMinor != q.Minor {
		t.Fatalf("%q: %+v, net/http %+v", wire, q, theirs)
	}
	if theirs.Close && !q.Close {
		t.Fatalf("%q: net/http closes", wire)
	}
	body, err := io.ReadAll(q.Body(behind))
	if err != nil {
		checkError(t, err)
		return
	}
	other, err := io.ReadAll(theirs.Body)
	rest, _ := io.ReadAll(behind)
	left, _ := io.ReadAll(r)
	if err != nil || !bytes.Equal(body, other) || !bytes.Equal(rest, left) {
		t.Fatalf("%q: body %q then %q, net/http %q then %q, %v", wire, body, rest, other, left, err)
	}
}

const ten = "GET /api/v1/namespaces/default/pods?limit=500 HTTP/1.1\r\nHost: 127.0.0.1:6443\r\nUser-Agent: kubectl/v1.31.0 (linux/amd64) kubernetes/9edcffc\r\n" +
	"Accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n" +
	"Kubectl-Command: kubectl get\r\nKubectl-Session: 0b6b5d0e-9d0b-4d43-8d0a-8c8b3d8f5a11\r\nX-A: 1\r\nX-B: 2\r\nConnection: keep-alive\r\n\r\n"

func BenchmarkReadRequest(b *testing.B) {
	in := bytes.NewReader([]byte(ten))
	r := bufio.NewReader(in)
	b.ReportAllocs()
	for b.Loop() {
		in.Reset([]byte(ten))
		r.Reset(in)
		if _, err := http1.ReadRequest(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendRequest(b *testing.B) {
	q, err := http1.ReadRequest(bufio.NewReader(bytes.NewReader([]byte(ten))))
	if err != nil {
		b.Fatal(err)
	}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = http1.AppendRequest(dst[:0], q)
	}
}

func BenchmarkEndToEnd(b *testing.B) {
	q, err := http1.ReadRequest(bufio.NewReader(bytes.NewReader([]byte(ten))))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		q.EndToEnd()
	}
}
