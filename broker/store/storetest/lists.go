package storetest

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
)

func testLists(t *testing.T, s store.Store) {
	update(t, s, func(tx store.Tx) error {
		var err error
		for n := range 10 {
			g := grant(n)
			if n == 9 {
				g.State, g.SignIn = "ended", "si_2"
			}
			a := approval(n)
			if n > 6 {
				a.State = "used"
			}
			err = errors.Join(err, tx.PutGrant(g), tx.PutApproval(a), tx.PutSession(session(n)))
		}
		return err
	})
	view(t, s, func(tx store.Tx) error {
		one := key(person(1))
		for n, c := range []struct {
			f    store.GrantFilter
			want []string
		}{
			{store.GrantFilter{Limit: 2}, []string{"gr_009", "gr_008"}},
			{store.GrantFilter{Owner: one, State: "active", Limit: 2}, []string{"gr_007", "gr_005"}},
			{store.GrantFilter{SignIn: "si_2"}, []string{"gr_009"}},
			{store.GrantFilter{Due: start.Add(time.Minute)}, []string{"gr_001", "gr_000"}},
			{store.GrantFilter{Owner: api.Person{Issuer: "i", Subject: "s"}}, nil},
		} {
			got, err := tx.Grants(c.f)
			ids(t, n, c.want, err, got, func(g store.Grant) string { return g.ID })
		}
		for n, c := range []struct {
			f    store.ApprovalFilter
			want []string
		}{
			{store.ApprovalFilter{Limit: 1}, []string{"ap_009"}},
			{store.ApprovalFilter{States: []string{"used"}}, []string{"ap_009", "ap_008", "ap_007"}},
			{store.ApprovalFilter{Requester: one, Connection: "db", Digest: "d0", States: []string{"pending", "approved", "used"}}, []string{"ap_009", "ap_003"}},
			{store.ApprovalFilter{CreatedAfter: start.Add(8 * time.Second)}, []string{"ap_009"}},
			{store.ApprovalFilter{States: []string{"pending"}, Due: start}, []string{"ap_000"}},
			{store.ApprovalFilter{Connection: "other"}, nil},
		} {
			got, err := tx.Approvals(c.f)
			ids(t, n, c.want, err, got, func(a store.Approval) string { return a.ID })
		}
		got, err := tx.Sessions(store.SessionFilter{Owner: one, GrantID: "gr_1", State: "open", Limit: 1})
		ids(t, 0, []string{"se_000009"}, err, got, func(s api.SessionInfo) string { return s.ID })
		return nil
	})
}

func ids[T any](t *testing.T, n int, want []string, err error, got []T, id func(T) string) {
	t.Helper()
	var have []string
	for _, x := range got {
		have = append(have, id(x))
	}
	if err != nil || !slices.Equal(have, want) {
		t.Errorf("list %d of %T: %v, %v; want %v", n, got, have, err, want)
	}
}

func testEvents(t *testing.T, s store.Store) {
	update(t, s, func(tx store.Tx) error {
		for n := range 1010 {
			e, err := tx.AddEvent("gr_1", api.GrantEvent{Type: "x", Seq: 77, Time: start})
			if err != nil || e.Seq != int64(n+1) {
				t.Fatalf("event %d has number %d, %v", n+1, e.Seq, err)
			}
		}
		e, err := tx.AddEvent("gr_2", api.GrantEvent{Type: "y"})
		if e.Seq != 1 {
			t.Errorf("another grant's first event has number %d", e.Seq)
		}
		return err
	})
	view(t, s, func(tx store.Tx) error {
		got, err := tx.Events("gr_1", 1005, 3)
		if len(got) != 3 || got[0].Seq != 1006 || got[2].Seq != 1008 {
			t.Errorf("after 1005: %+v", got)
		}
		all, err2 := tx.Events("gr_1", 0, 5000)
		if len(all) != 1000 || all[0].Seq != 11 {
			t.Errorf("%d events are kept, from %d", len(all), all[0].Seq)
		}
		return errors.Join(err, err2)
	})
}

func testTokens(t *testing.T, s store.Store) {
	update(t, s, func(tx store.Tx) error {
		return errors.Join(
			tx.PutToken(store.Token{Hash: [32]byte{1}, ExpiresAt: start}),
			tx.PutToken(store.Token{Hash: [32]byte{2}, ExpiresAt: start.Add(time.Second)}),
			tx.DropTokens(start.Add(time.Second)))
	})
	view(t, s, func(tx store.Tx) error {
		if _, err := tx.Token([32]byte{1}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the one that is over: %v", err)
		}
		_, err := tx.Token([32]byte{2})
		return err
	})
}

func testLocks(t *testing.T, s store.Store) {
	l := api.Lock{User: "https://idp.test|sub", Reason: "r", By: "admin", Created: start}
	update(t, s, func(tx store.Tx) error { return errors.Join(tx.PutLock(l), tx.PutLock(l)) })
	view(t, s, func(tx store.Tx) error {
		locks, err := tx.Locks()
		if len(locks) != 1 || locks[0] != l {
			t.Errorf("%+v", locks)
		}
		return err
	})
	update(t, s, func(tx store.Tx) error { return tx.DropLock(l.User) })
	view(t, s, func(tx store.Tx) error {
		locks, err := tx.Locks()
		if len(locks) != 0 {
			t.Errorf("%+v", locks)
		}
		return err
	})
}

func testChain(t *testing.T, s store.Store) {
	for n := range 3 {
		update(t, s, func(tx store.Tx) error {
			e := store.Entry{Time: start, Kind: strconv.Itoa(n), Detail: map[string]string{"k": "line\nbreak"}}
			return errors.Join(tx.Append("audit", e), tx.Append("sessions", store.Entry{Kind: "other"}))
		})
	}
	view(t, s, func(tx store.Tx) error {
		entries, err := tx.Entries("audit")
		if len(entries) != 3 || entries[0].Kind != "0" || entries[2].Kind != "2" || entries[1].Detail["k"] != "line\nbreak" {
			t.Errorf("%+v", entries)
		}
		return err
	})
}
