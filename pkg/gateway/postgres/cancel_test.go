package postgres_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestACancelReachesItsOwnStatementOnly(t *testing.T) {
	s := listen(t, allowAll)
	victim, other := s.client(t), s.client(t)
	done := make(chan error, 1)
	go func() {
		_, err := victim.Exec(context.Background(), "SELECT pg_sleep(30), 'cancelme'").ReadAll()
		done <- err
	}()
	for !strings.Contains(server.Log(), "cancelme") {
		if _, err := other.Exec(t.Context(), "SELECT 1").ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	forged := binary.BigEndian.AppendUint32(nil, 16)
	forged = binary.BigEndian.AppendUint32(forged, 80877102)
	forged = binary.BigEndian.AppendUint32(forged, victim.PID())
	forged = binary.BigEndian.AppendUint32(forged, 12345)
	if answer := dialAndSend(t, s, forged); answer != "" {
		t.Errorf("a forged cancel got an answer: %q", answer)
	}
	if err := other.CancelRequest(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		t.Fatalf("somebody else's cancel reached it: %v", err)
	default:
	}
	if err := victim.CancelRequest(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := <-done
	if e, ok := err.(*pgconn.PgError); !ok || e.Code != "57014" {
		t.Errorf("got %v", err)
	}
	if _, err := victim.Exec(t.Context(), "SELECT 1").ReadAll(); err != nil {
		t.Errorf("the session does not go on: %v", err)
	}
}

// dialAndSend answers what a new socket gets for b.
func dialAndSend(t *testing.T, s *stand, b []byte) string {
	t.Helper()
	c, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(io.LimitReader(c, 1<<16))
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func TestACancelIsForTheCommandThatIsBeingJudged(t *testing.T) {
	for name, run := range map[string]func(context.Context, *pgconn.PgConn, string) error{
		"simple": func(ctx context.Context, c *pgconn.PgConn, mark string) error {
			_, err := c.Exec(ctx, "SELECT '"+mark+"'").ReadAll()
			return err
		},
		"prepared": func(ctx context.Context, c *pgconn.PgConn, mark string) error {
			return c.ExecPrepared(ctx, "s", [][]byte{[]byte(mark)}, nil, nil).Read().Err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, allowAll)
			c := s.client(t)
			if _, err := c.Prepare(t.Context(), "s", "SELECT $1::text", nil); err != nil {
				t.Fatal(err)
			}
			judging, cancelled := make(chan struct{}), make(chan struct{})
			s.mu.Lock()
			s.judged = sync.OnceFunc(func() { close(judging); <-cancelled })
			s.mu.Unlock()
			done := make(chan error, 1)
			go func() { done <- run(context.Background(), c, "takenback"+name) }()
			<-judging
			if err := c.CancelRequest(t.Context()); err != nil { // returns once the gateway has dealt with it
				t.Fatal(err)
			}
			close(cancelled)
			err := <-done
			if e, ok := err.(*pgconn.PgError); !ok || e.Code != "57014" {
				t.Errorf("got %v", err)
			}
			if err := run(t.Context(), c, "thenext"+name); err != nil {
				t.Errorf("the next one: %v", err)
			}
			if log := server.Log(); strings.Contains(log, "takenback"+name) || !strings.Contains(log, "thenext"+name) {
				t.Error("the server's log has what was taken back, or lacks the next one")
			}
		})
	}
}
