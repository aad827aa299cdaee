package exchange

import (
	"sync"
	"time"
)

// alarm is a timer that is set and stopped for one request after the other, and rings for few of them. The runtime's timer is left to run
// meanwhile, and set to what is left when it comes: short requests do without one of their own.
type alarm struct {
	after time.Duration // always the same, so that no request's time is over before an earlier one's

	mu    sync.Mutex
	timer *time.Timer // nil: it was never set
	armed bool        // the timer runs
	due   time.Time
	ring  func() // nil: it is not set
}

// set has f called in a while, on its own goroutine. What it was set to before is off, but for what rings already.
func (a *alarm) set(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ring, a.due = f, time.Now().Add(a.after)
	switch {
	case a.timer == nil:
		a.timer = time.AfterFunc(a.after, a.look)
	case !a.armed:
		a.timer.Reset(a.after)
	}
	a.armed = true
}

// stop takes that back. It says whether that was in time: false, too, where nothing was set.
func (a *alarm) stop() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	set := a.ring != nil
	a.ring = nil
	return set
}

// end stops it and lets go of what it is part of. It may be set again.
func (a *alarm) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ring = nil
	if a.timer != nil && a.timer.Stop() {
		a.armed = false
	}
}

// look rings, or waits for the rest of what it was set to meanwhile.
func (a *alarm) look() {
	a.mu.Lock()
	f := a.ring
	if left := time.Until(a.due); f != nil && left > 0 {
		a.timer.Reset(left)
		a.mu.Unlock()
		return
	}
	a.ring, a.armed = nil, false
	a.mu.Unlock()
	if f != nil {
		f()
	}
}
