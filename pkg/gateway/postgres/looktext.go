package postgres

import (
	"encoding/binary"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/guard"
)

// scanOf is what looks at an error, a notice or a notification: what the policy in force asks for, or what the command at
// the head of the queue began with.
func (s *session) scanOf(head *expectation) *guard.Scan {
	if scan := s.gate.Scan(); scan != nil || head == nil || head.pass == nil {
		return scan
	}
	return head.pass.Scan()
}

// lookedComplaint is an error or a notice after the detectors: nil for the target's own.
func lookedComplaint(scan *guard.Scan, kind byte, f wire.Fields) ([]byte, error) {
	if scan == nil {
		return nil, nil
	}
	changed := false
	b := []byte{kind, 0, 0, 0, 0}
	for _, t := range f.Order {
		text := f.Values[t]
		switch t {
		case 'S', 'V', 'C', 'P', 'p', 'F', 'L', 'R': // severity, code, and places
		default:
			seen, err := scan.Text(text)
			if err != nil {
				return nil, err
			}
			changed, text = changed || seen != text, seen
		}
		b = append(append(append(b, t), text...), 0)
	}
	if !changed {
		return nil, nil
	}
	b = append(b, 0)
	binary.BigEndian.PutUint32(b[1:], uint32(len(b)-1))
	return b, nil
}

// lookedNotification is a NotificationResponse after the detectors: nil for the target's own.
func lookedNotification(scan *guard.Scan, body []byte) ([]byte, error) {
	if scan == nil {
		return nil, nil
	}
	n, err := wire.DecodeNotification(body)
	if err != nil {
		return nil, err
	}
	channel, err := scan.Text(n.Channel)
	if err != nil {
		return nil, err
	}
	payload, err := scan.Text(n.Payload)
	if err != nil || channel == n.Channel && payload == n.Payload {
		return nil, err
	}
	b := []byte{'A', 0, 0, 0, 0}
	b = binary.BigEndian.AppendUint32(b, n.Process)
	b = append(append(b, channel...), 0)
	b = append(append(b, payload...), 0)
	binary.BigEndian.PutUint32(b[1:], uint32(len(b)-1))
	return b, nil
}

// notification passes on what another session tells.
func (s *session) notification(r *run, head *expectation, m wire.Message) error {
	if !s.gate.Said(m.Size()) {
		return s.write(r)
	}
	own, err := lookedNotification(s.scanOf(head), m.Body())
	if err != nil {
		return err
	}
	if own != nil {
		return s.replace(r, own)
	}
	r.add(m.Raw)
	return nil
}
