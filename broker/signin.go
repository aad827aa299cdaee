package broker

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/identity"
)

const (
	accessLife = 10 * time.Minute
	signInLife = 8 * time.Hour
	// lateToken is how long a sign-in lasts whose token was good only by the skew that is allowed.
	lateToken = time.Minute
)

// login exchanges an ID token for a sign-in at the broker.
func (b *Broker) login(c *call) (any, error) {
	if wait := b.logins.take(remoteHost(c.r.RemoteAddr), b.now()); wait > 0 {
		return nil, tooMany("Too many sign-ins from this address.", wait)
	}
	in, err := read[api.LoginRequest](c)
	if err != nil {
		return nil, err
	}
	provider, token, err := b.verify(c, in)
	if err != nil {
		return nil, err
	}
	return b.signIn(c.ctx(), provider, token, in.RefreshToken)
}

func remoteHost(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}

// verify finds the provider whose token this is. Why a token is refused is logged; the
// one who sent it reads the same words for every reason.
func (b *Broker) verify(c *call, in api.LoginRequest) (*identity.Provider, identity.Token, error) {
	issuer, err := identity.UnverifiedIssuer(in.IDToken)
	if err != nil {
		b.refusedLogin(c, "", err)
		return nil, identity.Token{}, signInNeeded()
	}
	down := false
	for _, p := range b.cfg.Providers {
		if p.Issuer() != issuer || (in.Provider != "" && p.Name() != in.Provider) {
			continue
		}
		token, err := p.Verify(c.ctx(), in.IDToken)
		if err == nil {
			return p, token, nil
		}
		down = down || errors.Is(err, identity.ErrUnavailable)
		b.refusedLogin(c, p.Name(), err)
	}
	if down {
		return nil, identity.Token{}, unavailable("The identity provider can't be asked.")
	}
	return nil, identity.Token{}, signInNeeded()
}

func (b *Broker) refusedLogin(c *call, provider string, err error) {
	b.cfg.Logger.Warn("a sign-in was refused",
		"request_id", c.id, "remote", c.r.RemoteAddr, "provider", provider, "reason", err.Error())
}

// signIn keeps a new sign-in. People whose provider gave a refresh token are asked about
// again every ten minutes; everybody else is signed in until their own token's end.
func (b *Broker) signIn(ctx context.Context, p *identity.Provider, t identity.Token, providerToken string) (api.Session, error) {
	var out api.Session
	err := b.update(ctx, func(tx store.Tx, _ *news) error {
		now := b.now()
		who, err := latest(tx, t.Identity, t.IssuedAt)
		if err != nil {
			return err
		}
		if err := refuseLocked(tx, who); err != nil {
			return err
		}
		s := store.SignIn{ID: newID("si_"), Provider: p.Name(), Identity: who, CreatedAt: now}
		renewable := who.Type == identity.Human && providerToken != ""
		if renewable {
			s.EndsAt = now.Add(signInLife)
			s.ProviderToken = b.seal.seal(providerToken, s.ID)
		} else {
			s.EndsAt = t.ExpiresAt
			if !s.EndsAt.After(now) {
				s.EndsAt = now.Add(lateToken)
			}
			s.EndsAt = earlier(s.EndsAt, now.Add(signInLife))
		}
		if err := tx.DropTokens(now.Add(-signInLife)); err != nil {
			return err
		}
		if out, err = b.giveTokens(tx, s, renewable); err != nil {
			return err
		}
		return errors.Join(tx.PutSignIn(s), b.audit(tx, "sign_in", who, s.ID, map[string]string{"provider": p.Name()}))
	})
	return out, err
}

// latest keeps what a provider said of a person, unless something newer is known, and
// returns what is now known. A workload is what its own token says: one issuer gives the
// same subject tokens of different claims.
func latest(tx store.Tx, said api.Identity, asOf time.Time) (api.Identity, error) {
	known, err := tx.Person(key(said))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return api.Identity{}, err
	}
	if err == nil && known.AsOf.After(asOf) {
		if said.Type == identity.Human && known.Identity.Type == identity.Human {
			return known.Identity, nil
		}
		return said, nil
	}
	return said, tx.PutPerson(store.Person{Identity: said, AsOf: asOf})
}

// giveTokens makes an access token and, where the sign-in is renewable, a refresh token.
func (b *Broker) giveTokens(tx store.Tx, s store.SignIn, renewable bool) (api.Session, error) {
	out := api.Session{Identity: s.Identity, ExpiresAt: s.EndsAt}
	if renewable {
		out.ExpiresAt = earlier(b.now().Add(accessLife), s.EndsAt)
		out.RefreshExpiresAt = s.EndsAt
		token, hash := newToken("hoop_rt_")
		out.RefreshToken = token
		err := tx.PutToken(store.Token{Hash: hash, Kind: store.TokenRefresh, SignIn: s.ID, ExpiresAt: s.EndsAt})
		if err != nil {
			return api.Session{}, err
		}
	}
	token, hash := newToken("hoop_at_")
	out.AccessToken = token
	return out, tx.PutToken(store.Token{Hash: hash, Kind: store.TokenAccess, SignIn: s.ID, ExpiresAt: out.ExpiresAt})
}

func (b *Broker) logout(c *call) (any, error) {
	err := b.update(c.ctx(), func(tx store.Tx, n *news) error {
		s, err := tx.SignIn(c.signIn)
		if err != nil {
			return err
		}
		return b.endSignIn(tx, n, s, "logout", "The person signed out.")
	})
	return struct{}{}, err
}

// endSignIn ends a sign-in with all its tokens and the grants that were made under it.
func (b *Broker) endSignIn(tx store.Tx, n *news, s store.SignIn, why, message string) error {
	if s.Ended != "" {
		return nil
	}
	s.Ended, s.ProviderToken = why, nil
	if err := tx.PutSignIn(s); err != nil {
		return err
	}
	grants, err := tx.Grants(store.GrantFilter{SignIn: s.ID, State: grantActive})
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := b.endGrant(tx, n, g, ending{reason: api.EndingSignIn, message: message, by: s.Identity}); err != nil {
			return err
		}
	}
	return b.audit(tx, "sign_in_ended", s.Identity, s.ID, map[string]string{"why": why})
}

func (b *Broker) whoami(c *call) (any, error) { return c.who, nil }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
