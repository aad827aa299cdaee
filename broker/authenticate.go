package broker

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/identity"
)

// authenticate finds who holds the request's access token. All that can be wrong with a
// token gives the same answer; a locked person is told so.
func (b *Broker) authenticate(c *call) error {
	token, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return signInNeeded()
	}
	hash := sha256.Sum256([]byte(token))
	err := b.cfg.Store.View(c.ctx(), func(tx store.Tx) error {
		s, err := b.signInOf(tx, hash, store.TokenAccess)
		if err != nil {
			return err
		}
		c.signIn = s.ID
		if c.who, err = current(tx, s.Identity); err != nil {
			return err
		}
		return refuseLocked(tx, c.who)
	})
	if errors.Is(err, store.ErrNotFound) {
		return signInNeeded()
	}
	return b.storeError(err)
}

// current returns what is known now of an identity that was learned earlier: another
// sign-in of the same person may have told more since. A workload stays what its token said.
func current(tx store.Tx, who api.Identity) (api.Identity, error) {
	if who.Type != identity.Human {
		return who, nil
	}
	p, err := tx.Person(key(who))
	if errors.Is(err, store.ErrNotFound) {
		return who, nil
	}
	if err == nil && p.Identity.Type == identity.Human {
		who = p.Identity
	}
	return who, err
}

// signInOf returns the living sign-in of a token, or ErrNotFound.
func (b *Broker) signInOf(tx store.Tx, hash [32]byte, kind string) (store.SignIn, error) {
	t, err := tx.Token(hash)
	if err != nil {
		return store.SignIn{}, err
	}
	now := b.now()
	if subtle.ConstantTimeCompare(t.Hash[:], hash[:]) != 1 || t.Kind != kind || !now.Before(t.ExpiresAt) {
		return store.SignIn{}, store.ErrNotFound
	}
	s, err := tx.SignIn(t.SignIn)
	if err != nil {
		return store.SignIn{}, err
	}
	if s.Ended != "" || !now.Before(s.EndsAt) {
		return store.SignIn{}, store.ErrNotFound
	}
	return s, nil
}

// refuseLocked returns the error for a locked identity.
func refuseLocked(tx store.Tx, who api.Identity) error {
	locks, err := tx.Locks()
	if err != nil {
		return err
	}
	if isLocked(locks, who) {
		return locked()
	}
	return nil
}

func isLocked(locks []api.Lock, who api.Identity) bool {
	for _, l := range locks {
		if names(l, who) {
			return true
		}
	}
	return false
}

// names says whether a lock is on this identity, by its user name or by issuer and subject.
func names(l api.Lock, who api.Identity) bool {
	return l.User == who.User || l.User == personKey(who)
}

func personKey(who api.Identity) string { return who.Issuer + "|" + who.Subject }
