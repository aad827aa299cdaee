package broker

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// ClaimApproval uses an approved request up for one execution. approvers are the demands
// of the verdict that was taken just now: each must be met by people who, as they are
// known now, could still approve it. It is one transaction, so of many claims at most one
// returns nil; an error is an *api.Error and means that nothing may run.
func (b *Broker) ClaimApproval(ctx context.Context, id, digest string, who api.Identity, approvers []api.Approvers) error {
	if len(approvers) == 0 {
		return denied("No rule says whose approval would count.")
	}
	var void error
	err := b.update(ctx, func(tx store.Tx, n *news) error {
		void = nil
		a, err := tx.Approval(id)
		if err != nil {
			return err
		}
		if key(a.Requester) != key(who) {
			return store.ErrNotFound
		}
		if err := b.claimable(tx, a, digest); err != nil {
			return err
		}
		met, err := b.quorum(tx, a.Approval, approvers)
		if err != nil {
			return err
		}
		if !met {
			// Those who agreed no longer may. The next command asks anew.
			void = problem(api.CodeRejected, "The approval no longer counts: a reviewer lost the right to give it.", "Send the command again to ask anew.")
			return b.settle(tx, n, a, api.ApprovalWithdrawn, api.Identity{})
		}
		return b.settle(tx, n, a, api.ApprovalUsed, who)
	})
	if err == nil {
		err = void
	}
	return err
}

// claimable holds everything about a request that is not about its reviewers.
func (b *Broker) claimable(tx store.Tx, a store.Approval, digest string) error {
	if subtle.ConstantTimeCompare([]byte(a.Digest), []byte(digest)) != 1 {
		return problem(api.CodeRejected, "The approval is for another command.", "Send the command again to ask anew.")
	}
	switch state := b.stateOf(a); state {
	case api.ApprovalApproved:
	case api.ApprovalPending:
		return problem(api.CodeApprovalPending, "Nobody has approved this yet.", "Run `hoop approvals wait "+a.ID+"`.")
	default:
		return problem(api.CodeConflict, "The approval is already "+state+".", "Send the command again to ask anew.")
	}
	now, err := current(tx, a.Requester)
	if err != nil {
		return err
	}
	return errors.Join(refuseLocked(tx, a.Requester), refuseLocked(tx, now))
}

// quorum says whether every demand is met by enough people. Each is taken as they are
// known now: who lost the group, was locked, or is the requester counts no more.
func (b *Broker) quorum(tx store.Tx, a api.Approval, demands []api.Approvers) (bool, error) {
	locks, err := tx.Locks()
	if err != nil {
		return false, err
	}
	people := map[api.Person]api.Identity{}
	for _, d := range a.Decisions {
		if d.Decision != decisionApprove {
			continue
		}
		who, err := current(tx, d.By)
		if err != nil {
			return false, err
		}
		if !isLocked(locks, who) && !sameParty(who, a.Requester) {
			people[key(who)] = who
		}
	}
	for _, d := range demands {
		if d.Quorum < 1 || count(people, d) < d.Quorum {
			return false, nil
		}
	}
	return len(demands) > 0, nil
}

func count(people map[api.Person]api.Identity, d api.Approvers) int {
	n := 0
	for _, who := range people {
		if satisfies(d, who) {
			n++
		}
	}
	return n
}
