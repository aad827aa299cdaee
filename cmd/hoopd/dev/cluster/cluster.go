// Package cluster runs one private PostgreSQL for `hoopd dev`: on loopback, in a folder of its own, never as root.
package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/owned"
	"github.com/hoop-gateway/hoop/pkg/pgsql/pgfind"
)

// Names that the cluster has inside.
const (
	Superuser = "postgres"
	Role      = "hoop" // the gateway's: no superuser
	Database  = "app"
)

const (
	startTime = 60 * time.Second
	stopTime  = 20 * time.Second
	// socketPath is how long the path of a Unix socket may be: 104 bytes on macOS, 108 on Linux.
	socketPath = 100
)

// Config says where a cluster lives. Dir is made where it is missing.
type Config struct {
	Dir           string // of the state; the cluster is in its folder postgres
	Port          int
	AdminPassword string // of Superuser
	RolePassword  string // of Role
	Log           *slog.Logger
}

// Cluster is a running server.
type Cluster struct {
	cfg   Config
	bin   string
	dir   string // holds data, log and the socket
	owner *syscall.Credential
	cmd   *exec.Cmd
	done  chan struct{}
}

// Start runs the cluster, making and filling it where it is new. One that a killed hoopd left is stopped first.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	bin, err := pgfind.Programs()
	if err != nil {
		return nil, fmt.Errorf("%w, or give a database with --postgres", err)
	}
	owner, err := pgfind.Owner()
	if err != nil {
		return nil, fmt.Errorf("%w: run hoopd dev as another user", err)
	}
	c := &Cluster{cfg: cfg, bin: bin, owner: owner, done: make(chan struct{})}
	if c.dir, err = owned.Place(cfg.Dir, "postgres", owner); err != nil {
		return nil, err
	}
	fresh, err := c.create(ctx)
	if err != nil {
		return nil, err
	}
	if !fresh {
		if err := c.stopStale(ctx); err != nil {
			return nil, err
		}
	}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	if err := c.fill(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// Log is the file in which every statement stands that reached the server.
func (c *Cluster) Log() string { return filepath.Join(c.dir, "log") }

// Done is closed once the server has ended.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Address is where the server listens.
func (c *Cluster) Address() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.cfg.Port))
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// dsn is the superuser's.
func (c *Cluster) dsn(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(Superuser, c.cfg.AdminPassword), Host: c.Address(), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// create runs initdb once. It works in a folder beside, so that one that was cut short is not taken for a cluster.
func (c *Cluster) create(ctx context.Context) (fresh bool, err error) {
	if _, err := os.Stat(filepath.Join(c.data(), "PG_VERSION")); err == nil {
		return false, nil
	}
	temp := filepath.Join(c.dir, "new-"+rand.Text()[:8])
	password := filepath.Join(c.dir, "password")
	if err := c.hand(password, []byte(c.cfg.AdminPassword)); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.Remove(password)) }()
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, "initdb"), "-D", temp, "-U", Superuser, "-E", "UTF8", "--locale=C",
		"--auth-local=scram-sha-256", "--auth-host=scram-sha-256", "--pwfile="+password, "--no-instructions")
	cmd.SysProcAttr, cmd.Dir = owned.Attributes(c.owner, syscall.SIGINT), c.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return false, errors.Join(fmt.Errorf("make the private PostgreSQL: %w: %s", err, tail(out)), os.RemoveAll(temp))
	}
	if err := os.Rename(temp, c.data()); err != nil {
		return false, fmt.Errorf("make the private PostgreSQL: %w", err)
	}
	return true, nil
}

// hand writes a private file for the server's user.
func (c *Cluster) hand(path string, data []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return owned.Give(c.owner, path)
}

// run starts the server and waits until it answers.
func (c *Cluster) run(ctx context.Context) error {
	log, err := os.OpenFile(c.Log(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the server's log: %w", err)
	}
	defer func() { _ = log.Close() }() // the server has its own copy
	c.cmd = exec.Command(filepath.Join(c.bin, "postgres"), c.arguments()...)
	c.cmd.Stdout, c.cmd.Stderr, c.cmd.Dir = log, log, c.dir
	c.cmd.SysProcAttr = owned.Attributes(c.owner, syscall.SIGINT)
	if err := c.cmd.Start(); err != nil {
		return fmt.Errorf("start the private PostgreSQL: %w", err)
	}
	go func() { // ends with the server, which Stop waits for
		defer close(c.done)
		_ = c.cmd.Wait() // how it ended stands in its log
	}()
	if err := c.awaitReady(ctx); err != nil {
		return errors.Join(err, c.Stop())
	}
	return nil
}

func (c *Cluster) arguments() []string {
	socket := c.dir
	if len(filepath.Join(socket, ".s.PGSQL.65535.lock")) > socketPath {
		socket = "" // TCP alone
	}
	args := []string{"-D", c.data()}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(c.cfg.Port), "unix_socket_directories=" + socket,
		"max_connections=200", "log_statement=all", "log_min_duration_statement=0",
		"log_line_prefix=%m [%p] %u@%d ", "logging_collector=off", "timezone=UTC", "log_timezone=UTC",
	} {
		args = append(args, "-c", setting)
	}
	return args
}

// Stop ends the server: open sessions are cut, what was committed stays. It returns once the server is gone.
func (c *Cluster) Stop() error {
	select {
	case <-c.done:
		return nil
	default:
	}
	for _, try := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGINT, stopTime}, {syscall.SIGQUIT, 5 * time.Second}, {syscall.SIGKILL, 5 * time.Second}} {
		_ = c.cmd.Process.Signal(try.signal) // an error means that it is gone
		select {
		case <-c.done:
			return nil
		case <-time.After(try.wait):
			c.cfg.Log.Warn("private PostgreSQL does not stop", "signal", try.signal.String(), "pid", c.cmd.Process.Pid)
		}
	}
	return fmt.Errorf("the private PostgreSQL (process %d) does not stop", c.cmd.Process.Pid)
}

func tail(out []byte) string {
	if len(out) > 2000 {
		out = out[len(out)-2000:]
	}
	return string(out)
}
