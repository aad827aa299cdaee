package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

func median(of []float64) float64 {
	slices.Sort(of)
	if len(of) == 0 {
		return 0
	}
	return of[len(of)/2]
}

// report is docs/benchmarks.md.
func report(o options, all []measurement, alone, through time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Benchmarks

Written by `+"`make bench`"+`: medians of %d interleaved rounds on one machine (%d cores), so that only the ratios mean anything.
The floor is the plain two-hop TLS tunnel: two Go processes that copy bytes over TLS 1.3 with client certificates, as hoop's
two programs must. Beside it stands ghostunnel 1.8.4, client and server, for the same. hoop ran with a policy, masks in force for the
person, and recordings on (1 MiB of each result kept, the rest counted and hashed; or all of it; or with every detector over every
text). The target kept no statement log. PgBouncer pooled by session.

pgbench -S for %d s a run over a table of 100,000 rows, by mode (simple: a new literal each time) and number of clients; churn: a
new connection for each transaction, 4 clients; bulk: a SELECT of %d rows of about 110 bytes.

| load | way | rate, 1/s | of direct | of the tunnel | of ghostunnel | CPU for each unit, us |
|---|---|---|---|---|---|---|
`, o.rounds, runtime.NumCPU(), o.seconds, o.rows)
	table(&b, all)
	fmt.Fprintf(&b, "\n`psql -c 'SELECT 1'` from process start to exit: %d ms alone, %d ms as `hoop connect db-prod -- psql …` (medians of 15).\n", alone.Milliseconds(), through.Milliseconds())
	return b.String()
}

// table writes a line for each load and way.
func table(b io.Writer, all []measurement) {
	for _, load := range names(all, func(m measurement) string { return m.load.name }) {
		rates := map[string]float64{}
		cpus := map[string]string{}
		ways := names(all, func(m measurement) string { return m.way })
		for _, way := range ways {
			rates[way], cpus[way] = middle(all, load, way)
		}
		for _, way := range ways {
			if cpus[way] == "" {
				continue // this way was not measured with it
			}
			fmt.Fprintf(b, "| %s | %s | %.0f | %s | %s | %s | %s |\n", load, way, rates[way],
				share(rates, way, "direct"), share(rates, way, "two-hop TLS"), share(rates, way, "ghostunnel"), cpus[way])
		}
	}
}

// share is a way's rate as a part of another's, where that was measured.
func share(rates map[string]float64, way, of string) string {
	if rates[of] == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*rates[way]/rates[of])
}

// names are the distinct answers of of, in the order in which they come.
func names(all []measurement, of func(measurement) string) []string {
	var out []string
	for _, m := range all {
		if !slices.Contains(out, of(m)) {
			out = append(out, of(m))
		}
	}
	return out
}

// middle is the median rate of a load over a way, with the median processor time of each process.
func middle(all []measurement, load, way string) (rate float64, cpu string) {
	var rates []float64
	byPart := map[string][]float64{}
	var parts []string
	for _, m := range all {
		if m.load.name != load || m.way != way {
			continue
		}
		rates = append(rates, m.rate)
		for _, s := range m.cpu {
			if byPart[s.name] == nil {
				parts = append(parts, s.name)
			}
			byPart[s.name] = append(byPart[s.name], s.micros)
		}
	}
	words := make([]string, len(parts))
	for i, p := range parts {
		words[i] = fmt.Sprintf("%s %.1f", p, median(byPart[p]))
	}
	return median(rates), strings.Join(words, ", ")
}
