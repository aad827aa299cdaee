package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/pkg/freeport"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// servicePolicy lets developers read the service that is measured.
const servicePolicy = `version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: [db-prod, service]}, ttl: 2h}]
rules:
  - {name: database, who: {groups: [developers]}, on: {kinds: [postgres]}, effects: [read, session], verdict: allow}
  - {name: small, who: {groups: [developers]}, effects: [read], http: {methods: [GET], paths: [/small, /bulk]}, verdict: allow}
`

// proxyBehindHop is the reverse proxy with as many hops as hoop has: a program's plain socket is carried to it through TLS.
const proxyBehindHop = "hop and proxy"

// requesters is how many connections ask at once, each for one thing after the other.
const requesters = 8

// ask sends requests on one connection until the time is over, and gives each one's time to took.
func ask(to way, path string, until time.Time, took func(time.Duration)) (n, bytes int64, err error) {
	conn, err := dialService(to)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReaderSize(conn, 64<<10)
	q := &http1.Request{Method: "GET", Minor: 1, Fields: http1.Fields{
		{Name: "Host", Value: fmt.Sprintf("127.0.0.1:%d", to.port)}, {Name: "Authorization", Value: "Bearer " + to.password},
	}}
	q.Path, q.Query, q.Asked = strings.Cut(path, "?")
	head := http1.AppendRequest(nil, q)
	for n == 0 || time.Now().Before(until) {
		began := time.Now()
		if _, err := conn.Write(head); err != nil {
			return n, bytes, err
		}
		a, err := http1.ReadAnswer(r, "GET")
		if err != nil {
			return n, bytes, err
		}
		got, err := io.Copy(io.Discard, a.Body(r))
		if err != nil || a.Status != 200 {
			return n, bytes, errors.Join(err, fmt.Errorf("status %d", a.Status))
		}
		n, bytes = n+1, bytes+got
		took(time.Since(began))
	}
	return n, bytes, nil
}

func dialService(to way) (net.Conn, error) {
	address := fmt.Sprintf("127.0.0.1:%d", to.port)
	if to.secure == nil {
		return net.Dial("tcp", address)
	}
	return tls.Dial("tcp", address, to.secure)
}

// serviceLoads are small answers, and one large one.
func (w *world) serviceLoads() []load {
	return []load{
		{"http small", "requests", func(_ context.Context, to way) (float64, time.Duration, error) {
			var all sync.WaitGroup
			var total atomic.Int64
			failed := make(chan error, requesters)
			began := time.Now()
			for range requesters {
				all.Go(func() {
					n, _, err := ask(to, "/small", began.Add(time.Duration(w.options.seconds)*time.Second), func(time.Duration) {})
					total.Add(n)
					failed <- err
				})
			}
			all.Wait()
			close(failed)
			var err error
			for f := range failed {
				err = errors.Join(err, f)
			}
			return float64(total.Load()), time.Since(began), err
		}},
		{"http bulk", "MiB", func(_ context.Context, to way) (float64, time.Duration, error) {
			began := time.Now()
			_, n, err := ask(to, fmt.Sprintf("/bulk?mib=%d", w.options.mib), began.Add(time.Millisecond), func(time.Duration) {})
			return float64(n) / (1 << 20), time.Since(began), err
		}},
	}
}

// measureServices measures every way to a service, and how long one small answer takes alone.
func (w *world) measureServices(ctx context.Context) (results []measurement, latencies map[string][]time.Duration, err error) {
	if w.options.mib == 0 {
		return nil, nil, nil
	}
	ways, err := w.addServices(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("services: %w", err)
	}
	wanted, err := regexp.Compile(w.options.loads)
	if err != nil {
		return nil, nil, fmt.Errorf("-loads: %w", err)
	}
	for _, l := range w.serviceLoads() {
		if wanted.MatchString(l.name) {
			if err := w.rounds(ctx, l, ways, &results); err != nil {
				return nil, nil, err
			}
		}
	}
	latencies = map[string][]time.Duration{}
	for range w.options.rounds {
		for _, to := range ways {
			if !wanted.MatchString("http latency") {
				continue
			}
			took := func(d time.Duration) { latencies[to.name] = append(latencies[to.name], d) }
			if _, _, err := ask(to, "/small", time.Now().Add(time.Second), took); err != nil {
				return nil, nil, fmt.Errorf("latency over %s: %w", to.name, err)
			}
		}
	}
	for name, took := range latencies {
		fmt.Fprintf(os.Stderr, "http latency  %-18s %s\n", name, middleOf(took, 50))
	}
	return results, latencies, nil
}

