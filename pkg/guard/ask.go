package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// ErrCancelled is the cause of a context whose client took back a command that waits: the request is withdrawn.
var ErrCancelled = errors.New("the client cancelled the command")

// remindEvery is how often a waiting client is told so.
const remindEvery = 30 * time.Second

// ask finds or files the approval of a command, waits for it where that is possible, and uses it up.
// It returns nil only when the command may run once, now.
func (s *Session) ask(ctx context.Context, p *Pass, d policy.Decision) *api.Refusal {
	began := s.cfg.Now()
	request := s.request(p, d)
	a, err := s.cfg.Approvals.AskApproval(ctx, request, s.cfg.GrantID)
	if err != nil {
		s.cfg.Metrics.Waited("failed", 0)
		return s.noApproval(d, err)
	}
	noHold := "The command can't wait here."
	if p.command.NoHold != nil {
		noHold = p.command.NoHold(ctx)
	}
	if a.State == api.ApprovalPending {
		a, err = s.hold(ctx, p, d, a, noHold)
		s.cfg.Metrics.Waited(a.State, s.cfg.Now().Sub(began))
		if err != nil {
			return s.noApproval(d, err)
		}
	}
	if err := s.recordApproval(p, a); err != nil {
		r := s.unrecorded(err)
		return &r
	}
	if a.State != api.ApprovalApproved {
		r := notApproved(d, a, noHold)
		return &r
	}
	return s.claim(ctx, p, a, request)
}

// hold waits for a person, within the rule's hold time, and answers the request in its last known state.
func (s *Session) hold(ctx context.Context, p *Pass, d policy.Decision, a api.Approval, noHold string) (api.Approval, error) {
	until := s.cfg.Now()
	if noHold == "" {
		until = until.Add(holdFor(d.Approvals))
	}
	event := api.GrantEvent{
		Type: api.EventApprovalRequired, Time: s.cfg.Now(), ApprovalID: a.ID, ApprovalURL: a.URL,
		Command: p.command.Recorded, HoldUntil: until, ExpiresAt: a.ExpiresAt,
	}
	if err := s.cfg.Approvals.PublishGrantEvent(ctx, s.cfg.GrantID, event); err != nil {
		return a, err
	}
	if err := s.recordApproval(p, a); err != nil {
		return a, err
	}
	if noHold != "" {
		return a, nil
	}
	if p.command.Holding != nil {
		held, release := p.command.Holding(ctx)
		defer release()
		ctx = held
	}
	waitCtx, cancel := context.WithTimeout(ctx, holdFor(d.Approvals))
	defer cancel()
	stop := s.remind(waitCtx, p, a, until)
	defer stop()
	got, err := s.cfg.Approvals.AwaitApproval(waitCtx, a.ID)
	switch {
	case err == nil:
		return got, nil
	case errors.Is(context.Cause(ctx), ErrCancelled):
		err := s.cfg.Approvals.WithdrawApproval(context.WithoutCancel(ctx), a.ID, s.cfg.Identity)
		a.State = api.ApprovalWithdrawn
		return a, err
	case ctx.Err() == nil && errors.Is(waitCtx.Err(), context.DeadlineExceeded):
		return a, nil // still pending: the request outlives the hold
	default:
		return a, err
	}
}

// remind tells the client now, and again every half minute, that its command waits. The returned func ends that.
func (s *Session) remind(ctx context.Context, p *Pass, a api.Approval, until time.Time) func() {
	if p.command.Waiting == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(remindEvery)
		defer tick.Stop()
		for {
			p.command.Waiting(fmt.Sprintf("waiting for approval %s until %s (hoop approvals show %s)",
				a.ID, until.UTC().Format(time.TimeOnly+" UTC"), a.ID))
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			event := api.GrantEvent{Type: api.EventApprovalWaiting, Time: s.cfg.Now(), ApprovalID: a.ID, ApprovalURL: a.URL, HoldUntil: until, ExpiresAt: a.ExpiresAt}
			if err := s.cfg.Approvals.PublishGrantEvent(ctx, s.cfg.GrantID, event); err != nil {
				s.cfg.Log.Warn("wait not announced", "session", s.cfg.ID, "error", err)
			}
		}
	}()
	return func() { cancel(); <-done }
}

