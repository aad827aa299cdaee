package broker

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
)

const (
	tick      = 40 * time.Millisecond
	lookEvery = time.Second
	warning   = 60 * time.Second // before a grant's end
)

// deadline is when tend has to look at the store next, in Unix nanoseconds of the
// broker's clock; zero is now.
type deadline struct{ at atomic.Int64 }

func (d *deadline) soon() { d.at.Store(0) }

// tend ends what is over, within a tick of its time, until ctx ends.
func (b *Broker) tend(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := b.now()
		seen := b.deadline.at.Load()
		// A clock that was set back by more than the wait means: look now.
		if due := time.Unix(0, seen); now.Before(due) && due.Sub(now) <= lookEvery {
			continue
		}
		next, err := b.sweep(ctx, now)
		if err != nil && ctx.Err() == nil {
			b.cfg.Logger.Error("ending what is over was put off", "error", err.Error())
		}
		b.deadline.at.CompareAndSwap(seen, next.UnixNano()) // not over a soon that came meanwhile
	}
}

// sweep does what is due and returns when to look again.
func (b *Broker) sweep(ctx context.Context, now time.Time) (time.Time, error) {
	next, work := now.Add(lookEvery), false
	err := b.view(ctx, func(tx store.Tx) error {
		grants, err := tx.Grants(store.GrantFilter{State: grantActive, Due: now.Add(warning + lookEvery)})
		if err != nil {
			return err
		}
		for _, g := range grants {
			at := g.ExpiresAt
			if !g.Warned {
				at = at.Add(-warning)
			}
			work = work || !at.After(now)
			next = earlier(next, at)
		}
		approvals, err := tx.Approvals(openApprovals(now.Add(lookEvery)))
		for _, a := range approvals {
			work = work || !a.ExpiresAt.After(now)
			next = earlier(next, a.ExpiresAt)
		}
		return err
	})
	if err != nil || !work {
		return next, err
	}
	err = b.update(ctx, func(tx store.Tx, n *news) error {
		return errors.Join(b.sweepGrants(tx, n, now), b.sweepApprovals(tx, n, now))
	})
	return now, err
}

func (b *Broker) sweepGrants(tx store.Tx, n *news, now time.Time) error {
	grants, err := tx.Grants(store.GrantFilter{State: grantActive, Due: now.Add(warning)})
	if err != nil {
		return err
	}
	for _, g := range grants {
		if !g.ExpiresAt.After(now) {
			err = b.endGrant(tx, n, g, timeIsOver())
		} else if !g.Warned {
			g.Warned = true
			expiring := api.GrantEvent{Type: api.EventExpiring, Time: now, ExpiresAt: g.ExpiresAt}
			err = errors.Join(n.grantEvent(tx, g.ID, expiring), tx.PutGrant(g))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Broker) sweepApprovals(tx store.Tx, n *news, now time.Time) error {
	approvals, err := tx.Approvals(openApprovals(now))
	if err != nil {
		return err
	}
	for _, a := range approvals {
		if err := b.settle(tx, n, a, api.ApprovalExpired, api.Identity{}); err != nil {
			return err
		}
	}
	return nil
}

func openApprovals(due time.Time) store.ApprovalFilter {
	return store.ApprovalFilter{States: []string{api.ApprovalPending, api.ApprovalApproved}, Due: due}
}
