package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"github.com/hoop-gateway/hoop/test/procmem"
)

// idleWays are those whose programs keep one session for each socket, so that there is something to compare.
var idleWays = regexp.MustCompile(`^(two-hop TLS|ghostunnel|hoop)$`)

// settled is how long the sessions are left alone before the memory is read.
const settled = 10 * time.Second

// held is the memory that one idle session costs each process of a way.
type held struct {
	way   string
	parts []string
	kib   []float64
}

// idle opens sessions that run one query each and then wait, and answers what of memory each process has more, by its
// proportional set size. The target's is left out: its backends are the same for every way.
func (w *world) idle(ctx context.Context, to way) (held, error) {
	h := held{way: to.name}
	warm, err := w.openIdle(ctx, to, 10) // what is made once, and once for each thread, is there before
	if err != nil {
		return h, err
	}
	before := make([]float64, len(to.parts))
	for i, p := range to.parts[1:] {
		if before[i], err = proportional(p.pid); err != nil {
			return h, err
		}
	}
	sessions, err := w.openIdle(ctx, to, w.options.idle)
	if err != nil {
		return h, err
	}
	select {
	case <-time.After(settled):
	case <-ctx.Done():
		return h, ctx.Err()
	}
	for i, p := range to.parts[1:] {
		after, err := proportional(p.pid)
		if err != nil {
			return h, err
		}
		h.parts, h.kib = append(h.parts, p.name), append(h.kib, (after-before[i])/float64(w.options.idle))
	}
	for _, c := range append(warm, sessions...) {
		_ = c.Close(ctx) // what it says does not matter any more
	}
	return h, nil
}

func (w *world) openIdle(ctx context.Context, to way, n int) ([]*pgconn.PgConn, error) {
	dsn := url.URL{Scheme: "postgres", User: url.UserPassword(to.user, to.password), Host: fmt.Sprintf("127.0.0.1:%d", to.port), Path: "/" + database, RawQuery: "sslmode=disable"}
	all := make([]*pgconn.PgConn, n)
	var opening errgroup.Group
	opening.SetLimit(4)
	for i := range all {
		opening.Go(func() (err error) {
			if all[i], err = pgconn.Connect(ctx, dsn.String()); err != nil {
				return err
			}
			_, err = all[i].Exec(ctx, fmt.Sprintf("SELECT abalance FROM pgbench_accounts WHERE aid = %d", i+1)).ReadAll()
			return err
		})
	}
	return all, opening.Wait()
}

// proportional is the memory of a process in KiB; what it shares with others counts in parts.
func proportional(pid int) (float64, error) {
	kib, err := procmem.KiB(pid, "smaps_rollup", "Pss")
	return float64(kib), err
}

// idles measures all ways that can be compared.
func (w *world) idles(ctx context.Context) (all []held, err error) {
	if w.options.idle <= 0 {
		return nil, nil
	}
	for _, way := range w.ways {
		if !idleWays.MatchString(way.name) {
			continue
		}
		h, err := w.idle(ctx, way)
		if err != nil {
			return nil, fmt.Errorf("idle sessions over %s: %w", way.name, err)
		}
		fmt.Fprintf(os.Stderr, "idle  %-18s %s\n", way.name, h.line())
		all = append(all, h)
	}
	return all, nil
}

func (h held) line() string {
	words := make([]string, len(h.parts))
	for i, name := range h.parts {
		words[i] = fmt.Sprintf("%s %.1f KiB", name, h.kib[i])
	}
	return strings.Join(words, ", ")
}

// idleReport is the part of the report that says what idle sessions cost.
func idleReport(sessions int, all []held) string {
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `
Memory of one idle session, of %d that had run one query each, %d s after the last was opened: by how much each process' proportional set size
had grown, divided by their number.

| way | memory for each session |
|---|---|
`, sessions, int(settled.Seconds()))
	for _, h := range all {
		fmt.Fprintf(&b, "| %s | %s |\n", h.way, h.line())
	}
	return b.String()
}
