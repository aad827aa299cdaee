package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/web"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

const credentialValue = "Bearer canary-credential-51c9"

// upstream is a service that is played over raw sockets: play is called for each connection with its number. What came in is kept
// as it came, and is what tests ask: neither our record nor a server's view of it.
type upstream struct {
	listener net.Listener
	mu       sync.Mutex
	came     [][]byte // by connection
	done     sync.WaitGroup
}

func startUpstream(t *testing.T, play func(number int, c net.Conn)) *upstream {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{listener: l}
	u.done.Go(func() {
		for number := 0; ; number++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			u.mu.Lock()
			u.came = append(u.came, nil)
			u.mu.Unlock()
			u.done.Go(func() {
				defer func() { _ = c.Close() }()
				play(number, &heard{Conn: c, of: u, number: number})
			})
		}
	})
	t.Cleanup(u.stop)
	return u
}

// stop waits for the ends of all connections, which are those of sessions: what a client that has gone left behind is heard first.
func (u *upstream) stop() {
	_ = u.listener.Close()
	u.done.Wait()
}

// heard keeps what is read.
type heard struct {
	net.Conn
	of     *upstream
	number int
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.of.mu.Lock()
	h.of.came[h.number] = append(h.of.came[h.number], p[:n]...)
	h.of.mu.Unlock()
	return n, err
}

// text is all that came, connection after connection.
func (u *upstream) text() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return string(bytes.Join(u.came, nil))
}

func (u *upstream) target(t *testing.T) gateway.Target {
	t.Helper()
	base, err := url.Parse("http://" + u.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Target{
		Connection: policy.Connection{Name: "app", Kind: web.Kind}, Base: base,
		Credential: credential.Login{Slot: credential.Slot{In: credential.InHeader, Name: "Authorization"}, Value: credential.NewSecret(credentialValue)},
	}
}

// everything lets pass whatever can be understood: what the wire does wrong is not hidden behind a rule.
const everything = `version: 1
rules:
  - {name: all, effects: [read, write, delete, session, transfer, execute, unknown], verdict: allow}
`

// client opens a session in front of a target, and answers the socket of its client.
func client(t *testing.T, target gateway.Target, rules string) net.Conn {
	t.Helper()
	parsed, err := policy.Parse([]byte(rules), "policy")
	if err != nil {
		t.Fatal(err)
	}
	gate, err := guard.New(guard.Config{
		ID: "se_test", GrantID: "gr_test", Identity: api.Identity{Issuer: "https://idp.example.com", Subject: "1", User: "dev"},
		Subject:    policy.Subject{Issuer: "https://idp.example.com", ID: "1", User: "dev", Groups: []string{"developers"}, Type: "human"},
		Connection: target.Connection, Policy: func() guard.Policy { return parsed }, Recorder: recording(t, target), Approvals: nobody{},
		Log: slog.New(slog.DiscardHandler), Now: time.Now, ResultCap: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := sockets(t)
	ctx, end := context.WithCancel(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		serve(ctx, target, theirs, gate)
	}()
	t.Cleanup(func() { end(); _ = ours.Close(); <-served })
	if err := ours.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return ours
}

// serve does for one socket what the gateway does.
func serve(ctx context.Context, target gateway.Target, conn net.Conn, gate *guard.Session) {
	defer func() { _ = conn.Close() }()
	p := web.New(slog.New(slog.DiscardHandler), nil)
	hello, err := p.Greet(ctx, conn, gateway.Visit{})
	if err != nil {
		return
	}
	session, err := p.Open(ctx, hello, target)
	if err != nil {
		return
	}
	_ = session.Serve(ctx, gate)
	_ = session.Close()
}

func sockets(t *testing.T) (client, server net.Conn) {
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

func recording(t *testing.T, target gateway.Target) *record.Writer {
	t.Helper()
	dir := t.TempDir()
	signer, err := record.LoadOrCreateSigner(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := record.Create(filepath.Join(dir, "se_test.hrec"),
		record.Header{Session: "se_test", Connection: target.Connection.Name, Kind: target.Connection.Kind, Started: time.Now()}, record.Options{Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Seal("test") })
	return w
}

// nobody is a desk at which nobody sits.
type nobody struct{}

var errNobody = errors.New("nobody answers")

func (nobody) AskApproval(context.Context, api.Approval, string) (api.Approval, error) {
	return api.Approval{}, errNobody
}
func (nobody) AwaitApproval(context.Context, string) (api.Approval, error) {
	return api.Approval{}, errNobody
}
func (nobody) ClaimApproval(context.Context, string, string, api.Identity, []api.Approvers) error {
	return errNobody
}
func (nobody) WithdrawApproval(context.Context, string, api.Identity) error { return nil }
func (nobody) PublishGrantEvent(context.Context, string, api.GrantEvent) error {
	return nil
}

// say writes to the gateway as its client, and does not mind that it has closed by then.
func say(c net.Conn, text string) { _, _ = io.WriteString(c, text) }
