package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
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
	limits  []limitRule
	tests   []Test

	programs Programs
}

type reachRule struct {
	at    *strict.Node
	who   who
	on    on
	given bool // who was written
	reach Reach
}

type maskRule struct {
	at     *strict.Node
	who    who
	on     on
	unless *who
	mask   Mask
}

type powerRule struct {
	at    *strict.Node
	name  string
	who   who
	on    on
	given bool
	may   []string
}

// Parse reads a policy. The error is a Problems with everything that is wrong; name stands in it as the file's name.
// Nothing is ignored: an unknown key and a part that this version does not serve are problems.
func Parse(data []byte, name string) (*Policy, error) {
	d := newDecoder(name)
	sum := sha256.Sum256(data)
	p := &Policy{file: name, version: hex.EncodeToString(sum[:])}
	if root := d.Document(data); root != nil {
		d.policy(root, p)
	}
	if err := d.Err(); err != nil {
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

func (d *decoder) policy(root *strict.Node, p *Policy) {
	version := ""
	var env *cel.Env
	ok := d.Mapping(root, "a policy", strict.Fields{
		"version": d.Into(&version),
		"reach":   section(d, &p.reach, d.reach, func(r *reachRule) string { return r.reach.Rule }),
		"rules":   section(d, &p.rules, func(n *strict.Node) rule { return d.rule(n, &env) }, func(r *rule) string { return r.name }),
		"masks":   section(d, &p.masks, d.mask, func(m *maskRule) string { return m.mask.Name }),
		"powers":  section(d, &p.powers, d.power, func(w *powerRule) string { return w.name }),
		"tests":   func(n *strict.Node) { d.Each(n, func(n *strict.Node) { p.tests = append(p.tests, d.test(n)) }) },
		"limits":  d.limits(p),

		"programs": d.programSection(p),
	})
	if ok && version != "1" {
		d.Report(root, fmt.Sprintf("the policy's version is %q, this hoopd reads version 1", version), "begin the file with: version: 1")
	}
}

// section reads a list of rules of one kind, whose names must differ.
func section[T any](d *decoder, rules *[]T, read func(*strict.Node) T, name func(*T) string) func(*strict.Node) {
	return func(n *strict.Node) {
		seen := map[string]bool{}
		d.Each(n, func(n *strict.Node) {
			r := read(n)
			d.name(n, name(&r), seen)
			*rules = append(*rules, r)
		})
	}
}

// name checks that every verdict can name exactly one rule.
func (d *decoder) name(n *strict.Node, name string, seen map[string]bool) {
	switch {
	case name == "":
		d.Report(n, "the name is missing", "every rule has a name: refusals name it")
	case name == RuleDefault || name == RuleInternal || name == RuleThrough:
		d.Report(n, fmt.Sprintf("the name %q is taken: it stands for a decision that no rule made", name), "")
	case seen[name]:
		d.Report(n, fmt.Sprintf("the name %q is used twice", name), "")
	case len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }):
		d.Report(n, fmt.Sprintf("the name %q is not one word of printable ASCII", name), "")
	}
	seen[name] = true
}

func (d *decoder) reach(n *strict.Node) reachRule {
	r := reachRule{at: n, reach: Reach{TTL: 30 * time.Minute}}
	var reason string
	d.Mapping(n, "a reach rule", strict.Fields{
		"name":     d.Into(&r.reach.Rule),
		"who":      func(n *strict.Node) { r.given = true; d.who(n, &r.who) },
		"on":       func(n *strict.Node) { d.on(n, &r.on) },
		"ttl":      d.duration(&r.reach.TTL, time.Minute, 24*time.Hour),
		"reason":   func(n *strict.Node) { reason = d.word(n, "value", "required", "optional") },
		"renew":    d.boolean(&r.reach.Renew),
		"approval": d.later("approval of a grant"),
	})
	r.reach.ReasonRequired = reason == "required"
	return r
}

