// Package gateway accepts tunnels, verifies grants, finds the connection and its credential, opens the session behind
// the guard, and ends it when its grant ends. What a protocol means is its sub packages' business.
package gateway

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// Authority is the broker, as far as the gateway needs it. An error from any method but the closing ones means: refuse.
type Authority interface {
	// Grant answers a grant that is active now, for the key whose hash is given.
	Grant(ctx context.Context, id string, keyHash [32]byte) (api.Grant, error)
	OpenSession(ctx context.Context, s api.SessionInfo) error
	UpdateSession(ctx context.Context, s api.SessionInfo) error
	CloseSession(ctx context.Context, s api.SessionInfo) error
	// CrashedSessions are those that are still open although no gateway serves them.
	CrashedSessions(ctx context.Context) ([]api.SessionInfo, error)
	// Endings tells which grants and sessions to end, with a heartbeat at least every few seconds.
	Endings(ctx context.Context) <-chan api.Ending
}

// Connection is a target as the configuration names it.
type Connection struct {
	Name     string
	Kind     string
	Labels   map[string]string
	Address  string
	Database string
	TLS      *tls.Config // nil: not encrypted
	User     string
	credential.Sources
	// Of kind ssh: a private key, or an authority that signs certificates for Principals, may stand in the password's place.
	Principals []string
	HostKeys   []string // as in known_hosts
	Env        []string // see Target
	Input      string   // what of typed input is recorded: see record.Terminal

	// Of the kinds kubernetes and http; see Target.
	Base         *url.URL
	Request      *credential.TokenRequest
	Slot         credential.Slot
	Impersonate  *Impersonate
	Assertion    *Assertion
	RawPaths     bool
	ShownCookies []string
}

// Config is what a Gateway needs.
type Config struct {
	Authority   Authority
	Approvals   guard.Approvals
	Verify      func(peer []*x509.Certificate, now time.Time) (grantID string, keyHash [32]byte, err error)
	Policy      func() *policy.Policy
	Connections []Connection
	Protocols   map[string]Protocol // by kind
	Recordings  string              // the folder
	Signer      *record.Signer
	ResultCap   int64 // bytes of result kept for each command
	Version     string
	Metrics     *Metrics
	Log         *slog.Logger
	Now         func() time.Time
}

const (
	// feedStale is how old the feed of endings may be before no new session is opened.
	feedStale = 10 * time.Second
	// runningGrace is what a running command gets when its grant's time is over.
	runningGrace = 60 * time.Second
	// openTime bounds everything between a tunnel and its session.
	openTime = 20 * time.Second
)

// Gateway serves sessions.
type Gateway struct {
	cfg         Config
	connections map[string]Connection
	live        live
	feed        feed
	folders     record.Folders
	buffers     record.Buffers // of all recordings
	tallies     tallies
}

// New makes a gateway. It serves nothing before Run.
func New(c Config) (*Gateway, error) {
	if c.Authority == nil || c.Approvals == nil || c.Verify == nil || c.Policy == nil || c.Signer == nil || c.Metrics == nil {
		return nil, errors.New("make a gateway: authority, approvals, verifier, policy, signer and metrics are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	g := &Gateway{cfg: c, connections: map[string]Connection{}, live: live{grants: map[string]map[*attendance]bool{}}}
	g.tallies = tallies{since: c.Now(), grants: map[string]*guard.Tally{}}
	for _, x := range c.Connections {
		if c.Protocols[x.Kind] == nil {
			return nil, fmt.Errorf("connection %s: kind %q is not served", x.Name, x.Kind)
		}
		g.connections[x.Name] = x
	}
	return g, nil
}

// Run recovers what a killed gateway left, then serves tunnels until ctx ends; sessions are then told and closed.
func (g *Gateway) Run(ctx context.Context, accept func(context.Context) (*tunnel.Incoming, error)) error {
	if err := g.recoverCrashed(ctx); err != nil {
		return err
	}
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { g.follow(ctx) })
	for {
		in, err := accept(ctx)
		if err != nil {
			g.live.endAll(&api.Error{
				Code: api.CodeUnavailable, Message: "The gateway is shutting down.", Hint: "Connect again in a moment.", Retryable: true,
			})
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept tunnels: %w", err)
		}
		work.Go(func() { g.attend(ctx, in) })
	}
}

// attend serves one tunnel from its first byte to its last. A panic ends it alone.
func (g *Gateway) attend(ctx context.Context, in *tunnel.Incoming) {
	defer func() {
		if e := recover(); e != nil {
			g.cfg.Log.Error("tunnel panicked", "panic", fmt.Sprint(e))
			_ = in.Close()
		}
	}()
	a, err := g.admit(ctx, in)
	if err != nil {
		g.cfg.Log.Info("tunnel refused", "remote", in.Remote.String(), "reason", err.Message, "code", err.Code)
		_ = in.Refuse(err)
		return
	}
	defer g.live.remove(a)
	conn, acceptErr := in.Accept(a.id)
	if acceptErr != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	a.serve(conn)
}

// admit decides whether a tunnel becomes a session. All authority comes from the broker's record of the grant.
func (g *Gateway) admit(ctx context.Context, in *tunnel.Incoming) (*attendance, *api.Error) {
	id, keyHash, err := g.cfg.Verify(in.PeerCertificates, g.cfg.Now())
	if err != nil {
		g.cfg.Log.Warn("grant certificate refused", "remote", in.Remote.String(), "error", err)
		return nil, &api.Error{Code: api.CodeGrantEnded, Message: "The grant is not valid.", Hint: "Connect again with hoop connect."}
	}
	if !g.feed.fresh(g.cfg.Now()) {
		return nil, &api.Error{Code: api.CodeUnavailable, Message: "The gateway has lost touch with the broker, so it opens no new session.", Hint: "Try again in a moment.", Retryable: true}
	}
	a := &attendance{gateway: g, id: newSessionID(), grantID: id, keyHash: keyHash, remote: in.Remote.String()}
	a.ctx, a.end = context.WithCancelCause(ctx)
	g.live.add(a) // before the grant is looked up, so that an ending can't slip in between
	if err := a.lookUp(keyHash, in.Hello); err != nil {
		g.live.remove(a)
		return nil, err
	}
	return a, nil
}

// lookUp asks the broker for the grant and finds its connection.
func (a *attendance) lookUp(keyHash [32]byte, hello tunnel.Hello) *api.Error {
	ctx, cancel := context.WithTimeout(a.ctx, openTime)
	defer cancel()
	var err error
	a.client, a.ssh = hello.Client, hello.SSH
	a.grant, err = a.gateway.cfg.Authority.Grant(ctx, a.grantID, keyHash)
	var refused *api.Error
	switch {
	case errors.As(err, &refused):
		return refused
	case err != nil:
		a.gateway.cfg.Log.Error("grant not looked up", "grant", a.grantID, "error", err)
		return &api.Error{Code: api.CodeUnavailable, Message: "The grant can't be looked up now.", Hint: "Try again in a moment.", Retryable: true}
	}
	found, ok := a.gateway.connections[a.grant.Connection.Name]
	if !ok || hello.Connection != a.grant.Connection.Name {
		return &api.Error{Code: api.CodeNoSuchConnection, Message: "There is no such connection.", Hint: "hoop ls shows what is within reach."}
	}
	a.connection = found
	a.tally = a.gateway.tallies.of(a.grant, a.gateway.cfg.Now())
	return nil
}

// newSessionID names a session so that nobody can guess it.
func newSessionID() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	return "se_" + strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}
