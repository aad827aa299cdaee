package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// who says which subjects are meant. Every field that was written must hold; a list holds where one of its entries does.
type who struct {
	users, groups globs
	types         []string
	claims        []claim
}

type claim struct {
	name   string
	values []string
}

func (w *who) match(s *Subject) bool {
	if w.users != nil && !w.users.match(s.User) {
		return false
	}
	if w.groups != nil && !w.groups.matchAny(s.Groups) {
		return false
	}
	if w.types != nil && !slices.Contains(w.types, s.Type) {
		return false
	}
	for i := range w.claims {
		if !w.claims[i].match(s.Claims[w.claims[i].name]) {
			return false
		}
	}
	return true
}

// anybody says that the field leaves nobody out.
func (w *who) anybody() bool {
	return (w.users == nil || w.users.everything()) && w.groups == nil && w.types == nil && w.claims == nil
}

// match compares a claim exactly; of a list, one value must fit.
func (c *claim) match(value any) bool {
	if list, ok := value.([]any); ok {
		return slices.ContainsFunc(list, c.match)
	}
	if list, ok := value.([]string); ok {
		return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(c.values, s) })
	}
	text, ok := claimText(value)
	return ok && slices.Contains(c.values, text)
}

func claimText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int, int64:
		return fmt.Sprint(v), true
	case fmt.Stringer: // json.Number
		return v.String(), true
	default:
		return "", false
	}
}

// on says which connections are meant, like who.
type on struct {
	connections, kinds globs
	labels             []label
}

type label struct {
	name   string
	values globs
}

func (o *on) match(c *Connection) bool {
	if o.connections != nil && !o.connections.match(c.Name) {
		return false
	}
	if o.kinds != nil && !o.kinds.match(c.Kind) {
		return false
	}
	for i := range o.labels {
		value, ok := c.Labels[o.labels[i].name]
		if !ok || !o.labels[i].values.match(value) {
			return false
		}
	}
	return true
}

func (o *on) anywhere() bool {
	return (o.connections == nil || o.connections.everything()) && (o.kinds == nil || o.kinds.everything()) && o.labels == nil
}

// effectSet is a set of effects, one bit each.
type effectSet uint16

// ordinary is every effect but unknown and shell: what a rule without `effects` admits.
const ordinary = effectSet(1)<<9 - 1

// bit is an effect's place in a set; a word that is no effect counts as unknown.
func bit(e Effect) effectSet {
	switch e {
	case Read:
		return 1
	case Write:
		return 1 << 1
	case Delete:
		return 1 << 2
	case Schema:
		return 1 << 3
	case Privilege:
		return 1 << 4
	case Execute:
		return 1 << 5
	case Transfer:
		return 1 << 6
	case Session:
		return 1 << 7
	case Admin:
		return 1 << 8
	case Shell:
		return 1 << 10
	default:
		return 1 << 9
	}
}

func allEffects() []Effect {
	return []Effect{Read, Write, Delete, Schema, Privilege, Execute, Transfer, Session, Admin, Shell, Unknown}
}

// sqlFacts are what a rule asks of a SQL command. For a list of words a deny or approve rule matches where one of the
// command's words is listed; an allow rule matches only where all are, so that it never lets through what stands
// beside the thing it names.
type sqlFacts struct {
	commands, functions globs
	filter              []string
	tablesMax           int // -1: not asked
	matches             *regexp.Regexp
}

func (f *sqlFacts) match(s *SQL, v Verdict) bool {
	if s == nil {
		return false
	}
	holds := globs.matchAny
	if v == Allow {
		holds = globs.matchAll
	}
	return (f.commands == nil || len(s.Commands) > 0 && holds(f.commands, s.Commands)) &&
		(f.functions == nil || holds(f.functions, s.Functions)) &&
		(f.filter == nil || slices.Contains(f.filter, s.Filter)) &&
		(f.tablesMax < 0 || s.Tables <= f.tablesMax) &&
		(f.matches == nil || f.matches.MatchString(s.Normal))
}

// rule is one rule, ready to be matched.
type rule struct {
	at       *strict.Node
	name     string
	who      who
	on       on
	effects  effectSet
	named    bool // effects were written
	objects  globs
	sql      *sqlFacts
	ssh      *sshFacts
	files    *fileFacts
	kube     *kubeFacts
	http     *httpFacts
	when     *condition
	verdict  Verdict
	message  string
	approval Approval
	affected *Bound // max_rows_affected
}

// Kinds of connections that facts belong to.
const (
	kindSQL  = "postgres"
	kindSSH  = "ssh"
	kindKube = "kubernetes"
	kindHTTP = "http"
)

// kinds are those whose facts the rule asks for.
func (r *rule) kinds() (all []string) {
	for kind, asked := range map[string]bool{
		kindSQL: r.sql != nil, kindSSH: r.ssh != nil || r.files != nil, kindKube: r.kube != nil, kindHTTP: r.http != nil,
	} {
		if asked {
			all = append(all, kind)
		}
	}
	slices.Sort(all)
	return all
}

// meets says whether the rule is for this subject and connection at all.
func (r *rule) meets(s *Subject, c *Connection) bool {
	return r.who.match(s) && r.on.match(c) && (r.ssh == nil && r.files == nil || c.Kind == kindSSH) &&
		(r.kube == nil || c.Kind == kindKube) && (r.http == nil || c.Kind == kindHTTP)
}

// factless says that the rule asks for no facts of a command as a whole.
func (r *rule) factless() bool {
	return r.sql == nil && r.ssh == nil && r.files == nil && r.kube == nil && r.http == nil
}

// asks says whether the rule asks for facts of the command as a whole, and they hold.
func (r *rule) asks(cmd *Command) bool {
	return (r.sql == nil || r.sql.match(cmd.SQL, r.verdict)) && (r.ssh == nil || r.ssh.match(cmd.SSH, r.verdict)) &&
		(r.files == nil || r.files.match(cmd.Files, r.verdict)) && (r.kube == nil || r.kube.match(cmd.Kube, bearingOf(r.verdict))) &&
		(r.http == nil || r.http.match(cmd.HTTP, bearingOf(r.verdict)))
}

// touches says whether the rule speaks of a pair.
func (r *rule) touches(a *Access) bool {
	if r.verdict == Allow && r.ssh != nil && r.ssh.argv != nil && a.redirects() {
		return false
	}
	return r.effects&bit(a.Effect) != 0 && (r.objects == nil || r.objects.match(a.Object))
}

// nears says whether a rule that denies or asks for approval speaks of something that a pair of a request to a cluster may be about,
// though it does not name it: a list over all namespaces shows those of each.
func (r *rule) nears(a *Access, k *Kube) bool {
	if r.verdict == Allow || r.objects == nil || r.effects&bit(a.Effect) == 0 {
		return false
	}
	spread := k.spread(a.Object)
	return spread != "" && r.objects.overlap(spread)
}

func (r *rule) touchesAny(cmd *Command) bool {
	for i := range cmd.Accesses {
		if a := &cmd.Accesses[i]; r.touches(a) || r.nears(a, cmd.Kube) {
			return true
		}
	}
	return false
}
