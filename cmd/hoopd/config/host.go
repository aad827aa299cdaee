package config

import (
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
	"github.com/hoop-gateway/hoop/pkg/policy/strict"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// host reads a connection of kind ssh.
func (d *decoder) host(n *strict.Node) Connection {
	c := Connection{Input: record.InputNone}
	d.Mapping(n, "a connection of kind ssh", strict.Fields{
		"name":       func(n *strict.Node) { c.Name = d.connectionName(n) },
		"kind":       d.Into(&c.Kind),
		"address":    func(n *strict.Node) { c.Address = d.hostAddress(n) },
		"labels":     d.texts(&c.Labels, "labels"),
		"host_keys":  func(n *strict.Node) { d.hostKeys(n, &c) },
		"env":        func(n *strict.Node) { d.env(n, &c) },
		"input":      func(n *strict.Node) { c.Input = d.input(n) },
		"credential": func(n *strict.Node) { d.hostCredential(n, &c) },
	})
	d.needs(n, "a connection of kind ssh", "name", "kind", "address", "host_keys", "credential")
	return c
}

func (d *decoder) hostAddress(n *strict.Node) string {
	text := d.address(n)
	if len(text) > 0 && text[0] == '/' {
		d.Report(n, "a host is reached over TCP", "write HOST:PORT, like web-1.internal:22")
	}
	return text
}

// input says what of typed input is recorded.
func (d *decoder) input(n *strict.Node) string {
	word := d.Text(n)
	if word != record.InputNone && word != record.InputEchoed {
		d.Report(n, "input is none or echoed", "write: input: echoed to record the typed lines that came back on the screen")
		return record.InputNone
	}
	return word
}

func (d *decoder) hostKeys(n *strict.Node, c *Connection) {
	d.strings(&c.HostKeys)(n)
	if _, err := sshhost.ParseHostKeys(c.HostKeys); err != nil {
		d.Report(n, err.Error(), "write what `ssh-keyscan HOST` prints behind the name, once you know that it is the host's: \"ssh-ed25519 AAAA…\"")
	}
}

// env reads the names of variables that clients may set.
func (d *decoder) env(n *strict.Node, c *Connection) {
	d.Each(n, func(n *strict.Node) {
		if err := sshhost.CheckEnv(d.Text(n)); err != nil {
			d.Report(n, err.Error(), `write: env: ["LANG", "LC_*"]`)
		}
		c.Env = append(c.Env, n.Text)
	})
}

func (d *decoder) hostCredential(n *strict.Node, c *Connection) {
	d.Mapping(n, "a credential", strict.Fields{
		"user":        d.Into(&c.User),
		"password":    d.secret(&c.Password, "a password"),
		"key":         d.secret(&c.Key, "a private key"),
		"certificate": func(n *strict.Node) { d.certificate(n, c) },
	})
	d.needs(n, "a credential", "user")
	ways := 0
	for _, key := range []string{"password", "key", "certificate"} {
		if n.Has(key) {
			ways++
		}
	}
	if n.Kind == strict.Mapping && ways != 1 {
		d.Report(n, "a credential for a host is one of key, certificate and password", "write: key: {file: PATH}")
	}
}

func (d *decoder) certificate(n *strict.Node, c *Connection) {
	d.Mapping(n, "a certificate", strict.Fields{"ca": d.secret(&c.Authority, "an authority"), "principals": d.strings(&c.Principals)})
	d.needs(n, "a certificate", "ca", "principals")
	for _, p := range c.Principals {
		if err := sshhost.CheckPrincipal(p); err != nil {
			d.Report(n, err.Error(), "write: principals: [deploy]")
		}
	}
	if n.Has("principals") && len(c.Principals) == 0 {
		d.Report(n, "a certificate without principals would be good for every user", "write: principals: [deploy]")
	}
}
