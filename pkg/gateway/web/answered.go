package web

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// answered is what of a target's fields goes to the client.
func (s *service) answered(a *http1.Answer, masked bool) http1.Fields {
	all := a.EndToEnd()
	out := all[:0]
	for _, f := range all {
		name := strings.ToLower(f.Name)
		switch {
		case withholds(name, masked):
		case name == "location" || name == "content-location":
			out = append(out, http1.Field{Name: f.Name, Value: s.location(f.Value)})
		case name == "set-cookie":
			if value := s.standingIn(s.hostOnly(f.Value)); value != "" {
				out = append(out, http1.Field{Name: f.Name, Value: value})
			}
		default:
			out = append(out, f)
		}
	}
	return out
}

// withholds says whether a field of an answer is never passed on: it speaks of other origins than the one that the client
// sees, asks for a sign-in that is the gateway's, or speaks of a body as it was before masks.
func withholds(name string, masked bool) bool {
	switch name {
	case "alt-svc", "strict-transport-security", "public-key-pins", "service-worker-allowed", "clear-site-data", "proxy-authenticate", "content-encoding",
		"set-cookie2", "refresh", "nel", "report-to", "reporting-endpoints", "www-authenticate", "authentication-info", "keep-alive":
		return true
	case "last-modified", "accept-ranges", "content-range":
		return masked
	}
	return masked && measures(name)
}

// measures says whether a field tells the sum or the length of a body. Who knows all of one but a short value that is masked finds that by
// trying what has the sum. Stores and registries have names of their own for them: X-Goog-Hash, X-Amz-Checksum-Sha256, X-Checksum-Md5,
// X-Ms-Content-Crc64, Docker-Content-Digest.
func measures(name string) bool {
	return slices.ContainsFunc(measuring, func(part string) bool { return strings.Contains(name, part) })
}

var measuring = []string{
	"etag", "digest", "hash", "checksum", "md5", "crc", "sha1", "sha-1", "sha2", "sha-2", "sha3", "sha-3", "sha5", "sha-5", "content-length",
}

// location is where a target sends a client, seen from the client: its own origin is where the client is already.
func (s *service) location(value string) string {
	u, err := url.Parse(value)
	if err != nil {
		return "/"
	}
	if u.Host != "" && !s.at(u) {
		return u.String() // the client's to follow or not: the gateway never does
	}
	if u.Host != "" {
		u.Scheme, u.Host, u.User = "", "", nil
		if u.Path == "" {
			u.Path = "/"
		}
	}
	path := u.EscapedPath()
	if rest, ok := strings.CutPrefix(path, s.prefix); ok && s.prefix != "" && (rest == "" || rest[0] == '/') {
		u.Path, u.RawPath = "/", ""
		if rest = "/" + strings.TrimPrefix(rest, "/"); rest != "/" {
			if u.Path, err = url.PathUnescape(rest); err != nil {
				return "/"
			}
			u.RawPath = rest
		}
	}
	if u.Scheme == "" && strings.HasPrefix(u.Path, "//") { // would be another host
		return "/"
	}
	return u.String()
}

// linked has the links of an answer's fields lead to where a client sees the service, at a host that it named: programs go from page to page of
// a list by them, with their credential. What is a whole address stays one, since many take no other.
func (s *service) linked(host string, shows showing) showing {
	return func(p *guard.Pass, a *http1.Answer) (exchange.Shown, error) {
		if len(a.Fields.Values("Link")) == 0 { // as most have none
			return shows(p, a)
		}
		said := *a
		said.Fields = slices.Clone(a.Fields)
		for i, f := range said.Fields {
			if strings.EqualFold(f.Name, "Link") {
				said.Fields[i].Value = linkTarget.ReplaceAllStringFunc(f.Value, func(t string) string { return "<" + s.link(host, t[1:len(t)-1]) + ">" })
			}
		}
		return shows(p, &said)
	}
}

type showing = func(*guard.Pass, *http1.Answer) (exchange.Shown, error)

// linkTarget is where a link leads (RFC 8288, section 3).
var linkTarget = regexp.MustCompile(`<[^<>]*>`)

func (s *service) link(host, target string) string {
	u, err := url.Parse(target)
	switch {
	case err != nil || host == "":
	case u.Host == "" && strings.HasPrefix(target, "/"):
		return s.location(target)
	case u.Host != "" && s.at(u):
		return "http://" + host + s.location(target)
	}
	return target
}

// at says whether an address that names a host is of the service. One without a scheme has the service's own.
func (s *service) at(u *url.URL) bool {
	full := *u
	if full.Scheme == "" {
		full.Scheme = s.base.Scheme
	}
	return authority(&full) == authority(s.base)
}

// authority is a host with its port, whether or not that is written. A service that is told to be reached without TLS may speak of
// itself with it, and the other way round.
func authority(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
	}
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// hostOnly is a cookie that a target sets, as the client gets it: for the origin that the client sees and no other, below the path where
// it sees the service. One that is named like the local proxy's own, or like the one by which the gateway signs in, is not set.
func (s *service) hostOnly(cookie string) string {
	parts := strings.Split(cookie, ";")
	name, _, _ := strings.Cut(parts[0], "=")
	if name = strings.TrimSpace(name); name == "" || localCookie(name) || s.ownCookie(name) {
		return ""
	}
	kept := parts[:1]
	for _, p := range parts[1:] {
		if p = s.attribute(p); p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, ";")
}

// attribute is one of a cookie, as the client gets it: those that tell how to keep it, and of them what they can say. A service that sets two
// cookies in one field, or has a semicolon in a value, would else show that; who it is for (Domain) the client knows.
func (s *service) attribute(text string) string {
	name, value, _ := strings.Cut(text, "=")
	value = strings.TrimSpace(value)
	known := false
	switch name = strings.ToLower(strings.TrimSpace(name)); name {
	case "path":
		known = !strings.ContainsAny(value, " \t,=\"")
		text = " Path=" + s.seenPath(value)
	case "expires":
		known = len(value) < 50 && strings.Trim(value, "\"0123456789 ,:+-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
	case "max-age":
		known = len(value) < 20 && strings.Trim(value, "\"-0123456789") == ""
	case "httponly", "secure", "partitioned":
		flag, _, _ := strings.Cut(text, "=")
		known, text = true, flag
	case "samesite":
		known = slices.Contains([]string{"lax", "strict", "none"}, strings.ToLower(value))
	case "priority":
		known = slices.Contains([]string{"low", "medium", "high"}, strings.ToLower(value))
	}
	if !known {
		return ""
	}
	return text
}

// seenPath is a path of the service, as the client sees it.
func (s *service) seenPath(path string) string {
	if rest, ok := strings.CutPrefix(path, s.prefix); ok && (rest == "" || rest[0] == '/') {
		path = rest
	}
	if path == "" {
		return "/"
	}
	return path
}

// localCookie says whether a cookie is one of the local proxy's, by which it knows browsers.
func localCookie(name string) bool {
	const prefix = "hoop_local_"
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}
