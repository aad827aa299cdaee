package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/jackc/pgproto3/v2"
)

// maxLooked bounds, in bytes, a row that detectors look at: it is held until its end has come.
const maxLooked = 16 << 20

var errTooLongToLook = errors.New("a row is too long to be looked at")

// look has detectors look at the answers of one command. It knows how they are laid out.
type look struct {
	scan   *guard.Scan
	kinds  []valueKind  // of the columns of rows; nil before they are known
	copied *copied      // while data of a COPY comes
	stream *mask.Stream // of such data in text or CSV format that was cut within a row
	held   []byte       // of a message or tuple whose end has not come
}

// newLook is nil where no detectors are in force.
func newLook(pass *guard.Pass) *look {
	if pass.Scan() == nil {
		return nil
	}
	return &look{scan: pass.Scan()}
}

// shape takes the messages that say how what follows is laid out. It answers data that was held back until then.
func (l *look) shape(m wire.Message) ([]byte, error) {
	switch m.Type {
	case 'T':
		l.kinds = []valueKind{}
		for _, c := range wire.DecodeColumns(m.Body()) {
			l.kinds = append(l.kinds, kindOf(c.Type, c.Format))
		}
	case 'H':
		l.copied, l.stream, l.held = &copied{binary: m.Body()[0] == 1}, nil, nil
	case 'c':
		return l.copyEnds()
	}
	return nil, nil
}

// message looks at one message of data, or a piece of one, and answers what of it may go on now. It is edited in place
// where that can be: then same is true, and it stands where the message begins.
func (l *look) message(m wire.Message) (out []byte, same bool, err error) {
	if m.Type == 'd' {
		return l.copyData(m)
	}
	raw := m.Raw
	if !m.First || !m.Last {
		if len(l.held)+len(m.Raw) > maxLooked {
			return nil, false, errTooLongToLook
		}
		l.held = append(l.held, m.Raw...)
		if !m.Last {
			return nil, false, nil
		}
		raw, l.held = l.held, nil
		if err := wire.CheckServer(wire.Message{Type: 'D', Raw: raw, First: true, Last: true}); err != nil {
			return nil, false, err
		}
	}
	err = l.scan.Over(func(d guard.Detectors) error {
		out, err = l.row(d, raw)
		return err
	})
	return out, m.First && m.Last, err
}

// row looks at a DataRow that was checked.
func (l *look) row(d guard.Detectors, raw []byte) ([]byte, error) {
	if n := int(binary.BigEndian.Uint16(raw[headerLen:])); l.kinds == nil || n != len(l.kinds) {
		return nil, fmt.Errorf("%w: a row of %d values does not have the columns that were announced", wire.ErrProtocol, n)
	}
	e := editor{d: d, b: raw}
	e.keep(headerLen + 2)
	for _, kind := range l.kinds {
		if _, err := e.value(kind); err != nil {
			return nil, err
		}
	}
	binary.BigEndian.PutUint32(raw[1:], uint32(e.w-1))
	return raw[:e.w], nil
}

// headerLen is the type and the length in front of a message's body.
const headerLen = 5

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
