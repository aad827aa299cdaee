package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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

	mu         sync.Mutex
	dial       func(context.Context) (*pgconn.PgConn, error)
	snapshot   *pgsql.Catalog
	signature  pgsql.Signature
	generation uint64 // grows with each lasting change of the snapshot
	checked    time.Time
	users      int
	lastUse    time.Time
	polling    bool
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
		now, err := situated(ctx, conn)
		if err != nil {
			c.drop(ctx)
			return err
		}
		c.path = now.path
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
	signature, err := pgsql.ReadSignature(ctx, c.conn)
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
	if c.snapshot == nil || c.snapshot.Lasting != snapshot.Lasting {
		c.generation++
	}
	c.snapshot, c.signature = snapshot, signature
	return nil
}

var errStale = errors.New("the target's catalog could not be read for too long")

// seen is what everybody saw of a target's catalog at one moment.
type seen struct {
	catalog    *pgsql.Catalog
	lasting    string // of the catalog's signature: it never is again what it was
	generation uint64 // of the catalog's lasting definitions; 0: of none
}

// seen is the snapshot, where it is not too old to rely on.
func (c *catalog) seen() (seen, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.snapshot == nil || time.Since(c.checked) > staleAfter {
		return seen{}, errStale
	}
	return seen{c.snapshot, c.signature.Lasting, c.generation}, nil
}

// blocked says whether a process of the target waits for somebody's lock of a relation, or whether that can't be told.
func (c *catalog) blocked(ctx context.Context, process uint32) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c.loading.Lock()
	defer c.loading.Unlock()
	if c.conn == nil {
		return true
	}
	row, err := oneRow(ctx, c.conn, fmt.Sprintf(`SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity AS a
		WHERE a.pid OPERATOR(pg_catalog.=) %d AND pg_catalog.concat(a.wait_event_type, ' ', a.wait_event) OPERATOR(pg_catalog.<>) 'Lock relation'`, int32(process)), 1)
	return err != nil || string(row[0]) != "1"
}

// surroundings are what texts are understood in, and a version that changes whenever any of it does.
type surroundings struct {
	pgsql.Env
	standing *guard.Standing
	beside   seen // what everybody saw besides what the session's own transaction defines
	version  string
}

// look answers the surroundings that a catalog, a policy and a search path make: the same ones as long as these are.
func (x *surroundings) look(snapshot *pgsql.Catalog, beside seen, standing *guard.Standing, path []string) *surroundings {
	if x != nil && x.Catalog == snapshot && x.beside.generation == beside.generation && x.standing == standing && slices.Equal(x.SearchPath, path) {
		return x
	}
	return &surroundings{
		Env: pgsql.Env{
			Catalog: snapshot, SearchPath: path, Masks: snapshot.Masks(patterns(standing.Masks), filters(standing.Masks)...),
			ReadOnly: standing.ReadOnly, Unrestricted: standing.Unrestricted,
		},
		standing: standing, beside: beside,
		version: strings.Join([]string{snapshot.Version, standing.Version, strings.Join(path, ",")}, "/"),
	}
}

// patterns are the policy's masks in the words of SQL analysis.
func patterns(rules []policy.Mask) []pgsql.MaskPattern {
	var out []pgsql.MaskPattern
	for _, r := range rules {
		for _, column := range r.Columns {
			out = append(out, pgsql.MaskPattern{Pattern: column, As: pgsql.MaskAs(r.As), Writable: r.Writable, Trusts: r.Trusts})
		}
	}
	return out
}

// filters are the policy's row filters in the words of SQL analysis.
func filters(rules []policy.Mask) []pgsql.RowFilter {
	var out []pgsql.RowFilter
	for _, r := range rules {
		if r.Rows != nil {
			out = append(out, pgsql.RowFilter{Objects: r.Rows.Objects, Columns: r.Columns, Where: whereOf(r.Rows.Where)})
		}
	}
	return out
}

func whereOf(c policy.Condition) pgsql.Condition {
	out := pgsql.Condition{Op: c.Op, Column: c.Column, Other: c.Other, Value: c.Value}
	for _, a := range c.Args {
		out.Args = append(out.Args, whereOf(a))
	}
	return out
}
