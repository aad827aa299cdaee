package postgres

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// warmEach is how many connections are kept for one grant.
	warmEach = 4
	// warmGrants is how many grants are known before those with nothing open are forgotten.
	warmGrants = 4096
	// warmMost is how many are kept for all grants together.
	warmMost = 64
	// warmFor is how long one is kept unused.
	warmFor = 30 * time.Second
	// cleanWithin bounds the reset of a connection before it is kept.
	cleanWithin = 5 * time.Second
)

// class is what two sessions must have in common to follow each other on one connection: everything that it was opened
// with. RESET goes back to what a connection was opened with, so the client's own settings are among it.
type class struct {
	connection, address, database, user string
	password                            [sha256.Size]byte
	tls                                 *tls.Config
	settings                            string
}

func classOf(t gateway.Target, c *pgconn.Config) class {
	var settings strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.RuntimeParams)) {
		settings.WriteString(name + "\x00" + c.RuntimeParams[name] + "\x00")
	}
	return class{
		connection: t.Connection.Name, address: t.Address, database: t.Database, user: c.User,
		password: sha256.Sum256([]byte(c.Password)), tls: t.TLS, settings: settings.String(),
	}
}

// warm keeps connections that ended sessions have left, for later sessions of the same grant. None is kept before it was
// reset, none is used before it was looked at, and none outlives its grant.
type warm struct {
	log  *slog.Logger
	work *sync.WaitGroup

	mu     sync.Mutex
	grants map[string]*kin
	kept   int
	over   bool
}

// kin is what the pool knows of one grant, while it has sessions or kept connections.
type kin struct {
	opened   int // sessions so far
	open     int // sessions now
	ended    bool
	cleaning int
	kept     map[class][]*keptConn
}

// keptConn is a connection without a session. Its goroutine reads it all the time: a target that says anything unasked,
// or leaves, takes it out of the pool.
type keptConn struct {
	upstream *upstream
	wanted   bool          // taken out of the pool, to be used or closed
	left     chan struct{} // closed when nobody reads it any more
	clean    bool          // nothing was read; valid once left is closed
}

func newWarm(log *slog.Logger, work *sync.WaitGroup) *warm {
	return &warm{log: log, work: work, grants: map[string]*kin{}}
}

// lease is a session's claim to a connection: which grant and class it belongs to.
type lease struct {
	pool  *warm
	kin   *kin
	class class
	once  sync.Once
}

// begin counts a session of a grant. Its end must be told.
func (w *warm) begin(grant string, c class) *lease {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.grants[grant]
	if k == nil {
		w.prune()
		k = &kin{kept: map[class][]*keptConn{}}
		w.grants[grant] = k
	}
	k.opened++
	k.open++
	return &lease{pool: w, kin: k, class: c}
}

// prune forgets grants without sessions and connections, once there are many: the end of one may never be heard of. mu is
// held.
func (w *warm) prune() {
	if len(w.grants) >= warmGrants {
		maps.DeleteFunc(w.grants, func(_ string, k *kin) bool { return k.idle() })
	}
}

// has is how many connections are kept for the grant.
func (k *kin) has() (n int) {
	for _, list := range k.kept {
		n += len(list)
	}
	return n
}

func (k *kin) idle() bool { return k.open == 0 && k.cleaning == 0 && len(k.kept) == 0 }

// end says that the session is over.
func (l *lease) end() {
	l.once.Do(func() {
		l.pool.mu.Lock()
		defer l.pool.mu.Unlock()
		l.kin.open--
	})
}

// take answers a connection that another session of the same grant left, nil where there is none.
func (l *lease) take() *upstream {
	for {
		l.pool.mu.Lock()
		list := l.kin.kept[l.class]
		if len(list) == 0 {
			l.pool.mu.Unlock()
			return nil
		}
		c := list[len(list)-1]
		l.pool.remove(l.kin, l.class, c)
		l.pool.mu.Unlock()
		if c.release() {
			return c.upstream
		}
	}
}

// remove takes a connection out of the pool. mu is held.
func (w *warm) remove(k *kin, of class, c *keptConn) {
	c.wanted = true
	w.kept--
	k.kept[of] = slices.DeleteFunc(k.kept[of], func(x *keptConn) bool { return x == c })
	if len(k.kept[of]) == 0 {
		delete(k.kept, of)
	}
}

