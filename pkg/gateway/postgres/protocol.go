// Package postgres serves PostgreSQL's protocol: it decodes what a client sends, asks the guard, and encodes what may go
// on. It never decides, masks or records by itself.
package postgres

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/pump"
	"github.com/jackc/pgx/v5/pgconn"
)

// Kind is the kind of connection that is served here.
const Kind = "postgres"

// Grammar is PostgreSQL's own grammar, behind worker processes.
type Grammar = *pgsql.Pool

// Protocol serves connections of kind postgres.
type Protocol struct {
	log     *slog.Logger
	grammar Grammar
	work    sync.WaitGroup
	quit    chan struct{}
	loops   []*pump.Loop
	turn    atomic.Uint32 // which loop is next
	warm    *warm
	buffers wire.Buffers

	mu       sync.Mutex
	catalogs map[string]*catalog
	sessions map[cancelKey]*session
}

// cancelKey is what a client must know to cancel a session's statement: the key that it was given, under the same grant.
type cancelKey struct {
	grant   string
	process uint32
	secret  uint32
}

// New makes the protocol with the grammar that understands its texts. Its sessions share as many loops as are asked for;
// without any, and on systems that have none, each is served by its own goroutines alone.
func New(grammar Grammar, log *slog.Logger, loops int) *Protocol {
	p := &Protocol{log: log, grammar: grammar, quit: make(chan struct{}), catalogs: map[string]*catalog{}, sessions: map[cancelKey]*session{}}
	for range loops {
		loop, err := pump.Start(pump.Busy)
		if err != nil {
			log.Warn("sessions are served without a loop", "error", err)
			break
		}
		p.loops = append(p.loops, loop)
	}
	p.warm = newWarm(log, &p.work)
	return p
}

// GrantEnded closes the connections that are kept for a grant.
func (p *Protocol) GrantEnded(id string) { p.warm.ended(id) }

// Close stops reading catalogs and waits until nothing of the protocol runs. Sessions must be over before.
func (p *Protocol) Close() {
	close(p.quit)
	p.warm.close()
	p.work.Wait()
	for _, loop := range p.loops {
		loop.Close()
	}
}

// Ready says whether texts can be understood now.
func (p *Protocol) Ready() bool { return p.grammar.Healthy() }

// greeting is a client's startup.
type greeting struct {
	client  net.Conn
	grant   string
	startup wire.Startup
}

func (g *greeting) Client() string { return g.startup.Parameters["application_name"] }
func (g *greeting) Done() bool     { return g.startup.Cancel }

