package websocket_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

func frames(t *testing.T, wire []byte, from websocket.Side) []websocket.Frame {
	t.Helper()
	r := websocket.NewReader(bufio.NewReader(bytes.NewReader(wire)), from)
	var all []websocket.Frame
	for {
		f, err := r.Next()
		if err != nil {
			return all
		}
		f.Payload = bytes.Clone(f.Payload)
		all = append(all, f)
	}
}

func TestAFrameThatAReaderWouldRefuseIsNotWritten(t *testing.T) {
	for name, c := range map[string][]websocket.Frame{
		"a reserved opcode":             {{Opcode: 3, Fin: true}},
		"an opcode of more than 4 bits": {{Opcode: 0x41, Fin: true}},
		"a continuation of nothing":     {{Opcode: websocket.Continuation, Fin: true}},
		"a message within another":      {{Opcode: websocket.Text}, {Opcode: websocket.Text, Fin: true}},
		"a long ping":                   {{Opcode: websocket.Ping, Fin: true, Payload: make([]byte, 126)}},
		"a ping in fragments":           {{Opcode: websocket.Ping}},
		"a text that is not UTF-8":      {{Opcode: websocket.Text, Fin: true, Payload: []byte("\xff")}},
		"half a rune at the end":        {{Opcode: websocket.Text, Payload: []byte("\xc3")}, {Opcode: websocket.Continuation, Fin: true}},
		"1 MiB and a byte":              {{Opcode: websocket.Binary, Fin: true, Payload: make([]byte, websocket.MaxPayload+1)}},
		"code 1006":                     {{Opcode: websocket.Close, Fin: true, Payload: []byte("\x03\xee")}},
		"a message behind Close":        {{Opcode: websocket.Close, Fin: true}, {Opcode: websocket.Text, Fin: true}},
	} {
		var wire bytes.Buffer
		w := websocket.NewWriter(&wire, websocket.Server)
		last := len(c) - 1
		for _, f := range c[:last] {
			if err := w.Write(f); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		before := wire.Len()
		var e *websocket.Error
		if err := w.Write(c[last]); !errors.As(err, &e) || wire.Len() != before {
			t.Errorf("%s: %v, %d bytes", name, err, wire.Len()-before)
			continue
		}
		// What was refused left no trace: the peer can still be told why.
		if closed := c[0].Opcode == websocket.Close && last > 0; !closed && w.Close(e.Code, e.Reason) != nil {
			t.Errorf("%s: Close can't be written any more", name)
		}
	}
	if err := websocket.NewWriter(io.Discard, 0).Message(websocket.Text, nil); err == nil {
		t.Error("neither side writes")
	}
	if _, err := websocket.NewReader(bufio.NewReader(strings.NewReader("\x81\x00")), 0).Next(); err == nil {
		t.Error("neither side is read")
	}
}

func TestAClientsFramesAreMaskedWithNewKeys(t *testing.T) {
	var wire bytes.Buffer
	w := websocket.NewWriter(&wire, websocket.Client)
	payload := []byte("what nobody in between should be able to choose")
	for range 2 {
		if err := w.Message(websocket.Text, payload); err != nil {
			t.Fatal(err)
		}
	}
	one, two := wire.Bytes()[:wire.Len()/2], wire.Bytes()[wire.Len()/2:]
	if one[1]&0x80 == 0 || bytes.Contains(one, payload) || bytes.Equal(one, two) {
		t.Errorf("%q, %q", one, two)
	}
	if got := frames(t, one, websocket.Client); len(got) != 1 || !bytes.Equal(got[0].Payload, payload) || string(payload[:4]) != "what" {
		t.Errorf("%+v", got)
	}
}

func TestAClientsFrameThatIsNotMaskedIsRefused(t *testing.T) {
	var e *websocket.Error
	r := websocket.NewReader(bufio.NewReader(strings.NewReader("\x81\x02hi")), websocket.Client)
	if f, err := r.Next(); !errors.As(err, &e) || e.Code != websocket.ProtocolError {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestMessagesAreWholeAndBounded(t *testing.T) {
	var wire bytes.Buffer
	w := websocket.NewWriter(&wire, websocket.Server)
	half := bytes.Repeat([]byte("a"), websocket.MaxPayload/2)
	for _, f := range []websocket.Frame{
		{Opcode: websocket.Text, Payload: half}, {Opcode: websocket.Ping, Fin: true, Payload: []byte("p")}, {Opcode: websocket.Continuation, Fin: true, Payload: half},
		{Opcode: websocket.Binary, Payload: half}, {Opcode: websocket.Continuation, Payload: half}, {Opcode: websocket.Continuation, Fin: true, Payload: []byte("b")},
	} {
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	r := websocket.NewReader(bufio.NewReader(&wire), websocket.Server)
	if f, err := r.Message(); err != nil || f.Opcode != websocket.Ping || string(f.Payload) != "p" {
		t.Errorf("the ping: %+v, %v", f, err)
	}
	if f, err := r.Message(); err != nil || f.Opcode != websocket.Text || !f.Fin || !bytes.Equal(f.Payload, append(half, half...)) {
		t.Errorf("the message: opcode %d, %d bytes, %v", f.Opcode, len(f.Payload), err)
	}
	var e *websocket.Error
	if _, err := r.Message(); !errors.As(err, &e) || e.Code != websocket.TooBig {
		t.Errorf("more than 1 MiB: %v", err)
	}
}

func TestMemoryGrowsWithWhatCame(t *testing.T) {
	wire := "\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x00abc" // 1 MiB is announced
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 64
	for range times {
		_, err := websocket.NewReader(bufio.NewReaderSize(strings.NewReader(wire), 16), websocket.Server).Next()
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / times; each > 64<<10 {
		t.Errorf("%d bytes were set aside for a frame of which three came", each)
	}
}

func TestTheEndWithinAMessageIsNotAnEnd(t *testing.T) {
	wire := "\x01\x01h\x80\x01i"
	for n := range len(wire) + 1 {
		want := io.ErrUnexpectedEOF
		if n == 0 || n == len(wire) {
			want = io.EOF
		}
		if _, err := readAll(wire[:n], false); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestReasonsAreCutToWhatAFrameHolds(t *testing.T) {
	p := websocket.AppendClose(nil, 1000, strings.Repeat("a", 122)+"\u00e4\u00e4")
	if code, reason, err := websocket.ParseClose(p); err != nil || code != 1000 || reason != strings.Repeat("a", 122) {
		t.Errorf("%d, %q, %v", code, reason, err)
	}
	if code, reason, err := websocket.ParseClose(websocket.AppendClose(nil, 1006, "\xff")); err != nil || code != 1011 || reason != "" {
		t.Errorf("%d, %q, %v", code, reason, err)
	}
	if code, _, err := websocket.ParseClose(websocket.AppendClose(nil, 1005, "x")); err != nil || code != 1005 {
		t.Errorf("%d, %v", code, err)
	}
}

// FuzzReader: how the input is cut does not matter; what is read can be written, and is read as the same frames; a text is UTF-8 over
// all its fragments; whole messages are the frames put together.
func FuzzReader(f *testing.F) {
	for _, rule := range rules {
		f.Add([]byte(rule.wire), false)
	}
	f.Add([]byte("\x81\x82\x01\x02\x03\x04ij"), true)
	f.Fuzz(func(t *testing.T, wire []byte, client bool) {
		from := websocket.Server
		if client {
			from = websocket.Client
		}
		got := frames(t, wire, from)
		slow := websocket.NewReader(bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(wire)), 16), from)
		var written bytes.Buffer
		w := websocket.NewWriter(&written, from)
		for _, f := range got {
			if g, err := slow.Next(); err != nil || !equal(f, g) {
				t.Fatalf("%+v, byte by byte %+v, %v", f, g, err)
			}
			if err := w.Write(f); err != nil {
				t.Fatalf("%+v was read, and is not written: %v", f, err)
			}
		}
		again := frames(t, written.Bytes(), from)
		if len(again) != len(got) {
			t.Fatalf("%d frames, then %d", len(got), len(again))
		}
		for i := range got {
			if !equal(got[i], again[i]) {
				t.Fatalf("%+v, then %+v", got[i], again[i])
			}
		}
		checkMessages(t, wire, from, got)
	})
}

func equal(a, b websocket.Frame) bool {
	return a.Opcode == b.Opcode && a.Fin == b.Fin && bytes.Equal(a.Payload, b.Payload)
}

func checkMessages(t *testing.T, wire []byte, from websocket.Side, frames []websocket.Frame) {
	t.Helper()
	r := websocket.NewReader(bufio.NewReader(bytes.NewReader(wire)), from)
	var open websocket.Frame
	for _, f := range frames {
		whole := f
		if !f.Opcode.Control() {
			if f.Opcode != websocket.Continuation {
				open = websocket.Frame{Opcode: f.Opcode, Fin: true}
			}
			open.Payload = append(open.Payload, f.Payload...)
			if whole = open; !f.Fin {
				continue
			}
			if whole.Opcode == websocket.Text && !utf8.Valid(whole.Payload) {
				t.Fatalf("%q is not UTF-8", whole.Payload)
			}
		}
		if m, err := r.Message(); err != nil || !equal(m, whole) {
			t.Fatalf("the message %+v was read as %+v, %v", whole, m, err)
		}
	}
}

func BenchmarkClientToServer(b *testing.B) {
	payload := bytes.Repeat([]byte("a"), 4096)
	var wire bytes.Buffer
	w := websocket.NewWriter(&wire, websocket.Client)
	buffered := bufio.NewReader(&wire)
	r := websocket.NewReader(buffered, websocket.Client)
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if err := w.Message(websocket.Text, payload); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
}
