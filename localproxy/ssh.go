package localproxy

import (
	"context"
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

// sshFront is the front of connections to hosts. It has keys of its own, and a folder in which programs find theirs.
type sshFront struct {
	*Proxy
	keys SSHKeys
	dir  string
}

func (p *sshFront) listen() (err error) {
	if p.opts.SocketDir != "" {
		return noSocket(kindSSH, "ssh connects to a port")
	}
	if p.keys, err = NewSSHKeys(); err != nil {
		return err
	}
	if err := p.bindPort(); err != nil {
		return err
	}
	p.endpoint.User = "hoop"
	p.endpoint.Config, err = p.write(p.opts.Connection.Name, p.endpoint.Port)
	return err
}

// write puts the key, known_hosts and a configuration for OpenSSH into a private folder, and answers the configuration.
func (p *sshFront) write(name string, port int) (config string, err error) {
	if p.dir, err = os.MkdirTemp("", "hoop-ssh-"); err != nil { // mode 0700
		return "", fmt.Errorf("make a folder for the local key: %w", err)
	}
	block := SSHBlock{
		Names: []string{name}, Port: port, Alias: "hoop-" + name,
		Key: filepath.Join(p.dir, "key"), KnownHosts: filepath.Join(p.dir, "known_hosts"),
	}
	if err := block.Check(); err != nil {
		return "", err
	}
	key, err := p.keys.ClientFile()
	if err != nil {
		return "", err
	}
	known, err := p.keys.KnownHosts(block.Alias)
	if err != nil {
		return "", err
	}
	config = filepath.Join(p.dir, "config")
	for file, text := range map[string][]byte{block.Key: key, block.KnownHosts: known, config: []byte(block.String())} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return "", fmt.Errorf("write the local key: %w", err)
		}
	}
	return config, nil
}

// remove takes the folder away.
func (p *sshFront) remove() {
	if p.dir != "" {
		_ = os.RemoveAll(p.dir)
	}
}

// SSH is what the tunnels of this proxy open with; nil for other kinds.
func (p *Proxy) SSH() *tunnel.SSH {
	if s, ok := p.front.(*sshFront); ok {
		return s.keys.Opening()
	}
	return nil
}

// versionStart is how every client of SSH begins (RFC 4253, section 4.2).
const versionStart = "SSH-2.0-"

// serve is the life of one local socket. The gateway checks the key; what does not even begin as a client of SSH, as a
// web page's request, never reaches it.
func (p *sshFront) serve(ctx context.Context, c net.Conn, proved func() bool) {
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
		p.explain(c, asError(err))
		return
	}
	defer p.forget(remote)
	defer p.client(session)()
	p.links.Carry(relay.Link{Local: local, Remote: remote})
}

// explain says why there is no tunnel in lines before a version, which ssh -v shows.
func (p *sshFront) explain(c net.Conn, why *api.Error) {
	if c.SetDeadline(time.Now().Add(time.Second)) == nil {
		_, _ = fmt.Fprintf(c, "hoop: %s\r\n", strings.Join(strings.Fields(why.Message+" "+why.Hint), " "))
	}
}
