package broker

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/identity"
)

// errReused is a refresh token that comes a second time: two hold it, so one stole it.
var errReused = errors.New("the refresh token was used before")

// refresh exchanges a refresh token, which it uses up, for new tokens, after asking the
// provider again who the person is.
func (b *Broker) refresh(c *call) (any, error) {
	if wait := b.logins.take(remoteHost(c.r.RemoteAddr), b.now()); wait > 0 {
		return nil, tooMany("Too many sign-ins from this address.", wait)
	}
	in, err := read[api.RefreshRequest](c)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(in.RefreshToken))
	s, err := b.refreshable(c.ctx(), hash)
	if err != nil {
		return nil, b.refused(c, s, err)
	}
	// One at a time for each sign-in: the provider, too, may take a second use for theft.
	defer b.refreshing.lock(s.ID)()
	if s, err = b.refreshable(c.ctx(), hash); err != nil {
		return nil, b.refused(c, s, err)
	}
	said, err := b.askAgain(c.ctx(), s)
	if err != nil {
		return nil, b.refused(c, s, err)
	}
	out, err := b.rotate(c.ctx(), hash, said)
	if err != nil {
		return nil, b.refused(c, s, err)
	}
	return out, nil
}

// refreshable returns the sign-in that a refresh token may renew. With errReused it is
// the one that the token once belonged to.
func (b *Broker) refreshable(ctx context.Context, hash [32]byte) (s store.SignIn, err error) {
	err = b.cfg.Store.View(ctx, func(tx store.Tx) error {
		s, err = b.renewable(tx, hash)
		return err
	})
	return s, err
}

func (b *Broker) renewable(tx store.Tx, hash [32]byte) (store.SignIn, error) {
	s, err := b.signInOf(tx, hash, store.TokenRefresh)
	if errors.Is(err, store.ErrNotFound) {
		return s, signInNeeded()
	}
	if err != nil {
		return s, err
	}
	t, err := tx.Token(hash)
	if err != nil {
		return s, err
	}
	if t.Used {
		return s, errReused
	}
	// Before the provider is asked: its own refresh token may be good for one use.
	return s, refuseLocked(tx, s.Identity)
}

func (b *Broker) askAgain(ctx context.Context, s store.SignIn) (identity.Refreshed, error) {
	for _, p := range b.cfg.Providers {
		if p.Name() != s.Provider || p.Issuer() != s.Identity.Issuer {
			continue
		}
		token, err := b.seal.open(s.ProviderToken, s.ID)
		if err != nil {
			return identity.Refreshed{}, errors.Join(identity.ErrRefused, err)
		}
		return p.Refresh(ctx, token, s.Identity.Subject)
	}
	return identity.Refreshed{}, errors.Join(identity.ErrRefused, errors.New("the provider is no longer configured"))
}

// rotate uses the token up and gives the next one, in one transaction.
func (b *Broker) rotate(ctx context.Context, hash [32]byte, said identity.Refreshed) (api.Session, error) {
	var out api.Session
	err := b.update(ctx, func(tx store.Tx, n *news) error {
		s, err := b.renewable(tx, hash)
		if err != nil {
			return err
		}
		t, err := tx.Token(hash)
		if err != nil {
			return err
		}
		if said.Identity != nil {
			if s.Identity, err = latest(tx, *said.Identity, said.IssuedAt); err != nil {
				return err
			}
			if err := b.recheck(tx, n, s.Identity); err != nil {
				return err
			}
		}
		if err := refuseLocked(tx, s.Identity); err != nil {
			return err
		}
		if said.RefreshToken != "" {
			s.ProviderToken = b.seal.seal(said.RefreshToken, s.ID)
		}
		t.Used = true
		if out, err = b.giveTokens(tx, s, true); err != nil {
			return err
		}
		return errors.Join(tx.PutToken(t), tx.PutSignIn(s))
	})
	return out, err
}

// refused answers a refresh that did not succeed. A token used twice and a provider that
// says no end the whole sign-in with its grants; an outage ends nothing.
func (b *Broker) refused(c *call, s store.SignIn, err error) error {
	why := ""
	switch {
	case errors.Is(err, errReused):
		why = "reused"
	case errors.Is(err, identity.ErrUnavailable):
		return unavailable("The identity provider can't be asked.")
	case errors.Is(err, identity.ErrRefused):
		why = "provider"
	default:
		return b.storeError(err)
	}
	b.cfg.Logger.Warn("a sign-in was ended at its refresh", "request_id", c.id, "sign_in", s.ID, "reason", err.Error())
	// Not the request's context: who sent a stolen token must not stop this by hanging up.
	ended := b.update(context.WithoutCancel(c.ctx()), func(tx store.Tx, n *news) error {
		now, err := tx.SignIn(s.ID)
		if err != nil {
			return err
		}
		return b.endSignIn(tx, n, now, why, "The sign-in was revoked.")
	})
	if ended != nil {
		return ended
	}
	return signInNeeded()
}