// addServices starts a service, and the ways to it: directly, over a plain reverse proxy, and through hoop.
func (w *world) addServices(ctx context.Context) ([]way, error) {
	file := filepath.Join(w.dir, "service.pem")
	if err := writeCertificate(file); err != nil {
		return nil, err
	}
	conf, err := mutual(file)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	started := func(args ...string) (int, int, error) {
		port, err := freeport.Next()
		if err != nil {
			return 0, 0, err
		}
		at := 1
		if args[0] == hopCommand {
			at = 2 // behind its side
		}
		args = slices.Insert(args, at, fmt.Sprintf("127.0.0.1:%d", port))
		pid, err := w.run(exec.CommandContext(ctx, self, args...))
		return pid, port, errors.Join(err, awaitPort(ctx, port))
	}
	pid, port, err := started(serviceCommand, file)
	if err != nil {
		return nil, err
	}
	target := part{"service", pid}
	origin := url.URL{Scheme: "https", Host: fmt.Sprintf("localhost:%d", port)}
	proxy, front, err := started(reverseCommand, origin.String(), file)
	if err != nil {
		return nil, err
	}
	hop, before, err := started(hopCommand, "in", fmt.Sprintf("127.0.0.1:%d", front), file)
	if err != nil {
		return nil, err
	}
	through, err := w.serviceThrough(ctx, origin.String(), file, target)
	ways := []way{
		{name: "direct", port: port, secure: conf, parts: []part{target}},
		{name: "reverse proxy", port: front, secure: conf, parts: []part{target, {"proxy", proxy}}},
		{name: proxyBehindHop, port: before, parts: []part{target, {"proxy", proxy}, {"hop", hop}}},
		through,
	}
	wanted, bad := regexp.Compile(w.options.ways)
	if bad != nil {
		return nil, fmt.Errorf("-ways: %w", bad)
	}
	return slices.DeleteFunc(ways, func(x way) bool { return !wanted.MatchString(x.name) }), err
}

// serviceThrough is the way through hoop.
func (w *world) serviceThrough(ctx context.Context, origin, file string, target part) (way, error) {
	state := filepath.Join(w.dir, "hoop-service")
	secret := filepath.Join(w.dir, "service.token")
	if err := errors.Join(os.Mkdir(state, 0o711), os.WriteFile(secret, []byte("svc_Vt7mQx2RkLw9Zp4HnYc3"), 0o600),
		os.WriteFile(filepath.Join(state, "policy.yaml"), []byte(servicePolicy), 0o600)); err != nil {
		return way{}, err
	}
	if _, err := w.hoopd(ctx, state); err != nil {
		return way{}, err
	}
	if _, err := w.awaitEnv(ctx, state); err != nil {
		return way{}, err
	}
	line := fmt.Sprintf("connections:\n  - {name: service, kind: http, address: '%s', tls: {ca_file: %s}, credential: {header: {name: X-Token, value: {file: %s}}}}\n", origin, file, secret)
	pid, err := w.reconfigured(ctx, state, "connections:\n", line)
	if err != nil {
		return way{}, err
	}
	env, err := w.awaitEnv(ctx, state)
	if err != nil {
		return way{}, err
	}
	r, client, err := w.connect(ctx, env, "service")
	if err != nil {
		return way{}, err
	}
	return way{name: "hoop", port: r.Port, password: r.Password, parts: []part{target, {"hoop", client}, {"hoopd", pid}}}, nil
}

// serviceReport is the part of docs/benchmarks.md on services.
func serviceReport(o options, all []measurement, latencies map[string][]time.Duration) string {
	if len(all) == 0 && len(latencies) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## HTTP services\n\nA service over TLS that answers a kibibyte of JSON (%d connections, each asking for one after the other), or %d MiB of text in one answer; over a reverse proxy of Go's net/http with TLS on both sides; over that proxy behind a plain hop (a program's socket, carried to it through TLS), which is as many hops as hoop has; and through hoop, where a program speaks with the local proxy, that with the gateway, and the gateway with the service. Policy and recording are on. Ratios are those of medians.\n\n", requesters, o.mib)
	b.WriteString("| load | direct | reverse proxy | hop and proxy | hoop | hoop of the proxy | hoop of hop and proxy |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for _, l := range []string{"http small", "http bulk"} {
		rate := func(way string) float64 { return medianRate(all, l, way) }
		if rate("direct") == 0 {
			continue
		}
		of := func(way string) float64 { return 100 * rate("hoop") / max(rate(way), 1) }
		fmt.Fprintf(&b, "| %s | %.0f/s | %.0f/s | %.0f/s | %.0f/s | %.0f %% | %.0f %% |\n", l, rate("direct"), rate("reverse proxy"), rate(proxyBehindHop), rate("hoop"),
			of("reverse proxy"), of(proxyBehindHop))
	}
	if len(latencies) > 0 {
		b.WriteString("\nOne small answer at a time, at the median: ")
		for i, name := range []string{"direct", "reverse proxy", proxyBehindHop, "hoop"} {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s %s", name, middleOf(latencies[name], 50))
		}
		b.WriteString(".\n")
	}
	return b.String()
}

func medianRate(all []measurement, load, way string) float64 {
	var rates []float64
	for _, m := range all {
		if m.load.name == load && m.way == way {
			rates = append(rates, m.rate)
		}
	}
	if len(rates) == 0 {
		return 0
	}
	return median(rates)
}
