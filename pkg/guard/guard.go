// Package guard is the one gate of every protocol: it decides, records, asks, records, lends the upstream and records
// the outcome. Protocol code decodes and encodes; whatever a command may do is settled here.
package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// Policy judges commands. *policy.Policy is one; it is asked anew for every command, so a changed policy holds at once.
type Policy interface {
	Decide(policy.Subject, policy.Connection, policy.Command) policy.Decision
	// Standing is asked once for each version.
	Standing(policy.Subject, policy.Connection) policy.Standing
	Version() string
}

// Recorder keeps what happens. An error from any method means that it may not have been kept: nothing runs then.
type Recorder interface {
	// Stage adds an event, which is kept once Commit has returned.
	Stage(t record.Type, body []byte) (seq uint64, err error)
	// AppendSync returns once the event is on disk.
	AppendSync(t record.Type, body []byte) (seq uint64, err error)
	// AppendBatch queues result rows of a command and blocks when it falls behind. It never drops.
	AppendBatch(command uint64, raw []byte) error
	// Commit returns once all that was staged is in the kernel, so that a killed process loses nothing of it.
	Commit() error
	// Behind says whether rows that were queued are still to be written, so that the next call has to wait for them.
	Behind() bool
}

// Approvals is the broker's side of a held command. An error from any method means that nobody approved: refuse.
type Approvals interface {
	AskApproval(ctx context.Context, a api.Approval, grantID string) (api.Approval, error)
	// AwaitApproval returns once the request is no longer pending, or with an error when ctx ends.
	AwaitApproval(ctx context.Context, id string) (api.Approval, error)
	// ClaimApproval uses an approval up: it succeeds exactly once for each approval.
	ClaimApproval(ctx context.Context, id, digest string, who api.Identity, demands []api.Approvers) error
	WithdrawApproval(ctx context.Context, id string, who api.Identity) error
	PublishGrantEvent(ctx context.Context, grantID string, e api.GrantEvent) error
}

// Metrics counts what the guard does. Its methods must not block.
type Metrics interface {
	Decided(kind string, v policy.Verdict, took time.Duration)
	Refused(rule string)
	Waited(outcome string, took time.Duration)
	// Overhead is what the gate added to an admitted command: deciding and recording, without waiting for a person.
	Overhead(took time.Duration)
	Masked()
}

// Config is what a Session needs. Every field but Metrics, Log and Detectors is required.
type Config struct {
	ID         string // the session's
	GrantID    string
	Identity   api.Identity
	Subject    policy.Subject
	Connection policy.Connection
	Policy     func() Policy
	Recorder   Recorder
	Approvals  Approvals
	Metrics    Metrics
	Log        *slog.Logger
	Now        func() time.Time
	ResultCap  int64 // bytes of result kept for each command; beyond it they are counted and hashed
	// Detectors makes the detectors that masks ask for; nil: those of pkg/mask.
	Detectors func([]mask.Rule) (Detectors, error)
	// Tally counts what the grant uses. Without one, limits on a grant refuse.
	Tally *Tally
}

// Session is the gate of one client socket. Its methods are safe for concurrent use.
type Session struct {
	cfg      Config
	commands atomic.Int64
	refused  atomic.Int64
	number   atomic.Uint64
	ended    atomic.Pointer[api.Refusal]
	standing atomic.Pointer[Standing]

	shapeMu sync.Mutex
	shape   []byte // of the results recorded last
}

// ErrWaits is what Admit answers for a command with NoWait that has to wait. Nothing of it was judged or recorded.
var ErrWaits = errors.New("this command has to wait")

// New makes the gate of one session.
func New(c Config) (*Session, error) {
	if c.Policy == nil || c.Recorder == nil || c.Approvals == nil || c.Now == nil || c.ID == "" || c.GrantID == "" {
		return nil, fmt.Errorf("open the gate of session %q: policy, recorder, approvals, clock and ids are required", c.ID)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = noMetrics{}
	}
	return &Session{cfg: c}, nil
}

