package broker

import (
	"crypto/x509"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/grant"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// States of a grant.
const (
	grantActive  = "active"
	grantExpired = "expired"
	grantEnded   = "ended"
)

const (
	certificateLife = 5 * time.Minute
	maxReason       = 1 << 10
	maxListed       = 500
)

func (b *Broker) listConnections(c *call) (any, error) {
	out := api.Connections{Connections: []api.Connection{}}
	for _, conn := range b.cfg.Connections {
		if conn, r, err := b.reach(c.who, conn.Name); err == nil {
			out.Connections = append(out.Connections, conn.wire(r))
		}
	}
	return out, nil
}

// createGrant gives a grant. All of it comes from the policy and the sign-in; the request
// names the connection and the key, and can shorten the time.
func (b *Broker) createGrant(c *call) (any, error) {
	if wait := b.grants.take(personKey(c.who), b.now()); wait > 0 {
		return nil, tooMany("Too many grants in a minute.", wait)
	}
	in, err := read[api.GrantRequest](c)
	if err != nil {
		return nil, err
	}
	conn, r, err := b.reach(c.who, in.Connection)
	if err != nil {
		return nil, err
	}
	g, err := b.newGrant(c, in, conn, r)
	if err != nil {
		return nil, err
	}
	// Signed before it is kept: a grant whose certificate can't be made must not exist.
	cert, err := b.certificate(g)
	if err != nil {
		return nil, err
	}
	if err := b.update(c.ctx(), func(tx store.Tx, _ *news) error { return b.keepGrant(tx, g) }); err != nil {
		return nil, err
	}
	b.deadline.soon()
	out := g.Grant
	out.Certificate, out.Gateway = &cert, new(b.cfg.Gateway)
	return out, nil
}

func (b *Broker) newGrant(c *call, in api.GrantRequest, conn Connection, r policy.Reach) (store.Grant, error) {
	switch {
	case in.TTLSeconds < 0:
		return store.Grant{}, usage("ttl_seconds is negative.", "Leave it out for the policy's.")
	case !validReason(in.Reason):
		return store.Grant{}, usage("The reason is longer than 1 KiB or not UTF-8.", "Shorten it.")
	case r.ReasonRequired && in.Reason == "":
		return store.Grant{}, usage("This connection needs a reason.", "Say why with --reason.")
	}
	pub, err := x509.ParsePKIXPublicKey(in.PublicKey)
	if err != nil {
		return store.Grant{}, usage("public_key is not a public key in PKIX DER.", "It must be an ECDSA P-256 key.")
	}
	hash, err := grant.KeyHash(pub)
	if err != nil {
		return store.Grant{}, usage("public_key is not an ECDSA P-256 key.", "Make a P-256 key.")
	}
	ttl := r.TTL
	if asked := in.TTLSeconds; asked > 0 && asked < int64(ttl/time.Second) {
		ttl = time.Duration(asked) * time.Second
	}
	now := b.now()
	return store.Grant{
		Grant: api.Grant{
			ID: newID("gr_"), Connection: conn.wire(r), Identity: c.who, Reason: in.Reason,
			State: grantActive, CreatedAt: now, ExpiresAt: now.Add(ttl),
		},
		SignIn: c.signIn, KeyHash: hash, PublicKey: in.PublicKey, TTL: ttl,
	}, nil
}

func validReason(s string) bool { return len(s) <= maxReason && utf8.ValidString(s) }

// keepGrant checks once more, in the transaction that keeps the grant and its audit entry,
// what may have changed since the request was authenticated.
func (b *Broker) keepGrant(tx store.Tx, g store.Grant) error {
	if err := refuseLocked(tx, g.Identity); err != nil {
		return err
	}
	s, err := tx.SignIn(g.SignIn)
	if err != nil {
		return err
	}
	if s.Ended != "" {
		return signInNeeded()
	}
	live, err := tx.Grants(store.GrantFilter{Owner: key(g.Identity), State: grantActive})
	if err != nil {
		return err
	}
	if len(live) >= b.cfg.Limits.LiveGrants {
		return tooMany("This identity holds too many live grants.", 60)
	}
	return errors.Join(tx.PutGrant(g), b.audit(tx, "grant", g.Identity, g.ID, map[string]string{
		"connection": g.Connection.Name, "rule": g.Connection.Rule, "reason": g.Reason,
		"expires_at": g.ExpiresAt.Format(time.RFC3339), "policy": b.cfg.Policy().Version(),
	}))
}

func (b *Broker) certificate(g store.Grant) (api.Certificate, error) {
	pub, err := x509.ParsePKIXPublicKey(g.PublicKey)
	if err != nil {
		return api.Certificate{}, err
	}
	now := b.now()
	notAfter := earlier(now.Add(certificateLife), g.ExpiresAt)
	text, err := b.cfg.Authority.Issue(g.ID, pub, notAfter)
	if err != nil {
		return api.Certificate{}, err
	}
	return api.Certificate{Certificate: string(text), NotAfter: notAfter, RenewAfter: now.Add(notAfter.Sub(now) / 2)}, nil
}

// renewCertificate signs the grant's own key again. Where the reach renews, and past the
// middle of its time, the grant itself goes on for as long as it was given, within the sign-in.
func (b *Broker) renewCertificate(c *call) (any, error) {
	var g store.Grant
	err := b.update(c.ctx(), func(tx store.Tx, n *news) error {
		var err error
		if g, err = b.ownGrant(tx, c); err != nil {
			return err
		}
		if !b.active(g) {
			return grantIsOver("The grant is over.")
		}
		_, r, err := b.reach(c.who, g.Connection.Name)
		if err != nil {
			return b.endGrant(tx, n, g, lostReach(c.who))
		}
		return b.extend(tx, n, c, &g, r)
	})
	if err != nil {
		return nil, err
	}
	if _, _, err := b.reach(c.who, g.Connection.Name); err != nil {
		return nil, grantIsOver("The policy no longer gives this connection.")
	}
	b.deadline.soon()
	return b.certificate(g)
}

func (b *Broker) extend(tx store.Tx, n *news, c *call, g *store.Grant, r policy.Reach) error {
	now := b.now()
	if !r.Renew || g.ExpiresAt.Sub(now) > g.TTL/2 {
		return nil
	}
	s, err := tx.SignIn(c.signIn)
	if err != nil {
		return err
	}
	until := earlier(now.Add(min(g.TTL, r.TTL)), s.EndsAt)
	if !until.After(g.ExpiresAt) {
		return nil
	}
	g.ExpiresAt, g.Warned, g.Identity = until, false, c.who
	renewed := api.GrantEvent{Type: api.EventRenewed, Time: now, ExpiresAt: until}
	return errors.Join(n.grantEvent(tx, g.ID, renewed), tx.PutGrant(*g), b.audit(tx, "grant_renewed", c.who, g.ID,
		map[string]string{"expires_at": until.Format(time.RFC3339)}))
}

// ownGrant returns the grant that the path names, where it is the caller's own.
func (b *Broker) ownGrant(tx store.Tx, c *call) (store.Grant, error) {
	g, err := tx.Grant(c.r.PathValue("id"))
	if err == nil && key(g.Identity) != key(c.who) {
		err = store.ErrNotFound
	}
	return g, err
}

func (b *Broker) listGrants(c *call) (any, error) {
	out := api.Grants{Grants: []api.Grant{}}
	filter := store.GrantFilter{Limit: maxListed}
	if !b.mayAny(c.who, policy.GrantsEnd) {
		filter.Owner = key(c.who)
	}
	err := b.view(c.ctx(), func(tx store.Tx) error {
		grants, err := tx.Grants(filter)
		for _, g := range grants {
			if key(g.Identity) == key(c.who) || b.may(c.who, policy.GrantsEnd, g.Connection.Name) {
				out.Grants = append(out.Grants, b.shown(g))
			}
		}
		return err
	})
	return out, err
}

// deleteGrant ends a grant: one's own, or with the power grants.end. Ending it again changes nothing, and is answered with how it had
// ended: whoever gives a grant back may not have heard of that yet.
func (b *Broker) deleteGrant(c *call) (any, error) {
	in, err := readOptional[api.EndRequest](c)
	if err != nil {
		return nil, err
	}
	if !validReason(in.Reason) {
		return nil, usage("The reason is longer than 1 KiB or not UTF-8.", "Shorten it.")
	}
	var out api.Grant
	err = b.update(c.ctx(), func(tx store.Tx, n *news) error {
		g, err := tx.Grant(c.r.PathValue("id"))
		if err != nil {
			return err
		}
		if key(g.Identity) != key(c.who) && !b.may(c.who, policy.GrantsEnd, g.Connection.Name) {
			return store.ErrNotFound
		}
		if g, err = b.written(tx, n, g); err != nil {
			return err
		}
		closed, err := closedBefore(tx, g)
		if err != nil {
			return err
		}
		err = b.endGrant(tx, n, g, ending{reason: api.EndingEnded, message: "The grant was ended by " + c.who.User + ".", by: c.who, why: in.Reason})
		if err != nil {
			return err
		}
		g, err = tx.Grant(g.ID)
		out = b.shown(g)
		out.Closed = closed
		return err
	})
	return out, err
}

// written writes down the end of a grant whose time is over.
func (b *Broker) written(tx store.Tx, n *news, g store.Grant) (store.Grant, error) {
	if g.State != grantActive || b.active(g) {
		return g, nil
	}
	if err := b.endGrant(tx, n, g, timeIsOver()); err != nil {
		return g, err
	}
	return tx.Grant(g.ID)
}

// closedBefore is the event with which a grant that is over was closed; nil: it is not over.
func closedBefore(tx store.Tx, g store.Grant) (*api.GrantEvent, error) {
	if g.State == grantActive {
		return nil, nil
	}
	for after := int64(0); ; {
		events, err := tx.Events(g.ID, after, eventBatch)
		if err != nil || len(events) == 0 {
			return nil, err
		}
		for i := range events {
			if events[i].Type == api.EventClosed {
				return &events[i], nil
			}
		}
		after = events[len(events)-1].Seq
	}
}

// shown is a grant as it stands in lists: a grant whose time is over is expired also in
// the moment before that is written down.
func (b *Broker) shown(g store.Grant) api.Grant {
	if g.State == grantActive && !b.active(g) {
		g.State = grantExpired
	}
	return g.Grant
}

func (b *Broker) active(g store.Grant) bool {
	return g.State == grantActive && b.now().Before(g.ExpiresAt)
}

// ending says why grants or sessions end.
type ending struct {
	reason  string // a constant of api
	message string
	by      api.Identity
	why     string // in the words of who did it
}

func timeIsOver() ending {
	return ending{reason: api.EndingExpired, message: "The grant's time is over."}
}

func lostReach(by api.Identity) ending {
	return ending{reason: api.EndingPolicy, message: "The policy no longer gives this connection.", by: by}
}

// endGrant ends an active grant and every session under it, also those that still have
// the time of a running command after the grant's own.
func (b *Broker) endGrant(tx store.Tx, n *news, g store.Grant, e ending) error {
	if g.State == grantActive {
		g.State, g.EndedBy = grantEnded, e.by.User
		if e.reason == api.EndingExpired {
			g.State, g.EndedBy = grantExpired, ""
		}
		if err := tx.PutGrant(g); err != nil {
			return err
		}
		closed := api.GrantEvent{Type: api.EventClosed, Time: b.now(), Code: e.reason, Message: e.message, By: g.EndedBy}
		if err := n.grantEvent(tx, g.ID, closed); err != nil {
			return err
		}
		err := b.audit(tx, "grant_"+g.State, e.by, g.ID, map[string]string{"reason": e.reason, "why": e.why})
		if err != nil {
			return err
		}
	}
	n.endings = append(n.endings, api.Ending{GrantID: g.ID, Reason: e.reason, Message: e.message})
	return nil
}
