package pgsql_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/hoop-gateway/hoop/test/procmem"
)

func TestAWorkerThatOverrunsIsReplacedAndItsStatementRefused(t *testing.T) {
	pool, err := pgsql.NewPool(pgsql.PoolOptions{Workers: 1, Command: []string{os.Args[0]}, Env: []string{workerVariable + "=1"}, Timeout: time.Nanosecond, Wall: 4 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	big := "SELECT 1" + strings.Repeat(" + (SELECT a FROM t WHERE b = 1)", 2000)
	a := pgsql.Analyze(context.Background(), pool, big, pgsql.Env{})
	if a.Problem == nil || a.Problem.Rule != "unparsable" || a.Problem.SQLState != "54001" {
		t.Fatalf("an overrun: %+v", a.Problem)
	}
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(3 * time.Minute)
	for !pool.Healthy() {
		select {
		case <-deadline:
			t.Fatal("no new worker came")
		case <-poll.C:
		}
	}
}

func TestWhatIsTooDeepIsRefusedAndTheNextStatementIsNot(t *testing.T) {
	for _, deep := range []string{"SELECT " + strings.Repeat("- ", 49_000) + "1", "SELECT 1" + strings.Repeat("+1", 24_000), "SELECT 1" + strings.Repeat(" UNION SELECT 1", 12_000), "SELECT " + strings.Repeat("NOT ", 9_000) + "true"} {
		if a := understand(t, deep, pgsql.Env{}); a.Problem == nil || a.Problem.SQLState != "54001" {
			t.Errorf("%.30s: %+v", deep, a.Problem)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if a := pgsql.Analyze(ctx, grammar, "SELECT 1 AS "+strings.Repeat("x", len(deep)%50), pgsql.Env{}); a.Problem != nil {
			t.Fatalf("the next statement: %+v", a.Problem)
		}
	}
}

func TestACancelledStatementIsRefused(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if a := pgsql.Analyze(ctx, grammar, "SELECT 'a text that nobody has sent before'", pgsql.Env{}); a.Problem == nil && len(a.Statements) != 1 {
		t.Fatalf("%+v", a)
	}
}

func TestAPoolWithoutAWorkerDoesNotStart(t *testing.T) {
	if _, err := pgsql.NewPool(pgsql.PoolOptions{}); err == nil {
		t.Error("no command was needed")
	}
	if _, err := pgsql.NewPool(pgsql.PoolOptions{Command: []string{"/bin/false"}}); err == nil {
		t.Error("a program that ends at once was taken for a worker")
	}
}

func BenchmarkAnalyzeWarm(b *testing.B) {
	env := envOf(b, connect(b, "agent", "postgres"), piiMasks())
	text := "SELECT u.id, u.name, u.email, o.total FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = $1 ORDER BY o.id LIMIT 10"
	for b.Loop() {
		if a := pgsql.Analyze(b.Context(), grammar, text, env); a.Problem != nil {
			b.Fatal(*a.Problem)
		}
	}
}

func BenchmarkAnalyzeCold(b *testing.B) {
	env := envOf(b, connect(b, "agent", "postgres"), nil)
	coldTexts(b, env)
}

func BenchmarkAnalyzeColdMasked(b *testing.B) {
	env := envOf(b, connect(b, "agent", "postgres"), piiMasks())
	coldTexts(b, env)
}

// coldTexts analyses a text that is new each time.
func coldTexts(b *testing.B, env pgsql.Env) {
	for i := 0; b.Loop(); i++ {
		text := "SELECT u.id, u.name, u.email, o.total FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = 1 AND o.id = " + strconv.Itoa(i) + " ORDER BY o.id LIMIT 10"
		if a := pgsql.Analyze(b.Context(), grammar, text, env); a.Problem != nil {
			b.Fatal(*a.Problem)
		}
	}
}

// BenchmarkWorkerStart starts workers, and reports what one that waits for its first statement has in memory.
func BenchmarkWorkerStart(b *testing.B) {
	var resident int
	for b.Loop() {
		pid, kill, err := pgsql.StartWorker(b.Context(), []string{os.Args[0]}, []string{workerVariable + "=1"})
		if err != nil {
			b.Fatal(err)
		}
		kib, err := procmem.KiB(pid, "status", "VmRSS")
		kill()
		if err != nil {
			b.Fatal(err)
		}
		resident += kib
	}
	b.ReportMetric(float64(resident)/1024/float64(b.N), "MiB/worker")
}

// script runs sh with a text, in which $0 is a file and $1 this program.
func script(text, file string) pgsql.PoolOptions {
	return pgsql.PoolOptions{Workers: 2, OnDemand: true, Command: []string{"/bin/sh", "-c", text, file, os.Args[0]}, Env: []string{workerVariable + "=1"}}
}

func TestWorkersOnDemandStartOnceWithTheFirstText(t *testing.T) {
	started := filepath.Join(t.TempDir(), "started")
	pool, err := pgsql.NewPool(script(`echo one >> "$0"; exec "$1"`, started))
	if err != nil {
		t.Fatal(err)
	}
	closed := sync.OnceFunc(pool.Close)
	defer closed()
	count := func() int {
		text, err := os.ReadFile(started)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return strings.Count(string(text), "one")
	}
	if a := pgsql.Analyze(t.Context(), pool, "SELECT '", pgsql.Env{}); a.Problem == nil || count() != 0 {
		t.Fatalf("%d workers for a text that needs none: %+v", count(), a.Problem)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if a := pgsql.Analyze(gone, pool, "SELECT 0", pgsql.Env{}); a.Problem == nil || a.Problem.SQLState != "57014" {
		t.Fatalf("one who left while the first worker started: %+v", a.Problem)
	}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if a := pgsql.Analyze(t.Context(), pool, "SELECT "+strconv.Itoa(i)+" AS a, b FROM t", pgsql.Env{}); a.Problem != nil && a.Problem.Rule == "unparsable" {
				t.Errorf("not understood: %+v", a.Problem)
			}
		})
	}
	all.Wait()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(3 * time.Minute)
	for count() < 3 {
		select {
		case <-deadline:
			t.Fatalf("%d workers of 3", count())
		case <-poll.C:
		}
	}
	closed()
	if n := count(); n != 3 {
		t.Errorf("%d workers of 3", n)
	}
}

func TestAStartOnDemandThatFailsIsSaidAndTriedAgain(t *testing.T) {
	there := filepath.Join(t.TempDir(), "there")
	pool, err := pgsql.NewPool(script(`test -e "$0" && exec "$1"`, there))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for range 2 {
		if a := pgsql.Analyze(t.Context(), pool, "SELECT 1", pgsql.Env{}); a.Problem == nil || a.Problem.SQLState != "58000" || pool.Healthy() {
			t.Fatalf("without a worker: %+v, healthy %v", a.Problem, pool.Healthy())
		}
	}
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if a := pgsql.Analyze(t.Context(), pool, "SELECT 1", pgsql.Env{}); a.Problem != nil || !pool.Healthy() {
		t.Fatalf("with a worker: %+v, healthy %v", a.Problem, pool.Healthy())
	}
}
