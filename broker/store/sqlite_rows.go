package store

import (
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// claims travel beside a record, because an identity leaves them out of its JSON.
type (
	personDoc struct {
		Person
		Claims map[string]any
	}
	signInDoc struct {
		SignIn
		Claims map[string]any
	}
	grantDoc struct {
		Record Grant
		Claims map[string]any
	}
)

func (t *sqliteTx) Person(key api.Person) (Person, error) {
	d, err := get[personDoc](t, "people", "issuer = ? AND subject = ?", key.Issuer, key.Subject)
	d.Identity.Claims = d.Claims
	return d.Person, err
}

func (t *sqliteTx) PutPerson(p Person) error {
	return t.put("people", personDoc{p, p.Identity.Claims}, p.Identity.Issuer, p.Identity.Subject)
}

func (t *sqliteTx) SignIn(id string) (SignIn, error) {
	d, err := get[signInDoc](t, "sign_ins", "id = ?", id)
	d.Identity.Claims = d.Claims
	return d.SignIn, err
}

func (t *sqliteTx) PutSignIn(s SignIn) error {
	return t.put("sign_ins", signInDoc{s, s.Identity.Claims}, s.ID)
}

func (t *sqliteTx) Token(hash [32]byte) (Token, error) {
	return get[Token](t, "tokens", "hash = ?", hash[:])
}

func (t *sqliteTx) PutToken(k Token) error {
	return t.put("tokens", k, k.Hash[:], stamp(k.ExpiresAt))
}

func (t *sqliteTx) DropTokens(expiredBefore time.Time) error {
	_, err := t.exec("DELETE FROM tokens WHERE expires_at < ?", stamp(expiredBefore))
	return err
}

func (t *sqliteTx) Grant(id string) (Grant, error) {
	d, err := get[grantDoc](t, "grants", "id = ?", id)
	return d.grant(), err
}

func (d grantDoc) grant() Grant {
	d.Record.Identity.Claims = d.Claims
	return d.Record
}

func (t *sqliteTx) PutGrant(g Grant) error {
	return t.put("grants", grantDoc{g, g.Identity.Claims},
		g.ID, g.Identity.Issuer, g.Identity.Subject, g.SignIn, g.State, stamp(g.CreatedAt), stamp(g.ExpiresAt))
}

func (t *sqliteTx) Grants(f GrantFilter) ([]Grant, error) {
	var c conditions
	c.owner(f.Owner)
	c.add(f.SignIn != "", "sign_in = ?", f.SignIn)
	c.add(f.State != "", "state = ?", f.State)
	c.add(!f.Due.IsZero(), "expires_at <= ?", stamp(f.Due))
	docs, err := list[grantDoc](t, "grants", c.end(f.Limit), c.args...)
	grants := make([]Grant, len(docs))
	for i, d := range docs {
		grants[i] = d.grant()
	}
	return grants, err
}

// keepEvents bounds what is kept of one grant's events.
const keepEvents = 1000

func (t *sqliteTx) AddEvent(grantID string, e api.GrantEvent) (api.GrantEvent, error) {
	var last int64
	if err := t.one("SELECT coalesce(max(seq), 0) FROM grant_events WHERE grant_id = ?", []any{grantID}, &last); err != nil {
		return e, err
	}
	e.Seq = last + 1
	if err := t.put("grant_events", e, grantID, e.Seq); err != nil {
		return e, err
	}
	_, err := t.exec("DELETE FROM grant_events WHERE grant_id = ? AND seq <= ?", grantID, e.Seq-keepEvents)
	return e, err
}

func (t *sqliteTx) Events(grantID string, after int64, limit int) ([]api.GrantEvent, error) {
	return list[api.GrantEvent](t, "grant_events",
		"WHERE grant_id = ? AND seq > ? ORDER BY seq LIMIT ?", grantID, after, limit)
}

func (t *sqliteTx) Approval(id string) (Approval, error) {
	return get[Approval](t, "approvals", "id = ?", id)
}

func (t *sqliteTx) PutApproval(a Approval) error {
	return t.put("approvals", a, a.ID, a.Requester.Issuer, a.Requester.Subject, a.Connection, a.Digest,
		a.State, stamp(a.CreatedAt), stamp(a.ExpiresAt))
}

func (t *sqliteTx) Approvals(f ApprovalFilter) ([]Approval, error) {
	var c conditions
	c.owner(f.Requester)
	c.add(f.Connection != "", "connection = ?", f.Connection)
	c.add(f.Digest != "", "digest = ?", f.Digest)
	c.in("state", f.States)
	c.add(!f.CreatedAfter.IsZero(), "created_at > ?", stamp(f.CreatedAfter))
	c.add(!f.Due.IsZero(), "expires_at <= ?", stamp(f.Due))
	return list[Approval](t, "approvals", c.end(f.Limit), c.args...)
}

func (t *sqliteTx) Session(id string) (api.SessionInfo, error) {
	return get[api.SessionInfo](t, "sessions", "id = ?", id)
}

func (t *sqliteTx) PutSession(s api.SessionInfo) error {
	return t.put("sessions", s, s.ID, s.Identity.Issuer, s.Identity.Subject, s.GrantID, s.State, stamp(s.StartedAt))
}

func (t *sqliteTx) Sessions(f SessionFilter) ([]api.SessionInfo, error) {
	var c conditions
	c.owner(f.Owner)
	c.add(f.GrantID != "", "grant_id = ?", f.GrantID)
	c.add(f.State != "", "state = ?", f.State)
	return list[api.SessionInfo](t, "sessions", c.end(f.Limit), c.args...)
}

func (t *sqliteTx) PutLock(l api.Lock) error {
	return t.put("locks", l, l.User, stamp(l.Created))
}

func (t *sqliteTx) DropLock(user string) error {
	n, err := t.exec("DELETE FROM locks WHERE user_name = ?", user)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

func (t *sqliteTx) Locks() ([]api.Lock, error) {
	return list[api.Lock](t, "locks", "ORDER BY created_at DESC, user_name")
}
