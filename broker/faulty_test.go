package broker_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// faultyStore is a real store whose writes can be made to fail: all of them, or the one
// that comes after a number of others.
type faultyStore struct {
	store.Store
	readOnly atomic.Bool
	armed    atomic.Bool
	left     atomic.Int64 // writes that still succeed while it is armed
}

var errReadOnly = fmt.Errorf("attempt to write a readonly database: %w", store.ErrUnavailable)

func (f *faultyStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	if f.readOnly.Load() {
		return errReadOnly
	}
	return f.Store.Update(ctx, f.spending(fn))
}

func (f *faultyStore) UpdateSoon(ctx context.Context, fn func(store.Tx) error) error {
	if f.readOnly.Load() {
		return errReadOnly
	}
	return f.Store.UpdateSoon(ctx, f.spending(fn))
}

// spending is fn over a faultyTx.
func (f *faultyStore) spending(fn func(store.Tx) error) func(store.Tx) error {
	return func(tx store.Tx) error {
		if err := fn(&faultyTx{tx, f}); err != nil {
			return err
		}
		return f.spend() // the commit
	}
}

func (f *faultyStore) spend() error {
	if f.armed.Load() && f.left.Add(-1) < 0 {
		return errReadOnly
	}
	return nil
}

// faultyTx fails the write at which its store's number is used up.
type faultyTx struct {
	store.Tx
	f *faultyStore
}

func (t *faultyTx) write(do func() error) error {
	if err := t.f.spend(); err != nil {
		return err
	}
	return do()
}

func (t *faultyTx) PutPerson(p store.Person) error {
	return t.write(func() error { return t.Tx.PutPerson(p) })
}

func (t *faultyTx) PutSignIn(s store.SignIn) error {
	return t.write(func() error { return t.Tx.PutSignIn(s) })
}

func (t *faultyTx) PutToken(k store.Token) error {
	return t.write(func() error { return t.Tx.PutToken(k) })
}

func (t *faultyTx) DropTokens(before time.Time) error {
	return t.write(func() error { return t.Tx.DropTokens(before) })
}

func (t *faultyTx) PutGrant(g store.Grant) error {
	return t.write(func() error { return t.Tx.PutGrant(g) })
}

func (t *faultyTx) AddEvent(id string, e api.GrantEvent) (out api.GrantEvent, err error) {
	err = t.write(func() error { out, err = t.Tx.AddEvent(id, e); return err })
	return out, err
}

func (t *faultyTx) PutApproval(a store.Approval) error {
	return t.write(func() error { return t.Tx.PutApproval(a) })
}

func (t *faultyTx) PutSession(s api.SessionInfo) error {
	return t.write(func() error { return t.Tx.PutSession(s) })
}

func (t *faultyTx) PutLock(l api.Lock) error {
	return t.write(func() error { return t.Tx.PutLock(l) })
}

func (t *faultyTx) DropLock(user string) error {
	return t.write(func() error { return t.Tx.DropLock(user) })
}

func (t *faultyTx) Append(chain string, e store.Entry) error {
	return t.write(func() error { return t.Tx.Append(chain, e) })
}
