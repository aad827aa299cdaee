package postgres

import (
	"context"
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// run gathers neighbouring messages of one read, so that they are recorded and written in one piece.
type run struct {
	bytes []byte
	rows  []byte // the part of bytes' end that are rows not yet given to the recorder
	pass  *guard.Pass
}

// backend reads the target until it leaves. All whole messages of one read are looked at in place and written at once.
func (s *session) backend(ctx context.Context) error {
	back := s.buffers.NewReader(s.target.conn, wire.FromServer)
	var r run
	for {
		much := back.Buffered() > bulk
		if err := s.answers(back, &r); err != nil {
			return s.through(&r, err)
		}
		if err := s.write(&r); err != nil {
			return err
		}
		if err := drained(s.socket.client); err != nil {
			return err
		}
		if err := s.nextAnswer(back, &r, much); err != nil {
			if s.yield(err) {
				continue
			}
			s.backendLeft(err, back.Buffered())
			return err
		}
	}
}

// answers handles what was read.
func (s *session) answers(back *wire.Reader, r *run) error {
	for {
		m, ok, err := back.Next()
		if err != nil || !ok {
			return err
		}
		if err := s.answer(r, m); err != nil {
			return err
		}
	}
}

// through writes what was allowed before err and answers err.
func (s *session) through(r *run, err error) error {
	if e := s.write(r); e != nil {
		return e
	}
	return err
}

// write records the rows of r and hands it all to the client.
func (s *session) write(r *run) error {
	if err := r.record(); err != nil {
		return err
	}
	if len(r.bytes) == 0 {
		return nil
	}
	if err := s.gate.Commit(); err != nil {
		return err
	}
	err := s.tell(r.bytes)
	r.bytes = nil
	return err
}

// add takes a message that stands behind the ones before it in the same buffer.
func (r *run) add(raw []byte) {
	if r.bytes == nil {
		r.bytes = raw
		return
	}
	n := len(r.bytes)
	if r.bytes = r.bytes[:n+len(raw)]; &r.bytes[n] != &raw[0] {
		copy(r.bytes[n:], raw) // detectors made what comes before it shorter
	}
}

func (r *run) addRow(raw []byte, pass *guard.Pass) {
	r.add(raw)
	if r.rows == nil {
		r.rows, r.pass = r.bytes[len(r.bytes)-len(raw):], pass
		return
	}
	r.rows = r.rows[:len(r.rows)+len(raw)]
}

func (r *run) record() error {
	if r.rows == nil {
		return nil
	}
	rows, pass := r.rows, r.pass
	r.rows, r.pass = nil, nil
	return pass.Result(rows)
}

// answer handles one message of the target. What no message that was sent asks for ends the session.
func (s *session) answer(r *run, m wire.Message) error {
	if m.First && m.Last {
		if err := wire.CheckServer(m); err != nil {
			return err
		}
	}
	s.mu.Lock()
	head := s.queue.head()
	s.mu.Unlock()
	if head != nil && len(head.warnings) > 0 {
		if err := s.replace(r, warnings(head)); err != nil {
			return err
		}
	}
	if m.Type == 'D' || m.Type == 'd' {
		return s.row(r, head, m)
	}
	if err := r.record(); err != nil {
		return err
	}
	switch m.Type {
	case 'E', 'N':
		return s.complaint(r, head, m)
	case 'A':
		return s.notification(r, head, m)
	case 'S':
		if err := s.target.status(m.Body()); err != nil {
			return err
		}
		r.add(m.Raw)
		return nil
	}
	if head == nil {
		return fmt.Errorf("%w: the target sent %q unasked", wire.ErrProtocol, m.Type)
	}
	if m.Type == 'T' && head.pass != nil {
		if err := head.pass.Columns(m.Body(), func() []record.Column { return columns(m.Body()) }); err != nil {
			return err
		}
	}
	if err := s.shaped(r, head, m); err != nil {
		return err
	}
	s.judgeChanges(head, m)
	hidden := head.hides(m.Type)
	if err := s.step(head, m); err != nil || head.own {
		return err
	}
	if !hidden {
		r.add(m.Raw)
	}
	switch {
	case m.Type == 'G':
		return s.copies(r)
	case hidden:
		return s.write(r)
	}
	return nil
}

// copies tells the client that the target reads the data of a COPY, and then has its next message be taken for a part of it: what is
// answered to that comes behind what the target said.
func (s *session) copies(r *run) error {
	err := s.write(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copyIn = true
	s.changed.Broadcast()
	return err
}

// columns are those of a RowDescription that CheckServer passed.
func columns(body []byte) []record.Column {
	var out []record.Column
	for _, c := range wire.DecodeColumns(body) {
		out = append(out, record.Column{Name: c.Name, OID: c.Type, Format: c.Format})
	}
	return out
}

// row passes a row, or a piece of one, of the command at the head of the queue.
func (s *session) row(r *run, head *expectation, m wire.Message) error {
	if head == nil || head.pass == nil || head.kind != 'Q' && head.kind != 'E' {
		return fmt.Errorf("%w: the target sent rows unasked", wire.ErrProtocol)
	}
	if !s.counts(head, m) {
		return s.write(r) // what was allowed before it
	}
	if m.First {
		head.rows++
	}
	if head.look != nil {
		return s.looked(r, head, m)
	}
	r.addRow(m.Raw, head.pass)
	return nil
}

// replace writes what came before and then a message of the gateway's own.
func (s *session) replace(r *run, own []byte) error {
	if err := s.write(r); err != nil {
		return err
	}
	if err := s.gate.Commit(); err != nil {
		return err
	}
	return s.tell(own)
}

// step moves the queue on by one answer.
func (s *session) step(head *expectation, m wire.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	switch {
	case m.Type == 'Z' && (head.kind == 'S' || head.kind == 'Q'):
		s.ready(head, m.Body()[0])
	case m.Type == '1' && head.kind == 'P', m.Type == '2' && head.kind == 'B', m.Type == '3' && head.kind == 'C':
		s.succeed(head)
	case m.Type == 't' && head.kind == 'D' && head.shapes:
		head.shapes = false
		head.describes.types = wire.DecodeTypes(m.Body())
	case (m.Type == 'T' || m.Type == 'n') && head.kind == 'D' && !head.shapes:
		s.succeed(head)
	case (m.Type == 'C' || m.Type == 'I') && head.kind == 'E':
		head.tag = tagOf(m)
		s.succeed(head)
		s.settleNames(head)
		head.finish()
	case (m.Type == 'C' || m.Type == 'I') && head.kind == 'Q':
		head.tag = tagOf(m)
		head.ended++
	case m.Type == 's' && head.kind == 'E':
		s.queue.pop()
		s.stale = s.stale || head.redefines // it has begun, and may have done that already
	case (m.Type == 'G' || m.Type == 'H' || m.Type == 'c') && (head.kind == 'E' || head.kind == 'Q'):
	case m.Type == 'T' && head.kind == 'Q':
	default:
		return fmt.Errorf("%w: the target answered %q to %q", wire.ErrProtocol, m.Type, head.kind)
	}
	return nil
}

// succeed takes the head off the queue and does what its success changes.
func (s *session) succeed(head *expectation) {
	s.queue.pop()
	if head.confirm != nil {
		head.confirm()
	}
}

// settleNames changes what names mean by how a text ended. Of a statement that failed it is not known whether it did
// what it says: names are not part of transactions, and a commit can fail behind it.
func (s *session) settleNames(x *expectation) {
	ended := x.ended
	if x.failed == "" {
		ended = len(x.names)
	}
	for i, c := range x.names {
		switch {
		case c.confirm == nil:
		case i < ended:
			c.confirm()
		default:
			c.forget()
		}
	}
	s.stale = s.stale || x.redefines
}

// ready ends a segment.
func (s *session) ready(head *expectation, status byte) {
	s.queue.pop()
	if head.kind == 'Q' {
		s.settleNames(head)
		head.finish()
	}
	s.status, s.completed, s.copyIn = status, head.segment, false
	s.names.settle(s.completed)
	if status == 'I' {
		s.stale = s.stale || s.own != nil
		s.names.dropPortals()
		s.dirty = s.dirty && len(s.queue.items) > 0
	}
}

func tagOf(m wire.Message) string {
	if m.Type == 'I' {
		return ""
	}
	tag, err := wire.DecodeTag(m.Body())
	if err != nil {
		return ""
	}
	return tag
}
