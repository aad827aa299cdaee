package broker

import (
	"context"
	"encoding/hex"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/identity"
)

const (
	approvalLife    = 10 * time.Minute
	maxApprovalLife = 24 * time.Hour
	maxCommand      = 1 << 20
)

// AskApproval files a request for the command of digest, or finds the one that this
// identity already has for it on this connection, pending or approved. It returns the
// request as it stands; an error is an *api.Error and means that there is none.
func (b *Broker) AskApproval(ctx context.Context, ask api.Approval, grantID string) (api.Approval, error) {
	if err := checkAsk(ask); err != nil {
		return api.Approval{}, err
	}
	var out api.Approval
	err := b.update(ctx, func(tx store.Tx, n *news) error {
		g, err := b.usable(tx, grantID)
		if err != nil {
			return err
		}
		if key(ask.Requester) != key(g.Identity) || ask.Connection != g.Connection.Name {
			return denied("The request is not for this grant's person and connection.")
		}
		found, err := b.findOpen(tx, n, ask)
		if err != nil || found.ID != "" {
			out = found.Approval
			return err
		}
		if err := b.refuseFlood(tx, ask.Requester); err != nil {
			return err
		}
		filed := b.file(ask, g)
		out = filed.Approval
		return errors.Join(tx.PutApproval(filed), b.audit(tx, "approval_asked", g.Identity, filed.ID, map[string]string{
			"connection": filed.Connection, "digest": filed.Digest, "rule": filed.Rule,
		}))
	})
	if err == nil {
		b.deadline.soon()
	}
	return out, err
}

func checkAsk(ask api.Approval) error {
	if raw, err := hex.DecodeString(ask.Digest); err != nil || len(raw) != 32 {
		return usage("The digest is not a SHA-256 in hex.", "")
	}
	if len(ask.Command) > maxCommand {
		return usage("The command is longer than 1 MiB: nobody can review it.", "Split it.")
	}
	if len(ask.Approvers) == 0 {
		return denied("The rule names nobody who could approve.")
	}
	for _, d := range ask.Approvers {
		if d.Quorum < 1 || len(d.Users)+len(d.Groups) == 0 {
			return denied("The rule names nobody who could approve.")
		}
	}
	return nil
}

// findOpen returns the open request for the same command, or the one that somebody rejected: that stands until its end, so
// that sending a command again asks nobody again. One that was filed under other demands is withdrawn: what people agreed
// to is not what the policy asks for now.
func (b *Broker) findOpen(tx store.Tx, n *news, ask api.Approval) (store.Approval, error) {
	open, err := tx.Approvals(store.ApprovalFilter{
		Requester: key(ask.Requester), Connection: ask.Connection, Digest: ask.Digest,
		States: []string{api.ApprovalPending, api.ApprovalApproved, api.ApprovalRejected},
	})
	if err != nil {
		return store.Approval{}, err
	}
	var rejected store.Approval
	for _, a := range open {
		switch {
		case a.State == api.ApprovalRejected:
			if b.now().Before(a.ExpiresAt) && somebodyRejected(a) && a.Rule == ask.Rule && sameDemands(a.Approvers, ask.Approvers) {
				rejected = a
			}
			continue
		case !b.now().Before(a.ExpiresAt):
			err = b.settle(tx, n, a, api.ApprovalExpired, api.Identity{})
		case a.Rule != ask.Rule || !sameDemands(a.Approvers, ask.Approvers):
			err = b.settle(tx, n, a, api.ApprovalWithdrawn, api.Identity{})
		default:
			return a, nil
		}
		if err != nil {
			return store.Approval{}, err
		}
	}
	return rejected, nil
}

// somebodyRejected tells a person's answer from what became void by itself.
func somebodyRejected(a store.Approval) bool {
	return slices.ContainsFunc(a.Decisions, func(d api.ApprovalDecision) bool { return d.Decision == "reject" })
}

// sameDemands compares by content: an absent list and an empty one are the same.
func sameDemands(a, b []api.Approvers) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		x.Users, y.Users = append([]string{}, x.Users...), append([]string{}, y.Users...)
		x.Groups, y.Groups = append([]string{}, x.Groups...), append([]string{}, y.Groups...)
		if !reflect.DeepEqual(x, y) {
			return false
		}
	}
	return true
}

// refuseFlood bounds how often one identity can call for people's attention.
func (b *Broker) refuseFlood(tx store.Tx, who api.Identity) error {
	recent, err := tx.Approvals(store.ApprovalFilter{Requester: key(who), CreatedAfter: b.now().Add(-maxApprovalLife)})
	if err != nil {
		return err
	}
	pending, lastHour := 0, 0
	for _, a := range recent {
		if a.State == api.ApprovalPending && b.now().Before(a.ExpiresAt) {
			pending++
		}
		if a.CreatedAt.After(b.now().Add(-time.Hour)) {
			lastHour++
		}
	}
	if pending >= b.cfg.Limits.PendingApprovals {
		return tooMany("Too many of your requests are pending.", 60)
	}
	if lastHour >= b.cfg.Limits.ApprovalsPerHour {
		return tooMany("Too many requests for approval in an hour.", 600)
	}
	return nil
}

