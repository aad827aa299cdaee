package gateway

import (
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
)

// tallyKept is how long a grant's counts are kept behind its known end: longer than a renewal can go unnoticed, since a
// grant is renewed within a sign-in of eight hours, for a day at most.
const tallyKept = 48 * time.Hour

// tallies are what each grant has used, counted in one place whatever number of sockets it opens.
type tallies struct {
	since time.Time // nothing from before it was counted

	mu     sync.Mutex
	swept  time.Time
	grants map[string]*guard.Tally
}

// of answers the one tally of a grant. One that was given before the gateway began to count has a tally that counts
// nothing: what it used before is not known, so limits on it refuse.
func (t *tallies) of(g api.Grant, now time.Time) *guard.Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep(now)
	x := t.grants[g.ID]
	switch {
	case x != nil:
	case g.CreatedAt.Before(t.since.Truncate(time.Second)):
		x = &guard.Tally{}
	default:
		x = guard.NewTally(g.ExpiresAt)
	}
	x.Renew(g.ExpiresAt)
	t.grants[g.ID] = x
	return x
}

// sweep forgets grants that are long over, a few times an hour. mu is held.
func (t *tallies) sweep(now time.Time) {
	if now.Sub(t.swept) < 10*time.Minute {
		return
	}
	t.swept = now
	for id, x := range t.grants {
		if now.Sub(x.Ends()) > tallyKept {
			delete(t.grants, id)
		}
	}
}
