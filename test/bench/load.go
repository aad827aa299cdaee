package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// load is something to measure; its run answers how many units were done.
type load struct {
	name string
	unit string
	run  func(context.Context, way) (units float64, took time.Duration, err error)
}

// loads are what is measured, as far as the options ask for it.
func (w *world) loads() ([]load, error) {
	var all []load
	for text := range strings.SplitSeq(w.options.clients, ",") {
		clients, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("-clients: %w", err)
		}
		for _, mode := range []string{"simple", "extended", "prepared"} {
			all = append(all, load{fmt.Sprintf("%s, %d", mode, clients), "transactions", func(ctx context.Context, to way) (float64, time.Duration, error) {
				return w.pgbench(ctx, to, "-M", mode, "-c", text)
			}})
		}
	}
	all = append(all,
		load{"churn", "connections", func(ctx context.Context, to way) (float64, time.Duration, error) {
			return w.pgbench(ctx, to, "-C", "-c", "4")
		}},
		load{"bulk", "rows", w.bulk})
	wanted, err := regexp.Compile(w.options.loads)
	if err != nil {
		return nil, fmt.Errorf("-loads: %w", err)
	}
	return slices.DeleteFunc(all, func(l load) bool { return !wanted.MatchString(l.name) }), nil
}

var processed = regexp.MustCompile(`number of transactions actually processed: (\d+)`)

func (w *world) pgbench(ctx context.Context, to way, how ...string) (float64, time.Duration, error) {
	cmd := exec.CommandContext(ctx, "pgbench", append([]string{"-n", "-S", "-j", "2", "-T", strconv.Itoa(w.options.seconds),
		"-h", "127.0.0.1", "-p", strconv.Itoa(to.port), "-U", to.user, database}, how...)...)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+to.password, "PGSSLMODE=disable")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %s", err, out)
	}
	m := processed.FindSubmatch(out)
	if m == nil {
		return 0, 0, fmt.Errorf("pgbench said: %s", out)
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	return n, time.Duration(w.options.seconds) * time.Second, err
}

// bulk reads a large table in one result, again and again, and throws the rows away.
func (w *world) bulk(ctx context.Context, to way) (float64, time.Duration, error) {
	dsn := url.URL{Scheme: "postgres", User: url.UserPassword(to.user, to.password), Host: fmt.Sprintf("127.0.0.1:%d", to.port), Path: "/" + database, RawQuery: "sslmode=disable"}
	c, err := pgconn.Connect(ctx, dsn.String())
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = c.Close(ctx) }()
	began := time.Now()
	rows := 0.0
	for time.Since(began) < time.Duration(w.options.seconds)*time.Second {
		results := c.Exec(ctx, "SELECT * FROM bulk")
		for results.NextResult() {
			for r := results.ResultReader(); r.NextRow(); {
				rows++
			}
		}
		if err := results.Close(); err != nil {
			return 0, 0, err
		}
	}
	return rows, time.Since(began), nil
}

// measurement is one run of a load over one way.
type measurement struct {
	load load
	way  string
	rate float64 // units a second
	cpu  []spent // microseconds of processor time for each unit, by process
}

func (w *world) measure(ctx context.Context, to way, l load) (measurement, error) {
	before, err := clocks(to.parts)
	if err != nil {
		return measurement{}, err
	}
	units, took, err := l.run(ctx, to)
	if err != nil {
		return measurement{}, err
	}
	after, err := clocks(to.parts)
	if err != nil {
		return measurement{}, err
	}
	m := measurement{load: l, way: to.name, rate: units / took.Seconds()}
	for i, p := range to.parts {
		m.cpu = append(m.cpu, spent{p.name, float64((after[i] - before[i]).Microseconds()) / units})
	}
	return m, nil
}

// connectCost is the median time of psql alone and of psql through `hoop connect`, from process start to exit.
func (w *world) connectCost(ctx context.Context) (alone, through time.Duration) {
	timed := func(cmd func() *exec.Cmd) time.Duration {
		var all []time.Duration
		for range 15 {
			c := cmd()
			began := time.Now()
			if err := c.Run(); err != nil {
				fmt.Fprintln(os.Stderr, "connect:", err)
			}
			all = append(all, time.Since(began))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	alone = timed(func() *exec.Cmd {
		c := exec.CommandContext(ctx, "psql", "-h", "127.0.0.1", "-p", strconv.Itoa(w.direct.port), "-U", role, "-Atc", "SELECT 1", database)
		c.Env = append(os.Environ(), "PGPASSWORD="+password)
		return c
	})
	through = timed(func() *exec.Cmd {
		c := exec.CommandContext(ctx, filepath.Join(w.options.bin, "hoop"), "connect", "db-prod", "--", "psql", "-Atc", "SELECT 1")
		c.Env = w.env
		return c
	})
	return alone, through
}
