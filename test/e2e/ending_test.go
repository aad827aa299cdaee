package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

// busy opens n sessions under one grant, one of which runs a statement that does not end by itself, and answers how to
// wait for the end of them all.
func (l *listener) busy(t *testing.T, n int) (ended func(within time.Duration) time.Duration) {
	t.Helper()
	w := l.user.world
	over := make(chan struct{}, n)
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	for i := range n {
		c := l.dial(t)
		sql := ""
		if i == 0 {
			sql = "SELECT pg_sleep(600)"
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 2*commandTime)
			defer cancel()
			if sql != "" {
				_ = c.Exec(ctx, sql).Close()
			} else if err := c.WaitForNotification(ctx); err == nil {
				return
			}
			over <- struct{}{}
		})
	}
	eventually(t, commandTime, "the statement runs", func() bool {
		return w.asked(t, "app", "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(600)%' AND usename = 'hoop'") == "1"
	})
	return func(within time.Duration) time.Duration {
		t.Helper()
		began := time.Now()
		late := time.After(within)
		for i := range n {
			select {
			case <-over:
			case <-late:
				t.Fatalf("only %d of %d sessions ended within %s", i, n, within)
			}
		}
		took := time.Since(began)
		eventually(t, max(0, within-took), "the target runs nothing of them", func() bool {
			return w.asked(t, "app", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND usename = 'hoop'") == "0"
		})
		return took
	}
}

func TestALockEndsEverythingWithinASecondAndOutlivesARestart(t *testing.T) {
	w := ownWorld(t)
	dev, security := w.user(t, "dev"), w.user(t, "security")
	l := dev.open(t, "db-prod")
	ended := l.busy(t, 20)
	if r := dev.run(t, "lock", "security"); r.code != 5 && r.code != 8 {
		t.Fatalf("somebody without the power locked: exit %d %s", r.code, r.stderr)
	}
	locked := make(chan result, 1)
	go func() { locked <- security.run(t, "lock", "dev", "--reason", "leaving") }()
	// The second begins when the broker has the lock, so at most when the command ends.
	r := <-locked
	if r.code != 0 {
		t.Fatalf("lock: %s", r.stderr)
	}
	t.Logf("all ended %s after the lock was answered, which took %s", ended(time.Second), r.took)
	if _, err := l.tryDial(t.Context()); err == nil {
		t.Fatal("a session opened under an ended grant")
	}
	refuses := func() {
		t.Helper()
		if r := dev.run(t, "connect", "db-prod", "-o", "json", "--", "true"); r.code != 125 || !strings.Contains(r.stderr, `"exit_code":5`) {
			t.Fatalf("a locked person: exit %d %s%s", r.code, r.stdout, r.stderr)
		}
	}
	refuses()
	select {
	case <-l.done:
	case <-time.After(5 * time.Second):
		t.Fatal("hoop connect goes on without a grant")
	}
	if code := l.cmd.ProcessState.ExitCode(); code != 11 && code != 5 || !strings.Contains(l.events.String(), `"event":"closed"`) {
		t.Fatalf("exit %d, events %s", code, l.events)
	}
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	w.restart(t)
	refuses()
	security.must(t, "unlock", "dev")
	if r := dev.psql(t, "SELECT 'again'"); r.code != 0 || !strings.Contains(r.stdout, "again") {
		t.Fatalf("after the unlock: %s", r.stderr)
	}

	// A policy that takes reach away closes what is open under it.
	ended = dev.open(t, "db-prod").busy(t, 3)
	policy := w.read(t, "policy.yaml")
	without := strings.Replace(policy, "who: {groups: [developers, agents, dba, privacy]}\n    on: {connections: [db-prod]}", "who: {groups: [agents, dba, privacy]}\n    on: {connections: [db-prod]}", 1)
	if without == policy {
		t.Fatal("the sample policy has another reach now")
	}
	w.setPolicy(t, without)
	t.Logf("all ended %s after the policy changed", ended(time.Second))
	if r := dev.psql(t, "SELECT 1"); r.code != 125 || !strings.Contains(r.stderr, "no such connection") {
		t.Fatalf("what is out of reach: exit %d %s", r.code, r.stderr)
	}
}

func TestGrantsAndSessionsEndWithinASecond(t *testing.T) {
	w := shared
	dev, security := w.user(t, "dev"), w.user(t, "security")
	l := dev.open(t, "db-prod")
	ended := l.busy(t, 3)
	security.must(t, "grants", "end", l.grant)
	t.Logf("the grant's sessions ended after %s", ended(time.Second))

	l = dev.open(t, "db-prod")
	ended = l.busy(t, 1)
	other := l.dial(t)
	if _, err := other.simple(t, "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	var list struct {
		Sessions []struct {
			ID, State string
			GrantID   string `json:"grant_id"`
			Commands  int
		}
	}
	security.json(t, &list, "sessions", "ls")
	found := 0
	for _, s := range list.Sessions {
		if s.GrantID != l.grant {
			continue
		}
		found++
		if r := w.user(t, "agent").run(t, "sessions", "end", s.ID); r.code != 8 {
			t.Fatalf("a stranger ended a session: exit %d %s", r.code, r.stderr)
		}
	}
	if found != 2 {
		t.Fatalf("%d sessions are listed of 2", found)
	}
	for _, s := range list.Sessions {
		if s.GrantID == l.grant {
			security.must(t, "sessions", "end", s.ID)
		}
	}
	t.Logf("the session ended after %s", ended(time.Second))
	if r := dev.psql(t, "SELECT 'again'"); r.code != 0 {
		t.Fatalf("ends are no locks: %s", r.stderr)
	}
}
