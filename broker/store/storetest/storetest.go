// Package storetest holds what every store must do, as tests.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// Run runs the suite. open returns an empty store; the test closes it.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for name, test := range map[string]func(*testing.T, store.Store){
		"nothing is found in an empty store":            testEmpty,
		"what was put is found as it was":               testRoundTrip,
		"a put replaces":                                testReplace,
		"an error keeps nothing":                        testRollback,
		"a panic keeps nothing":                         testPanic,
		"an ended context keeps nothing":                testContext,
		"transactions do not overlap":                   testSerializable,
		"a view does not change while it lasts":         testSnapshot,
		"lists are filtered, newest first, and limited": testLists,
		"events are numbered from one and bounded":      testEvents,
		"tokens that are over are dropped":              testTokens,
		"locks are put and lifted":                      testLocks,
		"a chain keeps its order and its entries":       testChain,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			test(t, s)
		})
	}
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC)

func update(t *testing.T, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func person(n int) api.Identity {
	return api.Identity{
		Issuer: "https://idp.test", Subject: "sub-" + strconv.Itoa(n), User: "user " + strconv.Itoa(n), Groups: []string{"a", "b"},
		Type: "human", Owner: &api.Person{Issuer: "i", Subject: "o"}, Claims: map[string]any{"n": float64(n), "list": []any{"x", true}},
	}
}

func key(id api.Identity) api.Person { return api.Person{Issuer: id.Issuer, Subject: id.Subject} }

func grant(n int) store.Grant {
	g := store.Grant{SignIn: "si_1", KeyHash: [32]byte{1, byte(n)}, PublicKey: []byte{2}, TTL: time.Hour, Warned: true}
	g.ID, g.Identity, g.State, g.Reason = fmt.Sprintf("gr_%03d", n), person(n%2), "active", "because \x00 ☂"
	g.Connection = api.Connection{Name: "db", Labels: map[string]string{"env": "prod"}}
	g.CreatedAt, g.ExpiresAt = start.Add(time.Duration(n)*time.Second), start.Add(time.Duration(n)*time.Minute)
	return g
}

func approval(n int) store.Approval {
	a := store.Approval{GrantID: "gr_1"}
	a.ID, a.Requester, a.State, a.Digest = fmt.Sprintf("ap_%03d", n), person(n%2), "pending", "d"+strconv.Itoa(n%3)
	a.Requester.Claims = nil
	a.Connection, a.CreatedAt, a.ExpiresAt = "db", start.Add(time.Duration(n)*time.Second), start.Add(time.Duration(n)*time.Minute)
	a.Approvers = []api.Approvers{{Rule: "r", Groups: []string{"dba"}, Quorum: 1}}
	return a
}

func session(n int) api.SessionInfo {
	s := api.SessionInfo{ID: fmt.Sprintf("se_%06d", n), GrantID: "gr_" + strconv.Itoa(n%2), State: "open", Identity: person(n % 2)}
	s.Identity.Claims, s.StartedAt, s.HeadSeq, s.Head = nil, start.Add(time.Duration(n)*time.Second), 1<<63, "ab"
	return s
}

func testEmpty(t *testing.T, s store.Store) {
	view(t, s, func(tx store.Tx) error {
		_, err1 := tx.Person(api.Person{Issuer: "i", Subject: "s"})
		_, err2 := tx.SignIn("x")
		_, err3 := tx.Token([32]byte{})
		_, err4 := tx.Grant("x")
		_, err5 := tx.Approval("x")
		_, err6 := tx.Session("x")
		for n, err := range []error{err1, err2, err3, err4, err5, err6} {
			if !errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrUnavailable) {
				t.Errorf("getter %d: %v, want not found", n, err)
			}
		}
		grants, err := tx.Grants(store.GrantFilter{})
		if err != nil || len(grants) != 0 {
			t.Errorf("grants: %v, %v", grants, err)
		}
		return nil
	})
	err := s.Update(t.Context(), func(tx store.Tx) error { return tx.DropLock("x") })
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("lifting a lock that is not there: %v", err)
	}
}

func testRoundTrip(t *testing.T, s store.Store) {
	p := store.Person{Identity: person(1), AsOf: start}
	in := store.SignIn{ID: "si_1", Provider: "corp", Identity: person(1), CreatedAt: start, EndsAt: start.Add(time.Hour), ProviderToken: []byte{0, 255}, Ended: "why"}
	k := store.Token{Hash: [32]byte{9, 8}, Kind: store.TokenRefresh, SignIn: "si_1", ExpiresAt: start, Used: true}
	g, a, se := grant(1), approval(1), session(1)
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.PutPerson(p), tx.PutSignIn(in), tx.PutToken(k), tx.PutGrant(g), tx.PutApproval(a), tx.PutSession(se))
	})
	view(t, s, func(tx store.Tx) error {
		same(t, p)(tx.Person(key(p.Identity)))
		same(t, in)(tx.SignIn("si_1"))
		same(t, k)(tx.Token(k.Hash))
		same(t, g)(tx.Grant(g.ID))
		same(t, a)(tx.Approval(a.ID))
		same(t, se)(tx.Session(se.ID))
		grants, err := tx.Grants(store.GrantFilter{})
		if err != nil || len(grants) != 1 {
			t.Fatalf("%v, %v", grants, err)
		}
		same(t, g)(grants[0], nil)
		return nil
	})
}

