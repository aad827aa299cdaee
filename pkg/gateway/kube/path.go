package kube

import (
	"strings"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// maxPath is how many bytes a path may have.
const maxPath = 8 << 10

// proxied cuts a path behind ".../proxy": what follows belongs to somebody else's service, and only that may end in a slash.
func proxied(path string) (head, rest string) {
	parts := strings.Split(path, "/")
	// "", api, v1, nodes, N, proxy, … and "", api, v1, namespaces, NS, pods, P, proxy, …
	for _, at := range []int{5, 7} {
		if len(parts) > at+1 && parts[1] == "api" && parts[at] == "proxy" && (at == 7) == (parts[3] == "namespaces") {
			return strings.Join(parts[:at+1], "/"), "/" + strings.Join(parts[at+1:], "/")
		}
	}
	return path, ""
}

// behindProxy reads what stands behind proxy.
func (t *Tuple) behindProxy(rest string) *api.Refusal {
	if rest == "" || rest == "/" {
		t.Rest = rest
		return nil
	}
	parts, r := segments(strings.TrimSuffix(rest, "/"), true)
	if r == nil && len(parts) == 0 {
		r = badRequest("The path behind proxy is not canonical: it has an empty segment.")
	}
	if r != nil {
		return r
	}
	t.Rest = "/" + strings.Join(parts, "/")
	if strings.HasSuffix(rest, "/") {
		t.Rest += "/"
	}
	return nil
}

// segments decodes a path that is written in the one form in which every reader reads it the same. Of any means that a
// segment may hold any character, as those of a service's own paths do.
func segments(path string, anything bool) ([]string, *api.Refusal) {
	switch {
	case path == "/":
		return nil, nil
	case len(path) > maxPath:
		return nil, badRequest("The path is too long.")
	case !strings.HasPrefix(path, "/"):
		return nil, badRequest("The path does not begin with a slash.")
	}
	parts := strings.Split(path[1:], "/")
	for i, p := range parts {
		text, why := segment(p, anything)
		if why == "" && p == "" && i == len(parts)-1 {
			why = "it ends in a slash"
		}
		switch {
		case why != "":
		case text == "":
			why = "it has an empty segment"
		case text == "." || text == "..":
			why = "it has a segment of dots"
		}
		if why != "" {
			return nil, badRequest("The path " + clipped(path) + " is not canonical: " + why + ".")
		}
		parts[i] = text
	}
	return parts, nil
}

// segment decodes one segment, or says what is wrong with it.
func segment(s string, anything bool) (text, why string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '%' {
			if !unreserved(c) && !delimiter(c) {
				return "", "it has a character that must not stand there"
			}
			b.WriteByte(c)
			continue
		}
		if i+2 >= len(s) || !upperHex(s[i+1]) || !upperHex(s[i+2]) {
			return "", "a percent sign has no two digits in upper case behind it"
		}
		c = unhex(s[i+1])<<4 | unhex(s[i+2])
		switch {
		case unreserved(c):
			return "", "it encodes a character that needs no encoding"
		case c < 0x20 || c == 0x7F || strings.IndexByte(`/\%;?#`, c) >= 0:
			return "", "it encodes a character that must not stand in a segment"
		case !anything && !delimiter(c):
			return "", "it encodes a character that no name has"
		}
		b.WriteByte(c)
		i += 2
	}
	if !utf8.ValidString(b.String()) {
		return "", "it is not UTF-8"
	}
	return b.String(), ""
}

// appendSegment writes a segment in the form that segment reads.
func appendSegment(b *strings.Builder, text string) {
	for i := 0; i < len(text); i++ {
		if c := text[i]; unreserved(c) || delimiter(c) {
			b.WriteByte(c)
		} else {
			const digits = "0123456789ABCDEF"
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
}

// unreserved and delimiter are the characters that may stand in a segment as they are (RFC 3986, section 3.3), but for ";",
// behind which some readers look for parameters.
func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func delimiter(c byte) bool { return strings.IndexByte(":@$&+=,!*'()", c) >= 0 }

func upperHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'F' }

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c - 'A' + 10
}
