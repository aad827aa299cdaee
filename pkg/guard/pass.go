package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// Pass states. The zero state is that of a pass that nobody issued, so the zero Pass opens nothing.
const (
	passNone int32 = iota
	passIssued
	passSpent
	passFinished
)

// ErrNoPass says that an upstream was asked for without a valid, unspent pass of the same session.
var ErrNoPass = errors.New("no valid pass for this command")

// Pass is the right to send one admitted command. Admit alone makes one, and it is spent once.
type Pass struct {
	session    *Session
	number     uint64
	command    Command
	decisionID string
	began      time.Time
	deferred   bool
	approved   bool      // by a person
	standing   *Standing // of the policy that admitted it
	scan       *Scan
	state      atomic.Int32
	bytes      int64          // of result
	whole      int64          // of result given to the recorder
	rest       *record.Digest // of result bytes beyond the cap
	inputMu    sync.Mutex
	input      *record.Digest // of input data
	inputBytes int64
	bounds     bounds
	reserved   int64 // commands that it counts for
	stoodMu    sync.Mutex
	stood      *Standing // under which it was last found to stand
	partsMu    sync.Mutex
	parts      map[*int]Command // what it reaches for beside itself
}

// Text is what may be sent: the command as rewritten.
func (p *Pass) Text() string { return p.command.Rewritten }

// Deferred says that the command was only made ready and will need an approval to run, so that nothing of it should be
// sent ahead of the rest of its batch.
func (p *Pass) Deferred() bool { return p.deferred }

// Number counts the commands of a session from 1.
func (p *Pass) Number() uint64 { return p.number }

// Columns gives the guard the shape of the rows that follow, as the protocol's own bytes and decoded. A shape holds for
// the session's later commands too, until the next one.
func (p *Pass) Columns(raw []byte, decode func() []record.Column) error {
	return p.session.recordColumns(p, raw, decode)
}

// Result gives the guard rows of the command's result as the client sees them. Calls must not overlap. An error means
// that they could not be kept, and must not reach the client either.
func (p *Pass) Result(raw []byte) error {
	p.bytes += int64(len(raw))
	if p.rest == nil && p.bytes <= p.session.cfg.ResultCap {
		p.whole = p.bytes
		return p.session.cfg.Recorder.AppendBatch(p.number, raw)
	}
	if p.rest == nil { // from here on nothing more of this result is kept
		p.rest = &record.Digest{}
	}
	p.rest.Write(raw)
	return nil
}

// Input counts and hashes data that the client sends to a running command.
func (p *Pass) Input(raw []byte) {
	p.inputMu.Lock()
	defer p.inputMu.Unlock()
	if p.input == nil {
		p.input = &record.Digest{}
	}
	p.input.Write(raw)
	p.inputBytes += int64(len(raw))
}

// Finish records what became of the command. Only the first call counts.
func (p *Pass) Finish(o Outcome) error {
	if p.state.Swap(passFinished) == passFinished {
		return nil
	}
	return p.session.recordOutcome(p, o)
}

// Refuse records that more of a running command was refused, for what the rest of it turned out to be. Nothing more of it may be sent.
func (p *Pass) Refuse(ctx context.Context, why api.Refusal) *Refusal {
	return p.session.refuse(ctx, p, why)
}

// Upstream holds the send side of an authenticated connection and lends it only to the holder of a pass.
// T is a frame writer, an *ssh.Client, an http.RoundTripper.
type Upstream[T any] struct {
	session *Session
	to      T
	gathers bool
}

// NewUpstream puts the send side of a connection behind the gate.
func NewUpstream[T any](s *Session, to T) *Upstream[T] { return &Upstream[T]{session: s, to: to} }

// NewGathering is NewUpstream for a send side that only gathers what is sent, for one write later. All its writes must go
// through Kept, so that the records of what was gathered are kept by one commit.
func NewGathering[T any](s *Session, to T) *Upstream[T] {
	return &Upstream[T]{session: s, to: to, gathers: true}
}

// Kept is w behind the recorder: no byte reaches it before everything that was recorded so far is kept.
func (s *Session) Kept(w io.Writer) io.Writer { return kept{s, w} }

type kept struct {
	session *Session
	to      io.Writer
}

func (k kept) Write(b []byte) (int, error) {
	if err := k.session.Commit(); err != nil {
		return 0, fmt.Errorf("record the command: %w", err)
	}
	return k.to.Write(b)
}

// With spends a pass and lends the upstream for the command that it admits. A pass that was spent, that is not of this
// session or that the guard did not make lends nothing, and nothing is lent, or else leaves (see NewGathering), before the
// command's record is kept.
func (u *Upstream[T]) With(p *Pass, send func(T) error) error {
	if p == nil || p.session != u.session || !p.state.CompareAndSwap(passIssued, passSpent) {
		return ErrNoPass
	}
	if !u.gathers {
		if err := u.session.Commit(); err != nil {
			return fmt.Errorf("record the command: %w", err)
		}
	}
	return send(u.to)
}

// Continue lends the upstream again for a command that is already running: more of its rows, its input data.
func (u *Upstream[T]) Continue(p *Pass, send func(T) error) error {
	if p == nil || p.session != u.session || p.state.Load() != passSpent {
		return ErrNoPass
	}
	return send(u.to)
}

// Housekeeping is a message that carries no command. The list is closed.
type Housekeeping uint8

// The housekeeping messages.
const (
	NotHousekeeping Housekeeping = iota
	Sync                         // ends a batch
	Flush                        // asks for answers
	Describe                     // asks for the shape of what was admitted before
	Forget                       // drops a name
	InputEnd                     // ends or aborts input of a running command
	Terminate                    // ends the session
	Substitute                   // a message that the target itself rejects, in the place of a refused one
	Steer                        // a signal, or a terminal's new size, for a running command
)

// Housekeep lends the upstream for a message of the closed list.
func (u *Upstream[T]) Housekeep(h Housekeeping, send func(T) error) error {
	if h == NotHousekeeping || h > Steer {
		return ErrNoPass
	}
	return send(u.to)
}
