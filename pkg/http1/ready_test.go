package http1_test

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

// A chunk that has come whole is not held back until the next one comes: an event of a stream may be the last one for an hour.
func TestABodyInChunksSaysWhetherMoreOfItIsHere(t *testing.T) {
	for after, want := range map[string]bool{
		"": false, "\r": false, "\r\n": false, "\r\n3": false, "\r\n3\r": false, "\r\n3\r\n": false, "\r\n3\r\nx": true, "\r\n3\r\nxyz\r\n": true,
		"\r\n0\r\n": false, "\r\n0\r\n\r": false, "\r\n0\r\n\r\n": true, "\r\n0\r\nTrailer: x\r\n": false,
	} {
		r := bufio.NewReader(strings.NewReader("5\r\nhello" + after))
		body := (&http1.Answer{Status: 200, Length: http1.Chunked}).Body(r)
		ready := body.(interface{ Ready() bool })
		if ready.Ready() {
			t.Error("nothing was read ahead, and it is ready")
		}
		if _, err := r.Peek(1); err != nil {
			t.Fatal(err)
		}
		if !ready.Ready() {
			t.Error("a chunk is here, and it is not ready")
		}
		room := make([]byte, 5)
		if _, err := io.ReadFull(body, room[:3]); err != nil || !ready.Ready() {
			t.Errorf("%v, or the rest of a chunk is not ready", err)
		}
		if _, err := io.ReadFull(body, room[3:]); err != nil {
			t.Fatal(err)
		}
		if got := ready.Ready(); got != want {
			t.Errorf("behind a chunk stands %q: ready %t", after, got)
		}
	}
}
