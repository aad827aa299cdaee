package postgres

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/jackc/pgproto3/v2"
)

// refused is an error that the gateway answers in the place of the target's.
type refused struct {
	code    string // SQLSTATE
	message string
	detail  string
	hint    string
	at      int    // character of the client's own text that it speaks of, from 1; 0: of none
	nonce   string // stands in the substitute and so in the target's own error
	usual   bool   // PostgreSQL would say the same, in these words
}

// asRefused is the answer to what the guard refused: 42501 with the refusal object as its detail.
func asRefused(err error) *refused {
	if errors.Is(err, guard.ErrWaits) {
		return later
	}
	r, ok := err.(*guard.Refusal)
	if !ok {
		return unavailable(err)
	}
	code := "42501"
	if r.SQLState != "" {
		code = r.SQLState
	}
	return &refused{code: code, message: "hoop: " + r.Message, detail: r.JSON(), hint: r.Hint()}
}

// cancelledBefore gives up a command that was taken back while it was judged, in PostgreSQL's own words.
func cancelledBefore(pass *guard.Pass) *refused {
	const code = "57014"
	_ = pass.Finish(guard.Outcome{Error: code}) // a failed recorder refuses every later command
	return &refused{code: code, message: "canceling statement due to user request", usual: true}
}

// newNonce makes the identifier that a substitute holds: it authorises nothing, it only finds the error again.
func newNonce() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	return "hoop_refused_" + hex.EncodeToString(b[:])
}

// refuseQuery puts a statement that the target itself rejects in the place of a refused one.
func (s *session) refuseQuery(r *refused) error {
	if r == later {
		return errSlow
	}
	r.nonce = newNonce()
	s.endSegment(&expectation{kind: 'Q', refusal: r})
	return s.up.Housekeep(guard.Substitute, func(w *writer) error { return w.query(r.nonce) })
}

// refuseExtended does the same within a segment. The target skips the rest of the segment, and so does the gateway.
func (s *session) refuseExtended(kind byte, name string, r *refused) error {
	if r == later {
		return errSlow
	}
	if err := s.release(); err != nil {
		return err
	}
	r.nonce = newNonce()
	s.owe(&expectation{kind: kind, refusal: r})
	s.front.dropping = true
	return s.up.Housekeep(guard.Substitute, func(w *writer) error {
		if kind == 'P' {
			return w.parse(name, r.nonce, nil)
		}
		return w.execute(r.nonce)
	})
}

// complaint handles an error or a notice of the target.
func (s *session) complaint(r *run, head *expectation, m wire.Message) error {
	f, err := wire.DecodeFields(m.Body())
	if err != nil {
		return err
	}
	own := s.rebuild(head, f, m.Type)
	if own == nil || head.withheld {
		own, err = s.countComplaint(head, m, own)
		if errors.Is(err, errUnsaid) {
			return s.write(r)
		}
	}
	if own == nil {
		if own, err = lookedComplaint(s.scanOf(head), m.Type, f); err != nil {
			return err
		}
	}
	if m.Type == 'E' {
		s.failed(head, f)
	}
	if own != nil {
		return s.replace(r, own)
	}
	r.add(m.Raw)
	return nil
}

// rebuild answers the message to send in the place of the target's, nil for the target's own.
func (s *session) rebuild(head *expectation, f wire.Fields, kind byte) []byte {
	overdue := s.overdue(head, f.Values['C'])
	switch {
	case head == nil:
		return nil
	case kind == 'E' && head.cut != nil:
		return s.refusal(head.cut)
	case kind == 'E' && overdue != nil:
		return s.refusal(overdue)
	case kind == 'E' && s.masked.Load() && strings.HasPrefix(f.Values['C'], "23"):
		return withheld(f, kind) // constraints print the rows that break them, wherever they are
	case kind == 'E' && head.refusal != nil && strings.Contains(f.Values['M'], head.refusal.nonce):
		return s.refusal(head.refusal)
	case kind == 'E' && pgsql.IsMarker(f.Values['C'], f.Values['M']):
		s.markStale()
		return s.refusal(&refused{
			code: "40001", message: "hoop: a masked table changed while the statement was on its way, so it was not run",
			hint: "Send the statement again.",
		})
	case head.withheld:
		return withheld(f, kind)
	}
	return nil
}

// overdue is the refusal of a command that the clock cancelled, where an error is that.
func (s *session) overdue(head *expectation, code string) *refused {
	s.mu.Lock()
	defer s.mu.Unlock()
	if head == nil || head.overdue == nil || head.overdue.code != code {
		return nil
	}
	return head.overdue
}

func (s *session) markStale() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = true
}

// failed takes an error's effect on what the target still owes. In an extended-query segment it skips up to the Sync.
func (s *session) failed(head *expectation, f wire.Fields) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	s.copyIn = false
	if head == nil {
		return // unasked: the target is about to end the connection
	}
	if head.kind == 'S' { // the commit that Sync implies failed: what was answered before is undone
		s.gate.Note(f.Values['C'], "The transaction that ended here was rolled back.")
		return
	}
	head.failed = f.Values['C']
	if head.kind == 'Q' {
		return
	}
	s.queue.pop()
	s.settleNames(head)
	head.fail(f.Values['C'])
	s.queue.skip()
}

// refusal is the error that the client sees.
func (s *session) refusal(r *refused) []byte {
	message := r.message
	s.mu.Lock()
	if s.status == 'T' && !r.usual {
		message = strings.TrimSuffix(message, ".") + ". The transaction in progress is rolled back."
	}
	s.mu.Unlock()
	e := pgproto3.ErrorResponse{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: r.code, Message: message, Detail: r.detail, Hint: r.hint, Position: int32(r.at)}
	return encoded(&e)
}

// withholds says whether free text of errors and notices of a statement may hold masked values: of everything that does
// more than read, of a commit, which runs what was deferred, and of what is done to other tables by cascade.
func (s *session) withholds(a *pgsql.Analysis) bool {
	if !s.masked.Load() {
		return false
	}
	for _, st := range a.Statements {
		if st.TargetMasked || st.Tx == pgsql.Commits || strings.HasPrefix(st.Command, "set constraints") {
			return true
		}
		for _, x := range st.Accesses {
			if x.Effect != pgsql.Read && x.Effect != pgsql.Session {
				return true
			}
		}
	}
	return false
}

// withheld is an error or a notice without its free text.
func withheld(f wire.Fields, kind byte) []byte {
	const text = "hoop: the text is withheld, because it may hold masked values"
	if kind == 'N' {
		return notice(f.Values['C'], f.Values['V'], text)
	}
	e := pgproto3.ErrorResponse{Severity: f.Values['S'], SeverityUnlocalized: f.Values['V'], Code: f.Values['C'], Message: text}
	return encoded(&e)
}

// warnings are the notices that come before the first answer of a command.
func warnings(x *expectation) []byte {
	var b []byte
	for _, w := range x.warnings {
		b = append(b, notice("01000", "WARNING", "hoop: "+w)...)
	}
	x.warnings = nil
	return b
}

func notice(code, severity, message string) []byte {
	n := pgproto3.NoticeResponse{Severity: severity, SeverityUnlocalized: severity, Code: code, Message: message}
	return encoded(&n)
}
