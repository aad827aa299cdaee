package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
)

var errOwn = errors.New("of its own")

// Those who come while a commit is under way share the next one. One of them that fails, panics or left takes nobody with
// it, learns of its own failure alone, and leaves nothing behind.
func TestOneThatFailsTakesNobodyWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "hoop.db"))
		hold, held := make(chan struct{}), make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			err := s.Update(t.Context(), func(tx store.Tx) error {
				close(held)
				<-hold
				return tx.Append("audit", store.Entry{Kind: "first"})
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-held
		left, leave := context.WithCancel(t.Context())
		runs := make([]int, 6)
		var errs [6]error
		var fell any
		for i, ctx := range []context.Context{t.Context(), t.Context(), t.Context(), t.Context(), left, t.Context()} {
			all.Go(func() {
				defer func() {
					if e := recover(); e != nil {
						fell = e
					}
				}()
				errs[i] = s.Update(ctx, func(tx store.Tx) error {
					runs[i]++
					if err := tx.Append("audit", store.Entry{Kind: fmt.Sprint(i)}); err != nil {
						return err
					}
					switch i {
					case 2:
						return errOwn
					case 3:
						panic(errOwn)
					}
					return nil
				})
			})
			synctest.Wait() // it waits behind those before it
		}
		leave()
		close(hold)
		all.Wait()
		for i, want := range []error{nil, nil, errOwn, nil, context.Canceled, nil} {
			if !errors.Is(errs[i], want) {
				t.Errorf("member %d: %v, want %v", i, errs[i], want)
			}
		}
		if fell != errOwn {
			t.Errorf("the panic became %v", fell)
		}
		if want := []int{2, 2, 2, 1, 0, 1}; !slices.Equal(runs, want) {
			t.Errorf("they were run %v times, want %v: together, and then by themselves", runs, want)
		}
		var kinds []string
		for _, e := range entries(t, s) {
			kinds = append(kinds, e.Kind)
		}
		if want := []string{"first", "0", "1", "5"}; !slices.Equal(kinds, want) {
			t.Errorf("kept %q, want %q", kinds, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Update(t.Context(), func(store.Tx) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// A failure of the store that a function does not look at keeps the transaction from being kept.
func TestAFailureThatNobodyLooksAtKeepsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hoop.db")
	s := open(t, path)
	defer s.Close()
	put(t, s, "one")
	execute(t, path, "DROP TABLE grant_events")
	err := s.Update(t.Context(), func(tx store.Tx) error {
		err := tx.Append("audit", store.Entry{Kind: "two"})
		_, _ = tx.Events("gr_1", 0, 1)
		return err
	})
	if err == nil {
		t.Error("it said that it was kept")
	}
	if got := entries(t, s); len(got) != 1 {
		t.Errorf("kept %+v", got)
	}
}

// Who is patient is kept with the next one that is not, and by itself when nobody comes. It learns what became of it, and
// takes nobody with it.
func TestThePatientAreKeptWithTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, filepath.Join(t.TempDir(), "hoop.db"))
		defer s.Close()
		ran := make(chan string, 10)
		member := func(kind string, fails error) func(store.Tx) error {
			return func(tx store.Tx) error {
				ran <- kind
				return errors.Join(tx.Append("audit", store.Entry{Kind: kind}), fails)
			}
		}
		var all sync.WaitGroup
		soon := func(kind string, fails error) {
			all.Go(func() {
				if err := s.UpdateSoon(t.Context(), member(kind, fails)); !errors.Is(err, fails) || fails == nil && err != nil {
					t.Errorf("%s: %v", kind, err)
				}
			})
			synctest.Wait()
		}
		began := time.Now()
		soon("patient", nil)
		soon("failing", errOwn)
		if len(ran) > 0 {
			t.Fatal("the patient did not wait")
		}
		if err := s.Update(t.Context(), member("next", nil)); err != nil {
			t.Error(err)
		}
		all.Wait()
		if time.Since(began) > 0 {
			t.Error("they waited although somebody had come")
		}
		soon("alone", nil)
		all.Wait()
		if waited := time.Since(began); waited == 0 || waited > time.Second {
			t.Errorf("it was kept after %s", waited)
		}
		close(ran)
		var order, kinds []string
		for kind := range ran {
			order = append(order, kind)
		}
		for _, e := range entries(t, s) {
			kinds = append(kinds, e.Kind)
		}
		if want := []string{"next", "patient", "failing", "next", "patient", "failing", "alone"}; !slices.Equal(order, want) {
			t.Errorf("they ran in the order %q, want %q", order, want)
		}
		if want := []string{"next", "patient", "alone"}; !slices.Equal(kinds, want) {
			t.Errorf("kept %q, want %q", kinds, want)
		}
	})
}
