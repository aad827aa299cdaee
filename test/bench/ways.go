package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/sshd"
	"github.com/hoop-gateway/hoop/pkg/freeport"
	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
)

// way is one way to the target.
type way struct {
	name     string
	port     int
	user     string
	password string
	config   string      // of ssh, for ways to a host
	secure   *tls.Config // for ways to a service that speak TLS; nil: plain
	parts    []part      // whose processor time is counted
	loads    string      // a regular expression: it is measured with these alone
}

// world is the target and all ways to it.
type world struct {
	options options
	dir     string
	server  *pgtest.Server
	direct  way
	ways    []way
	started []*exec.Cmd
	hosts   []way // to a host, over SSH
	sshd    *sshd.Server

	plainHop func(side, listen, dial string) *exec.Cmd
	env      []string // of hoop
}

const (
	role     = "bench"
	password = "bench-password"
	database = "postgres"
)

func build(ctx context.Context, o options, dir string) (*world, error) {
	w := &world{options: o, dir: dir}
	if err := w.start(ctx); err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func (w *world) start(ctx context.Context) error {
	var err error
	if w.server, err = pgtest.New("max_connections=" + strconv.Itoa(w.options.idle+150)); err != nil {
		return err
	}
	for _, sql := range []string{
		"ALTER SYSTEM SET log_statement = 'none'", "ALTER SYSTEM SET log_min_duration_statement = -1",
		"ALTER SYSTEM SET log_connections = off", "ALTER SYSTEM SET log_disconnections = off", "ALTER SYSTEM SET jit = off", "SELECT pg_reload_conf()",
		fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", role, password),
		fmt.Sprintf("CREATE TABLE bulk AS SELECT i AS id, md5(i::text) AS a, md5((i+1)::text) AS b, now() AS at FROM generate_series(1, %d) i", w.options.rows),
		"CREATE TABLE people(id int primary key, ssn text, email text); INSERT INTO people SELECT i, '000-00-0000', 'x@example.com' FROM generate_series(1, 1000) i",
	} {
		if err := w.server.Exec(sql); err != nil {
			return err
		}
	}
	fill := exec.CommandContext(ctx, "pgbench", "-i", "-q", "-s", "1", w.server.DSN())
	if out, err := fill.CombinedOutput(); err != nil {
		return fmt.Errorf("fill pgbench's tables: %w: %s", err, out)
	}
	for _, sql := range []string{"GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + role, "VACUUM ANALYZE"} {
		if err := w.server.Exec(sql); err != nil {
			return err
		}
	}
	target := part{"postgres", w.server.PID()}
	w.direct = way{name: "direct", port: w.server.Port, user: role, password: password, parts: []part{target}}
	w.ways = append(w.ways, w.direct)
	for _, add := range []func(context.Context, part) error{w.addBouncer, w.addTunnel, w.addHoop} {
		if err := add(ctx, target); err != nil {
			return err
		}
	}
	wanted, err := regexp.Compile(w.options.ways)
	if err != nil {
		return fmt.Errorf("-ways: %w", err)
	}
	w.ways = slices.DeleteFunc(w.ways, func(x way) bool { return !wanted.MatchString(x.name) })
	return nil
}

// run starts a program that ends with the bench.
func (w *world) run(cmd *exec.Cmd) (int, error) {
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	w.started = append(w.started, cmd)
	return cmd.Process.Pid, nil
}

func (w *world) stop() {
	for i := len(w.started) - 1; i >= 0; i-- {
		_ = w.started[i].Process.Signal(os.Interrupt)
		_ = w.started[i].Wait()
	}
	if w.sshd != nil {
		_ = w.sshd.Stop()
	}
	if w.server != nil {
		w.server.Close()
	}
}

// awaitPort waits until somebody listens.
func awaitPort(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nobody listens on port %d", port)
		case <-tick.C:
		}
	}
}

func (w *world) addBouncer(ctx context.Context, target part) error {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/pgbouncer"); err != nil {
			return errors.New("pgbouncer is not installed: apt-get install pgbouncer")
		}
	}
	port, err := freeport.Next()
	if err != nil {
		return err
	}
	conf := fmt.Sprintf("[databases]\n%s = host=127.0.0.1 port=%d dbname=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = %s\npool_mode = session\ndefault_pool_size = 40\nmax_client_conn = 500\nserver_idle_timeout = 1\nlog_connections = 0\nlog_disconnections = 0\n",
		database, w.server.Port, database, port, filepath.Join(w.dir, "users.txt"))
	for name, text := range map[string]string{"users.txt": fmt.Sprintf("%q %q\n", role, password), "pgbouncer.ini": conf} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	args := []string{"-q", filepath.Join(w.dir, "pgbouncer.ini")}
	if os.Getuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...)
	}
	pid, err := w.run(exec.CommandContext(ctx, program, args...))
	if err != nil {
		return err
	}
	w.ways = append(w.ways, way{name: "PgBouncer", port: port, user: role, password: password, parts: []part{target, {"pgbouncer", pid}}})
	return awaitPort(ctx, port)
}

// addTunnel adds the plain tunnel of two Go processes, and the same of a program that is widely used.
func (w *world) addTunnel(ctx context.Context, target part) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cert := filepath.Join(w.dir, "tunnel.pem")
	if err := writeCertificate(cert); err != nil {
		return err
	}
	w.plainHop = func(side, listen, dial string) *exec.Cmd {
		return exec.CommandContext(ctx, self, hopCommand, side, listen, dial, cert)
	}
	if err := w.addHops(ctx, target, "two-hop TLS", "hop", w.plainHop); err != nil {
		return err
	}
	ghostunnel := filepath.Join(w.options.tools, "ghostunnel")
	return w.addHops(ctx, target, "ghostunnel", "ghostunnel", func(side, listen, dial string) *exec.Cmd {
		mode := map[string][]string{"out": {"server", "--allow-all"}, "in": {"client", "--override-server-name", "localhost"}}[side]
		return exec.CommandContext(ctx, ghostunnel, append(mode, "--quiet", "all", "--listen", listen, "--target", dial,
			"--cert", cert, "--key", cert, "--cacert", cert)...)
	})
}

// addHops adds a way of two processes: out, beside the target, and in, beside the program.
func (w *world) addHops(ctx context.Context, target part, name, each string, hop func(side, listen, dial string) *exec.Cmd) error {
	parts, port, err := w.hops(ctx, target, w.server.Port, each, hop)
	w.ways = append(w.ways, way{name: name, port: port, user: role, password: password, parts: parts})
	return err
}

// hops starts the two processes in front of a port, and answers the port in front of them.
func (w *world) hops(ctx context.Context, target part, dial int, each string, hop func(side, listen, dial string) *exec.Cmd) ([]part, int, error) {
	parts := []part{target}
	for _, side := range []string{"out", "in"} {
		port, err := freeport.Next()
		if err != nil {
			return nil, 0, err
		}
		pid, err := w.run(hop(side, fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("127.0.0.1:%d", dial)))
		if err != nil {
			return nil, 0, err
		}
		if err := awaitPort(ctx, port); err != nil {
			return nil, 0, err
		}
		parts, dial = append(parts, part{each + " " + side, pid}), port
	}
	return parts, dial, nil
}
