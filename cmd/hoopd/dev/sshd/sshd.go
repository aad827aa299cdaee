// Package sshd runs one private OpenSSH server for `hoopd dev`: on loopback, in a folder of its own, never as root.
package sshd

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/owned"
	"github.com/hoop-gateway/hoop/pkg/pgsql/pgfind"
)

// ErrNone says that no OpenSSH server is installed.
var ErrNone = errors.New("no sshd is installed (Debian: openssh-server)")

const startTime = 10 * time.Second

// Host is the place of a server: its keys and its user.
type Host struct {
	Dir     string // the server's own
	User    string // the one who can sign in
	HostKey string // its public key, as known_hosts has it
	Key     string // the file with the private key that signs in; empty: none does

	program string
	owner   *syscall.Credential
	trusts  bool // certificates of an authority
}

// Server is a running server.
type Server struct {
	Host
	Port int
	cmd  *exec.Cmd
	done chan struct{}
}

// Find answers the installed server, which needs an absolute path to be run.
func Find() (string, error) {
	if found, err := exec.LookPath("sshd"); err == nil && filepath.IsAbs(found) {
		return found, nil
	}
	for _, place := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if _, err := os.Stat(place); err == nil {
			return place, nil
		}
	}
	return "", ErrNone
}

// Prepare makes the folder and the keys where they are missing; key is the file for the one who signs in, or empty where
// only certificates do.
func Prepare(dir, key string) (*Host, error) {
	program, err := Find()
	if err != nil {
		return nil, err
	}
	owner, err := pgfind.Owner()
	if err != nil {
		return nil, err
	}
	h := &Host{Dir: dir, Key: key, program: program, owner: withTerminals(owner)}
	if h.User, err = userName(owner); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the host's folder: %w", err)
	}
	if h.HostKey, err = keyFile(h.path("host_key")); err != nil {
		return nil, err
	}
	login := ""
	if key != "" {
		if login, err = keyFile(key); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(h.path("authorized_keys"), []byte(login+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write who may sign in: %w", err)
	}
	return h, owned.Give(h.owner, dir, h.path("host_key"), h.path("authorized_keys"))
}

// Place is the folder named so in a state folder, where the server's user reaches it.
func Place(state, name string) (string, error) {
	owner, err := pgfind.Owner()
	if err != nil {
		return "", err
	}
	return owned.Place(state, name, owner)
}

// Trust makes the authority whose private key is in a file, and has the server take its certificates.
func (h *Host) Trust(authority string) error {
	public, err := keyFile(authority)
	if err != nil {
		return err
	}
	if err := os.WriteFile(h.path("authority.pub"), []byte(public+"\n"), 0o600); err != nil {
		return fmt.Errorf("write whose certificates are taken: %w", err)
	}
	h.trusts = true
	return owned.Give(h.owner, h.path("authority.pub"))
}

// Sample writes a file for the server's user below the folder, where it is missing.
func (h *Host) Sample(name, text string) error {
	path := h.path(name)
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, os.ErrNotExist) {
		if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), owned.Give(h.owner, filepath.Dir(path))); err != nil {
			return fmt.Errorf("make a sample's folder: %w", err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write a sample: %w", err)
	}
	return owned.Give(h.owner, path)
}

// withTerminals adds the group that terminals belong to: a server that is not root can give nobody a terminal without it.
func withTerminals(owner *syscall.Credential) *syscall.Credential {
	if owner == nil {
		return nil
	}
	with := *owner
	if g, err := user.LookupGroup("tty"); err == nil {
		if gid, err := strconv.ParseUint(g.Gid, 10, 32); err == nil {
			with.Groups = append(with.Groups, uint32(gid))
		}
	}
	return &with
}

func (h *Host) path(name string) string { return filepath.Join(h.Dir, name) }

func userName(owner *syscall.Credential) (string, error) {
	uid := strconv.Itoa(os.Geteuid())
	if owner != nil {
		uid = strconv.Itoa(int(owner.Uid))
	}
	u, err := user.LookupId(uid)
	if err != nil {
		return "", fmt.Errorf("find the user who can sign in: %w", err)
	}
	return u.Username, nil
}

