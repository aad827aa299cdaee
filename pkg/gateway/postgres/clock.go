package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

const (
	// The clock looks twenty times within the shortest limit, but not oftener and not more seldom than this.
	oftenest, seldomest = 20 * time.Millisecond, time.Second
	// stopWithin is how long a statement that was cancelled may take to end before its session does.
	stopWithin = 5 * time.Second
)

// clock holds a session to the policy's times. It is the gateway's own: a client can't set it, by no setting and in no
// function. It looks now and then instead of being wound up for every command, so that commands don't pay for it; a limit
// is met up to a twentieth, and 20 ms, later than it says.
type clock struct {
	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
	end     context.CancelCauseFunc // of the whole session

	running, idle span
	asked         time.Time // when the target was asked to stop what runs
	noticed       noticed
}

// span is how long the same thing has been going on. number tells things apart; 0 is none.
type span struct {
	number uint64
	since  time.Time
}

// of notes what goes on now and answers for how long it has.
func (x *span) of(number uint64, now time.Time) time.Duration {
	if x.number != number {
		x.number, x.since = number, now
	}
	if number == 0 {
		return 0
	}
	return now.Sub(x.since)
}

// wind starts the clock. The returned func stops it for good.
func (s *session) wind(ctx context.Context, end context.CancelCauseFunc) (stop func()) {
	c := &s.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end = end
	c.timer = time.AfterFunc(seldomest/10, func() { s.tick(ctx) })
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.stopped = true
		c.timer.Stop()
	}
}

// tick looks at what goes on, ends what has taken too long, and sets the time of the next look.
func (s *session) tick(ctx context.Context) {
	c := &s.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	standing := s.gate.Standing()
	if standing == nil { // nothing runs without a policy
		c.timer.Reset(seldomest)
		return
	}
	now := time.Now()
	s.mu.Lock()
	head := s.queue.head()
	running, idle := s.pursuits()
	s.mu.Unlock()
	l := &standing.Limits
	if over := c.running.of(running, now); over == 0 {
		c.asked = time.Time{}
	} else if over >= time.Duration(l.Statement.Max) {
		s.overrun(head, l.Statement, now)
	}
	if c.idle.of(idle, now) >= time.Duration(l.IdleInTransaction.Max) && idle != 0 {
		s.gate.Note("25P03", fmt.Sprintf("The limit %s ended the session: its transaction was idle.", l.IdleInTransaction.Rule))
		c.end(&api.Error{
			Code: codeIdle, Message: fmt.Sprintf("The limit %s is reached: a transaction may be idle for %s.", l.IdleInTransaction.Rule, time.Duration(l.IdleInTransaction.Max)),
			Hint: "Connect again, and end transactions sooner.",
		})
		return
	}
	if why := s.outdated(ctx, now, standing.Unrestricted); why != "" {
		s.endOutdated(why)
		return
	}
	c.timer.Reset(min(max(time.Duration(min(l.Statement.Max, l.IdleInTransaction.Max))/20, oftenest), seldomest))
}

// The codes with which the clock ends sessions.
const (
	codeIdle    = "idle_in_transaction"
	codeOverrun = "statement_time"
)

// pursuits number what runs at the target, and the wait of a transaction for its client; 0: none. A batch without a Sync is
// a transaction too, and one that waits for a person holds nothing. mu is held.
func (s *session) pursuits() (running, idle uint64) {
	waits := s.held == nil && (s.status != 'I' || s.unsynced)
	if n := uint64(len(s.queue.items)); n > 0 {
		running = s.queue.pushed - n + 1
		if running <= s.flushedTo { // its answer was asked for, so the client waits and not the target
			waits = false
		}
	}
	if waits {
		idle = s.queue.pushed + 1
	}
	return running, idle
}

// overrun cancels what runs for too long, and ends the session where that does not help.
func (s *session) overrun(head *expectation, b policy.Bound, now time.Time) {
	c := &s.clock
	switch {
	case c.asked.IsZero():
		if head != nil && head.pass != nil {
			r := asRefused(head.pass.Overdue(b))
			s.mu.Lock()
			head.overdue = r
			s.mu.Unlock()
		}
		s.mu.Lock()
		ended := s.queue.head() != head
		s.mu.Unlock()
		if ended { // just now: what runs next is another command
			return
		}
		c.asked = now
		s.target.cancel()
	case now.Sub(c.asked) >= stopWithin:
		c.end(&api.Error{
			Code: codeOverrun, Message: fmt.Sprintf("The limit %s is reached, and the statement did not end when it was cancelled.", b.Rule),
			Hint: "Connect again.",
		})
	}
}

// flushed notes that the target was asked to answer all that was sent.
func (s *session) flushed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushedTo = s.queue.pushed
}
