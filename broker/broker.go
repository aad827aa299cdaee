package broker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// A Broker answers clients and gateways. It is safe for concurrent use.
type Broker struct {
	cfg         Config
	connections map[string]Connection
	seal        *sealer
	handler     http.Handler

	changes *changes // wakes those who wait for an approval or a grant's events
	feed    *feed    // endings, to gateways
	streams *streams // open event streams of each grant

	calls, grants, logins *limiter
	refreshing            *keyedLocks

	startedAt time.Time
	deadline  deadline
	stop      context.CancelFunc
	done      <-chan struct{}
	running   sync.WaitGroup
}

// New makes a broker and starts what it does by itself: ending grants and approvals whose
// time is over. Close stops that.
func New(cfg Config) (*Broker, error) {
	cfg.setDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	seal, err := openSealer(cfg.StateDir)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	b := &Broker{
		cfg: cfg, seal: seal, connections: map[string]Connection{},
		changes: newChanges(), feed: newFeed(), streams: newStreams(), refreshing: newKeyedLocks(),
		calls:     newLimiter(cfg.Limits.CallsPerMinute),
		grants:    newLimiter(cfg.Limits.GrantsPerMinute),
		logins:    newLimiter(cfg.Limits.LoginsPerMinute),
		startedAt: cfg.Clock(), stop: stop, done: ctx.Done(),
	}
	for _, c := range cfg.Connections {
		b.connections[c.Name] = c
	}
	if b.handler, err = newHandler(b); err != nil {
		stop()
		return nil, err
	}
	b.running.Go(func() { b.tend(ctx) })
	return b, nil
}

// Handler serves the HTTP API and the approvals page. It is to be served over TLS.
func (b *Broker) Handler() http.Handler { return b.handler }

// Close ends event streams and feeds and waits for what the broker does by itself.
// The store stays open: it belongs to the caller.
func (b *Broker) Close() {
	b.stop()
	b.running.Wait()
}

// Ready says whether the broker can write to its store. An error means that it gives no
// grants and takes no decisions now.
func (b *Broker) Ready(ctx context.Context) error {
	return b.cfg.Store.Update(ctx, func(tx store.Tx) error { return tx.DropTokens(time.Unix(0, 0)) })
}

// Stats are counts for metrics.
type Stats struct {
	PendingApprovals int
	ActiveGrants     int
	OpenSessions     int
}

// Stats counts what is in the store now.
func (b *Broker) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	err := b.view(ctx, func(tx store.Tx) error {
		approvals, err1 := tx.Approvals(store.ApprovalFilter{States: []string{api.ApprovalPending}})
		grants, err2 := tx.Grants(store.GrantFilter{State: grantActive})
		sessions, err3 := tx.Sessions(store.SessionFilter{State: sessionOpen})
		s = Stats{len(approvals), len(grants), len(sessions)}
		return errors.Join(err1, err2, err3)
	})
	return s, err
}

// news is what a transaction changed that others wait for. It is told once the
// transaction is kept, never before.
type news struct {
	endings []api.Ending
	topics  []string
}

// update runs fn in a transaction and then tells its news.
func (b *Broker) update(ctx context.Context, fn func(store.Tx, *news) error) error {
	return b.updateBy(ctx, b.cfg.Store.Update, fn)
}

// updateSoon is update for what nobody waits for.
func (b *Broker) updateSoon(ctx context.Context, fn func(store.Tx, *news) error) error {
	return b.updateBy(ctx, b.cfg.Store.UpdateSoon, fn)
}

func (b *Broker) updateBy(ctx context.Context, how func(context.Context, func(store.Tx) error) error, fn func(store.Tx, *news) error) error {
	var n news
	err := how(ctx, func(tx store.Tx) error {
		n = news{} // fn may run more than once
		return fn(tx, &n)
	})
	if err != nil {
		return b.storeError(err)
	}
	b.feed.push(b.now(), n.endings...)
	for _, topic := range n.topics {
		b.changes.tell(topic)
	}
	return nil
}

func (b *Broker) view(ctx context.Context, fn func(store.Tx) error) error {
	return b.storeError(b.cfg.Store.View(ctx, fn))
}

// storeError makes a refusal of the store's failures. Everything else passes.
func (b *Broker) storeError(err error) error {
	if err == nil {
		return nil
	}
	var refusal *api.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	if errors.Is(err, store.ErrNotFound) {
		return notFound()
	}
	if errors.Is(err, store.ErrUnavailable) {
		b.cfg.Logger.Error("the store is unavailable", "error", err.Error())
		return unavailable("The broker can't reach its store, so it refuses.")
	}
	return err
}

func (b *Broker) now() time.Time { return b.cfg.Clock().UTC() }

// reach returns what the policy in force gives who on the connection. Its error is that of a
// connection that does not exist, whether there is none or it is out of reach.
func (b *Broker) reach(who api.Identity, name string) (Connection, policy.Reach, error) {
	c, known := b.connections[name]
	if !known {
		return Connection{}, policy.Reach{}, noSuchConnection()
	}
	r, ok := b.cfg.Policy().Reach(subjectOf(who), c.policy())
	if !ok || r.TTL <= 0 {
		return Connection{}, policy.Reach{}, noSuchConnection()
	}
	return c, r, nil
}

// may says whether who holds a power over the named connection. Over one that is no
// longer configured nobody holds any.
func (b *Broker) may(who api.Identity, p policy.Power, name string) bool {
	c, known := b.connections[name]
	return known && b.cfg.Policy().May(subjectOf(who), p, c.policy())
}

// mayAny says whether who holds a power over any connection, mayAll whether over every one.
func (b *Broker) mayAny(who api.Identity, p policy.Power) bool {
	for name := range b.connections {
		if b.may(who, p, name) {
			return true
		}
	}
	return false
}

func (b *Broker) mayAll(who api.Identity, p policy.Power) bool {
	for name := range b.connections {
		if !b.may(who, p, name) {
			return false
		}
	}
	return len(b.connections) > 0
}

func (c Connection) policy() policy.Connection {
	return policy.Connection{Name: c.Name, Kind: c.Kind, Labels: c.Labels}
}

func (c Connection) wire(r policy.Reach) api.Connection {
	reason := "optional"
	if r.ReasonRequired {
		reason = "required"
	}
	return api.Connection{
		Name: c.Name, Kind: c.Kind, Database: c.Database, Labels: c.Labels,
		Rule: r.Rule, TTL: int64(r.TTL / time.Second), Reason: reason,
	}
}

func subjectOf(id api.Identity) policy.Subject {
	return policy.Subject{
		Issuer: id.Issuer, ID: id.Subject, User: id.User, Groups: id.Groups, Type: id.Type, Claims: id.Claims,
	}
}

func key(id api.Identity) api.Person { return api.Person{Issuer: id.Issuer, Subject: id.Subject} }

// audit appends to the audit chain, in the transaction of what it tells about.
func (b *Broker) audit(tx store.Tx, kind string, who api.Identity, subject string, detail map[string]string) error {
	err := tx.Append(store.ChainAudit, store.Entry{
		Time: b.now(), Kind: kind, Actor: key(who), User: who.User, Subject: subject, Detail: detail,
	})
	if err != nil {
		return fmt.Errorf("audit %s: %w", kind, err)
	}
	return nil
}
