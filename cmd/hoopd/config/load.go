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
)

// Load reads a configuration from a file. Its error is a Problems where the file could be read.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
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
	d := &decoder{file: name, dir: filepath.Dir(file)}
	c := &Config{File: file, Gateway: Gateway{ResultCap: defaultResultCap}}
	if root := d.readYAML(data); root != nil {
		d.config(root, c)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	c.Warnings = d.warnings
	return c, nil
}

func (d *decoder) config(root *node, c *Config) {
	var state, policyFile *node
	d.mapping(root, "hoopd.yaml", fields{
		"state":       func(n *node) { state = n; d.path(&c.State)(n) },
		"broker":      func(n *node) { d.broker(n, &c.Broker) },
		"gateway":     func(n *node) { d.gateway(n, &c.Gateway) },
		"connections": func(n *node) { d.connections(n, c) },
		"policy":      func(n *node) { policyFile = n; d.path(&c.Policy)(n) },
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

func (d *decoder) broker(n *node, b *Broker) {
	d.mapping(n, "broker", fields{
		"listen":     d.listen(&b.Listen),
		"public_url": func(n *node) { b.PublicURL = d.publicURL(n) },
		"tls":        func(n *node) { b.TLS = d.tlsFiles(n) },
		"store":      func(n *node) { b.Store = d.store(n) },
		"identity":   func(n *node) { d.identities(n, b) },
	})
	d.needs(n, "broker", "listen", "public_url", "identity")
}

func (d *decoder) tlsFiles(n *node) *TLSFiles {
	var t TLSFiles
	d.mapping(n, "tls", fields{"cert": d.path(&t.Cert), "key": d.path(&t.Key)})
	d.needs(n, "tls", "cert", "key")
	return &t
}

// store reads sqlite:PATH.
func (d *decoder) store(n *node) string {
	text := d.str(n)
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case scheme == "sqlite" && rest != "":
		return d.abs(rest)
	case scheme == "postgres" || scheme == "postgresql":
		d.later("a store in PostgreSQL", "write sqlite:PATH")(n)
	default:
		d.problem(n, "this is not a store", "write sqlite:PATH")
	}
	return ""
}

func (d *decoder) publicURL(n *node) string {
	text := d.str(n)
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		d.problem(n, fmt.Sprintf("%q is not a public URL", text), "write https://HOST or https://HOST:PORT")
		return ""
	}
	return strings.TrimSuffix(text, "/")
}

// listen reads host:port.
func (d *decoder) listen(s *string) func(*node) {
	return func(n *node) {
		text := d.str(n)
		if err := checkAddress(text); err != nil {
			d.problem(n, fmt.Sprintf("%q is not an address to listen on: %v", text, err), "write HOST:PORT, like 127.0.0.1:8443")
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
