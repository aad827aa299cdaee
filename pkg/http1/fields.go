package http1

import (
	"iter"
	"slices"
	"strings"
)

// Field is one header field. The name's case is kept as it came.
type Field struct{ Name, Value string }

// Fields are header fields in the order in which they came.
type Fields []Field

// Get answers the first value of a name, "" where there is none. Case does not matter.
func (f Fields) Get(name string) string {
	for i := range f {
		if sameName(f[i].Name, name) {
			return f[i].Value
		}
	}
	return ""
}

// Values answers all values of a name, in order. Case does not matter.
func (f Fields) Values(name string) []string { return slices.Collect(f.All(name)) }

// All goes over all values of a name, in order. Case does not matter.
func (f Fields) All(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range f {
			if sameName(f[i].Name, name) && !yield(f[i].Value) {
				return
			}
		}
	}
}

// Without answers the fields that bear none of the names. Neither case nor the difference between "-" and "_" matters: many
// services make variables of names (HTTP_X_USER) and can't tell X_User from X-User, so who drops one has to drop both.
func (f Fields) Without(names ...string) Fields {
	kept := make(Fields, 0, len(f))
	for i := range f {
		if !among(f[i].Name, names) {
			kept = append(kept, f[i])
		}
	}
	return kept
}

func among(name string, names []string) bool {
	for _, n := range names {
		if sameVariable(name, n) {
			return true
		}
	}
	return false
}

// hopByHop are the names that are said to the next hop only, or that whoever sends a request anew says anew.
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length", "Host", "Expect",
}

// endToEnd drops what is hop-by-hop, and what the Connection fields name to be so (RFC 9110 section 7.6.1).
func (f Fields) endToEnd() Fields {
	var named []string
	for i := range f {
		if sameName(f[i].Name, "Connection") {
			for token := range strings.SplitSeq(f[i].Value, ",") {
				if token = trim(token); token != "" {
					named = append(named, token)
				}
			}
		}
	}
	kept := make(Fields, 0, len(f))
	for i := range f {
		name := f[i].Name
		proxy := len(name) >= 6 && sameVariable(name[:6], "Proxy-")
		if !proxy && !among(name, hopByHop) && !among(name, named) {
			kept = append(kept, f[i])
		}
	}
	return kept
}

// sameName compares as names are compared: ASCII letters of either case are one, and no other characters are (strings.EqualFold
// would take the Kelvin sign for a k).
func sameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func sameVariable(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && variable(a[i]) != variable(b[i]) {
			return false
		}
	}
	return true
}

func variable(c byte) byte {
	if c == '_' {
		return '-'
	}
	return lower(c)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// trim takes spaces and tabs from both ends, and nothing else that a Unicode table may call white.
func trim(s string) string { return strings.Trim(s, " \t") }
