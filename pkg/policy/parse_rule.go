package policy

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

func (d *decoder) rule(n *strict.Node, env **cel.Env) rule {
	r := rule{at: n, approval: Approval{Quorum: 1, Hold: 45 * time.Second, TTL: 10 * time.Minute}}
	var verdict, message string
	var effects []string
	d.Mapping(n, "a rule", strict.Fields{
		"name":              d.Into(&r.name),
		"who":               func(n *strict.Node) { d.who(n, &r.who) },
		"on":                func(n *strict.Node) { d.on(n, &r.on) },
		"effects":           d.effects(&effects),
		"objects":           d.globs(&r.objects),
		"sql":               func(n *strict.Node) { r.sql = d.sql(n) },
		"if":                func(n *strict.Node) { r.when = d.condition(n, env) },
		"verdict":           func(n *strict.Node) { verdict = d.word(n, "verdict", "allow", "approve", "deny") },
		"message":           d.Into(&message),
		"approval":          func(n *strict.Node) { d.approval(n, &r.approval) },
		"ssh":               func(n *strict.Node) { r.ssh = d.ssh(n) },
		"files":             func(n *strict.Node) { r.files = d.files(n) },
		"kube":              func(n *strict.Node) { r.kube = d.kube(n) },
		"http":              func(n *strict.Node) { r.http = d.http(n) },
		"max_rows_affected": d.maxAffected(&r),
	})
	if n.Kind != strict.Mapping {
		return r
	}
	r.verdict = verdictOf(verdict)
	if !n.Has("verdict") {
		d.Report(n, "the verdict is missing", "write: verdict: allow, approve or deny")
	}
	if n.Has("approval") && verdict != "approve" && verdict != "" {
		d.Report(n, fmt.Sprintf("approval stands in a rule whose verdict is %s", verdict), "write: verdict: approve")
	}
	if r.sql != nil && r.sql.tablesMax >= 0 && verdict == "deny" {
		d.Report(n, "tables_max in a deny rule would refuse the commands with few tables", "write it in the rule that allows")
	}
	r.admits(effects)
	d.checkForwards(n, &r)
	d.checkPorts(n, &r)
	d.checkAffected(n, &r)
	d.checkKinds(n, &r)
	r.approval.Rule = r.name
	r.message = r.say(message)
	return r
}

// checkKinds says where a rule could meet no command, as it asks for facts that no one command has.
func (d *decoder) checkKinds(n *strict.Node, r *rule) {
	if r.kube == nil && r.http == nil {
		return
	}
	if kinds := r.kinds(); len(kinds) > 1 {
		d.Report(n, "a rule asks for facts of one kind, not of "+strings.Join(kinds, " and "), "write a rule for each")
	}
	if r.affected != nil {
		d.Report(n, "max_rows_affected counts the rows of a SQL command", "leave it out")
	}
}

func verdictOf(word string) Verdict {
	switch word {
	case "allow":
		return Allow
	case "approve":
		return Approve
	default:
		return Deny
	}
}

func (d *decoder) effects(effects *[]string) func(*strict.Node) {
	var known []string
	for _, e := range allEffects() {
		known = append(known, string(e))
	}
	return func(n *strict.Node) {
		d.Each(n, func(n *strict.Node) { *effects = append(*effects, d.word(n, "effect", known...)) })
	}
}

// admits sets which effects the rule speaks of. Without `effects` that is all but unknown and shell, which only a rule that
// names them admits; a deny rule admits nothing, and so speaks of them too.
func (r *rule) admits(effects []string) {
	if effects == nil {
		r.effects = ordinary
		if r.verdict == Deny {
			r.effects |= bit(Unknown) | bit(Shell)
		}
		return
	}
	r.named = true
	for _, e := range effects {
		r.effects |= bit(Effect(e))
	}
}

// say is the sentence that a decision by this rule gives as its message.
func (r *rule) say(message string) string {
	if message != "" {
		return message
	}
	switch r.verdict {
	case Allow:
		return "rule " + r.name + " allows it"
	case Approve:
		by := strings.Join(append(r.approval.Groups[:len(r.approval.Groups):len(r.approval.Groups)], r.approval.Users...), " or ")
		if by == "" {
			by = "somebody that the policy does not name"
		}
		return "rule " + r.name + " asks for an approval by " + by
	default:
		return "rule " + r.name + " refuses it"
	}
}

func (d *decoder) approval(n *strict.Node, a *Approval) {
	d.Mapping(n, "an approval", strict.Fields{
		"by": func(n *strict.Node) {
			d.Mapping(n, "by", strict.Fields{"users": d.names(&a.Users), "groups": d.names(&a.Groups)})
		},
		"quorum":  d.integer(&a.Quorum, 1, 10),
		"hold":    d.duration(&a.Hold, 0, 10*time.Minute),
		"ttl":     d.duration(&a.TTL, time.Minute, 24*time.Hour),
		"preview": d.later("preview"),
	})
	if a.Groups == nil && a.Users != nil && len(a.Users) < a.Quorum {
		d.Report(n, fmt.Sprintf("the quorum is %d, but only %d can approve", a.Quorum, len(a.Users)), "")
	}
}

func (d *decoder) sql(n *strict.Node) *sqlFacts {
	f := &sqlFacts{tablesMax: -1}
	d.Mapping(n, "sql", strict.Fields{
		"commands": func(n *strict.Node) {
			d.globs(&f.commands)(n)
			for i, c := range f.commands {
				if lower := strings.ToLower(c.text); lower != c.text {
					d.Report(n.Items[i], fmt.Sprintf("commands are written in lower case, so %q never matches", c.text), fmt.Sprintf("write %q", lower))
				}
			}
		},
		"filter":     d.words(&f.filter, "filter", "none", "constant", "some"),
		"functions":  d.globs(&f.functions),
		"tables_max": d.integer(&f.tablesMax, 0, 1_000_000),
		"matches":    func(n *strict.Node) { f.matches = d.pattern(n) },
	})
	d.asks(n)
	return f
}

func (d *decoder) pattern(n *strict.Node) *regexp.Regexp {
	text := d.Text(n)
	if len(text) > 1000 {
		d.Report(n, "a pattern has at most 1000 bytes", "")
		return nil
	}
	p, err := regexp.Compile(text)
	if err != nil {
		d.Report(n, err.Error(), "the syntax is RE2's: https://github.com/google/re2/wiki/Syntax")
		return nil
	}
	return p
}

func (d *decoder) condition(n *strict.Node, env **cel.Env) *condition {
	text := d.Text(n)
	if *env == nil {
		made, err := conditionEnv()
		if err != nil {
			d.Report(n, err.Error(), "")
			return nil
		}
		*env = made
	}
	c, err := compile(*env, text)
	if err != nil {
		d.Report(n, err.Error(), "a condition is CEL over user, groups, claims, type, connection, effects, objects, sql, kube, http and now")
		return nil
	}
	return c
}
