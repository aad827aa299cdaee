package guardtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// engagement is one session under test: a real gate, a real recording, a desk in the broker's place.
type engagement struct {
	client   net.Conn // what forms are written to
	socket   net.Conn // below it
	desk     *desk
	recorder *recorder
	log      *buffer
	end      context.CancelCauseFunc
	served   chan error
}

func open(t testing.TB, a Adapter) *engagement {
	t.Helper()
	ours, theirs := pair(t)
	e := &engagement{client: ours, socket: ours, desk: newDesk(), log: &buffer{}, served: make(chan error, 1)}
	e.recorder = startRecording(t, a)
	rules, err := policy.Parse([]byte(a.Policy), "policy")
	if err != nil {
		t.Fatal(err)
	}
	gate, err := guard.New(guard.Config{
		ID: "se_test", GrantID: "gr_test", Identity: api.Identity{Issuer: "https://idp.example.com", Subject: "1", User: "dev"},
		Subject:    policy.Subject{Issuer: "https://idp.example.com", ID: "1", User: "dev", Groups: []string{"developers"}, Type: "human"},
		Connection: a.Target.Connection, Policy: func() guard.Policy { return rules }, Recorder: e.recorder, Approvals: e.desk,
		Log: slog.New(slog.NewTextHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: time.Now, ResultCap: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancelCause(context.Background())
	e.end = end
	go func() { e.served <- serve(ctx, a, theirs, gate) }()
	if a.Speak != nil {
		e.client, err = a.Speak(ours)
	} else {
		err = a.Hello(ours)
	}
	if err != nil {
		t.Fatalf("sign in: %v", err)
	}
	t.Cleanup(func() { end(nil); _ = e.client.Close(); _ = ours.Close(); <-e.served })
	return e
}

// serve does for one socket what the gateway does.
func serve(ctx context.Context, a Adapter, client net.Conn, gate *guard.Session) error {
	hello, err := a.Protocol.Greet(ctx, client, a.Visit)
	if err != nil {
		return err
	}
	session, err := a.Protocol.Open(ctx, hello, a.Target)
	if err != nil {
		return errors.Join(err, client.Close())
	}
	err = session.Serve(ctx, gate)
	return errors.Join(err, ignoreClosed(session.Close()))
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

func (e *engagement) send(t testing.TB, b []byte) {
	t.Helper()
	if _, err := e.client.Write(b); err != nil {
		t.Fatal(err)
	}
}

func (e *engagement) read(t testing.TB, f Form) Answer {
	t.Helper()
	if err := e.client.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	got, err := f.Read(e.client)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("read an answer: %v, so far %q", err, got.Raw)
	}
	got.Ended = got.Ended || err != nil
	return got
}

func (e *engagement) ask(t testing.TB, f Form, text string) Answer {
	t.Helper()
	e.send(t, f.Encode(text))
	return e.read(t, f)
}

func (e *engagement) awaitServed(t testing.TB, limit time.Duration) {
	t.Helper()
	select {
	case err := <-e.served:
		e.served <- err
	case <-time.After(limit):
		t.Fatalf("the session is still open after %v", limit)
	}
}

// close ends the session and answers the recording as text.
func (e *engagement) close(t testing.TB) string {
	t.Helper()
	if err := e.client.Close(); err != nil {
		t.Fatal(err)
	}
	e.awaitServed(t, 10*time.Second)
	if err := e.recorder.w.Seal("test"); err != nil {
		t.Fatal(err)
	}
	r, err := record.NewReader(bytes.NewReader(e.recorder.file(t)))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := record.Export(&text, r, "ndjson"); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// recorder is a real recording that can be told to fail.
type recorder struct {
	w       *record.Writer
	name    string
	failing atomic.Bool
}

func startRecording(t testing.TB, a Adapter) *recorder {
	t.Helper()
	dir := t.TempDir()
	signer, err := record.LoadOrCreateSigner(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{name: filepath.Join(dir, "se_test.hrec")}
	r.w, err = record.Create(r.name, record.Header{Session: "se_test", Connection: a.Target.Connection.Name, Kind: a.Target.Connection.Kind, Started: time.Now()}, record.Options{Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var errFull = errors.New("no space left on device")

func (r *recorder) Stage(t record.Type, body []byte) (uint64, error) {
	if r.failing.Load() {
		return 0, errFull
	}
	return r.w.Stage(t, body)
}

func (r *recorder) Commit() error {
	if r.failing.Load() {
		return errFull
	}
	return r.w.Commit()
}

func (r *recorder) Behind() bool { return r.w.Behind() }

func (r *recorder) AppendSync(t record.Type, body []byte) (uint64, error) {
	if r.failing.Load() {
		return 0, errFull
	}
	return r.w.AppendSync(t, body)
}

func (r *recorder) AppendBatch(command uint64, raw []byte) error {
	if r.failing.Load() {
		return errFull
	}
	return r.w.AppendBatch(command, raw)
}

func (r *recorder) file(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(r.name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hostile sends lengths that nobody may send, while a neighbour goes on undisturbed.
func hostile(t *testing.T, a Adapter) {
	var form Form
	for _, form = range a.Forms {
		break
	}
	neighbour := open(t, a)
	for _, message := range a.Hostile {
		e := open(t, a)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := e.socket.Write(message); err != nil {
			t.Fatal(err)
		}
		e.awaitServed(t, 5*time.Second)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 2<<20 {
			t.Errorf("%q: %d bytes allocated", message, grown)
		}
	}
	if got := neighbour.ask(t, form, a.Allowed(marker("neighbour"))); got.Refused || got.Ended {
		t.Errorf("another session was disturbed: %q", got.Raw)
	}
}

// buffer is a log that may be written and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
