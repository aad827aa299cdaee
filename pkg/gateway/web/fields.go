package web

import (
	"net/url"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

// asked is what of a client's fields goes to the target. Who the client is and where it comes from is not the client's to
// say, and neither is what the gateway has understood the request to be.
func (s *service) asked(q *http1.Request, masked bool) http1.Fields {
	var out http1.Fields
	for _, f := range q.EndToEnd() {
		name := strings.ToLower(f.Name)
		switch {
		case s.drops(name, masked):
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

// drops says whether a field of a request is never passed on.
func (s *service) drops(name string, masked bool) bool {
	switch name {
	case "authorization", "accept-encoding", "forwarded", "via", "x-real-ip", "true-client-ip", "client-ip", "cf-connecting-ip",
		"x-original-url", "x-rewrite-url", "x-original-uri", "x-original-method", "x-http-method", "x-http-method-override", "x-method-override",
		"remote-user", "x-remote-user", "x-remote-group", "x-user", "x-email", "x-webauth-user", "x-auth-request-user", "x-ssl-client-cert",
		"sec-fetch-site", "x-request-id":
		return true
	case "range", "if-range", "if-none-match", "if-modified-since", "if-match", "if-unmodified-since":
		return masked // parts of a body can't be masked, and whether one changed tells of what is masked
	}
	switch {
	case strings.ContainsRune(name, '_'): // servers that turn fields into variables read it as another one
		return true
	case strings.HasPrefix(name, "x-forwarded"), strings.HasPrefix(name, "x-auth-request-"), strings.HasPrefix(name, "x-hoop-"), strings.HasPrefix(name, "x-goog-authenticated-user"):
		return true
	}
	return s.own(name)
}

// answered is what of a target's fields goes to the client.
func (s *service) answered(a *http1.Answer, masked bool) http1.Fields {
	var out http1.Fields
	for _, f := range a.EndToEnd() {
		name := strings.ToLower(f.Name)
		switch {
		case withholds(name, masked):
		case name == "location" || name == "content-location":
			out = append(out, http1.Field{Name: f.Name, Value: s.location(f.Value)})
		case name == "set-cookie":
			if value := hostOnly(f.Value); value != "" {
				out = append(out, http1.Field{Name: f.Name, Value: value})
			}
		default:
			out = append(out, f)
		}
	}
	return out
}

// withholds says whether a field of an answer is never passed on: it speaks of other origins than the one that the client
// sees, or of a body as it was before masks.
func withholds(name string, masked bool) bool {
	switch name {
	case "alt-svc", "strict-transport-security", "public-key-pins", "service-worker-allowed", "clear-site-data", "proxy-authenticate", "content-encoding":
		return true
	case "etag", "content-md5", "digest", "content-digest", "repr-digest", "last-modified", "accept-ranges", "content-range":
		return masked
	}
	return false
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

// location is where a target sends a client, seen from the client: its own origin is where the client is already.
func (s *service) location(value string) string {
	u, err := url.Parse(value)
	if err != nil {
		return "/"
	}
	if strings.EqualFold(u.Host, s.base.Host) {
		u.Scheme, u.Host, u.User = "", "", nil
	}
	if u.Host == "" && s.prefix != "" {
		u.Path = "/" + strings.TrimPrefix(strings.TrimPrefix(u.Path, s.prefix), "/")
		u.RawPath = ""
	}
	if u.Host == "" && strings.HasPrefix(u.Path, "//") { // would be another host
		return "/"
	}
	return u.String()
}

// hostOnly is a cookie without the domain that it asks for: what the target may set is for this one origin.
func hostOnly(cookie string) string {
	parts := strings.Split(cookie, ";")
	kept := parts[:1]
	for _, p := range parts[1:] {
		name, _, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(name, "domain") && p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, ";")
}

// cookies are a client's, without one by which the gateway signs in.
func (s *service) cookies(value string) string {
	var kept []string
	for _, c := range strings.Split(value, ";") {
		c = strings.TrimSpace(c)
		name, _, _ := strings.Cut(c, "=")
		if c != "" && !s.ownCookie(name) {
			kept = append(kept, c)
		}
	}
	return strings.Join(kept, "; ")
}