func (d *decoder) who(n *strict.Node, w *who) {
	d.Mapping(n, "who", strict.Fields{
		"users":  d.globs(&w.users),
		"groups": d.globs(&w.groups),
		"types":  d.words(&w.types, "type", "human", "workload", "agent"),
		"claims": func(n *strict.Node) { d.claims(n, w) },
	})
	if n.Kind == strict.Mapping && len(n.Entries) == 0 {
		d.Report(n, "it names nobody", "leave it out to mean everybody")
	}
}

func (d *decoder) claims(n *strict.Node, w *who) {
	d.free(n, "claims", func(key string, value *strict.Node) {
		c := claim{name: key}
		if value.Kind == strict.List {
			d.Each(value, func(n *strict.Node) { c.values = append(c.values, d.Text(n)) })
		} else {
			c.values = []string{d.Text(value)}
		}
		w.claims = append(w.claims, c)
	})
}

func (d *decoder) on(n *strict.Node, o *on) {
	d.Mapping(n, "on", strict.Fields{
		"connections": d.globs(&o.connections),
		"kinds":       d.globs(&o.kinds),
		"labels":      func(n *strict.Node) { o.labels = d.labels(n, "labels") },
	})
	if n.Kind == strict.Mapping && len(n.Entries) == 0 {
		d.Report(n, "it names no connection", "leave it out to mean all")
	}
}

// labels reads names with a pattern, or a list of them.
func (d *decoder) labels(n *strict.Node, what string) (all []label) {
	d.free(n, what, func(key string, value *strict.Node) {
		l := label{name: key}
		if value.Kind == strict.List {
			d.globs(&l.values)(value)
		} else {
			l.values = globs{newGlob(d.Text(value))}
		}
		all = append(all, l)
	})
	return all
}

// free reads a mapping whose keys are the user's own.
func (d *decoder) free(n *strict.Node, what string, read func(key string, value *strict.Node)) {
	if n.Kind == strict.Mapping && len(n.Entries) == 0 {
		d.Report(n, "an empty mapping says nothing here", "")
	}
	d.Free(n, what, read)
}

func (d *decoder) mask(n *strict.Node) maskRule {
	m := maskRule{at: n}
	var columns, objects globs
	d.Mapping(n, "a mask", strict.Fields{
		"name":     d.Into(&m.mask.Name),
		"who":      func(n *strict.Node) { d.who(n, &m.who) },
		"on":       func(n *strict.Node) { d.on(n, &m.on) },
		"unless":   func(n *strict.Node) { m.unless = &who{}; d.who(n, m.unless) },
		"columns":  func(n *strict.Node) { d.globs(&columns)(n); d.columns(n, columns) },
		"as":       func(n *strict.Node) { m.mask.As = d.masked(n) },
		"writable": d.boolean(&m.mask.Writable),
		"trusts":   func(n *strict.Node) { d.names(&m.mask.Trusts)(n); d.functions(n) },
		"detect": func(n *strict.Node) {
			d.words(&m.mask.Detect, "detector", Detectors()...)(n)
			d.detect(n, m.mask.Detect)
		},
		"patterns": d.later("patterns"),
		"rows":     d.rows(&m.mask.Rows),
		"objects":  func(n *strict.Node) { d.globs(&objects)(n); d.rowObjects(n, objects) },
		"fields":   d.jsonPaths(&m.mask.Fields, checkField),
		"json":     d.jsonPaths(&m.mask.JSON, checkJSONPath),
		"pages":    d.boolean(&m.mask.Pages),
	})
	m.mask.Columns = columns.texts()
	if m.mask.Rows != nil {
		m.mask.Rows.Objects = objects.texts()
	}
	if n.Kind == strict.Mapping && !n.Has("patterns") {
		d.complete(n)
	}
	return m
}

