package guard

import (
	"sync/atomic"
	"time"
)

// Tally counts what one grant has used, over all its sessions: it is one for each grant, and safe for concurrent use. A nil
// and a zero Tally count nothing, and limits refuse where they would be needed.
type Tally struct {
	counts                atomic.Bool
	commands, rows, bytes atomic.Int64
	ends                  atomic.Int64 // in nanoseconds since 1970
}

// NewTally counts from zero for a grant that ends at the given time.
func NewTally(ends time.Time) *Tally {
	t := &Tally{}
	t.counts.Store(true)
	t.Renew(ends)
	return t
}

// Renew says that the grant ends later than was known. Its counts go on.
func (t *Tally) Renew(ends time.Time) { t.ends.Store(ends.UnixNano()) }

// Ends is when the grant ends, as far as is known.
func (t *Tally) Ends() time.Time { return time.Unix(0, t.ends.Load()).UTC().Truncate(time.Second) }

// Counts says that everything that the grant has used was counted.
func (t *Tally) Counts() bool { return t != nil && t.counts.Load() }

// within asks a tally that counts; another one is never within its bounds.
func (t *Tally) within(ok func() bool) bool { return t.Counts() && ok() }
