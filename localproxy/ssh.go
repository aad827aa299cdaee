package localproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/localproxy/relay"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

const kindSSH = "ssh"

// sshRun is what one run of an SSH connection has of its own: its keys, and the folder in which programs find theirs.
type sshRun struct {
	keys SSHKeys
	dir  string
}

// write puts the key, known_hosts and a configuration for OpenSSH into a private folder, and answers the configuration.
func (r *sshRun) write(name string, port int) (config string, err error) {
	if r.dir, err = os.MkdirTemp("", "hoop-ssh-"); err != nil { // mode 0700
		return "", fmt.Errorf("make a folder for the local key: %w", err)
	}
	block := SSHBlock{
		Names: []string{name}, Port: port, Alias: "hoop-" + name,
		Key: filepath.Join(r.dir, "key"), KnownHosts: filepath.Join(r.dir, "known_hosts"),
	}
	if err := block.Check(); err != nil {
		return "", err
	}
	key, err := r.keys.ClientFile()
	if err != nil {
		return "", err
	}
	known, err := r.keys.KnownHosts(block.Alias)
	if err != nil {
		return "", err
	}
	config = filepath.Join(r.dir, "config")
	for file, text := range map[string][]byte{block.Key: key, block.KnownHosts: known, config: []byte(block.String())} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return "", fmt.Errorf("write the local key: %w", err)
		}
	}
	return config, nil
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
	return p.ssh.keys.Opening()
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
	keys, err := NewSSHKeys()
	if err != nil {
		return err
	}
	p.ssh = &sshRun{keys: keys}
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
