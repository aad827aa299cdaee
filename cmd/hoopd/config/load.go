package config

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// Load reads a configuration from a file. Its error is a Problems where the file could be read.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, strict.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return Parse(data, path)
}

// Parse reads a configuration; name is its file's, which problems show and which relative file names are relative to.
func Parse(data []byte, name string) (*Config, error) {
	file, err := filepath.Abs(name)
	if err != nil {
		return nil, fmt.Errorf("find the configuration's folder: %w", err)
	}
	d := &decoder{Reader: &strict.Reader{File: name}, dir: filepath.Dir(file)}
	c := &Config{File: file, Gateway: Gateway{ResultCap: defaultResultCap}}
	if root := d.document(data); root != nil {
		d.config(root, c)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	c.Warnings = d.warnings
	return c, nil
}

func (d *decoder) config(root *strict.Node, c *Config) {
	var state, policyFile *strict.Node
	d.Mapping(root, "hoopd.yaml", strict.Fields{
		"state":       func(n *strict.Node) { state = n; d.path(&c.State)(n) },
		"broker":      func(n *strict.Node) { d.broker(n, &c.Broker) },
		"gateway":     func(n *strict.Node) { d.gateway(n, &c.Gateway) },
		"connections": func(n *strict.Node) { d.connections(n, c) },
		"policy":      func(n *strict.Node) { policyFile = n; d.path(&c.Policy)(n) },
	})
	d.needs(root, "hoopd.yaml", "state", "broker", "connections", "policy")
	if state == nil || policyFile == nil {
		return
	}
	if c.Broker.Store == "" {
		c.Broker.Store = filepath.Join(c.State, "hoop.db")
	}
	if c.Gateway.Recordings == "" {
		c.Gateway.Recordings = filepath.Join(c.State, "recordings")
	}
}

func (d *decoder) broker(n *strict.Node, b *Broker) {
	d.Mapping(n, "broker", strict.Fields{
		"listen":     d.listen(&b.Listen),
		"public_url": func(n *strict.Node) { b.PublicURL = d.publicURL(n) },
		"tls":        func(n *strict.Node) { b.TLS = d.tlsFiles(n) },
		"store":      func(n *strict.Node) { b.Store = d.store(n) },
		"identity":   func(n *strict.Node) { d.identities(n, b) },
	})
	d.needs(n, "broker", "listen", "public_url", "identity")
}

func (d *decoder) tlsFiles(n *strict.Node) *TLSFiles {
	var t TLSFiles
	d.Mapping(n, "tls", strict.Fields{"cert": d.path(&t.Cert), "key": d.path(&t.Key)})
	d.needs(n, "tls", "cert", "key")
	return &t
}

// store reads sqlite:PATH.
func (d *decoder) store(n *strict.Node) string {
	text := d.Text(n)
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case scheme == "sqlite" && rest != "":
		return d.abs(rest)
	case scheme == "postgres" || scheme == "postgresql":
		d.Later("a store in PostgreSQL", "write sqlite:PATH")(n)
	default:
		d.Report(n, "this is not a store", "write sqlite:PATH")
	}
	return ""
}

func (d *decoder) publicURL(n *strict.Node) string {
	text := d.Text(n)
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		d.Report(n, fmt.Sprintf("%q is not a public URL", text), "write https://HOST or https://HOST:PORT")
		return ""
	}
	return strings.TrimSuffix(text, "/")
}

// listen reads host:port.
func (d *decoder) listen(s *string) func(*strict.Node) {
	return func(n *strict.Node) {
		text := d.Text(n)
		if err := checkAddress(text); err != nil {
			d.Report(n, fmt.Sprintf("%q is not an address to listen on: %v", text, err), "write HOST:PORT, like 127.0.0.1:8443")
			return
		}
		*s = text
	}
}

func checkAddress(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return errors.New("host and port are needed")
	}
	if p, err := strconv.ParseUint(port, 10, 16); err != nil || p == 0 {
		return fmt.Errorf("%q is no port", port)
	}
	return nil
}

// IsLoopback says whether an address (host:port, or a Unix socket's path) can be reached from this machine alone.
func IsLoopback(address string) bool {
	if strings.HasPrefix(address, "/") {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