// Greet reads the startup, or carries out a cancel request.
func (p *Protocol) Greet(ctx context.Context, client net.Conn, v gateway.Visit) (gateway.Greeting, error) {
	startup, err := wire.ReadStartup(client)
	if err != nil {
		switch {
		case errors.Is(err, wire.ErrVersion):
			_, _ = client.Write(fatalText("0A000", err.Error(), ""))
		case errors.Is(err, wire.ErrProtocol):
			_, _ = client.Write(fatalText("08P01", err.Error(), ""))
		}
		return nil, err
	}
	g := &greeting{client: client, grant: v.GrantID, startup: startup}
	if startup.Cancel {
		p.cancel(cancelKey{v.GrantID, startup.Process, startup.Secret})
		return g, nil
	}
	if _, err := settings(startup); err != nil {
		_, _ = client.Write(fatalText("0A000", "hoop: "+err.Error(), "Connect without it."))
		return nil, err
	}
	if startup.Minor > 0 || len(startup.Options) > 0 {
		if _, err := client.Write(negotiate(startup.Options)); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (p *Protocol) cancel(k cancelKey) {
	p.mu.Lock()
	s := p.sessions[k]
	p.mu.Unlock()
	if s != nil {
		s.Cancel()
	}
}

// Refuse tells a greeted client that there is no session for it.
func (p *Protocol) Refuse(g gateway.Greeting, why *api.Error) {
	_, _ = g.(*greeting).client.Write(fatal(why))
}

// Open connects to the target with the gateway's credential.
func (p *Protocol) Open(ctx context.Context, g gateway.Greeting, t gateway.Target) (gateway.Session, error) {
	hello := g.(*greeting)
	chosen, err := settings(hello.startup)
	if err != nil {
		return nil, &api.Error{Code: api.CodeUsage, Message: err.Error(), Hint: "Connect without it."}
	}
	config, err := targetConfig(t, chosen)
	if err != nil {
		return nil, err
	}
	cat := p.catalogOf(t)
	if err := cat.acquire(ctx, &p.work); err != nil {
		return nil, targetError(err)
	}
	claim := p.warm.begin(hello.grant, classOf(t, config))
	s, err := p.open(ctx, hello, config, cat, claim)
	if err != nil {
		claim.end()
		cat.release()
		return nil, err
	}
	return s, nil
}

func (p *Protocol) open(ctx context.Context, hello *greeting, config *pgconn.Config, cat *catalog, claim *lease) (*session, error) {
	target, err := p.connected(ctx, claim, config)
	if err != nil {
		return nil, err
	}
	if err := target.checkLane(config.RuntimeParams[laneSetting] == "on"); err != nil {
		return nil, targetError(errors.Join(err, target.Close()))
	}
	s := &session{
		lane: config.RuntimeParams[laneSetting] == "on",
		log:  p.log, client: hello.client, target: target, grammar: p.grammar, catalog: cat, database: config.Database,
		buffers: &p.buffers, in: p.buffers.NewReader(hello.client, wire.FromClient), out: &writer{},
		names: newNames(), status: 'I', segment: 1, lease: claim,
	}
	s.changed = sync.NewCond(&s.mu)
	if len(p.loops) > 0 {
		if err := s.enter(p.loops[int(p.turn.Add(1))%len(p.loops)]); err != nil {
			return nil, errors.Join(fmt.Errorf("serve the session in a loop: %w", err), target.Close(), s.client.Close())
		}
	}
	key := cancelKey{hello.grant, target.process, target.secret}
	p.mu.Lock()
	p.sessions[key] = s
	p.mu.Unlock()
	s.onClose = sync.OnceFunc(func() {
		p.mu.Lock()
		delete(p.sessions, key)
		p.mu.Unlock()
		claim.end()
		cat.release()
	})
	return s, nil
}

// catalogOf answers the one catalog of a connection.
func (p *Protocol) catalogOf(t gateway.Target) *catalog {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.catalogs[t.Connection.Name]
	if c == nil {
		c = &catalog{log: p.log, quit: p.quit}
		p.catalogs[t.Connection.Name] = c
	}
	// The latest credential is the one to connect with.
	c.setDial(func(ctx context.Context) (*pgconn.PgConn, error) {
		config, err := targetConfig(t, nil)
		if err != nil {
			return nil, err
		}
		return connect(ctx, config)
	})
	return c
}

// Judge understands a command without a session: in the target's current catalog, with its role's usual search path.
func (p *Protocol) Judge(ctx context.Context, t gateway.Target, masks []policy.Mask, command string) (gateway.Judgement, error) {
	cat := p.catalogOf(t)
	if err := cat.acquire(ctx, &p.work); err != nil {
		return gateway.Judgement{}, targetError(err)
	}
	defer cat.release()
	snapshot, path, err := cat.current(ctx)
	if err != nil {
		return gateway.Judgement{}, targetError(err)
	}
	a := pgsql.Analyze(ctx, p.grammar, command, pgsql.Env{
		Catalog: snapshot, SearchPath: path, Masks: snapshot.Masks(patterns(masks), filters(masks)...), ReadOnly: t.ReadOnly,
	})
	return judgement(&a), nil
}

// JudgeText understands a command where no server is at hand, as `hoopd policy test` does.
func (p *Protocol) JudgeText(ctx context.Context, _ policy.Programs, command string) gateway.Judgement {
	a := pgsql.Analyze(ctx, p.grammar, command, pgsql.Env{SearchPath: []string{"pg_catalog", "public"}})
	return judgement(&a)
}

func judgement(a *pgsql.Analysis) gateway.Judgement {
	j := gateway.Judgement{Facts: facts(a), Rewritten: a.Rewritten, Masked: a.Masked}
	if a.Problem != nil {
		j.Problem = &api.Refusal{Code: "refused", Rule: a.Problem.Rule, Message: a.Problem.Message, Remedy: []api.Remedy{}}
		if a.Problem.Hint != "" {
			j.Problem.Remedy = []api.Remedy{{Kind: "rewrite", Text: a.Problem.Hint}}
		}
	}
	return j
}

func newSecret() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	return binary.BigEndian.Uint32(b[:])
}

// targetError puts a failure to reach the target into words that hold neither its credential nor its address.
func targetError(err error) *api.Error {
	var e *api.Error
	if errors.As(err, &e) {
		return e
	}
	out := &api.Error{Code: api.CodeTargetDown, Retryable: true, Message: "The target can't be reached.", Hint: "Try again; if it stays so, ask who runs the gateway: its log says more."}
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && strings.HasPrefix(pg.Code, "28"):
		out.Retryable = false
		out.Message, out.Hint = "The target refused the gateway's credential.", "Ask who runs the gateway."
	case strings.Contains(err.Error(), "authentication method requirement"): // pgconn has no type for it
		out.Retryable = false
		out.Message = "The target asks for the gateway's password in clear or as an MD5 digest, on a connection that is not private."
		out.Hint = "Ask who runs the gateway: SCRAM-SHA-256 at the target, or tls with mode verify-full, is what is missing."
	case errors.As(err, &pg):
		out.Message = fmt.Sprintf("The target answered with SQLSTATE %s.", pg.Code)
	case errors.Is(err, context.DeadlineExceeded):
		out.Message = "The target did not answer in time."
	}
	return out
}
