package postgres_test

import (
	"bytes"
	"testing"
)

// What is larger than a peer's buffers is kept back, and neither lost nor refused.
func TestLargeMessagesPassBothWays(t *testing.T) {
	const size = 12 << 20
	for name, s := range map[string]*stand{"no mask": listen(t, allowAll), "detectors": listen(t, allowAll+"masks: [{name: leaks, detect: [email], as: redact}]\n")} {
		c := s.client(t)
		sent := bytes.Repeat([]byte("x"), size)
		r := c.ExecParams(t.Context(), "SELECT length($1), $1::text", [][]byte{sent}, []uint32{25}, nil, nil).Read()
		if r.Err != nil || len(r.Rows) != 1 || !bytes.Equal(r.Rows[0][1], sent) {
			t.Errorf("%s: %d rows, %v", name, len(r.Rows), r.Err)
		}
		if r := c.ExecParams(t.Context(), "SELECT 1", nil, nil, nil, nil).Read(); r.Err != nil {
			t.Errorf("%s: the session is over: %v", name, r.Err)
		}
	}
}
