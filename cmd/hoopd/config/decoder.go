package config

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/credential"
)

// decoder reads nodes into a Config and collects every problem on the way, so that a person sees all of them at once.
type decoder struct {
	file     string
	dir      string // relative file names are relative to it
	problems Problems
	warnings []Problem
}

func (d *decoder) at(n *node, message, hint string) Problem {
	p := Problem{File: d.file, Message: message, Hint: hint}
	if n != nil {
		p.Line, p.Column = n.line, n.column
	}
	return p
}

func (d *decoder) problem(n *node, message, hint string) {
	d.problems = append(d.problems, d.at(n, message, hint))
}

func (d *decoder) warn(n *node, message, hint string) {
	d.warnings = append(d.warnings, d.at(n, message, hint))
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

// mapping reads a mapping whose keys are all known. what names it in problems: "a connection".
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
	d.problem(n, fmt.Sprintf("unknown %s %q in %s", kind, word, where), hint)
}

// needs tells which of the keys are missing.
func (d *decoder) needs(n *node, what string, keys ...string) {
	if n.kind != mapping {
		return
	}
	for _, key := range keys {
		if !n.has(key) {
			d.problem(n, fmt.Sprintf("%s needs the key %q", what, key), "")
		}
	}
}

// later refuses what this version does not serve. To ignore it would give less safety than was written.
func (d *decoder) later(what, instead string) func(*node) {
	return func(n *node) { d.problem(n, what+" is not served by this version", instead) }
}

func (d *decoder) str(n *node) string {
	switch {
	case n.kind != scalar:
		d.problem(n, fmt.Sprintf("a single value is needed here, not %s", n.kind), "")
		return ""
	case n.text == "":
		d.problem(n, "an empty value says nothing here", "")
	}
	return n.text
}

// into stores a string.
func (d *decoder) into(s *string) func(*node) { return func(n *node) { *s = d.str(n) } }

// path stores a file name, made absolute from the folder of the file.
func (d *decoder) path(s *string) func(*node) {
	return func(n *node) { *s = d.abs(d.str(n)) }
}

func (d *decoder) abs(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(d.dir, name)
}

// each reads a list and calls read with every item.
func (d *decoder) each(n *node, read func(*node)) {
	if n.kind != list {
		d.problem(n, fmt.Sprintf("a list is needed here, not %s", n.kind), "write it with [ ]")
		return
	}
	if len(n.items) == 0 {
		d.problem(n, "an empty list says nothing here", "leave the key out")
	}
	for _, item := range n.items {
		read(item)
	}
}

func (d *decoder) strings(s *[]string) func(*node) {
	return func(n *node) { d.each(n, func(n *node) { *s = append(*s, d.str(n)) }) }
}

// texts reads a mapping of names to texts whose keys are the user's own.
func (d *decoder) texts(m *map[string]string, what string) func(*node) {
	return func(n *node) {
		*m = map[string]string{}
		known := fields{}
		for _, e := range n.entries {
			known[e.key] = func(v *node) { (*m)[e.key] = d.str(v) }
		}
		d.mapping(n, what, known)
	}
}

func (d *decoder) boolean(b *bool) func(*node) {
	return func(n *node) {
		if n.kind != scalar || n.text != "true" && n.text != "false" {
			d.problem(n, "true or false is needed here", "")
			return
		}
		*b = n.text == "true"
	}
}

// secret reads where a secret comes from. The value itself never stands in the file.
func (d *decoder) secret(s *credential.Source, what string) func(*node) {
	return func(n *node) {
		if n.kind == scalar {
			d.problem(n, what+" never stands in this file", "write {file: PATH}, {env: NAME} or {exec: [PROGRAM, ARGS…]}")
			return
		}
		ok := d.mapping(n, what, fields{"env": d.into(&s.Env), "file": d.path(&s.File), "exec": d.strings(&s.Exec)})
		if ok {
			if err := s.Check(); err != nil {
				d.problem(n, err.Error(), "")
			}
		}
	}
}
