package pgsql

import (
	"strings"
	"sync"
)

// resultKey is all that an analysis depends on, but for the session's own names.
type resultKey struct {
	parsed *parsed
	circumstances
}

// circumstances are what an analysis depends on besides its text. Snapshots are immutable, so their addresses stand for them.
type circumstances struct {
	catalog      *Catalog
	masks        *Masks
	path         string
	readOnly     bool
	unrestricted bool
}

func circumstancesOf(env Env) circumstances {
	return circumstances{
		catalog: env.Catalog, masks: env.Masks, path: strings.Join(env.SearchPath, "\x00"), readOnly: env.ReadOnly, unrestricted: env.Unrestricted,
	}
}

// generations keep values in a young and an old map: when the young one is full it becomes the old one, and the old one
// goes. Their owner's lock guards them.
type generations[K comparable, V any] struct {
	young, old map[K]V
	kept       int // values that were put into the young map
	max        int // in both
}

func (g *generations[K, V]) get(k K) (V, bool) {
	if v, ok := g.young[k]; ok {
		return v, true
	}
	v, ok := g.old[k]
	return v, ok
}

func (g *generations[K, V]) put(k K, v V) {
	if g.young == nil || g.kept >= g.max/2 {
		g.old, g.young, g.kept = g.young, make(map[K]V, g.max/2), 0
	}
	g.young[k] = v
	g.kept++
}

// resultCache keeps analyses of whole texts.
type resultCache struct {
	mu sync.Mutex
	generations[resultKey, Analysis]
}

func newResultCache(entries int) *resultCache {
	return &resultCache{generations: generations[resultKey, Analysis]{max: entries}}
}

func (c *resultCache) get(k resultKey) (Analysis, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.generations.get(k)
}

func (c *resultCache) put(k resultKey, a Analysis) {
	if len(a.Text) > maxCachedText {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generations.put(k, a)
}
