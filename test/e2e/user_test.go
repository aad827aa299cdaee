package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const commandTime = 60 * time.Second

// clientBytes is all that people without the right to see masked values were sent or shown, in all tests.
var clientBytes = &text{}

// user is somebody with a folder and an environment of their own, signed in by a token for scripts.
type user struct {
	world *world
	name  string
	token string
	env   []string
}

var tokens sync.Map // of user and world: one token each, so that tests need not ask again

func (w *world) user(t *testing.T, name string) *user {
	t.Helper()
	u := w.stranger(t)
	u.name = name
	key := w.dir + "|" + name
	token, ok := tokens.Load(key)
	if !ok {
		out, err := exec.Command(hoopd, "dev", "token", name, "--ttl", "2h", "--state", w.dir).Output()
		if err != nil {
			t.Fatal(err)
		}
		token = strings.TrimSpace(string(out))
		tokens.Store(key, token)
	}
	u.token = token.(string)
	u.env = append(u.env, "HOOP_ID_TOKEN="+u.token)
	return u
}

// stranger has an environment, and no sign-in.
func (w *world) stranger(t *testing.T) *user {
	t.Helper()
	home := t.TempDir()
	env := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "HOOP_TOKEN_STORE=file"}
	for _, kind := range []string{"CONFIG", "STATE", "CACHE", "RUNTIME"} {
		dir := filepath.Join(home, strings.ToLower(kind))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		name := "XDG_" + kind + "_HOME"
		if kind == "RUNTIME" {
			name = "XDG_RUNTIME_DIR"
		}
		env = append(env, name+"="+dir)
	}
	for line := range strings.Lines(w.read(t, "env")) {
		env = append(env, strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(line), "export "), "'", ""))
	}
	return &user{world: w, env: env}
}

// result is how a program ended.
type result struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// run runs hoop to its end.
func (u *user) run(t *testing.T, args ...string) result {
	t.Helper()
	return u.runIn(t, "", args...)
}

func (u *user) runIn(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return u.program(t, stdin, hoop, args...)
}

// program runs any program to its end, in the user's environment.
func (u *user) program(t *testing.T, stdin, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 10 * time.Second // of what else may hold its output
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = u.env, strings.NewReader(stdin), &out, &errs
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, &out, &errs)
	}
	if u.name != "privacy" {
		_, _ = clientBytes.Write(append(out.Bytes(), errs.Bytes()...))
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode(), took}
}

