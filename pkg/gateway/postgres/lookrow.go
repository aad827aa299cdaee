package postgres

import (
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/freetext"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/jackc/pgproto3/v2"
)

// look has detectors look at the answers of one command. It knows how they are laid out.
type look struct {
	scan  *guard.Scan
	kinds []freetext.Kind // of the columns of rows; nil before they are known
	held  freetext.Held   // a row whose end has not come
	copy  *freetext.Copy  // while data of a COPY comes
}

// newLook is nil where no detectors are in force.
func newLook(pass *guard.Pass) *look {
	if pass.Scan() == nil {
		return nil
	}
	return &look{scan: pass.Scan()}
}

// shape takes the messages that say how what follows is laid out. It answers data that was held back until then.
func (l *look) shape(m wire.Message) (held []byte, err error) {
	switch m.Type {
	case 'T':
		l.kinds = []freetext.Kind{}
		for _, c := range wire.DecodeColumns(m.Body()) {
			l.kinds = append(l.kinds, freetext.KindOf(c.Type, c.Format))
		}
	case 'H':
		l.copy = freetext.NewCopy(m.Body(), l.scan.Stream)
	case 'c':
		if l.copy == nil {
			return nil, fmt.Errorf("%w: the end of a COPY that did not begin", wire.ErrProtocol)
		}
		err = l.scan.Over(func(guard.Detectors) error { held, err = l.copy.End(); return err })
		l.copy = nil
	}
	return held, err
}

// message looks at one message of data, or a piece of one, and answers what may go on now. same says that it is the message
// itself, edited in place; else it stands in a buffer of its own.
func (l *look) message(m wire.Message) (out []byte, same bool, err error) {
	if m.Type == 'd' && l.copy == nil || m.Type == 'D' && l.kinds == nil {
		return nil, false, fmt.Errorf("%w: rows of which nothing was announced", wire.ErrProtocol)
	}
	raw, same := m.Raw, m.First && m.Last
	if m.Type == 'D' && !same {
		if raw, err = l.held.Add(m); raw == nil || err != nil {
			return nil, false, err
		}
	}
	err = l.scan.Over(func(d guard.Detectors) error {
		if m.Type == 'd' {
			out, same, err = l.copy.Message(d, m)
		} else {
			out, err = freetext.Row(d, l.kinds, raw)
		}
		return err
	})
	return out, same, err
}

// looked takes what a command's detectors leave of a row or of COPY data.
func (s *session) looked(r *run, x *expectation, m wire.Message) error {
	out, same, err := x.look.message(m)
	if err != nil {
		return err
	}
	if same {
		r.addRow(out, x.pass)
		return nil
	}
	return s.rows(r, x, out)
}

// rows records and sends rows that stand in a buffer of their own.
func (s *session) rows(r *run, x *expectation, own []byte) error {
	if len(own) == 0 {
		return nil
	}
	if err := s.write(r); err != nil {
		return err
	}
	r.addRow(own, x.pass)
	return s.write(r)
}

// shaped lets a command's detectors know how its answers are laid out.
func (s *session) shaped(r *run, x *expectation, m wire.Message) error {
	if x == nil || x.look == nil {
		return nil
	}
	held, err := x.look.shape(m)
	if err != nil {
		return err
	}
	return s.rows(r, x, held)
}

// askShape has the target say how the rows of a portal are laid out, where detectors look at them. Its answer is the
// gateway's own: drivers that know a statement don't ask again.
func (s *session) askShape(name string, p *portal) error {
	if p.look == nil {
		return nil
	}
	describe := encoded(&pgproto3.Describe{ObjectType: 'P', Name: name})
	return s.housekeep(guard.Describe, describe, &expectation{kind: 'D', pass: p.pass, look: p.look, own: true})
}

// lookAtParameter is guard's Values: a parameter as recordings keep it. What is bound as text is looked at whatever its type
// is, since a number may be a card's.
func lookAtParameter(p guard.Param, value []byte, d guard.Detectors) (left []byte, blank bool) {
	oid := p.Type
	if p.Format == 0 {
		oid = oidText
	}
	left, null, err := freetext.Value(d, freetext.KindOf(oid, p.Format), value)
	return left, null || err != nil
}
