package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Can answers what a person may do on a connection, by the code that judges their sessions. Reach is the broker's to
// check before.
func (g *Gateway) Can(ctx context.Context, who api.Identity, q api.CanRequest) (api.Can, error) {
	return g.explain(ctx, g.cfg.Policy(), asSubject(who, q.As), q.Connection, q.Command)
}

// Explain answers the same under a policy that is not in force.
func (g *Gateway) Explain(ctx context.Context, q api.PolicyRequest, who api.Identity) (api.Can, error) {
	p := g.cfg.Policy()
	if q.Policy != "" {
		var err error
		if p, err = ParsePolicy([]byte(q.Policy), "policy"); err != nil {
			return api.Can{}, &api.Error{Code: api.CodeUsage, Message: err.Error(), Hint: "hoop policy test says all that is wrong in it."}
		}
	}
	return g.explain(ctx, p, asSubject(who, q.As), q.Connection, q.Command)
}

// TestPolicy says what is wrong in a policy file and which of its tests fail.
func (g *Gateway) TestPolicy(ctx context.Context, text []byte) (api.PolicyReport, error) {
	report := api.PolicyReport{Problems: []api.PolicyProblem{}}
	p, err := ParsePolicy(text, "policy")
	var problems policy.Problems
	switch {
	case errors.As(err, &problems):
		for _, x := range problems {
			report.Problems = append(report.Problems, api.PolicyProblem{Line: x.Line, Column: x.Column, Message: x.Message, Hint: x.Hint})
		}
		return report, nil
	case err != nil:
		return report, fmt.Errorf("read the policy: %w", err)
	}
	report.Tests = len(p.Tests())
	for _, f := range g.FailedTests(ctx, p) {
		report.Failed++
		report.Problems = append(report.Problems, api.PolicyProblem{Line: f.Test.Line, Column: 1, Message: f.String()})
	}
	report.OK = report.Failed == 0
	return report, nil
}

// FailedTests runs a policy's own tests against this gateway's connections.
func (g *Gateway) FailedTests(ctx context.Context, p *policy.Policy) []policy.TestFailure {
	var known []policy.Connection
	for _, c := range g.connections {
		known = append(known, asked(c))
	}
	return FailedTests(ctx, p, g.cfg.Protocols, known)
}

// FailedTests runs a policy's own tests, without any server: names of relations stand as they are written.
func FailedTests(ctx context.Context, p *policy.Policy, protocols map[string]Protocol, known []policy.Connection) []policy.TestFailure {
	return p.RunTests(ctx, func(ctx context.Context, t policy.Test) (policy.Command, error) {
		protocol := protocols[t.Connection.Kind]
		if protocol == nil {
			return policy.Command{}, fmt.Errorf("connections of kind %q are not served", t.Connection.Kind)
		}
		j := protocol.JudgeText(ctx, p.Programs(), t.Command)
		if j.Problem != nil {
			return policy.Command{}, errors.New(j.Problem.Message)
		}
		return j.Facts, nil
	}, known...)
}

func asSubject(who api.Identity, as *api.As) policy.Subject {
	if as == nil {
		return subject(who)
	}
	return policy.Subject{User: as.User, Groups: as.Groups, Type: "human"}
}

func (g *Gateway) explain(ctx context.Context, p *policy.Policy, who policy.Subject, name, command string) (api.Can, error) {
	c, ok := g.connections[name]
	if !ok {
		return api.Can{}, &api.Error{Code: api.CodeNoSuchConnection, Status: 404, Message: "There is no such connection.", Hint: "hoop ls shows what is within reach."}
	}
	out := api.Can{Connection: name}
	for _, l := range p.LimitRules(who, asked(c)) {
		out.Limits = append(out.Limits, l.Name+": "+l.String())
	}
	if command == "" {
		for _, r := range p.Rules(who, asked(c)) {
			line := api.RuleLine{Rule: r.Name, Verdict: r.Verdict.String(), Objects: r.Objects, Facts: r.Facts}
			if r.Affected != nil {
				out.Limits = append(out.Limits, affectedLine(*r.Affected))
			}
			for _, e := range r.Effects {
				line.Effects = append(line.Effects, string(e))
			}
			out.Rules = append(out.Rules, line)
		}
		for _, m := range p.Masks(who, asked(c)) {
			out.Masked = append(out.Masked, maskedHere(c.Kind, m)...)
			out.Detected = append(out.Detected, m.Detect...)
			if m.Rows != nil {
				out.Rows = append(out.Rows, m.Rows.String(m.Columns))
			}
		}
		return out, nil
	}
	target, refused := g.target(ctx, c, who)
	if refused != nil {
		return api.Can{}, refused
	}
	target.ReadOnly, target.Programs = p.ReadOnly(who, asked(c)), p.Programs()
	j, err := g.cfg.Protocols[c.Kind].Judge(ctx, target, p.Masks(who, asked(c)), command)
	if err != nil {
		return api.Can{}, err
	}
	g.fill(&out, p, who, c, j)
	return out, nil
}

// maskedHere is what a mask hides on connections of a kind.
func maskedHere(kind string, m policy.Mask) []string {
	switch kind {
	case "kubernetes":
		return m.Fields
	case "http":
		return m.JSON
	default:
		return m.Columns
	}
}

// fill puts a judgement and the decision on it into words.
func (g *Gateway) fill(out *api.Can, p *policy.Policy, who policy.Subject, c Connection, j Judgement) {
	if j.Problem != nil {
		out.Verdict, out.Rule, out.Message, out.Remedy = policy.Deny.String(), j.Problem.Rule, j.Problem.Message, j.Problem.Remedy
		return
	}
	j.Facts.Now = g.cfg.Now()
	d := p.Decide(who, asked(c), j.Facts)
	out.Verdict, out.Rule, out.Message = d.Verdict.String(), d.Rule, d.Message
	out.Masked, out.Runs = j.Masked, j.Rewritten
	if d.Affected != nil {
		out.Limits = append(out.Limits, affectedLine(*d.Affected))
	}
	for _, x := range d.Judged {
		out.Accesses = append(out.Accesses, api.Judged{
			Access: api.Access{Effect: string(x.Effect), Object: x.Object}, Verdict: x.Verdict.String(), Rule: x.Rule,
		})
	}
	for _, a := range d.Approvals {
		out.Remedy = append(out.Remedy, api.Remedy{Kind: "approval", Text: fmt.Sprintf(
			"Run it: it waits until %d of %s approve (rule %s).", max(a.Quorum, 1), strings.Join(slices.Concat(a.Groups, a.Users), ", "), a.Rule)})
	}
}

// affectedLine is a rule's max_rows_affected in words.
func affectedLine(b policy.Bound) string {
	return fmt.Sprintf("%s: changes of more than %d rows are undone", b.Rule, b.Max)
}
