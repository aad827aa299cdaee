package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
	"github.com/hoop-gateway/hoop/cmd/hoopd/dev"
	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/cluster"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

func devCommand(s streams) *cobra.Command {
	var dir, dsn string
	var logs logFlags
	c := &cobra.Command{
		Use: "dev [--state DIR] [--postgres DSN]", Args: cobra.NoArgs,
		Short: "Run everything on this machine: a sample provider, broker, gateway and a PostgreSQL",
		RunE: func(c *cobra.Command, _ []string) error {
			log, err := logs.open(s.err)
			if err != nil {
				return err
			}
			if dir, err = stateDir(dir); err != nil {
				return err
			}
			err = develop(c.Context(), dir, dsn, log, s.err)
			if c.Context().Err() != nil && errors.Is(err, context.Canceled) {
				return nil // it was told to stop while it started
			}
			return err
		},
	}
	c.PersistentFlags().StringVar(&dir, "state", "", "the folder for keys, ports, configuration and the private PostgreSQL")
	c.Flags().StringVar(&dsn, "postgres", "", "use this database as it is, and write nothing to it")
	logs.add(c.Flags())
	c.AddCommand(tokenCommand(s, &dir))
	return c
}

func stateDir(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	return dev.DefaultDir()
}

func tokenCommand(s streams, dir *string) *cobra.Command {
	var life time.Duration
	c := &cobra.Command{
		Use: "token USER [--ttl 1h] --state DIR", Short: "Print an ID token of a sample account, for scripts", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			from, err := stateDir(*dir)
			if err != nil {
				return err
			}
			token, err := dev.Token(from, args[0], life)
			if err != nil {
				return usageError{err}
			}
			_, err = fmt.Fprintln(s.out, token)
			return err
		},
	}
	c.Flags().DurationVar(&life, "ttl", time.Hour, "how long the token is good")
	return c
}

// develop runs `hoopd dev` until ctx ends. What can be refused at once is looked at before the slow parts start.
func develop(ctx context.Context, dir, dsn string, log *slog.Logger, people io.Writer) (err error) {
	quietLibrary(ctx, log)
	state, err := dev.Open(dir, dsn != "")
	if err != nil {
		return usageError{err}
	}
	defer func() { err = errors.Join(err, state.Close()) }()
	cfg, host, err := devConfig(state, dsn)
	if err != nil {
		return usageError{err}
	}
	provider, err := dev.NewProvider(state.Dir, state.Issuer())
	if err != nil {
		return err
	}
	keys, err := openKeys(cfg, log)
	if err != nil {
		return err
	}
	signIn, err := listenAt(state.Issuer())
	if err != nil {
		return err
	}
	defer func() { _ = signIn.Close() }() // closed already where it was served
	database, grammar, err := startSlowParts(ctx, cfg, state, log)
	if grammar != nil {
		defer grammar.Close()
	}
	if database != nil {
		defer func() { err = errors.Join(err, database.Stop()) }()
	}
	if err != nil {
		return err
	}
	if err := host.start(ctx, state); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, host.stop()) }()
	srv, err := newServer(ctx, cfg, keys, grammar, log)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serveHTTP(ctx, httpServer(provider, log), signIn) })
	group.Go(func() error { return srv.run(ctx) })
	group.Go(func() error { return watchDatabase(ctx, database) })
	group.Go(func() error { return host.watch(ctx) })
	group.Go(func() error {
		return announce(ctx, state, provider, srv, welcome(state, cfg, database, host), log, people)
	})
	return group.Wait()
}

// quietLibrary keeps the provider's library, which knows only the default log, from telling of every poll.
func quietLibrary(ctx context.Context, log *slog.Logger) {
	if !log.Enabled(ctx, slog.LevelDebug) {
		log = slog.New(slog.DiscardHandler)
	}
	slog.SetDefault(log)
}

// devConfig writes the samples where they are missing, and reads what stands there.
func devConfig(state *dev.State, dsn string) (*config.Config, *devHost, error) {
	target, err := state.Target(dsn)
	if err != nil {
		return nil, nil, err
	}
	host := &devHost{}
	host.Host, host.why = state.Host()
	if host.why != nil {
		host.Host = nil
	}
	if err := state.WriteSamples(target, host.Host); err != nil {
		return nil, nil, err
	}
	cfg, err := config.Load(state.Config())
	if err != nil {
		return nil, nil, err
	}
	host.named(cfg)
	return cfg, host, state.Check(cfg, target, host.Host)
}

// startSlowParts starts the private database, where there is to be one, and the grammar side by side.
func startSlowParts(ctx context.Context, cfg *config.Config, state *dev.State, log *slog.Logger) (database *cluster.Cluster, grammar *pgsql.Pool, err error) {
	var group errgroup.Group
	group.Go(func() (err error) { grammar, err = startGrammar(0, !speaksSQL(cfg.Connections)); return err })
	if !state.Given {
		group.Go(func() (err error) { database, err = state.StartCluster(ctx, log); return err })
	}
	err = group.Wait()
	return database, grammar, err
}

func listenAt(issuer string) (net.Listener, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, fmt.Errorf("read the issuer: %w", err)
	}
	l, err := net.Listen("tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("listen for sign-ins: %w", err)
	}
	return l, nil
}

// watchDatabase ends everything when the private database ends by itself.
func watchDatabase(ctx context.Context, c *cluster.Cluster) error {
	if c == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-c.Done():
		return fmt.Errorf("the private PostgreSQL ended; its log %s says why", c.Log())
	}
}

// announce says that all is ready once a sign-in and a query worked, and takes that back at the end.
func announce(ctx context.Context, state *dev.State, p *dev.Provider, srv *server, welcome string, log *slog.Logger, people io.Writer) error {
	err := p.SelfCheck(ctx, srv.cfg.Broker.PublicURL, srv.keys.caFile)
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, dev.ErrRefused):
		log.Warn("self check refused by the policy, so only the way there is known to work", "error", err)
	case err != nil:
		return fmt.Errorf("self check: %w", err)
	}
	if err := state.WriteEnv(srv.cfg.Broker.PublicURL, srv.keys.caFile); err != nil {
		return err
	}
	_, _ = io.WriteString(people, welcome) // a closed terminal is no reason to stop
	<-ctx.Done()
	return state.RemoveEnv()
}

func welcome(state *dev.State, cfg *config.Config, database *cluster.Cluster, host *devHost) string {
	hoopd := "hoopd"
	if len(os.Args) > 0 {
		hoopd = os.Args[0]
	}
	text := fmt.Sprintf(`
hoopd dev is ready.
  broker and gateway   %s
  sign-in page         %s  (development only: no passwords)
  accounts             dev, dba, privacy, security; and agent, by: %s dev token agent --state %s
  configuration        %s
  policy               %s  (a change is in force within a second)
`, cfg.Broker.PublicURL, state.Issuer(), hoopd, state.Dir, state.Config(), state.Policy())
	if database != nil {
		text += fmt.Sprintf("  what reached db-prod %s\n", database.Log())
	}
	text += host.line()
	if cfg.Gateway.Metrics != "" {
		text += fmt.Sprintf("  metrics, readiness   http://%s/metrics /readyz\n", cfg.Gateway.Metrics)
	}
	return text + fmt.Sprintf(`
Next, in another terminal:
  . %s
  hoop login
  hoop ls
  hoop connect db-prod -- psql -c 'SELECT id, name, email FROM users LIMIT 3'
%sCtrl-C stops it all.
`, state.Env(), host.example())
}
