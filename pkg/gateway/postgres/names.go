package postgres

import (
	"context"
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// maxNames bounds how many prepared statements a session may keep.
const maxNames = 10_000

// maxName is the longest name in bytes. The target compares no more of a name than that, so longer ones could mean each
// other. (PostgreSQL's NAMEDATALEN, less the terminator.)
const maxName = 63

// statement is a text that was understood: a prepared statement, what a portal runs, or what is about to be sent.
type statement struct {
	analysis *pgsql.Analysis
	version  string   // of catalog, masks and policy, when it was understood
	catalog  string   // of the catalog alone
	types    []uint32 // of its parameters, as far as they are known
	declared []uint32 // those that its Parse declared
	uses     []nameUse
	void     *refused        // why what it goes on with can't go on
	facts    *policy.Command // of analysis, once they were asked for
	memo     *guard.Memo     // comes and goes with facts
	basis    *basis          // of analysis, once it was sent
}

// nameUse is a name that a text goes on with, and what the name meant when the text was understood.
type nameUse struct {
	nameKey
	meant *statement // nil: nothing
}

// portal is a bound statement, or with pass nil a SQL cursor.
type portal struct {
	pass    *guard.Pass
	of      *statement
	version string // when it was bound
	copyIn  bool
	look    *look
}

// nameKind tells the target's two name spaces apart.
type nameKind byte

const (
	statementName nameKind = 'S'
	portalName    nameKind = 'P'
)

type nameKey struct {
	kind nameKind
	name string
}

// names is what each name means at the target. A meaning changes only when the target has said so; touched says which
// segment may have changed a name last, so that whoever uses it waits for that segment.
// PREPARE and DECLARE share the name spaces of the protocol's own messages.
type names struct {
	statements map[string]*statement
	portals    map[string]*portal
	touched    map[nameKey]uint64
	allTouched uint64 // DEALLOCATE ALL and its like
}

func newNames() names {
	return names{statements: map[string]*statement{}, portals: map[string]*portal{}, touched: map[nameKey]uint64{}}
}

func (s *session) tooManyNames() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.names.statements) >= maxNames
}

// dropPortals forgets all portals but cursors, which may outlive their transaction: their end is the target's to say.
func (n *names) dropPortals() {
	for name, p := range n.portals {
		if p.pass != nil {
			_ = p.pass.Finish(guard.Outcome{Error: "not executed"})
			delete(n.portals, name)
		}
	}
}

// settle forgets which segments touched a name once they are complete.
func (n *names) settle(completed uint64) {
	for k, segment := range n.touched {
		if segment <= completed {
			delete(n.touched, k)
		}
	}
}

// frontState is what the frontend knows ahead of the target's answers: it holds for the segment being built, because
// whatever fails in a segment skips the rest of it.
type frontState struct {
	statements map[string]*statement // nil: dropped
	portals    map[string]*portal
	dropped    bool // all statements were
	dropping   bool // a refusal was sent in this segment: the target skips the rest, and so does the gateway
	sent       bool // something of this segment was sent
	deferred   []func() error
	kept       int // bytes of what is deferred
}

// reset begins a segment. Small maps are used again.
func (f *frontState) reset() {
	*f = frontState{statements: emptied(f.statements), portals: emptied(f.portals)}
}

// emptied is the same map where it was small, and none where it was large and slow to clear.
func emptied[V any](m map[string]V) map[string]V {
	if len(m) > maxRoom {
		return nil
	}
	clear(m)
	return m
}

func (f *frontState) setStatement(name string, st *statement) {
	if f.statements == nil {
		f.statements = map[string]*statement{}
	}
	f.statements[name] = st
}

func (f *frontState) setPortal(name string, p *portal) {
	if f.portals == nil {
		f.portals = map[string]*portal{}
	}
	f.portals[name] = p
}

// touch notes that the segment being built may change a name.
func (s *session) touch(kind nameKind, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names.touched[nameKey{kind, name}] = s.segment
}

