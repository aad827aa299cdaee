package postgres

import (
	"errors"
	"os"
	"time"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// parting is how a session leaves its connection.
type parting struct {
	thorough bool // it may have changed settings
	stained  bool // it ran what may leave more than a reset takes away: the connection ends with it
	offered  bool // the session ended so that another one may follow on its connection
	silent   bool // the target had said nothing more when the backend left
}

// used notes what a command may leave on the connection. Reading and writing leave nothing that outlives their
// transaction, and settings are reset. Definitions, functions of somebody's own, and what is not understood may leave
// anything.
func (s *session) used(st *statement) {
	for _, x := range st.analysis.Statements {
		s.parting.stained = s.parting.stained || x.ChangesCatalog
	}
	for _, a := range st.policyFacts().Accesses {
		switch a.Effect {
		case policy.Read, policy.Write, policy.Delete:
		case policy.Session:
			s.parting.thorough = true
		default:
			s.parting.stained = true
		}
	}
}

// offer ends the reading of the target, instead of closing it, where the client said goodbye between commands. It answers
// whether it did. mu is not held.
func (s *session) offer(why error) bool {
	s.mu.Lock()
	idle := len(s.queue.items) == 0 && !s.queue.skipping && s.status == 'I' && !s.copyIn && s.completed == s.segment-1 && s.held == nil && !s.pausing
	s.parting.offered = errors.Is(why, errTerminated) && idle
	s.mu.Unlock()
	// A deadline in the past ends the backend's read; the connection stays usable.
	return s.parting.offered && s.target.conn.SetReadDeadline(time.Unix(1, 0)) == nil
}

// backendLeft notes why the backend reads no more, and how many bytes it has read and not handled.
func (s *session) backendLeft(err error, unread int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parting.silent = errors.Is(err, os.ErrDeadlineExceeded) && unread == 0
}

// part gives the connection to the pool, or closes it. Nothing of the session runs any more.
func (s *session) part() {
	p, f := s.parting, s.front
	if p.offered && p.silent && !p.stained && !f.sent && len(f.deferred) == 0 && len(s.out.buf) == 0 && (s.socket.target == nil || s.socket.target.Unsent() == 0) {
		if next := s.target.leave(); next != nil {
			next.thorough = p.thorough
			s.lease.give(next)
			return
		}
	}
	_ = s.target.Close()
}

// leave takes the connection from an upstream, for another one. It answers nil where that must not be: where a cancel
// request was sent, which may arrive at any time later, and would hit whatever runs on the connection then.
func (u *upstream) leave() *upstream {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.cancelled || u.gone {
		return nil
	}
	u.gone = true
	return &upstream{
		conn: u.conn, self: u.self, process: u.process, secret: newSecret(), role: u.origin.role, searchPath: u.origin.path,
		settings: u.settings, fixed: u.fixed, origin: u.origin,
	}
}

// fence says whether the connection is still this upstream's, and that it is nobody else's after it.
func (u *upstream) fence() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cancelled = true
	return !u.gone
}
