package sshhost_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// target is the real server.
func target(t testing.TB) gateway.Target {
	t.Helper()
	key, err := os.ReadFile(server.Key)
	must(t, err)
	return gateway.Target{
		Connection: policy.Connection{Name: "web-test", Kind: "ssh"}, Address: server.Address(), HostKeys: []string{server.HostKey},
		Credential: credential.Login{User: server.User, Key: secretOf(string(key))}, User: "dev",
	}
}

// directly connects to the real server without a gateway.
func directly(t testing.TB) *ssh.Client {
	t.Helper()
	key, err := ssh.ParsePrivateKey([]byte(target(t).Credential.Key.Reveal()))
	must(t, err)
	client, err := ssh.Dial("tcp", server.Address(), &ssh.ClientConfig{User: server.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// keys are what a tunnel's opening carries, with the private key that belongs to it.
func keys(t testing.TB) (*tunnel.SSH, ssh.Signer) {
	t.Helper()
	visit, private := visitKeys(t)
	signer, err := ssh.NewSignerFromKey(private)
	must(t, err)
	return visit, signer
}

func visitKeys(t testing.TB) (*tunnel.SSH, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	seed := make([]byte, ed25519.SeedSize)
	_, err = rand.Read(seed)
	must(t, err)
	return &tunnel.SSH{Client: public, Host: seed}, private
}

// hostKey is the key that the gateway must show.
func hostKey(t testing.TB, k *tunnel.SSH) ssh.PublicKey {
	t.Helper()
	key, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed(k.Host).Public())
	must(t, err)
	return key
}

// serverLog is everything that the real server says reached it.
func serverLog(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(server.Log())
	must(t, err)
	return string(text)
}

// session is one client socket through a real gate and a real recording.
type session struct {
	client *ssh.Client
	raw    net.Conn
	gate   *guard.Session
	end    context.CancelCauseFunc
	served chan error
	file   string
	writer *record.Writer
	rules  atomic.Pointer[policy.Policy]
	desk   *desk
	log    *guardtest.Log
}

// follow puts a policy in force.
func (s *session) follow(t testing.TB, text string) {
	t.Helper()
	rules, err := gateway.ParsePolicy([]byte(text), "policy")
	must(t, err)
	s.rules.Store(rules)
}

const allowAll = `
version: 1
rules: [{name: all, effects: [read, write, delete, execute, transfer, privilege, session, admin, unknown], verdict: allow}]
`

// recordInput has input recorded as a connection says.
func recordInput(word string) func(*gateway.Target) {
	return func(t *gateway.Target) { t.Input = word }
}

func open(t testing.TB, text string, change ...func(*gateway.Target)) *session {
	t.Helper()
	to := target(t)
	for _, f := range change {
		f(&to)
	}
	visit, signer := keys(t)
	s := attend(t, text, to, visit)
	s.signIn(t, visit, ssh.PublicKeys(signer))
	return s
}

func (s *session) signIn(t testing.TB, visit *tunnel.SSH, auth ...ssh.AuthMethod) {
	t.Helper()
	must(t, s.trySignIn(visit, hostKey(t, visit), auth...))
}

func (s *session) trySignIn(_ *tunnel.SSH, key ssh.PublicKey, auth ...ssh.AuthMethod) error {
	conn, channels, requests, err := ssh.NewClientConn(s.raw, "gateway", &ssh.ClientConfig{
		User: "anybody", Auth: auth, HostKeyCallback: ssh.FixedHostKey(key), Timeout: 10 * time.Second,
	})
	if err != nil {
		return err
	}
	s.client = ssh.NewClient(conn, channels, requests)
	return nil
}

// attend serves one socket as the gateway does.
func attend(t testing.TB, text string, to gateway.Target, visit *tunnel.SSH) *session {
	t.Helper()
	return attendWith(t, text, to, visit, names)
}

// attendWith has names looked up elsewhere.
func attendWith(t testing.TB, text string, to gateway.Target, visit *tunnel.SSH, names sshhost.Names) *session {
	t.Helper()
	near, far := pair(t)
	s := &session{raw: near, served: make(chan error, 1), desk: &desk{}, log: &guardtest.Log{}}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	dir := t.TempDir()
	signer, err := record.LoadOrCreateSigner(filepath.Join(dir, "keys"))
	must(t, err)
	s.file = filepath.Join(dir, "se_test.hrec")
	s.writer, err = record.Create(s.file, record.Header{Session: "se_test", Connection: to.Connection.Name, Kind: "ssh", Started: time.Now()}, record.Options{Signer: signer})
	must(t, err)
	s.follow(t, text)
	s.gate, err = guard.New(guard.Config{
		ID: "se_test", GrantID: "gr_test", Identity: api.Identity{Issuer: "https://idp.example.com", Subject: "1", User: "dev"},
		Subject:    policy.Subject{Issuer: "https://idp.example.com", ID: "1", User: "dev", Groups: []string{"developers"}, Type: "human"},
		Connection: to.Connection, Policy: func() guard.Policy { return s.rules.Load() }, Recorder: s.writer, Approvals: s.desk, Log: log, Now: time.Now, ResultCap: 1 << 20,
	})
	must(t, err)
	ctx, end := context.WithCancelCause(context.Background())
	s.end = end
	p := sshhost.New(log).WithNames(names)
	go func() { s.served <- serve(ctx, p, far, gateway.Visit{GrantID: "gr_test", SSH: visit}, to, s.gate) }()
	t.Cleanup(func() { end(nil); _ = near.Close(); <-s.served })
	return s
}

func serve(ctx context.Context, p *sshhost.Protocol, client net.Conn, v gateway.Visit, to gateway.Target, gate *guard.Session) error {
	hello, err := p.Greet(ctx, client, v)
	if err != nil {
		return err
	}
	opened, err := p.Open(ctx, hello, to)
	if err != nil {
		var e *api.Error
		errors.As(err, &e)
		p.Refuse(hello, e)
		return err
	}
	err = opened.Serve(ctx, gate)
	_ = opened.Close()
	return err
}

func pair(t testing.TB) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = l.Close() }()
	near, err = net.Dial("tcp", l.Addr().String())
	must(t, err)
	far, err = l.Accept()
	must(t, err)
	return near, far
}

