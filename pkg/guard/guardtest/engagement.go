package guardtest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// Setting is what a session under test runs in.
type Setting struct {
	// Protocol makes the protocol, which logs where the session's own log is.
	Protocol func(*slog.Logger) gateway.Protocol
	Target   gateway.Target
	Visit    gateway.Visit // what the tunnel's opening says
	Policy   string        // the one in force until Change
}

// Engagement is one session under test: a real gate, a real recording, a desk in the broker's place.
type Engagement struct {
	// Socket is the client's.
	Socket   net.Conn
	Gate     *guard.Session
	Desk     *Desk
	Recorder *Recorder
	Log      *Log
	// End ends the session's context, as the gateway does with a grant.
	End context.CancelCauseFunc

	rules  atomic.Pointer[policy.Policy]
	served chan struct{}
	why    error // behind served
}

// Subject is whose sessions are tested.
func Subject() policy.Subject {
	return policy.Subject{Issuer: "https://idp.example.com", ID: "1", User: "dev", Groups: []string{"developers"}, Type: "human"}
}

// Open begins a session, which ends with the test.
func Open(t testing.TB, s Setting) *Engagement {
	t.Helper()
	ours, theirs := pair(t)
	e := &Engagement{Socket: ours, Desk: newDesk(), Recorder: startRecording(t, s.Target.Connection), Log: &Log{}, served: make(chan struct{})}
	e.Change(t, s.Policy)
	log := slog.New(slog.NewTextHandler(e.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	e.Gate, err = guard.New(guard.Config{
		ID: "se_test", GrantID: "gr_test", Identity: api.Identity{Issuer: Subject().Issuer, Subject: Subject().ID, User: Subject().User},
		Subject: Subject(), Connection: s.Target.Connection, Policy: func() guard.Policy { return e.rules.Load() }, Recorder: e.Recorder,
		Approvals: e.Desk, Log: log, Now: time.Now, ResultCap: 1 << 20, Tally: guard.NewTally(time.Now().Add(time.Hour)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancelCause(context.Background())
	e.End = end
	go func() {
		defer close(e.served)
		e.why = serve(ctx, s.Protocol(log), s, theirs, e.Gate)
	}()
	t.Cleanup(func() { end(nil); _ = ours.Close(); <-e.served })
	return e
}

// Change puts another policy in force.
func (e *Engagement) Change(t testing.TB, rules string) {
	t.Helper()
	p, err := policy.Parse([]byte(rules), "policy")
	if err != nil {
		t.Fatal(err)
	}
	e.rules.Store(p)
}

// serve does for one socket what the gateway does.
func serve(ctx context.Context, p gateway.Protocol, s Setting, client net.Conn, gate *guard.Session) error {
	hello, err := p.Greet(ctx, client, s.Visit)
	if err != nil {
		return err
	}
	session, err := p.Open(ctx, hello, s.Target)
	if err != nil {
		return errors.Join(err, client.Close())
	}
	err = session.Serve(ctx, gate)
	return errors.Join(err, ignoreClosed(session.Close()))
}

// Served returns once the session is over, and says why it was.
func (e *Engagement) Served(t testing.TB, limit time.Duration) error {
	t.Helper()
	select {
	case <-e.served:
		return e.why
	case <-time.After(limit):
		t.Fatalf("the session is still open after %v", limit)
		return nil
	}
}

// Recording ends the session and answers its recording as text.
func (e *Engagement) Recording(t testing.TB) string {
	t.Helper()
	_ = e.Socket.Close()
	_ = e.Served(t, 10*time.Second)
	if err := e.Recorder.w.Seal("test"); err != nil {
		t.Fatal(err)
	}
	r, err := record.NewReader(bytes.NewReader(e.Recorder.file(t)))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := record.Export(&text, r, "ndjson"); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// pair is a client's socket with its other end.
func pair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return client, server
}

// Log is a log that may be written and read at once.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds a line.
func (b *Log) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is all that was logged.
func (b *Log) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
