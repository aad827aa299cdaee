package postgres

import (
	"errors"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/jackc/pgproto3/v2"
)

// errUnsaid says that a message is not for the client: a limit is reached.
var errUnsaid = errors.New("withheld by a limit")

// countComplaint counts an error or a notice of the target against the limits, as a row: it can carry what a row can. own is what stands
// in its place so far. Where it is too much, an error becomes the refusal, and of a command's notices the first one does.
func (s *session) countComplaint(head *expectation, m wire.Message, own []byte) ([]byte, error) {
	if head == nil || head.pass == nil {
		switch said := s.gate.Said(m.Size()); {
		case said:
			return own, nil
		case m.Type == 'N':
			return nil, errUnsaid
		}
		return encoded(&pgproto3.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "53400", Message: "hoop: the text is withheld, because a limit is reached"}), nil
	}
	if head.muted && m.Type == 'N' {
		return nil, errUnsaid
	}
	r := head.pass.Row(m.Size())
	switch {
	case r == nil:
		return own, nil
	case m.Type == 'E':
		return s.refusal(asRefused(r)), nil
	}
	head.muted = true
	return notice(r.SQLState, "WARNING", "hoop: "+unsaid(r)), nil
}

// unsaid is why notices are withheld, in words.
func unsaid(r *guard.Refusal) string { return r.Message + " Further notices of it are withheld." }