// Admit runs the request side of a command in this order: decide, record, ask, record. It returns a pass for exactly
// this command, or a *Refusal. There is no other way to get a pass, and any error on the way refuses.
func (s *Session) Admit(ctx context.Context, c Command) (*Pass, error) {
	began := s.cfg.Now()
	by := s.cfg.Policy()
	d, standing := s.decideBy(by, c, began), s.standingOf(by)
	if c.NoWait && (d.Verdict != policy.Allow || s.ended.Load() != nil || mustSync(c, d) || standing.limits(d) || s.Behind()) {
		return nil, ErrWaits
	}
	p := &Pass{session: s, number: s.number.Add(1), began: began, standing: standing, scan: standing.looks()}
	p.command = p.seen(c)
	if c.Stage == Execute {
		s.commands.Add(1)
	}
	p.decisionID = s.decisionID(p.number)
	s.cfg.Metrics.Decided(s.cfg.Connection.Kind, d.Verdict, s.cfg.Now().Sub(began))
	if err := s.recordCommand(p, d); err != nil {
		return nil, s.refuse(ctx, p, s.unrecorded(err))
	}
	if r := s.ended.Load(); r != nil {
		return nil, s.refuse(ctx, p, *r)
	}
	if d.Verdict != policy.Deny {
		p.bounds.affected = d.Affected
		if r := s.bound(p); r != nil {
			return nil, s.limited(ctx, p, *r)
		}
	}
	defer func() {
		if p.state.Load() == passNone {
			s.unreserve(p)
		}
	}()
	switch {
	case d.Verdict == policy.Allow:
		p.stood = standing
	case d.Verdict == policy.Approve && c.Stage == Prepare && c.Reviewed:
		// Preparing runs nothing; the approval is asked for when values are bound.
		p.deferred = true
	case d.Verdict == policy.Approve && c.Unshown != "":
		return nil, s.refuse(ctx, p, unshown(d, c.Unshown))
	case d.Verdict == policy.Approve:
		if r := s.ask(ctx, p, d); r != nil {
			return nil, s.refuse(ctx, p, *r)
		}
		p.approved, p.standing = true, s.Standing() // of the policy that it was used under
		p.scan = p.standing.looks()
		if p.standing != nil && weightier(c.Facts.Accesses) {
			p.bounds.hold(p.standing.Limits)
		}
		if r := s.undoable(p); r != nil { // the rules may have changed meanwhile
			return nil, s.limited(ctx, p, *r)
		}
	default:
		return nil, s.refuse(ctx, p, denied(d))
	}
	if r := s.ended.Load(); r != nil {
		return nil, s.refuse(ctx, p, *r)
	}
	if len(c.Masked) > 0 {
		s.cfg.Metrics.Masked()
	}
	if !p.approved {
		s.cfg.Metrics.Overhead(s.cfg.Now().Sub(began))
	}
	p.state.Store(passIssued)
	return p, nil
}

// bound settles what a command that may run may use, before anybody is asked.
func (s *Session) bound(p *Pass) *api.Refusal {
	if r := s.reserve(p); r != nil {
		return r
	}
	if r := s.undoable(p); r != nil {
		s.unreserve(p)
		return r
	}
	return nil
}

// Again takes the verdict on a running command anew, before more of it is asked of the target. What was admitted without
// a person must still be, and nothing goes on that is denied now.
func (s *Session) Again(ctx context.Context, p *Pass) error {
	if p == nil || p.session != s {
		return ErrNoPass
	}
	d := s.decide(p.command, s.cfg.Now())
	admitted := p.admits(&d)
	if part, ok := p.reached(); admitted && !ok {
		d, admitted = part, false
	}
	if admitted {
		switch now := s.Standing(); {
		case !now.looks().same(p.scan):
			d.Message = "The policy changed while the command ran: other detectors look at its results now."
		case !now.bounds(p.standing) || !sameBound(d.Affected, p.bounds.affected):
			d.Message = "The policy changed while the command ran: other limits hold now."
		default:
			return nil
		}
	}
	return s.refuse(ctx, p, denied(d))
}

