package websocket_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

func TestWhatOneSideWritesTheOtherReads(t *testing.T) {
	for _, side := range []websocket.Side{websocket.Client, websocket.Server} {
		for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536, websocket.MaxPayload} {
			payload := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
			var wire bytes.Buffer
			w := websocket.NewWriter(&wire, side)
			if err := w.Message(websocket.Binary, payload); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(1000, "bye"); err != nil {
				t.Fatal(err)
			}
			r := websocket.NewReader(bufio.NewReader(&wire), side)
			f, err := r.Next()
			if err != nil || f.Opcode != websocket.Binary || !f.Fin || !bytes.Equal(f.Payload, payload) {
				t.Fatalf("side %d, %d bytes: opcode %d, %d bytes, %v", side, size, f.Opcode, len(f.Payload), err)
			}
			f, err = r.Next()
			code, reason, bad := websocket.ParseClose(f.Payload)
			if err != nil || f.Opcode != websocket.Close || code != 1000 || reason != "bye" || bad != nil {
				t.Fatalf("close: %v, %d %q %v", err, code, reason, bad)
			}
			if _, err := r.Next(); !errors.Is(err, io.EOF) {
				t.Fatalf("behind Close: %v", err)
			}
		}
	}
}

// rules are frames as bytes, from a server, and the code with which each is refused; 0 for those that pass.
var rules = []struct {
	name, wire string
	code       int
}{
	{"a text passes", "\x81\x02hi", 0},
	{"fragments pass, with a ping between them", "\x01\x01h\x89\x01p\x80\x01i", 0},
	{"a rune over two fragments passes", "\x01\x01\xc3\x80\x01\xa4", 0},
	{"a rune over empty and short fragments passes", "\x01\x01\xf0\x00\x00\x00\x01\x9f\x00\x02\x98\x80\x80\x00", 0},
	{"an empty Close passes", "\x88\x00", 0},
	{"a code of an application passes", "\x88\x02\x0b\xb8", 0},
	{"RSV1 is refused", "\xc1\x02hi", 1002},
	{"RSV2 is refused", "\xa1\x02hi", 1002},
	{"RSV3 is refused", "\x91\x02hi", 1002},
	{"RSV1 on a continuation is refused", "\x01\x01h\xc0\x01i", 1002},
	{"a reserved opcode is refused", "\x83\x00", 1002},
	{"a reserved control opcode is refused", "\x8b\x00", 1002},
	{"a masked frame of a server is refused", "\x81\x82\x00\x00\x00\x00hi", 1002},
	{"a control frame in fragments is refused", "\x09\x00", 1002},
	{"a long control frame is refused", "\x89\x7e\x00\x7e" + strings.Repeat("a", 126), 1002},
	{"126 bytes in 16 bits pass", "\x82\x7e\x00\x7e" + strings.Repeat("a", 126), 0},
	{"125 bytes in 16 bits are refused", "\x82\x7e\x00\x7d" + strings.Repeat("a", 125), 1002},
	{"65535 bytes in 64 bits are refused", "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 1002},
	{"a length with its highest bit is refused", "\x82\x7f\x80\x00\x00\x00\x00\x01\x00\x00", 1002},
	{"1 GiB is refused before it comes", "\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x00", 1009},
	{"1 MiB and a byte is refused", "\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x01", 1009},
	{"a continuation of nothing is refused", "\x80\x01i", 1002},
	{"a continuation of a message that ended is refused", "\x81\x01h\x80\x01i", 1002},
	{"a message within another is refused", "\x01\x01h\x81\x01i", 1002},
	{"a text that is not UTF-8 is refused", "\x81\x01\xff", 1007},
	{"a text that ends within a rune is refused", "\x81\x01\xc3", 1007},
	{"a rune that is broken by its second fragment is refused", "\x01\x01\xc3\x80\x01a", 1007},
	{"a surrogate over two fragments is refused", "\x01\x01\xed\x80\x02\xa0\x80", 1007},
	{"a text is refused when no fragment could save it", "\x01\x02\xe0\x80", 1007},
	{"half a code is refused", "\x88\x01\x03", 1002},
	{"code 999 is refused", "\x88\x02\x03\xe7", 1002},
	{"code 1004 is refused", "\x88\x02\x03\xec", 1002},
	{"code 1005 is refused", "\x88\x02\x03\xed", 1002},
	{"code 1006 is refused", "\x88\x02\x03\xee", 1002},
	{"code 1015 is refused", "\x88\x02\x03\xf7", 1002},
	{"code 5000 is refused", "\x88\x02\x13\x88", 1002},
	{"a reason that is not UTF-8 is refused", "\x88\x03\x03\xe8\xff", 1007},
	{"what stands behind Close is not read", "\x88\x00\x81\x01\xff", 0},
}

func TestTheRulesOfFrames(t *testing.T) {
	for _, rule := range rules {
		for _, whole := range []bool{false, true} {
			code, err := readAll(rule.wire, whole)
			if code != rule.code || code == 0 && !errors.Is(err, io.EOF) {
				t.Errorf("%s (whole messages: %v): code %d, %v", rule.name, whole, code, err)
			}
		}
	}
}

func readAll(wire string, whole bool) (int, error) {
	r := websocket.NewReader(bufio.NewReader(strings.NewReader(wire)), websocket.Server)
	for {
		read := r.Next
		if whole {
			read = r.Message
		}
		if _, err := read(); err != nil {
			var e *websocket.Error
			if errors.As(err, &e) {
				return e.Code, err
			}
			return 0, err
		}
	}
}
