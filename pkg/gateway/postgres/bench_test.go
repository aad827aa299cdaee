package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// BenchmarkRoundTrip is one short statement through the session engine, without tunnel and local proxy, beside the same
// statement sent to the server directly.
func BenchmarkRoundTrip(b *testing.B) {
	s := listen(b, testPolicy)
	direct := fmt.Sprintf("%s&application_name=direct", server.DSNFor("agent", agentPassword, server.Database))
	for _, way := range []struct{ name, dsn string }{{"direct", direct}, {"hoop", s.dsn()}} {
		c, err := pgconn.Connect(context.Background(), way.dsn)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = c.Close(context.Background()) }()
		if _, err := c.Prepare(context.Background(), "p", "SELECT total FROM orders WHERE id = $1", nil); err != nil {
			b.Fatal(err)
		}
		b.Run(way.name+"/prepared", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r := c.ExecPrepared(context.Background(), "p", [][]byte{[]byte("10")}, nil, nil).Read(); r.Err != nil {
					b.Fatal(r.Err)
				}
			}
		})
		b.Run(way.name+"/extended", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r := c.ExecParams(context.Background(), "SELECT total FROM orders WHERE id = $1", [][]byte{[]byte("10")}, nil, nil, nil).Read(); r.Err != nil {
					b.Fatal(r.Err)
				}
			}
		})
		b.Run(way.name+"/simple", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := c.Exec(context.Background(), fmt.Sprintf("SELECT total FROM orders WHERE id = %d", i)).ReadAll(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
