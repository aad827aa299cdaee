package postgres

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
	"golang.org/x/sync/errgroup"
)

// session is one client socket and the connection to the target behind it. The frontend goroutine reads the client and
// writes to the target, the backend goroutine reads the target and writes to the client; mu guards what both know.
type session struct {
	log      *slog.Logger
	client   net.Conn
	target   *upstream
	grammar  Grammar
	catalog  *catalog
	database string
	onClose  func()

	gate    *guard.Session
	hooks   guard.Hooks
	up      *guard.Upstream[*writer]
	buffers *wire.Buffers
	in      *wire.Reader // from the client
	out     *writer      // to the target

	socket sockets // in a loop; none: both goroutines wait by themselves
	inLoop bool    // the loop does the frontend's work

	clientMu sync.Mutex // whole messages are written to the client under it: see tell
	told     bool       // the client got its last words
	ears     ears

	mu        sync.Mutex
	changed   *sync.Cond // on mu: an answer came, or the session is over
	queue     queue
	names     names
	status    byte   // of the transaction, from the latest ReadyForQuery: I, T or E
	segment   uint64 // the one being built by the frontend
	completed uint64 // the latest whose ReadyForQuery came
	dirty     bool   // since the session was last idle, more was sent than BEGIN and its like
	copyIn    bool   // the target reads CopyData
	stale     bool   // a statement of this session changed the catalog
	redefined uint64 // the latest segment that may change definitions
	pausing   bool   // the frontend wants the target's socket for itself
	paused    bool   // the backend has left it
	over      error
	unsynced  bool   // something was sent since the last Sync or simple query
	flushedTo uint64 // how many expectations the target was asked to answer

	clock    clock
	lane     bool // the target's session is read-only
	laneOnce bool // the transaction in progress is, and the session not yet
	another  bool // it may run as another role than the connection's

	own    *ownCatalog // nil where no transaction of this session has definitions of its own
	begun  seen        // what everybody saw before the transaction in progress began, or longer ago
	masked atomic.Bool // masks are in force
	// judging says whether the frontend is judging a command, and whether that was taken back meanwhile.
	judging atomic.Int32
	held    context.CancelCauseFunc // ends the wait of a held command; nil when none waits
	front   frontState
	around  *surroundings // that the latest text was understood in
	parsed  analyses

	lease   *lease
	parting parting
}

// The values of session.judging.
const (
	notJudging int32 = iota
	judging
	judgingCancelled
)

// errSkipped says that the target skips the message that is being handled, for an error before it.
var errSkipped = errors.New("skipped behind an error")

// errTerminated ends a session whose client said goodbye.
var errTerminated = errors.New("the client ended the session")

// Serve runs the session until the client leaves, the target does, or ctx ends; its cause is then told to the client.
func (s *session) Serve(ctx context.Context, gate *guard.Session) error {
	s.gate = gate
	s.hooks = guard.Hooks{Waiting: s.waiting, Holding: s.holding, NoHold: s.noHold, Values: lookAtParameter}
	s.out.to = gate.Kept(s.target.conn)
	s.up = guard.NewGathering(gate, s.out)
	if err := s.welcome(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer s.wind(ctx, cancel)()
	var work errgroup.Group
	heard := make(chan struct{}) // nobody reads from the client any more
	work.Go(func() error {
		defer close(heard)
		return s.leave(cancel, s.recovered(ctx, s.frontend))
	})
	work.Go(func() error { return s.leave(cancel, s.recovered(ctx, s.backend)) })
	<-ctx.Done()
	why := context.Cause(ctx)
	var farewell sync.WaitGroup
	s.finish(why, func() {
		farewell.Go(func() {
			<-heard
			tunnel.Part(ctx, s.client, tellWithin, tellWithin, nil)
		})
	})
	_ = work.Wait() // what ended the session is in why
	s.drop()
	s.part()
	farewell.Wait()
	if errors.Is(why, errTerminated) || errors.Is(why, io.EOF) {
		return nil
	}
	return why
}

// leave ends the whole session with the first goroutine that returns.
func (s *session) leave(cancel context.CancelCauseFunc, err error) error {
	if err == nil {
		err = errTerminated
	}
	cancel(err)
	return err
}

// recovered turns a panic into an error, so that it ends this session alone.
func (s *session) recovered(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if e := recover(); e != nil {
			err = s.panicked(e)
		}
	}()
	return f(ctx)
}

