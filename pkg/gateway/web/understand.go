package web

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// bodyCap is how much of a request's body is read before it is judged, and shown to who approves it. What is longer is a
// transfer: counted and hashed on its way, and never approved.
const bodyCap = 1 << 20

// Understand says what a request would do.
func (s *service) Understand(_ context.Context, q *exchange.Request) (*exchange.Meaning, *api.Refusal) {
	m, why := s.understood(q)
	if m == nil {
		m = &exchange.Meaning{Command: s.refusedCommand(q)}
	}
	return m, why
}

// understood is what a request would do; nil, with a refusal, where nobody can say.
func (s *service) understood(q *exchange.Request) (*exchange.Meaning, *api.Refusal) {
	if q.Method == MethodMessage { // a word of ours
		return nil, unserved(q.Method)
	}
	facts, why := factsOf(q.Method, q.Path, q.Query)
	if why != nil {
		return nil, why
	}
	if s.rawPaths {
		facts.Decoded = ""
	}
	mediaType := q.Fields.Get("Content-Type")
	if !readable(mediaType) {
		return nil, unsupported("The body's characters are in a code in which it can't be judged.", "Send it in UTF-8.")
	}
	if !oneType(mediaType) {
		return nil, unsupported("The body's type is another one to some who read it.", "Send it with one type in Content-Type.")
	}
	packed := gzipped(q.Request)
	if why := exchange.Packed(q.Request, Kind); why != nil && !packed {
		return nil, why
	}
	for name := range facts.Query {
		if s.parameter != "" && policy.SameParameter(name, s.parameter) {
			return nil, malformed("The query has the parameter that the gateway signs in with.")
		}
	}
	body, whole, err := q.Peek(bodyCap)
	if err != nil {
		return nil, malformed("Its body can't be read.")
	}
	if packed {
		if body, why = unpacked(body, whole); why != nil {
			return nil, why
		}
	}
	accesses, why := judged(facts, body, whole)
	if why != nil {
		return nil, why
	}
	if err := overridden(q.Method, mediaType, body, whole); err != nil {
		return nil, malformed("The body: " + err.Error() + ".")
	}
	if err := mirrored(q.Fields, facts); err != nil {
		return nil, malformed(err.Error() + ".")
	}
	m := &exchange.Meaning{}
	if !whole {
		m.Command.Unshown = fmt.Sprintf("Its body is longer than %d bytes.", bodyCap)
		m.Follows = newTail(q.Method, mediaType).follows
		if why := m.Follows(body); why != nil {
			return nil, why
		}
	}
	masked := s.masked(q.Standing)
	if masked && conditional(q.Request) {
		return nil, unsupported("Something is masked here, so nothing can be made to depend on its version.", "Send the request without If-Match and the like, or with * for any version.")
	}
	m.Send = http1.Request{
		Method: q.Method, Path: s.prefix + facts.Path, Query: q.Query, Asked: q.Asked, Minor: 1,
		Fields: s.asked(q.Request, masked), Length: q.Length, Close: mistakable(q.Method, body),
	}
	facts.Headers = headers(m.Send.Fields) // what the target gets: a rule must not count on what Connection takes away
	m.Body, m.Rest = body, !whole
	if whole {
		m.Send.Length = int64(len(body))
	}
	m.Send.Fields = append(m.Send.Fields, http1.Field{Name: "Accept-Encoding", Value: "identity"}) // what passes is looked at
	m.Command.Facts = policy.Command{Accesses: accesses, HTTP: facts}
	s.say(m, q, facts, body)
	m.Shows = s.shows
	if namesCall(facts.Query) {
		m.Shows = s.showsCall
	}
	m.Shows = s.linked(q.Host(), m.Shows)
	if q.Upgrade != "" {
		return m, s.upgrade(m, q)
	}
	return m, nil
}

