package kube

import "strings"

// Target is the path and the query that are sent: what Parse reads as the same Tuple, whatever the client wrote.
func (t *Tuple) Target() (path, query string) {
	var b strings.Builder
	for _, segment := range t.parts() {
		b.WriteByte('/')
		appendSegment(&b, segment)
	}
	if t.Rest != "" {
		for segment := range strings.SplitSeq(t.Rest[1:], "/") {
			b.WriteByte('/')
			appendSegment(&b, segment)
		}
	}
	if b.Len() == 0 {
		b.WriteByte('/')
	}
	return b.String(), t.Query.String()
}

// parts are the segments of the path, but for those behind proxy.
func (t *Tuple) parts() (all []string) {
	if !t.IsResource() {
		if t.Path == "/" {
			return nil
		}
		return strings.Split(t.Path[1:], "/")
	}
	if all = []string{"api", t.Version}; t.Group != "" {
		all = []string{"apis", t.Group, t.Version}
	}
	if t.Namespace != "" && !t.isNamespace() {
		all = append(all, "namespaces", t.Namespace)
	}
	if all = append(all, t.Resource); !t.Collection {
		all = append(all, t.Name)
	}
	if t.Subresource != "" {
		all = append(all, t.Subresource)
	}
	return all
}

// isNamespace says that a request is about a namespace itself, whose name API servers also have for the object's namespace.
func (t *Tuple) isNamespace() bool { return t.Resource == "namespaces" && !t.Collection }

// String is the query as it is sent.
func (q Query) String() string {
	var b strings.Builder
	for i, p := range q {
		if i > 0 {
			b.WriteByte('&')
		}
		appendEscaped(&b, p.Key)
		b.WriteByte('=')
		appendEscaped(&b, p.Value)
	}
	return b.String()
}

// appendEscaped writes a part of a query in the form that all readers of forms read the same.
func appendEscaped(b *strings.Builder, s string) {
	const digits = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		if c := s[i]; unreserved(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
}
