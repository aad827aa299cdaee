package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"
)

// Every event that is read was whole and is JSON; cutting the stream anywhere gives no
// event that the whole stream does not have.
func FuzzNextEvent(f *testing.F) {
	f.Add([]byte(": ping\n\nid: 1\nevent: x\ndata: {\"seq\":1,\"event\":\"x\"}\n\n"), uint16(20))
	f.Add([]byte("data: {\ndata: \"seq\":2}\r\n\r\n"), uint16(3))
	f.Add([]byte("data:\n\n\n\n"), uint16(1))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		whole := readAll(t, stream)
		part := readAll(t, stream[:min(int(cut), len(stream))])
		if len(part) > len(whole) {
			t.Fatalf("%d events of a part, %d of the whole", len(part), len(whole))
		}
		for i := range part {
			if part[i] != whole[i] {
				t.Fatalf("event %d of the part is %s, of the whole %s", i, part[i], whole[i])
			}
		}
	})
}

func readAll(t *testing.T, stream []byte) (events []string) {
	t.Helper()
	lines := newLines(bufio.NewReader(bytes.NewReader(stream)))
	for {
		e, err := nextEvent(lines, func() {})
		var said *Error
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &said) {
			return events
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Time.IsZero() {
			e.Time = time.Unix(0, 0)
		}
		text, err := json.Marshal(e)
		if err != nil {
			return events // a time out of range
		}
		events = append(events, string(text))
	}
}
