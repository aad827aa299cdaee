package policy

import (
	"fmt"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// HTTPMethods are the words that `http.methods` can name: methods, and MESSAGE for what a client says over an open WebSocket.
func HTTPMethods() []string {
	return []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "MESSAGE"}
}

func (d *decoder) http(n *strict.Node) *httpFacts {
	f := &httpFacts{}
	d.Mapping(n, "http", strict.Fields{
		"methods": d.words(&f.methods, "method", HTTPMethods()...),
		"paths":   func(n *strict.Node) { d.Each(n, func(n *strict.Node) { f.paths = append(f.paths, d.template(n)) }) },
		"query":   func(n *strict.Node) { f.query = d.parameters(n, "query") },
		"headers": func(n *strict.Node) {
			f.headers = d.parameters(n, "headers")
			for i, p := range f.headers {
				if f.headers[i].name = strings.ToLower(p.name); p.name == "*" {
					d.Report(n, "headers are named in full", `write: headers: {"x-tenant": [a, b]}`)
				}
			}
		},
		"rpc":   d.globs(&f.rpc),
		"tools": d.globs(&f.tools),
	})
	d.asks(n)
	return f
}

// parameters reads names with what their values may be.
func (d *decoder) parameters(n *strict.Node, what string) (list []parameter) {
	for _, l := range d.labels(n, what) {
		if l.name != "*" && strings.ContainsAny(l.name, "* ") {
			d.Report(n, fmt.Sprintf("%q: names stand in full here", l.name), "")
		}
		list = append(list, parameter(l))
	}
	return list
}
