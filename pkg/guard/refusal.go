package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Refusal says why a command did not run. It is the only error that Admit returns.
type Refusal struct {
	api.Refusal
	// SQLState is the error code of protocols that have one, where it is not that of a denial.
	SQLState string
}

func (r *Refusal) Error() string { return r.Message }

// Hint is the remedies in one sentence each, for protocols that have a line for it.
func (r *Refusal) Hint() string {
	texts := make([]string, 0, len(r.Remedy))
	for _, m := range r.Remedy {
		texts = append(texts, m.Text)
	}
	return strings.Join(texts, " ")
}

// JSON is the refusal object of DESIGN.md section 7, on one line.
func (r *Refusal) JSON() string {
	b, err := json.Marshal(r.Refusal)
	if err != nil { // strings and booleans only: it can't fail, but nothing may be refused without a reason
		return `{"code":"denied"}`
	}
	return string(b)
}

// refuse gives a refusal its decision's id, counts and records it, and tells the grant's events.
func (s *Session) refuse(ctx context.Context, p *Pass, r api.Refusal) *Refusal {
	r.DecisionID = p.decisionID
	if r.Remedy == nil {
		r.Remedy = []api.Remedy{}
	}
	s.refused.Add(1)
	s.cfg.Metrics.Refused(r.Rule)
	// A refusal that can't be recorded stays a refusal: the recorder is failed for good and refuses all that follows.
	if err := errors.Join(s.recordRefusal(p, r), s.Commit()); err != nil {
		s.cfg.Log.Error("refusal not recorded", "session", s.cfg.ID, "error", err)
	}
	event := api.GrantEvent{Type: api.EventCommandRefused, Time: s.cfg.Now(), Refusal: &r}
	if err := s.cfg.Approvals.PublishGrantEvent(context.WithoutCancel(ctx), s.cfg.GrantID, event); err != nil {
		s.cfg.Log.Warn("refusal not announced", "session", s.cfg.ID, "error", err)
	}
	return &Refusal{Refusal: r}
}

func denied(d policy.Decision) api.Refusal {
	message := d.Message
	if message == "" {
		message = "Policy does not allow this command."
	}
	return api.Refusal{
		Code: "denied", Rule: d.Rule, Message: message,
		Remedy: []api.Remedy{{Kind: "ask", Text: "Ask who keeps the policy; `hoop can` shows what you may do here."}},
	}
}

// unshown refuses a command that needs an approval, and of which a person would not see all.
func unshown(d policy.Decision, why string) api.Refusal {
	return api.Refusal{
		Code: "denied", Rule: d.Rule, Message: "This needs an approval, and nobody can approve what can't be shown whole. " + why,
		Remedy: []api.Remedy{{Kind: "rewrite", Text: "Send it in a form that can be shown, in smaller pieces."}},
	}
}

// unrecorded refuses a command whose record could not be written.
func (s *Session) unrecorded(err error) api.Refusal {
	s.cfg.Log.Error("recording failed", "session", s.cfg.ID, "error", err)
	return api.Refusal{
		Code: "unrecorded", Rule: "recording", Retryable: true,
		Message: "The recording can't be written, and nothing runs unrecorded.",
		Remedy:  []api.Remedy{{Kind: "reconnect", Text: "Connect again once the gateway's operator has made room for recordings."}},
	}
}

// noApproval refuses because an approval could not be asked for, waited for or used.
func (s *Session) noApproval(d policy.Decision, err error) *api.Refusal {
	r := api.Refusal{Code: "unavailable", Rule: d.Rule, Retryable: true, Message: "The approval could not be asked for."}
	var e *api.Error
	if errors.As(err, &e) {
		r.Code, r.Message, r.Retryable = e.Code, e.Message, e.Retryable
		if e.Hint != "" {
			r.Remedy = []api.Remedy{{Kind: "retry", Text: e.Hint}}
		}
		return &r
	}
	s.cfg.Log.Warn("approval failed", "session", s.cfg.ID, "error", err)
	return &r
}

// notApproved refuses a command whose request is pending, rejected or over.
func notApproved(d policy.Decision, a api.Approval, noHold string) api.Refusal {
	r := api.Refusal{Rule: d.Rule, ApprovalID: a.ID, ApprovalURL: a.URL}
	switch a.State {
	case api.ApprovalPending:
		r.Code, r.Retryable = "approval_required", true
		r.Message = fmt.Sprintf("This command needs an approval: request %s is waiting for %s.", a.ID, demandWords(a.Approvers))
		if noHold != "" {
			r.Message += " " + noHold
		}
		r.Remedy = []api.Remedy{{Kind: "approval", Text: fmt.Sprintf(
			"Once it is approved (hoop approvals approve %s), send the same command again: it runs exactly once.", a.ID)}}
	case api.ApprovalRejected:
		r.Code = "rejected"
		r.Message = fmt.Sprintf("The request %s was rejected%s.", a.ID, rejectedBy(a))
		r.Remedy = []api.Remedy{{Kind: "ask", Text: fmt.Sprintf(
			"Ask who rejected it. The same command gets the same answer until %s.", a.ExpiresAt.UTC().Format("2006-01-02 15:04:05 UTC"))}}
	default:
		r.Code, r.Retryable = a.State, true
		r.Message = fmt.Sprintf("The request %s is %s.", a.ID, a.State)
		r.Remedy = []api.Remedy{{Kind: "retry", Text: "Send the command again to ask anew."}}
	}
	return r
}

func demandWords(demands []api.Approvers) string {
	words := make([]string, 0, len(demands))
	for _, d := range demands {
		who := append(append([]string{}, d.Groups...), d.Users...)
		words = append(words, fmt.Sprintf("%d of %s", max(d.Quorum, 1), strings.Join(who, ", ")))
	}
	return strings.Join(words, " and ")
}

func rejectedBy(a api.Approval) string {
	for _, d := range a.Decisions {
		if d.Decision == "reject" && d.Comment != "" {
			return fmt.Sprintf(" by %s: %s", d.By.User, d.Comment)
		}
		if d.Decision == "reject" {
			return " by " + d.By.User
		}
	}
	return ""
}
