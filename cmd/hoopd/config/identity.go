package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/identity"
	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

func (d *decoder) identities(n *strict.Node, b *Broker) {
	seen := map[string]bool{}
	d.Each(n, func(n *strict.Node) {
		id := d.identity(n)
		if id.Name != "" && seen[id.Name] {
			d.Report(n, fmt.Sprintf("the name %q is used twice", id.Name), "")
		}
		seen[id.Name] = true
		b.Identity = append(b.Identity, id)
	})
}

func (d *decoder) identity(n *strict.Node) Identity {
	id := Identity{at: n, Scopes: []string{"openid"}}
	before := len(d.Problems())
	d.Mapping(n, "an identity provider", strict.Fields{
		"name":           d.Into(&id.Name),
		"oidc":           func(n *strict.Node) { d.oidc(n, &id) },
		"saml":           d.Later("SAML", "use the provider's OpenID Connect"),
		"workload":       func(n *strict.Node) { d.workload(n, &id) },
		"username_claim": d.Into(&id.UsernameClaim),
		"groups_claim":   d.Into(&id.GroupsClaim),
		"groups_attribute": func(n *strict.Node) {
			d.Report(n, "groups_attribute belongs to SAML, which is not served by this version", "with oidc, write groups_claim")
		},
		"match": func(n *strict.Node) { d.Each(n, func(n *strict.Node) { id.Match = append(id.Match, d.match(n)) }) },
	})
	d.needs(n, "an identity provider", "name")
	if n.Kind == strict.Mapping && !n.Has("saml") && n.Has("oidc") == n.Has("workload") {
		d.Report(n, "an identity provider has exactly one of oidc and workload", "")
	}
	if len(d.Problems()) == before {
		if err := id.check(); err != nil {
			d.Report(n, err.Error(), "")
		}
	}
	return id
}

func (d *decoder) oidc(n *strict.Node, id *Identity) {
	d.Mapping(n, "oidc", strict.Fields{
		"issuer":    d.Into(&id.Issuer),
		"client_id": d.Into(&id.ClientID),
		"client_secret": func(n *strict.Node) {
			id.ClientSecret = &credential.Source{}
			d.secret(id.ClientSecret, "a client's secret")(n)
		},
		"scopes":  func(n *strict.Node) { id.Scopes = nil; d.strings(&id.Scopes)(n) },
		"ca_file": d.path(&id.CAFile),
	})
	d.needs(n, "oidc", "issuer", "client_id")
	if id.Scopes != nil && !slices.Contains(id.Scopes, "openid") {
		d.Report(n, "the scopes must have openid among them", "")
	}
}

func (d *decoder) workload(n *strict.Node, id *Identity) {
	id.Workload = true
	d.Mapping(n, "workload", strict.Fields{"issuer": d.Into(&id.Issuer), "audience": d.Into(&id.ClientID), "ca_file": d.path(&id.CAFile)})
	d.needs(n, "workload", "issuer", "audience")
}

func (d *decoder) match(n *strict.Node) Match {
	var m Match
	d.Mapping(n, "a match rule", strict.Fields{
		"claims": d.texts(&m.Claims, "claims"),
		"as":     d.Into(&m.As),
		"groups": d.strings(&m.Groups),
		"type":   d.Into(&m.Type),
		"owner": func(n *strict.Node) {
			m.Owner = &api.Person{}
			d.Mapping(n, "an owner", strict.Fields{"issuer": d.Into(&m.Owner.Issuer), "subject": d.Into(&m.Owner.Subject)})
			d.needs(n, "an owner", "issuer", "subject")
		},
	})
	d.needs(n, "a match rule", "claims", "as")
	return m
}

// check asks the package that will use it, so that both say the same.
func (id Identity) check() error {
	c := id.Provider("")
	c.CAFile = "" // read when hoopd starts, and by `hoopd check`
	_, err := identity.NewProvider(c)
	return err
}

// Provider is what pkg/identity is configured with; secret is the client's, "" for none.
func (id Identity) Provider(secret string) identity.Config {
	c := identity.Config{
		Name: id.Name, Issuer: id.Issuer, ClientID: id.ClientID, ClientSecret: secret, Scopes: id.Scopes, CAFile: id.CAFile,
		UsernameClaim: id.UsernameClaim, GroupsClaim: id.GroupsClaim,
	}
	if id.Workload {
		c.Type = identity.Workload
	}
	for _, m := range id.Match {
		c.Match = append(c.Match, identity.Match{Claims: m.Claims, As: m.As, Groups: m.Groups, Owner: m.Owner, Type: m.Type})
	}
	return c
}

// Problem puts what was found out about a provider where it stands in the file.
func (c *Config) Problem(id Identity, message, hint string) Problem {
	return id.at.Problem(c.File, strings.TrimSpace(message), hint)
}