// keyFile answers the public key of a private key's file, which it makes where it is missing.
func keyFile(name string) (public string, err error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		_, private, kerr := ed25519.GenerateKey(rand.Reader)
		if kerr != nil {
			return "", fmt.Errorf("make a key: %w", kerr)
		}
		block, kerr := ssh.MarshalPrivateKey(private, "hoopd dev")
		if kerr != nil {
			return "", fmt.Errorf("make a key: %w", kerr)
		}
		text = pem.EncodeToMemory(block)
		err = os.WriteFile(name, text, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("keep a key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return "", fmt.Errorf("read the key %s: %w", name, err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), nil
}

// Start runs the server on a port of loopback until Stop, with more lines for its configuration, which count before ours. Its
// log has every command that reached it. What an earlier run left is ended first.
func (h *Host) Start(ctx context.Context, port int, more ...string) (*Server, error) {
	if err := h.endLeft(); err != nil {
		return nil, err
	}
	lines := append(slices.Clone(more),
		"ListenAddress 127.0.0.1", "Port "+strconv.Itoa(port), "HostKey "+quote(h.path("host_key")), "PidFile none",
		"AuthorizedKeysFile "+quote(h.path("authorized_keys")), "StrictModes no", "UsePAM no", "PasswordAuthentication no",
		"KbdInteractiveAuthentication no", "PrintMotd no", "AcceptEnv LANG LC_* GIT_PROTOCOL", "LogLevel DEBUG3",
		"MaxSessions 100", "MaxStartups 100", "SetEnv "+quote(h.mark()),
	)
	if !slices.ContainsFunc(more, func(line string) bool { return strings.HasPrefix(line, "Subsystem ") }) { // it can't be said twice
		lines = append(lines, "Subsystem sftp internal-sftp")
	}
	if h.trusts {
		lines = append(lines, "TrustedUserCAKeys "+quote(h.path("authority.pub")))
	}
	if err := os.WriteFile(h.path("sshd_config"), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write the server's configuration: %w", err)
	}
	log, err := os.OpenFile(h.path("log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	defer func() { _ = log.Close() }() // the server has its own copy
	if err := owned.Give(h.owner, h.path("sshd_config"), h.path("log")); err != nil {
		return nil, err
	}
	s := &Server{Host: *h, Port: port, done: make(chan struct{})}
	s.cmd = exec.Command(h.program, "-D", "-e", "-f", h.path("sshd_config"))
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.Dir = log, log, h.Dir
	s.cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin"}
	s.cmd.SysProcAttr = owned.Attributes(h.owner, syscall.SIGTERM)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start sshd: %w", err)
	}
	go func() { // ends with the server, which Stop waits for
		defer close(s.done)
		_ = s.cmd.Wait() // how it ended stands in its log
	}()
	if err := s.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// quote is for names with spaces.
func quote(name string) string { return `"` + name + `"` }

// Address is where the server listens.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// Log is the file in which everything stands that reached the server.
func (h *Host) Log() string { return h.path("log") }

// Done is closed once the server has ended.
func (s *Server) Done() <-chan struct{} { return s.done }

func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address())
		if err == nil {
			return c.Close()
		}
		select {
		case <-s.done:
			return fmt.Errorf("sshd ended while it started; its log %s says why", s.Log())
		case <-ctx.Done():
			return fmt.Errorf("sshd is not ready (its log is %s): %w", s.Log(), err)
		case <-tick.C:
		}
	}
}

// Stop ends the server, its sessions and the commands that run there.
func (s *Server) Stop() error {
	sessions := childrenOf(s.cmd.Process.Pid)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		_ = s.cmd.Process.Signal(signal) // an error means that it is gone
		select {
		case <-s.done:
			kill(sessions)
			return s.endLeft()
		case <-time.After(5 * time.Second):
		}
	}
	return fmt.Errorf("sshd (process %d) does not stop", s.cmd.Process.Pid)
}

// PID is the server's process, whose children are the sessions.
func (s *Server) PID() int { return s.cmd.Process.Pid }