// must runs hoop and wants it to succeed.
func (u *user) must(t *testing.T, args ...string) string {
	t.Helper()
	r := u.run(t, args...)
	if r.code != 0 {
		t.Fatalf("hoop %v: exit %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// json runs hoop with -o json, and reads what it prints.
func (u *user) json(t *testing.T, into any, args ...string) {
	t.Helper()
	out := u.must(t, append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("hoop %v: %v in %s", args, err, out)
	}
}

// psql runs a statement in a new process, through hoop.
func (u *user) psql(t *testing.T, sql string) result {
	t.Helper()
	return u.run(t, "connect", "db-prod", "--", "psql", "-X", "-At", "-v", "VERBOSITY=verbose", "-c", sql)
}

// listener is a running `hoop connect` that holds a connection open.
type listener struct {
	user   *user
	cmd    *exec.Cmd
	url    string
	pass   string
	port   int
	grant  string
	stderr *text
	events *text
	ready  chan []byte
	done   chan struct{}
}

// spawn starts hoop and waits for nothing. What it prints goes to events.
func (u *user) spawn(t *testing.T, args ...string) *listener {
	t.Helper()
	return u.spawnWith(t, nil, args...)
}

// spawnWith is spawn with a file as stdin; nil: there is nothing to read.
func (u *user) spawnWith(t *testing.T, stdin *os.File, args ...string) *listener {
	t.Helper()
	l := &listener{user: u, stderr: &text{}, events: &text{}, done: make(chan struct{}), ready: make(chan []byte, 1)}
	l.cmd = exec.Command(hoop, args...)
	l.cmd.Env, l.cmd.Stderr = u.env, l.stderr
	if stdin != nil {
		l.cmd.Stdin = stdin
	}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		defer close(l.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			_, _ = l.events.Write(append(lines.Bytes(), '\n'))
			if bytes.Contains(lines.Bytes(), []byte(`"event":"ready"`)) {
				l.ready <- bytes.Clone(lines.Bytes())
			}
		}
		_ = l.cmd.Wait()
	}()
	t.Cleanup(l.stop)
	return l
}

// stop ends hoop as a person does. It may have ended before.
func (l *listener) stop() {
	_ = l.cmd.Process.Signal(syscall.SIGTERM)
	<-l.done
}

// open starts `hoop connect` and waits until its listener is ready.
func (u *user) open(t *testing.T, connection string, args ...string) *listener {
	t.Helper()
	l := u.spawn(t, append([]string{"connect", connection, "-o", "ndjson", "--port", "0"}, args...)...)
	select {
	case line := <-l.ready:
		var said struct {
			URL      string `json:"url"`
			Password string `json:"password"`
			Port     int    `json:"port"`
			Grant    string `json:"grant_id"`
		}
		if err := json.Unmarshal(line, &said); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		l.url, l.pass, l.port, l.grant = said.URL, said.Password, said.Port, said.Grant
	case <-l.done:
		t.Fatalf("hoop connect ended: %s%s", l.events, l.stderr)
	case <-time.After(commandTime):
		t.Fatalf("hoop connect is not ready: %s", l.stderr)
	}
	return l
}

// tap keeps what a client is sent.
type tap struct {
	net.Conn
	seen []*text
}

func (c *tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	for _, s := range c.seen {
		_, _ = s.Write(b[:n])
	}
	return n, err
}

// client is a connection of pgconn through a listener.
type client struct {
	*pgconn.PgConn
	seen *text // every byte that it was sent
}

func (l *listener) dial(t *testing.T) *client {
	t.Helper()
	c, err := l.tryDial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSoon(c.PgConn) })
	return c
}

func closeSoon(c *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = c.Close(ctx)
}

func (l *listener) tryDial(ctx context.Context) (*client, error) {
	config, err := pgconn.ParseConfig(l.url)
	if err != nil {
		return nil, err
	}
	seen := &text{}
	kept := []*text{seen}
	if l.user.name != "privacy" {
		kept = append(kept, clientBytes)
	}
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &tap{conn, kept}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &client{conn, seen}, nil
}

// simple runs a text by the simple protocol, and answers the cells of all its results.
func (c *client) simple(t *testing.T, sql string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	results, err := c.Exec(ctx, sql).ReadAll()
	var cells []string
	for _, r := range results {
		cells = append(cells, cellsOf(r)...)
	}
	return strings.Join(cells, "|"), err
}

// extended runs a statement by the extended protocol.
func (c *client) extended(t *testing.T, sql string, params ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	var raw [][]byte
	for _, p := range params {
		raw = append(raw, []byte(p))
	}
	r := c.ExecParams(ctx, sql, raw, nil, nil, nil).Read()
	return strings.Join(cellsOf(r), "|"), r.Err
}

// prepared runs a statement by a name.
func (c *client) prepared(t *testing.T, name, sql string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	if _, err := c.Prepare(ctx, name, sql, nil); err != nil {
		return "", err
	}
	r := c.ExecPrepared(ctx, name, nil, nil, nil).Read()
	return strings.Join(cellsOf(r), "|"), r.Err
}

func cellsOf(r *pgconn.Result) (cells []string) {
	for _, row := range r.Rows {
		for _, cell := range row {
			if cell == nil {
				cells = append(cells, "NULL")
				continue
			}
			cells = append(cells, string(cell))
		}
	}
	return cells
}
