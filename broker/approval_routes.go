package broker

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

const (
	decisionApprove = "approve"
	decisionReject  = "reject"
	scopeOnce       = "once"

	maxComment  = 1 << 10
	maxWait     = 55 * time.Second // below the idle limit of common proxies; clients ask again
	defaultWait = 30 * time.Second
)

var approvalStates = []string{
	api.ApprovalPending, api.ApprovalApproved, api.ApprovalUsed,
	api.ApprovalRejected, api.ApprovalExpired, api.ApprovalWithdrawn,
}

// mayDecide says whether a request asks this person, among others.
func mayDecide(a api.Approval, who api.Identity) bool {
	return !sameParty(who, a.Requester) && slices.ContainsFunc(a.Approvers, func(d api.Approvers) bool { return satisfies(d, who) })
}

func (b *Broker) seesApproval(a api.Approval, who api.Identity) bool {
	return key(a.Requester) == key(who) || mayDecide(a, who) || b.may(who, policy.SessionsRead, a.Connection)
}

func (b *Broker) listApprovals(c *call) (any, error) {
	state := c.r.URL.Query().Get("state")
	if state != "" && !slices.Contains(approvalStates, state) {
		return nil, usage("There is no such state of an approval.", "pending, approved, used, rejected, expired or withdrawn.")
	}
	out := api.Approvals{Approvals: []api.Approval{}}
	filter := store.ApprovalFilter{Limit: maxListed}
	if state != "" {
		filter.States = []string{state}
	}
	err := b.view(c.ctx(), func(tx store.Tx) error {
		approvals, err := tx.Approvals(filter)
		for _, a := range approvals {
			a.State = b.stateOf(a)
			if b.seesApproval(a.Approval, c.who) && (state == "" || a.State == state) {
				out.Approvals = append(out.Approvals, a.Approval)
			}
		}
		return err
	})
	return out, err
}

func (b *Broker) approval(c *call) (a store.Approval, err error) {
	err = b.view(c.ctx(), func(tx store.Tx) error {
		a, err = tx.Approval(c.r.PathValue("id"))
		if err == nil && !b.seesApproval(a.Approval, c.who) {
			err = store.ErrNotFound
		}
		return err
	})
	a.State = b.stateOf(a)
	return a, err
}

func (b *Broker) showApproval(c *call) (any, error) {
	a, err := b.approval(c)
	return a.Approval, err
}

// waitApproval answers once the request is settled, and when the time is over with the
// request as it then stands.
func (b *Broker) waitApproval(c *call) (any, error) {
	timeout := defaultWait
	if text := c.r.URL.Query().Get("timeout"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return nil, usage("timeout is not a duration.", "For example 30s.")
		}
		timeout = min(d, maxWait)
	}
	a, err := b.approval(c)
	if err != nil || a.State != api.ApprovalPending {
		return a.Approval, err
	}
	// Where deadlines can't be set there is a recorder in a test, not a network.
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(timeout + writeDeadline))
	ctx, cancel := context.WithTimeout(c.ctx(), timeout)
	defer cancel()
	out, err := b.AwaitApproval(ctx, a.ID)
	if errors.Is(err, context.DeadlineExceeded) {
		return a.Approval, nil
	}
	return out, err
}

// decide keeps what one reviewer said. A no settles the request at once, a yes when
// every demand has its quorum. The transaction makes one final state of any number of clicks.
func (b *Broker) decide(c *call) (any, error) {
	in, err := read[api.DecisionRequest](c)
	if err != nil {
		return nil, err
	}
	if in.Decision != decisionApprove && in.Decision != decisionReject {
		return nil, usage("decision is neither approve nor reject.", "")
	}
	if len(in.Comment) > maxComment || !validReason(in.Comment) {
		return nil, usage("The comment is longer than 1 KiB or not UTF-8.", "Shorten it.")
	}
	var out api.Approval
	err = b.update(c.ctx(), func(tx store.Tx, n *news) error {
		a, err := b.decidable(tx, c, in)
		if err != nil {
			return err
		}
		a.Decisions = append(a.Decisions, api.ApprovalDecision{
			By: c.who, Decision: in.Decision, Comment: in.Comment, Scope: scopeOnce, Time: b.now(),
		})
		next := api.ApprovalRejected
		if in.Decision == decisionApprove {
			met, err := b.quorum(tx, a.Approval, a.Approvers)
			if err != nil {
				return err
			}
			next = api.ApprovalPending
			if met {
				next = api.ApprovalApproved
			}
		}
		a.State = next
		out = a.Approval
		err = b.audit(tx, "approval_decision", c.who, a.ID, map[string]string{"decision": in.Decision, "digest": a.Digest})
		if err != nil || next == api.ApprovalPending {
			return errors.Join(err, tx.PutApproval(a))
		}
		return b.settle(tx, n, a, next, c.who)
	})
	return out, err
}

// decidable returns the request that the path names, if the caller may decide it now.
func (b *Broker) decidable(tx store.Tx, c *call, in api.DecisionRequest) (store.Approval, error) {
	a, err := tx.Approval(c.r.PathValue("id"))
	if err != nil {
		return a, err
	}
	if !b.seesApproval(a.Approval, c.who) {
		return a, store.ErrNotFound
	}
	if err := refuseLocked(tx, c.who); err != nil {
		return a, err
	}
	if sameParty(c.who, a.Requester) {
		return a, denied("Nobody decides their own request.")
	}
	if !mayDecide(a.Approval, c.who) {
		return a, denied("The policy does not name you as a reviewer of this.")
	}
	if state := b.stateOf(a); state != api.ApprovalPending {
		return a, problem(api.CodeConflict, "This is already decided: "+state+".", "`hoop approvals show "+a.ID+"` shows by whom.")
	}
	if subtle.ConstantTimeCompare([]byte(a.Digest), []byte(in.Digest)) != 1 {
		return a, usage("The digest is not that of this request.", "Look at the request again: decide what you were shown.")
	}
	for _, d := range a.Decisions {
		if key(d.By) == key(c.who) {
			return a, problem(api.CodeConflict, "You have already decided this.", "It waits for others.")
		}
	}
	return a, nil
}

func (b *Broker) withdraw(c *call) (any, error) {
	if err := b.WithdrawApproval(c.ctx(), c.r.PathValue("id"), c.who); err != nil {
		return nil, err
	}
	return b.showApproval(c)
}
