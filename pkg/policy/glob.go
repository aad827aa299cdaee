package policy

import "strings"

// glob is a pattern over names. "*" stands for any run of characters, none and "." included; every other character
// stands for itself, and case matters. The whole name must match.
type glob struct {
	text  string
	parts []string // between the stars; one part: no star
}

func newGlob(text string) glob { return glob{text: text, parts: strings.Split(text, "*")} }

func (g glob) match(name string) bool {
	if len(g.parts) == 1 {
		return name == g.text
	}
	first, last := g.parts[0], g.parts[len(g.parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, part := range g.parts[1 : len(g.parts)-1] {
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name = name[at+len(part):]
	}
	return true
}

// everything says that no name is left out.
func (g glob) everything() bool { return g.text != "" && strings.Trim(g.text, "*") == "" }

// globs is a list of patterns of which one must match. A list that was not written is nil, and what that means is
// for the field to say.
type globs []glob

func (g globs) match(name string) bool {
	for i := range g {
		if g[i].match(name) {
			return true
		}
	}
	return false
}

// alike says whether a pattern means a name to a service that minds neither case nor white space around it.
func (g globs) alike(name string) bool {
	if g.match(name) {
		return true
	}
	name = folded(strings.TrimSpace(name))
	for i := range g {
		if newGlob(folded(g[i].text)).match(name) {
			return true
		}
	}
	return false
}

func (g globs) matchAny(names []string) bool {
	for _, name := range names {
		if g.match(name) {
			return true
		}
	}
	return false
}

func (g globs) matchAll(names []string) bool {
	for _, name := range names {
		if !g.match(name) {
			return false
		}
	}
	return true
}

func (g globs) everything() bool {
	for i := range g {
		if g[i].everything() {
			return true
		}
	}
	return false
}

func (g globs) texts() []string {
	if g == nil {
		return nil
	}
	texts := make([]string, len(g))
	for i := range g {
		texts[i] = g[i].text
	}
	return texts
}
