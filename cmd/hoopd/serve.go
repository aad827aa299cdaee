package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/hoop-gateway/hoop/broker"
	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
	"github.com/hoop-gateway/hoop/cmd/hoopd/pki"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres"
	"github.com/hoop-gateway/hoop/pkg/grant"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// gatewayName is the name in the gateway's certificate, whatever its address is.
const gatewayName = "gateway.hoop.internal"

// drainTime is what calls that are under way get at the end.
const drainTime = 10 * time.Second

func serveCommand(s streams) *cobra.Command {
	var file string
	var logs logFlags
	c := &cobra.Command{
		Use: "serve -c FILE", Short: "Run broker and gateway in one process", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			log, err := logs.open(s.err)
			if err != nil {
				return err
			}
			if file == "" {
				return usageError{errors.New("which configuration?\n    hint: hoopd serve -c hoopd.yaml")}
			}
			cfg, err := config.Load(file)
			if err != nil {
				return usageError{err}
			}
			return serve(c.Context(), cfg, log)
		},
	}
	c.Flags().StringVarP(&file, "config", "c", "", "the configuration, hoopd.yaml")
	logs.add(c.Flags())
	return c
}

func serve(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	grammar, err := startGrammar()
	if err != nil {
		return err
	}
	defer grammar.Close()
	srv, err := newServer(ctx, cfg, grammar, log)
	if err != nil {
		return err
	}
	return srv.run(ctx)
}

// server is broker and gateway in one process. Everything that it is made of is put together in newServer.
type server struct {
	log      *slog.Logger
	caFile   string // what clients trust; "" where the certificate is somebody else's
	store    *store.SQLite
	files    *os.Root
	policy   *policyFile
	protocol *postgres.Protocol
	broker   *broker.Broker
	gateway  *gateway.Gateway
	split    *tunnel.Split
	api      *http.Server
	health   *http.Server
	metrics  net.Listener // nil: none
}

// newServer wires the parts, from the state folder up to the listener. Nothing is served before run.
func newServer(ctx context.Context, cfg *config.Config, grammar *pgsql.Pool, log *slog.Logger) (s *server, err error) {
	s = &server{log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
			s = nil
		}
	}()
	for _, w := range cfg.Warnings {
		log.Warn("configuration is less safe than it could be", "what", w.Message, "hint", w.Hint)
	}

	// Keys: three authorities of their own (HTTPS, gateway, grants) and the recordings' signer.
	if err := stateFolder(cfg.State, cfg.Gateway.Recordings); err != nil {
		return s, err
	}
	https, err := s.certificate(cfg)
	if err != nil {
		return s, err
	}
	gatewayCA, err := pki.LoadOrCreate(cfg.State, "gateway-ca")
	if err != nil {
		return s, err
	}
	grants, err := grant.LoadOrCreateAuthority(cfg.State)
	if err != nil {
		return s, err
	}
	verifier := grant.NewVerifier(grants.Certificate())
	signer, keys, err := signingKeys(cfg)
	if err != nil {
		return s, err
	}

	// Store, recordings, sign-in, policy.
	if s.store, err = store.OpenSQLite(ctx, cfg.Broker.Store); err != nil {
		return s, err
	}
	if s.files, err = os.OpenRoot(cfg.Gateway.Recordings); err != nil {
		return s, fmt.Errorf("open the recordings: %w", err)
	}
	idps, err := providers(ctx, cfg.Broker.Identity)
	if err != nil {
		return s, err
	}
	s.protocol = postgres.New(grammar, log)
	protocols := map[string]gateway.Protocol{"postgres": s.protocol}
	s.policy = &policyFile{path: cfg.Policy, log: log, test: func(ctx context.Context, p *policy.Policy) []policy.TestFailure {
		return gateway.FailedTests(ctx, p, protocols, forPolicy(cfg.Connections))
	}}
	if err := s.policy.load(ctx); err != nil {
		return s, usageError{err}
	}

	// The broker knows who may; the gateway holds credentials and enforces. Each sees the other through an interface.
	registry := newRegistry()
	judge := &laterJudge{}
	s.broker, err = broker.New(broker.Config{
		Version: version, PublicURL: cfg.Broker.PublicURL, StateDir: cfg.State, Store: s.store, Providers: idps,
		Connections: forBroker(cfg.Connections), Policy: func() broker.Policy { return s.policy.inForce.Load() },
		Authority: grants, Gateway: reachedAt(cfg.Broker.PublicURL, gatewayCA.PEM()), Judge: judge,
		Recordings: recordings{s.files}, Keys: func() []api.Key { return keys }, Logger: log,
	})
	if err != nil {
		return s, err
	}
	s.policy.changed = s.broker.PolicyChanged
	targets, err := forGateway(cfg.Connections)
	if err != nil {
		return s, err
	}
	s.gateway, err = gateway.New(gateway.Config{
		Authority: s.broker, Approvals: s.broker, Policy: s.policy.inForce.Load, Connections: targets, Protocols: protocols,
		Verify: func(peer []*x509.Certificate, now time.Time) (string, [32]byte, error) {
			h, err := verifier.Verify(peer, now)
			return h.GrantID, h.KeyHash, err
		},
		Recordings: cfg.Gateway.Recordings, Signer: signer, ResultCap: cfg.Gateway.ResultCap, Version: version,
		Metrics: gateway.NewMetrics(registry), Log: log, Now: time.Now,
	})
	if err != nil {
		return s, err
	}
	judge.Judge = s.gateway
	registry.MustRegister(newCounts(s.broker.Stats))

	// One listener for both, told apart by ALPN; and one for those who watch.
	listener, err := net.Listen("tcp", cfg.Broker.Listen)
	if err != nil {
		return s, fmt.Errorf("listen for clients: %w", err)
	}
	s.split, err = tunnel.NewSplit(listener, tunnel.Config{
		HTTPS: https, Gateway: gatewayCA.Server(gatewayName), ServerName: gatewayName, Log: log,
		Verify: func(peer []*x509.Certificate) error { _, err := verifier.Verify(peer, time.Now()); return err },
	})
	if err != nil {
		return s, errors.Join(err, listener.Close())
	}
	s.api = httpServer(s.broker.Handler(), log)
	if cfg.Gateway.Metrics == "" {
		return s, nil
	}
	s.health = httpServer(health(registry, s.probes(cfg, grammar), warnings(cfg)), log)
	if s.metrics, err = net.Listen("tcp", cfg.Gateway.Metrics); err != nil {
		return s, errors.Join(fmt.Errorf("listen for metrics: %w", err), listener.Close())
	}
	return s, nil
}

