package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// allowAll lets pass whatever can be understood.
const allowAll = `version: 1
rules:
  - {name: all, effects: [read, write, delete, session, transfer, execute], verdict: allow}
`

// journal is what a service of a test says it got: the oracle.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

// count is how many lines have a word.
func (j *journal) count(word string) (n int) {
	for line := range strings.Lines(j.String()) {
		if strings.Contains(line, word) {
			n++
		}
	}
	return n
}

// site starts a service of net/http.
func site(t testing.TB, serve http.HandlerFunc) gateway.Target {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	return at(t, server.URL)
}

// raw starts a service that is played over sockets.
func raw(t testing.TB, play func(c net.Conn)) gateway.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { defer func() { _ = c.Close() }(); play(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return at(t, "http://"+l.Addr().String())
}

// canned reads requests and answers each with the same bytes.
func canned(t testing.TB, answer string) gateway.Target {
	return raw(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, q.Body)
			if _, err := io.WriteString(c, answer); err != nil || strings.Contains(answer, "close") {
				return
			}
		}
	})
}

func at(t testing.TB, address string) gateway.Target {
	t.Helper()
	base, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Target{
		Connection: policy.Connection{Name: "app", Kind: Kind}, Base: base, User: "dev", Groups: []string{"developers"},
		Subject:    policy.Subject{Issuer: "https://idp.example.com", ID: "1", User: "dev", Groups: []string{"developers"}, Type: "human"},
		Credential: credential.Login{Slot: credential.Slot{In: credential.InHeader, Name: "Authorization"}, Value: credential.NewSecret("Bearer " + secretToken)},
	}
}

// stand is one session between a client's socket and a service.
type stand struct {
	t      testing.TB
	conn   *net.TCPConn // of the client
	in     *bufio.Reader
	end    context.CancelCauseFunc
	served chan struct{}
	why    error // behind served
	gate   *guard.Session
	rules  atomic.Pointer[policy.Policy]
	kept   *keeper
	log    *journal
}

