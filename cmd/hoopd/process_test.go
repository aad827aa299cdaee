package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTime bounds a start on a machine that is busy with other tests.
const startTime = 120 * time.Second

// hoopd is the program under test: what TestMain built.
type hoopd struct{ path string }

func program(t *testing.T) hoopd {
	t.Helper()
	return hoopd{os.Getenv("HOOPD_UNDER_TEST")}
}

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "hoopd-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "hoopd")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build hoopd: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv("HOOPD_UNDER_TEST", bin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// run runs a command to its end.
func (h hoopd) run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, h.path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("hoopd %v: %v", args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// process is a running hoopd.
type process struct {
	dir  string
	cmd  *exec.Cmd
	done chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// stateDir is a folder as mktemp makes them.
func stateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hoopd-dev-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// dev starts `hoopd dev` and waits until it says that it is ready.
func (h hoopd) dev(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := h.start(t, dir, append([]string{"dev", "--state", dir}, args...)...)
	eventually(t, startTime, "hoopd dev is ready", func() bool {
		select {
		case <-p.done:
			t.Fatalf("hoopd dev ended:\n%s", p.stderr())
		default:
		}
		_, err := os.Stat(filepath.Join(dir, "env"))
		return err == nil && strings.Contains(p.stderr(), "hoopd dev is ready.")
	})
	return p
}

func (h hoopd) start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{dir: dir, done: make(chan struct{})}
	p.cmd = exec.Command(h.path, args...)
	p.cmd.Stderr = p
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process, which the cleanup ends
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGTERM)
		if !p.ended(30 * time.Second) {
			p.signal(syscall.SIGKILL)
			t.Errorf("hoopd did not stop:\n%s", p.stderr())
			<-p.done
		}
		if t.Failed() {
			t.Logf("hoopd said:\n%s", p.stderr())
		}
	})
	return p
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

func (p *process) ended(within time.Duration) bool {
	select {
	case <-p.done:
		return true
	case <-time.After(within):
		return false
	}
}

// ports are what hoopd dev chose.
func (p *process) ports(t *testing.T) (ports struct{ Broker, Provider, Metrics, Postgres, Host int }) {
	t.Helper()
	var kept struct{ Ports any }
	kept.Ports = &ports
	text, err := os.ReadFile(filepath.Join(p.dir, "dev.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	return ports
}

func (p *process) targetLog(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "postgres", "log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ready asks /readyz.
func (p *process) ready(t *testing.T) (code int, body string) {
	t.Helper()
	res, err := http.Get("http://127.0.0.1:" + strconv.Itoa(p.ports(t).Metrics) + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(http.MaxBytesReader(nil, res.Body, 1<<20)); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, text.String()
}

// relatives are the processes that hoopd started: those of its group, and the private PostgreSQL.
func (p *process) relatives(t *testing.T) (found []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(all) == 0 {
		t.Fatalf("processes can't be listed here: %v", err)
	}
	for _, name := range all {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it ended
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cmdline"))
		rest := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if rest[0] == "Z" {
			continue
		}
		if rest[2] == strconv.Itoa(p.cmd.Process.Pid) || bytes.Contains(command, []byte(p.dir+"/")) {
			found = append(found, strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return found
}

// eventually waits for a condition of another process.
func eventually(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	late := time.NewTimer(within)
	defer late.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-late.C:
			if holds() { // since the look before, which may have taken long
				return
			}
			t.Fatalf("not within %s: %s", within, what)
		case <-tick.C:
		}
	}
}
