package http1_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

var chunked = &http1.Request{Method: "POST", Path: "/", Minor: 1, Length: http1.Chunked, Fields: http1.Fields{{Name: "Host", Value: "h"}}}

// bodies are chunked bodies, and the status with which each is refused; 0 for those that are read, as "abc", with NEXT behind them.
var bodies = []struct {
	name, text string
	status     int
}{
	{"one chunk", "3\r\nabc\r\n0\r\n\r\nNEXT", 0},
	{"three chunks", "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\nNEXT", 0},
	{"zeros before the size", "0000000000000003\r\nabc\r\n000\r\n\r\nNEXT", 0},
	{"trailers", "3\r\nabc\r\n0\r\nX: a\r\nContent-Length: 7\r\n\r\nNEXT", 0},
	{"a bare LF behind the size", "3\nabc\r\n0\r\n\r\n", 400},
	{"a bare CR behind the size", "3\rabc\r\n0\r\n\r\n", 400},
	{"a bare LF behind the data", "3\r\nabc\n0\r\n\r\n", 400},
	{"nothing behind the data", "3\r\nabc0\r\n\r\n", 400},
	{"other bytes behind the data", "3\r\nabcXX0\r\n\r\n", 400},
	{"more data than the size", "3\r\nabcd\r\n0\r\n\r\n", 400},
	{"a bare LF behind the last size", "3\r\nabc\r\n0\n\r\n", 400},
	{"a bare LF at the end", "3\r\nabc\r\n0\r\n\n", 400},
	{"an extension", "3;a=b\r\nabc\r\n0\r\n\r\n", 400},
	{"an extension with a bare LF (CVE-2025-22871)", "3;a\nabc\r\n0\r\n\r\n", 400},
	{"an extension of the last chunk", "3\r\nabc\r\n0;a\r\n\r\n", 400},
	{"a space behind the size", "3 \r\nabc\r\n0\r\n\r\n", 400},
	{"a space before the size", " 3\r\nabc\r\n0\r\n\r\n", 400},
	{"a sign", "+3\r\nabc\r\n0\r\n\r\n", 400},
	{"0x", "0x3\r\nabc\r\n0\r\n\r\n", 400},
	{"an underscore", "0_3\r\nabc\r\n0\r\n\r\n", 400},
	{"no size", "\r\nabc\r\n0\r\n\r\n", 400},
	{"17 digits", "00000000000000003\r\nabc\r\n0\r\n\r\n", 400},
	{"2^62", "4000000000000000\r\nabc", 400},
	{"2^64 and 3", "10000000000000003\r\nabc\r\n0\r\n\r\n", 400},
	{"a trailer without a colon", "3\r\nabc\r\n0\r\nX\r\n\r\n", 400},
	{"a trailer with a bare LF", "3\r\nabc\r\n0\r\nX: a\nY: b\r\n\r\n", 400},
	{"a folded trailer", "3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n", 400},
	{"long trailers", "3\r\nabc\r\n0\r\nX: " + strings.Repeat("a", 8<<10) + "\r\n\r\n", 431},
}

func TestChunksAreReadStrictly(t *testing.T) {
	for _, b := range bodies {
		for _, size := range []int{16, 4096} {
			r := bufio.NewReaderSize(strings.NewReader(b.text), size)
			body, err := io.ReadAll(chunked.Body(r))
			status := 0
			var e *http1.Error
			if errors.As(err, &e) {
				status = e.Status
			}
			if status != b.status || (err == nil) != (b.status == 0) {
				t.Errorf("%s: status %d, %v; %d was to be", b.name, status, err, b.status)
			}
			if b.status != 0 {
				continue
			}
			if rest, _ := io.ReadAll(r); string(body) != "abc" || string(rest) != "NEXT" {
				t.Errorf("%s: %q, and %q behind it", b.name, body, rest)
			}
		}
	}
}

func TestABodyThatEndsEarlyIsNotOneThatEnds(t *testing.T) {
	text := "3\r\nabc\r\n0\r\nX: a\r\n\r\n"
	for n := range len(text) {
		if _, err := io.ReadAll(chunked.Body(bufio.NewReader(strings.NewReader(text[:n])))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v", text[:n], err)
		}
	}
	counted := &http1.Request{Length: 3}
	for n := range 3 {
		if _, err := io.ReadAll(counted.Body(bufio.NewReader(strings.NewReader("abc"[:n])))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d of 3 bytes: %v", n, err)
		}
	}
}

