package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// cluster reads a connection of kind kubernetes.
func (d *decoder) cluster(n *strict.Node) Connection {
	c := Connection{TLS: TLS{Mode: VerifyFull}}
	d.overHTTP(n, "a connection of kind kubernetes", &c, strict.Fields{
		"credential":  func(n *strict.Node) { d.clusterCredential(n, &c) },
		"impersonate": func(n *strict.Node) { c.Impersonate = d.impersonate(n) },
	})
	switch {
	case n.Kind != strict.Mapping:
	case c.Impersonate == nil:
		d.warn(n, fmt.Sprintf("connection %s: the cluster takes everybody for the gateway's own account, whose rights all have that the policy allows", c.Name),
			`write impersonate: {user: "hoop:{user}", groups: "hoop:{groups}"}, and give the account no right but to impersonate them`)
	case !strings.Contains(c.Impersonate.User, "{user}") && !strings.Contains(c.Impersonate.User, "{subject}"):
		d.warn(n, fmt.Sprintf("connection %s: the cluster's own log does not tell one person from another, as impersonate.user names none", c.Name), `write user: "hoop:{user}"`)
	case strings.HasPrefix(c.Impersonate.User, "{") || slices.ContainsFunc(c.Impersonate.Groups, func(g string) bool { return strings.HasPrefix(g, "{groups}") }):
		d.warn(n, fmt.Sprintf("connection %s: names of the identity provider mean in the cluster what the same names of its own mean", c.Name),
			`write a prefix: impersonate: {user: "hoop:{user}", groups: "hoop:{groups}"}`)
	}
	return c
}

func (d *decoder) clusterCredential(n *strict.Node, c *Connection) {
	ways := strict.Fields{
		"token":         d.secret(&c.Token, "a token"),
		"certificate":   d.secret(&c.Certificate, "a certificate"),
		"key":           d.secret(&c.Key, "a private key"),
		"token_request": func(n *strict.Node) { d.tokenRequest(n, c) },
	}
	d.Mapping(n, "a credential", ways)
	d.pair(n)
	if d.ways(n, "token", "certificate", "token_request") != 1 {
		d.Report(n, "a credential for a cluster is one of token, token_request, and certificate with key", "write: token: {file: PATH}")
	}
}

var dnsName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

func (d *decoder) tokenRequest(n *strict.Node, c *Connection) {
	r := &credential.TokenRequest{}
	d.Mapping(n, "a token request", strict.Fields{
		"token":     d.secret(&c.Token, "a token"),
		"audiences": d.strings(&r.Audiences),
		"service_account": func(n *strict.Node) {
			namespace, name, ok := strings.Cut(d.Text(n), "/")
			if !ok || !dnsName.MatchString(namespace) || strings.Contains(namespace, ".") || !dnsName.MatchString(name) {
				d.Report(n, fmt.Sprintf("%q is no service account", n.Text), "write its namespace and its name: hoop/gateway-readonly")
			}
			r.Namespace, r.ServiceAccount = namespace, name
		},
	})
	d.needs(n, "a token request", "token", "service_account")
	c.Request = r
}

func (d *decoder) impersonate(n *strict.Node) *gateway.Impersonate {
	i := &gateway.Impersonate{}
	one := func(list *[]string) func(*strict.Node) {
		return func(n *strict.Node) {
			if n.Kind == strict.Scalar {
				*list = []string{d.Text(n)}
				return
			}
			d.strings(list)(n)
		}
	}
	ok := d.Mapping(n, "impersonate", strict.Fields{
		"user":   d.Into(&i.User),
		"groups": one(&i.Groups),
		"extra": func(n *strict.Node) {
			i.Extra = map[string][]string{}
			d.Free(n, "extra", func(key string, value *strict.Node) {
				var values []string
				one(&values)(value)
				i.Extra[key] = values
			})
		},
	})
	if err := i.Check(); ok && err != nil {
		d.Report(n, err.Error(), `write: impersonate: {user: "hoop:{user}", groups: "hoop:{groups}"}`)
	}
	return i
}
