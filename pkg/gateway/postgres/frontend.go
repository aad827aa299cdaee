package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// frontend reads the client until it leaves. All whole messages of one read are handled before one write.
func (s *session) frontend(ctx context.Context) error {
	for {
		if err := s.messages(ctx); err != nil {
			return err
		}
		if err := s.out.flush(); err != nil {
			return err
		}
		if err := drained(s.socket.target); err != nil {
			return err
		}
		if err := s.nextInput(ctx); err != nil {
			return err
		}
	}
}

// messages handles what was read. One that is slow in the loop is left where it is.
func (s *session) messages(ctx context.Context) error {
	for {
		m, ok, err := s.in.Next()
		if err != nil || !ok {
			return err
		}
		err = s.message(ctx, m)
		if errors.Is(err, errSlow) {
			s.in.Back(m)
			return err
		}
		if err != nil && !errors.Is(err, errSkipped) {
			return err
		}
	}
}

func (s *session) message(ctx context.Context, m wire.Message) error {
	s.mu.Lock()
	copying, skipping := s.copyIn, s.queue.skipping
	s.mu.Unlock()
	if copying && s.inLoop {
		return errSlow
	}
	if copying {
		return s.copyMessage(m)
	}
	if (skipping || s.front.dropping) && m.Type != 'S' && m.Type != 'X' {
		s.judging.Store(notJudging) // it may be one that was slow in the loop
		return nil                  // as the target does
	}
	switch m.Type {
	case 'Q', 'P', 'B':
		return s.judged(ctx, m)
	case 'D':
		return s.describe(ctx, m)
	case 'E':
		return s.execute(ctx, m)
	case 'C':
		return s.closeName(m)
	case 'S':
		return s.sync(m)
	case 'H':
		if err := s.release(); err != nil {
			return err
		}
		s.flushed()
		return s.housekeep(guard.Flush, m.Raw, nil)
	case 'F':
		return s.functionCall(ctx)
	case 'X':
		return errTerminated
	default: // CopyData, CopyDone and CopyFail: PostgreSQL ignores them outside of COPY
		return nil
	}
}

// judged handles a message that a verdict is taken on. A cancel request that comes meanwhile is for it.
func (s *session) judged(ctx context.Context, m wire.Message) (err error) {
	s.judging.CompareAndSwap(notJudging, judging) // it may be so already, since it was slow in the loop
	switch m.Type {
	case 'Q':
		err = s.query(ctx, m.Body())
	case 'P':
		err = s.parse(ctx, m.Body())
	default:
		err = s.bind(ctx, m.Body())
	}
	if !errors.Is(err, errSlow) {
		s.judging.Store(notJudging)
	}
	return err
}

// cancelled ends the time in which a cancel request is for the command being judged, and says whether one came.
func (s *session) cancelled() bool { return s.judging.Swap(notJudging) == judgingCancelled }

// query handles a simple query: it is judged whole, and is a segment of its own.
func (s *session) query(ctx context.Context, body []byte) error {
	text, err := wire.DecodeQuery(body)
	if err != nil {
		return err
	}
	if err := s.release(); err != nil {
		return err
	}
	if err := s.awaitNames(ctx); err != nil {
		return err
	}
	st, r := s.understand(ctx, text)
	if r != nil {
		return s.refuseQuery(r)
	}
	if r := s.loneCopy(ctx, st.analysis); r != nil {
		return s.refuseQuery(r)
	}
	if s.inLoop && copiesIn(st.analysis) {
		return errSlow
	}
	pass, err := s.gate.Admit(ctx, s.command(st, s.again(text)))
	if err != nil {
		return s.refuseQuery(asRefused(err))
	}
	if s.cancelled() {
		return s.refuseQuery(cancelledBefore(pass))
	}
	if len(st.analysis.Statements) == 1 && bounded(st, pass) {
		return s.carry(ctx, st, pass)
	}
	x := &expectation{kind: 'Q', pass: pass, look: newLook(pass)}
	s.prepare(x, st)
	s.endSegment(x)
	if err := s.forward(x, func(w *writer) error { return w.query(pass.Text()) }); err != nil {
		return err
	}
	if bounded(st, pass) {
		return s.outcome(ctx, x)
	}
	return s.awaitCopy(ctx, x, copiesIn(st.analysis))
}

// awaitNames waits for earlier segments that may still change a name, since a text may use any.
func (s *session) awaitNames(ctx context.Context) error {
	s.mu.Lock()
	latest := s.names.allTouched
	for _, segment := range s.names.touched {
		latest = max(latest, segment)
	}
	latest = min(latest, s.segment-1)
	open := latest > s.completed
	s.mu.Unlock()
	if !open {
		return nil
	}
	return s.awaitSegment(ctx, latest)
}

// prepare fills in what the answers to a text change.
func (s *session) prepare(x *expectation, of *statement) {
	x.names = s.changes(of)
	x.judged = s.judgedIn(of)
	dirty := false
	for _, st := range of.analysis.Statements {
		x.redefines = x.redefines || st.ChangesCatalog || s.leavesOwn(st)
		dirty = dirty || st.Tx != pgsql.Opens
		if st.Imports {
			s.begun = seen{} // nobody knows what everybody saw then
		}
		if st.ChangesRole {
			s.becomeAnother()
		}
		s.laneOnce = s.laneOnce && st.Tx != pgsql.RollsBack && st.Tx != pgsql.Commits
	}
	x.withheld = s.withholds(of.analysis)
	x.warnings = of.analysis.Warnings
	x.selects = len(of.analysis.Statements) == 1 && of.analysis.Statements[0].Command == "select"
	x.changes = changesRows(of.analysis)
	s.mu.Lock()
	s.dirty = s.dirty || dirty
	if x.redefines {
		s.redefined = s.segment
	}
	s.mu.Unlock()
}

