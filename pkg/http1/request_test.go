package http1_test

import (
	"bufio"
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
