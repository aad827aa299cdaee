package policy

import (
	"fmt"
	"slices"
	"strings"
)

// unmet says, of a request that no rule admits, what of its body keeps it from one that would, and what would not: words that go on
// behind those that no rule allows it. "": no rule would, whatever its body said.
func (p *Policy) unmet(s *Subject, c *Connection, cmd *Command, judged []Judged) string {
	if cmd.Kube == nil || cmd.Kube.Resource == "" {
		return ""
	}
	first := slices.IndexFunc(judged, func(j Judged) bool { return j.Verdict == Deny })
	if first < 0 {
		return ""
	}
	for i := range p.rules {
		r, a := &p.rules[i], &judged[first].Access
		if r.kube == nil || r.verdict == Deny || !r.meets(s, c) {
			continue
		}
		how := admitting
		if r.verdict == Approve {
			how = asking
		}
		if !r.touches(a) {
			if cmd.Kube.byName() && r.effects&bit(a.Effect) == 0 && r.kube.match(cmd.Kube, how) {
				return "; rule " + r.name + " is one, but " + string(a.Effect) + " is not among its effects"
			}
			continue
		}
		words := r.kube.misses(cmd.Kube, how)
		if len(words) == 0 || !r.kube.matchBeside(cmd.Kube, how) {
			continue
		}
		if r.when != nil {
			if holds, err := r.when.holds(s, c, cmd); err != nil || !holds {
				continue
			}
		}
		return "; rule " + r.name + " would, but it asks for " + strings.Join(words, ", and for ")
	}
	return ""
}

// misses are the facts of a body that a rule asks for and a request does not have, each with what to do.
func (f *kubeFacts) misses(k *Kube, how bearing) (words []string) {
	for _, fact := range []struct {
		name  string
		asked *bool
		is    bool
		why   string // what makes it true
	}{
		{"dry_run", f.dryRun, k.DryRun, "--dry-run=server makes one"},
		{"privileged", f.privileged, k.Privileged, "a privileged container, a namespace of the host and a strong capability count as such"},
		{"host_path", f.hostPath, k.HostPath, "a volume that is a path of the host counts as such"},
	} {
		if fact.asked != nil && *fact.asked != fact.is {
			words = append(words, fmt.Sprintf("%s: %t (%s)", fact.name, *fact.asked, fact.why))
		}
	}
	for _, list := range []struct {
		name  string
		asked globs
		named []string
	}{{"service_accounts", f.serviceAccounts, k.ServiceAccounts}, {"images", f.images, k.Images}} {
		if lists(list.asked, list.named, k, how) {
			continue
		}
		asked := list.name + ": [" + few(list.asked.texts()) + "]"
		if len(list.named) == 0 {
			words = append(words, asked+", of which this names none (what has none needs a rule for "+k.what()+" without "+list.name+")")
			continue
		}
		others := slices.DeleteFunc(slices.Clone(list.named), list.asked.match)
		asked += ", and this names " + few(others)
		if list.name == "service_accounts" && slices.Contains(others, "default") {
			asked += " (as it pods run whose serviceAccountName nobody sets: name it)"
		}
		words = append(words, asked)
	}
	return words
}

// few are the first of a list's texts, as far as a message has room for them.
func few(all []string) string {
	const most, longest = 5, 100
	var out []string
	for i, text := range all {
		if i == most {
			return strings.Join(out, ", ") + fmt.Sprintf(" and %d more", len(all)-most)
		}
		if len(text) > longest {
			text = strings.ToValidUTF8(text[:longest], "") + "…"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}