func (b *Broker) file(ask api.Approval, g store.Grant) store.Approval {
	now := b.now()
	ask.ID = newID("ap_")
	ask.URL = b.cfg.PublicURL + "/approvals/" + ask.ID
	ask.Requester, ask.State, ask.CreatedAt, ask.Decisions = g.Identity, api.ApprovalPending, now, []api.ApprovalDecision{}
	if ask.Reason == "" {
		ask.Reason = g.Reason
	}
	if !ask.ExpiresAt.After(now) {
		ask.ExpiresAt = now.Add(approvalLife)
	}
	ask.ExpiresAt = earlier(ask.ExpiresAt.UTC(), now.Add(maxApprovalLife))
	if ask.Accesses == nil {
		ask.Accesses = []api.Access{}
	}
	return store.Approval{Approval: ask, GrantID: g.ID}
}

// AwaitApproval returns the request once it is no longer pending. An error, of ctx too,
// means that nobody answered: treat it as a refusal.
func (b *Broker) AwaitApproval(ctx context.Context, id string) (api.Approval, error) {
	changed, unwatch := b.changes.watch(topicApproval(id))
	defer unwatch()
	for {
		var a store.Approval
		err := b.view(ctx, func(tx store.Tx) (err error) {
			a, err = tx.Approval(id)
			return err
		})
		if ctx.Err() != nil {
			return a.Approval, ctx.Err()
		}
		if err != nil || b.stateOf(a) != api.ApprovalPending {
			a.State = b.stateOf(a)
			return a.Approval, err
		}
		select {
		case <-ctx.Done():
			return a.Approval, ctx.Err()
		case <-b.done:
			return a.Approval, unavailable("The broker is stopping.")
		case <-changed:
		}
	}
}

// WithdrawApproval takes back a request of this identity's own. One that is settled stays as it is.
func (b *Broker) WithdrawApproval(ctx context.Context, id string, who api.Identity) error {
	return b.update(ctx, func(tx store.Tx, n *news) error {
		a, err := tx.Approval(id)
		if err != nil {
			return err
		}
		if key(a.Requester) != key(who) {
			return store.ErrNotFound
		}
		if !isOpen(a.State) {
			return nil
		}
		return b.settle(tx, n, a, api.ApprovalWithdrawn, who)
	})
}

// settle moves an open request to its next state, the same way for all who can do that.
func (b *Broker) settle(tx store.Tx, n *news, a store.Approval, state string, by api.Identity) error {
	a.State = state
	n.topics = append(n.topics, topicApproval(a.ID))
	err := errors.Join(tx.PutApproval(a), b.audit(tx, "approval_"+state, by, a.ID, map[string]string{
		"connection": a.Connection, "digest": a.Digest,
	}))
	if err != nil {
		return err
	}
	return b.tellRequester(tx, n, a, by)
}

// tellRequester puts the outcome into the event streams of whoever asked.
func (b *Broker) tellRequester(tx store.Tx, n *news, a store.Approval, by api.Identity) error {
	e := api.GrantEvent{Time: b.now(), ApprovalID: a.ID, ApprovalURL: a.URL, By: by.User, ExpiresAt: a.ExpiresAt}
	switch a.State {
	case api.ApprovalApproved:
		e.Type = api.EventApproved
	case api.ApprovalRejected:
		e.Type = api.EventRejected
	default:
		return nil
	}
	grants, err := tx.Grants(store.GrantFilter{Owner: key(a.Requester), State: grantActive})
	if err != nil {
		return err
	}
	for _, g := range grants {
		if g.Connection.Name != a.Connection {
			continue
		}
		if err := n.grantEvent(tx, g.ID, e); err != nil {
			return err
		}
	}
	return nil
}

func isOpen(state string) bool { return state == api.ApprovalPending || state == api.ApprovalApproved }

// stateOf is a request's state also in the moment before its end is written down.
func (b *Broker) stateOf(a store.Approval) string {
	if isOpen(a.State) && !b.now().Before(a.ExpiresAt) {
		return api.ApprovalExpired
	}
	return a.State
}

// sameParty says whether two identities are one person: the same, or one the other's
// owner, or both of one owner.
func sameParty(a, b api.Identity) bool {
	for _, x := range parties(a) {
		for _, y := range parties(b) {
			if x == y {
				return true
			}
		}
	}
	return false
}

func parties(id api.Identity) []api.Person {
	p := []api.Person{key(id)}
	if id.Owner != nil {
		p = append(p, *id.Owner)
	}
	return p
}

// satisfies says whether a demand names this person. Machines approve nothing.
func satisfies(d api.Approvers, who api.Identity) bool {
	if who.Type != identity.Human {
		return false
	}
	for _, u := range d.Users {
		if u == who.User {
			return true
		}
	}
	for _, want := range d.Groups {
		for _, have := range who.Groups {
			if want == have {
				return true
			}
		}
	}
	return false
}