// release ends the reading of a connection and says whether it can be used. One that can't is closed.
func (c *keptConn) release() bool {
	// A deadline in the past ends the read; the connection stays usable.
	err := c.upstream.conn.SetReadDeadline(time.Unix(1, 0))
	<-c.left
	if err == nil && c.clean && c.upstream.conn.SetReadDeadline(time.Time{}) == nil {
		return true
	}
	_ = c.upstream.Close()
	return false
}

// give takes over the connection of a session that ended well. What can't be kept is closed.
func (l *lease) give(u *upstream) {
	w, k := l.pool, l.kin
	w.mu.Lock()
	room := k.opened > 1 && !k.ended && !w.over && k.has()+k.cleaning < warmEach && w.kept < warmMost
	if !room {
		w.mu.Unlock()
		_ = u.Close()
		return
	}
	k.cleaning++
	w.mu.Unlock()
	w.work.Go(func() { w.keep(l, u) })
}

// keep resets a connection and keeps it until it is wanted, its time is over or the target says something.
func (w *warm) keep(l *lease, u *upstream) {
	c := &keptConn{upstream: u, left: make(chan struct{})}
	err := u.clean()
	if err == nil {
		err = u.conn.SetReadDeadline(time.Now().Add(warmFor))
	}
	if !w.put(l, c, err) {
		_ = u.Close()
		return
	}
	c.clean = silent(u.conn)
	w.mu.Lock()
	wanted := c.wanted
	if !wanted {
		w.remove(l.kin, l.class, c)
	}
	w.mu.Unlock()
	close(c.left)
	if !wanted {
		_ = u.Close()
	}
}

// put takes a connection into the pool where it may be kept.
func (w *warm) put(l *lease, c *keptConn, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	l.kin.cleaning--
	if err != nil {
		w.log.Warn("connection not kept", "connection", l.class.connection, "error", err)
		return false
	}
	if l.kin.ended || w.over {
		return false
	}
	l.kin.kept[l.class] = append(l.kin.kept[l.class], c)
	w.kept++
	return true
}

// silent reads until the deadline and says whether nothing came.
func silent(conn net.Conn) bool {
	var b [1]byte
	n, err := conn.Read(b[:])
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// ended closes what is kept for a grant, and keeps nothing for it any more.
func (w *warm) ended(grant string) {
	w.mu.Lock()
	k := w.grants[grant]
	if k == nil {
		w.prune()
		k = &kin{kept: map[class][]*keptConn{}}
		w.grants[grant] = k
	}
	k.ended = true // it stays known as ended: a session that was on its way must keep nothing either
	all := w.clear(k)
	w.mu.Unlock()
	closeAll(all)
}

// drain closes all that is kept, so that its places at the targets are free.
func (w *warm) drain() {
	w.mu.Lock()
	var all []*keptConn
	for _, k := range w.grants {
		all = append(all, w.clear(k)...)
	}
	w.mu.Unlock()
	closeAll(all)
}

// close is drain for good.
func (w *warm) close() {
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
	w.drain()
}

// clear takes all of a grant's connections out of the pool. mu is held.
func (w *warm) clear(k *kin) (all []*keptConn) {
	for of, list := range k.kept {
		for _, c := range slices.Clone(list) {
			w.remove(k, of, c)
			all = append(all, c)
		}
	}
	return all
}

func closeAll(all []*keptConn) {
	for _, c := range all {
		if c.release() {
			_ = c.upstream.Close()
		}
	}
}

// connected connects to the target, over a connection that is kept where there is one. A target that has no place left for
// another connection gets those back that are kept.
func (p *Protocol) connected(ctx context.Context, l *lease, config *pgconn.Config) (*upstream, error) {
	for u := l.take(); u != nil; u = l.take() {
		err := u.fit(ctx)
		if err == nil {
			return u, nil
		}
		p.log.Info("kept connection not used", "connection", l.class.connection, "error", err)
		_ = u.Close()
	}
	conn, err := connect(ctx, config)
	if errors.Is(err, errFull) {
		p.warm.drain()
		conn, err = connect(ctx, config)
	}
	if err != nil {
		return nil, err
	}
	u, err := takeOver(ctx, conn, newSecret())
	if err != nil {
		return nil, targetError(err)
	}
	return u, nil
}
