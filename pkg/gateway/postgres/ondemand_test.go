package postgres_test

import (
	"log/slog"
	"os"
	"sync"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/postgres"
	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// Sessions that come before the first grammar worker wait for it.
func TestSessionsWaitForAGrammarThatStartsOnDemand(t *testing.T) {
	late, err := pgsql.NewPool(pgsql.PoolOptions{Workers: 1, Command: []string{os.Args[0]}, Env: []string{workerVariable + "=1"}, OnDemand: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(late.Close)
	p := postgres.New(late, slog.New(slog.DiscardHandler), 1)
	t.Cleanup(p.Close)
	s := listenBy(t, p, allowAll, target())
	if p.Ready() {
		t.Error("a worker is there before any session")
	}
	var all sync.WaitGroup
	for range 3 {
		c := s.client(t)
		all.Go(func() {
			got, err := c.Exec(t.Context(), "SELECT count(*) FROM users").ReadAll()
			if err != nil || len(got[0].Rows) != 1 {
				t.Errorf("behind the start of the grammar: %v, %v", got, err)
			}
		})
	}
	all.Wait()
	if !p.Ready() {
		t.Error("sessions were served, and no worker is ready")
	}
}