// ran is how a command ended for its client.
type ran struct {
	out, errs string
	status    int
	signal    string
}

func (s *session) run(t testing.TB, command string) ran {
	t.Helper()
	return s.runWith(t, command, func(*ssh.Session) {})
}

func (s *session) runWith(t testing.TB, command string, prepare func(*ssh.Session)) ran {
	t.Helper()
	x, err := s.client.NewSession()
	must(t, err)
	defer func() { _ = x.Close() }()
	var out, errs bytes.Buffer
	x.Stdout, x.Stderr = &out, &errs
	prepare(x)
	err = x.Run(command)
	got := ran{out: out.String(), errs: errs.String()}
	var status *ssh.ExitError
	switch {
	case errors.As(err, &status):
		got.status, got.signal = status.ExitStatus(), status.Signal()
	case err != nil:
		got.status = -1
		got.errs += err.Error()
	}
	return got
}

// recording seals the session's recording and answers it as text.
func (s *session) recording(t testing.TB) string {
	t.Helper()
	var text bytes.Buffer
	must(t, record.Export(&text, reader(t, s.sealed(t)), record.FormatNDJSON))
	return text.String()
}

// desk answers every request as told.
type desk struct {
	state string
	asked atomic.Int64
	used  atomic.Int64
	gone  atomic.Int64 // withdrawn
	wait  chan string  // nil: state at once
	mu    sync.Mutex
	seen  []api.Approval // that were asked for
}

func (d *desk) AskApproval(_ context.Context, a api.Approval, _ string) (api.Approval, error) {
	d.asked.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, a)
	a.ID, a.State = "ap_1", api.ApprovalPending
	return a, nil
}

func (d *desk) AwaitApproval(ctx context.Context, id string) (api.Approval, error) {
	if d.wait != nil {
		select {
		case state := <-d.wait:
			return api.Approval{ID: id, State: state}, nil
		case <-ctx.Done():
			return api.Approval{ID: id, State: api.ApprovalPending}, ctx.Err()
		}
	}
	return api.Approval{ID: id, State: d.state}, nil
}

func (d *desk) ClaimApproval(context.Context, string, string, api.Identity, []api.Approvers) error {
	d.used.Add(1)
	return nil
}

func (d *desk) WithdrawApproval(context.Context, string, api.Identity) error {
	d.gone.Add(1)
	return nil
}

func (d *desk) PublishGrantEvent(context.Context, string, api.GrantEvent) error { return nil }

// known are the names that the gateway of these tests can look up.
type known map[string][]string

func (k known) LookupNetIP(_ context.Context, _, host string) (all []netip.Addr, err error) {
	for _, text := range k[host] {
		all = append(all, netip.MustParseAddr(text))
	}
	if len(all) == 0 {
		err = errors.New("no such host")
	}
	return all, err
}

var names = known{
	"own.test": {"127.0.0.1"}, "both.test": {"127.0.0.1", "10.255.255.1"}, "mapped.test": {"::ffff:127.0.0.1"}, "meta.test": {"169.254.169.254"},
	// what some resolvers take for an address
	"2130706433": {"127.0.0.1"}, "0x7f000001": {"127.0.0.1"}, "0177.0.0.1": {"127.0.0.1"}, "127.1": {"127.0.0.1"},
	"none.test": {"0.0.0.0"}, "zone.test": {"fe80::1%lo"}, "far.test": {"192.0.2.1"}, "two.test": {"127.0.0.2", "127.0.0.1"},
}

// secretOf is a private key as a credential.
func secretOf(key string) credential.Secret { return credential.NewSecret(strings.TrimSpace(key)) }
