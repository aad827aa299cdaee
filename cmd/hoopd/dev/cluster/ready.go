package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func (c *Cluster) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgconn.Connect(ctx, c.dsn("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.done:
			return fmt.Errorf("the private PostgreSQL ended while it started; its log %s says why", c.Log())
		case <-ctx.Done():
			return fmt.Errorf("the private PostgreSQL is not ready (its log is %s): %w", c.Log(), err)
		case <-tick.C:
		}
	}
}

// stopStale stops a server of this folder that a killed hoopd left. Another program that has its port or its process
// number by now is left alone: only a server that says that its data are ours is told to stop.
func (c *Cluster) stopStale(ctx context.Context) error {
	pid, port, err := c.postmaster()
	if err != nil || pid == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	stopping := &Cluster{cfg: c.cfg}
	stopping.cfg.Port = port
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for told := false; ; {
		ours, alive, err := c.asks(ctx, stopping.dsn("postgres"))
		if err != nil {
			return err
		}
		if !alive || !ours {
			return nil // where something else has the folder after all, the new server says so and does not start
		}
		if !told {
			c.cfg.Log.Info("stopping the PostgreSQL that a killed hoopd left", "pid", pid)
			if err := syscall.Kill(pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("stop the PostgreSQL that a killed hoopd left (process %d): %w", pid, err)
			}
			told = true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the PostgreSQL that a killed hoopd left (process %d) does not stop: %w", pid, ctx.Err())
		}
	}
}

// postmaster reads who runs the cluster now or ran it last: zero for nobody.
func (c *Cluster) postmaster() (pid, port int, err error) {
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("look for a running server: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 {
		return 0, 0, nil // cut short: the server itself removes it
	}
	pid, errPID := strconv.Atoi(strings.TrimSpace(lines[0]))
	port, errPort := strconv.Atoi(strings.TrimSpace(lines[3]))
	if errPID != nil || errPort != nil || pid <= 1 {
		return 0, 0, nil
	}
	return pid, port, nil
}

// asks says whether a server answers at all, and whether its data are ours. One that is starting or shutting down and
// knows our folder's lock counts as ours.
func (c *Cluster) asks(ctx context.Context, dsn string) (ours, alive bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, dsn)
	var said *pgconn.PgError
	var network *net.OpError
	switch {
	case errors.As(err, &said) && said.Code == "57P03": // cannot_connect_now
		return true, true, nil
	case errors.As(err, &said):
		return false, true, nil
	case errors.As(err, &network) || err != nil:
		return false, false, nil
	}
	results, err := conn.Exec(ctx, "SHOW data_directory").ReadAll()
	err = errors.Join(err, conn.Close(ctx))
	if err != nil || len(results) != 1 || len(results[0].Rows) != 1 {
		return false, true, err
	}
	theirs, err := os.Stat(string(results[0].Rows[0][0]))
	if err != nil {
		return false, true, nil
	}
	mine, err := os.Stat(c.data())
	if err != nil {
		return false, true, fmt.Errorf("look for a running server: %w", err)
	}
	return os.SameFile(mine, theirs), true, nil
}
