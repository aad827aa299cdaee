package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// parse handles Parse: a text that may never run is not even prepared.
func (s *session) parse(ctx context.Context, body []byte) error {
	m, err := wire.DecodeParse(body)
	if err != nil {
		return err
	}
	if r := tooLong(m.Name); r != nil {
		return s.refuseExtended('P', "", r)
	}
	if err := s.awaitNames(ctx); err != nil {
		return err
	}
	understood, r := s.understand(ctx, m.Text)
	if r != nil {
		return s.refuseExtended('P', m.Name, r)
	}
	if r := s.checked(ctx, understood, m.Types); r != nil {
		return s.refuseExtended('P', m.Name, r)
	}
	if s.tooManyNames() {
		return s.refuseExtended('P', m.Name, &refused{code: "54000", message: "too many prepared statements in this session"})
	}
	c := s.command(understood, nil)
	c.Stage = guard.Prepare
	pass, err := s.gate.Admit(ctx, c)
	if err != nil {
		return s.refuseExtended('P', m.Name, asRefused(err))
	}
	if s.cancelled() {
		return s.refuseExtended('P', m.Name, cancelledBefore(pass))
	}
	judged := s.judgedIn(understood)
	st := *understood
	st.types, st.declared = m.Types, m.Types
	s.touch(statementName, m.Name)
	s.front.setStatement(m.Name, &st)
	send := func() error {
		x := &expectation{kind: 'P', pass: pass, judged: judged, confirm: func() { s.names.statements[m.Name] = &st }}
		s.owe(x)
		return s.forward(x, func(w *writer) error { return w.parse(m.Name, pass.Text(), m.Types) })
	}
	if pass.Deferred() && !s.front.sent {
		return s.keepBack(len(body), send)
	}
	return s.inOrder(len(body), send)
}

// bind handles Bind, which admits: planning already runs code, and the values are known here.
func (s *session) bind(ctx context.Context, body []byte) error {
	kept := slices.Clone(body)
	m, err := wire.DecodeBind(kept)
	if err != nil {
		return err
	}
	if r := tooLong(m.Statement, m.Portal); r != nil {
		return s.refuseExtended('B', "", r)
	}
	st, err := s.statementNamed(ctx, m.Statement)
	if err != nil {
		return err
	}
	if st == nil {
		return s.refuseExtended('B', "", noStatement(m.Statement))
	}
	if r := misfit(m); r != nil {
		return s.refuseExtended('B', "", r)
	}
	if r := s.stillHolds(ctx, st); r != nil {
		return s.refuseExtended('B', "", r)
	}
	if r := s.checked(ctx, st, st.declared); r != nil {
		return s.refuseExtended('B', "", r)
	}
	pass, err := s.gate.Admit(ctx, s.bound(st, m))
	if err != nil {
		return s.refuseBind(asRefused(err))
	}
	if s.cancelled() {
		return s.refuseBind(cancelledBefore(pass))
	}
	if err := s.release(); err != nil {
		return err
	}
	judged := s.judgedIn(st)
	of := *st // what it means now: the name may come to mean something else while the portal lives
	p := &portal{pass: pass, of: &of, version: st.version, copyIn: copiesIn(st.analysis), look: newLook(pass)}
	s.touch(portalName, m.Portal)
	s.front.setPortal(m.Portal, p)
	x := &expectation{kind: 'B', pass: pass, judged: judged, confirm: func() { s.names.portals[m.Portal] = p }, withheld: s.withholds(st.analysis)}
	s.owe(x)
	if err := s.forward(x, func(w *writer) error { return w.bind(kept) }); err != nil {
		return err
	}
	return s.askShape(m.Portal, p)
}

// firstOfOthers is the first OID of what isn't the server's own (PostgreSQL's FirstNormalObjectId).
const firstOfOthers = 16384

// checked refuses parameters that are declared to be of a type whose values run code of somebody's own: nothing in the text says so.
func (s *session) checked(ctx context.Context, st *statement, declared []uint32) *refused {
	if !slices.ContainsFunc(declared, func(oid uint32) bool { return oid >= firstOfOthers }) {
		return nil
	}
	around, err := s.look(ctx)
	if around == nil {
		return s.unseen(ctx, err)
	}
	if around.Catalog == nil || around.Unrestricted {
		return nil
	}
	name := around.Catalog.Checked(declared)
	if name == "" {
		return nil
	}
	return s.reject(ctx, st.analysis.Recorded, &pgsql.Problem{
		SQLState: "42501", Rule: "names", Message: "a parameter is declared to be of type " + name + ", whose values run code of somebody's own",
		Hint: "Leave its type open and write it in the text, where it is judged: $1::" + name + ".",
	})
}

// misfit refuses formats that do not say how the values are written, as PostgreSQL does.
func misfit(m wire.Bind) *refused {
	if len(m.Formats) > 1 && len(m.Formats) != len(m.Values) {
		return &refused{code: "08P01", message: fmt.Sprintf("bind message has %d parameter formats but %d parameters", len(m.Formats), len(m.Values)), usual: true}
	}
	for i := range m.Values {
		if code, ok := m.Format(i); !ok {
			return &refused{code: "22023", message: fmt.Sprintf("unsupported format code: %d", code), usual: true}
		}
	}
	return nil
}

