package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// over ends all sessions, which with what the client does meanwhile takes as long as P4 allows.
func (s *stand) over(t *testing.T, meanwhile func()) {
	t.Helper()
	began := time.Now()
	s.end()
	meanwhile()
	_ = s.listener.Close()
	s.work.Wait()
	if took := time.Since(began); took > 2*time.Second { // one on a machine that does nothing else
		t.Errorf("the end took %s", took)
	}
}

// pour sends the same messages again and again until the connection ends. It says when some were sent, or, where stalled, when the gateway
// takes no more.
func pour(c net.Conn, messages []byte, stalled bool, enough func()) {
	for n := 0; ; n++ {
		if n == 20 && !stalled {
			enough()
		}
		for left := messages; len(left) > 0; {
			_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)) // else the write says it
			n, err := c.Write(left)
			left = left[n:]
			switch {
			case errors.Is(err, os.ErrDeadlineExceeded):
				enough()
			case err != nil:
				return
			}
		}
	}
}

// A connection that is closed while something of the client's waits unread is reset, and takes what the client has not got yet with it.
func TestWhoPoursReadsWhyTheSessionEnds(t *testing.T) {
	admin(t, "CREATE TABLE poured(t text); GRANT ALL ON poured TO agent")
	t.Cleanup(func() { admin(t, "DROP TABLE poured") })
	line := bytes.Repeat([]byte("x"), 8<<10)
	for name, c := range map[string]struct {
		begin  []byte // and what it is answered
		answer string
		more   []byte
		late   bool // the client begins to read at the end
	}{
		"queries":                 {more: bytes.Repeat(join(&query{String: "SELECT repeat('x', 2000)"}), 64)},
		"queries, and reads late": {more: bytes.Repeat(join(&query{String: "SELECT repeat('x', 2000)"}), 64), late: true},
		"changes":                 {more: bytes.Repeat(join(&query{String: "INSERT INTO poured VALUES ('x')"}), 64)},
		"COPY":                    {begin: join(&query{String: "COPY poured FROM STDIN"}), answer: "G", more: bytes.Repeat(message('d', string(line[1:])+"\n"), 16)},
	} {
		for loops, where := range []string{"without a loop", "in a loop"} {
			p := protocolWith(t, loops)
			t.Run(name+" "+where, func(t *testing.T) {
				for range 10 {
					pourAndEnd(t, listenBy(t, p, allowAll, target()), c.begin, c.answer, c.more, c.late)
				}
			})
		}
	}
}

func pourAndEnd(t *testing.T, s *stand, begin []byte, answer string, more []byte, late bool) {
	t.Helper()
	c := s.raw(t).(*net.TCPConn)
	if err := c.SetReadBuffer(128 << 10); err != nil { // such that much is on its way when the end comes
		t.Fatal(err)
	}
	if begin != nil {
		if _, err := c.Write(begin); err != nil {
			t.Fatal(err)
		}
		var head [5]byte
		if _, err := io.ReadFull(c, head[:]); err != nil || string(head[:1]) != answer {
			t.Fatalf("%q, %v", head, err)
		}
		if _, err := io.CopyN(io.Discard, c, int64(head[4])-4); err != nil {
			t.Fatal(err)
		}
	}
	var work sync.WaitGroup
	var got []byte
	var failed error
	read := func() {
		got, failed = io.ReadAll(c)
		_ = c.Close()
	}
	enough := make(chan struct{})
	work.Go(func() { pour(c, more, late, sync.OnceFunc(func() { close(enough) })) })
	if !late {
		work.Go(read)
	}
	<-enough
	s.over(t, func() {
		if late {
			work.Go(read)
		}
	})
	work.Wait()
	if failed != nil {
		t.Errorf("the connection did not end in order: %v", failed)
	}
	if n := len(got); !bytes.Contains(got[max(0, n-300):], []byte("VFATAL\x00C57P01\x00Mhoop: the session ended\x00")) {
		t.Errorf("the last words: %q", got[max(0, n-300):])
	}
}

func TestWhoDoesNotReadHoldsNoEndUp(t *testing.T) {
	for loops := range 2 {
		s := listenBy(t, protocolWith(t, loops), allowAll, target())
		c := s.raw(t)
		enough := make(chan struct{})
		var work sync.WaitGroup
		work.Go(func() {
			pour(c, bytes.Repeat(join(&query{String: "SELECT repeat('x', 2000)"}), 64), true, sync.OnceFunc(func() { close(enough) }))
		})
		<-enough
		s.over(t, func() {})
		work.Wait()
	}
}

// The gateway still reads from a client that was told the end, and throws it away.
func TestNothingThatIsSentBehindTheEndIsRun(t *testing.T) {
	admin(t, "CREATE TABLE behind(t text); GRANT ALL ON behind TO agent")
	t.Cleanup(func() { admin(t, "DROP TABLE behind") })
	for name, c := range map[string]struct {
		first []byte
		held  bool
	}{
		"idle":                         {},
		"in COPY":                      {first: join(&query{String: "COPY behind FROM STDIN"})},
		"while one runs":               {first: join(&query{String: "SELECT pg_sleep(60)"})},
		"while one waits for a person": {first: join(&query{String: "DELETE FROM behind"}), held: true},
	} {
		for loops, where := range []string{"without a loop", "in a loop"} {
			t.Run(name+" "+where, func(t *testing.T) {
				s := listenBy(t, protocolWith(t, loops), strings.Replace(allowAll, "verdict: allow}]", "verdict: allow}, {name: deletes, effects: [delete], verdict: approve, approval: {by: {groups: [dba]}, hold: 20s, ttl: 1m}}]", 1), target())
				waits := make(chan struct{})
				s.decide = func(ctx context.Context) string { close(waits); <-ctx.Done(); return api.ApprovalPending }
				conn := s.raw(t).(*net.TCPConn)
				if _, err := conn.Write(c.first); err != nil {
					t.Fatal(err)
				}
				if c.held {
					<-waits
				}
				s.over(t, func() {
					got, err := io.ReadAll(conn)
					if !bytes.Contains(got, []byte("C57P01\x00")) || err != nil {
						t.Errorf("%q, %v", got, err)
					}
					for _, m := range []encoder{&copyData{Data: []byte("behind the end\n")}, &query{String: "INSERT INTO behind VALUES ('behind the end')"}} {
						if _, err := conn.Write(join(m)); err != nil {
							t.Error("nobody reads any more:", err)
						}
					}
					_ = conn.Close()
				})
				if text := s.exported(t); strings.Contains(text, "behind the end") {
					t.Errorf("recorded: %s", text)
				}
			})
		}
	}
	if got := count(t, "SELECT count(*) FROM behind"); got != "0" {
		t.Errorf("%s rows are there", got)
	}
}
