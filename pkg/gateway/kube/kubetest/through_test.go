package kubetest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
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
	"github.com/hoop-gateway/hoop/pkg/gateway/kube"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/kubetest"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// door is a gateway in front of a cluster, for one person, whose sockets are sessions with recordings of their own.
type door struct {
	address string
	dir     string
	rules   *policy.Policy
	target  gateway.Target
	signer  *record.Signer
	log     guardtest.Log
	count   atomic.Int64
	served  sync.WaitGroup
	desk    *desk
	clock   clock
	close   func()
}

// clock is one that can be ahead of the cluster's.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// opened is a gateway to the cluster under a policy.
func opened(t *testing.T, c *kubetest.Cluster, text string, change func(*gateway.Target)) *door {
	t.Helper()
	rules, err := gateway.ParsePolicy([]byte(text), "policy")
	must(t, err)
	base, err := url.Parse(c.URL)
	must(t, err)
	authority, err := os.ReadFile(c.CAFile)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	d := &door{dir: t.TempDir(), rules: rules, desk: &desk{state: api.ApprovalPending}}
	d.target = gateway.Target{
		Connection: policy.Connection{Name: "stg", Kind: kube.Kind}, Base: base, Address: base.Host,
		TLS:        &tls.Config{RootCAs: pool, ServerName: base.Hostname(), MinVersion: tls.VersionTLS12},
		Credential: credential.Login{Token: credential.NewSecret(c.RobotToken)},
	}
	if change != nil {
		change(&d.target)
	}
	d.signer, err = record.LoadOrCreateSigner(filepath.Join(d.dir, "keys"))
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	d.address = l.Addr().String()
	ctx, end := context.WithCancel(context.Background())
	p := kube.New(slog.New(slog.NewTextHandler(&d.log, nil))).By(d.clock.now)
	d.served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.served.Go(func() { d.serve(ctx, t, p, conn) })
		}
	})
	d.close = func() { end(); _ = l.Close(); d.served.Wait() }
	t.Cleanup(d.close)
	return d
}

func (d *door) serve(ctx context.Context, t *testing.T, p *kube.Protocol, conn net.Conn) {
	id := fmt.Sprintf("se_%d", d.count.Add(1))
	writer, err := record.Create(filepath.Join(d.dir, id+".hrec"), record.Header{Session: id, Connection: "stg", Kind: kube.Kind, Started: time.Now()}, record.Options{Signer: d.signer})
	if err != nil {
		t.Error(err)
		return
	}
	gate, err := guard.New(guard.Config{
		ID: id, GrantID: "gr_test", Identity: api.Identity{Issuer: "https://idp.example.com", Subject: "1", User: "dev"},
		Subject:    policy.Subject{Issuer: "https://idp.example.com", ID: "1", User: "dev", Groups: []string{"developers"}, Type: "human"},
		Connection: d.target.Connection, Policy: func() guard.Policy { return d.rules }, Recorder: writer, Approvals: d.desk,
		Log: slog.New(slog.NewTextHandler(&d.log, nil)), Now: time.Now, ResultCap: 1 << 20,
	})
	if err != nil {
		t.Error(err)
		return
	}
	if hello, err := p.Greet(ctx, conn, gateway.Visit{}); err == nil {
		if s, err := p.Open(ctx, hello, d.target); err != nil {
			t.Error(err)
		} else {
			_ = s.Serve(ctx, gate)
			_ = s.Close()
		}
	}
	if err := writer.Seal("left"); err != nil {
		t.Error(err)
	}
}

// kubeconfig leads to the gateway.
func (d *door) kubeconfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: direct
clusters: [{name: direct, cluster: {server: "http://%s"}}]
users: [{name: direct, user: {}}]
contexts: [{name: direct, context: {cluster: direct, user: direct, namespace: stg}}]
`, d.address)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// desk answers every request for an approval with the state that it is in.
type desk struct {
	state string
	asked atomic.Int64
}

func (d *desk) AskApproval(_ context.Context, a api.Approval, _ string) (api.Approval, error) {
	d.asked.Add(1)
	a.ID, a.State = "ap_1", d.state
	return a, nil
}

func (d *desk) AwaitApproval(_ context.Context, id string) (api.Approval, error) {
	return api.Approval{ID: id, State: d.state}, nil
}

func (d *desk) ClaimApproval(context.Context, string, string, api.Identity, []api.Approvers) error {
	return nil
}
func (d *desk) WithdrawApproval(context.Context, string, api.Identity) error    { return nil }
func (d *desk) PublishGrantEvent(context.Context, string, api.GrantEvent) error { return nil }

// Everything is allowed, and nothing is masked, so that what kubectl and helm say must be what they say directly.
const everything = `version: 1
rules:
  - {name: all, effects: [read, write, delete, schema, execute, transfer, privilege, session, admin, shell, unknown], verdict: allow}
  - name: streams
    effects: [read, write, delete, schema, execute, transfer, privilege, session, admin, shell, unknown]
    kube: {resources: ["pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers", "pods/eviction", "pods/proxy", "services/proxy", "nodes/proxy", "serviceaccounts/token", "pods/resize", "pods/binding", "namespaces/finalize"]}
    verdict: allow
masks:
  - {name: secrets, unless: {groups: [developers]}, fields: ["secrets.data.*"], as: redact}
`

func TestScenariosSayThroughTheGatewayWhatTheySayDirectly(t *testing.T) {
	c := kubetest.Start(t)
	for _, version := range []string{kubetest.Oldest, kubetest.Newest} {
		for _, s := range kubetest.Scenarios() {
			if s.Name == kubetest.AsAnother {
				continue // clients say whom to take them for, which only the gateway may
			}
			t.Run(version+"/"+s.Name, func(t *testing.T) {
				d := opened(t, c, everything, nil)
				got := s.Transcript(t, c, d.kubeconfig(t), version)
				if diff := differences(s.Reference(t, version), got); diff != "" { // helm and describe have lines in an order of chance
					t.Errorf("it differs:\n%s\nlog: %s", diff, d.log.String())
				}
			})
		}
	}
}

// differences are the lines that are in one text only.
func differences(want, got string) string {
	var out strings.Builder
	for _, x := range []struct{ sign, a, b string }{{"-", want, got}, {"+", got, want}} {
		for line := range strings.Lines(x.a) {
			if !strings.Contains(x.b, line) {
				out.WriteString(x.sign + line)
			}
		}
	}
	return out.String()
}
