package pgsql_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
)

// grammar is the one pool that the tests of this package share: a worker takes two seconds of processor time to start.
var grammar *pgsql.Pool

// server is the one PostgreSQL that they share, with the evasion schema in its database.
var server *pgtest.Server

const workerVariable = "HOOP_TEST_GRAMMAR_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		if err := pgsql.WorkerMain(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	grammar, err = pgsql.NewPool(pgsql.PoolOptions{Workers: 1, Command: []string{os.Args[0]}, Env: []string{workerVariable + "=1"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, "start the grammar:", err)
		return 1
	}
	defer grammar.Close()
	if server, err = startServer(); err != nil {
		fmt.Fprintln(os.Stderr, "start postgres:", err)
		return 1
	}
	defer server.Close()
	return m.Run()
}
