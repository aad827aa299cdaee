package policy

import "slices"

// names says whether the rule names a channel.
func (r *rule) names(channel string) bool {
	return r.ssh != nil && slices.Contains(r.ssh.channels, channel)
}

// open judges the opening of a channel in which every operation is judged by itself: it is allowed where a rule that names
// the channel may let some of them pass, and no rule denies it.
func (p *Policy) open(s *Subject, c *Connection, cmd *Command) Decision {
	var by *rule
	for i := range p.rules {
		r := &p.rules[i]
		if r.verdict == Deny {
			holds, err := r.matches(s, c, cmd)
			if err != nil {
				return refuseAll(*cmd, r.name, "the condition of rule "+r.name+" can't be evaluated: "+err.Error())
			}
			if holds {
				return refuseAll(*cmd, r.name, r.message)
			}
			continue
		}
		if by == nil && r.meets(s, c) && r.names(cmd.SSH.Channel) {
			by = r
		}
	}
	if by == nil {
		return refuseAll(*cmd, RuleDefault, "no rule names the channel "+cmd.SSH.Channel+" for "+s.User+" ("+c.Name+")")
	}
	d := Decision{Verdict: Allow, Rule: by.name, Message: by.message}
	for _, a := range cmd.Accesses {
		d.Judged = append(d.Judged, Judged{Access: a, Verdict: Allow, Rule: by.name})
	}
	return d
}
