package pgsql

import (
	"container/list"
	"sync"
)

// maxCachedText keeps long texts out of the cache: they are seldom sent twice.
const maxCachedText = 64 << 10

// textCache keeps what was understood of the texts used last. Keys are whole texts, compared by their bytes.
type textCache struct {
	mu      sync.Mutex
	entries map[string]*list.Element
	order   *list.List // most recently used first
	max     int
	bytes   int
	budget  int // of text; trees take some thirty times that
}

type cacheEntry struct {
	text  string
	value *parsed
}

func newTextCache(entries, budget int) *textCache {
	return &textCache{entries: map[string]*list.Element{}, order: list.New(), max: entries, budget: budget}
}

func (c *textCache) get(text string) *parsed {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[text]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cacheEntry).value
}

func (c *textCache) put(text string, value *parsed) {
	if len(text) > maxCachedText {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[text] != nil {
		return
	}
	c.entries[text] = c.order.PushFront(&cacheEntry{text: text, value: value})
	c.bytes += len(text)
	for c.order.Len() > c.max || c.bytes > c.budget {
		oldest := c.order.Back()
		entry := c.order.Remove(oldest).(*cacheEntry)
		delete(c.entries, entry.text)
		c.bytes -= len(entry.text)
	}
}
