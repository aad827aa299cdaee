package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// maxAnalyses is how many texts a session keeps understood.
const maxAnalyses = 128

// maxInLoop is the longest text in bytes that is looked up in the loop: a longer one takes so long to read that others
// would wait for it.
const maxInLoop = 16 << 10

// analyses are texts that were understood under one version of catalog, masks and policy.
type analyses struct {
	version string
	texts   map[string]*statement
}

// understand answers what a text means, or why it can't be sent. What was understood before is remembered as long as
// catalog, masks and policy stay the same and no session name is involved.
func (s *session) understand(ctx context.Context, text string) (*statement, *refused) {
	around, err := s.look(ctx)
	if around == nil {
		return nil, s.unseen(ctx, err)
	}
	st, r := s.understandIn(ctx, text, around)
	if r == nil && err != nil {
		r = s.unseenBy(ctx, err, st)
	}
	if r != nil {
		return nil, r
	}
	return st, nil
}

// understandIn does so in surroundings that are known.
func (s *session) understandIn(ctx context.Context, text string, around *surroundings) (*statement, *refused) {
	if s.parsed.version != around.version {
		s.parsed = analyses{around.version, map[string]*statement{}}
	}
	if st := s.parsed.texts[text]; st != nil {
		return st, nil
	}
	env := around.Env
	st := &statement{version: around.version, catalog: env.Catalog.Version}
	env.Prepared = func(name string) ([]pgsql.Access, bool) { return s.continued(ctx, st, nameKey{statementName, name}) }
	env.Cursor = func(name string) ([]pgsql.Access, bool) { return s.continued(ctx, st, nameKey{portalName, name}) }
	a, known := s.analyze(ctx, text, env)
	if !known {
		return nil, later
	}
	st.analysis = &a
	if a.Problem != nil {
		return nil, s.reject(ctx, a.Recorded, a.Problem)
	}
	if st.void != nil {
		return nil, st.void
	}
	if len(st.uses) == 0 && !changesNames(&a) && len(text) < maxInLoop {
		if len(s.parsed.texts) >= maxAnalyses {
			clear(s.parsed.texts)
		}
		s.parsed.texts[strings.Clone(text)] = st
	}
	return st, nil
}

// analyze reads a text, in the loop only where that needs no grammar worker.
func (s *session) analyze(ctx context.Context, text string, env pgsql.Env) (a pgsql.Analysis, known bool) {
	if s.inLoop {
		if len(text) > maxInLoop {
			return a, false
		}
		return pgsql.Known(s.grammar, text, env)
	}
	return pgsql.Analyze(ctx, s.grammar, text, env), true
}

func changesNames(a *pgsql.Analysis) bool {
	return slices.ContainsFunc(a.Statements, func(st pgsql.Statement) bool { return st.Names.Op != pgsql.NoName })
}

// continued answers the accesses of what a text goes on with under a name, and notes that the text depends on it. Where what the
// name stands for would be another text now, the text is void; else its accesses are those of now: the same names may have come
// to mean other tables.
func (s *session) continued(ctx context.Context, by *statement, key nameKey) ([]pgsql.Access, bool) {
	meant := s.meaningOf(ctx, key)
	by.uses = append(by.uses, nameUse{key, meant})
	if meant == nil {
		return nil, false
	}
	if r := s.stillHolds(ctx, meant); r != nil && by.void == nil {
		by.void = r
	}
	var all []pgsql.Access
	for _, x := range meant.analysis.Statements {
		all = append(all, x.Accesses...)
	}
	return all, true
}

// meaningOf answers what a name stands for now, nil where it stands for nothing.
func (s *session) meaningOf(ctx context.Context, key nameKey) *statement {
	if key.kind == statementName {
		st, err := s.statementNamed(ctx, key.name)
		if err != nil {
			return nil
		}
		return st
	}
	p, err := s.portalNamed(ctx, key.name)
	if p == nil || err != nil {
		return nil
	}
	return p.of
}

