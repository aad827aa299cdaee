package postgres_test

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/postgres"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// What the tests of this package share: a grammar, whose workers are slow to start, and a server.
var (
	grammar *pgsql.Pool
	server  *pgtest.Server
)

const (
	workerVariable = "HOOP_TEST_GRAMMAR_WORKER"
	agentPassword  = "agent-password-canary"
)

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
	if server, err = pgtest.New(); err != nil {
		fmt.Fprintln(os.Stderr, "start PostgreSQL:", err)
		return 1
	}
	defer server.Close()
	schema, err := os.ReadFile("../../pgsql/testdata/evasion-schema.sql")
	if err == nil {
		err = server.Exec(string(schema) + "; ALTER ROLE agent PASSWORD '" + agentPassword + "'")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fill the database:", err)
		return 1
	}
	return m.Run()
}

func target() gateway.Target {
	return gateway.Target{
		Connection: policy.Connection{Name: "db-test", Kind: "postgres", Labels: map[string]string{"env": "test"}},
		Address:    net.JoinHostPort(server.Host, strconv.Itoa(server.Port)), Database: server.Database,
		Credential: credential.Login{User: "agent", Password: credential.NewSecret(agentPassword)},
	}
}

// protocol serves sessions in a loop.
func protocol(t testing.TB) *postgres.Protocol { return protocolWith(t, 1) }

// protocolWith serves sessions in as many loops, or without any.
func protocolWith(t testing.TB, loops int) *postgres.Protocol {
	t.Helper()
	p := postgres.New(grammar, slog.New(slog.DiscardHandler), loops)
	t.Cleanup(p.Close)
	return p
}
