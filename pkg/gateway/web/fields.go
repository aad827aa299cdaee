package web

import (
	"net/url"
	"slices"
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
		"remote-user", "x-user", "x-email", "x-token-subject",
		"x-real-host", "x-original-host", "x-host", "x-client-ip", "x-cluster-client-ip", "fastly-client-ip",
		"x-http-destinationurl", "x-middleware-subrequest", "x-goog-iap-jwt-assertion", "x-client-cert", "http2-settings",
		"sec-fetch-site", "x-request-id", "content-encoding":
		return true
	case "range", "if-range": // a part of a body could hold a part of the credential alone
		return masked || s.secrets != nil
	case "if-none-match", "if-modified-since", "if-match", "if-unmodified-since":
		return masked // parts of a body can't be masked, and whether one changed tells of what is masked
	}
	switch {
	case strings.ContainsRune(name, '_'): // servers that turn fields into variables read it as another one
		return true
	case slices.ContainsFunc(identities, func(prefix string) bool { return strings.HasPrefix(name, prefix) }):
		return true
	}
	return s.own(name)
}

// identities begin the names of fields in which proxies in wide use tell services who asks, or what was asked for.
var identities = []string{
	"x-forwarded", "x-hoop-", "x-auth-", "x-remote-", "x-webauth-", "x-goog-authenticated-user", "x-amzn-oidc-", "x-ms-client-principal",
	"cf-access-", "tailscale-user-", "x-pomerium-", "x-authentik-", "x-vouch-", "x-consumer-", "x-envoy-", "ssl-client-", "x-ssl-",
	"x-authenticated-", "impersonate-",
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
		if c != "" && !s.ownCookie(name) && !localCookie(name) {
			kept = append(kept, c)
		}
	}
	return strings.Join(kept, "; ")
}
