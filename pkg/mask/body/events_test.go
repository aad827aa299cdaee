package body_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

const eventType = "text/event-stream"

func TestEventsAreMasked(t *testing.T) {
	ssn, looks := body.Rules{Paths: paths(t, "$.ssn")}, body.Rules{Detectors: detectors(t, "redact")}
	for _, c := range []struct {
		name    string
		r       body.Rules
		in, out string
	}{
		{"a value at a path", ssn, "data: {\"ssn\":\"canary\"}\n\n", "data: {\"ssn\":\"***\"}\n\n"},
		{"what is not masked stays as it came", ssn, ": hi\r\nid: 1\r\ndata:{\"a\":1}\r\n\r\n: hi\r\rdata: [DONE]\n\n", ": hi\r\nid: 1\r\ndata:{\"a\":1}\r\n\r\n: hi\r\rdata: [DONE]\n\n"},
		{"an event that is written anew", ssn, "event: x\r\ndata: {\"ssn\":1}\r\nid: 7\r\n\r\n", "event: x\nid: 7\ndata: {\"ssn\":\"***\"}\n\n"},
		{"data of several lines", ssn, "data: {\"ssn\":\ndata: \"canary\",\ndata:\"b\":1}\n\n", "data: {\"ssn\":\ndata: \"***\",\ndata: \"b\":1}\n\n"},
		{"a key on two lines", ssn, "data: {\ndata: \"\\u0073sn\"\ndata\ndata: : \"canary\"}\n\n", "data: {\ndata: \"\\u0073sn\"\ndata: \ndata: : \"***\"}\n\n"},
		{"ends of lines of all kinds", ssn, "data: {\"ssn\":1}\r\rdata: {\"ssn\":2}\r\n\r\ndata: {\"ssn\":3}\n\r\n", "data: {\"ssn\":\"***\"}\n\ndata: {\"ssn\":\"***\"}\n\ndata: {\"ssn\":\"***\"}\n\n"},
		{"a byte order mark", ssn, "\xEF\xBB\xBFdata: {\"ssn\":1}\n\n", "data: {\"ssn\":\"***\"}\n\n"},
		{"an event that is cut short", ssn, "data: {\"a\":1}\n\ndata: {\"ssn\":1}", "data: {\"a\":1}\n\ndata: {\"ssn\":\"***\"}\n\n"},
		{"text", ssn, "data: hello\ndata: there\n\nretry: 100\n\n", "data: hello\ndata: there\n\nretry: 100\n\n"},
		{"detectors read JSON", looks, "data: {\"a\":\"\\u0034111111111111111\"}\n\n", "data: {\"a\":\"***\"}\n\n"},
		{"detectors read text", looks, "data: my card\ndata: 4111111111111111\n\n", "data: my card\ndata: ***\n\n"},
		{"and what is no data", looks, ": a@b.example.com\nid: a@b.example.com\ndata: x\n\n", ": ***\nid: ***\ndata: x\n\n"},
		{"and JSON that is broken", looks, "data: {\"a\":\"4111111111111111\"\n\n", "data: {\"a\":\"***\"\n\n"},
		{"and a number", looks, "data: 4111111111111111\n\n", "data: null\n\n"},
		{"nothing", ssn, "", ""},
		{"empty lines", ssn, "\n\r\n\r\r\n\n", "\n\r\n\r\r\n\n"},
		{"a field that only begins like data", ssn, "database: x\ndata\n\n", "database: x\ndata\n\n"},
		{"the data itself", body.Rules{Paths: paths(t, "$")}, "id: 1\ndata: {\"a\":1}\n\n", "id: 1\ndata: \"***\"\n\n"},
	} {
		if got, err := everySplit(t, eventType, c.r, c.in); got != c.out || err != nil {
			t.Errorf("%s: %q\n got %q (%v)\nwant %q", c.name, c.in, got, err, c.out)
		}
	}
}

