package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
)

// Policy is a parsed policy file. It never changes, and is safe for concurrent use. The zero Policy and a nil one deny
// everything.
type Policy struct {
	file    string
	version string
	reach   []reachRule
	rules   []rule
	masks   []maskRule
	powers  []powerRule
	tests   []Test
}

type reachRule struct {
	at    *node
	who   who
	on    on
	given bool // who was written
	reach Reach
}

type maskRule struct {
	at     *node
	who    who
	on     on
	unless *who
	mask   Mask
}

type powerRule struct {
	at    *node
	name  string
	who   who
	on    on
	given bool
	may   []string
}

// Parse reads a policy. The error is a Problems with everything that is wrong; name stands in it as the file's name.
// Nothing is ignored: an unknown key and a part that this version does not serve are problems.
func Parse(data []byte, name string) (*Policy, error) {
	d := &decoder{file: name}
	sum := sha256.Sum256(data)
	p := &Policy{file: name, version: hex.EncodeToString(sum[:])}
	if root := d.readYAML(data); root != nil {
		d.policy(root, p)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// Version is the hex SHA-256 of the bytes that were parsed; "" for a nil or zero Policy.
func (p *Policy) Version() string {
	if p == nil {
		return ""
	}
	return p.version
}

func (d *decoder) policy(root *node, p *Policy) {
	version := ""
	var env *cel.Env
	ok := d.mapping(root, "a policy", fields{
		"version": d.into(&version),
		"reach":   section(d, &p.reach, d.reach, func(r *reachRule) string { return r.reach.Rule }),
		"rules":   section(d, &p.rules, func(n *node) rule { return d.rule(n, &env) }, func(r *rule) string { return r.name }),
		"masks":   section(d, &p.masks, d.mask, func(m *maskRule) string { return m.mask.Name }),
		"powers":  section(d, &p.powers, d.power, func(w *powerRule) string { return w.name }),
		"tests":   func(n *node) { d.each(n, func(n *node) { p.tests = append(p.tests, d.test(n)) }) },
		"limits":  d.later("limits"),
	})
	if ok && version != "1" {
		d.problem(root, fmt.Sprintf("the policy's version is %q, this hoopd reads version 1", version), "begin the file with: version: 1")
	}
}

// section reads a list of rules of one kind, whose names must differ.
func section[T any](d *decoder, rules *[]T, read func(*node) T, name func(*T) string) func(*node) {
	return func(n *node) {
		seen := map[string]bool{}
		d.each(n, func(n *node) {
			r := read(n)
			d.name(n, name(&r), seen)
			*rules = append(*rules, r)
		})
	}
}

// name checks that every verdict can name exactly one rule.
func (d *decoder) name(n *node, name string, seen map[string]bool) {
	switch {
	case name == "":
		d.problem(n, "the name is missing", "every rule has a name: refusals name it")
	case name == RuleDefault || name == RuleInternal:
		d.problem(n, fmt.Sprintf("the name %q is taken: it stands for a decision that no rule made", name), "")
	case seen[name]:
		d.problem(n, fmt.Sprintf("the name %q is used twice", name), "")
	case len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }):
		d.problem(n, fmt.Sprintf("the name %q is not one word of printable ASCII", name), "")
	}
	seen[name] = true
}

func (d *decoder) reach(n *node) reachRule {
	r := reachRule{at: n, reach: Reach{TTL: 30 * time.Minute}}
	var reason string
	d.mapping(n, "a reach rule", fields{
		"name":     d.into(&r.reach.Rule),
		"who":      func(n *node) { r.given = true; d.who(n, &r.who) },
		"on":       func(n *node) { d.on(n, &r.on) },
		"ttl":      d.duration(&r.reach.TTL, time.Minute, 24*time.Hour),
		"reason":   func(n *node) { reason = d.word(n, "value", "required", "optional") },
		"renew":    d.boolean(&r.reach.Renew),
		"approval": d.later("approval of a grant"),
	})
	r.reach.ReasonRequired = reason == "required"
	return r
}

func (d *decoder) who(n *node, w *who) {
	d.mapping(n, "who", fields{
		"users":  d.globs(&w.users),
		"groups": d.globs(&w.groups),
		"types":  d.words(&w.types, "type", "human", "workload", "agent"),
		"claims": func(n *node) { d.claims(n, w) },
	})
	if n.kind == mapping && len(n.entries) == 0 {
		d.problem(n, "it names nobody", "leave it out to mean everybody")
	}
}

