package postgres_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/jackc/pgx/v5/pgconn"
)

// allowAll admits everything and masks nothing.
const allowAll = `
version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: ["*"]}, ttl: 30m}]
rules: [{name: all, who: {groups: [developers]}, effects: [read, write, delete, schema, privilege, execute, transfer, session, admin, unknown], verdict: allow}]
`

// stand is a gateway without tunnel and broker: a loopback port on which every socket becomes a session.
type stand struct {
	t        testing.TB
	protocol *postgres.Protocol
	target   gateway.Target
	end      func() // ends all sessions, as the gateway does
	listener net.Listener
	signer   *record.Signer
	approve  func(api.Approval) string    // what a request becomes
	decide   func(context.Context) string // what a request that waits becomes; nil: it waits for ever
	// detectors are those of the sessions to come; nil: the built-in ones.
	detectors func([]mask.Rule) (guard.Detectors, error)
	work      sync.WaitGroup
	tally     *guard.Tally // of the one grant
	buffers   record.Buffers

	mu     sync.Mutex
	grant  string // of the next sessions; "": gr_test
	rules  *policy.Policy
	judged func()   // called while a command is judged
	files  []string // recordings
	asked  []api.Approval
	closed []error // how sessions ended
}

// listen serves sessions under a policy until the test ends.
func listen(t testing.TB, rules string) *stand { return listenFor(t, rules, target()) }

func listenFor(t testing.TB, rules string, to gateway.Target) *stand {
	t.Helper()
	return listenBy(t, protocol(t), rules, to)
}

func listenBy(t testing.TB, by *postgres.Protocol, rules string, to gateway.Target) *stand {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := record.LoadOrCreateSigner(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{t: t, protocol: by, target: to, listener: l, signer: signer, approve: func(api.Approval) string { return api.ApprovalPending }, tally: guard.NewTally(time.Now().Add(time.Hour))}
	s.setPolicy(rules)
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	s.work.Go(func() { s.accept(ctx) })
	t.Cleanup(func() { cancel(); _ = l.Close(); s.work.Wait() })
	return s
}

func (s *stand) setPolicy(text string) {
	s.t.Helper()
	p, err := policy.Parse([]byte(text), "policy")
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = p
}

func (s *stand) policy() guard.Policy {
	s.mu.Lock()
	rules, judged := s.rules, s.judged
	s.mu.Unlock()
	if judged != nil {
		judged()
	}
	return rules
}

func (s *stand) accept(ctx context.Context) {
	for n := 1; ; n++ {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.work.Go(func() {
			err := s.serve(ctx, conn, n)
			s.mu.Lock()
			s.closed = append(s.closed, err)
			s.mu.Unlock()
		})
	}
}

func (s *stand) serve(ctx context.Context, conn net.Conn, n int) error {
	defer func() { _ = conn.Close() }()
	s.mu.Lock()
	grant := cmp.Or(s.grant, "gr_test")
	s.mu.Unlock()
	hello, err := s.protocol.Greet(ctx, conn, gateway.Visit{GrantID: grant})
	if err != nil || hello.Done() {
		return err
	}
	session, err := s.protocol.Open(ctx, hello, s.target)
	if err != nil {
		var e *api.Error
		if errors.As(err, &e) {
			s.protocol.Refuse(hello, e)
		}
		return err
	}
	defer func() { _ = session.Close() }()
	dir := s.t.TempDir()
	s.mu.Lock()
	s.files = append(s.files, filepath.Join(dir, "s.hrec"))
	s.mu.Unlock()
	w, err := record.Create(filepath.Join(dir, "s.hrec"), record.Header{Session: "se", Started: time.Now()}, record.Options{Signer: s.signer, Buffers: &s.buffers})
	if err != nil {
		return err
	}
	gate, err := guard.New(guard.Config{
		ID: fmt.Sprintf("se_%d", n), GrantID: grant, Subject: policy.Subject{User: "dev", Groups: []string{"developers"}, Type: "human"},
		Connection: s.target.Connection, Policy: s.policy, Recorder: w, Approvals: s, Log: slog.New(slog.DiscardHandler), Now: time.Now, ResultCap: 1 << 20, Detectors: s.detectors, Tally: s.tally,
	})
	if err != nil {
		return err
	}
	return errors.Join(session.Serve(ctx, gate), w.Seal("end"))
}

func (s *stand) AskApproval(_ context.Context, a api.Approval, _ string) (api.Approval, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.ID = fmt.Sprintf("ap_%d", len(s.asked)+1)
	s.asked = append(s.asked, a)
	a.State = s.approve(a)
	return a, nil
}

func (s *stand) AwaitApproval(ctx context.Context, id string) (api.Approval, error) {
	if s.decide != nil {
		return api.Approval{ID: id, State: s.decide(ctx)}, ctx.Err()
	}
	<-ctx.Done()
	return api.Approval{ID: id}, ctx.Err()
}

func (s *stand) ClaimApproval(context.Context, string, string, api.Identity, []api.Approvers) error {
	return nil
}
func (s *stand) WithdrawApproval(context.Context, string, api.Identity) error { return nil }
func (s *stand) PublishGrantEvent(context.Context, string, api.GrantEvent) error {
	return nil
}

// recording closes a client and answers its recording as text. It was the only one.
func (s *stand) recording(t testing.TB, c *pgconn.PgConn) string {
	t.Helper()
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for over := false; !over; {
		s.mu.Lock()
		over = len(s.closed) > 0
		s.mu.Unlock()
	}
	return s.exported(t)
}

// exported is the one recording of a stand whose session is over, as text.
func (s *stand) exported(t testing.TB) string {
	t.Helper()
	file, err := os.Open(s.files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	r, err := record.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := record.Export(&text, r, record.FormatNDJSON); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func (s *stand) dsn() string {
	return fmt.Sprintf("postgres://me:x@%s/db?sslmode=disable", s.listener.Addr())
}

// client connects with a real driver.
func (s *stand) client(t testing.TB) *pgconn.PgConn {
	t.Helper()
	c, err := pgconn.Connect(t.Context(), s.dsn())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// raw connects with a socket that the test speaks by hand.
func (s *stand) raw(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := signIn(c); err != nil {
		t.Fatal(err)
	}
	return c
}

// say sends messages and answers the types of what comes back, up to n ReadyForQuery, with the SQLSTATE behind each E
// and the transaction's status behind each Z.
func say(t testing.TB, c net.Conn, n int, messages ...encoder) string {
	t.Helper()
	if _, err := c.Write(join(messages...)); err != nil {
		t.Fatal(err)
	}
	a, err := readUntilReady(n)(c)
	if err != nil {
		t.Fatalf("read the answer: %v; so far %q", err, a.Raw)
	}
	return summary(a.Raw)
}

func summary(raw []byte) string {
	var out []string
	for len(raw) > 0 {
		size := int(raw[1])<<24 | int(raw[2])<<16 | int(raw[3])<<8 | int(raw[4])
		body := raw[5 : size+1]
		word := string(raw[:1])
		switch raw[0] {
		case 'E':
			for field := range strings.SplitSeq(string(body), "\x00") {
				if strings.HasPrefix(field, "C") {
					word += field[1:]
					break
				}
			}
		case 'Z':
			word += string(body)
		}
		out = append(out, word)
		raw = raw[size+1:]
	}
	return strings.Join(out, " ")
}

// count asks the server itself, past the gateway.
func count(t testing.TB, sql string) string {
	t.Helper()
	c, err := pgconn.Connect(t.Context(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	got, err := c.Exec(t.Context(), sql).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return string(got[0].Rows[0][0])
}
