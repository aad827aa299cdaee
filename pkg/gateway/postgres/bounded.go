package postgres

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/jackc/pgproto3/v2"
)

// A bounded command is one whose answer decides whether it may stand: its rows are counted on their way to the client, or
// the rows that it changed are told by its tag. What it did must not become lasting before that, and nothing may be sent
// behind it. Within a batch of the extended protocol PostgreSQL makes nothing lasting before the Sync, so the gateway asks
// for the answer with a Flush and waits. Where the answer is too much, the gateway drops what is left of it, cancels what
// still runs, and sends a message that PostgreSQL rejects: the batch's transaction, or the client's own, is then rolled back
// by PostgreSQL itself.

// control says what can be done about the outcome of a text.
func control(a *pgsql.Analysis) guard.Control {
	if len(a.Statements) != 1 {
		return guard.NoControl
	}
	st := &a.Statements[0]
	switch st.Command {
	case "call", "do", "vacuum", "cluster", "reindex", "create index", "drop index", "checkpoint", "alter system",
		"create database", "drop database", "alter database", "create tablespace", "drop tablespace",
		"create subscription", "alter subscription", "drop subscription":
		return guard.NoControl // they may commit by themselves, or can't be part of a transaction
	case "insert", "update", "delete", "merge":
		if st.Changes == 1 && !st.Cascades {
			return guard.CanCount
		}
	case "select": // row locks and sequences: it changes no rows
		if st.Changes == 0 && !slices.ContainsFunc(st.Functions, func(f string) bool { return strings.HasPrefix(f, "pg_catalog.lo_") }) {
			return guard.CanCount
		}
	}
	return guard.CanUndo
}

// units counts the statements of a text that do more than steer the session.
func units(a *pgsql.Analysis) int {
	n := 0
	for _, st := range a.Statements {
		if slices.ContainsFunc(st.Accesses, func(x pgsql.Access) bool { return x.Effect != pgsql.Session }) {
			n++
		}
	}
	return n
}

// changesRows says that a text does more than read.
func changesRows(a *pgsql.Analysis) bool {
	for _, st := range a.Statements {
		if slices.ContainsFunc(st.Accesses, func(x pgsql.Access) bool { return x.Effect != pgsql.Session && x.Effect != pgsql.Read }) {
			return true
		}
	}
	return false
}

// bounded says that a text must be sent as a batch whose outcome is awaited. COPY FROM STDIN answers no rows.
func bounded(st *statement, pass *guard.Pass) bool {
	return pass.Bounded() && !copiesIn(st.analysis)
}

// carry sends the one statement of a simple query as a batch of the extended protocol. As a simple query does, it takes the
// unnamed statement and portal away.
func (s *session) carry(ctx context.Context, st *statement, pass *guard.Pass) error {
	s.mu.Lock()
	last := s.segment - 1
	s.mu.Unlock()
	if err := s.awaitSegment(ctx, last); err != nil {
		return err
	}
	s.touch(statementName, "")
	s.touch(portalName, "")
	s.front.setStatement("", nil)
	s.front.setPortal("", nil)
	withheld := s.withholds(st.analysis)
	x := &expectation{kind: 'E', pass: pass, look: newLook(pass)}
	s.prepare(x, st)
	parse := &expectation{kind: 'P', quiet: true, pass: pass, withheld: withheld, warnings: x.warnings, confirm: func() { delete(s.names.statements, "") }}
	x.warnings = nil
	for _, owed := range []*expectation{
		parse,
		{kind: 'B', quiet: true, pass: pass, withheld: withheld, confirm: func() { delete(s.names.portals, "") }},
		{kind: 'D', quiet: true, pass: pass, withheld: withheld, look: x.look}, x,
	} {
		s.owe(owed)
	}
	err := s.forward(x, func(w *writer) error {
		if err := w.parse("", pass.Text(), nil); err != nil {
			return err
		}
		for _, m := range []encoder{&pgproto3.Bind{}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}} {
			if err := w.message(m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.outcome(ctx, x); err != nil {
		return err
	}
	s.endSegment(&expectation{kind: 'S', withheld: s.masked.Load()})
	return s.up.Housekeep(guard.Sync, func(w *writer) error { return w.message(&pgproto3.Sync{}) })
}

// outcome waits until a bounded command is answered, and undoes it where its answer was cut short.
func (s *session) outcome(ctx context.Context, x *expectation) error {
	if x.kind == 'E' {
		if err := s.up.Housekeep(guard.Flush, func(w *writer) error { return w.message(&pgproto3.Flush{}) }); err != nil {
			return err
		}
		s.flushed()
	}
	ended := func() bool { return x.done || x.failed != "" && x.kind == 'E' }
	if err := s.await(ctx, func() bool { return x.cut != nil || ended() }); err != nil {
		return err
	}
	s.mu.Lock()
	running := x.cut != nil && !ended()
	s.mu.Unlock()
	if running {
		s.target.cancel() // nothing was sent behind it, so that it can't meet another command
		if err := s.await(ctx, ended); err != nil {
			return err
		}
	}
	s.mu.Lock()
	cut, failed := x.cut, x.failed
	s.mu.Unlock()
	switch {
	case cut == nil || failed != "": // where it failed, the target's error became the refusal
		return nil
	case x.kind == 'Q':
		r := *cut
		return s.refuseQuery(&r)
	}
	r := *cut
	return s.refuseExtended('E', "", &r)
}

// cut ends the answer of the command at the head of the queue for the client.
func (s *session) cut(head *expectation, r *guard.Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	head.cut = asRefused(r)
	s.changed.Broadcast()
}

// counts judges a row before it goes to the client, and says whether it may.
func (s *session) counts(head *expectation, m wire.Message) bool {
	if head.cut != nil {
		return false
	}
	if !m.First {
		return true
	}
	if r := head.pass.Row(m.Size()); r != nil {
		s.cut(head, r)
		return false
	}
	return true
}

// judgeChanges judges how many rows a bounded command has changed, when it has ended.
func (s *session) judgeChanges(head *expectation, m wire.Message) {
	if head.kind != 'E' || m.Type != 'C' && m.Type != 's' || head.cut != nil || head.pass == nil || !head.pass.BoundedChanges() {
		return
	}
	rows := int64(-1) // of a suspended portal that is not known yet
	switch {
	case head.selects:
		rows = 0
	case m.Type == 'C':
		rows = rowsOf(tagOf(m))
	}
	if r := head.pass.Affected(rows); r != nil {
		s.cut(head, r)
	}
}

// rowsOf is the number at the end of a tag, -1 where there is none.
func rowsOf(tag string) int64 {
	n, err := strconv.ParseInt(tag[strings.LastIndexByte(tag, ' ')+1:], 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// hides says that an answer is not for the client: it is to a message that the client did not send, or behind a cut.
func (x *expectation) hides(kind byte) bool {
	switch {
	case x.quiet && strings.IndexByte("12n", kind) >= 0:
		return true
	case x.cut == nil || x.failed != "":
		return false
	case x.kind == 'Q':
		return true
	}
	return strings.IndexByte("CscIDdHT", kind) >= 0
}