func same[T any](t *testing.T, want T) func(T, error) {
	t.Helper()
	return func(got T, err error) {
		t.Helper()
		if w, g := fmt.Sprintf("%#v", want), fmt.Sprintf("%#v", got); err != nil || normal(w) != normal(g) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	}
}

// normal leaves out addresses of pointers, which differ.
func normal(s string) string {
	out := []byte{}
	for i := 0; i < len(s); i++ {
		if i+2 < len(s) && s[i] == '(' && s[i+1] == '0' && s[i+2] == 'x' {
			for i < len(s) && s[i] != ')' {
				i++
			}
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}

func testReplace(t *testing.T, s store.Store) {
	g := grant(1)
	update(t, s, func(tx store.Tx) error { return tx.PutGrant(g) })
	g.State, g.EndedBy = "ended", "admin"
	update(t, s, func(tx store.Tx) error { return tx.PutGrant(g) })
	view(t, s, func(tx store.Tx) error {
		same(t, g)(tx.Grant(g.ID))
		if active, err := tx.Grants(store.GrantFilter{State: "active"}); err != nil || len(active) != 0 {
			t.Errorf("still listed as active: %v, %v", active, err)
		}
		return nil
	})
}

var errOwn = errors.New("own")

func testRollback(t *testing.T, s store.Store) {
	err := s.Update(t.Context(), func(tx store.Tx) error {
		if err := errors.Join(tx.PutGrant(grant(1)), tx.Append("audit", store.Entry{Kind: "x"})); err != nil {
			return err
		}
		if _, err := tx.Grant("gr_001"); err != nil {
			t.Errorf("a transaction does not see its own write: %v", err)
		}
		return errOwn
	})
	if !errors.Is(err, errOwn) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want the function's own error", err)
	}
	wantNothing(t, s)
}

func wantNothing(t *testing.T, s store.Store) {
	t.Helper()
	view(t, s, func(tx store.Tx) error {
		if _, err := tx.Grant("gr_001"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the grant was kept: %v", err)
		}
		entries, err := tx.Entries("audit")
		if len(entries) > 0 {
			t.Error("the entry was kept")
		}
		return err
	})
}

func testPanic(t *testing.T, s store.Store) {
	func() {
		defer func() { _ = recover() }()
		_ = s.Update(t.Context(), func(tx store.Tx) error {
			if err := tx.PutGrant(grant(1)); err != nil {
				t.Error(err)
			}
			panic("in the middle")
		})
	}()
	wantNothing(t, s)
	update(t, s, func(tx store.Tx) error { return tx.PutGrant(grant(2)) }) // and the next one is not locked out
}

func testContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(ctx, func(tx store.Tx) error {
		err := tx.PutGrant(grant(1))
		cancel()
		return err
	})
	if err == nil {
		t.Error("it was kept")
	}
	wantNothing(t, s)
}

func testSerializable(t *testing.T, s store.Store) {
	const workers, rounds = 8, 10
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				err := s.Update(t.Context(), func(tx store.Tx) error {
					g, err := tx.Grant("gr_001")
					if errors.Is(err, store.ErrNotFound) {
						g, err = grant(1), nil
						g.TTL = 0
					}
					g.TTL++
					return errors.Join(err, tx.PutGrant(g), tx.Append("audit", store.Entry{Kind: "x"}))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	view(t, s, func(tx store.Tx) error {
		g, err := tx.Grant("gr_001")
		if err != nil || g.TTL != workers*rounds {
			t.Errorf("%d of %d increments, %v", g.TTL, workers*rounds, err)
		}
		entries, err := tx.Entries("audit")
		if len(entries) != workers*rounds {
			t.Errorf("%d of %d entries", len(entries), workers*rounds)
		}
		return err
	})
}

func testSnapshot(t *testing.T, s store.Store) {
	update(t, s, func(tx store.Tx) error { return tx.PutGrant(grant(1)) })
	view(t, s, func(tx store.Tx) error {
		before, err := tx.Grants(store.GrantFilter{})
		update(t, s, func(tx store.Tx) error { return tx.PutGrant(grant(2)) })
		after, err2 := tx.Grants(store.GrantFilter{})
		if len(before) != 1 || len(after) != 1 {
			t.Errorf("%d, then %d grants in one view", len(before), len(after))
		}
		return errors.Join(err, err2)
	})
}