// tellWithin is how long the client may take to read what is written to it when its session ends, and then to close its side.
const tellWithin = 300 * time.Millisecond

// tell writes whole messages to the client. Nothing comes behind its last words.
func (s *session) tell(messages []byte) error {
	s.clientMu.Lock()
	defer s.clientMu.Unlock()
	if s.told {
		return net.ErrClosed
	}
	_, err := s.client.Write(messages)
	return err
}

// finish stops what runs at the target, tells the client why where it did not leave by itself, and closes both sockets: that of a client
// which took its last words by a farewell, for which nobody waits here.
func (s *session) finish(why error, farewell func()) {
	s.mu.Lock()
	s.over = why
	running := s.queue.running()
	s.changed.Broadcast()
	s.mu.Unlock()
	left := errors.Is(why, errTerminated) || errors.Is(why, io.EOF)
	if !left {
		s.deafen()
	}
	var cancelled sync.WaitGroup
	if running && !left {
		s.target.abandon()
	}
	if running {
		cancelled.Go(s.target.cancel)
	}
	_ = s.client.SetWriteDeadline(time.Now().Add(tellWithin))
	taken := false
	if !left {
		s.clientMu.Lock() // whoever writes now is done by the deadline, which is then not that of the last words
		_ = s.client.SetWriteDeadline(time.Now().Add(tellWithin))
		_, err := s.client.Write(fatal(why))
		s.told, taken = true, err == nil
		s.clientMu.Unlock()
	}
	if drained(s.socket.client) == nil && taken {
		farewell()
	} else {
		_ = s.client.Close()
	}
	cancelled.Wait()
	if !s.offer(why) {
		_ = s.target.Close()
	}
}

// drop finishes the records of what never got an answer.
func (s *session) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue.items) > 0 {
		s.queue.pop().fail("08006")
	}
	s.names.dropPortals()
}

// welcome tells the client that it is signed in, as the target told the gateway.
func (s *session) welcome() error {
	_, err := s.client.Write(s.target.greeting())
	return err
}

// await flushes what is buffered and waits until ok answers true. ok is called with mu held. The client is watched
// meanwhile, so that one that leaves does not wait.
func (s *session) await(ctx context.Context, ok func() bool) error {
	if err := s.out.flush(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok() {
		return nil
	}
	if s.inLoop {
		return errSlow
	}
	s.mu.Unlock()
	watched, release := s.watch(ctx)
	stop := context.AfterFunc(watched, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})
	s.mu.Lock()
	for !ok() && s.over == nil && watched.Err() == nil {
		s.changed.Wait()
	}
	gone, over, done := watched.Err() != nil, s.over, ok()
	s.mu.Unlock()
	stop()
	release()
	s.mu.Lock()
	switch {
	case done:
		return nil
	case over != nil:
		return over
	case gone:
		return context.Cause(watched)
	}
	return nil
}

// awaitSegment waits until the target has answered everything up to and including segment n, or learns that it skips
// what comes next: then nothing is answered before a Sync that still has to be read.
func (s *session) awaitSegment(ctx context.Context, n uint64) error {
	skipped := false
	err := s.await(ctx, func() bool {
		skipped = s.completed < n && s.queue.skipping
		return skipped || s.completed >= n
	})
	if err == nil && skipped {
		return errSkipped
	}
	return err
}

// Idle says whether no command is under way.
func (s *session) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue.items) == 0 && s.status == 'I' && s.held == nil
}

// About describes the far end.
func (s *session) About() (database, role string, settings map[string]string) {
	return s.database, s.target.role, s.target.all()
}

// Close closes both sockets. It may be called more than once.
func (s *session) Close() error {
	s.onClose()
	return errors.Join(s.target.Close(), s.client.Close())
}
