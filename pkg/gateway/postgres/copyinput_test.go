package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/jackc/pgx/v5/pgconn"
)

// asksForCopies lets somebody decide on what is copied in.
const asksForCopies = `
version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: ["*"]}, ttl: 30m}]
rules:
  - {name: all, who: {groups: [developers]}, effects: [read, write, session], verdict: allow}
  - {name: copies, sql: {commands: [copy]}, effects: [write], verdict: approve, approval: {by: {groups: [dba]}, quorum: 1, hold: 20s, ttl: 10m}}
`

// What a client copies in once somebody approved it is streamed, and recorded by its length and hash; what it gives up is
// undone.
func TestWhatIsCopiedInAfterAnApprovalIsStreamedAndHashed(t *testing.T) {
	admin(t, "CREATE TABLE copied(t text); GRANT ALL ON copied TO agent")
	t.Cleanup(func() { admin(t, "DROP TABLE copied") })
	s := listen(t, asksForCopies)
	s.decide = func(context.Context) string { return api.ApprovalApproved }
	c := s.client(t)
	line := append(bytes.Repeat([]byte("x"), 1<<20-1), '\n')
	const lines = 32
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tag, err := c.CopyFrom(t.Context(), &repeated{line: line, left: lines}, "COPY copied FROM STDIN")
	runtime.ReadMemStats(&after)
	if err != nil || tag.RowsAffected() != lines {
		t.Fatalf("%v, %v", tag, err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 2*lines<<20 { // what is gathered grows by copies, and takes several times this
		t.Errorf("%d bytes allocated for %d that passed", grown, lines<<20)
	}
	_, err = c.CopyFrom(t.Context(), strings.NewReader("x\n"), "COPY nosuch FROM STDIN")
	if e, ok := err.(*pgconn.PgError); !ok || e.Code != "42P01" {
		t.Errorf("got %v", err)
	}
	conn := listen(t, allowAll).raw(t)
	if got := say(t, conn, 1, &query{String: "COPY copied FROM STDIN"}, &copyData{Data: []byte("given up\n")}, &copyFail{Message: "no"}); got != "G E57014 ZI" {
		t.Error(got)
	}
	if got := count(t, "SELECT count(*) FROM copied"); got != fmt.Sprint(lines) {
		t.Errorf("%s rows are there", got)
	}
	if text := s.recording(t, c); !strings.Contains(text, `"input_bytes":`) || !strings.Contains(text, `"input_sha256":"`) || strings.Contains(text, "xxxxxxxxxx") {
		t.Errorf("the recording: %.2000s", text)
	}
}

// repeated is the same line many times.
type repeated struct {
	line []byte
	left int
	at   int
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.line[r.at:])
	if r.at += n; r.at == len(r.line) {
		r.at, r.left = 0, r.left-1
	}
	return n, nil
}

// The most values that a message can hold pass, and one that claims what the statement does not take is the server's to refuse.
func TestABindOfAsManyValuesAsThereMayBe(t *testing.T) {
	x := compared(t, map[string]string{"plain": allowAll, "detectors": looking("redact")})
	var b strings.Builder
	b.WriteString("SELECT count(*) FROM (VALUES ")
	for i := range 65535 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "($%d::text)", i+1)
	}
	b.WriteString(") v")
	for name, messages := range map[string][]encoder{
		"as many as asked for": {&parse{Query: b.String()}, &bind{Parameters: make([][]byte, 65535)}, &execute{}},
		"more than asked for":  {&parse{Query: "SELECT 1"}, &bind{Parameters: make([][]byte, 65535)}, &execute{}},
		"one less":             {&parse{Query: b.String()}, &bind{Parameters: make([][]byte, 65534)}, &execute{}},
	} {
		x.cell(t, state{name: name, into: messages}, move{"Sync", &syncing{}}, false)
	}
}
