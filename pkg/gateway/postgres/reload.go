package postgres

import (
	"context"
	"errors"
	"os"
	"time"
)

// errReload says that a session's own changes can't be seen now, and nothing is understood without them.
var errReload = errors.New("definitions changed in this batch: end it with Sync, and send the rest separately")

// look is what the next text is understood in. Where this session changed definitions, they are read again in the session
// first: nobody else sees them before they are committed. With errMoved and errBeside it answers what stands for texts that name nothing.
func (s *session) look(ctx context.Context) (*surroundings, error) {
	standing := s.gate.Standing()
	if standing == nil {
		return nil, errors.New("no policy is loaded")
	}
	if s.another && !standing.Unrestricted {
		return nil, errAnother
	}
	if err := s.keepLane(ctx, standing.ReadOnly); err != nil {
		return nil, err
	}
	if standing.Unrestricted {
		// What names mean does not matter now. It will once the policy is another, and nobody has looked until then.
		s.markStale()
	} else if err := s.lookAgain(ctx); err != nil {
		return nil, err
	}
	snapshot, beside, moved := s.snapshot(ctx, standing.Unrestricted)
	if snapshot == nil {
		return nil, moved
	}
	s.around = s.around.look(snapshot, beside, standing, s.target.searchPath)
	s.masked.Store(s.around.Masks != nil && len(s.around.Masks.Columns)+len(s.around.Masks.Rows) > 0)
	return s.around, moved
}

// lookAgain waits for definitions that were sent and not answered, and reads them where they changed.
func (s *session) lookAgain(ctx context.Context) error {
	s.mu.Lock()
	open, now := s.redefined > s.completed, s.redefined == s.segment
	s.mu.Unlock()
	if open && now {
		return errReload
	}
	if open {
		if err := s.awaitSegment(ctx, s.redefined); err != nil {
			return err
		}
	}
	s.mu.Lock()
	stale := s.stale
	s.mu.Unlock()
	if !stale {
		return nil
	}
	return s.reload(ctx)
}

// reload reads catalog and search path in the session itself, once all that was sent is answered. In an aborted
// transaction nothing can be read and nothing more can be done but to end it, so the old snapshot stands until then.
func (s *session) reload(ctx context.Context) error {
	if s.inLoop {
		return errSlow
	}
	s.mu.Lock()
	last := s.segment - 1
	s.mu.Unlock()
	if err := s.awaitSegment(ctx, last); err != nil {
		return err
	}
	s.mu.Lock()
	status := s.status
	s.mu.Unlock()
	if status == 'E' {
		return nil
	}
	if s.front.sent {
		return errReload
	}
	if status == 'I' {
		if err := s.catalog.refresh(ctx); err != nil {
			return err
		}
	}
	if err := s.alone(ctx, func(ctx context.Context) error { return s.ask(ctx, status) }); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = false
	return nil
}

// ask asks the target in the session. Outside of a transaction the shared snapshot is as good as the session's own.
func (s *session) ask(ctx context.Context, status byte) error {
	now, err := situated(ctx, s.target.self())
	if err != nil {
		return err
	}
	if now.role != s.target.role { // a function or a DO of one who may do everything did that
		s.another = true
		return errAnother
	}
	var own *ownCatalog
	if status == 'T' {
		if own, err = s.readOwn(ctx, now.frozen); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own, s.target.searchPath = own, now.path
	return nil
}

// alone runs f while the backend leaves the target's socket to the frontend. Nothing may be owed by the target.
func (s *session) alone(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, staleAfter)
	defer cancel()
	s.mu.Lock()
	s.pausing = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pausing = false
		s.changed.Broadcast()
	}()
	// A deadline in the past ends the backend's read; the connection stays usable.
	if err := s.target.conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return err
	}
	s.mu.Lock()
	for !s.paused && s.over == nil {
		s.changed.Wait()
	}
	over := s.over
	s.mu.Unlock()
	if over != nil {
		return over
	}
	if err := s.target.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if err := f(ctx); err != nil {
		return err
	}
	return settle(ctx, s.target.self()) // nobody but the backend reads from here on
}

// yield is called by the backend when its read failed: it waits while the frontend has the socket, and says whether to
// read on.
func (s *session) yield(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.pausing || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	s.paused = true
	s.changed.Broadcast()
	for s.pausing && s.over == nil {
		s.changed.Wait()
	}
	s.paused = false
	return s.over == nil
}
