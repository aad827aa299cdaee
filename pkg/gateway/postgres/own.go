package postgres

import (
	"context"
	"errors"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// errMoved says that somebody else changed definitions since a transaction began that reads what was committed then, and has
// definitions of its own: the target takes theirs and its own, and nobody can read both together.
var errMoved = errors.New("definitions changed since this transaction began, or it can't be told that none did")

// errBeside says that somebody else changed definitions in the middle of a batch of a transaction with definitions of its own.
var errBeside = errors.New("somebody else changed definitions while this batch was under way")

// errChanging says that others change what the session's own transaction changes, each time that it is read.
var errChanging = errors.New("the target's catalog changed each time that it was read")

// ownCatalog is what a session alone sees: the catalog with what its transaction changed and has not committed.
type ownCatalog struct {
	catalog *pgsql.Catalog
	beside  seen // what everybody saw when it was read; nothing where that can't be told
	frozen  bool // reading it again would not show what others have changed since
}

// readOwn reads the catalog in the session's transaction. What everybody sees is looked at before and after: that tells what the
// session's catalog holds besides its own, also where others changed something meanwhile that is not its own.
func (s *session) readOwn(ctx context.Context, frozen bool) (*ownCatalog, error) {
	if frozen {
		return s.readFrozen(ctx)
	}
	for range 3 {
		before, err := s.catalog.seen()
		if err != nil {
			return nil, err
		}
		own, err := pgsql.LoadCatalog(ctx, s.target.self())
		if err != nil {
			return nil, err
		}
		if err := s.catalog.refresh(ctx); err != nil {
			return nil, err
		}
		after, err := s.catalog.seen()
		if err != nil {
			return nil, err
		}
		if after.lasting == before.lasting {
			return &ownCatalog{catalog: own, beside: after}, nil
		}
		if own, ok := own.Since(before.catalog, after.catalog); ok {
			return &ownCatalog{catalog: own, beside: after}, nil
		}
	}
	return nil, errChanging
}

// readFrozen does the same where the transaction reads what was committed when it took its snapshot. When that was is not known
// here, so that what everybody saw then is known only where nothing has changed since before the transaction began.
func (s *session) readFrozen(ctx context.Context) (*ownCatalog, error) {
	own, err := pgsql.LoadCatalog(ctx, s.target.self())
	if err != nil {
		return nil, err
	}
	if s.own != nil && s.own.frozen && s.own.beside.catalog != nil {
		return &ownCatalog{own, s.own.beside, true}, nil
	}
	if err := s.catalog.refresh(ctx); err != nil {
		return nil, err
	}
	now, err := s.catalog.seen()
	if err != nil || now.lasting != s.begun.lasting {
		return &ownCatalog{catalog: own, frozen: true}, err
	}
	return &ownCatalog{own, now, true}, nil
}

// snapshot is the catalog that the next text is understood in: the session's own in a transaction that has one, read again where
// others have changed anything since, else the shared one; and what everybody saw with it. Together with an error it is the session's own as
// it was, which is good for texts that name nothing.
func (s *session) snapshot(ctx context.Context, unrestricted bool) (*pgsql.Catalog, seen, error) {
	now, err := s.catalog.seen()
	if err != nil {
		return nil, now, err
	}
	s.mu.Lock()
	if s.status == 'I' && s.completed == s.segment-1 && !s.front.sent {
		s.begun = now // whatever transaction comes has not begun
	}
	own := s.own
	s.mu.Unlock()
	switch {
	case own == nil:
		return now.catalog, now, nil
	case unrestricted || own.beside.catalog != nil && own.beside.catalog.Lasting == now.catalog.Lasting:
		return own.catalog, own.beside, nil
	case own.frozen:
		return own.catalog, own.beside, errMoved
	}
	if s.front.sent {
		return own.catalog, own.beside, errBeside
	}
	s.markStale()
	if err := s.lookAgain(ctx); err != nil {
		return nil, now, err
	}
	if s.own == nil { // the transaction has ended meanwhile
		now, err = s.catalog.seen()
		return now.catalog, now, err
	}
	return s.own.catalog, s.own.beside, nil
}

// leavesOwn says whether a statement takes back definitions of the transaction's own, or may begin another one with them: that
// takes its own snapshot.
func (s *session) leavesOwn(st pgsql.Statement) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ends := st.Tx == pgsql.Commits && st.Command != "release" || st.Tx == pgsql.RollsBack && st.Command != "rollback to"
	if s.own != nil && s.own.frozen && ends {
		s.own = &ownCatalog{catalog: s.own.catalog, frozen: true}
		return true
	}
	return s.own != nil && st.Tx == pgsql.RollsBack
}

// ofTransaction says of a text that it begins, ends or divides transactions and does nothing else, so that it names nothing.
func ofTransaction(a *pgsql.Analysis) bool {
	for _, st := range a.Statements {
		if st.Tx == pgsql.NoTransaction {
			return false
		}
	}
	return true
}
