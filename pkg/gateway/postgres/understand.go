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

// analyses are texts that were understood under one version of catalog and masks.
type analyses struct {
	version string
	texts   map[string]*pgsql.Analysis
	masks   maskCache
}

// understand answers what a text means, or why it can't be sent. What was understood before is remembered as long as
// catalog and masks stay the same and no session name is involved.
func (s *session) understand(ctx context.Context, text string) (*pgsql.Analysis, string, *refused) {
	env, version, err := s.env(ctx)
	if errors.Is(err, errReload) {
		return nil, "", s.reject(ctx, "(not read: definitions changed before it)", &pgsql.Problem{
			SQLState: "42501", Rule: "names", Message: "Definitions changed in this batch, so what names mean is not known yet.",
			Hint: "End the batch with Sync and send the rest separately.",
		})
	}
	if err != nil {
		return nil, "", unavailable(err)
	}
	if s.parsed.version != version {
		s.parsed.version, s.parsed.texts = version, map[string]*pgsql.Analysis{}
	}
	if a := s.parsed.texts[text]; a != nil {
		return a, version, nil
	}
	env.Prepared = func(name string) ([]pgsql.Access, bool) { return s.continued(s.statementNamed(ctx, name)) }
	env.Cursor = func(name string) ([]pgsql.Access, bool) {
		p, err := s.portalNamed(ctx, name)
		if p == nil || err != nil {
			return nil, false
		}
		return s.continued(p.of, nil)
	}
	got := pgsql.Analyze(ctx, s.grammar, text, env)
	a := &got
	if a.Problem != nil {
		return nil, "", s.reject(ctx, a.Recorded, a.Problem)
	}
	if r := s.namesStillHold(ctx, a); r != nil {
		return nil, "", r
	}
	if !usesNames(a) && len(text) < 16<<10 {
		if len(s.parsed.texts) >= maxAnalyses {
			clear(s.parsed.texts)
		}
		s.parsed.texts[strings.Clone(text)] = a
	}
	return a, version, nil
}

func usesNames(a *pgsql.Analysis) bool {
	return slices.ContainsFunc(a.Statements, func(st pgsql.Statement) bool { return st.Names.Op != pgsql.NoName })
}

// continued are the accesses of a statement that an EXECUTE or FETCH goes on with.
func (s *session) continued(st *statement, err error) ([]pgsql.Access, bool) {
	if st == nil || err != nil {
		return nil, false
	}
	var all []pgsql.Access
	for _, x := range st.analysis.Statements {
		all = append(all, x.Accesses...)
	}
	return all, true
}

// namesStillHold voids an EXECUTE or FETCH of a name whose text or masks would now be others.
func (s *session) namesStillHold(ctx context.Context, a *pgsql.Analysis) *refused {
	for _, st := range a.Statements {
		var of *statement
		switch st.Names.Op {
		case pgsql.ExecutePrepared:
			of, _ = s.statementNamed(ctx, st.Names.Name)
		case pgsql.FetchCursor:
			if p, _ := s.portalNamed(ctx, st.Names.Name); p != nil {
				of = p.of
			}
		}
		if of == nil || of.version == "" {
			continue
		}
		if r := s.stillHolds(ctx, of); r != nil {
			return r
		}
	}
	return nil
}

// reject records a text that can't be judged and answers its error in PostgreSQL's words.
func (s *session) reject(ctx context.Context, recorded string, p *pgsql.Problem) *refused {
	r := api.Refusal{Code: "refused", Rule: p.Rule, Message: p.Message}
	if p.Hint != "" {
		r.Remedy = []api.Remedy{{Kind: "rewrite", Text: p.Hint}}
	}
	got := s.gate.Reject(ctx, guard.Command{Text: recorded, Recorded: recorded, Rewritten: recorded}, r)
	got.SQLState = p.SQLState
	return asRefused(got)
}

// command is a text that was understood, as the guard judges it.
func (s *session) command(ctx context.Context, a *pgsql.Analysis, version string) guard.Command {
	c := guard.Command{
		Text: a.Text, Recorded: a.Recorded, Normal: a.Normal, Rewritten: a.Rewritten, Masked: a.Masked,
		Facts:    facts(a),
		Reviewed: true,
		Context:  append([]string{version, s.target.role, strings.Join(s.target.searchPath, ",")}, s.target.meaning()...),
		Waiting:  s.waiting, Holding: s.holding, NoHold: s.noHold,
	}
	for _, st := range a.Statements {
		c.Reviewed = c.Reviewed && st.Reviewed
		if st.Names.Op == pgsql.ExecutePrepared {
			s.show(ctx, &c, st.Names.Name)
		}
	}
	return c
}

// show adds what EXECUTE runs to what a reviewer sees and to what the approval is for.
func (s *session) show(ctx context.Context, c *guard.Command, name string) {
	st, err := s.statementNamed(ctx, name)
	if st == nil || err != nil {
		return
	}
	c.Text += "\n-- where " + name + " is:\n" + st.analysis.Text
	c.Context = append(c.Context, st.analysis.Normal, st.analysis.Rewritten)
}

// facts are what policy judges. A text without statements has no effect but its session's.
func facts(a *pgsql.Analysis) policy.Command {
	sql := &policy.SQL{Normal: a.Normal}
	var accesses []policy.Access
	for _, st := range a.Statements {
		sql.Commands = append(sql.Commands, st.Command)
		sql.Functions = append(sql.Functions, st.Functions...)
		sql.Tables = max(sql.Tables, st.Relations)
		sql.Filter = weakest(sql.Filter, st.Filter)
		for _, x := range st.Accesses {
			access := policy.Access{Effect: policy.Effect(x.Effect), Object: x.Object}
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

// unavailable is the error of a session that can't judge safely now.
func unavailable(err error) *refused {
	message := "hoop: the gateway can't judge this command now, so it was not run"
	var e *api.Error
	if errors.As(err, &e) {
		message = "hoop: " + e.Message
	}
	return &refused{code: "57P03", message: message, hint: "Try again; the gateway's log says what is wrong."}
}
