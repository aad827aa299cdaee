package policy

import (
	"math"
	"time"
)

// NoBound is the Max of a Bound that bounds nothing.
const NoBound = math.MaxInt64

// Bound is the most of something that may be used, and the limit or rule that says so. The zero Bound lets nothing pass.
type Bound struct {
	Max  int64
	Rule string
}

// Set says that there is a bound at all.
func (b Bound) Set() bool { return b.Max != NoBound }

func (b *Bound) tighten(other Bound) {
	if other.Max < b.Max {
		*b = other
	}
}

// Quota is what one grant, or one command, may use. The zero Quota lets nothing pass.
type Quota struct{ Rows, Commands, Bytes Bound }

func (q *Quota) tighten(other Quota) {
	q.Rows.tighten(other.Rows)
	q.Commands.tighten(other.Commands)
	q.Bytes.tighten(other.Bytes)
}

// Limits are the strictest of all limits that hold for a subject on a connection. The zero Limits let nothing pass.
type Limits struct {
	Grant   Quota // over all sessions of a grant
	Command Quota
	// How long a statement may run, and a transaction may stay open while nothing is asked of it, in nanoseconds.
	Statement, IdleInTransaction Bound
}

// idleDefault is how long a transaction may be idle where no limit says so.
const idleDefault = 5 * time.Minute

func noQuota() Quota {
	return Quota{Bound{Max: NoBound}, Bound{Max: NoBound}, Bound{Max: NoBound}}
}

// NoLimits bound nothing.
func NoLimits() Limits {
	return Limits{Grant: noQuota(), Command: noQuota(), Statement: Bound{Max: NoBound}, IdleInTransaction: Bound{Max: NoBound}}
}

func (l *Limits) tighten(other Limits) {
	l.Grant.tighten(other.Grant)
	l.Command.tighten(other.Command)
	l.Statement.tighten(other.Statement)
	l.IdleInTransaction.tighten(other.IdleInTransaction)
}

// Limits are what a subject may use on a connection: of each kind the strictest of the limits that match. Without one that
// says otherwise a transaction may be idle for five minutes. A nil Policy lets nothing pass.
func (p *Policy) Limits(s Subject, c Connection) Limits {
	if p == nil {
		return Limits{}
	}
	all := NoLimits()
	for i := range p.limits {
		if r := &p.limits[i]; r.who.match(&s) && r.on.match(&c) {
			all.tighten(r.limits)
		}
	}
	if !all.IdleInTransaction.Set() {
		all.IdleInTransaction = Bound{Max: int64(idleDefault), Rule: RuleDefault}
	}
	return all
}

// Limit is what one entry of `limits` says, for people. What it does not bound has a Max of NoBound.
type Limit struct {
	Name       string
	PerCommand bool
	Quota
	Statement, IdleInTransaction time.Duration // 0: not bounded
}

// LimitRules are the limits that hold for a subject on a connection, in the order of the file.
func (p *Policy) LimitRules(s Subject, c Connection) []Limit {
	if p == nil {
		return nil
	}
	var found []Limit
	for i := range p.limits {
		if r := &p.limits[i]; r.who.match(&s) && r.on.match(&c) {
			found = append(found, r.summary())
		}
	}
	return found
}

func (r *limitRule) summary() Limit {
	l := Limit{Name: r.name, PerCommand: r.perCommand, Quota: r.limits.Grant}
	if r.perCommand {
		l.Quota = r.limits.Command
	}
	if r.limits.Statement.Set() {
		l.Statement = time.Duration(r.limits.Statement.Max)
	}
	if r.limits.IdleInTransaction.Set() {
		l.IdleInTransaction = time.Duration(r.limits.IdleInTransaction.Max)
	}
	return l
}

// String is the limit in one line: "rows 5000, commands 500 per grant".
func (l Limit) String() string {
	words := quotaWords(l.Quota, l.PerCommand)
	if l.Statement > 0 {
		words = join(words, "statement "+short(l.Statement))
	}
	if l.IdleInTransaction > 0 {
		words = join(words, "idle_in_transaction "+short(l.IdleInTransaction))
	}
	return words
}

// affected is the bound on the rows that a command may change: the strictest of the rules that speak of what it writes or
// deletes. Nil: none.
func affected(matched []match, accesses []Access) *Bound {
	var strictest *Bound
	for _, m := range matched {
		if m.affected == nil || strictest != nil && strictest.Max <= m.affected.Max {
			continue
		}
		for i := range accesses {
			if a := &accesses[i]; (a.Effect == Write || a.Effect == Delete) && m.touches(a) {
				strictest = m.affected
				break
			}
		}
	}
	return strictest
}
