package sshhost_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// door is an address that real programs of OpenSSH can connect to: every connection has a gate and a recording of its own.
type door struct {
	config string // ssh's, with the host "web"
	desk   *desk

	mu      sync.Mutex
	writers []*record.Writer
	names   []string
	ends    []context.CancelCauseFunc
	served  sync.WaitGroup
}

// openDoor serves what connects under a policy.
func openDoor(t testing.TB, text string) *door {
	t.Helper()
	visit, key := keyPair(t)
	rules, err := policy.Parse([]byte(text), "policy")
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	d := &door{desk: &desk{}}
	d.config = sshConfig(t, l.Addr().String(), key, string(ssh.MarshalAuthorizedKey(hostKey(t, visit))))
	to, dir := target(t), t.TempDir()
	d.served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.served.Go(func() { d.serve(t, conn, dir, rules, to, visit) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); d.end(nil); d.served.Wait() })
	return d
}

func (d *door) end(why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, end := range d.ends {
		end(why)
	}
}

func (d *door) serve(t testing.TB, conn net.Conn, dir string, rules *policy.Policy, to gateway.Target, visit *tunnel.SSH) {
	d.mu.Lock()
	id := fmt.Sprintf("se_%d", len(d.names))
	signer, err := record.LoadOrCreateSigner(filepath.Join(dir, "keys"))
	if err != nil {
		t.Error(err)
	}
	name := filepath.Join(dir, id+".hrec")
	w, err := record.Create(name, record.Header{Session: id, Connection: to.Connection.Name, Kind: "ssh", Started: time.Now()}, record.Options{Signer: signer})
	if err != nil {
		t.Error(err)
	}
	ctx, end := context.WithCancelCause(context.Background())
	d.writers, d.names, d.ends = append(d.writers, w), append(d.names, name), append(d.ends, end)
	d.mu.Unlock()
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	gate, err := guard.New(guard.Config{
		ID: id, GrantID: "gr_test", Identity: api.Identity{Issuer: "https://idp.example.com", Subject: "1", User: "dev"},
		Subject:    policy.Subject{Issuer: "https://idp.example.com", ID: "1", User: "dev", Groups: []string{"developers"}, Type: "human"},
		Connection: to.Connection, Policy: func() guard.Policy { return rules }, Recorder: w, Approvals: d.desk, Log: log, Now: time.Now, ResultCap: 1 << 20,
	})
	if err != nil {
		t.Error(err)
	}
	_ = serve(ctx, sshhost.New(log), conn, gateway.Visit{GrantID: "gr_test", SSH: visit}, to, gate)
}

// recordings seals all recordings and answers them as text.
func (d *door) recordings(t testing.TB) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	var text bytes.Buffer
	for i, name := range d.names {
		within(t, "the recording is sealed", func() bool { return d.writers[i].Seal("test") == nil })
		b, err := os.ReadFile(name)
		must(t, err)
		r, err := record.NewReader(bytes.NewReader(b))
		must(t, err)
		must(t, record.Export(&text, r, record.FormatNDJSON))
	}
	return text.String()
}

// keyPair is keys with the private key as a file holds it.
func keyPair(t testing.TB) (*tunnel.SSH, []byte) {
	t.Helper()
	visit, private := visitKeys(t)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	return visit, pem.EncodeToMemory(block)
}

// sshConfig is a configuration with one host, "web".
func sshConfig(t testing.TB, address string, key []byte, pinned string) string {
	t.Helper()
	dir := t.TempDir()
	host, port, err := net.SplitHostPort(address)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "key"), key, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "known"), []byte("web "+strings.TrimSpace(pinned)+"\n"), 0o600))
	text := fmt.Sprintf("Host web\n HostName %s\n Port %s\n HostKeyAlias web\n User %s\n IdentityFile %s/key\n IdentitiesOnly yes\n UserKnownHostsFile %s/known\n GlobalKnownHostsFile none\n BatchMode yes\n LogLevel ERROR\n",
		host, port, server.User, dir, dir)
	must(t, os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600))
	return filepath.Join(dir, "config")
}

// direct is a configuration for the host itself.
func direct(t testing.TB) string {
	t.Helper()
	key, err := os.ReadFile(server.Key)
	must(t, err)
	return sshConfig(t, server.Address(), key, server.HostKey)
}

// run is how a program ended.
func runProgram(t testing.TB, stdin string, name string, args ...string) (out string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.WaitDelay = time.Second
	c.Stdin, c.Env = strings.NewReader(stdin), append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	b, err := c.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("%s %q does not end: %s", name, args, b)
	}
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return string(b), c.ProcessState.ExitCode()
}

// place is a folder at the host, which its user may write to.
func place(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for at := dir; at != os.TempDir(); at = filepath.Dir(at) {
		must(t, os.Chmod(at, 0o755))
	}
	must(t, os.Chmod(dir, 0o777))
	return dir
}

// give hands a folder and all in it to the host's user.
func give(t testing.TB, dir string) {
	t.Helper()
	u, err := user.Lookup(server.User)
	must(t, err)
	uid, err := strconv.Atoi(u.Uid)
	must(t, err)
	must(t, filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(name, uid, -1))
	}))
}

// tree is everything below a folder: names, kinds, contents, where links lead.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		info, err := e.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %v", rel, info.Mode())
		switch {
		case e.Type().IsRegular():
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %x", sha256.Sum256(content))
		case e.Type()&fs.ModeSymlink != 0:
			to, _ := os.Readlink(name)
			b.WriteString(" " + to)
		}
		b.WriteString("\n")
		return nil
	}))
	return b.String()
}
