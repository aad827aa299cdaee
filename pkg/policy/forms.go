package policy

import (
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// bearing is how facts are held against a command. The zero bearing is the strictest.
type bearing uint8

const (
	// admitting: everything that the command names must be listed, and what is not known is not. So an allow rule never lets through
	// what stands beside the thing that it names.
	admitting bearing = iota
	// asking: one listed thing is enough. So an approve rule admits what it names.
	asking
	// wary: what is not known, and what comes to the same by another way, counts as listed too. So a rule that denies or asks for an
	// approval is not evaded by saying less.
	wary
)

func bearingOf(v Verdict) bearing {
	if v == Allow {
		return admitting
	}
	return wary
}

// runs is what a rule asks of the programs of a command, wherever they run.
type runs struct {
	argv      []form
	operators string // "none", "some"; "": not asked
}

// operate says whether operators are as the rule asks: none of what is not known.
func (f *runs) operate(argv [][]string, operators []string) bool {
	none := argv != nil && len(operators) == 0
	return f.operators == "" || (f.operators == "none") == none
}

// start says whether the programs that run are those that the rule asks for.
func (f *runs) start(argv [][]string, how bearing) bool {
	if f.argv == nil {
		return true
	}
	if how == admitting {
		unlisted := func(argv []string) bool {
			return !slices.ContainsFunc(f.argv, func(x form) bool { return x.admit(argv) })
		}
		return len(argv) > 0 && !slices.ContainsFunc(argv, unlisted)
	}
	return slices.ContainsFunc(argv, func(argv []string) bool {
		return slices.ContainsFunc(f.argv, func(x form) bool { return x.match(argv) })
	})
}

// form is a pattern over the words of a program. A last "*" stands for any further words, none included.
type form struct {
	words globs
	open  bool
}

func (f form) match(argv []string) bool {
	if len(argv) < len(f.words) || !f.open && len(argv) > len(f.words) {
		return false
	}
	for i, w := range f.words {
		if !w.match(argv[i]) {
			return false
		}
	}
	return true
}

// admit is match for rules that allow: there a star stands for no flag, which may be one that writes or runs something, and
// for no path that leads up again. Both must be written out.
func (f form) admit(argv []string) bool {
	if !f.match(argv) {
		return false
	}
	for i, word := range argv {
		pattern := "*"
		if i < len(f.words) {
			pattern = f.words[i].text
		}
		if !strings.Contains(pattern, "*") {
			continue
		}
		if strings.HasPrefix(word, "-") && !strings.HasPrefix(pattern, "-") || slices.Contains(strings.Split(word, "/"), "..") {
			return false
		}
	}
	return true
}

func (d *decoder) forms(f *runs) func(*strict.Node) {
	return func(n *strict.Node) { d.Each(n, func(n *strict.Node) { f.argv = append(f.argv, d.form(n)) }) }
}

func (d *decoder) operators(f *runs) func(*strict.Node) {
	return func(n *strict.Node) { f.operators = d.word(n, "value", "none", "some") }
}

func (d *decoder) form(n *strict.Node) form {
	var f form
	if n.Kind != strict.List || len(n.Items) == 0 {
		d.Report(n, "a program's words are a list here", `write: argv: [["systemctl", "status", "*"]]`)
		return f
	}
	d.globs(&f.words)(n)
	if last := len(f.words) - 1; last > 0 && f.words[last].text == "*" {
		f.words, f.open = f.words[:last], true
	}
	return f
}
