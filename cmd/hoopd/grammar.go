package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hoop-gateway/hoop/cmd/hoopd/config"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

const grammarWorker = "grammar-worker"

// grammarCommand is what the gateway runs apart from itself: PostgreSQL's own grammar.
func grammarCommand() *cobra.Command {
	return &cobra.Command{
		Use: grammarWorker, Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return pgsql.WorkerMain(os.Stdin, os.Stdout) },
	}
}

// startGrammar starts the workers: this same program, even where its file was replaced since. Zero workers means as many
// as the machine has cores. On demand they start with the first text of SQL.
func startGrammar(workers int, onDemand bool) (*pgsql.Pool, error) {
	self := "/proc/self/exe"
	if runtime.GOOS != "linux" {
		var err error
		if self, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
	}
	pool, err := pgsql.NewPool(pgsql.PoolOptions{Workers: workers, Command: []string{self, grammarWorker}, OnDemand: onDemand})
	if err != nil {
		return nil, fmt.Errorf("start the grammar workers: %w", err)
	}
	return pool, nil
}

// speaksSQL says whether any connection's commands are SQL. Where none are, only a test in a policy may ever be.
func speaksSQL(connections []config.Connection) bool {
	return slices.ContainsFunc(connections, func(c config.Connection) bool { return c.Kind == postgres.Kind })
}

// understands says whether the commands of all connections can be understood now.
func (s *server) understands() bool { return !speaksSQL(s.cfg.Connections) || s.grammar.Healthy() }
