package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres/wire"
)

// errLane says that a session must become read-only and can't within the batch.
var errLane = errors.New("the policy changed in this batch: end it with Sync, and send the rest separately")

// laneSetting is what the read-only lane rests on at the target, besides the verdict on every text.
const laneSetting = "default_transaction_read_only"

// keepLane brings the target's session in line with a policy that came to allow nothing but reading, or more again. Outside
// of a transaction the session itself becomes read-only. A transaction in progress becomes read-only for its rest, again
// after each ROLLBACK TO, which would undo that; what it wrote before, under the policy of then, it may commit. An aborted
// transaction can do nothing but end.
func (s *session) keepLane(ctx context.Context, readOnly bool) error {
	if readOnly == s.lane {
		return nil
	}
	s.mu.Lock()
	last, status, quiet := s.segment-1, s.status, s.completed == s.segment-1 && !s.front.sent
	s.mu.Unlock()
	switch {
	case !readOnly && (!quiet || status != 'I'):
		return nil // it is left as soon as it can be
	case readOnly && s.laneOnce && status == 'T':
		return nil
	case s.inLoop:
		return errSlow
	case readOnly && s.front.sent:
		return errLane
	}
	if err := s.awaitSegment(ctx, last); err != nil {
		return err
	}
	s.mu.Lock()
	status = s.status
	s.mu.Unlock()
	if status == 'E' {
		return nil
	}
	return s.alone(ctx, func(ctx context.Context) error { return s.setLane(ctx, readOnly, status == 'T') })
}

// setLane changes the target's session, or the transaction in progress alone.
func (s *session) setLane(ctx context.Context, readOnly, once bool) error {
	text := "SET TRANSACTION READ ONLY"
	switch {
	case once:
	case readOnly:
		text = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"
	default:
		text = "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"
	}
	if _, err := s.target.self().Exec(ctx, text).ReadAll(); err != nil {
		return fmt.Errorf("change the session's lane: %w", err)
	}
	s.laneOnce = once
	if !once {
		s.lane = readOnly
		s.target.pinLane(readOnly)
	}
	return nil
}

// pinLane makes the session end where the target reports that it is read-only no more. Servers before 14 don't report it.
func (u *upstream) pinLane(readOnly bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.fixed, laneSetting)
	if readOnly {
		u.fixed[laneSetting] = "on"
	}
}

// checkLane says whether a target that was asked for a read-only session gives one.
func (u *upstream) checkLane(readOnly bool) error {
	u.mu.Lock()
	now, reported := u.settings[laneSetting]
	u.mu.Unlock()
	if readOnly && reported && now != "on" {
		return fmt.Errorf("%w: the target runs with %s=%s", wire.ErrProtocol, laneSetting, now)
	}
	u.pinLane(readOnly)
	return nil
}