// complete checks that a mask says what it masks, in one way, and how.
func (d *decoder) complete(n *strict.Node) {
	values := n.Has("columns", "fields", "json")
	switch {
	case values && n.Has("detect"):
		d.Report(n, "a mask has columns, fields or json, or it has detect, not both", "write two masks")
	case n.Has("rows") && n.Has("detect"):
		d.Report(n, "a mask has rows or detect, not both", "write two masks")
	case n.Has("detect") && n.Has("writable"):
		d.Report(n, "writable is about columns: what detectors find is masked on the way back alone", "leave it out")
	case n.Has("pages") && !n.Has("json"):
		d.Report(n, "pages says that a service's pages show nothing of what json masks, and no json is here", "leave it out")
	case n.Has("objects") && !n.Has("rows"):
		d.Report(n, "objects says whose rows are filtered, and no filter is here", `write: rows: "tenant_id = 7", or name what is masked under columns`)
	case !values && !n.Has("detect") && !n.Has("rows"):
		d.Report(n, "a mask needs columns, fields, json, rows or detect", `write: columns: ["public.users.email"], or: fields: ["secrets.data.*"], or: json: ["$.user.ssn"], or: rows: "tenant_id = 7", or: detect: [email]`)
	case !values && !n.Has("detect") && n.Has("as", "writable"):
		d.Report(n, "as and writable are about columns, and this mask has rows alone", "leave them out, or write: columns: [...]")
	}
	if !n.Has("as") && (values || n.Has("detect")) {
		d.Report(n, "a mask says what is shown instead", "write: as: redact, null or last4")
	}
}

// detect checks that each detector stands in a list once.
func (d *decoder) detect(n *strict.Node, names []string) {
	if n.Kind != strict.List {
		d.Report(n, fmt.Sprintf("a list is needed here, not %s", n.Kind), "write: detect: [email]")
		return
	}
	for i, name := range names {
		if name != "" && slices.Contains(names[:i], name) {
			d.Report(n.Items[i], fmt.Sprintf("the detector %q stands here twice", name), "")
		}
	}
}

// functions wants names with their schema: one without would be another's as soon as a search path says so.
func (d *decoder) functions(n *strict.Node) {
	d.Each(n, func(n *strict.Node) {
		if schema, name, ok := strings.Cut(n.Text, "."); n.Text != "" && (!ok || schema == "" || name == "") {
			d.Report(n, fmt.Sprintf("%q: a function is written with its schema", n.Text), `write: trusts: ["public.set_updated_at"]`)
		}
	})
}

func (d *decoder) masked(n *strict.Node) string {
	if n.Kind == strict.Scalar && (n.Text == "hash" || n.Text == "pseudonym") {
		d.later("as: " + n.Text)(n)
		return ""
	}
	return d.word(n, "value", "redact", "null", "last4")
}

// columns checks that patterns have one to three parts, none of them empty.
func (d *decoder) columns(n *strict.Node, columns globs) {
	for i, c := range columns {
		parts := strings.Split(c.text, ".")
		if len(parts) > 3 || slices.Contains(parts, "") {
			d.Report(n.Items[i], fmt.Sprintf("%q is no pattern of a column", c.text), `write "schema.table.column"; parts at the left may be left out: "*.email"`)
		}
	}
}

func (d *decoder) power(n *strict.Node) powerRule {
	w := powerRule{at: n}
	d.Mapping(n, "a power", strict.Fields{
		"name": d.Into(&w.name),
		"who":  func(n *strict.Node) { w.given = true; d.who(n, &w.who) },
		"on":   func(n *strict.Node) { d.on(n, &w.on) },
		"may": d.words(&w.may, "power", string(SessionsRead), string(SessionsWatch), string(SessionsEnd),
			string(GrantsEnd), string(Locks), string(PolicyExplain)),
	})
	if n.Kind == strict.Mapping && !n.Has("may") {
		d.Report(n, "a power says what one may", "write: may: [sessions.read]")
	}
	return w
}
