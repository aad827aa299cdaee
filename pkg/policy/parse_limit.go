package policy

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// limitRule is one entry of `limits`.
type limitRule struct {
	at         *strict.Node
	name       string
	who        who
	on         on
	perCommand bool
	limits     Limits
}

// limit reads one entry. An entry without a name is called by its place, from 1.
func (d *decoder) limit(n *strict.Node, place int) limitRule {
	r := limitRule{at: n, limits: NoLimits()}
	q := noQuota()
	var per string
	var statement, idle time.Duration
	d.Mapping(n, "a limit", strict.Fields{
		"name":                d.Into(&r.name),
		"who":                 func(n *strict.Node) { d.who(n, &r.who) },
		"on":                  func(n *strict.Node) { d.on(n, &r.on) },
		"rows":                d.amount(&q.Rows.Max),
		"commands":            d.amount(&q.Commands.Max),
		"bytes":               d.size(&q.Bytes.Max),
		"per":                 func(n *strict.Node) { per = d.word(n, "value", "grant", "command") },
		"statement":           d.duration(&statement, 100*time.Millisecond, 24*time.Hour),
		"idle_in_transaction": d.duration(&idle, 100*time.Millisecond, 24*time.Hour),
	})
	if r.name == "" {
		r.name = "limit-" + strconv.Itoa(place)
	}
	r.perCommand = per == "command"
	if n.Kind == strict.Mapping {
		d.checkLimit(n, r.perCommand)
	}
	r.bound(q, statement, idle)
	return r
}

func (d *decoder) checkLimit(n *strict.Node, perCommand bool) {
	counts := n.Has("rows", "commands", "bytes")
	if !counts && !n.Has("statement", "idle_in_transaction") {
		d.Report(n, "it limits nothing", "write: rows, commands, bytes, statement or idle_in_transaction")
	}
	if n.Has("per") && !counts {
		d.Report(n, "per says what is counted over, and nothing is counted", "write: rows, commands or bytes beside it")
	}
	if perCommand && n.Has("commands") {
		d.Report(n, "commands are counted per grant", "write an entry of its own: {commands: 500, per: grant}")
	}
}

// bound fills in what the entry limits, with its name.
func (r *limitRule) bound(q Quota, statement, idle time.Duration) {
	for _, b := range []*Bound{&q.Rows, &q.Commands, &q.Bytes} {
		if b.Set() {
			b.Rule = r.name
		}
	}
	if r.perCommand {
		r.limits.Command = q
	} else {
		r.limits.Grant = q
	}
	if statement > 0 {
		r.limits.Statement = Bound{int64(statement), r.name}
	}
	if idle > 0 {
		r.limits.IdleInTransaction = Bound{int64(idle), r.name}
	}
}

// limits reads the section.
func (d *decoder) limits(p *Policy) func(*strict.Node) {
	return section(d, &p.limits, func(n *strict.Node) limitRule { return d.limit(n, len(p.limits)+1) }, func(r *limitRule) string { return r.name })
}

const mostCounted = 1_000_000_000_000

func (d *decoder) amount(v *int64) func(*strict.Node) {
	return func(n *strict.Node) {
		i, err := strconv.ParseInt(d.Text(n), 10, 64)
		if err != nil || i < 0 || i > mostCounted {
			d.Report(n, fmt.Sprintf("%q is no whole number from 0 to %d", n.Text, int64(mostCounted)), "")
			return
		}
		*v = i
	}
}

// size reads a number of bytes, with or without a unit.
func (d *decoder) size(v *int64) func(*strict.Node) {
	return func(n *strict.Node) {
		text, unit := d.Text(n), int64(1)
		for _, u := range []string{"KiB", "MiB", "GiB"} {
			unit <<= 10
			if number, ok := strings.CutSuffix(text, u); ok {
				d.bytes(n, strings.TrimSpace(number), unit, v)
				return
			}
		}
		d.bytes(n, text, 1, v)
	}
}

func (d *decoder) bytes(n *strict.Node, number string, unit int64, v *int64) {
	i, err := strconv.ParseInt(number, 10, 64)
	if err != nil || i < 0 || i > mostCounted*1000/unit {
		d.Report(n, fmt.Sprintf("%q is no number of bytes", n.Text), `write it like "500KiB", "10MiB" or "2GiB"`)
		return
	}
	*v = i * unit
}

// maxAffected reads max_rows_affected of a rule.
func (d *decoder) maxAffected(r *rule) func(*strict.Node) {
	return func(n *strict.Node) {
		b := Bound{}
		d.amount(&b.Max)(n)
		r.affected = &b
	}
}

// checkAffected says where max_rows_affected could not do what it says.
func (d *decoder) checkAffected(n *strict.Node, r *rule) {
	if r.affected == nil {
		return
	}
	r.affected.Rule = r.name
	if r.verdict == Deny {
		d.Report(n, "max_rows_affected in a deny rule has nothing to count: the command never runs", "write it in the rule that allows, or asks for approval")
	}
	if r.effects&(bit(Write)|bit(Delete)) == 0 {
		d.Report(n, "max_rows_affected counts rows that are written or deleted, and the rule speaks of neither", "write: effects: [write, delete]")
	}
}

// quotaWords is a quota in words, "" for none.
func quotaWords(q Quota, perCommand bool) string {
	words := ""
	for _, b := range []struct {
		name string
		Bound
	}{{"rows", q.Rows}, {"commands", q.Commands}, {"bytes", q.Bytes}} {
		if b.Set() {
			words = join(words, fmt.Sprintf("%s %d", b.name, b.Max))
		}
	}
	switch {
	case words == "":
		return ""
	case perCommand:
		return words + " per command"
	}
	return words + " per grant"
}

func join(words, more string) string {
	if words == "" {
		return more
	}
	return words + ", " + more
}
