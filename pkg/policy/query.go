package policy

import (
	"slices"
	"strings"
)

// Reach says whether a subject may open a connection, and how. Where several reach rules match, the first in the file
// holds: put the narrow ones first.
func (p *Policy) Reach(s Subject, c Connection) (Reach, bool) {
	if p == nil {
		return Reach{}, false
	}
	for i := range p.reach {
		if r := &p.reach[i]; r.who.match(&s) && r.on.match(&c) {
			return r.reach, true
		}
	}
	return Reach{}, false
}

// Masks are the masks that hold for a subject on a connection, in the order of the file. Where several name a column,
// all of them hold, and the strictest must win.
func (p *Policy) Masks(s Subject, c Connection) []Mask {
	if p == nil {
		return nil
	}
	var masks []Mask
	for i := range p.masks {
		m := &p.masks[i]
		if m.who.match(&s) && m.on.match(&c) && (m.unless == nil || !m.unless.match(&s)) {
			masks = append(masks, m.mask)
		}
	}
	return masks
}

// May says whether a subject has a power over a connection. For a power that is not about one connection, ask with the
// zero Connection: only rules for all connections give it.
func (p *Policy) May(s Subject, power Power, c Connection) bool {
	if p == nil {
		return false
	}
	for i := range p.powers {
		w := &p.powers[i]
		if slices.Contains(w.may, string(power)) && w.who.match(&s) && w.on.match(&c) {
			return true
		}
	}
	return false
}

// ReadOnly says that no rule lets a subject do anything but read and session on a connection, with an approval or
// without: such a session can be read-only at the target too.
func (p *Policy) ReadOnly(s Subject, c Connection) bool {
	if p == nil {
		return true
	}
	for i := range p.rules {
		r := &p.rules[i]
		if r.verdict != Deny && r.effects&^(bit(Read)|bit(Session)) != 0 && r.meets(&s, &c) {
			return false
		}
	}
	return true
}

// Unrestricted says that a subject may do everything on a connection whatever it names, without any mask of columns or rows: what
// names mean can't matter to the policy then. Of clusters and HTTP services it says so of nobody.
func (p *Policy) Unrestricted(s Subject, c Connection) bool {
	if p == nil || c.Kind == kindKube || c.Kind == kindHTTP || slices.ContainsFunc(p.Masks(s, c), func(m Mask) bool { return len(m.Columns) > 0 || m.Rows != nil }) {
		return false
	}
	everything := false
	for i := range p.rules {
		r := &p.rules[i]
		if !r.meets(&s, &c) {
			continue
		}
		if r.verdict != Allow {
			return false
		}
		all := true
		for _, e := range allEffects() {
			all = all && (e == Shell || r.effects&bit(e) != 0) // names mean nothing to a shell
		}
		everything = everything || all && r.objects == nil && r.factless() && r.when == nil
	}
	return everything
}

// Lines says that a rule which allows, or asks for approval, names line mode for a subject on a connection.
func (p *Policy) Lines(s Subject, c Connection) bool {
	if p == nil {
		return false
	}
	return slices.ContainsFunc(p.rules, func(r rule) bool {
		return r.verdict != Deny && r.ssh != nil && slices.Contains(r.ssh.channels, "lines") && r.meets(&s, &c)
	})
}

// Shown are the fields that masks for a connection show a subject whom their `unless` names. What nobody is shown by default is shown to
// whom a policy says so, and not wherever a mask merely does not hold for somebody.
func (p *Policy) Shown(s Subject, c Connection) []string {
	if p == nil {
		return nil
	}
	var fields []string
	for i := range p.masks {
		if m := &p.masks[i]; m.on.match(&c) && m.unless != nil && m.unless.match(&s) {
			fields = append(fields, m.mask.Fields...)
		}
	}
	return fields
}

// Standing is what holds for a subject on a connection before any command. It changes only with the policy.
func (p *Policy) Standing(s Subject, c Connection) Standing {
	return Standing{Masks: p.Masks(s, c), ReadOnly: p.ReadOnly(s, c), Unrestricted: p.Unrestricted(s, c), Lines: p.Lines(s, c), Limits: p.Limits(s, c), Forwards: p.forwards(s, c), Programs: p.Programs(), Shown: p.Shown(s, c), NamespaceLabels: p.NamespaceLabels(s, c), ServiceAccounts: p.ServiceAccounts(s, c)}
}

// Rule is what one rule says, for people: `hoop can`, explain, the console.
type Rule struct {
	Name      string
	Verdict   Verdict
	Effects   []Effect // nil: all but unknown
	Objects   []string // patterns; nil: all
	Message   string
	Condition string    // the text of `if`
	SQL       bool      // it asks for facts of the SQL command
	Facts     string    // what it asks of a request to a cluster or a service, in one line
	Approval  *Approval // of an approve rule
	Affected  *Bound    // how many rows a command may change
}

// Rules are the rules that can match commands of a subject on a connection, in the order of the file.
func (p *Policy) Rules(s Subject, c Connection) []Rule {
	if p == nil {
		return nil
	}
	var rules []Rule
	for i := range p.rules {
		if r := &p.rules[i]; r.meets(&s, &c) {
			rules = append(rules, r.summary())
		}
	}
	return rules
}

func (r *rule) summary() Rule {
	s := Rule{Name: r.name, Verdict: r.verdict, Objects: r.objects.texts(), Message: r.message, SQL: r.sql != nil, Facts: r.words(), Affected: r.affected}
	if r.named {
		for _, e := range allEffects() {
			if r.effects&bit(e) != 0 {
				s.Effects = append(s.Effects, e)
			}
		}
	}
	if r.when != nil {
		s.Condition = r.when.text
	}
	if r.verdict == Approve {
		approval := r.approval
		s.Approval = &approval
	}
	return s
}

// NamespaceLabels says that a rule for a subject on a connection asks for the labels of namespaces, which no request says.
func (p *Policy) NamespaceLabels(s Subject, c Connection) bool {
	return p.asksFor(s, c, "namespace_labels", func(f *kubeFacts) bool { return f.namespaceLabels != nil })
}

// ServiceAccounts says that a rule for a subject on a connection asks for the accounts as which pods run, of which an apply may not say
// whether it takes one away.
func (p *Policy) ServiceAccounts(s Subject, c Connection) bool {
	return p.asksFor(s, c, "service_accounts", func(f *kubeFacts) bool { return f.serviceAccounts != nil })
}

// asksFor says that a rule asks for a fact, among its fields or in its condition.
func (p *Policy) asksFor(s Subject, c Connection, name string, field func(*kubeFacts) bool) bool {
	return p != nil && slices.ContainsFunc(p.rules, func(r rule) bool {
		asks := r.kube != nil && field(r.kube) || r.when != nil && strings.Contains(r.when.text, name)
		return asks && r.meets(&s, &c)
	})
}
