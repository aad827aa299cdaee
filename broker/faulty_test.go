package broker_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/hoop-gateway/hoop/broker/store"
)

// faultyStore is a real store whose writes can be made to fail.
type faultyStore struct {
	store.Store
	failing atomic.Bool // every transaction that writes fails as it begins
}

func (f *faultyStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	if f.failing.Load() {
		return fmt.Errorf("attempt to write a readonly database: %w", store.ErrUnavailable)
	}
	return f.Store.Update(ctx, fn)
}