func (d *decoder) claims(n *node, w *who) {
	d.free(n, "claims", func(key string, value *node) {
		c := claim{name: key}
		if value.kind == list {
			d.each(value, func(n *node) { c.values = append(c.values, d.str(n)) })
		} else {
			c.values = []string{d.str(value)}
		}
		w.claims = append(w.claims, c)
	})
}

func (d *decoder) on(n *node, o *on) {
	d.mapping(n, "on", fields{
		"connections": d.globs(&o.connections),
		"kinds":       d.globs(&o.kinds),
		"labels": func(n *node) {
			d.free(n, "labels", func(key string, value *node) {
				l := label{name: key}
				if value.kind == list {
					d.globs(&l.values)(value)
				} else {
					l.values = globs{newGlob(d.str(value))}
				}
				o.labels = append(o.labels, l)
			})
		},
	})
	if n.kind == mapping && len(n.entries) == 0 {
		d.problem(n, "it names no connection", "leave it out to mean all")
	}
}

// free reads a mapping whose keys are the user's own.
func (d *decoder) free(n *node, what string, read func(key string, value *node)) {
	known := fields{}
	if n.kind == mapping {
		for _, e := range n.entries {
			known[e.key] = func(v *node) { read(e.key, v) }
		}
		if len(n.entries) == 0 {
			d.problem(n, "an empty mapping says nothing here", "")
		}
	}
	d.mapping(n, what, known)
}

func (d *decoder) mask(n *node) maskRule {
	m := maskRule{at: n}
	var columns globs
	d.mapping(n, "a mask", fields{
		"name":     d.into(&m.mask.Name),
		"who":      func(n *node) { d.who(n, &m.who) },
		"on":       func(n *node) { d.on(n, &m.on) },
		"unless":   func(n *node) { m.unless = &who{}; d.who(n, m.unless) },
		"columns":  func(n *node) { d.globs(&columns)(n); d.columns(n, columns) },
		"as":       func(n *node) { m.mask.As = d.masked(n) },
		"writable": d.boolean(&m.mask.Writable),
		"detect":   d.later("detect"),
		"rows":     d.later("rows"),
		"fields":   d.later("fields"),
		"json":     d.later("json"),
	})
	m.mask.Columns = columns.texts()
	if n.kind == mapping && !n.has("detect", "rows", "fields", "json") {
		if columns == nil {
			d.problem(n, "a mask needs columns", `write: columns: ["public.users.email"]`)
		}
		if !n.has("as") {
			d.problem(n, "a mask says what is shown instead", "write: as: redact, null or last4")
		}
	}
	return m
}

func (n *node) has(keys ...string) bool {
	return slices.ContainsFunc(n.entries, func(e entry) bool { return slices.Contains(keys, e.key) })
}

func (d *decoder) masked(n *node) string {
	if n.kind == scalar && (n.text == "hash" || n.text == "pseudonym") {
		d.later("as: " + n.text)(n)
		return ""
	}
	return d.word(n, "value", "redact", "null", "last4")
}

// columns checks that patterns have one to three parts, none of them empty.
func (d *decoder) columns(n *node, columns globs) {
	for i, c := range columns {
		parts := strings.Split(c.text, ".")
		if len(parts) > 3 || slices.Contains(parts, "") {
			d.problem(n.items[i], fmt.Sprintf("%q is no pattern of a column", c.text), `write "schema.table.column"; parts at the left may be left out: "*.email"`)
		}
	}
}

func (d *decoder) power(n *node) powerRule {
	w := powerRule{at: n}
	d.mapping(n, "a power", fields{
		"name": d.into(&w.name),
		"who":  func(n *node) { w.given = true; d.who(n, &w.who) },
		"on":   func(n *node) { d.on(n, &w.on) },
		"may": d.words(&w.may, "power", string(SessionsRead), string(SessionsWatch), string(SessionsEnd),
			string(GrantsEnd), string(Locks), string(PolicyExplain)),
	})
	if n.kind == mapping && !n.has("may") {
		d.problem(n, "a power says what one may", "write: may: [sessions.read]")
	}
	return w
}
