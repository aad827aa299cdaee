package gateway

import (
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the gateway's counters. They hold names of kinds, verdicts and rules, never of people or data.
type Metrics struct {
	commands *prometheus.CounterVec
	refusals *prometheus.CounterVec
	waits    *prometheus.HistogramVec
	decision prometheus.Histogram
	overhead prometheus.Histogram
	masked   prometheus.Counter
	sessions *prometheus.GaugeVec

	mu      sync.Mutex
	writers map[*record.Writer]bool
}

// NewMetrics makes the counters and registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hoop_commands_total", Help: "Commands by kind and verdict."}, []string{"kind", "verdict"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hoop_refusals_total", Help: "Refused commands by rule."}, []string{"rule"}),
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hoop_approval_wait_seconds", Help: "Time that commands waited for a person, by outcome.", Buckets: prometheus.ExponentialBuckets(0.1, 3, 8),
		}, []string{"outcome"}),
		decision: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hoop_decision_seconds", Help: "Time to decide on a command.", Buckets: prometheus.ExponentialBuckets(1e-6, 4, 10),
		}),
		overhead: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hoop_overhead_seconds", Help: "Time that deciding on and recording an admitted command took, without waits for people.", Buckets: prometheus.ExponentialBuckets(1e-6, 4, 10),
		}),
		masked:   prometheus.NewCounter(prometheus.CounterOpts{Name: "hoop_masked_statements_total", Help: "Admitted commands that read masked columns."}),
		sessions: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hoop_sessions_open", Help: "Open sessions by kind."}, []string{"kind"}),
		writers:  map[*record.Writer]bool{},
	}
	lag := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "hoop_recorder_lag_seconds", Help: "Age of the oldest result rows that no recording holds yet."}, m.lag)
	r.MustRegister(m.commands, m.refusals, m.waits, m.decision, m.overhead, m.masked, m.sessions, lag)
	return m
}

// Decided counts a decision.
func (m *Metrics) Decided(kind string, v policy.Verdict, took time.Duration) {
	m.commands.WithLabelValues(kind, v.String()).Inc()
	m.decision.Observe(took.Seconds())
}

// Refused counts a refusal.
func (m *Metrics) Refused(rule string) { m.refusals.WithLabelValues(rule).Inc() }

// Waited counts a wait for an approval.
func (m *Metrics) Waited(outcome string, took time.Duration) {
	m.waits.WithLabelValues(outcome).Observe(took.Seconds())
}

// Overhead measures what the gate added to an admitted command.
func (m *Metrics) Overhead(took time.Duration) { m.overhead.Observe(took.Seconds()) }

// Masked counts an admitted command that reads masked columns.
func (m *Metrics) Masked() { m.masked.Inc() }

func (m *Metrics) opened(kind string, w *record.Writer) {
	m.sessions.WithLabelValues(kind).Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writers[w] = true
}

func (m *Metrics) closed(kind string, w *record.Writer) {
	m.sessions.WithLabelValues(kind).Dec()
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.writers, w)
}

func (m *Metrics) lag() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	most := time.Duration(0)
	for w := range m.writers {
		most = max(most, w.Lag())
	}
	return most.Seconds()
}
