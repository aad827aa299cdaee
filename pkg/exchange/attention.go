package exchange

import (
	"context"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard"
)

// standsEvery is how often a request that runs is held against the policy in force, however little of it passes: a stream may be silent
// for hours, and what a person may not see any more must not stay open.
const standsEvery = 500 * time.Millisecond

// attention ends a request that does not stand any more.
type attention struct {
	mu    sync.Mutex
	timer *time.Timer
	over  bool
}

// attend begins it.
func attend(ctx context.Context, p *guard.Pass, end context.CancelCauseFunc) *attention {
	a := &attention{}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer = time.AfterFunc(standsEvery, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.over {
			return
		}
		if err := p.Stands(ctx); err != nil {
			end(err)
			return
		}
		a.timer.Reset(standsEvery)
	})
	return a
}

// stop ends it. Nothing is asked any more when it returns.
func (a *attention) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.timer.Stop()
}
