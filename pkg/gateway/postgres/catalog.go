package postgres

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	pollEvery = 2 * time.Second
	// staleAfter is how old a snapshot may be before nothing is understood with it.
	staleAfter = 10 * time.Second
	// lingerFor is how long a snapshot is kept fresh after the last session, so that loops of short ones find it warm.
	lingerFor = time.Minute
)

// catalog keeps a fresh snapshot of one target's system catalog while sessions need it.
type catalog struct {
	log  *slog.Logger
	quit <-chan struct{} // closed when the protocol is

	loading sync.Mutex // one load at a time; guards conn
	conn    *pgconn.PgConn
	path    []string // where the role's names are looked up

	mu        sync.Mutex
	dial      func(context.Context) (*pgconn.PgConn, error)
	snapshot  *pgsql.Catalog
	signature string
	checked   time.Time
	users     int
	lastUse   time.Time
	polling   bool
}

// acquire loads the snapshot where there is none and keeps it fresh until as many releases.
func (c *catalog) acquire(ctx context.Context, work *sync.WaitGroup) error {
	c.mu.Lock()
	c.users++
	fresh := c.snapshot != nil && time.Since(c.checked) < pollEvery+time.Second
	c.mu.Unlock()
	if !fresh {
		if err := c.refresh(ctx); err != nil {
			c.release()
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.polling {
		c.polling = true
		work.Go(c.poll)
	}
	return nil
}

// setDial says how to connect from now on.
func (c *catalog) setDial(dial func(context.Context) (*pgconn.PgConn, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dial = dial
}

// current is a snapshot that is fresh now, with the role's usual search path.
func (c *catalog) current(ctx context.Context) (*pgsql.Catalog, []string, error) {
	if err := c.refresh(ctx); err != nil {
		return nil, nil, err
	}
	c.loading.Lock()
	path := c.path
	c.loading.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snapshot, path, nil
}

func (c *catalog) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users--
	c.lastUse = time.Now()
}

// poll looks for changes until nobody has used the snapshot for a while.
func (c *catalog) poll() {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for c.wanted() {
		select {
		case <-tick.C:
		case <-c.quit:
			c.end()
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), staleAfter)
		if err := c.refresh(ctx); err != nil {
			c.log.Warn("catalog not read", "error", err)
		}
		cancel()
	}
}

// wanted says whether to go on polling; where not, it closes the connection.
func (c *catalog) wanted() bool {
	c.loading.Lock()
	defer c.loading.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users > 0 || time.Since(c.lastUse) < lingerFor {
		return true
	}
	c.polling, c.checked = false, time.Time{}
	c.drop(context.Background())
	return false
}

// end closes the connection for good.
func (c *catalog) end() {
	c.loading.Lock()
	defer c.loading.Unlock()
	c.drop(context.Background())
}

// drop closes the connection. loading is held.
func (c *catalog) drop(ctx context.Context) {
	if c.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := c.conn.Close(ctx); err != nil {
		c.log.Debug("catalog connection not closed cleanly", "error", err)
	}
	c.conn = nil
}

// refresh reads the catalog again where it changed. When it returns nil, the snapshot is not older than its call.
func (c *catalog) refresh(ctx context.Context) error {
	c.loading.Lock()
	defer c.loading.Unlock()
	if c.conn == nil {
		c.mu.Lock()
		dial := c.dial
		c.mu.Unlock()
		conn, err := dial(ctx)
		if err != nil {
			return err
		}
		c.conn = conn
		if c.path, _, err = situation(ctx, conn); err != nil {
			c.drop(ctx)
			return err
		}
	}
	began := time.Now()
	err := c.load(ctx)
	if err != nil {
		c.drop(ctx)
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked = began
	return nil
}

func (c *catalog) load(ctx context.Context) error {
	signature, err := pgsql.Signature(ctx, c.conn)
	if err != nil {
		return err
	}
	c.mu.Lock()
	same := c.snapshot != nil && c.signature == signature
	c.mu.Unlock()
	if same {
		return nil
	}
	snapshot, err := pgsql.LoadCatalog(ctx, c.conn)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snapshot, c.signature = snapshot, signature
	return nil
}

var errStale = errors.New("the target's catalog could not be read for too long")

// maskCache keeps the masks of one snapshot and policy resolved.
type maskCache struct {
	catalog *pgsql.Catalog
	policy  string
	masks   *pgsql.Masks
}

// env is what texts are understood in now, and a version that changes whenever any of it does. own, where it is not nil,
// is the session's own view of the catalog.
func (c *catalog) env(gate *guard.Session, searchPath []string, own *pgsql.Catalog, cache *maskCache) (pgsql.Env, string, error) {
	c.mu.Lock()
	snapshot, age := c.snapshot, time.Since(c.checked)
	c.mu.Unlock()
	if snapshot == nil || age > staleAfter {
		return pgsql.Env{}, "", errStale
	}
	if own != nil {
		snapshot = own
	}
	rules, version, ok := gate.Masks()
	if !ok {
		return pgsql.Env{}, "", errors.New("no policy is loaded")
	}
	if cache.catalog != snapshot || cache.policy != version {
		*cache = maskCache{catalog: snapshot, policy: version, masks: snapshot.Masks(patterns(rules))}
	}
	return pgsql.Env{
		Catalog: snapshot, SearchPath: searchPath, Masks: cache.masks, ReadOnly: gate.ReadOnly(), Unrestricted: gate.Unrestricted(),
	}, strings.Join([]string{snapshot.Version, version, strings.Join(searchPath, ",")}, "/"), nil
}

// patterns are the policy's masks in the words of SQL analysis.
func patterns(rules []policy.Mask) []pgsql.MaskPattern {
	var out []pgsql.MaskPattern
	for _, r := range rules {
		for _, column := range r.Columns {
			out = append(out, pgsql.MaskPattern{Pattern: column, As: pgsql.MaskAs(r.As), Writable: r.Writable})
		}
	}
	return out
}
