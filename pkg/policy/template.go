package policy

import (
	"fmt"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// template is a pattern over the segments of a canonical path: "{x}" and "*" stand for one segment that is not empty, a last "**" for
// any further ones, none included. All else stands for itself.
type template struct {
	text     string
	segments []string // "*" stands for one
	open     bool
}

// match compares a path exactly.
func (t template) match(path string) bool {
	return t.fits(path, func(a, b string) bool { return a == b })
}

// like takes for the same what many services do: the other case of a letter, a slash at the end, and what Windows leaves out at the end
// of a name, dots and spaces.
func (t template) like(path string) bool {
	same := func(a, b string) bool { return strings.EqualFold(bare(a), bare(b)) }
	return t.fits(path, same) || t.fits(strings.TrimSuffix(path, "/"), same) || t.fits(path+"/", same)
}

// bare is a segment without dots and spaces at its end.
func bare(segment string) string {
	for {
		rest := strings.TrimRight(segment, ".")
		for _, space := range []string{"%20", "%C2%A0"} {
			rest = strings.TrimSuffix(rest, space)
		}
		if rest == segment {
			return rest
		}
		segment = rest
	}
}

func (t template) fits(path string, same func(a, b string) bool) bool {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return t.open && len(t.segments) == 0 && path == ""
	}
	parts := strings.Split(rest, "/")
	if len(parts) < len(t.segments) || !t.open && len(parts) > len(t.segments) {
		return false
	}
	for i, s := range t.segments {
		if s == "*" && parts[i] == "" || s != "*" && !same(s, parts[i]) {
			return false
		}
	}
	return true
}

// template reads a path. What it writes out is canonical: another way of writing it would never match.
func (d *decoder) template(n *strict.Node) template {
	t := template{text: d.Text(n)}
	rest, ok := strings.CutPrefix(t.text, "/")
	if !ok {
		d.Report(n, fmt.Sprintf("%q: a path begins with a slash", t.text), `write: paths: ["/api/users/{id}", "/static/**"]`)
		return t
	}
	parts := strings.Split(rest, "/")
	for i, s := range parts {
		switch last := i == len(parts)-1; {
		case s == "**" && last:
			t.open = true
			continue
		case s == "**":
			d.Report(n, fmt.Sprintf("%q: ** stands for all that follows, so it is the last segment", t.text), "write * or {name} for one segment")
		case len(s) > 2 && s[0] == '{' && s[len(s)-1] == '}' && !strings.ContainsAny(s[1:len(s)-1], "{}*"):
			s = "*"
		case s == "*":
		case s == "" && !last || s == "." || s == "..":
			d.Report(n, fmt.Sprintf("%q: no canonical path has such a segment, so it never matches", t.text), "")
		case strings.ContainsAny(s, "*{}"):
			d.Report(n, fmt.Sprintf("%q: {name} and * stand for one whole segment", t.text), `write "/files/{file}", and what the file may be called in: if`)
		default:
			d.canonical(n, s)
		}
		t.segments = append(t.segments, s)
	}
	return t
}

// canonical checks that a segment is written as in canonical paths (RFC 3986, section 6.2.2): what needs no encoding is not encoded, and
// the rest is, in upper case.
func (d *decoder) canonical(n *strict.Node, segment string) {
	for i := 0; i < len(segment); i++ {
		switch c := segment[i]; {
		case unreserved(c) || strings.IndexByte("!$&'()+,=:@", c) >= 0:
		case c == '%' && i+2 < len(segment) && strings.Trim(segment[i+1:i+3], "0123456789ABCDEF") == "" && !unreserved(unhex(segment[i+1])<<4|unhex(segment[i+2])):
			i += 2
		default:
			d.Report(n, fmt.Sprintf("%q: %q stands in no canonical path", segment, c), "encode in upper case what must be encoded, and nothing else: /a%20b")
			return
		}
	}
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func unhex(c byte) byte {
	if c >= 'A' {
		return c - 'A' + 10
	}
	return c - '0'
}
