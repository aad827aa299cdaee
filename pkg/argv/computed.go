package argv

import (
	"regexp"
	"slices"
	"strings"
)

// Some of the shell's own commands compute what they are given, and in a computation a name stands for its value and a
// subscript for what its substitutions print: with x='y[$(rm z)]', bash's [ -v "$x" ] and ksh's [ x -eq 1 ] run rm. So these get
// nothing that is not known, and nothing that is a name, wherever one of the shells would compute it.

var (
	wholeNumber = regexp.MustCompile(`^[+-]?[0-9]+$`)
	textsOnly   = regexp.MustCompile(`^([^%]|%%|%-?[0-9]*(\.[0-9]+)?s)*$`) // formats of printf that take no numbers
	shellNumber = []string{"$?", "$#", "$$", "$!", `"$?"`, `"$#"`, `"$$"`, `"$!"`}
)

// computes says why a command may run what its words don't show, "" where it doesn't.
func (c *Command) computes() string {
	words := c.Args[1:]
	switch name := c.Args[0].Value; name {
	case "[", "test":
		if name == "[" && len(words) > 0 && words[len(words)-1].Value == "]" {
			words = words[:len(words)-1]
		}
		return tested(words)
	case "printf":
		if len(words) > 1 && !textsOnly.MatchString(words[0].Value) && slices.ContainsFunc(words[1:], notNumber) {
			return "some shells compute what printf takes for a number"
		}
	case "exit", "return", "break", "continue", "shift":
		if slices.ContainsFunc(words, notNumber) {
			return "some shells compute what " + name + " takes for a number"
		}
	case "ulimit", "wait":
		if slices.ContainsFunc(words, func(w Word) bool { return w.Kind != Literal }) {
			return "some shells compute the words of " + name
		}
	}
	return ""
}

// notNumber says that a word is, or may be, something else than a number.
func notNumber(w Word) bool {
	return !(w.Kind == Literal && wholeNumber.MatchString(w.Value)) && !slices.Contains(shellNumber, w.Source)
}

// tested looks at what [ compares. Where a word is not known, its place must be sure: one that becomes two could be an operator.
func tested(words []Word) string {
	const computed = "some shells compute what is compared"
	literal := func(i int, among ...string) bool {
		return i < len(words) && words[i].Kind == Literal && slices.Contains(among, words[i].Value)
	}
	if literal(0, "!") {
		words = words[1:]
	}
	for i := range words {
		switch {
		case literal(i, "-v", "-R"):
			return "some shells compute a name's subscript"
		case literal(i, "-eq", "-ne", "-lt", "-le", "-gt", "-ge") && (i == 0 || i+1 == len(words) || notNumber(words[i-1]) || notNumber(words[i+1])):
			return computed
		}
	}
	if !slices.ContainsFunc(words, func(w Word) bool { return w.Kind == Unsure }) {
		return ""
	}
	for _, w := range words {
		if w.Kind == Unsure && !w.single() {
			return computed
		}
	}
	switch {
	case len(words) == 1, len(words) == 2 && literal(0, strings.Fields("-n -z -f -d -e -r -w -x -s -L -h -b -c -p -S")...), len(words) == 3 && literal(1, "=", "!=", "=="):
		return ""
	}
	return computed
}

// single says that a word that is not known is one word all the same: it stands in double quotes.
func (w Word) single() bool {
	s := w.Source
	return len(s) > 2 && s[0] == '"' && s[len(s)-1] == '"' && strings.Count(s, `"`) == 2 && !strings.ContainsAny(s, `@*`)
}

// subscript says that a value may run something where it is computed.
func subscript(value string) bool {
	return strings.Contains(value, "[") && strings.ContainsAny(value, "$`")
}