func TestEventsThatCantBeMaskedAreRefused(t *testing.T) {
	ssn := body.Rules{Paths: paths(t, "$.ssn", "$.list[*]"), Detectors: detectors(t, "redact")}
	for _, in := range []string{
		"data: {\"ssn\":\"canary\"\n\n", "data: x {\"ssn\":\"canary\"}\n\n", "data: {\"a\":1}{\"ssn\":\"canary\"}\n\n", "data: \"canary\n\n", "id: {\"ssn\":\"canary\"}\n\n", ": {\"ssn\":\"canary\"}\n\n",
		"data: [1,2\n\n", "data: [true,\n\n", "data: [ null\n\n", "data: [\n\n", "data:{\"ssn\":\"canary\"", "{\"ssn\":\"canary\"}\n\n", "\xEF\xBB\xBFdata: {\"ssn\":\"canary\"}\n\n",
	} {
		if got, err := everySplit(t, eventType, ssn, "data: {\"a\":1}\n\n"+in+"data: x\n\n"); !errors.Is(err, body.ErrMalformed) || got != "data: {\"a\":1}\n\n" && !strings.HasSuffix(in, "\"") {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
	if got, err := everySplit(t, eventType, body.Rules{Paths: paths(t, "$")}, "data: canary\n\n"); !errors.Is(err, body.ErrMalformed) || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, in := range []string{strings.Repeat("data: x\n", 1<<17+1), "data: " + strings.Repeat("x", 1<<20)} {
		for _, sizes := range [][]int{{2 << 20}, {1000}} {
			if got, err := through(t, eventType, ssn, "data: a\n\n"+in, sizes...); !errors.Is(err, body.ErrMalformed) || got != "data: a\n\n" {
				t.Errorf("an event of %d bytes: got %.100q, %v", len(in), got, err)
			}
		}
	}
}

func TestAnEventIsNotHeldBackByTheNext(t *testing.T) {
	f := filter(t, eventType, body.Rules{Paths: paths(t, "$.ssn"), Detectors: detectors(t, "redact"), Secrets: body.NewSecrets("s3cr3t-token")})
	for _, end := range []string{"\n\n", "\r\n\r\n", "\r\r"} {
		out, err := f.Write(nil, []byte("data: {\"a\":\"b\"}"+end))
		if want := strings.TrimSuffix("data: {\"a\":\"b\"}"+end, "\n"); err != nil || !strings.HasPrefix(string(out), want[:len(want)-1]) || !bytes.ContainsAny(out[len(out)-1:], "\r\n") {
			t.Errorf("got %q, %v", out, err)
		}
	}
}

// read is what a client makes of an event stream: data and ids of its events.
func read(text string) (events []string) {
	text = strings.ReplaceAll(strings.ReplaceAll(strings.TrimPrefix(text, "\xEF\xBB\xBF"), "\r\n", "\n"), "\r", "\n")
	data, any := "", false
	for line := range strings.SplitSeq(text+"\n\n", "\n") {
		name, value, _ := strings.Cut(line, ":")
		switch {
		case line == "":
			if any {
				events = append(events, strings.TrimSuffix(data, "\n"))
			}
			data, any = "", false
		case name == "data":
			data, any = data+strings.TrimPrefix(value, " ")+"\n", true
		}
	}
	return events
}

// A client reads as many events as there were, in JSON without what the paths name, and the same for every split.
func FuzzEvents(f *testing.F) {
	for _, text := range []string{
		"data: {\"ssn\":\"x\"}\n\n", "\xEF\xBB\xBFid: 1\r\ndata\r\n\r\n", ": x\r\rdata: [DONE]", "data: {\ndata: \"ssn\":1}\n\n", "data:{\"a\":[{\"ssn\":{}}]}\r\n\r",
	} {
		f.Add(text, uint8(2), uint8(5))
	}
	rules := body.Rules{Paths: paths(f, "$..ssn")}
	f.Fuzz(func(t *testing.T, text string, a, b uint8) {
		whole, err := through(t, eventType, rules, text, max(len(text), 1))
		if split, again := through(t, eventType, rules, text, int(a), int(b)); split != whole || (err == nil) != (again == nil) {
			t.Fatalf("%q in pieces of %d and %d became %q (%v), not %q (%v)", text, a, b, split, again, whole, err)
		}
		was, is := read(text), read(whole)
		if err != nil {
			return
		}
		if len(was) != len(is) {
			t.Fatalf("%q became %q: %d events, not %d", text, whole, len(is), len(was))
		}
		for i := range is {
			want := was[i]
			if json.Valid([]byte(want)) {
				want, err = through(t, "application/json", rules, want, 100)
			}
			if err != nil || is[i] != want {
				t.Fatalf("%q became %q, not %q", was[i], is[i], want)
			}
		}
	})
}
