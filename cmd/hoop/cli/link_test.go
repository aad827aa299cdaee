package cli

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// A gateway that sees the client leave first takes what runs for left behind, and does not stop it.
func TestTheGatewayCutsWhatIsOpenBeforeConnectLeaves(t *testing.T) {
	for what, x := range map[string]struct {
		code  string
		stays time.Duration // the program
		want  time.Duration
	}{
		"cut":               {api.EndingEnded, 40 * time.Millisecond, 40 * time.Millisecond},
		"locked":            {api.EndingLocked, 40 * time.Millisecond, 40 * time.Millisecond},
		"not cut":           {api.EndingEnded, time.Hour, cutWithin},
		"expired":           {api.EndingExpired, 40 * time.Second, 40 * time.Second},
		"nothing was there": {api.EndingEnded, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := &link{ended: make(chan api.GrantEvent, 1), idle: make(chan struct{}, 1), served: make(chan error, 1)}
			began := time.Now()
			if x.stays > 0 {
				l.clients = 1
				gone := time.AfterFunc(x.stays, func() {
					l.mu.Lock()
					l.clients = 0
					l.mu.Unlock()
					l.idle <- struct{}{}
				})
				defer gone.Stop()
			}
			l.ended <- api.GrantEvent{Type: api.EventClosed, Code: x.code}
			var e *api.Error
			if err := l.hold(t.Context()); !errors.As(err, &e) || e.Code != api.CodeGrantEnded {
				t.Errorf("%s: %v", what, err)
			}
			if took := time.Since(began); took != x.want {
				t.Errorf("%s: left after %s", what, took)
			}
		})
	}
}
