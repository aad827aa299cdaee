package postgres

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgproto3/v2"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
)

// slow is a connection of which one write takes until the answer was read and somebody reads on, as where the machine is
// busy: pgconn then reads in the background.
type slow struct {
	net.Conn
	busy    atomic.Bool // for the next write
	mu      sync.Mutex
	changed *sync.Cond
	reading int // reads that are under way
	read    int // reads that ended
}

func (c *slow) Read(b []byte) (int, error) {
	c.count(1, 0)
	n, err := c.Conn.Read(b)
	c.count(-1, 1)
	return n, err
}

func (c *slow) count(reading, read int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading += reading
	c.read += read
	c.changed.Broadcast()
}

func (c *slow) Write(b []byte) (int, error) {
	c.mu.Lock()
	before, busy := c.read, c.busy.Swap(false)
	c.mu.Unlock()
	n, err := c.Conn.Write(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	for busy && (c.reading == 0 || c.read == before) {
		c.changed.Wait()
	}
	return n, err
}

func TestNobodyElseReadsTheSocketThatWasTakenOver(t *testing.T) {
	config, err := pgconn.ParseConfig(pgtest.Start(t).DSN())
	if err != nil {
		t.Fatal(err)
	}
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		c := &slow{Conn: conn}
		c.changed = sync.NewCond(&c.mu)
		return c, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := connect(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	socket := conn.Conn().(*slow)
	socket.busy.Store(true)
	u, err := takeOver(ctx, conn, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer u.conn.Close()
	if err := u.conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := u.conn.Write(encoded(&pgproto3.Query{String: "SELECT 1"})); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1)
	if _, err := u.conn.Read(first); err != nil || first[0] != 'T' {
		t.Fatalf("the answer was taken by somebody else: %q, %v", first, err)
	}
}
