package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

func (d *decoder) connections(n *node, c *Config) {
	seen := map[string]bool{}
	d.each(n, func(n *node) {
		x := d.connection(n)
		if x.Name != "" && seen[x.Name] {
			d.problem(n, fmt.Sprintf("the name %q is used twice", x.Name), "")
		}
		seen[x.Name] = true
		c.Connections = append(c.Connections, x)
	})
}

func (d *decoder) connection(n *node) Connection {
	c := Connection{TLS: TLS{Mode: VerifyFull}}
	if other := d.otherKind(n); other {
		return c
	}
	tls := n
	d.mapping(n, "a connection", fields{
		"name":       func(n *node) { c.Name = d.connectionName(n) },
		"kind":       d.into(&c.Kind),
		"address":    func(n *node) { c.Address = d.address(n) },
		"database":   d.into(&c.Database),
		"labels":     d.texts(&c.Labels, "labels"),
		"credential": func(n *node) { d.credential(n, &c) },
		"tls":        func(n *node) { tls = n; d.tls(n, &c.TLS) },
		"insecure":   d.boolean(&c.Insecure),
	})
	d.needs(n, "a connection of kind postgres", "name", "kind", "address", "database", "credential")
	d.safe(tls, &c)
	return c
}

// otherKind refuses a connection of a kind that is not served, once, without a word about its other keys.
func (d *decoder) otherKind(n *node) bool {
	for _, e := range n.entries {
		if e.key != "kind" || e.value.kind != scalar || e.value.text == "postgres" {
			continue
		}
		if later := []string{"mysql", "ssh", "kubernetes", "http"}; slices.Contains(later, e.value.text) {
			d.later("a connection of kind "+e.value.text, "remove it: this version serves postgres")(e.value)
		} else {
			d.unknown(e.value, "kind", e.value.text, "a connection", append(later, "postgres"))
		}
		return true
	}
	return false
}

func (d *decoder) connectionName(n *node) string {
	text := d.str(n)
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`).MatchString(text) {
		d.problem(n, fmt.Sprintf("%q is not a connection's name", text), "use small letters, digits, dots and dashes: db-prod")
	}
	return text
}

// address reads host:port, or /folder:port.
func (d *decoder) address(n *node) string {
	text := d.str(n)
	if strings.HasPrefix(text, "/") {
		if i := strings.LastIndexByte(text, ':'); i < 0 || checkAddress("unix"+text[i:]) != nil {
			d.problem(n, fmt.Sprintf("%q is not an address", text), "write the folder of the Unix socket and the port: /run/postgresql:5432")
		}
		return text
	}
	if host, _, _ := strings.Cut(text, ":"); host == "" || checkAddress(text) != nil {
		d.problem(n, fmt.Sprintf("%q is not an address", text), "write HOST:PORT, like db.internal:5432")
	}
	return text
}

func (d *decoder) credential(n *node, c *Connection) {
	d.mapping(n, "a credential", fields{
		"user":     d.into(&c.User),
		"password": d.secret(&c.Password, "a password"),
	})
	d.needs(n, "a credential", "user", "password")
}

func (d *decoder) tls(n *node, t *TLS) {
	modes := []string{VerifyFull, VerifyCA, Require, Disable}
	d.mapping(n, "tls", fields{
		"mode": func(n *node) {
			if t.Mode = d.str(n); t.Mode != "" && !slices.Contains(modes, t.Mode) {
				d.unknown(n, "mode", t.Mode, "tls", modes)
			}
		},
		"ca_file": d.path(&t.CAFile),
	})
	if t.CAFile != "" && (t.Mode == Require || t.Mode == Disable) {
		d.problem(n, fmt.Sprintf("with the mode %s nothing is verified, so ca_file has no effect", t.Mode), "write mode: verify-full")
	}
}

// safe holds that a target is reached safely, or that the file says otherwise in words.
func (d *decoder) safe(n *node, c *Connection) {
	switch {
	case c.TLS.Mode == VerifyFull || c.Address == "":
	case c.TLS.Mode == Disable && IsLoopback(c.Address):
	case c.TLS.Mode == Disable && !c.Insecure:
		d.problem(n, fmt.Sprintf("connection %s would send its credential and its data over the network in clear", c.Name),
			"use mode: verify-full, or say insecure: true if the network is nobody else's")
	default:
		d.warn(n, fmt.Sprintf("connection %s: with the TLS mode %s the target is not verified in full", c.Name, c.TLS.Mode), "use mode: verify-full")
	}
}
