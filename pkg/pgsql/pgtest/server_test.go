package pgtest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestTheLogHoldsEveryStatementThatReachedTheServer(t *testing.T) {
	s := pgtest.Start(t)
	if err := s.Exec("SELECT 'marker one'"); err != nil {
		t.Fatal(err)
	}
	if log := s.Log(); !strings.Contains(log, "marker one") || strings.Contains(log, "marker two") {
		t.Fatalf("log: %s", log)
	}
}

// Tests that compare plans count on it: a page that VACUUM could not mark costs an index-only scan a read more.
func TestVacuumSeesWhatWasCommittedJustBefore(t *testing.T) {
	s := pgtest.Start(t)
	for _, statement := range []string{
		"CREATE TABLE rows AS SELECT g FROM generate_series(1, 900) g", "VACUUM (FREEZE, ANALYZE) rows",
		"DO $$ BEGIN ASSERT (SELECT relallvisible = relpages AND relpages > 0 FROM pg_class WHERE relname = 'rows'), 'pages are not marked'; END $$",
	} {
		if err := s.Exec(statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func TestTCPAsksForThePassword(t *testing.T) {
	s := pgtest.Start(t)
	if _, err := pgconn.Connect(context.Background(), s.DSNFor("postgres", "wrong", "postgres")); err == nil {
		t.Fatal("a wrong password was accepted")
	}
	conn, err := pgconn.Connect(context.Background(), s.SocketDSN("postgres", "postgres"))
	if err != nil {
		t.Fatalf("over the socket: %v", err)
	}
	if err := conn.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}
