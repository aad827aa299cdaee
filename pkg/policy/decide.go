package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Names that stand where a rule's name would, where no rule decided. No rule may bear them.
const (
	RuleDefault  = "default"  // nothing allows it
	RuleInternal = "internal" // the policy could not be evaluated
	RuleThrough  = "through"  // what is reached through something else, and no rule is against it
)

// Decide judges a command: the door through which every command of every kind goes.
//
// For each pair of the command it is deny if any matching rule denies, else approve if any asks for it, else allow if
// any allows, else deny. A Through pair is allowed where no rule denies it or asks for approval. The verdict on the
// command is the strictest of its pairs. A nil or zero Policy, a command without pairs of its own, a condition that
// can't be evaluated and a panic all deny.
//
// Through pairs only tighten: a rule that allows never sees them, and one that denies or asks for approval matches
// where it does with them or without them.
func (p *Policy) Decide(s Subject, c Connection, cmd Command) (d Decision) {
	defer func() {
		if recover() != nil {
			d = refuseAll(cmd, RuleInternal, "the policy could not be evaluated for this command")
		}
	}()
	d = p.decide(s, c, cmd)
	if other, may := cmd.decoded(); may && d.Verdict != Deny {
		d = d.and(p.decide(s, c, other))
	}
	return d
}

// decide judges a command as it is written.
func (p *Policy) decide(s Subject, c Connection, cmd Command) Decision {
	if p == nil {
		return refuseAll(cmd, RuleDefault, "there is no policy, so nothing is allowed")
	}
	named := cmd.named()
	if len(named.Accesses) == 0 {
		return refuseAll(cmd, RuleDefault, "nothing is known of what this command does")
	}
	if cmd.Opens && cmd.SSH != nil {
		return p.open(&s, &c, &cmd)
	}
	var room [32]match
	matched := room[:0]
	for i := range p.rules {
		r := &p.rules[i]
		holds, err := r.matches(&s, &c, &named)
		if err == nil && holds {
			matched = append(matched, match{r, !r.grants(&named)})
			continue
		}
		if err == nil && r.verdict != Allow && len(named.Accesses) < len(cmd.Accesses) {
			if holds, err = r.matches(&s, &c, &cmd); err == nil && holds {
				matched = append(matched, match{r, true})
			}
		}
		if err != nil {
			return refuseAll(cmd, r.name, fmt.Sprintf("the condition of rule %s can't be evaluated: %v", r.name, err))
		}
	}
	d := judge(matched, &s, &c, &cmd)
	if d.Verdict == Deny && p.unlabelled(&s, &c, &named, d.Rule) {
		d.Message = strings.TrimSuffix(d.Message, ".") + "; the labels of the namespace " + cmd.Kube.Namespace + ", which a rule asks for, are not known"
	}
	if d.Rule == RuleDefault {
		d.Message += p.unmet(&s, &c, &named, d.Judged)
	}
	return d
}

// match is a rule that matches a command.
type match struct {
	*rule
	tightens bool // only by what is reached through something else, or by what it does not name: then it can tighten and no more
}

// named is the command without its Through pairs.
func (c Command) named() Command {
	through := func(a Access) bool { return a.Through }
	if slices.ContainsFunc(c.Accesses, through) {
		c.Accesses = slices.DeleteFunc(slices.Clone(c.Accesses), through)
	}
	return c
}

// matches says whether a rule matches at least one pair of the command: the fields of the command as a whole hold, and
// it speaks of a pair. The condition comes last, as it costs most.
func (r *rule) matches(s *Subject, c *Connection, cmd *Command) (bool, error) {
	if !r.meets(s, c) || !r.asks(cmd) || !r.touchesAny(cmd) {
		return false, nil
	}
	if r.when == nil {
		return true, nil
	}
	return r.when.holds(s, c, cmd)
}

// judge takes the verdict on each pair from the rules that match, and the strictest of them for the command.
func judge(matched []match, s *Subject, c *Connection, cmd *Command) Decision {
	d := Decision{Verdict: Allow, Judged: make([]Judged, len(cmd.Accesses))}
	var decisive *rule // nil: the lack of one
	var pair *Access
	for i := range cmd.Accesses {
		a := &cmd.Accesses[i]
		r := strictest(matched, a, cmd.Kube)
		j := Judged{Access: *a, Verdict: Deny, Rule: RuleDefault}
		if a.Through {
			j.Verdict, j.Rule = Allow, RuleThrough
		}
		if r != nil {
			j.Verdict, j.Rule = r.verdict, r.name
		}
		d.Judged[i] = j
		// The first pair with the strictest verdict gives the reason; a rule that denies says more than the lack of one.
		if pair == nil || j.Verdict < d.Verdict || j.Verdict == d.Verdict && decisive == nil && r != nil {
			d.Verdict, decisive, pair = j.Verdict, r, a
		}
	}
	d.Rule, d.Message = reason(decisive, pair, s, c)
	if decisive == nil && cmd.SSH.byName() {
		d.Message += "; only a rule with ssh: {channels: [" + cmd.SSH.Channel + "]} does"
	}
	if decisive == nil && cmd.Kube.byName() {
		d.Message += "; only a rule with kube: {resources: [" + cmd.Kube.what() + "]} does"
	}
	if d.Verdict == Approve {
		d.Approvals = approvals(matched, cmd)
	}
	if d.Verdict != Deny {
		d.Affected = affected(matched, cmd.Accesses)
	}
	return d
}

// strictest is the rule that decides on a pair: of those that speak of it the first with the strictest verdict. A rule that
// matches only by what lies beneath never takes the place of the lack of one, unless it denies.
func strictest(matched []match, a *Access, k *Kube) *rule {
	var best, tighter *rule
	for _, m := range matched {
		place, touches := &best, m.touches(a)
		if (m.tightens || !touches) && !a.Through {
			place = &tighter
		}
		if (*place == nil || m.verdict < (*place).verdict) && (touches || m.nears(a, k)) {
			*place = m.rule
		}
	}
	if tighter != nil && (best == nil && tighter.verdict == Deny || best != nil && tighter.verdict < best.verdict) {
		return tighter
	}
	return best
}

func reason(r *rule, a *Access, s *Subject, c *Connection) (name, message string) {
	if r == nil {
		return RuleDefault, "no rule allows " + s.User + " the effect " + deed(a) + " (" + c.Name + ")"
	}
	return r.name, r.message
}

// deed is a pair in words: "delete on public.users".
func deed(a *Access) string {
	if a.Object == "" {
		return string(a.Effect)
	}
	if a.By != "" {
		return string(a.Effect) + " on " + a.Object + ", which " + a.By + " runs; a rule with effects: [" + string(a.Effect) + "] and objects: [" + a.Object + "] would"
	}
	return string(a.Effect) + " on " + a.Object
}

// approvals are the demands of every approve rule that matched, in the order of the file.
func approvals(matched []match, cmd *Command) []Approval {
	var demands []Approval
	for _, r := range matched {
		if r.verdict == Approve && r.touchesAny(cmd) {
			demands = append(demands, r.approval)
		}
	}
	return demands
}

func refuseAll(cmd Command, rule, message string) Decision {
	d := Decision{Verdict: Deny, Rule: rule, Message: message}
	for _, a := range cmd.Accesses {
		d.Judged = append(d.Judged, Judged{Access: a, Verdict: Deny, Rule: rule})
	}
	return d
}
