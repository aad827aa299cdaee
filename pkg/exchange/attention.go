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
	alarm *alarm
	ctx   context.Context
	pass  *guard.Pass
	end   context.CancelCauseFunc

	mu   sync.Mutex
	over bool
}

// attend begins it.
func (s *Session) attend(ctx context.Context, p *guard.Pass, end context.CancelCauseFunc) *attention {
	a := &attention{alarm: &s.toAsk, ctx: ctx, pass: p, end: end}
	a.alarm.set(a.ask)
	return a
}

func (a *attention) ask() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	if err := a.pass.Stands(a.ctx); err != nil {
		a.end(err)
		return
	}
	a.alarm.set(a.ask)
}

// stop ends it. Nothing is asked any more when it returns.
func (a *attention) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.alarm.stop()
}
