package kube

import (
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// exactName is the name that a field selector asks for, "" for none or any. API servers authorize a list or watch by it. They
// sort the terms as texts and take the first that asks for a name; one that asks for several is refused here, because
// nobody would have meant it.
func exactName(selector string) (name string, r *api.Refusal) {
	var names []string
	for _, term := range terms(selector) {
		if term == "" {
			continue
		}
		field, equal, value, ok := cutTerm(term)
		if ok {
			value, ok = unslashed(value)
		}
		if !ok {
			return "", badRequest("The field selector " + clipped(selector) + " can't be understood.")
		}
		if field == "metadata.name" && equal {
			names = append(names, value)
		}
	}
	slices.Sort(names)
	switch names = slices.Compact(names); len(names) {
	case 0:
		return "", nil
	case 1:
		return names[0], nil
	}
	return "", badRequest("The field selector asks for several names at once, which no object has.")
}

// terms cuts a selector at the commas that are not escaped.
func terms(selector string) (all []string) {
	begin, escaped := 0, false
	for i, c := range selector {
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == ',':
			all, begin = append(all, selector[begin:i]), i+1
		}
	}
	return append(all, selector[begin:])
}

// cutTerm cuts a term at its first operator.
func cutTerm(term string) (field string, equal bool, value string, ok bool) {
	for i := range term {
		rest := term[i:]
		switch {
		case strings.HasPrefix(rest, "!="):
			return term[:i], false, rest[2:], true
		case strings.HasPrefix(rest, "=="):
			return term[:i], true, rest[2:], true
		case rest[0] == '=':
			return term[:i], true, rest[1:], true
		}
	}
	return "", false, "", false
}

// unslashed takes the escapes out of a value.
func unslashed(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == ',' || c == '=':
			return "", false
		case c == '\\':
			if i++; i >= len(s) || strings.IndexByte(`\,=`, s[i]) < 0 {
				return "", false
			}
			c = s[i]
		}
		b.WriteByte(c)
	}
	return b.String(), true
}
