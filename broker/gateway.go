package broker

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// Grant returns the grant behind a certificate, as it stands now: with the identity's
// latest groups. keyHash is that of the key which the peer proved to hold. An error is an
// *api.Error and means that no session may be opened.
func (b *Broker) Grant(ctx context.Context, id string, keyHash [32]byte) (api.Grant, error) {
	var g store.Grant
	err := b.view(ctx, func(tx store.Tx) (err error) {
		g, err = b.usable(tx, id)
		return err
	})
	if err != nil {
		return api.Grant{}, err
	}
	if subtle.ConstantTimeCompare(g.KeyHash[:], keyHash[:]) != 1 {
		b.cfg.Logger.Warn("a grant was presented with another key", "alert", "grant_pop_failed", "grant", id)
		return api.Grant{}, denied("This grant belongs to another key.")
	}
	return g.Grant, nil
}

// usable returns a grant under which something new may begin: active, its holder not
// locked, its connection still within reach.
func (b *Broker) usable(tx store.Tx, id string) (store.Grant, error) {
	g, err := tx.Grant(id)
	if errors.Is(err, store.ErrNotFound) {
		return g, grantIsOver("There is no such grant.")
	}
	if err != nil {
		return g, err
	}
	if g.Identity, err = current(tx, g.Identity); err != nil {
		return g, err
	}
	if err := refuseLocked(tx, g.Identity); err != nil {
		return g, err
	}
	if !b.active(g) {
		return g, grantIsOver("The grant is over.")
	}
	if _, _, err := b.reach(g.Identity, g.Connection.Name); err != nil {
		return g, denied("The policy no longer gives this connection.")
	}
	return g, nil
}

// PolicyChanged ends every active grant whose reach the policy in force no longer gives.
func (b *Broker) PolicyChanged(ctx context.Context) error {
	return b.update(ctx, func(tx store.Tx, n *news) error {
		grants, err := tx.Grants(store.GrantFilter{State: grantActive})
		if err != nil {
			return err
		}
		for _, g := range grants {
			who, err := current(tx, g.Identity)
			if err != nil {
				return err
			}
			if err := b.endUnreached(tx, n, g, who); err != nil {
				return err
			}
		}
		return nil
	})
}

// recheck does the same for one person, of whom the provider said something new.
func (b *Broker) recheck(tx store.Tx, n *news, who api.Identity) error {
	grants, err := tx.Grants(store.GrantFilter{Owner: key(who), State: grantActive})
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := b.endUnreached(tx, n, g, who); err != nil {
			return err
		}
	}
	return nil
}

func (b *Broker) endUnreached(tx store.Tx, n *news, g store.Grant, who api.Identity) error {
	if _, _, err := b.reach(who, g.Connection.Name); err != nil {
		return b.endGrant(tx, n, g, lostReach(api.Identity{}))
	}
	return nil
}
