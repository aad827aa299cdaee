// Package pgtest runs private PostgreSQL servers for tests: a cluster in a temporary folder, on loopback and a Unix socket,
// whose log holds every statement that reached it. That log is the oracle of the tests: what a gateway refused must not stand in it.
package pgtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/freeport"
	"github.com/hoop-gateway/hoop/pkg/pgsql/pgfind"
	"github.com/jackc/pgx/v5/pgconn"
)

// startTimeout bounds the wait for a server that was just started, on a machine that is busy with other tests.
const startTimeout = 90 * time.Second

// Server is a running private cluster. Its superuser is "postgres"; TCP connections need the password, the socket does not.
type Server struct {
	Host     string // 127.0.0.1
	Port     int
	Socket   string // folder of the Unix socket
	User     string
	Password string
	Database string

	dir  string
	cmd  *exec.Cmd
	done chan struct{} // closed once the server has exited
}

// Start runs a server for the length of a test. It fails the test where no PostgreSQL is installed.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatalf("start a private postgres: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// New runs a server until Close, for a TestMain that shares one. Further settings stand above the usual ones.
func New(settings ...string) (*Server, error) {
	bin, err := pgfind.Programs()
	if err != nil {
		return nil, err
	}
	owner, err := pgfind.Owner()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hoop-pg-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the cluster: %w", err)
	}
	s := &Server{Host: "127.0.0.1", Socket: dir, User: "postgres", Password: rand.Text(), Database: "postgres", dir: dir, done: make(chan struct{})}
	if err := s.boot(bin, owner, settings); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) boot(bin string, owner *syscall.Credential, settings []string) error {
	if owner != nil {
		if err := os.Chown(s.dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("hand the folder to the server's user: %w", err)
		}
	}
	passwords := filepath.Join(s.dir, "password")
	if err := os.WriteFile(passwords, []byte(s.Password), 0o644); err != nil {
		return fmt.Errorf("write the password file: %w", err)
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(s.dir, "data"), "-U", s.User, "-E", "UTF8",
		"--locale=C", "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile="+passwords)
	initdb.SysProcAttr = attributes(owner)
	initdb.Dir = s.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	port, err := freeport.Next()
	if err != nil {
		return err
	}
	s.Port = port
	return s.run(bin, owner, settings)
}

func (s *Server) run(bin string, owner *syscall.Credential, further []string) error {
	log, err := os.Create(s.logPath())
	if err != nil {
		return fmt.Errorf("create the server's log: %w", err)
	}
	defer log.Close()
	args := []string{"-D", filepath.Join(s.dir, "data")}
	for _, setting := range append([]string{ // commits are synchronous: VACUUM leaves out rows whose commit isn't in the log yet, and plans follow from what it saw
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(s.Port), "unix_socket_directories=" + s.dir,
		"fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=150", "autovacuum=off",
		"max_prepared_transactions=4", "log_statement=all", "log_min_duration_statement=0", "log_line_prefix=%m [%p] ", "timezone=UTC",
	}, further...) {
		args = append(args, "-c", setting)
	}
	s.cmd = exec.Command(filepath.Join(bin, "postgres"), args...)
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.Dir = log, log, s.dir
	s.cmd.SysProcAttr = attributes(owner)
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	go func() {
		defer close(s.done)
		_ = s.cmd.Wait() // how it ended is read from its log
	}()
	return s.awaitReady()
}

func (s *Server) awaitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgconn.Connect(ctx, s.DSN())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.done:
			return fmt.Errorf("postgres ended while it started: %s", s.Log())
		case <-ctx.Done():
			return fmt.Errorf("postgres is not ready: %w", err)
		case <-tick.C:
		}
	}
}

// Close stops the server at once and removes the cluster.
func (s *Server) Close() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // immediate shutdown; an error means that it is gone
		select {
		case <-s.done:
		case <-time.After(10 * time.Second):
			_ = s.cmd.Process.Kill()
			<-s.done
		}
	}
	_ = os.RemoveAll(s.dir)
}

// DSN is the superuser's connection string over TCP, to the default database.
func (s *Server) DSN() string { return s.DSNFor(s.User, s.Password, s.Database) }

// DSNFor is the connection string over TCP of a role.
func (s *Server) DSNFor(user, password, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// SocketDSN is the connection string of a role over the Unix socket, where no password is asked for.
func (s *Server) SocketDSN(user, database string) string {
	return fmt.Sprintf("host=%s port=%d user=%s database=%s sslmode=disable", s.Socket, s.Port, user, database)
}

// Exec runs statements as the superuser in the default database.
func (s *Server) Exec(sql string) error { return s.ExecIn(s.Database, sql) }

// ExecIn runs statements as the superuser in the named database.
func (s *Server) ExecIn(database, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgconn.Connect(ctx, s.DSNFor(s.User, s.Password, database))
	if err != nil {
		return fmt.Errorf("connect to the private postgres: %w", err)
	}
	_, err = conn.Exec(ctx, sql).ReadAll()
	return errors.Join(err, conn.Close(ctx))
}

// Log is all that the server has logged so far: with log_statement=all, each statement that reached it.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.logPath())
	if err != nil {
		return ""
	}
	return string(text)
}

func (s *Server) logPath() string { return filepath.Join(s.dir, "server.log") }

// PID is the server's first process; all others are its children.
func (s *Server) PID() int { return s.cmd.Process.Pid }
