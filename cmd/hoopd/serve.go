package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/hoop-gateway/hoop/broker"
	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres"
	"github.com/hoop-gateway/hoop/pkg/grant"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// gatewayName is the name in the gateway's certificate, whatever its address is.
const gatewayName = "gateway.hoop.internal"

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
	keys, err := openKeys(cfg, log)
	if err != nil {
		return err
	}
	grammar, err := startGrammar(0, !speaksSQL(cfg.Connections))
	if err != nil {
		return err
	}
	defer grammar.Close()
	srv, err := newServer(ctx, cfg, keys, grammar, log)
	if err != nil {
		return err
	}
	return srv.run(ctx)
}

// server is broker and gateway in one process, put together by newServer.
type server struct {
	cfg      *config.Config
	keys     keys
	grammar  *pgsql.Pool
	log      *slog.Logger
	registry *prometheus.Registry

	store     *store.SQLite
	files     *os.Root // the recordings
	protocol  *postgres.Protocol
	protocols map[string]gateway.Protocol
	policy    *policyFile
	broker    *broker.Broker
	judge     laterJudge
	verify    func([]*x509.Certificate, time.Time) (string, [32]byte, error)
	gateway   *gateway.Gateway

	listeners []net.Listener
	split     *tunnel.Split
	api       *http.Server
	metrics   net.Listener // nil: none
	health    *http.Server
}

// newServer opens the parts in this order, from the stores up to the listeners. Nothing is served before run.
func newServer(ctx context.Context, cfg *config.Config, k keys, grammar *pgsql.Pool, log *slog.Logger) (*server, error) {
	s := &server{cfg: cfg, keys: k, grammar: grammar, log: log, registry: newRegistry()}
	for _, w := range cfg.Warnings {
		log.Warn("configuration is less safe than it could be", "what", w.Message, "hint", w.Hint)
	}
	for _, open := range []func(context.Context) error{
		s.openStores, s.openPolicy, s.openBroker, s.openGateway, s.listen,
	} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *server) openStores(ctx context.Context) (err error) {
	if s.store, err = store.OpenSQLite(ctx, s.cfg.Broker.Store); err != nil {
		return err
	}
	if s.files, err = os.OpenRoot(s.cfg.Gateway.Recordings); err != nil {
		return fmt.Errorf("open the recordings: %w", err)
	}
	return nil
}

// openPolicy loads the policy, whose tests are judged by the protocols: a policy that fails them serves nobody.
func (s *server) openPolicy(ctx context.Context) error {
	s.protocol = postgres.New(s.grammar, s.log, max(1, runtime.GOMAXPROCS(0)/2))
	s.protocols = protocols(s.protocol, s.keys.asserts, s.log)
	s.policy = &policyFile{path: s.cfg.Policy, log: s.log, test: func(ctx context.Context, p *policy.Policy) []policy.TestFailure {
		return gateway.FailedTests(ctx, p, s.protocols, forPolicy(s.cfg.Connections))
	}}
	if err := s.policy.load(ctx); err != nil {
		return usageError{err}
	}
	return nil
}

// openBroker makes the half that knows who may. It gets no target credential.
func (s *server) openBroker(ctx context.Context) error {
	idps, err := providers(ctx, s.cfg.Broker.Identity)
	if err != nil {
		return err
	}
	s.broker, err = broker.New(broker.Config{
		Version: version, PublicURL: s.cfg.Broker.PublicURL, StateDir: s.cfg.State, Store: s.store, Providers: idps,
		Connections: forBroker(s.cfg.Connections), Policy: func() broker.Policy { return s.policy.inForce.Load() },
		Authority: s.keys.grants, Gateway: reachedAt(s.cfg.Broker.PublicURL, s.keys.gateway.PEM()), Judge: &s.judge,
		Recordings: recordings{s.files}, Keys: func() []api.Key { return s.keys.public }, Asserts: s.keys.asserts.Public(), Logger: s.log,
	})
	if err != nil {
		return err
	}
	s.policy.changed = s.broker.PolicyChanged
	s.registry.MustRegister(newCounts(s.broker.Stats), healthyGauge(s.understands))
	return nil
}

// openGateway makes the half that holds credentials and enforces. It can verify grants, and mint none.
func (s *server) openGateway(context.Context) error {
	targets, err := forGateway(s.cfg.Connections)
	if err != nil {
		return err
	}
	verifier := grant.NewVerifier(s.keys.grants.Certificate())
	s.verify = func(peer []*x509.Certificate, now time.Time) (string, [32]byte, error) {
		h, err := verifier.Verify(peer, now)
		return h.GrantID, h.KeyHash, err
	}
	s.gateway, err = gateway.New(gateway.Config{
		Authority: s.broker, Approvals: s.broker, Verify: s.verify, Policy: s.policy.inForce.Load,
		Connections: targets, Protocols: s.protocols,
		Recordings: s.cfg.Gateway.Recordings, Signer: s.keys.signer, ResultCap: s.cfg.Gateway.ResultCap,
		Version: version, Metrics: gateway.NewMetrics(s.registry), Log: s.log, Now: time.Now,
	})
	s.judge.Judge = s.gateway
	return err
}

// listen binds one listener for clients, told apart by ALPN, and one for those who watch.
func (s *server) listen(ctx context.Context) error {
	var sockets net.ListenConfig
	clients, err := sockets.Listen(ctx, "tcp", s.cfg.Broker.Listen)
	if err != nil {
		return fmt.Errorf("listen for clients: %w", err)
	}
	s.listeners = append(s.listeners, clients)
	s.split, err = tunnel.NewSplit(clients, tunnel.Config{
		HTTPS: s.keys.https, Gateway: s.keys.gateway.Server(gatewayName), ServerName: gatewayName, Log: s.log,
		Verify: func(peer []*x509.Certificate) error { _, _, err := s.verify(peer, time.Now()); return err },
	})
	if err != nil {
		return err
	}
	s.api = httpServer(s.broker.Handler(), s.log)
	if s.cfg.Gateway.Metrics == "" {
		return nil
	}
	if s.metrics, err = sockets.Listen(ctx, "tcp", s.cfg.Gateway.Metrics); err != nil {
		return fmt.Errorf("listen for metrics: %w", err)
	}
	s.listeners = append(s.listeners, s.metrics)
	s.health = httpServer(health(s.registry, s.probes(), warnings(s.cfg)), s.log)
	return nil
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
	group.Go(func() error { return collect(ctx) })
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
	for _, l := range s.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
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
