package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// live are the sessions that are open, by their grant.
type live struct {
	mu     sync.Mutex
	grants map[string]map[*attendance]bool
}

func (l *live) add(a *attendance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.grants[a.grantID] == nil {
		l.grants[a.grantID] = map[*attendance]bool{}
	}
	l.grants[a.grantID][a] = true
}

func (l *live) remove(a *attendance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.grants[a.grantID], a)
	if len(l.grants[a.grantID]) == 0 {
		delete(l.grants, a.grantID)
	}
	a.end(nil)
}

func (l *live) pick(keep func(*attendance) bool) []*attendance {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*attendance
	for _, sessions := range l.grants {
		for a := range sessions {
			if keep(a) {
				out = append(out, a)
			}
		}
	}
	return out
}

func (l *live) endAll(why *api.Error) {
	for _, a := range l.pick(func(*attendance) bool { return true }) {
		a.stop(why)
	}
}

// feed knows when the broker was last heard of.
type feed struct {
	mu   sync.Mutex
	last time.Time
}

func (f *feed) heard(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = now
}

func (f *feed) fresh(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.last.IsZero() && now.Sub(f.last) <= feedStale
}

// follow ends what the broker says has ended, until ctx does.
func (g *Gateway) follow(ctx context.Context) {
	for ctx.Err() == nil {
		g.feed.heard(g.cfg.Now())
		for e := range g.cfg.Authority.Endings(ctx) {
			g.feed.heard(g.cfg.Now())
			g.apply(e)
		}
		g.cfg.Log.Warn("feed of endings closed")
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// apply ends the sessions that an ending names.
func (g *Gateway) apply(e api.Ending) {
	if e.GrantID == "" && e.SessionID == "" {
		return // a heartbeat
	}
	for _, a := range g.live.pick(func(a *attendance) bool {
		return e.SessionID == a.id || e.SessionID == "" && e.GrantID == a.grantID
	}) {
		if e.Reason == api.EndingExpired {
			a.expired()
			continue
		}
		a.stop(endingError(e))
	}
	if e.SessionID == "" {
		for _, p := range g.cfg.Protocols {
			p.GrantEnded(e.GrantID)
		}
	}
}

func endingError(e api.Ending) *api.Error {
	out := &api.Error{Code: api.CodeGrantEnded, Message: "The session was ended.", Hint: "Connect again with hoop connect, if you still may."}
	switch e.Reason {
	case api.EndingLocked:
		out.Code, out.Message, out.Hint = api.CodeLocked, "You were locked.", "Ask who locked you: hoop whoami says who you are."
	case api.EndingPolicy:
		out.Message = "The policy no longer gives you this connection."
	case api.EndingSignIn:
		out.Message, out.Hint = "The sign-in behind this session is over.", "Sign in again with hoop login."
	}
	return out
}

// Ready answers what keeps the gateway from serving safely; empty: nothing.
func (g *Gateway) Ready() []string {
	var out []string
	if !g.feed.fresh(g.cfg.Now()) {
		out = append(out, "lock feed: the broker was not heard of for over 10 s")
	}
	if g.cfg.Policy() == nil {
		out = append(out, "policy: none is loaded")
	}
	return out
}
