package config

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// Kinds of connections that are reached over HTTP.
const (
	kindKubernetes = "kubernetes"
	kindHTTP       = "http"
)

// overHTTP reads a connection of one of the kinds that are reached over HTTP, with the fields that only it has.
func (d *decoder) overHTTP(n *strict.Node, what string, c *Connection, own strict.Fields) {
	tls := n
	fields := d.reached(c, &tls)
	maps.Copy(fields, own)
	d.Mapping(n, what, fields)
	d.needs(n, what, "name", "kind", "address", "credential")
	d.safeURL(n, tls, c)
}

// reached are the fields of both kinds.
func (d *decoder) reached(c *Connection, tls **strict.Node) strict.Fields {
	return strict.Fields{
		"name":     func(n *strict.Node) { c.Name = d.connectionName(n) },
		"kind":     d.Into(&c.Kind),
		"address":  func(n *strict.Node) { c.Base, c.Address = d.base(n) },
		"labels":   d.texts(&c.Labels, "labels"),
		"tls":      func(n *strict.Node) { *tls = n; d.tls(n, &c.TLS) },
		"insecure": d.boolean(&c.Insecure),
	}
}

var segments = regexp.MustCompile(`^(/[A-Za-z0-9._~!$&'()+,=:@-]+)*$`)

// base reads https://HOST[:PORT][/prefix]. It answers nil where it is none.
func (d *decoder) base(n *strict.Node) (base *url.URL, address string) {
	text := d.Text(n)
	bad := func(why, hint string) (*url.URL, string) {
		d.Report(n, fmt.Sprintf("%q is not an address: %s", text, why), hint)
		return nil, ""
	}
	u, err := url.Parse(text)
	const write = "write https://HOST:PORT, like https://k8s.internal:6443"
	switch {
	case text == "":
		return nil, ""
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		return bad("it is no URL with a host", write)
	case u.Scheme != "https" && u.Scheme != "http":
		return bad("it begins with neither https:// nor http://", write)
	case u.User != nil:
		return bad("a credential never stands in it", "write it under credential")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		return bad("it has a query or a fragment", "write the part in front of it")
	}
	prefix := strings.TrimSuffix(u.Path, "/")
	if !segments.MatchString(prefix) || u.RawPath != "" || prefix != "" && path.Clean(prefix) != prefix {
		return bad("its path is not in the one form that every server reads alike", "write plain segments, like https://tools.internal/grafana")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	address = net.JoinHostPort(u.Hostname(), port)
	if checkAddress(address) != nil || strings.HasSuffix(u.Host, ":") {
		return bad("its port is none", write)
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: prefix}, address
}

// safeURL holds that a target is reached safely, or that the file says otherwise in words.
func (d *decoder) safeURL(n, tls *strict.Node, c *Connection) {
	switch {
	case c.Base == nil:
	case c.Base.Scheme == "https" && c.TLS.Mode == Disable:
		d.Report(tls, "the address says https, and the mode disable that there is no TLS", "write the address as http://, or the mode verify-full")
	case c.Base.Scheme == "https":
		d.safe(tls, c)
	case n.Has("tls"):
		d.Report(tls, "the address says http, so there is no TLS to configure", "write the address as https://")
	case c.Certificate.Set():
		d.Report(n, "the address says http, so no certificate is shown", "write the address as https://")
	default:
		c.TLS.Mode = Disable
		if !IsLoopback(c.Address) && c.Insecure {
			d.warn(n, fmt.Sprintf("connection %s: its credential and its data go over the network in clear", c.Name), "write the address as https://")
			return
		}
		d.safe(n, c)
	}
}

// pair holds that a client's certificate comes with its key.
func (d *decoder) pair(n *strict.Node) {
	if n.Has("certificate") != n.Has("key") {
		d.Report(n, "a client's certificate and its key belong together", "write: certificate: {file: PATH}, key: {file: PATH}")
	}
}

// ways counts which of the keys are there.
func (d *decoder) ways(n *strict.Node, keys ...string) (count int) {
	for _, key := range keys {
		if n.Has(key) {
			count++
		}
	}
	return count
}