func open(t testing.TB, target gateway.Target, rules string) *stand {
	t.Helper()
	s := &stand{t: t, served: make(chan struct{}), kept: newKeeper(t, target), log: &journal{}}
	s.change(rules)
	log := slog.New(slog.NewTextHandler(writing(s.log.add), &slog.HandlerOptions{Level: slog.LevelDebug}))
	gate, err := guard.New(guard.Config{
		ID: "se_test", GrantID: "gr_test", Identity: api.Identity{Issuer: "https://idp.example.com", Subject: "1", User: "dev"},
		Subject: target.Subject, Connection: target.Connection, Policy: func() guard.Policy { return s.rules.Load() }, Recorder: s.kept,
		Approvals: nobody{}, Log: log, Now: time.Now, ResultCap: 1 << 20, Tally: guard.NewTally(time.Now().Add(time.Hour)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.gate = gate
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.conn, s.in = conn.(*net.TCPConn), bufio.NewReader(conn)
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancelCause(context.Background())
	s.end = end
	go func() {
		defer close(s.served)
		s.why = serveOne(ctx, New(log, nil), theirs, target, gate)
	}()
	t.Cleanup(func() { end(nil); _ = conn.Close(); <-s.served })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return s
}

// serveOne does for one socket what the gateway does.
func serveOne(ctx context.Context, p *Protocol, conn net.Conn, target gateway.Target, gate *guard.Session) error {
	defer func() { _ = conn.Close() }()
	hello, err := p.Greet(ctx, conn, gateway.Visit{})
	if err != nil {
		return err
	}
	session, err := p.Open(ctx, hello, target)
	if err != nil {
		return err
	}
	defer func() { _ = session.Close() }()
	return session.Serve(ctx, gate)
}

// change puts another policy in force.
func (s *stand) change(rules string) {
	s.t.Helper()
	p, err := policy.Parse([]byte(rules), "policy")
	if err != nil {
		s.t.Fatal(err)
	}
	s.rules.Store(p)
}

// send sends a request whose head has lines that end with LF, which become CRLF.
func (s *stand) send(text string) {
	s.t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	if _, err := io.WriteString(s.conn, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"+body); err != nil {
		s.t.Fatal(err)
	}
}

// answer is one that was read whole.
type answer struct {
	*http.Response
	text string
}

// read reads an answer to a request of the method.
func (s *stand) read(method string) answer {
	s.t.Helper()
	a := s.head(method)
	body, err := io.ReadAll(a.Body)
	if err != nil {
		s.t.Fatalf("%s: its body: %v, so far %q", a.Status, err, body)
	}
	return answer{a, string(body)}
}

// head reads the head of an answer.
func (s *stand) head(method string) *http.Response {
	s.t.Helper()
	a, err := http.ReadResponse(s.in, &http.Request{Method: method})
	if err != nil {
		s.t.Fatalf("read an answer: %v\n%s", err, s.log)
	}
	return a
}

// ask sends a request with fields, one a line, and a body, and reads the answer.
func (s *stand) ask(line, fields, body string) answer {
	s.t.Helper()
	if body != "" {
		fields += fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	s.send(line + " HTTP/1.1\nHost: localhost\n" + strings.TrimPrefix(fields+"\n\n", "\n") + body)
	method, _, _ := strings.Cut(line, " ")
	return s.read(method)
}

// closed says that the gateway closes the client's socket within a second, and answers what came before.
func (s *stand) closed(what string) string {
	s.t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		s.t.Fatal(err)
	}
	rest, err := io.ReadAll(s.in)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		s.t.Errorf("%s: the socket is open after a second, and had %q", what, rest)
	}
	return string(rest)
}

// recording ends the session and answers its recording as text, and as it lies on the disk.
func (s *stand) recording() string {
	s.t.Helper()
	_ = s.conn.Close()
	<-s.served
	if err := s.kept.Seal("test"); err != nil {
		s.t.Fatal(err)
	}
	file, err := os.ReadFile(s.kept.name)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := record.NewReader(bytes.NewReader(file))
	if err != nil {
		s.t.Fatal(err)
	}
	var text bytes.Buffer
	if err := record.Export(&text, r, "ndjson"); err != nil {
		s.t.Fatal(err)
	}
	return text.String()
}

// within waits until something holds.
func within(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	late := time.After(limit)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-late:
			t.Fatalf("not within %v: %s", limit, what)
		case <-tick.C:
		}
	}
}

// keeper is a recording that can be told to fail.
type keeper struct {
	*record.Writer
	name string
	full atomic.Bool
}

func newKeeper(t testing.TB, target gateway.Target) *keeper {
	t.Helper()
	dir := t.TempDir()
	signer, err := record.LoadOrCreateSigner(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{name: filepath.Join(dir, "se_test.hrec")}
	header := record.Header{Session: "se_test", Connection: target.Connection.Name, Kind: Kind, Started: time.Now()}
	if k.Writer, err = record.Create(k.name, header, record.Options{Signer: signer}); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *keeper) Stage(t record.Type, body []byte) (uint64, error) {
	if k.full.Load() {
		return 0, io.ErrShortWrite
	}
	return k.Writer.Stage(t, body)
}

func (k *keeper) Commit() error {
	if k.full.Load() {
		return io.ErrShortWrite
	}
	return k.Writer.Commit()
}

// writing is a log's lines for a journal.
type writing func(format string, args ...any)

func (w writing) Write(p []byte) (int, error) {
	w("%s", bytes.TrimSpace(p))
	return len(p), nil
}

// nobody is there to approve anything.
type nobody struct{}

var errNobody = errors.New("nobody is there")

func (nobody) AskApproval(context.Context, api.Approval, string) (api.Approval, error) {
	return api.Approval{}, errNobody
}
func (nobody) AwaitApproval(context.Context, string) (api.Approval, error) {
	return api.Approval{}, errNobody
}
func (nobody) ClaimApproval(context.Context, string, string, api.Identity, []api.Approvers) error {
	return errNobody
}
func (nobody) WithdrawApproval(context.Context, string, api.Identity) error { return errNobody }
func (nobody) PublishGrantEvent(context.Context, string, api.GrantEvent) error {
	return nil
}
