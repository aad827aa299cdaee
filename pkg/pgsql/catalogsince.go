package pgsql

import (
	"maps"
	"reflect"
)

// Since is what a transaction that has definitions of its own sees, once everybody sees now: c is what it saw when everybody saw before, or
// something between before and now. It answers false where both have changed the same thing. What c has of its own is as it was: it does not
// know of a function that it calls and that has another name now.
func (c *Catalog) Since(before, now *Catalog) (*Catalog, bool) {
	out := &Catalog{Version: c.Version + "+" + now.Version, Lasting: c.Lasting + "+" + now.Lasting, Server: now.Server, Database: now.Database}
	whole := true
	out.Relations = merged(c.Relations, before.Relations, now.Relations, &whole)
	out.system = merged(c.system, before.system, now.system, &whole)
	out.systemOIDs = merged(c.systemOIDs, before.systemOIDs, now.systemOIDs, &whole)
	out.builtin = merged(c.builtin, before.builtin, now.builtin, &whole)
	out.functions = merged(c.functions, before.functions, now.functions, &whole)
	out.operators = merged(c.operators, before.operators, now.operators, &whole)
	out.types = merged(c.types, before.types, now.types, &whole)
	out.casts = merged(c.casts, before.casts, now.casts, &whole)
	out.checks = merged(c.checks, before.checks, now.checks, &whole)
	out.moves = merged(c.moves, before.moves, now.moves, &whole)
	if !whole {
		return nil, false
	}
	out.finish()
	return out, true
}

// merged is now with what own has made of before, but for what now has made of it too. whole becomes false where that is something else.
func merged[K comparable, V any](own, before, now map[K]V, whole *bool) map[K]V {
	out := maps.Clone(now)
	put := func(k K) {
		mine, have := own[k]
		was, had := before[k]
		if have == had && reflect.DeepEqual(mine, was) {
			return
		}
		theirs, has := now[k]
		*whole = *whole && (has == had && reflect.DeepEqual(theirs, was) || has == have && reflect.DeepEqual(theirs, mine))
		if out[k] = mine; !have {
			delete(out, k)
		}
	}
	for k := range own {
		put(k)
	}
	for k := range before {
		if _, both := own[k]; !both {
			put(k)
		}
	}
	return out
}