// settled waits until no earlier, unfinished segment can change what a name means.
func (s *session) settled(ctx context.Context, kind nameKind, name string) error {
	s.mu.Lock()
	at := max(s.names.touched[nameKey{kind, name}], s.names.allTouched)
	open := at > s.completed && at < s.segment
	s.mu.Unlock()
	if !open {
		return nil
	}
	return s.awaitSegment(ctx, at)
}

// statementNamed answers what a statement's name means now, nil when it means nothing.
func (s *session) statementNamed(ctx context.Context, name string) (*statement, error) {
	if st, ok := s.front.statements[name]; ok {
		return st, nil
	}
	if s.front.dropped {
		return nil, nil
	}
	if err := s.settled(ctx, statementName, name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names.statements[name], nil
}

// portalNamed answers what a portal's name means now, nil when it means nothing.
func (s *session) portalNamed(ctx context.Context, name string) (*portal, error) {
	if p, ok := s.front.portals[name]; ok {
		return p, nil
	}
	if err := s.settled(ctx, portalName, name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names.portals[name], nil
}

// change is what the target's success or failure does to a name.
type change struct {
	confirm func()
	forget  func() // it is not known whether it happened: the name means nothing that may be used any more
}

// changes notes what each statement of a text does to names. Statements that change none have an empty change.
func (s *session) changes(of *statement) []change {
	var all []change
	for i, st := range of.analysis.Statements {
		if c := s.changeOf(of, st); c.confirm != nil {
			all = append(all, make([]change, i-len(all))...)
			all = append(all, c)
		}
	}
	return all
}

func (s *session) changeOf(of *statement, st pgsql.Statement) change {
	if st.Names.Op == pgsql.NoName {
		return change{}
	}
	name := st.Names.Name
	inner := func() *statement {
		return &statement{analysis: continuation(of.analysis, st), version: of.version, catalog: of.catalog, uses: of.uses}
	}
	switch st.Names.Op {
	case pgsql.Prepare:
		s.touch(statementName, name)
		prepared := inner()
		s.front.setStatement(name, prepared)
		return change{func() { s.names.statements[name] = prepared }, func() { delete(s.names.statements, name) }}
	case pgsql.Deallocate:
		s.touch(statementName, name)
		s.front.setStatement(name, nil)
		return change{func() { delete(s.names.statements, name) }, func() { delete(s.names.statements, name) }}
	case pgsql.DeallocateAll:
		s.touchAll()
		s.front.statements, s.front.dropped = nil, true
		return change{func() { clear(s.names.statements) }, func() { clear(s.names.statements) }}
	case pgsql.DeclareCursor:
		s.touch(portalName, name)
		cursor := &portal{of: inner()}
		s.front.setPortal(name, cursor)
		return change{func() { s.names.portals[name] = cursor }, func() { delete(s.names.portals, name) }}
	case pgsql.CloseCursor:
		s.touch(portalName, name)
		s.front.setPortal(name, nil)
		return change{func() { delete(s.names.portals, name) }, func() { delete(s.names.portals, name) }}
	case pgsql.CloseAllCursors:
		s.touchAll()
		return change{func() { clear(s.names.portals) }, func() { clear(s.names.portals) }}
	}
	return change{}
}

func (s *session) touchAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names.allTouched = s.segment
}

// continuation is what an EXECUTE or FETCH of a name goes on with.
func continuation(a *pgsql.Analysis, st pgsql.Statement) *pgsql.Analysis {
	inner := *a
	st.Accesses = st.Inner
	inner.Statements = []pgsql.Statement{st}
	return &inner
}

// tooLong refuses names that the target would cut.
func tooLong(names ...string) *refused {
	for _, n := range names {
		if len(n) > maxName {
			return &refused{code: "42622", message: fmt.Sprintf("a name is longer than %d bytes", maxName)}
		}
	}
	return nil
}
