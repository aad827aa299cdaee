package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Lint warns of what is well-formed and most likely not what was meant: rules that can't decide anything, approvals
// that nobody can give, masks that hold for nobody.
func (p *Policy) Lint() []Problem {
	if p == nil {
		return nil
	}
	d := newDecoder(p.file)
	p.lintReach(d)
	for i := range p.rules {
		p.lintRule(d, &p.rules[i])
	}
	p.lintMasks(d)
	p.lintLimits(d)
	p.lintPrograms(d)
	for i := range p.powers {
		if w := &p.powers[i]; !w.given {
			d.Report(w.at, fmt.Sprintf("power %s is everybody's", w.name), "say who")
		}
	}
	warnings := d.Problems()
	slices.SortStableFunc(warnings, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return warnings
}

func (p *Policy) lintReach(d *decoder) {
	if len(p.reach) == 0 {
		d.Report(nil, "there is no reach rule, so nobody can open a connection", "")
	}
	for i := range p.reach {
		r := &p.reach[i]
		if !r.given {
			d.Report(r.at, fmt.Sprintf("reach %s is everybody's", r.reach.Rule), "say who")
		}
		for j := range p.reach[:i] {
			if before := &p.reach[j]; before.who.covers(&r.who) && before.on.covers(&r.on) {
				d.Report(r.at, fmt.Sprintf("reach %s never holds: %s, which stands before it, matches all that it does", r.reach.Rule, before.reach.Rule), "put the narrower one first")
				break
			}
		}
	}
}

func (p *Policy) lintRule(d *decoder, r *rule) {
	if r.verdict == Approve && len(r.approval.Users) == 0 && len(r.approval.Groups) == 0 {
		d.Report(r.at, fmt.Sprintf("rule %s asks for an approval that nobody can give", r.name), "write: approval: {by: {groups: [dba]}}")
	}
	if r.verdict == Allow && r.who.anybody() && r.on.anywhere() && !r.named && r.objects == nil && r.factless() && r.when == nil {
		d.Report(r.at, fmt.Sprintf("rule %s allows everybody everything everywhere", r.name), "")
	}
	if r.ssh != nil && r.verdict == Allow && slices.ContainsFunc(r.ssh.forwards, place.everywhere) {
		d.Report(r.at, fmt.Sprintf("rule %s lets connections go wherever the host can reach", r.name), "name hosts and ports in forwards")
	}
	r.lintKinds(d)
	for i := range p.rules {
		if other := &p.rules[i]; other != r && other.verdict < r.verdict && other.hides(r) {
			d.Report(r.at, fmt.Sprintf("rule %s never decides: rule %s is stricter and matches all that it does", r.name, other.name), "")
			break
		}
	}
	if groups := p.unreached(&r.who); groups != "" {
		d.Report(r.at, fmt.Sprintf("rule %s is for %s, whom no reach rule names", r.name, groups), "only members who are also in a group with reach can meet it")
	}
}

// lintKinds warns of rules for requests to clusters and services that meet none, or more than was meant.
func (r *rule) lintKinds(d *decoder) {
	if kinds := r.kinds(); len(kinds) == 1 && r.on.kinds != nil && !r.on.kinds.match(kinds[0]) {
		d.Report(r.at, fmt.Sprintf("rule %s never matches: it asks for facts of kind %s, and is on connections of kind %s", r.name, kinds[0], strings.Join(r.on.kinds.texts(), ", ")), "")
	}
	f := r.kube
	if f == nil || r.verdict == Deny {
		return
	}
	if f.resources == nil && (f.images != nil || f.serviceAccounts != nil || f.privileged != nil || f.hostPath != nil) {
		d.Report(r.at, fmt.Sprintf("rule %s asks what pods run as, and is for objects of every kind: roles and secrets run nothing", r.name), `name those that it is for: resources: [pods, "deployments.apps"]`)
	}
	if slices.ContainsFunc(r.objects, func(g glob) bool { return !strings.Contains(g.text, "/") && !g.everything() }) {
		d.Report(r.at, fmt.Sprintf("rule %s names objects that no cluster has", r.name), `write "namespace/resource/name", with - for no namespace: "stg/pods/*"; better, namespaces and names in kube`)
	}
}

// hides says that whenever other matches a pair, r matches it too.
func (r *rule) hides(other *rule) bool {
	return r.factless() && r.when == nil && other.effects&^r.effects == 0 &&
		r.who.covers(&other.who) && r.on.covers(&other.on) && (r.objects == nil || r.objects.covers(other.objects))
}

// unreached names the groups of a rule's who if none of them stands in any reach rule. Patterns are not followed.
func (p *Policy) unreached(named *who) string {
	if len(p.reach) == 0 || named.groups == nil {
		return ""
	}
	for _, g := range named.groups {
		for i := range p.reach {
			if w := &p.reach[i].who; w.groups == nil || w.groups.match(g.text) || len(g.parts) > 1 {
				return ""
			}
		}
	}
	return strings.Join(named.groups.texts(), ", ")
}

func (p *Policy) lintMasks(d *decoder) {
	for i := range p.masks {
		m := &p.masks[i]
		lifts := slices.ContainsFunc(m.mask.Fields, WholeSecrets)
		if m.unless != nil && m.unless.covers(&m.who) && !lifts {
			d.Report(m.at, fmt.Sprintf("mask %s holds for nobody: unless covers all that who does", m.mask.Name), "")
		}
		secrets := slices.ContainsFunc(m.mask.Fields, func(f string) bool { return strings.HasPrefix(f, "secrets.") || strings.HasPrefix(f, "secrets[") })
		if secrets && (m.unless == nil || !lifts) {
			d.Report(m.at, fmt.Sprintf("mask %s shows nobody the values of Secrets: they are hidden from everybody whom no mask shows them", m.mask.Name),
				`write whom they are shown: unless: {groups: [platform]}, fields: ["secrets.data.*"]`)
		}
		for _, c := range m.mask.Columns {
			if strings.Trim(c, "*.") == "" {
				d.Report(m.at, fmt.Sprintf("mask %s hides every column", m.mask.Name), "")
			}
		}
	}
}

func (p *Policy) lintLimits(d *decoder) {
	for i := range p.limits {
		r := &p.limits[i]
		if groups := p.unreached(&r.who); groups != "" {
			d.Report(r.at, fmt.Sprintf("limit %s is for %s, whom no reach rule names", r.name, groups), "only members who are also in a group with reach can meet it")
		}
		for j := range p.limits {
			if other := &p.limits[j]; i != j && other.hides(r) && !(r.hides(other) && i < j) {
				d.Report(r.at, fmt.Sprintf("limit %s never counts: limit %s is at least as strict and holds wherever it does", r.name, other.name), "")
				break
			}
		}
	}
}

// hides says that other's bounds never matter beside r's.
func (r *limitRule) hides(other *limitRule) bool {
	strict := r.limits
	strict.tighten(other.limits)
	return r.who.covers(&other.who) && r.on.covers(&other.on) && strict == r.limits
}

// covers says that every subject that other means is meant by w too, as far as can be told from the patterns.
func (w *who) covers(other *who) bool {
	if len(w.claims) > 0 {
		return false
	}
	if w.users != nil && !w.users.covers(other.users) || w.groups != nil && !w.groups.covers(other.groups) {
		return false
	}
	return w.types == nil || other.types != nil && !slices.ContainsFunc(other.types, func(t string) bool { return !slices.Contains(w.types, t) })
}

func (o *on) covers(other *on) bool {
	return len(o.labels) == 0 && (o.connections == nil || o.connections.covers(other.connections)) &&
		(o.kinds == nil || o.kinds.covers(other.kinds))
}

// covers says that every name which other matches is matched by g too. A nil other matches every name.
func (g globs) covers(other globs) bool {
	if g.everything() {
		return true
	}
	if other == nil {
		return false
	}
	for _, o := range other {
		// A pattern covers another if it matches the other's text with the stars as ordinary characters: whatever they
		// stand for, a star of ours stands for it too.
		if !g.match(o.text) {
			return false
		}
	}
	return true
}
