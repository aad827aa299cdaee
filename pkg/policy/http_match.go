package policy

import (
	"slices"
	"strings"
)

// httpFacts are what a rule asks of a request to a service. Its fields are held by the bearing of its verdict.
type httpFacts struct {
	methods        []string
	paths          []template
	query, headers []parameter
	rpc, tools     globs
}

// parameter is a name with what its values may be. Of a query, "*" is every name that the rule does not write out.
type parameter struct {
	name   string
	values globs
}

func (f *httpFacts) match(h *HTTP, how bearing) bool {
	return h != nil && f.means(h) && f.leads(h, how) && f.asks(h, how) && f.says(h, how) &&
		named(f.rpc, h.RPC, how) && named(f.tools, h.Tool, how)
}

// named says whether a name is listed, where names are asked for.
func named(list globs, name string, how bearing) bool {
	return list == nil || name != "" && (list.match(name) || how == wary && list.alike(name))
}

// means says whether the method is one of the rule's. HEAD is a GET whose answer is left out.
func (f *httpFacts) means(h *HTTP) bool {
	return f.methods == nil || slices.Contains(f.methods, h.Method) || h.Method == "HEAD" && slices.Contains(f.methods, "GET")
}

// leads says whether the path is one of the rule's.
func (f *httpFacts) leads(h *HTTP, how bearing) bool {
	if f.paths == nil {
		return true
	}
	if h.Path == "" {
		return how == wary
	}
	return slices.ContainsFunc(f.paths, func(t template) bool { return t.match(h.Path) || how == wary && t.like(h.Path) })
}

// asks says whether the query is as the rule asks. An allow rule admits no parameter that it does not name, and wants each that it
// restricts; another one matches where each of its parameters has a listed value.
func (f *httpFacts) asks(h *HTTP, how bearing) bool {
	if f.query == nil {
		return true
	}
	if how != admitting {
		return !slices.ContainsFunc(f.query, func(p parameter) bool { return !p.any(h.Query, how) })
	}
	for name, values := range h.Query {
		p := parameterOf(f.query, name)
		if p == nil || !p.values.matchAll(values) {
			return false
		}
		if p.name == "*" && slices.ContainsFunc(f.query, func(q parameter) bool { return SameParameter(q.name, name) && !q.values.matchAll(values) }) {
			return false // to some services it is the one that is written out
		}
	}
	return !slices.ContainsFunc(f.query, func(p parameter) bool {
		return p.name != "*" && !p.values.everything() && len(h.Query[p.name]) == 0
	})
}

// parameterOf is what a list says of a name.
func parameterOf(list []parameter, name string) *parameter {
	var rest *parameter
	for i := range list {
		switch list[i].name {
		case name:
			return &list[i]
		case "*":
			rest = &list[i]
		}
	}
	return rest
}

// any says whether one value of the parameter is listed. Services differ in which names of parameters are the same to them, so a rule that
// is wary takes each that some service takes for it, and values in any case.
func (p *parameter) any(all map[string][]string, how bearing) bool {
	for name, values := range all {
		if p.name != name && p.name != "*" && !(how == wary && SameParameter(p.name, name)) {
			continue
		}
		if p.values.matchAny(values) || how == wary && slices.ContainsFunc(values, p.values.alike) {
			return true
		}
	}
	return false
}

// says whether the headers are as the rule asks: of an allow rule every value of each that it names. Of another one a value is enough,
// be it in a list.
func (f *httpFacts) says(h *HTTP, how bearing) bool {
	return !slices.ContainsFunc(f.headers, func(p parameter) bool {
		values := h.Headers[p.name]
		if how == admitting {
			return len(values) == 0 || !p.values.matchAll(values)
		}
		if p.values.matchAny(values) {
			return false
		}
		return how != wary || !slices.ContainsFunc(values, func(value string) bool {
			return slices.ContainsFunc(append(strings.Split(value, ","), value), p.values.alike)
		})
	})
}
