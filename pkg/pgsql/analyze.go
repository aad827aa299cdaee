package pgsql

import (
	"context"
	"slices"
	"sort"
)

// Analyze says what a text does, and what to send in its place. It never fails open: what it can't tell is a Problem, or the
// effect unknown.
func Analyze(ctx context.Context, grammar *Pool, text string, env Env) Analysis {
	q, known, ok := grammar.known(text, env)
	if ok {
		return known
	}
	p, shape := q.parsed, q.shape
	if p == nil {
		p = grammar.parseScanned(ctx, q.scanned, q.problem)
	}
	key := resultKey{parsed: p, circumstances: shape.circumstances}
	a := &analyzer{ctx: ctx, pool: grammar, parsed: p, env: env, names: newNames(env), out: &Analysis{Text: text, Normal: p.normal(), Rewritten: text}}
	a.masks = env.Masks != nil && len(env.Masks.Columns)+len(env.Masks.Opaque)+len(env.Masks.Rows) > 0
	a.readAs()
	a.run()
	if a.counts {
		a = &analyzer{ctx: ctx, pool: grammar, parsed: p, env: env, names: newNames(env), masks: a.masks, uncounted: true, out: &Analysis{Text: text, Normal: p.normal(), Rewritten: text}}
		a.readAs()
		a.run()
	}
	a.out.Personal = a.personal
	if !a.personal {
		grammar.results.put(key, *a.out)
	}
	if shape.shape != "" {
		grammar.shapes.put(shape, a.shaped())
	}
	return *a.out
}

// Known is Analyze without waiting: it answers what is remembered of the text, or of one of its shape.
func Known(grammar *Pool, text string, env Env) (Analysis, bool) {
	_, known, ok := grammar.known(text, env)
	return known, ok
}

// question is a text that nothing is remembered of, as far as it was looked at.
type question struct {
	scanned
	problem *Problem
	parsed  *parsed // nil: the grammar has to be asked
	shape   shapeKey
}

func (p *Pool) known(text string, env Env) (q question, known Analysis, ok bool) {
	q.shape.circumstances = circumstancesOf(env)
	if q.parsed = p.cache.get(text); q.parsed != nil {
		known, ok = p.results.get(resultKey{parsed: q.parsed, circumstances: q.shape.circumstances})
		return q, known, ok
	}
	q.scanned, q.problem = scan(text)
	if q.problem == nil && len(text) <= maxShaped {
		q.shape.shape = q.scanned.shape()
		known, ok = p.shapes.get(q.shape, &q.scanned)
	}
	return q, known, ok
}

// analyzer is the work on one text.
type analyzer struct {
	*parsed
	ctx   context.Context // of the one call of Analyze that this lives for
	pool  *Pool
	env   Env
	names names
	masks bool // masks are in force
	out   *Analysis
	// quotes are the places in text of quotes that the person's own text does not have.
	quotes []int

	edits       map[int]edit // by where they start
	projections map[string]*Relation
	masked      map[string]struct{}
	warned      map[string]struct{}
	blanks      map[int]struct{} // tokens that the record must not show
	params      map[int]struct{}
	// personal: the answer depends on the session's own names, so it is not kept.
	personal bool
	// counts: Postgres counts different values of masked columns for it. Then it is read once more, uncounted.
	counts, uncounted bool
}

func (a *analyzer) run() {
	if a.problem != nil {
		a.out.Problem = a.notOfGrammar(a.problem)
		a.out.Recorded, a.out.Rewritten = a.recordUnparsed(), ""
		return
	}
	a.edits, a.projections = map[int]edit{}, map[string]*Relation{}
	a.masked, a.warned = map[string]struct{}{}, map[string]struct{}{}
	a.blanks, a.params = map[int]struct{}{}, map[int]struct{}{}
	if a.modern && a.env.Catalog != nil && a.env.Catalog.Server < 160000 {
		a.refuse(&Problem{SQLState: "42601", Rule: "unparsable", Message: "trailing junk after numeric literal", Hint: "Servers before 16 know no 0x, 0o, 0b and _ in numbers."})
	}
	names := changeOfNames{}
	for _, raw := range a.stmts {
		if !a.env.Unrestricted && names.broken(raw.child("stmt")) {
			a.refuse(&Problem{SQLState: "42501", Rule: "names", Message: "a statement before this one changes what its names mean", Hint: "Send the statements separately.", Position: a.position(raw)})
		}
		st := a.statement(raw.child("stmt"), a.find(int(raw.number("stmt_location"))))
		a.out.Statements = append(a.out.Statements, st)
		names.note(st)
	}
	a.finish()
}

func (a *analyzer) finish() {
	a.out.Masked, a.out.Warnings = sortedKeys(a.masked), sortedKeys(a.warned)
	a.out.Recorded = a.record()
	for n := range a.params {
		a.out.BlankParams = append(a.out.BlankParams, n)
	}
	sort.Ints(a.out.BlankParams)
	if a.out.Problem == nil {
		a.rewrite()
	}
	if a.out.Problem != nil {
		a.out.Rewritten = ""
	}
}

// position is where a statement begins, in characters.
func (a *analyzer) position(raw *node) int {
	i := a.find(int(raw.number("stmt_location")))
	if i >= len(a.tokens) {
		return 0
	}
	return a.character(a.tokens[i].start)
}

// refuse keeps the first problem; the walk goes on, so that the record of the refused text is complete too.
func (a *analyzer) refuse(p *Problem) {
	if a.out.Problem == nil {
		a.out.Problem = p
	}
}

// refuseAt refuses with the place of a node.
func (a *analyzer) refuseAt(n *node, p Problem) {
	if n != nil && n.loc >= 0 {
		p.Position = a.character(n.loc)
	}
	a.refuse(&p)
}

// changeOfNames remembers that a statement of a text changed names, settings or the catalog.
// Transaction control may follow such a statement, and harmless settings may follow each other; all else is sent separately.
type changeOfNames struct{ settings, all bool }

// broken says whether the meaning of a statement is open after those before it.
func (c *changeOfNames) broken(n *node) bool {
	if n.is("TransactionStmt") {
		return false
	}
	return c.all || c.settings && !n.is("VariableSetStmt")
}

func (c *changeOfNames) note(st Statement) {
	c.settings = c.settings || st.Command == "set" && st.Tx == NoTransaction || slices.Contains(st.Functions, "pg_catalog.set_config")
	names := st.Names.Op != NoName && st.Names.Op != ExecutePrepared && st.Names.Op != FetchCursor
	c.all = c.all || st.ChangesCatalog || names || st.Tx == RollsBack
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
