package body

import (
	"math/bits"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

// matcher follows all paths at once through a document. Where it stands is a set of steps, as bits: those that lead from here to
// the values within. The zero matcher has no paths.
type matcher struct {
	steps []step    // of all paths, one path behind another
	ends  []mask.As // what is shown where a step was the last of its path, else 0
	words int       // of a set
	root  []uint64
	whole mask.As // what is shown for the document itself, where it is masked
}

// newMatcher takes paths whose As is set.
func newMatcher(paths []Path) *matcher {
	m := &matcher{}
	var first []int
	for _, p := range paths {
		if len(p.steps) == 0 {
			m.whole = max(m.whole, p.as)
			continue
		}
		first = append(first, len(m.steps))
		m.steps = append(m.steps, p.steps...)
		m.ends = append(m.ends, make([]mask.As, len(p.steps))...)
		m.ends[len(m.ends)-1] = p.as
	}
	m.words = (len(m.steps) + 63) / 64
	m.root = make([]uint64, m.words)
	for _, at := range first {
		m.root[at/64] |= 1 << (at % 64)
	}
	return m
}

// none says that a set is empty: nothing below is masked.
func none(set []uint64) bool {
	for _, w := range set {
		if w != 0 {
			return false
		}
	}
	return true
}

// child sets next to where the paths of set lead with a value, and answers what is shown in the value's place, 0 for itself. The
// value is an object's by its key, or where key is nil an array's by its index.
func (m *matcher) child(next, set []uint64, key []byte, index int) (as mask.As) {
	clear(next)
	for w, word := range set {
		for ; word != 0; word &= word - 1 {
			at := w*64 + bits.TrailingZeros64(word)
			s := &m.steps[at]
			if s.deep {
				next[w] |= 1 << (at % 64)
			}
			if !s.leads(key, index) {
				continue
			}
			if end := m.ends[at]; end != 0 {
				as = max(as, end)
			} else {
				next[(at+1)/64] |= 1 << ((at + 1) % 64)
			}
		}
	}
	return as
}

// leads says whether a step leads to a value.
func (s *step) leads(key []byte, index int) bool {
	switch {
	case s.all:
		return true
	case s.elem:
		return key == nil && index == s.index
	}
	return key != nil && string(key) == s.key
}
