package web

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// asked is what of a client's fields goes to the target. Who the client is and where it comes from is not the client's to
// say, and neither is what the gateway has understood the request to be.
func (s *service) asked(q *http1.Request, masked bool) http1.Fields {
	var out http1.Fields
	for _, f := range q.EndToEnd() {
		name := strings.ToLower(f.Name)
		treated := treatmentOf(name)
		switch {
		case treated == condition && f.Value == "*": // on whether there is anything, which no mask hides
			out = append(out, f)
		case s.own(name) || s.drops(treated, masked):
		case name == "origin":
			out = append(out, http1.Field{Name: f.Name, Value: s.origin()})
		case name == "referer":
			if value, ok := s.referer(f.Value); ok {
				out = append(out, http1.Field{Name: f.Name, Value: value})
			}
		case name == "cookie":
			if value := s.cookies(f.Value); value != "" {
				out = append(out, http1.Field{Name: f.Name, Value: value})
			}
		default:
			out = append(out, f)
		}
	}
	return out
}

// drops says whether a field of a request is not passed on.
func (s *service) drops(t treatment, masked bool) bool {
	switch t {
	case dropped:
		return true
	case part: // it could hold a part of the credential alone
		return masked || s.secrets != nil
	case condition: // whether a body changed tells of what is masked in it
		return masked
	}
	return false
}

// conditional says whether a request that changes something is to be done for one version alone, which masks keep from the client: without
// the condition it would be another request.
func conditional(q *http1.Request) bool {
	return effectOf(q.Method) != policy.Read && slices.ContainsFunc(q.EndToEnd(), func(f http1.Field) bool {
		return treatmentOf(strings.ToLower(f.Name)) == condition && f.Value != "*"
	})
}

// origin is the target's own.
func (s *service) origin() string { return s.base.Scheme + "://" + s.base.Host }

// referer is a page of the local origin, as a page of the target's.
func (s *service) referer(value string) (string, bool) {
	u, err := url.Parse(value)
	if err != nil || !strings.HasPrefix(u.Path, "/") {
		return "", false
	}
	return s.origin() + s.prefix + u.EscapedPath(), true
}

// cookies are a client's, without one by which the gateway signs in.
func (s *service) cookies(value string) string {
	var kept []string
	for _, c := range strings.Split(value, ";") {
		c = strings.TrimSpace(c)
		name, _, _ := strings.Cut(c, "=")
		if c != "" && !s.speaksOfOwnCookie(c) && !localCookie(name) {
			kept = append(kept, c)
		}
	}
	return strings.Join(kept, "; ")
}

// speaksOfOwnCookie says whether some server may find the gateway's cookie in what stands between two semicolons: some part cookies at
// commas and white space, decode their names, or take them in any case.
func (s *service) speaksOfOwnCookie(crumb string) bool {
	if s.cookie == "" {
		return false
	}
	if plain, err := url.PathUnescape(crumb); err == nil {
		crumb = plain
	}
	return slices.ContainsFunc(strings.FieldsFunc(crumb, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",\"", r) }), func(word string) bool {
		name, _, _ := strings.Cut(word, "=")
		return policy.SameParameter(name, s.cookie)
	})
}
