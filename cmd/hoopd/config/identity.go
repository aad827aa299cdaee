package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/identity"
)

func (d *decoder) identities(n *node, b *Broker) {
	seen := map[string]bool{}
	d.each(n, func(n *node) {
		id := d.identity(n)
		if id.Name != "" && seen[id.Name] {
			d.problem(n, fmt.Sprintf("the name %q is used twice", id.Name), "")
		}
		seen[id.Name] = true
		b.Identity = append(b.Identity, id)
	})
}

func (d *decoder) identity(n *node) Identity {
	id := Identity{at: n, Scopes: []string{"openid"}}
	before := len(d.problems)
	d.mapping(n, "an identity provider", fields{
		"name":           d.into(&id.Name),
		"oidc":           func(n *node) { d.oidc(n, &id) },
		"saml":           d.later("SAML", "use the provider's OpenID Connect"),
		"workload":       func(n *node) { d.workload(n, &id) },
		"username_claim": d.into(&id.UsernameClaim),
		"groups_claim":   d.into(&id.GroupsClaim),
		"groups_attribute": func(n *node) {
			d.problem(n, "groups_attribute belongs to SAML, which is not served by this version", "with oidc, write groups_claim")
		},
		"match": func(n *node) { d.each(n, func(n *node) { id.Match = append(id.Match, d.match(n)) }) },
	})
	d.needs(n, "an identity provider", "name")
	if n.kind == mapping && !n.has("saml") && n.has("oidc") == n.has("workload") {
		d.problem(n, "an identity provider has exactly one of oidc and workload", "")
	}
	if len(d.problems) == before {
		if err := id.check(); err != nil {
			d.problem(n, err.Error(), "")
		}
	}
	return id
}

func (d *decoder) oidc(n *node, id *Identity) {
	d.mapping(n, "oidc", fields{
		"issuer":    d.into(&id.Issuer),
		"client_id": d.into(&id.ClientID),
		"client_secret": func(n *node) {
			id.ClientSecret = &credential.Source{}
			d.secret(id.ClientSecret, "a client's secret")(n)
		},
		"scopes":  func(n *node) { id.Scopes = nil; d.strings(&id.Scopes)(n) },
		"ca_file": d.path(&id.CAFile),
	})
	d.needs(n, "oidc", "issuer", "client_id")
	if id.Scopes != nil && !slices.Contains(id.Scopes, "openid") {
		d.problem(n, "the scopes must have openid among them", "")
	}
}

func (d *decoder) workload(n *node, id *Identity) {
	id.Workload = true
	d.mapping(n, "workload", fields{"issuer": d.into(&id.Issuer), "audience": d.into(&id.ClientID), "ca_file": d.path(&id.CAFile)})
	d.needs(n, "workload", "issuer", "audience")
}

func (d *decoder) match(n *node) Match {
	var m Match
	d.mapping(n, "a match rule", fields{
		"claims": d.texts(&m.Claims, "claims"),
		"as":     d.into(&m.As),
		"groups": d.strings(&m.Groups),
		"type":   d.into(&m.Type),
		"owner": func(n *node) {
			m.Owner = &api.Person{}
			d.mapping(n, "an owner", fields{"issuer": d.into(&m.Owner.Issuer), "subject": d.into(&m.Owner.Subject)})
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
	p := Problem{File: c.File, Message: strings.TrimSpace(message), Hint: hint}
	if id.at != nil {
		p.Line, p.Column = id.at.line, id.at.column
	}
	return p
}