// A watch and an event stream write a chunk and then wait: what came is there before anything stands behind it.
func TestAChunkIsReadBeforeItsEndCame(t *testing.T) {
	in, out := io.Pipe()
	go func() { _, _ = io.WriteString(out, "3\r\nabc") }()
	body := chunked.Body(bufio.NewReader(in))
	p := make([]byte, 10)
	if n, err := io.ReadAtLeast(body, p, 3); n != 3 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	_ = out.Close()
}

func TestABodyIsFramedAsItWasAnnounced(t *testing.T) {
	var wire bytes.Buffer
	w := http1.NewBodyWriter(&wire, http1.Chunked)
	for _, p := range []string{"abc", "", "0123456789abcdefg"} {
		if n, err := io.WriteString(w, p); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil || wire.String() != "3\r\nabc\r\n11\r\n0123456789abcdefg\r\n0\r\n\r\n" {
		t.Errorf("%q, %v", wire.String(), err)
	}
	if _, err := io.WriteString(w, "x"); err == nil {
		t.Error("it was written behind the last chunk")
	}

	wire.Reset()
	w = http1.NewBodyWriter(&wire, 5)
	_, err := io.WriteString(w, "abc")
	if short := w.Close(); err != nil || short == nil {
		t.Errorf("a short body was closed: %v, %v", err, short)
	}
	wire.Reset()
	w = http1.NewBodyWriter(&wire, 5)
	_, _ = io.WriteString(w, "abc")
	if _, err := io.WriteString(w, "def"); err == nil || wire.String() != "abc" || w.Close() == nil {
		t.Errorf("a long body was written: %q, %v", wire.String(), err)
	}
	for _, none := range []int64{0, http1.Silent} {
		wire.Reset()
		w = http1.NewBodyWriter(&wire, none)
		if _, err := io.WriteString(w, "HTTP/1.1 200 OK\r\n"); err == nil || wire.Len() != 0 {
			t.Errorf("length %d: a body was written where there is none", none)
		}
	}
	wire.Reset()
	w = http1.NewBodyWriter(&wire, http1.UntilClose)
	_, _ = io.WriteString(w, "abc")
	if err := w.Close(); err != nil || wire.String() != "abc" {
		t.Errorf("%q, %v", wire.String(), err)
	}
}

// FuzzBody: how the input is cut does not matter, and what is read as a body here is read as the same body by net/http, with the same
// bytes behind it. What BodyWriter writes in pieces is read as it was.
func FuzzBody(f *testing.F) {
	for _, b := range bodies {
		if len(b.text) < 4096 { // long inputs are minimized for longer than they are worth
			f.Add([]byte(b.text), uint16(3))
		}
	}
	f.Fuzz(func(t *testing.T, wire []byte, cut uint16) {
		r := bufio.NewReader(bytes.NewReader(wire))
		body, err := io.ReadAll(chunked.Body(r))
		slow := bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(wire)), 16)
		again, err2 := io.ReadAll(iotest.OneByteReader(chunked.Body(slow)))
		if !bytes.Equal(body, again) || !sameError(err, err2) {
			t.Fatalf("%q, %v; byte by byte %q, %v", body, err, again, err2)
		}
		if err == nil {
			rest, _ := io.ReadAll(r)
			theirs, left := readBody(t, append(http1.AppendRequest(nil, chunked), wire...))
			if !bytes.Equal(body, theirs) || !bytes.Equal(rest, left) {
				t.Fatalf("%q then %q; net/http reads %q then %q", body, rest, theirs, left)
			}
		}
		writeAndRead(t, wire, int(cut)+1)
	})
}

func readBody(t *testing.T, wire []byte) (body, rest []byte) {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(wire))
	q, err := http.ReadRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	if body, err = io.ReadAll(q.Body); err != nil {
		t.Fatalf("net/http refuses a body: %v", err)
	}
	rest, _ = io.ReadAll(r)
	return body, rest
}

func writeAndRead(t *testing.T, body []byte, cut int) {
	t.Helper()
	var wire bytes.Buffer
	w := http1.NewBodyWriter(&wire, http1.Chunked)
	for left := body; len(left) > 0; left = left[min(cut, len(left)):] {
		if _, err := w.Write(left[:min(cut, len(left))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	wire.WriteString("NEXT")
	r := bufio.NewReader(&wire)
	got, err := io.ReadAll(chunked.Body(r))
	if rest, _ := io.ReadAll(r); err != nil || !bytes.Equal(got, body) || string(rest) != "NEXT" {
		t.Fatalf("%q was written, %q read, %v", body, got, err)
	}
}

// sameError compares by kind and text.
func sameError(a, b error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Error() == b.Error()
}