// bound is a statement with its values, as the guard judges it.
func (s *session) bound(st *statement, m wire.Bind) guard.Command {
	c := s.command(st, func(ctx context.Context) (guard.Command, error) {
		if r := s.stillHolds(ctx, st); r != nil {
			return guard.Command{}, errors.New(r.message)
		}
		return s.bound(st, m), nil
	})
	c.Params = s.params(m, st)
	return c
}

// execute handles Execute: it continues what Bind admitted, as long as that would still be admitted as it is.
func (s *session) execute(ctx context.Context, m wire.Message) error {
	e, err := wire.DecodeExecute(m.Body())
	if err != nil {
		return err
	}
	if r := tooLong(e.Portal); r != nil {
		return s.refuseExtended('E', "", r)
	}
	raw := slices.Clone(m.Raw)
	p, err := s.portalNamed(ctx, e.Portal)
	if err != nil {
		return err
	}
	if p == nil || p.pass == nil {
		return s.refuseExtended('E', "", noPortal(e.Portal))
	}
	if s.inLoop && (p.copyIn || p.pass.Bounded()) {
		return errSlow
	}
	if r := s.stillBound(ctx, p); r != nil {
		return s.refuseExtended('E', "", r)
	}
	x := &expectation{kind: 'E', pass: p.pass, look: p.look}
	send := func(w *writer) error {
		s.prepare(x, p.of)
		s.owe(x)
		return w.raw(raw)
	}
	if err := s.up.Continue(p.pass, send); err == guard.ErrNoPass {
		return s.refuseExtended('E', "", &refused{code: "55000", message: fmt.Sprintf("portal \"%s\" cannot be run", e.Portal), usual: true})
	} else if err != nil {
		return err
	}
	if bounded(p.of, p.pass) {
		return s.outcome(ctx, x)
	}
	return s.awaitCopy(ctx, x, p.copyIn)
}

// describe handles Describe of what was admitted before.
func (s *session) describe(ctx context.Context, m wire.Message) error {
	t, err := wire.DecodeTarget(m.Body())
	if err != nil {
		return err
	}
	if r := tooLong(t.Name); r != nil {
		return s.refuseExtended('D', "", r)
	}
	raw := slices.Clone(m.Raw)
	x := &expectation{kind: 'D'}
	if t.Kind == 'S' {
		st, err := s.statementNamed(ctx, t.Name)
		if err != nil {
			return err
		}
		if st == nil {
			return s.refuseExtended('D', "", noStatement(t.Name))
		}
		x.describes, x.shapes = st, true
	} else {
		p, err := s.portalNamed(ctx, t.Name)
		if err != nil {
			return err
		}
		if p == nil {
			return s.refuseExtended('D', "", noPortal(t.Name))
		}
		x.pass = p.pass
	}
	return s.inOrder(len(raw), func() error { return s.housekeep(guard.Describe, raw, x) })
}

// closeName handles Close, which succeeds for names that mean nothing too.
func (s *session) closeName(m wire.Message) error {
	t, err := wire.DecodeTarget(m.Body())
	if err != nil {
		return err
	}
	if r := tooLong(t.Name); r != nil {
		return s.refuseExtended('C', "", r)
	}
	raw := slices.Clone(m.Raw)
	x := &expectation{kind: 'C'}
	if t.Kind == 'S' {
		s.touch(statementName, t.Name)
		s.front.setStatement(t.Name, nil)
		x.confirm = func() { delete(s.names.statements, t.Name) }
	} else {
		s.touch(portalName, t.Name)
		s.front.setPortal(t.Name, nil)
		x.confirm = func() {
			if p := s.names.portals[t.Name]; p != nil && p.pass != nil {
				_ = p.pass.Finish(guard.Outcome{Error: "closed"})
			}
			delete(s.names.portals, t.Name)
		}
	}
	return s.inOrder(len(raw), func() error { return s.housekeep(guard.Forget, raw, x) })
}

// stillBound voids a portal whose text, masks or verdict would now be others.
func (s *session) stillBound(ctx context.Context, p *portal) *refused {
	around, err := s.look(ctx)
	if err != nil {
		return s.unseenBy(ctx, err, p.of)
	}
	same := s.sameNames(ctx, p.of)
	if around.version == p.version && same {
		return nil
	}
	if s.inLoop {
		return later
	}
	void := &refused{code: "34000", message: "the portal is void: what it would do changed since it was bound", hint: "Bind it again."}
	if !same {
		return void
	}
	if r := s.stillHolds(ctx, p.of); r != nil {
		return void
	}
	if err := s.gate.Again(ctx, p.pass); err != nil {
		return asRefused(err)
	}
	p.version = around.version
	return nil
}

// refuseBind refuses a bound command together with what was kept back for it.
func (s *session) refuseBind(r *refused) error {
	if r == later {
		return errSlow
	}
	if len(s.front.deferred) == 0 {
		return s.refuseExtended('B', "", r)
	}
	s.front.deferred = nil
	return s.refuseExtended('P', "", r)
}

func noStatement(name string) *refused {
	message := fmt.Sprintf("prepared statement \"%s\" does not exist", name)
	if name == "" {
		message = "unnamed prepared statement does not exist"
	}
	return &refused{code: "26000", message: message, usual: true}
}

func noPortal(name string) *refused {
	return &refused{code: "34000", message: fmt.Sprintf("portal \"%s\" does not exist", name), usual: true}
}
