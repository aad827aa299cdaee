package guard

import (
	"context"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Reach judges something more that a running command reaches for, and of which it says only now what it is: a port of a pod. c is the
// command with that in its facts. What is admitted stands or falls with the command until left is called. An error is a *Refusal: it
// refuses this alone, is recorded as a command of its own, and the running one goes on. Nobody is asked: what needs an approval is
// admitted where the command has one.
func (p *Pass) Reach(ctx context.Context, c Command) (left func(), err error) {
	if !p.alive() {
		return nil, ErrNoPass
	}
	key := new(int)
	if d, ok := p.reaches(key, c); !ok {
		return nil, p.session.Reject(ctx, c, denied(d))
	}
	return func() {
		p.partsMu.Lock()
		defer p.partsMu.Unlock()
		delete(p.parts, key)
	}, nil
}

// reaches decides on something more and keeps it, as one step: whoever looks under a later policy finds it.
func (p *Pass) reaches(key *int, c Command) (d policy.Decision, ok bool) {
	p.partsMu.Lock()
	defer p.partsMu.Unlock()
	if d = p.session.decide(c, p.session.cfg.Now()); !p.admits(&d) {
		return d, false
	}
	if p.parts == nil {
		p.parts = map[*int]Command{}
	}
	p.parts[key] = c
	return d, true
}

// admits says whether a verdict lets go on what this pass is for.
func (p *Pass) admits(d *policy.Decision) bool {
	switch {
	case d.Verdict == policy.Allow || d.Verdict == policy.Approve && p.approved:
		return true
	case d.Verdict == policy.Approve:
		d.Message = "The policy changed while the command ran: it needs an approval now."
	}
	return false
}

// reached decides anew on all that the command reaches for.
func (p *Pass) reached() (policy.Decision, bool) {
	p.partsMu.Lock()
	defer p.partsMu.Unlock()
	for _, c := range p.parts {
		if d := p.session.decide(c, p.session.cfg.Now()); !p.admits(&d) {
			return d, false
		}
	}
	return policy.Decision{}, true
}