// claim takes the verdict anew and uses the approval up, in this order: what was approved under rules that no longer
// stand does not run.
func (s *Session) claim(ctx context.Context, p *Pass, a api.Approval, asked api.Approval) *api.Refusal {
	if p.command.Anew != nil {
		fresh, err := p.command.Anew(ctx)
		if err != nil || s.digest(fresh) != asked.Digest {
			return &api.Refusal{
				Code: "approval_void", Rule: asked.Rule, Retryable: true, ApprovalID: a.ID,
				Message: "What the command would do changed while it waited, so its approval no longer holds.",
				Remedy:  []api.Remedy{{Kind: "retry", Text: "Send the command again: it is judged as it is now."}},
			}
		}
		p.command.Facts = fresh.Facts
	}
	d := s.decide(p.command, s.cfg.Now())
	now := s.request(p, d)
	if d.Verdict != policy.Approve && d.Verdict != policy.Allow || now.Rule != asked.Rule || !sameDemands(now.Approvers, asked.Approvers) {
		return &api.Refusal{
			Code: "approval_void", Rule: d.Rule, Retryable: d.Verdict != policy.Deny, ApprovalID: a.ID,
			Message: "The policy changed while the command waited, so its approval no longer holds.",
			Remedy:  []api.Remedy{{Kind: "retry", Text: "Send the command again: it is judged by the policy of now."}},
		}
	}
	if err := s.cfg.Approvals.ClaimApproval(ctx, a.ID, asked.Digest, s.cfg.Identity, asked.Approvers); err != nil {
		return s.noApproval(d, err)
	}
	p.bounds.affected = d.Affected
	a.State = api.ApprovalUsed
	if err := s.recordApproval(p, a); err != nil {
		r := s.unrecorded(err)
		return &r
	}
	return nil
}

// request is the approval as it is asked for: everything that a reviewer must see, in full.
func (s *Session) request(p *Pass, d policy.Decision) api.Approval {
	c := p.command
	a := api.Approval{
		Requester: s.cfg.Identity, Connection: s.cfg.Connection.Name, Digest: s.digest(c), Command: c.Text, Rule: d.Rule,
		CreatedAt: p.began, ExpiresAt: p.began.Add(liveFor(d.Approvals)), State: api.ApprovalPending,
	}
	for _, v := range c.Params {
		a.Params = append(a.Params, v.Shown)
	}
	for _, x := range c.Facts.Accesses {
		a.Accesses = append(a.Accesses, api.Access{Effect: string(x.Effect), Object: x.Object})
	}
	if c.Facts.SQL != nil {
		a.Filter = c.Facts.SQL.Filter
	}
	for _, x := range d.Approvals {
		a.Approvers = append(a.Approvers, api.Approvers{Rule: x.Rule, Users: x.Users, Groups: x.Groups, Quorum: x.Quorum})
	}
	return a
}

func sameDemands(a, b []api.Approvers) bool {
	return slices.EqualFunc(a, b, func(x, y api.Approvers) bool {
		return x.Rule == y.Rule && x.Quorum == y.Quorum && slices.Equal(x.Groups, y.Groups) && slices.Equal(x.Users, y.Users)
	})
}

// holdFor is the shortest hold that a matching rule names; none does not wait.
func holdFor(rules []policy.Approval) time.Duration {
	if len(rules) == 0 {
		return 0
	}
	least := rules[0].Hold
	for _, r := range rules {
		least = min(least, r.Hold)
	}
	return max(least, 0)
}

// liveFor is the shortest life of a request that a matching rule names.
func liveFor(rules []policy.Approval) time.Duration {
	least := 10 * time.Minute
	for i, r := range rules {
		if r.TTL > 0 && (i == 0 || r.TTL < least) {
			least = r.TTL
		}
	}
	return least
}