// Reject records and counts a command that could not even be judged (it does not parse, or is not served) and answers
// its refusal. Nothing of it may be sent.
func (s *Session) Reject(ctx context.Context, c Command, r api.Refusal) *Refusal {
	p := &Pass{session: s, number: s.number.Add(1), began: s.cfg.Now(), scan: s.Scan()}
	p.command = p.seen(c)
	p.decisionID = s.decisionID(p.number)
	s.commands.Add(1)
	if err := s.recordCommand(p, policy.Decision{Rule: r.Rule, Message: r.Message}); err != nil {
		r = s.unrecorded(err)
	}
	return s.refuse(ctx, p, r)
}

// Commit returns once all that was recorded so far is kept. A protocol calls it before it sends a client more of
// a result whose earlier part was recorded; for what goes to the target, With sees to it.
func (s *Session) Commit() error { return s.cfg.Recorder.Commit() }

// Behind says whether the recorder has to catch up, so that recording would wait now.
func (s *Session) Behind() bool { return s.cfg.Recorder.Behind() }

// Note records what belongs to no command. A failed recorder refuses every later command, so there is nothing to handle.
func (s *Session) Note(code, message string) {
	if err := s.append(record.Notice{Code: code, Message: message}, false); err != nil {
		s.cfg.Log.Error("recording failed", "session", s.cfg.ID, "error", err)
	}
}

// End makes every later Admit refuse with r. Commands that were admitted keep their passes: who ends a session also
// closes its sockets.
func (s *Session) End(r api.Refusal) { s.ended.CompareAndSwap(nil, &r) }

// Counts answers how many commands came and how many of them were refused.
func (s *Session) Counts() (commands, refused int64) { return s.commands.Load(), s.refused.Load() }

// Standing is what one version of the policy says of a session's person before any command.
type Standing struct {
	policy.Standing
	Version string
	scan    *Scan
}

// Masked says whether any mask of this person's is of a kind. Where no policy stands, all are.
func (s *Standing) Masked(kind func(*policy.Mask) bool) bool {
	return s == nil || slices.ContainsFunc(s.Masks, func(m policy.Mask) bool { return kind(&m) })
}

// Standing answers what the policy in force says of this session's person before any command. Without a policy it
// answers nil: nothing can be understood then, and everything is refused.
func (s *Session) Standing() *Standing {
	return s.standingOf(s.cfg.Policy())
}

// standingOf is that of a policy; nil: there is none.
func (s *Session) standingOf(p Policy) *Standing {
	if p == nil {
		return nil
	}
	version := p.Version()
	if known := s.standing.Load(); known != nil && known.Version == version {
		return known
	}
	now := &Standing{Standing: p.Standing(s.cfg.Subject, s.cfg.Connection), Version: version}
	now.scan = s.scanFor(now.Masks, s.standing.Load())
	s.standing.Store(now)
	return now
}

// decide asks the policy in force.
func (s *Session) decide(c Command, now time.Time) policy.Decision {
	return s.decideBy(s.cfg.Policy(), c, now)
}

// decideBy asks a policy and never lets a panic through: what can't be decided is denied.
func (s *Session) decideBy(p Policy, c Command, now time.Time) (d policy.Decision) {
	defer func() {
		if e := recover(); e != nil {
			s.cfg.Log.Error("policy panicked", "panic", fmt.Sprint(e))
			d = policy.Decision{Rule: "default", Message: "The policy could not be evaluated, so the command was refused."}
		}
	}()
	if p == nil {
		return policy.Decision{Rule: "default", Message: "No policy is loaded, so every command is refused."}
	}
	c.Facts.Now = now
	return p.Decide(s.cfg.Subject, s.cfg.Connection, c.Facts)
}

func (s *Session) decisionID(n uint64) string {
	var room [64]byte
	return string(strconv.AppendUint(append(append(room[:0], s.cfg.ID...), '.'), n, 10))
}

type noMetrics struct{}

func (noMetrics) Decided(string, policy.Verdict, time.Duration) {}
func (noMetrics) Refused(string)                                {}
func (noMetrics) Waited(string, time.Duration)                  {}
func (noMetrics) Overhead(time.Duration)                        {}
func (noMetrics) Masked()                                       {}
