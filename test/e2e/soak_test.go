package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestNothingRunsUnrecordedThroughKills kills the gateway under load, SOAK times (3 where it is not set). A statement is in
// the target's log from the moment that it begins; so whatever is there must be in a recording, and all recordings verify.
func TestNothingRunsUnrecordedThroughKills(t *testing.T) {
	rounds := 3
	if n, err := strconv.Atoi(os.Getenv("SOAK")); err == nil && n > 0 {
		rounds = n
	}
	w := ownWorld(t)
	if _, err := w.past(t.Context(), "free", "CREATE TABLE load (mark text); GRANT ALL ON load TO hoop"); err != nil {
		t.Fatal(err)
	}
	security := w.user(t, "security")
	checked, from := map[string]bool{}, w.logged(t)
	recorded := map[string]bool{}
	crashed, ran := 0, 0
	for round := range rounds {
		open := w.loadAndKill(t, round)
		w.restart(t)
		for _, l := range open {
			l.stop() // gives its grant back, of which one person holds so many only
		}
		for _, s := range security.sessions(t) {
			if s.State == "open" || checked[s.ID] {
				continue
			}
			checked[s.ID] = true
			if s.State == "crashed" {
				crashed++
			}
			if r := security.run(t, "sessions", "verify", s.ID); r.code != 0 {
				t.Fatalf("round %d, session %s (%s): exit %d %s%s", round, s.ID, s.State, r.code, r.stdout, r.stderr)
			}
			for m := range markers(security.exported(t, s.ID, "ndjson")) {
				recorded[m] = true
			}
		}
		now := w.logged(t)
		for m := range markers(w.targetLog(t, from)) {
			ran++
			if !recorded[m] {
				t.Errorf("round %d: %s ran and is not recorded", round, m)
			}
		}
		from = now
		clear(recorded)
	}
	t.Logf("%d statements in %d sessions, %d of them crashed", ran, len(checked), crashed)
	if ran < 20*rounds || crashed < rounds {
		t.Fatal("this load tests nothing")
	}
}

// loadAndKill has several clients run statements in all forms, and kills hoopd while they do.
func (w *world) loadAndKill(t *testing.T, round int) (open []*listener) {
	t.Helper()
	agent := w.user(t, "agent")
	ctx, cancel := context.WithTimeout(t.Context(), 2*commandTime)
	defer cancel()
	var sent atomic.Int64
	var wg sync.WaitGroup
	for i := range 3 {
		l := agent.open(t, "db-free")
		open = append(open, l)
		for j := range 2 {
			c := l.dial(t)
			wg.Go(func() {
				for n := 0; statement(ctx, c, fmt.Sprintf("mark_%d_%d_%d_%d", round, i, j, n), n) == nil; n++ {
					sent.Add(1)
				}
			})
		}
	}
	enough := int64(50 + rand.IntN(400))
	eventually(t, commandTime, "the load runs", func() bool { return sent.Load() > enough })
	w.kill()
	wg.Wait()
	return open
}

// statement runs one marked statement, in a form that changes from one to the next.
func statement(ctx context.Context, c *client, mark string, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	switch n % 4 {
	case 0:
		return c.Exec(ctx, "SELECT '"+mark+"'").Close()
	case 1:
		_, err := c.ExecParams(ctx, "SELECT $1::text", [][]byte{[]byte(mark)}, nil, nil, nil).Close()
		return err
	case 2:
		_, err := c.ExecParams(ctx, "INSERT INTO load VALUES ($1)", [][]byte{[]byte(mark)}, nil, nil, nil).Close()
		return err
	}
	p := c.StartPipeline(ctx)
	for k := range 3 {
		p.SendQueryParams("INSERT INTO load VALUES ($1)", [][]byte{fmt.Appendf(nil, "%s_%d", mark, k)}, nil, nil, nil)
	}
	if err := p.Sync(); err != nil {
		_ = p.Close()
		return err
	}
	return p.Close()
}