// run serves until ctx ends; then it stops accepting, tells sessions, seals recordings and closes.
func (s *server) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.split.Serve(ctx) })
	group.Go(func() error {
		defer s.broker.Close() // once no session needs it; that also ends the event streams that HTTPS waits for
		return s.gateway.Run(ctx, s.split.Accept)
	})
	group.Go(func() error { return serveHTTP(ctx, s.api, s.split.HTTPS()) })
	group.Go(func() error { return s.policy.watch(ctx) })
	if s.metrics != nil {
		group.Go(func() error { return serveHTTP(ctx, s.health, s.metrics) })
	}
	s.log.Info("serving")
	err := group.Wait()
	s.log.Info("stopped")
	return errors.Join(err, s.close())
}

// close releases what newServer opened, as far as it came.
func (s *server) close() error {
	var errs []error
	if s.broker != nil {
		s.broker.Close()
	}
	if s.protocol != nil {
		s.protocol.Close()
	}
	if s.files != nil {
		errs = append(errs, s.files.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}

// certificate is what HTTPS shows: the configured one, or one of hoopd's own authority.
func (s *server) certificate(cfg *config.Config) (*tls.Config, error) {
	if t := cfg.Broker.TLS; t != nil {
		files, err := pki.LoadFiles(t.Cert, t.Key, s.log)
		if err != nil {
			return nil, err
		}
		return files.Server(), nil
	}
	ca, err := pki.LoadOrCreate(cfg.State, "https-ca")
	if err != nil {
		return nil, err
	}
	s.caFile = ca.Path()
	s.log.Info("no TLS certificate is configured, so hoopd made an authority: clients need it as HOOP_CA_FILE", "file", ca.Path())
	u, err := url.Parse(cfg.Broker.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("read the public URL: %w", err)
	}
	return ca.Server(u.Hostname()), nil
}

// stateFolder makes the folders, private, and refuses a state folder that others can write to.
func stateFolder(state, recordings string) error {
	for _, dir := range []string{state, recordings} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the folder %s: %w", dir, err)
		}
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("look at the folder %s: %w", dir, err)
		}
		if info.Mode().Perm()&0o022 != 0 {
			return usageError{fmt.Errorf("the folder %s has mode %04o and can be written to by others\n    hint: chmod 700 %s", dir, info.Mode().Perm(), dir)}
		}
	}
	return nil
}

// signingKeys loads the recordings' signer. The public keys stand beside the recordings, the private one does not.
func signingKeys(cfg *config.Config) (*record.Signer, []api.Key, error) {
	dir := filepath.Join(cfg.State, "recorder")
	signer, err := record.LoadOrCreateSigner(dir)
	if err != nil {
		return nil, nil, err
	}
	known, err := record.LoadKeys(filepath.Join(dir, "keys.json"))
	if err != nil {
		return nil, nil, err
	}
	if err := publish(filepath.Join(dir, "keys.json"), filepath.Join(cfg.Gateway.Recordings, "keys.json")); err != nil {
		return nil, nil, fmt.Errorf("publish the recordings' keys: %w", err)
	}
	var keys []api.Key
	for _, k := range known.Keys {
		keys = append(keys, api.Key{ID: k.ID, Public: k.Public, Created: k.Created})
	}
	return signer, keys, nil
}

func publish(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".keys-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), to)
}

// reachedAt is where clients find the gateway: in `serve` at the broker's own address.
func reachedAt(publicURL, ca string) api.Gateway {
	u, err := url.Parse(publicURL)
	if err != nil {
		return api.Gateway{} // the broker refuses such a URL
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return api.Gateway{Addresses: []string{net.JoinHostPort(u.Hostname(), port)}, ServerName: gatewayName, CA: ca}
}

// laterJudge ties the knot: the broker asks the gateway, which is made after it.
type laterJudge struct{ broker.Judge }

// recordings opens recordings below their folder, and nothing outside of it.
type recordings struct{ root *os.Root }

func (r recordings) Open(path string) (io.ReadSeekCloser, error) { return r.root.Open(path) }

func (s *server) probes(cfg *config.Config, grammar *pgsql.Pool) []probe {
	return []probe{
		failing("store", s.broker.Ready),
		failing("recorder", func(context.Context) error { return writable(cfg.Gateway.Recordings) }),
		failing("grammar", func(context.Context) error {
			if !grammar.Healthy() {
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

func httpServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// serveHTTP serves until ctx ends, and then lets calls that are under way finish.
func serveHTTP(ctx context.Context, srv *http.Server, l net.Listener) error {
	drained := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		err := srv.Shutdown(late)
		if err != nil {
			err = srv.Close()
		}
		drained <- err
	})
	err := srv.Serve(l)
	if stop() {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return <-drained
}
