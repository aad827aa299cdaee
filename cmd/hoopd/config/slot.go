package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/credential"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// service reads a connection of kind http.
func (d *decoder) service(n *strict.Node) Connection {
	c := Connection{TLS: TLS{Mode: VerifyFull}}
	d.overHTTP(n, "a connection of kind http", &c, strict.Fields{
		"credential":    func(n *strict.Node) { d.serviceCredential(n, &c) },
		"raw_paths":     d.boolean(&c.RawPaths),
		"shown_cookies": func(n *strict.Node) { d.shownCookies(n, &c) },
		"assertion":     func(n *strict.Node) { c.Assertion = d.assertion(n) },
	})
	if c.Assertion != nil && c.Slot.In == credential.InHeader && strings.EqualFold(c.Assertion.Header, c.Slot.Name) ||
		c.Assertion != nil && c.Slot.In == credential.InBasic && strings.EqualFold(c.Assertion.Header, "Authorization") {
		d.Report(n, "the assertion would stand in the header of the credential", "write another header: X-Hoop-Identity")
	}
	return c
}

// shownCookies reads the names of cookies whose values clients get.
func (d *decoder) shownCookies(n *strict.Node, c *Connection) {
	d.Each(n, func(n *strict.Node) {
		if err := checkPlain(d.Text(n)); err != nil {
			d.Report(n, err.Error(), "write: shown_cookies: [lang]")
		}
		c.ShownCookies = append(c.ShownCookies, n.Text)
	})
}

func (d *decoder) serviceCredential(n *strict.Node, c *Connection) {
	slot := func(in, what string, check func(string) error) func(*strict.Node) {
		return func(n *strict.Node) { d.slot(n, c, in, what, check) }
	}
	d.Mapping(n, "a credential", strict.Fields{
		"header": slot(credential.InHeader, "a header", gateway.CheckHeader),
		"query":  slot(credential.InQuery, "a parameter", checkPlain),
		"cookie": slot(credential.InCookie, "a cookie", checkPlain),
		"basic": func(n *strict.Node) {
			c.Slot.In = credential.InBasic
			d.Mapping(n, "basic", strict.Fields{"user": d.Into(&c.User), "password": d.secret(&c.Password, "a password")})
			d.needs(n, "basic", "user", "password")
			if strings.Contains(c.User, ":") {
				d.Report(n, "a user of basic has no colon in the name", "")
			}
		},
		"none": func(n *strict.Node) {
			if n.Kind != strict.Mapping || len(n.Entries) > 0 {
				d.Report(n, "none has nothing in it", "write: none: {}")
			}
		},
		"certificate": d.secret(&c.Certificate, "a certificate"),
		"key":         d.secret(&c.Key, "a private key"),
	})
	d.pair(n)
	ways := d.ways(n, "header", "basic", "query", "cookie", "none")
	if n.Kind == strict.Mapping && ways != 1 && (ways != 0 || !n.Has("certificate")) {
		d.Report(n, "a credential for a service is one of header, basic, query, cookie and none; a certificate with its key may stand beside it",
			"write: header: {name: Authorization, value: {file: PATH}}, or none: {} where the service asks for nothing")
	}
	if c.Slot.In == credential.InQuery {
		d.warn(n, "a credential in the query stands in the log of the service and of whatever is before it", "use a header, if the service takes one")
	}
}

func (d *decoder) slot(n *strict.Node, c *Connection, in, what string, check func(string) error) {
	c.Slot.In = in
	d.Mapping(n, in, strict.Fields{
		"name": func(n *strict.Node) {
			if c.Slot.Name = d.Text(n); c.Slot.Name != "" {
				if err := check(c.Slot.Name); err != nil {
					d.Report(n, err.Error(), "")
				}
			}
		},
		"value": d.secret(&c.Value, "the value of "+what),
	})
	d.needs(n, in, "name", "value")
}

func checkPlain(name string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`).MatchString(name) {
		return fmt.Errorf("%q is no name: letters, digits, dots and dashes", name)
	}
	return nil
}

func (d *decoder) assertion(n *strict.Node) *gateway.Assertion {
	a := &gateway.Assertion{}
	d.Mapping(n, "an assertion", strict.Fields{
		"header": func(n *strict.Node) {
			if a.Header = d.Text(n); a.Header != "" {
				if err := gateway.CheckHeader(a.Header); err != nil {
					d.Report(n, err.Error(), "write: header: X-Hoop-Identity")
				}
			}
		},
		"audience": d.Into(&a.Audience),
	})
	d.needs(n, "an assertion", "header", "audience")
	return a
}
