package policy

import "strings"

// bare is the name without the scheme and the port that a request through proxy may have with it: "https:web:8443".
func (k *Kube) bare() string {
	parts := strings.Split(k.Name, ":")
	switch {
	case k.Subresource != "proxy" || len(parts) == 1:
		return k.Name
	case len(parts) == 2:
		return parts[0]
	}
	return parts[1]
}

// spread is the pattern of all objects that a request may be about: every namespace where it names none, every name where it tells
// none, and what it calls by its name and more. "" where it is about the object that it names.
func (k *Kube) spread(object string) string {
	if k == nil || k.Resource == "" || strings.Count(object, "/") < 2 {
		return ""
	}
	namespace, rest, _ := strings.Cut(object, "/")
	resource, name, _ := strings.Cut(rest, "/")
	switch {
	case k.Subresource == "proxy":
		name = k.bare()
	case k.spans():
		namespace = "*"
	case name != "*" || k.Name != "":
		return ""
	}
	return namespace + "/" + resource + "/" + name
}

// overlaps says that some object is meant by both a pattern of rules and the spread of a request, whose stars do not pass a slash.
func (g glob) overlaps(spread string) bool {
	// reach[j] says that what was read of the pattern and the first j bytes of spread can be one text's beginning.
	reach := make([]bool, len(spread)+1)
	reach[0] = true
	skip := func() { // a star of spread may stand for nothing
		for j := range spread {
			reach[j+1] = reach[j+1] || reach[j] && spread[j] == '*'
		}
	}
	skip()
	for i := range len(g.text) {
		c := g.text[i]
		if c == '*' {
			for j := range spread {
				reach[j+1] = reach[j+1] || reach[j]
			}
			continue
		}
		next := make([]bool, len(spread)+1)
		for j := range spread {
			switch {
			case !reach[j]:
			case spread[j] == '*' && c != '/':
				next[j] = true // it takes this byte, and may take more
			case spread[j] == c:
				next[j+1] = true
			}
		}
		reach = next
		skip()
	}
	return reach[len(spread)]
}

// overlap says that one of the patterns does.
func (g globs) overlap(spread string) bool {
	for i := range g {
		if g[i].overlaps(spread) {
			return true
		}
	}
	return false
}
