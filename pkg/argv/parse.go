package argv

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

// Parse understands a line. Its error is an *Err: the line is no text, or over a limit, and must not run. What can't be told
// is no error: see Line.Unclear.
func Parse(text string, limits Limits) (*Line, error) {
	limits = limits.filled()
	return parse(text, limits, time.Now().Add(limits.Time))
}

func parse(text string, limits Limits, until time.Time) (*Line, error) {
	if err := sound(text, limits); err != nil {
		return nil, err
	}
	line, err := agreed(text, limits, until)
	if err != nil || line.Unclear != "" {
		return line, err
	}
	again, err := agreed(line.normal, limits, until)
	switch {
	case errors.Is(err, errSlow):
		return nil, err
	case err != nil || again.Unclear != "" || again.normal != line.normal || !same(again.Commands, line.Commands):
		return unclear(text, "it could not be written down without changing its meaning"), nil
	}
	return line, nil
}

func unclear(text, why string) *Line { return &Line{Text: text, Unclear: why} }

// agreed is a line as both grammars read it.
func agreed(text string, limits Limits, until time.Time) (*Line, error) {
	posix, err := read(text, syntax.LangPOSIX, limits, until)
	if err != nil || posix.Unclear != "" {
		return posix, err
	}
	bash, err := read(text, syntax.LangBash, limits, until)
	if err != nil || bash.Unclear != "" {
		return bash, err
	}
	if bash.normal != posix.normal || !reflect.DeepEqual(bash.Commands, posix.Commands) {
		return unclear(text, "sh and bash read it in different ways"), nil
	}
	return bash, nil
}

// same compares commands without the sources of their words.
func same(a, b []Command) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !reflect.DeepEqual(bare(a[i]), bare(b[i])) {
			return false
		}
	}
	return true
}

func bare(c Command) Command {
	without := func(w Word) Word {
		if w.Kind == Literal {
			w.Source = ""
		}
		return w
	}
	args, assigns, redirects := make([]Word, len(c.Args)), make([]Assign, len(c.Assigns)), make([]Redirect, len(c.Redirects))
	for i, w := range c.Args {
		args[i] = without(w)
	}
	for i, a := range c.Assigns {
		assigns[i] = Assign{Name: a.Name, Value: without(a.Value)}
	}
	for i, x := range c.Redirects {
		redirects[i] = Redirect{FD: x.FD, Op: x.Op, Target: without(x.Target)}
	}
	c.Args, c.Assigns, c.Redirects = args, assigns, redirects
	return c
}

// read is one grammar's reading. A parser that panics has understood nothing.
func read(text string, lang syntax.LangVariant, limits Limits, until time.Time) (line *Line, err error) {
	defer func() {
		if p := recover(); p != nil {
			line, err = unclear(text, fmt.Sprint("the parser failed: ", p)), nil
		}
	}()
	file, err := syntax.NewParser(syntax.Variant(lang)).Parse(&clock{r: strings.NewReader(text), until: until}, "")
	if errors.Is(err, errSlow) || time.Now().After(until) {
		return nil, &Err{errSlow.Error()}
	}
	if err != nil {
		return unclear(text, fmt.Sprintf("%s can't parse it: %s", lang, err)), nil
	}
	r := &reader{src: text, limits: limits, seen: make([]bool, len(text)), line: &Line{Text: text}}
	r.stmts(file.Stmts, "")
	r.between()
	for i := range r.line.Commands {
		if why := r.line.Commands[i].steers(); why != "" {
			r.unclear(why)
		}
	}
	if r.over != nil {
		return nil, r.over
	}
	if r.why != "" {
		return unclear(text, r.why), nil
	}
	r.line.normal = strings.TrimRight(r.out.String(), "\n")
	r.line.Operators, r.line.Expansions = sorted(r.operators), sorted(r.expansions)
	return r.line, nil
}
