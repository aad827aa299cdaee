package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

func (d *decoder) connections(n *strict.Node, c *Config) {
	seen := map[string]bool{}
	d.Each(n, func(n *strict.Node) {
		x := d.connection(n)
		if x.Name != "" && seen[x.Name] {
			d.Report(n, fmt.Sprintf("the name %q is used twice", x.Name), "")
		}
		seen[x.Name] = true
		c.Connections = append(c.Connections, x)
	})
}

func (d *decoder) connection(n *strict.Node) Connection {
	c := Connection{TLS: TLS{Mode: VerifyFull}}
	if other := d.otherKind(n); other {
		return c
	}
	switch kindOf(n) {
	case sshhost.Kind:
		return d.host(n)
	case kindKubernetes:
		return d.cluster(n)
	case kindHTTP:
		return d.service(n)
	}
	tls := n
	d.Mapping(n, "a connection", strict.Fields{
		"name":       func(n *strict.Node) { c.Name = d.connectionName(n) },
		"kind":       d.Into(&c.Kind),
		"address":    func(n *strict.Node) { c.Address = d.address(n) },
		"database":   d.Into(&c.Database),
		"labels":     d.texts(&c.Labels, "labels"),
		"credential": func(n *strict.Node) { d.credential(n, &c) },
		"tls":        func(n *strict.Node) { tls = n; d.tls(n, &c.TLS) },
		"insecure":   d.boolean(&c.Insecure),
	})
	d.needs(n, "a connection of kind postgres", "name", "kind", "address", "database", "credential")
	d.safe(tls, &c)
	return c
}

// kindOf is the kind that a connection names first; "" none.
func kindOf(n *strict.Node) string {
	for _, e := range n.Entries {
		if e.Key == "kind" && e.Value.Kind == strict.Scalar {
			return e.Value.Text
		}
	}
	return ""
}

// otherKind refuses a connection of a kind that is not served, once, without a word about its other keys.
func (d *decoder) otherKind(n *strict.Node) bool {
	served := []string{"postgres", sshhost.Kind, kindKubernetes, kindHTTP}
	for _, e := range n.Entries {
		if e.Key != "kind" || e.Value.Kind != strict.Scalar || slices.Contains(served, e.Value.Text) {
			continue
		}
		if e.Value.Text == "mysql" {
			d.Later("a connection of kind mysql", "remove it: this version serves "+strings.Join(served, ", "))(e.Value)
		} else {
			d.Unknown(e.Value, "kind", e.Value.Text, "a connection", append(served, "mysql"))
		}
		return true
	}
	return false
}

func (d *decoder) connectionName(n *strict.Node) string {
	text := d.Text(n)
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`).MatchString(text) {
		d.Report(n, fmt.Sprintf("%q is not a connection's name", text), "use small letters, digits, dots and dashes: db-prod")
	}
	return text
}

// address reads host:port, or /folder:port.
func (d *decoder) address(n *strict.Node) string {
	text := d.Text(n)
	if strings.HasPrefix(text, "/") {
		if i := strings.LastIndexByte(text, ':'); i < 0 || checkAddress("unix"+text[i:]) != nil {
			d.Report(n, fmt.Sprintf("%q is not an address", text), "write the folder of the Unix socket and the port: /run/postgresql:5432")
		}
		return text
	}
	if host, _, _ := strings.Cut(text, ":"); host == "" || checkAddress(text) != nil {
		d.Report(n, fmt.Sprintf("%q is not an address", text), "write HOST:PORT, like db.internal:5432")
	}
	return text
}

func (d *decoder) credential(n *strict.Node, c *Connection) {
	d.Mapping(n, "a credential", strict.Fields{
		"user":     d.Into(&c.User),
		"password": d.secret(&c.Password, "a password"),
	})
	d.needs(n, "a credential", "user", "password")
}

func (d *decoder) tls(n *strict.Node, t *TLS) {
	modes := []string{VerifyFull, VerifyCA, Require, Disable}
	d.Mapping(n, "tls", strict.Fields{
		"mode": func(n *strict.Node) {
			if t.Mode = d.Text(n); t.Mode != "" && !slices.Contains(modes, t.Mode) {
				d.Unknown(n, "mode", t.Mode, "tls", modes)
			}
		},
		"ca_file": d.path(&t.CAFile),
	})
	if t.CAFile != "" && (t.Mode == Require || t.Mode == Disable) {
		d.Report(n, fmt.Sprintf("with the mode %s nothing is verified, so ca_file has no effect", t.Mode), "write mode: verify-full")
	}
}

// safe holds that a target is reached safely, or that the file says otherwise in words.
func (d *decoder) safe(n *strict.Node, c *Connection) {
	switch {
	case c.TLS.Mode == VerifyFull || c.Address == "":
	case c.TLS.Mode == Disable && IsLoopback(c.Address):
	case c.TLS.Mode == Disable && !c.Insecure:
		d.Report(n, fmt.Sprintf("connection %s would send its credential and its data over the network in clear", c.Name),
			"use mode: verify-full, or say insecure: true if the network is nobody else's")
	default:
		d.warn(n, fmt.Sprintf("connection %s: with the TLS mode %s the target is not verified in full", c.Name, c.TLS.Mode), "use mode: verify-full")
	}
}
