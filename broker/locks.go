package broker

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

func (b *Broker) listLocks(c *call) (any, error) {
	if !b.mayAny(c.who, policy.Locks) {
		return nil, notFound()
	}
	out := api.Locks{Locks: []api.Lock{}}
	err := b.view(c.ctx(), func(tx store.Tx) (err error) {
		out.Locks, err = tx.Locks()
		return err
	})
	return out, err
}

// lock keeps a person out, and ends their grants and open sessions. The power over one
// connection is enough, because a lock only takes.
func (b *Broker) lock(c *call) (any, error) {
	if !b.mayAny(c.who, policy.Locks) {
		return nil, notFound()
	}
	in, err := read[api.LockRequest](c)
	if err != nil {
		return nil, err
	}
	if in.User == "" || len(in.User) > 2048 || strings.TrimSpace(in.User) != in.User || !utf8.ValidString(in.User) {
		return nil, usage("user is not the name of somebody.", "A user name, or issuer and subject joined by |.")
	}
	if !validReason(in.Reason) {
		return nil, usage("The reason is longer than 1 KiB or not UTF-8.", "Shorten it.")
	}
	l := api.Lock{User: in.User, Reason: in.Reason, By: c.who.User, Created: b.now()}
	err = b.update(c.ctx(), func(tx store.Tx, n *news) error {
		err := errors.Join(tx.PutLock(l), b.audit(tx, "lock", c.who, l.User, map[string]string{"reason": l.Reason}))
		if err != nil {
			return err
		}
		return b.endLocked(tx, n, l, c.who)
	})
	return l, err
}

func (b *Broker) endLocked(tx store.Tx, n *news, l api.Lock, by api.Identity) error {
	grants, err := tx.Grants(store.GrantFilter{State: grantActive})
	if err != nil {
		return err
	}
	for _, g := range grants {
		now, err := current(tx, g.Identity)
		if err != nil {
			return err
		}
		if !names(l, g.Identity) && !names(l, now) {
			continue
		}
		e := ending{reason: api.EndingLocked, message: "The account was locked.", by: by, why: l.Reason}
		if err := b.endGrant(tx, n, g, e); err != nil {
			return err
		}
	}
	// Sessions can outlive their grant by the time of a running command: not those of the locked.
	sessions, err := tx.Sessions(store.SessionFilter{State: sessionOpen})
	for _, s := range sessions {
		if names(l, s.Identity) {
			n.endings = append(n.endings, api.Ending{SessionID: s.ID, Reason: api.EndingLocked, Message: "The account was locked."})
		}
	}
	return err
}

// unlock lifts a lock. It gives back every connection, so it needs the power over all.
func (b *Broker) unlock(c *call) (any, error) {
	if !b.mayAny(c.who, policy.Locks) {
		return nil, notFound()
	}
	if !b.mayAll(c.who, policy.Locks) {
		return nil, denied("Lifting a lock needs the power locks on every connection.")
	}
	user := c.r.PathValue("user")
	err := b.update(c.ctx(), func(tx store.Tx, _ *news) error {
		return errors.Join(tx.DropLock(user), b.audit(tx, "unlock", c.who, user, nil))
	})
	return struct{}{}, err
}