// factsOf are those that a request's line tells.
func factsOf(method, path, query string) (*policy.HTTP, *api.Refusal) {
	if effectOf(method) == policy.Unknown {
		return nil, unserved(method)
	}
	clean, err := canonical(path)
	if err != nil {
		return nil, malformed("The path: " + err.Error() + ".")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, malformed("The query can't be read in one way.")
	}
	for name := range values {
		switch {
		case saysMethod(name, "", method):
			return nil, malformed("The query names another method.")
		case policy.SameParameter(name, "jsonrpc"):
			return nil, malformed("A request of JSON-RPC stands in the query: send it as the body of a POST.")
		}
	}
	return &policy.HTTP{Method: method, Path: clean, Decoded: decoded(clean), Query: values}, nil
}

// judged are the pairs that a request is judged by. What its body tells is added to the facts.
//
// A body that calls a tool has that effect beside its method's, never in place of it: whether the service reads it as a call, or takes
// what else it needs from it, only the service knows.
func judged(facts *policy.HTTP, body []byte, whole bool) ([]policy.Access, *api.Refusal) {
	accesses := []policy.Access{{Effect: effectOf(facts.Method), Object: facts.Path}}
	if !whole {
		accesses = append(accesses, policy.Access{Effect: policy.Transfer, Object: facts.Path})
		if jsonish(body) { // it may call anything further on
			accesses = append(accesses, policy.Access{Effect: policy.Unknown, Object: facts.Path})
		}
		return accesses, nil
	}
	c, err := rpc(body)
	if err != nil {
		return nil, malformed("The body: " + err.Error() + ".")
	}
	if c != nil {
		facts.RPC, facts.Tool, facts.Arguments = c.method, c.tool, c.arguments
		if c.method == toolsCall {
			accesses = append(accesses, policy.Access{Effect: policy.Execute, Object: facts.Path})
		}
	}
	return accesses, nil
}

// effectOf is what a method does by itself (RFC 9110, section 9).
func effectOf(method string) policy.Effect {
	switch method {
	case "GET", "HEAD":
		return policy.Read
	case "POST", "PUT", "PATCH", MethodMessage:
		return policy.Write
	case "DELETE":
		return policy.Delete
	case "OPTIONS":
		return policy.Session
	}
	return policy.Unknown
}

// headers are a request's fields as rules read them.
func headers(fields http1.Fields) map[string][]string {
	out := map[string][]string{}
	for _, f := range fields {
		name := strings.ToLower(f.Name)
		out[name] = append(out[name], f.Value)
	}
	return out
}

// asking is a query behind its path.
func asking(asked bool, query string) string {
	if !asked {
		return ""
	}
	return "?" + query
}

// refusedCommand is what a recording holds of a request that could not be understood.
func (s *service) refusedCommand(q *exchange.Request) guard.Command {
	line := q.Method + " " + q.Path + asking(q.Asked, q.Query)
	return guard.Command{
		Facts: policy.Command{Accesses: []policy.Access{{Effect: policy.Unknown}}, HTTP: &policy.HTTP{Method: q.Method}},
		Text:  line, Recorded: s.recorded(q, q.Path, nil), Normal: line, Rewritten: line,
	}
}

func unserved(method string) *api.Refusal {
	return &api.Refusal{
		Code: exchange.CodeMethod, Rule: Kind, Message: fmt.Sprintf("The method %.20q is not served.", method),
		Remedy: []api.Remedy{{Kind: "rewrite", Text: "Use GET, HEAD, OPTIONS, POST, PUT, PATCH or DELETE."}},
	}
}

func malformed(message string) *api.Refusal {
	return &api.Refusal{
		Code: exchange.CodeMalformed, Rule: Kind, Message: message,
		Remedy: []api.Remedy{{Kind: "rewrite", Text: "Send the request in its canonical form."}},
	}
}

func unsupported(message, hint string) *api.Refusal {
	return &api.Refusal{Code: exchange.CodeUnsupported, Rule: Kind, Message: message, Remedy: []api.Remedy{{Kind: "rewrite", Text: hint}}}
}
