// Command bench measures hoop beside what it competes with, side by side in one run: the target directly, PgBouncer, a
// plain two-hop TLS tunnel, and hoop with policy, masks and recording on. Rounds are interleaved, and what it writes to
// docs/benchmarks.md are medians and ratios: absolute figures say more of the machine than of the programs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
)

type options struct {
	rounds  int
	seconds int
	clients string
	rows    int
	loads   string
	idle    int
	ways    string
	out     string
	bin     string
	tools   string
	mib     int
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == hopCommand {
		exit(hop(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == serviceCommand {
		exit(service(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == reverseCommand {
		exit(reverse(os.Args[2:]))
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "interleaved rounds")
	flag.IntVar(&o.seconds, "seconds", 5, "length of one pgbench run")
	flag.StringVar(&o.clients, "clients", "8", "how many pgbench clients, by commas")
	flag.IntVar(&o.rows, "rows", 1_000_000, "rows of the bulk read")
	flag.StringVar(&o.out, "out", "docs/benchmarks.md", "where the table goes")
	flag.StringVar(&o.bin, "bin", "bin", "where hoop and hoopd are")
	flag.IntVar(&o.idle, "idle", 1000, "idle sessions whose memory is measured; 0 measures none")
	flag.StringVar(&o.loads, "loads", "", "only loads whose name this regular expression matches")
	flag.StringVar(&o.ways, "ways", "", "only ways whose name this regular expression matches")
	flag.IntVar(&o.mib, "mib", 256, "size of the file that is read from and written to a host, in MiB; 0 measures no host")
	flag.StringVar(&o.tools, "tools", ".cache/bin", "where ghostunnel is")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "hoop-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	w, err := build(ctx, o, dir)
	if err != nil {
		return err
	}
	defer w.stop()
	loads, err := w.loads()
	if err != nil {
		return err
	}
	var results []measurement
	for _, load := range loads {
		if err := w.rounds(ctx, load, w.ways, &results); err != nil {
			return err
		}
	}
	hosts, echoes, err := w.measureHosts(ctx)
	if err != nil {
		return err
	}
	services, latencies, err := w.measureServices(ctx)
	if err != nil {
		return err
	}
	others := hostReport(o, hosts, echoes) + serviceReport(o, services, latencies)
	if len(loads) == 0 { // of databases nothing
		_, err := os.Stdout.WriteString(others)
		return err
	}
	alone, through := w.connectCost(ctx)
	idles, err := w.idles(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Clean(o.out), []byte(report(o, results, alone, through)+idleReport(o.idle, idles)+others), 0o644)
}

// rounds measures a load over all ways in turn, again and again.
func (w *world) rounds(ctx context.Context, l load, ways []way, results *[]measurement) error {
	for round := range w.options.rounds {
		for _, way := range ways {
			if ok, err := regexp.MatchString(way.loads, l.name); !ok || err != nil {
				continue // the expressions are ours, and right
			}
			m, err := w.measure(ctx, way, l)
			if err != nil {
				return fmt.Errorf("%s over %s: %w", l.name, way.name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d  %-13s %-18s %10.0f/s  %s\n", round+1, l.name, way.name, m.rate, m.cpuLine())
			*results = append(*results, m)
		}
	}
	return nil
}
