package broker

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// States of a session.
const (
	sessionOpen    = "open"
	sessionSealed  = "sealed"
	sessionCrashed = "crashed"
)

var sessionID = regexp.MustCompile(`^se_[A-Za-z0-9_-]{6,64}$`)

// OpenSession enters a session in the index and in its chain. The grant is judged once
// more in the same transaction, so a session that was opened is either told to end by the
// feed or was under a grant that nothing had ended. Who, what and where are the grant's.
func (b *Broker) OpenSession(ctx context.Context, s api.SessionInfo) error {
	if !sessionID.MatchString(s.ID) {
		return usage("The session's id is not of the form se_….", "")
	}
	return b.update(ctx, func(tx store.Tx, _ *news) error {
		if _, err := tx.Session(s.ID); err == nil {
			return problem(api.CodeConflict, "There is a session of this id.", "")
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		g, err := b.usable(tx, s.GrantID)
		if err != nil {
			return err
		}
		if s.Connection != "" && s.Connection != g.Connection.Name {
			return denied("The grant is for another connection.")
		}
		s.Connection, s.Kind, s.Identity, s.State = g.Connection.Name, g.Connection.Kind, g.Identity, sessionOpen
		if s.StartedAt.IsZero() {
			s.StartedAt = b.now()
		}
		s.EndedAt, s.EndReason = time.Time{}, ""
		return errors.Join(tx.PutSession(s), tx.Append(store.ChainSessions, store.Entry{
			Time: s.StartedAt, Kind: "session", Actor: key(s.Identity), User: s.Identity.User, Subject: s.ID,
			Detail: map[string]string{"grant": s.GrantID, "connection": s.Connection, "kind": s.Kind, "recording": s.Recording},
		}))
	})
}

// UpdateSession keeps a session's counts and the head of its recording's latest checkpoint.
// A head that goes back, or another at the same place, is refused: it would bear witness
// to a recording that lost its end.
func (b *Broker) UpdateSession(ctx context.Context, s api.SessionInfo) error {
	return b.update(ctx, func(tx store.Tx, _ *news) error {
		kept, err := b.advance(tx, s)
		if err != nil {
			return err
		}
		return tx.PutSession(kept)
	})
}

// CloseSession keeps a session's last counts and head, and how it ended: State is sealed or crashed. The session is
// over and nobody waits for its entry, which so may be kept together with the next session's.
func (b *Broker) CloseSession(ctx context.Context, s api.SessionInfo) error {
	if s.State != sessionSealed && s.State != sessionCrashed {
		return usage("A session ends sealed or crashed.", "")
	}
	return b.updateSoon(ctx, func(tx store.Tx, _ *news) error {
		kept, err := b.advance(tx, s)
		if err != nil {
			return err
		}
		kept.State, kept.EndReason, kept.EndedAt = s.State, s.EndReason, s.EndedAt
		if kept.EndedAt.IsZero() {
			kept.EndedAt = b.now()
		}
		return tx.PutSession(kept)
	})
}

// advance returns the kept session with what may change taken from s.
func (b *Broker) advance(tx store.Tx, s api.SessionInfo) (api.SessionInfo, error) {
	kept, err := tx.Session(s.ID)
	if err != nil {
		return kept, err
	}
	if kept.State != sessionOpen {
		return kept, problem(api.CodeConflict, "The session is closed.", "")
	}
	if s.HeadSeq < kept.HeadSeq || (s.HeadSeq == kept.HeadSeq && kept.Head != "" && s.Head != kept.Head) {
		b.cfg.Logger.Error("a recording's head went back", "alert", "head_went_back", "session", s.ID)
		return kept, problem(api.CodeConflict, "The head of a recording can't go back.", "")
	}
	kept.Head, kept.HeadSeq = s.Head, s.HeadSeq
	kept.Commands, kept.Refused = max(kept.Commands, s.Commands), max(kept.Refused, s.Refused)
	if s.Client != "" {
		kept.Client = s.Client
	}
	return kept, nil
}

// CrashedSessions returns the sessions that a broker before this one left open. The
// gateway seals what is there of their recordings and closes them as crashed.
func (b *Broker) CrashedSessions(ctx context.Context) ([]api.SessionInfo, error) {
	var crashed []api.SessionInfo
	err := b.view(ctx, func(tx store.Tx) error {
		open, err := tx.Sessions(store.SessionFilter{State: sessionOpen})
		for _, s := range open {
			if s.StartedAt.Before(b.startedAt) {
				crashed = append(crashed, s)
			}
		}
		return err
	})
	return crashed, err
}

// VerifyIndex checks the chains of sessions and of the audit log, and that every session
// of the chain is in the index with what it was opened with. An error names what is missing or was altered.
func (b *Broker) VerifyIndex(ctx context.Context) error {
	return b.cfg.Store.View(ctx, func(tx store.Tx) error {
		if _, err := tx.Entries(store.ChainAudit); err != nil {
			return err
		}
		opened, err := tx.Entries(store.ChainSessions)
		if err != nil {
			return err
		}
		for _, e := range opened {
			s, err := tx.Session(e.Subject)
			if errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("session %s was removed from the index: %w", e.Subject, store.ErrBroken)
			}
			if err != nil {
				return err
			}
			if key(s.Identity) != e.Actor || s.GrantID != e.Detail["grant"] || s.Connection != e.Detail["connection"] ||
				s.Recording != e.Detail["recording"] || !s.StartedAt.Equal(e.Time) {
				return fmt.Errorf("session %s was altered in the index: %w", e.Subject, store.ErrBroken)
			}
		}
		kept, err := tx.Sessions(store.SessionFilter{})
		if err == nil && len(kept) != len(opened) {
			err = fmt.Errorf("%d sessions in the index, %d in its chain: %w", len(kept), len(opened), store.ErrBroken)
		}
		return err
	})
}
