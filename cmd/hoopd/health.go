package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hoop-gateway/hoop/broker"
	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
)

// probeTime bounds one look at everything.
const probeTime = 5 * time.Second

// probe is one part that must work for the server to be ready. Its answer is what is wrong; none: nothing.
type probe struct {
	part string
	look func(context.Context) []string
}

// readiness answers /readyz.
type readiness struct {
	Ready    bool      `json:"ready"`
	Problems []trouble `json:"problems"`
	Warnings []string  `json:"warnings"`
}

type trouble struct {
	Part    string `json:"part"`
	Message string `json:"message"`
}

// health serves /healthz (the process lives), /readyz (it can serve safely) and /metrics.
func health(registry *prometheus.Registry, probes []probe, warnings []string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), probeTime)
		defer cancel()
		answer := look(ctx, probes, warnings)
		w.Header().Set("Content-Type", "application/json")
		if !answer.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(answer) // who asked may be gone
	})
	return mux
}

func look(ctx context.Context, probes []probe, warnings []string) readiness {
	answer := readiness{Problems: []trouble{}, Warnings: append([]string{}, warnings...)}
	for _, p := range probes {
		for _, message := range p.look(ctx) {
			answer.Problems = append(answer.Problems, trouble{p.part, message})
		}
	}
	answer.Ready = len(answer.Problems) == 0
	return answer
}

// failing makes a probe of an error.
func failing(part string, try func(context.Context) error) probe {
	return probe{part, func(ctx context.Context) []string {
		if err := try(ctx); err != nil {
			return []string{err.Error()}
		}
		return nil
	}}
}

// probes are the parts of this server.
func (s *server) probes() []probe {
	return []probe{
		failing("store", s.broker.Ready),
		failing("recorder", func(context.Context) error { return writable(s.cfg.Gateway.Recordings) }),
		failing("grammar", func(context.Context) error {
			if !s.understands() {
				return errors.New("no grammar worker is ready")
			}
			return nil
		}),
		{"gateway", func(context.Context) []string { return s.gateway.Ready() }},
		failing("policy", func(context.Context) error {
			if why := s.policy.problem(); why != "" {
				return errors.New(why)
			}
			return nil
		}),
	}
}

func warnings(cfg *config.Config) (out []string) {
	for _, w := range cfg.Warnings {
		out = append(out, w.Message)
	}
	return out
}

// writable tries what every session needs: a new file in the folder.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".ready-*")
	if err != nil {
		return fmt.Errorf("recordings can't be written: %w", err)
	}
	_, err = f.Write(make([]byte, 4096))
	if err = errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("recordings can't be written: %w", err)
	}
	return nil
}

// newRegistry has what every Go program tells.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// healthyGauge says 1 while texts can be understood.
func healthyGauge(healthy func() bool) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "hoop_grammar_workers_healthy", Help: "1 while a grammar worker is ready or all are at work, and where no connection needs any."}, func() float64 {
		if healthy() {
			return 1
		}
		return 0
	})
}

// counts tells what is in the broker's store, asked at each scrape.
type counts struct {
	stats             func(context.Context) (broker.Stats, error)
	approvals, grants *prometheus.Desc
}

func newCounts(stats func(context.Context) (broker.Stats, error)) *counts {
	return &counts{
		stats:     stats,
		approvals: prometheus.NewDesc("hoop_approvals_pending", "Approval requests that wait for a person.", nil, nil),
		grants:    prometheus.NewDesc("hoop_grants_active", "Grants that are in force.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *counts) Describe(out chan<- *prometheus.Desc) { out <- c.approvals; out <- c.grants }

// Collect implements prometheus.Collector.
func (c *counts) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), probeTime)
	defer cancel()
	s, err := c.stats(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(c.approvals, err)
		out <- prometheus.NewInvalidMetric(c.grants, err)
		return
	}
	out <- prometheus.MustNewConstMetric(c.approvals, prometheus.GaugeValue, float64(s.PendingApprovals))
	out <- prometheus.MustNewConstMetric(c.grants, prometheus.GaugeValue, float64(s.ActiveGrants))
}
