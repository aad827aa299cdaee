package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// decoder reads nodes into rules and collects every problem on the way, so that a person sees all of them at once.
type decoder struct {
	file     string
	problems Problems
}

func (d *decoder) problem(n *node, message, hint string) {
	p := Problem{File: d.file, Message: message, Hint: hint}
	if n != nil {
		p.Line, p.Column = n.line, n.column
	}
	d.problems = append(d.problems, p)
}

// err is nil where nothing is wrong.
func (d *decoder) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return d.problems
}

// fields says what to do with the value of each key of a mapping.
type fields map[string]func(*node)

// mapping reads a mapping whose keys are all known. what names it in problems: "a rule".
func (d *decoder) mapping(n *node, what string, known fields) bool {
	if n.kind != mapping {
		d.problem(n, fmt.Sprintf("%s is a mapping, not %s", what, n.kind), "")
		return false
	}
	seen := map[string]bool{}
	for _, e := range n.entries {
		read, ok := known[e.key]
		switch {
		case !ok:
			d.unknown(e.at, "key", e.key, what, slices.Sorted(maps.Keys(known)))
		case seen[e.key]:
			d.problem(e.at, fmt.Sprintf("key %q stands here twice", e.key), "")
		case e.value.kind == nothing:
			d.problem(e.at, fmt.Sprintf("key %q has no value", e.key), "")
		default:
			read(e.value)
		}
		seen[e.key] = true
	}
	return true
}

// unknown says what was most likely meant, or what could have been written.
func (d *decoder) unknown(n *node, kind, word, where string, known []string) {
	hint := "known here: " + strings.Join(known, ", ")
	if k := nearest(word, known); k != "" {
		hint = fmt.Sprintf("did you mean %q?", k)
	}
	message := fmt.Sprintf("unknown %s %q", kind, word)
	if where != "" {
		message += " in " + where
	}
	d.problem(n, message, hint)
}

// later refuses a key that this version does not serve. To ignore it would grant more than was written.
func (d *decoder) later(what string) func(*node) {
	return func(n *node) {
		d.problem(n, what+" is not served by this version", "remove it, and see what the rest grants without it")
	}
}

func (d *decoder) str(n *node) string {
	if n.kind != scalar {
		d.problem(n, fmt.Sprintf("a single value is needed here, not %s", n.kind), "")
		return ""
	}
	if n.text == "" {
		d.problem(n, "an empty value says nothing here", "")
	}
	return n.text
}

// into stores a string.
func (d *decoder) into(s *string) func(*node) { return func(n *node) { *s = d.str(n) } }

// word reads one of a closed list of words.
func (d *decoder) word(n *node, kind string, known ...string) string {
	if n.kind == scalar && !slices.Contains(known, n.text) {
		d.unknown(n, kind, n.text, "", known)
		return ""
	}
	return d.str(n)
}

// each reads a list and calls read with every item. An empty list is refused: whether it means all or none would be a
// guess.
func (d *decoder) each(n *node, read func(*node)) {
	if n.kind != list {
		d.problem(n, fmt.Sprintf("a list is needed here, not %s", n.kind), "write it with [ ]")
		return
	}
	if len(n.items) == 0 {
		d.problem(n, "an empty list says nothing here", "leave the key out to mean everything")
	}
	for _, item := range n.items {
		read(item)
	}
}

func (d *decoder) globs(g *globs) func(*node) {
	return func(n *node) {
		*g = globs{}
		d.each(n, func(n *node) { *g = append(*g, newGlob(d.str(n))) })
	}
}

// names reads plain names: a star has no meaning there.
func (d *decoder) names(names *[]string) func(*node) {
	return func(n *node) {
		d.each(n, func(n *node) {
			if strings.Contains(n.text, "*") {
				d.problem(n, fmt.Sprintf("%q: names stand in full here, * has no meaning", n.text), "")
			}
			*names = append(*names, d.str(n))
		})
	}
}

// words reads one word of a closed list, or a list of them.
func (d *decoder) words(words *[]string, kind string, known ...string) func(*node) {
	return func(n *node) {
		if n.kind == scalar {
			*words = append(*words, d.word(n, kind, known...))
			return
		}
		d.each(n, func(n *node) { *words = append(*words, d.word(n, kind, known...)) })
	}
}

func (d *decoder) boolean(b *bool) func(*node) {
	return func(n *node) { *b = d.word(n, "value", "true", "false") == "true" }
}

func (d *decoder) integer(i *int, low, high int) func(*node) {
	return func(n *node) {
		v, err := strconv.Atoi(d.str(n))
		if err != nil || v < low || v > high {
			d.problem(n, fmt.Sprintf("%q is no whole number from %d to %d", n.text, low, high), "")
			return
		}
		*i = v
	}
}

func (d *decoder) duration(t *time.Duration, low, high time.Duration) func(*node) {
	return func(n *node) {
		v, err := time.ParseDuration(d.str(n))
		if err != nil || v < low || v > high {
			d.problem(n, fmt.Sprintf("%q is no duration from %s to %s", n.text, short(low), short(high)), `write it like "45s", "30m" or "1h30m"`)
			return
		}
		*t = v
	}
}

// short prints a duration without its empty parts: 30m, not 30m0s.
func short(t time.Duration) string {
	s := t.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
