package policy

import "slices"

// A service may take an encoded slash in a path for a part of a segment, or for a slash. A rule is written with one of both in mind, so
// a request with one is judged in both readings, and the stricter verdict stands.

// decoded is the command in the other reading of its path; false where it has one alone.
func (c Command) decoded() (Command, bool) {
	if c.HTTP == nil || c.HTTP.Decoded == "" {
		return c, false
	}
	h := *c.HTTP
	c.Accesses = slices.Clone(c.Accesses)
	for i := range c.Accesses {
		if c.Accesses[i].Object == h.Path {
			c.Accesses[i].Object = h.Decoded
		}
	}
	h.Path, h.Decoded = h.Decoded, ""
	c.HTTP = &h
	return c, true
}

// and is the stricter of two decisions. Where both ask for approvals all are needed.
func (d Decision) and(other Decision) Decision {
	if other.Verdict < d.Verdict {
		if other.Rule == RuleDefault {
			other.Message += "; the service may take %2F in the path for a slash"
		}
		return other
	}
	if other.Verdict == d.Verdict {
		for _, a := range other.Approvals {
			if !slices.ContainsFunc(d.Approvals, func(b Approval) bool { return a.Rule == b.Rule }) {
				d.Approvals = append(d.Approvals, a)
			}
		}
	}
	return d
}