// endSegment owes an answer that ends with ReadyForQuery, and begins the next segment.
func (s *session) endSegment(x *expectation) {
	s.mu.Lock()
	x.segment = s.segment
	s.segment++
	s.queue.push(x)
	s.unsynced, s.flushedTo = false, s.queue.pushed
	s.mu.Unlock()
	s.front.reset()
}

// owe notes what the target owes for a message within a segment.
func (s *session) owe(x *expectation) {
	s.mu.Lock()
	s.queue.push(x)
	s.unsynced = true
	s.mu.Unlock()
	s.front.sent = true
}

// forward sends what was admitted and is owed an answer. The target skips what follows an error up to the next Sync: a
// command that was skipped before it was sent has no pass any more, and is not sent.
func (s *session) forward(x *expectation, send func(*writer) error) error {
	err := s.up.With(x.pass, send)
	if !errors.Is(err, guard.ErrNoPass) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.failed == skipped {
		return nil
	}
	return err
}

func (s *session) housekeep(kind guard.Housekeeping, raw []byte, x *expectation) error {
	if x != nil {
		s.owe(x)
	}
	return s.up.Housekeep(kind, func(w *writer) error { return w.raw(raw) })
}

func (s *session) sync(m wire.Message) error {
	if err := s.release(); err != nil {
		return err
	}
	// What fails at Sync fails at the commit that it implies: a deferred constraint or trigger.
	s.endSegment(&expectation{kind: 'S', withheld: s.masked.Load()})
	return s.up.Housekeep(guard.Sync, func(w *writer) error { return w.raw(m.Raw) })
}

// release sends what was kept back of this segment, in order.
func (s *session) release() error {
	deferred := s.front.deferred
	s.front.deferred, s.front.kept = nil, 0
	for _, send := range deferred {
		if err := send(); err != nil {
			return err
		}
	}
	return nil
}

// maxKept bounds in bytes what is kept back of a segment.
const maxKept = 1 << 20

// inOrder sends now, or after what is kept back. size is that of the message.
func (s *session) inOrder(size int, send func() error) error {
	if len(s.front.deferred) == 0 {
		return send()
	}
	return s.keepBack(size, send)
}

// keepBack sends later: when it is known whether what needs an approval may run.
func (s *session) keepBack(size int, send func() error) error {
	s.front.kept += size + 64
	if s.front.kept > maxKept {
		s.front.deferred = nil
		return s.refuseExtended('P', "", &refused{code: "54000", message: "too much is waiting for an approval in one batch", hint: "Send less at once."})
	}
	s.front.deferred = append(s.front.deferred, send)
	return nil
}

// functionCall refuses the one message that calls functions past SQL, without looking into it.
func (s *session) functionCall(ctx context.Context) error {
	if err := s.release(); err != nil {
		return err
	}
	return s.refuseQuery(s.reject(ctx, "FunctionCall", &pgsql.Problem{
		SQLState: "42501", Rule: "function-call", Message: "Calling functions by number is not served.",
		Hint: "Call the function in a SELECT.",
	}))
}

// copyMessage handles the client's side of COPY FROM STDIN. Flush and Sync are ignored there, as PostgreSQL does.
func (s *session) copyMessage(m wire.Message) error {
	s.mu.Lock()
	head := s.queue.head()
	if m.Type == 'c' || m.Type == 'f' {
		s.copyIn = false
	}
	s.mu.Unlock()
	switch m.Type {
	case 'd':
		if head == nil || head.pass == nil {
			return nil
		}
		head.pass.Input(m.Raw)
		err := s.up.Continue(head.pass, func(w *writer) error { return w.raw(m.Raw) })
		if err == guard.ErrNoPass { // the target has just ended the COPY: what is still coming is ignored
			return nil
		}
		return err
	case 'c', 'f':
		return s.up.Housekeep(guard.InputEnd, func(w *writer) error { return w.raw(m.Raw) })
	case 'H', 'S':
		return nil
	case 'X':
		return errTerminated
	}
	return fmt.Errorf("%w: message %q during COPY", wire.ErrProtocol, m.Type)
}

// awaitCopy waits until the target reads the data of a COPY FROM STDIN or has refused to.
func (s *session) awaitCopy(ctx context.Context, x *expectation, copies bool) error {
	if !copies {
		return nil
	}
	return s.await(ctx, func() bool { return s.copyIn || x.done || x.failed != "" })
}

func copiesIn(a *pgsql.Analysis) bool {
	for _, st := range a.Statements {
		if st.CopyIn {
			return true
		}
	}
	return false
}

// loneCopy refuses a COPY FROM STDIN among other statements: its data would stand between their answers.
func (s *session) loneCopy(ctx context.Context, a *pgsql.Analysis) *refused {
	if !copiesIn(a) || len(a.Statements) == 1 {
		return nil
	}
	return s.reject(ctx, a.Recorded, &pgsql.Problem{
		SQLState: "0A000", Rule: "names", Message: "COPY FROM STDIN must be sent alone.", Hint: "Send it separately.",
	})
}
