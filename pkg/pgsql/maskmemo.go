package pgsql

import (
	"fmt"
	"slices"
	"sync"
)

// maxMaskSets is how many sets of masks a snapshot remembers: one for each group of people who see the same.
const maxMaskSets = 256

// maskMemo are the masks that patterns came to over one snapshot. What sessions understand is kept by the address of their
// masks, so that people who see the same also share what was understood, from one session to the next.
type maskMemo struct {
	mu   sync.Mutex
	sets map[string]maskSet
}

// maskSet keeps the patterns too, so that nothing else takes the place of what they point to: their text may name it by that.
type maskSet struct {
	patterns []MaskPattern
	masks    *Masks
}

// Masks resolves patterns against the catalog and spreads them: to what inherits from a masked column, to the parents that
// are read through it, to what is generated from it, and to the columns of views that are made of it. Views whose rows depend
// on masked values, or whose definition can't be seen through, are opaque. The answer is the same one for the same patterns,
// and nobody may change it. Filters of rows go to whole families of tables; views over a filtered table, and what can't be filtered,
// are opaque.
func (c *Catalog) Masks(patterns []MaskPattern, rows ...RowFilter) *Masks {
	key := fmt.Sprintf("%#v %#v", patterns, rows) // all fields, quoted: no two lists read the same
	c.masks.mu.Lock()
	defer c.masks.mu.Unlock()
	if known, ok := c.masks.sets[key]; ok {
		return known.masks
	}
	if c.masks.sets == nil || len(c.masks.sets) >= maxMaskSets {
		c.masks.sets = map[string]maskSet{}
	}
	m := c.resolve(patterns, rows)
	c.masks.sets[key] = maskSet{slices.Clone(patterns), m}
	return m
}
