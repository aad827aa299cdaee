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

// resultCache keeps analyses in two generations: when the young one is full it becomes the old one, and the old one goes.
type resultCache struct {
	mu         sync.Mutex
	young, old map[resultKey]Analysis
	max        int
}

func (c *resultCache) get(k resultKey) (Analysis, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a, ok := c.young[k]; ok {
		return a, true
	}
	a, ok := c.old[k]
	return a, ok
}

func (c *resultCache) put(k resultKey, a Analysis) {
	if len(a.Text) > maxCachedText {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= c.max/2 {
		c.old, c.young = c.young, make(map[resultKey]Analysis, c.max/2)
	}
	c.young[k] = a
}
