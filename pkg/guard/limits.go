package guard

import (
	"context"
	"fmt"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Control is what a protocol can do about the outcome of a command that ran. The zero Control is none.
type Control uint8

// The controls, each with the one before it.
const (
	NoControl Control = iota
	CanUndo           // what it did is held until its whole answer is known, and can be undone
	CanCount          // and the rows that it changed are known by then
)

// codeLimit is the code of refusals by a limit.
const codeLimit = "limit_reached"

// bounds are what a pass may still use of its limits.
type bounds struct {
	limits   policy.Limits
	affected *policy.Bound // how many rows it may change
	counts   bool          // rows or bytes of its result are bounded
	rows     int64         // of its result so far, and their bytes
	bytes    int64
}

// hold puts limits in force for a command's result.
func (b *bounds) hold(l policy.Limits) {
	b.limits = l
	b.counts = l.Grant.Rows.Set() || l.Grant.Bytes.Set() || l.Command.Rows.Set() || l.Command.Bytes.Set()
}

// reserve counts a command that is about to be admitted, and refuses it where a limit is reached. What only steers the
// session (BEGIN, COMMIT, SET) counts for nothing: it must always be possible to end a transaction.
func (s *Session) reserve(p *Pass) *api.Refusal {
	c := p.command
	if !weightier(c.Facts.Accesses) {
		return nil
	}
	standing := p.standing
	if standing == nil {
		return &api.Refusal{Code: "denied", Rule: policy.RuleDefault, Message: "No policy is loaded, so every command is refused."}
	}
	p.bounds.hold(standing.Limits)
	grant := &p.bounds.limits.Grant
	if b, what := s.reached(grant, c.units()); b != nil {
		return s.grantLimit(*b, what)
	}
	p.reserved = c.units()
	if c.Stage == Prepare { // it would be of no use, but it is the values that count
		s.unreserve(p)
	}
	return nil
}

// limits says whether a limit or a rule's bound may refuse a command, or its answer: whoever sends it waits for that.
func (x *Standing) limits(d policy.Decision) bool {
	if d.Affected != nil || x == nil {
		return true
	}
	l := &x.Limits
	return l.Grant.Commands.Set() || l.Grant.Rows.Set() || l.Grant.Bytes.Set() || l.Command.Rows.Set() || l.Command.Bytes.Set()
}

// bounds says whether the limits are the same as at another time.
func (x *Standing) bounds(then *Standing) bool {
	return x == then || x != nil && then != nil && x.Limits == then.Limits
}

func sameBound(a, b *policy.Bound) bool { return a == b || a != nil && b != nil && *a == *b }

// reached counts units more commands and answers the bound of the grant that does not let them pass, nil where all do.
func (s *Session) reached(q *policy.Quota, units int64) (*policy.Bound, string) {
	t := s.cfg.Tally
	switch {
	case q.Rows.Set() && !t.within(func() bool { return t.rows.Load() <= q.Rows.Max }):
		return &q.Rows, "rows"
	case q.Bytes.Set() && !t.within(func() bool { return t.bytes.Load() <= q.Bytes.Max }):
		return &q.Bytes, "bytes"
	case !q.Commands.Set():
		if t != nil {
			t.commands.Add(units)
		}
		return nil, ""
	case t.within(func() bool { return t.commands.Add(units) <= q.Commands.Max }):
		return nil, ""
	case t.Counts():
		t.commands.Add(-units)
	}
	return &q.Commands, "commands"
}

// unreserve gives back what a command reserved that did not run after all.
func (s *Session) unreserve(p *Pass) {
	if s.cfg.Tally != nil {
		s.cfg.Tally.commands.Add(-p.reserved)
	}
	p.reserved = 0
}

// undoable refuses a command whose outcome may have to be undone where that is not possible.
func (s *Session) undoable(p *Pass) *api.Refusal {
	c, b := p.command, p.bounds.affected
	switch {
	case b != nil && c.Control < CanCount:
		return &api.Refusal{
			Code: "uncountable", Rule: b.Rule, Message: fmt.Sprintf(
				"Rule %s allows at most %d rows to be changed, and what this command changes can't be counted and undone.", b.Rule, b.Max),
			Remedy: []api.Remedy{{Kind: "rewrite", Text: "Send it as one plain INSERT, UPDATE, DELETE or MERGE, alone in its text, without another one in WITH, and of a table whose foreign keys change no other rows."}},
		}
	case p.bounds.counts && c.Control < CanUndo && !c.Cut && weighty(c.Facts.Accesses):
		return &api.Refusal{
			Code: "uncountable", Rule: p.bounds.rule(), Message: "Results are limited here, and what this text changes can't be undone when it answers too much.",
			Remedy: []api.Remedy{{Kind: "rewrite", Text: "Send its statements separately."}},
		}
	}
	return nil
}

// rule names a limit on the result of a command.
func (b *bounds) rule() string {
	for _, x := range []policy.Bound{b.limits.Grant.Rows, b.limits.Grant.Bytes, b.limits.Command.Rows, b.limits.Command.Bytes} {
		if x.Set() {
			return x.Rule
		}
	}
	return policy.RuleDefault
}

// Bounded says that the command's outcome may still be refused: nothing may follow it to the target, and nothing of it may
// be made lasting, before its answer has come.
func (p *Pass) Bounded() bool { return p.bounds.counts || p.bounds.affected != nil }

// BoundedChanges says so of the rows that it changes.
func (p *Pass) BoundedChanges() bool { return p.bounds.affected != nil }

// Row counts a row of size bytes, or another message that can carry as much, before it goes to the client. A refusal means that neither
// it nor anything behind it may.
func (p *Pass) Row(size int) *Refusal { return p.count(1, size) }

// Piece does so for a piece of a result that has no rows.
func (p *Pass) Piece(size int) *Refusal { return p.count(0, size) }

func (p *Pass) count(rows int64, size int) *Refusal {
	if !p.bounds.counts {
		return nil
	}
	b, t := &p.bounds, p.session.cfg.Tally
	b.rows += rows
	b.bytes += int64(size)
	command, grant := &b.limits.Command, &b.limits.Grant
	switch {
	case b.rows > command.Rows.Max:
		return p.over(commandLimit(command.Rows, "rows"))
	case b.bytes > command.Bytes.Max:
		return p.over(commandLimit(command.Bytes, "bytes"))
	case grant.Rows.Set() && !t.within(func() bool { return t.rows.Add(rows) <= grant.Rows.Max }):
		return p.over(*p.session.grantLimit(grant.Rows, "rows"))
	case grant.Bytes.Set() && !t.within(func() bool { return t.bytes.Add(int64(size)) <= grant.Bytes.Max }):
		return p.over(*p.session.grantLimit(grant.Bytes, "bytes"))
	}
	return nil
}

// Said counts a message of size bytes that belongs to no command, such as a notification, before it goes to the client. It says whether
// it may.
func (s *Session) Said(size int) bool {
	x, t := s.standing.Load(), s.cfg.Tally
	if x == nil {
		return true // no command was let through yet
	}
	q := &x.Limits.Grant
	return (!q.Rows.Set() || t.within(func() bool { return t.rows.Add(1) <= q.Rows.Max })) &&
		(!q.Bytes.Set() || t.within(func() bool { return t.bytes.Add(int64(size)) <= q.Bytes.Max }))
}

// Affected judges how many rows the command has changed; a negative number says that it is not known. A refusal means that
// it must be undone.
func (p *Pass) Affected(rows int64) *Refusal {
	b := p.bounds.affected
	switch {
	case b == nil || rows >= 0 && rows <= b.Max:
		return nil
	case rows < 0:
		return p.over(api.Refusal{Code: "uncountable", Rule: b.Rule, Message: "How many rows the command changed is not known, so it was undone."})
	}
	return p.over(api.Refusal{
		Code: codeLimit, Rule: b.Rule,
		Message: fmt.Sprintf("The command changed %d rows, and rule %s allows at most %d. It was undone.", rows, b.Rule, b.Max),
		Remedy:  []api.Remedy{{Kind: "rewrite", Text: "Name fewer rows in WHERE, or ask who keeps the policy."}},
	})
}

// Overdue records that the command ran for longer than a limit allows; what protocols have an own code for.
func (p *Pass) Overdue(b policy.Bound) *Refusal {
	r := p.session.refuse(context.Background(), p, api.Refusal{
		Code: codeLimit, Rule: b.Rule, Message: fmt.Sprintf("The limit %s is reached: a statement may run for %s.", b.Rule, time.Duration(b.Max)),
		Remedy: []api.Remedy{{Kind: "rewrite", Text: "Ask for less in one statement."}},
	})
	r.SQLState = "57014"
	return r
}

// Timed calls end, once, when the command has run for as long as a limit allows. It is for protocols whose target does not
// keep time itself.
func (p *Pass) Timed(end func(*Refusal)) (stop func()) {
	now := p.session.Standing()
	if now == nil || !now.Limits.Statement.Set() {
		return func() {}
	}
	bound := now.Limits.Statement
	timer := time.AfterFunc(time.Duration(bound.Max), func() { end(p.Overdue(bound)) })
	return func() { timer.Stop() }
}

func (p *Pass) over(r api.Refusal) *Refusal {
	got := p.session.refuse(context.Background(), p, r)
	got.SQLState = "53400"
	return got
}

// limited is what Admit answers for a command that a limit refuses.
func (s *Session) limited(ctx context.Context, p *Pass, r api.Refusal) *Refusal {
	got := s.refuse(ctx, p, r)
	if r.Code == codeLimit {
		got.SQLState = "53400"
	}
	return got
}

func commandLimit(b policy.Bound, what string) api.Refusal {
	return api.Refusal{
		Code: codeLimit, Rule: b.Rule, Message: fmt.Sprintf("The limit %s is reached: %d %s in one command. The rest of the result is withheld.", b.Rule, b.Max, what),
		Remedy: []api.Remedy{{Kind: "rewrite", Text: "Ask for less in one command."}},
	}
}

func (s *Session) grantLimit(b policy.Bound, what string) *api.Refusal {
	if !s.cfg.Tally.Counts() {
		return &api.Refusal{
			Code: "uncountable", Rule: b.Rule, Message: fmt.Sprintf("The limit %s can't be counted: the gateway was started again since this grant was given.", b.Rule),
			Remedy: []api.Remedy{{Kind: "reconnect", Text: "Connect again with hoop connect, for a new grant."}},
		}
	}
	ends := s.cfg.Tally.Ends()
	return &api.Refusal{
		Code: codeLimit, Rule: b.Rule, ResetsAt: ends,
		Message: fmt.Sprintf("The limit %s is reached: %d %s under one grant. It is counted anew under the next grant; this one ends at %s.",
			b.Rule, b.Max, what, ends.Format(time.RFC3339)),
		Remedy: []api.Remedy{{Kind: "wait", Text: "Wait for the end of this grant, or ask who keeps the policy."}},
	}
}

// units are how many commands it counts for.
func (c *Command) units() int64 { return max(int64(c.Units), 1) }

// weightier says whether a command does more than steer its session.
func weightier(accesses []policy.Access) bool {
	for _, a := range accesses {
		if a.Effect != policy.Session {
			return true
		}
	}
	return len(accesses) == 0
}
