package localproxy

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/localproxy/relay"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

const kindSSH = "ssh"

// sshRun is what one run of an SSH connection has of its own: its keys, and the folder in which programs find theirs.
type sshRun struct {
	opening *tunnel.SSH
	client  ed25519.PrivateKey
	host    ed25519.PublicKey
	dir     string
}

func newSSHRun() (*sshRun, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the local key: %w", err)
	}
	host, hostPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the host key: %w", err)
	}
	return &sshRun{opening: &tunnel.SSH{Client: public, Host: hostPrivate.Seed()}, client: private, host: host}, nil
}

// write puts the key, known_hosts and a configuration for OpenSSH into a private folder, and answers the configuration.
func (r *sshRun) write(name string, port int) (config string, err error) {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`).MatchString(name) {
		return "", &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("%q can't be the name of a host in a configuration of ssh.", name)}
	}
	if r.dir, err = os.MkdirTemp("", "hoop-ssh-"); err != nil { // mode 0700
		return "", fmt.Errorf("make a folder for the local key: %w", err)
	}
	if strings.ContainsAny(r.dir, "\"\n%") {
		return "", fmt.Errorf("the temporary folder %q can't stand in a configuration of ssh", r.dir)
	}
	block, err := ssh.MarshalPrivateKey(r.client, "hoop connect "+name)
	if err != nil {
		return "", fmt.Errorf("encode the local key: %w", err)
	}
	host, err := ssh.NewPublicKey(r.host)
	if err != nil {
		return "", fmt.Errorf("encode the host key: %w", err)
	}
	config = filepath.Join(r.dir, "config")
	for file, text := range map[string]string{
		"key": string(pem.EncodeToMemory(block)), "known_hosts": "hoop-" + name + " " + string(ssh.MarshalAuthorizedKey(host)),
		"config": r.config(name, port),
	} {
		if err := os.WriteFile(filepath.Join(r.dir, file), []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write the local key: %w", err)
		}
	}
	return config, nil
}

// config has ssh use this key and no other, and know this host key and no other. AES-GCM is what both sides are quickest at.
func (r *sshRun) config(name string, port int) string {
	return fmt.Sprintf(`Host %[1]s
  HostName %[2]s
  Port %[3]d
  User hoop
  HostKeyAlias hoop-%[1]s
  IdentityFile "%[4]s"
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile "%[5]s"
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  UpdateHostKeys no
  PreferredAuthentications publickey
  Ciphers aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com
`, name, loopback, port, filepath.Join(r.dir, "key"), filepath.Join(r.dir, "known_hosts"))
}

// remove takes the folder away.
func (r *sshRun) remove() {
	if r != nil && r.dir != "" {
		_ = os.RemoveAll(r.dir)
	}
}

// SSH is what the tunnels of this proxy open with; nil for other kinds.
func (p *Proxy) SSH() *tunnel.SSH {
	if p.ssh == nil {
		return nil
	}
	return p.ssh.opening
}

// versionStart is how every client of SSH begins (RFC 4253, section 4.2).
const versionStart = "SSH-2.0-"

// serveSSH is the life of one local socket. The gateway checks the key; what does not even begin as a client of SSH, as a
// web page's request, never reaches it.
func (p *Proxy) serveSSH(ctx context.Context, c net.Conn, proved func() bool) {
	local, ok := c.(relay.Conn)
	if !ok || c.SetDeadline(time.Now().Add(openWithin)) != nil {
		return
	}
	first := make([]byte, len(versionStart))
	if _, err := io.ReadFull(c, first); err != nil || string(first) != versionStart {
		return
	}
	if !proved() || c.SetDeadline(time.Time{}) != nil {
		return
	}
	remote, session, err := p.dial(ctx, first)
	if err != nil {
		p.explainSSH(c, asError(err))
		return
	}
	defer p.forget(remote)
	p.carry(local, remote, session)
}

// explainSSH says why there is no tunnel in lines before a version, which ssh -v shows.
func (p *Proxy) explainSSH(c net.Conn, why *api.Error) {
	if c.SetDeadline(time.Now().Add(time.Second)) == nil {
		_, _ = fmt.Fprintf(c, "hoop: %s\r\n", strings.Join(strings.Fields(why.Message+" "+why.Hint), " "))
	}
}

// listenSSH opens the listener of an SSH connection and writes what programs need to use it.
func (p *Proxy) listenSSH() (err error) {
	if p.opts.SocketDir != "" {
		return &api.Error{Code: api.CodeUsage, Message: "--socket is not served for connections of kind ssh.", Hint: "Leave it out: ssh connects to a port."}
	}
	if p.ssh, err = newSSHRun(); err != nil {
		return err
	}
	if p.ln, err = listenTCP(p.opts.Port, p.opts.Prefer); err != nil {
		return err
	}
	p.endpoint.Host, p.endpoint.Port, p.endpoint.Name = loopback, p.ln.Addr().(*net.TCPAddr).Port, p.opts.Connection.Name
	if p.endpoint.Config, err = p.ssh.write(p.opts.Connection.Name, p.endpoint.Port); err != nil {
		p.ssh.remove()
		return errors.Join(err, p.ln.Close())
	}
	return nil
}
