// Package strict reads YAML strictly: every problem with its line, column and what was meant. Nothing in a file is
// ignored, since what somebody wrote into a file of a security product and what has no effect would be a wrong promise.
package strict

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Reader reads the nodes of one file and collects every problem on the way, so that a person sees all of them at once.
// Its fields are set before its first use.
type Reader struct {
	File  string // as problems show it
	Words Words

	problems Problems
}

// Words are how problems speak of one kind of file. The zero Words suit any.
type Words struct {
	Where string // where YAML's rarer parts are not allowed: "in a policy"; "" means "here"
	Begin string // hint in a file that is not one document; may be empty
	Empty string // hint at a list without items; "" means "leave the key out"
	Every int    // how many letters of a mistyped word excuse one more that is wrong; 0 means 4
}

func (r *Reader) where() string { return cmp.Or(r.Words.Where, "here") }

// Report adds a problem at a node; a nil one is the file as a whole. hint says what to write instead, and may be empty.
func (r *Reader) Report(n *Node, message, hint string) {
	r.problems = append(r.problems, n.Problem(r.File, message, hint))
}

// Problems are those found so far, in the order in which they were found.
func (r *Reader) Problems() Problems { return slices.Clone(r.problems) }

// Err is a Problems, in the order of the file, or nil where nothing is wrong.
func (r *Reader) Err() error {
	if len(r.problems) == 0 {
		return nil
	}
	sorted := r.Problems()
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return sorted
}

// Fields says what to do with the value of each key of a mapping.
type Fields map[string]func(*Node)

// Mapping reads a mapping whose keys are all known. what names it in problems: "a rule". It answers whether n is a
// mapping at all.
func (r *Reader) Mapping(n *Node, what string, known Fields) bool {
	if n.Kind != Mapping {
		r.Report(n, fmt.Sprintf("%s is a mapping, not %s", what, n.Kind), "")
		return false
	}
	seen := map[string]bool{}
	for _, e := range n.Entries {
		read, ok := known[e.Key]
		switch {
		case !ok:
			r.Unknown(e.At, "key", e.Key, what, slices.Sorted(maps.Keys(known)))
		case seen[e.Key]:
			r.Report(e.At, fmt.Sprintf("key %q stands here twice", e.Key), "")
		case e.Value.Kind == Nothing:
			r.Report(e.At, fmt.Sprintf("key %q has no value", e.Key), "")
		default:
			read(e.Value)
		}
		seen[e.Key] = true
	}
	return true
}

// Free reads a mapping whose keys are the user's own.
func (r *Reader) Free(n *Node, what string, read func(key string, value *Node)) {
	known := Fields{}
	for _, e := range n.Entries {
		known[e.Key] = func(value *Node) { read(e.Key, value) }
	}
	r.Mapping(n, what, known)
}

// Unknown reports a word of some kind ("key", "verdict") that is not among the known ones, and says which of them was
// most likely meant, or what could have been written. where may be empty.
func (r *Reader) Unknown(n *Node, kind, word, where string, known []string) {
	hint := "known here: " + strings.Join(known, ", ")
	if k := nearest(word, known, cmp.Or(r.Words.Every, 4)); k != "" {
		hint = fmt.Sprintf("did you mean %q?", k)
	}
	message := fmt.Sprintf("unknown %s %q", kind, word)
	if where != "" {
		message += " in " + where
	}
	r.Report(n, message, hint)
}

// Later refuses what this version does not serve. To ignore it would give less safety than was written.
func (r *Reader) Later(what, instead string) func(*Node) {
	return func(n *Node) { r.Report(n, what+" is not served by this version", instead) }
}

// Text is a single value that is not empty. What is none is reported, and read as "".
func (r *Reader) Text(n *Node) string {
	switch {
	case n.Kind != Scalar:
		r.Report(n, fmt.Sprintf("a single value is needed here, not %s", n.Kind), "")
		return ""
	case n.Text == "":
		r.Report(n, "an empty value says nothing here", "")
	}
	return n.Text
}

// Into stores a Text.
func (r *Reader) Into(s *string) func(*Node) { return func(n *Node) { *s = r.Text(n) } }

// Each reads a list and calls read with every item. An empty list is reported: whether it means all or none would be a
// guess.
func (r *Reader) Each(n *Node, read func(*Node)) {
	if n.Kind != List {
		r.Report(n, fmt.Sprintf("a list is needed here, not %s", n.Kind), "write it with [ ]")
		return
	}
	if len(n.Items) == 0 {
		r.Report(n, "an empty list says nothing here", cmp.Or(r.Words.Empty, "leave the key out"))
	}
	for _, item := range n.Items {
		read(item)
	}
}