// sameNames says whether every name that a text goes on with still means what it meant when the text was understood.
func (s *session) sameNames(ctx context.Context, st *statement) bool {
	for _, u := range st.uses {
		if s.meaningOf(ctx, u.nameKey) != u.meant {
			return false
		}
	}
	return true
}

// stillHolds understands a statement anew where anything that gave it its meaning changed: what its text would now be
// another is void, and what it does is judged by what it does now.
func (s *session) stillHolds(ctx context.Context, st *statement) *refused {
	around, err := s.look(ctx)
	if err != nil {
		return s.unseenBy(ctx, err, st)
	}
	if around.version == st.version && s.sameNames(ctx, st) {
		return nil
	}
	if s.inLoop {
		return later
	}
	now, r := s.understand(ctx, st.analysis.Text)
	if r != nil {
		return r
	}
	if now.analysis.Rewritten != st.analysis.Rewritten {
		return &refused{
			code: "26000", message: "the prepared statement is void: policy, masks or tables changed since it was prepared",
			hint: "Prepare it again.",
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	inner := st.analysis.Statements
	st.analysis, st.version, st.catalog, st.uses, st.facts = now.analysis, now.version, now.catalog, now.uses, nil
	if len(inner) == 1 && inner[0].Inner != nil { // what PREPARE and DECLARE named goes on as their inside
		st.analysis = continuation(now.analysis, now.analysis.Statements[len(now.analysis.Statements)-1])
	}
	return nil
}

// reject records a text that can't be judged and answers its error in PostgreSQL's words.
func (s *session) reject(ctx context.Context, recorded string, p *pgsql.Problem) *refused {
	if s.inLoop {
		return later
	}
	r := api.Refusal{Code: "refused", Rule: p.Rule, Message: p.Message}
	if p.Hint != "" {
		r.Remedy = []api.Remedy{{Kind: "rewrite", Text: p.Hint}}
	}
	got := s.gate.Reject(ctx, guard.Command{Text: recorded, Recorded: recorded, Rewritten: recorded}, r)
	got.SQLState = p.SQLState
	said := asRefused(got)
	said.at = p.Position
	return said
}

// command is a text that was understood, as the guard judges it. anew understands it again, after a person was asked.
func (s *session) command(st *statement, anew func(context.Context) (guard.Command, error)) guard.Command {
	a := st.analysis
	judged := st.policyFacts()
	s.used(st)
	c := guard.Command{
		Text: a.Text, Recorded: a.Recorded, Normal: a.Normal, Rewritten: a.Rewritten, Masked: a.Masked,
		Facts:    judged,
		Memo:     st.memo,
		NoWait:   s.inLoop,
		Reviewed: true,
		Context:  func() []string { return s.meaning(st) },
		Units:    units(a), Control: control(a),
		Hooks: s.hooks, Anew: anew,
	}
	for _, x := range a.Statements {
		c.Reviewed = c.Reviewed && x.Reviewed
	}
	for _, u := range st.uses { // what it goes on with is shown to a reviewer, and is what the approval is for
		if u.meant != nil {
			c.Text += "\n-- where " + u.name + " is:\n" + u.meant.analysis.Text
		}
	}
	return c
}

// meaning is what gives a statement its meaning besides its text.
func (s *session) meaning(st *statement) []string {
	all := append([]string{st.catalog, s.target.role, strings.Join(s.target.searchPath, ",")}, s.target.meaning()...)
	for _, u := range st.uses {
		if u.meant != nil {
			all = append(all, u.name, u.meant.analysis.Normal, u.meant.analysis.Rewritten)
		}
	}
	return all
}

// policyFacts are the facts that policy judges.
func (st *statement) policyFacts() policy.Command {
	if st.facts == nil {
		f := facts(st.analysis)
		for _, u := range st.uses {
			if u.meant != nil {
				goOn(f.SQL, facts(u.meant.analysis).SQL)
			}
		}
		st.facts, st.memo = &f, &guard.Memo{}
	}
	return *st.facts
}

// goOn adds to the facts of a text those of what it goes on with under a name: it runs that.
func goOn(sql, with *policy.SQL) {
	for _, command := range with.Commands {
		if command != "prepare" && command != "declare" && !slices.Contains(sql.Commands, command) {
			sql.Commands = append(sql.Commands, command)
		}
	}
	sql.Functions = append(sql.Functions, with.Functions...)
	sql.Tables = max(sql.Tables, with.Tables)
	sql.Filter = weakest(sql.Filter, with.Filter)
}

// again understands a text anew and answers it as a command.
func (s *session) again(text string) func(context.Context) (guard.Command, error) {
	return func(ctx context.Context) (guard.Command, error) {
		st, r := s.understand(ctx, text)
		if r != nil {
			return guard.Command{}, errors.New(r.message)
		}
		return s.command(st, nil), nil
	}
}

// facts are what policy judges. A text without statements has no effect but its session's.
func facts(a *pgsql.Analysis) policy.Command {
	sql := &policy.SQL{Normal: a.Normal}
	var accesses []policy.Access
	for _, st := range a.Statements {
		sql.Commands = append(append(sql.Commands, st.Command), st.Inside...)
		sql.Functions = append(sql.Functions, st.Functions...)
		sql.Tables = max(sql.Tables, st.Relations)
		sql.Filter = weakest(sql.Filter, st.Filter)
		for _, x := range st.Accesses {
			access := policy.Access{Effect: policy.Effect(x.Effect), Object: x.Object, Through: x.Through, By: x.By}
			if !slices.Contains(accesses, access) {
				accesses = append(accesses, access)
			}
		}
	}
	if len(a.Statements) == 0 {
		accesses = []policy.Access{{Effect: policy.Session}}
	}
	return policy.Command{Accesses: accesses, SQL: sql}
}

// weakest is the weaker of two filters: none, constant, some, and "" for statements that have none by nature.
func weakest(a, b string) string {
	for _, f := range []string{"none", "constant", "some"} {
		if a == f || b == f {
			return f
		}
	}
	return ""
}

// noHold answers why the command can't wait here: a transaction that has begun work holds locks.
func (s *session) noHold(ctx context.Context) string {
	if s.front.sent {
		return "It was sent behind other commands of its batch, so it can't wait."
	}
	s.mu.Lock()
	last := s.segment - 1
	s.mu.Unlock()
	if err := s.awaitSegment(ctx, last); err != nil {
		return "The session is over."
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dirty || s.status == 'E' {
		return "It can't wait inside a transaction that has begun its work: such a transaction holds locks."
	}
	return ""
}

// params are a Bind's values as reviewers see and recordings keep them.
func (s *session) params(m wire.Bind, st *statement) []guard.Param {
	s.mu.Lock()
	types := st.types
	s.mu.Unlock()
	params := make([]guard.Param, len(m.Values))
	for i, v := range m.Values {
		p := guard.Param{Null: v == nil, Value: v, Blank: slices.Contains(st.analysis.BlankParams, i+1)}
		p.Format, _ = m.Format(i)
		if i < len(types) {
			p.Type = types[i]
		}
		p.Shown = shown(p)
		params[i] = p
	}
	return params
}

// shown is a value in words: in full, since nothing truncated can be approved.
func shown(p guard.Param) string {
	switch {
	case p.Null:
		return "NULL"
	case p.Format == 0 && utf8.Valid(p.Value):
		return string(p.Value)
	}
	if text, ok := binaryText(p.Type, p.Value); ok {
		return text
	}
	return `\x` + hex.EncodeToString(p.Value) + fmt.Sprintf(" (binary, type %d)", p.Type)
}
