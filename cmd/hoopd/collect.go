package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Memory is collected by two rules. Sessions keep little and make short-lived garbage: at Go's own 100 percent a busy server
// with a heap of 2 MB would collect eight times a second, so that a small heap may grow to five times its size. A large one
// is many idle sessions, whose number a multiple of their memory must not be added to. And a server on which nothing happens
// collects what opening them left behind, which Go would do after two minutes, and gives the pages back. GOGC in the
// environment overrides both.
const (
	mostGrowth = 400      // percent
	spare      = 16 << 20 // bytes that any heap may grow by, beside half of what lives
	leftBehind = 4 << 20  // bytes of garbage that are worth a collection
	quietRate  = 1 << 20  // bytes allocated in a second by a server on which nothing happens
	quietFor   = 3        // looks in a row
	lookAtHeap = time.Second
)

// heap is what collection is decided by, in bytes.
type heap struct {
	live      uint64 // of the last collection
	now       uint64 // with garbage
	allocated uint64 // since the start
}

func (h *heap) read() {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	h.live, h.now, h.allocated = s[0].Value.Uint64(), s[1].Value.Uint64(), s[2].Value.Uint64()
}

// growth is by how many percent a heap may grow before it is collected.
func growth(live uint64) int {
	return int(min(mostGrowth, 100*(spare+live/2)/max(live, 1)))
}

// collector decides at each look.
type collector struct {
	percent int
	before  heap
	quiet   int // looks in a row at which nothing had happened
}

// look answers the percentage to set, 0 where it stays, and whether to collect now.
func (c *collector) look(h heap) (percent int, collect bool) {
	if g := growth(h.live); g > c.percent+c.percent/8 || g < c.percent-c.percent/8 { // each change stops the world for a moment
		c.percent, percent = g, g
	}
	c.quiet++
	if h.allocated-c.before.allocated > quietRate {
		c.quiet = 0
	}
	c.before = h
	if c.quiet >= quietFor && h.now > h.live+leftBehind {
		c.quiet, collect = 0, true
	}
	return percent, collect
}

// collect looks at the heap until ctx ends.
func collect(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	tick := time.NewTicker(lookAtHeap)
	defer tick.Stop()
	c := collector{percent: mostGrowth}
	debug.SetGCPercent(c.percent)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var h heap
		h.read()
		percent, now := c.look(h)
		if percent > 0 {
			debug.SetGCPercent(percent)
		}
		if now {
			debug.FreeOSMemory()
		}
	}
}
