// Package argv understands shell command lines: what programs a line runs, with exactly which words, and what they may do.
//
// A line is known only where every shell that could stand behind it would run the same thing. It is parsed as POSIX sh and as
// bash, both must agree, every word is decoded a second time by a smaller and stricter reader, and the text that is printed
// from the result must be understood as the same line. What fails any of it is unclear, which is an answer and not an error:
// the effects of an unclear line are unknown, and a policy that does not name unknown refuses it.
//
// Where a gateway sends Normal in the place of what was written, the target's shell reads a text without anything that shells
// read in different ways.
package argv

import "slices"

// Line is a command line as it was understood. The zero Line is not known, and its effect is unknown.
type Line struct {
	// Text is the line as it was written.
	Text string
	// Unclear says why the line was not understood, "" where it was. Of an unclear line nothing else is told.
	Unclear string
	// Commands are the simple commands in the order in which they begin; those in a substitution stand before the command
	// whose word it is. Redirections of a whole group stand in a command without Args.
	Commands []Command
	// Operators are what joins the commands, sorted: "&", "&&", "!", "(", ";", "for", "if", "while", "until", "{", "|", "||".
	Operators []string
	// Expansions are what the shell computes before it runs a command, sorted: "brace", "command", "glob", "parameter", "tilde".
	Expansions []string

	normal string
}

// Command is a simple command.
type Command struct {
	Args      []Word // the program first; empty: it only sets variables or redirects
	Assigns   []Assign
	Redirects []Redirect
	Joined    string   // the operator before it: ";" (a new line too), "&", "&&", "||", "|", or "" where it begins its list
	Within    []string // what it stands in, outermost first: "(", "{", "$(", "if", "while", "until", "for"
	Negated   bool     // its status is turned around: it or the pipeline that it begins
}

// Kind says what is known of a word. The zero Kind is the strict one.
type Kind uint8

// The kinds of words.
const (
	// Unsure: nothing is known, not even how many words the program gets in its place.
	Unsure Kind = iota
	// Literal: the program gets exactly Value.
	Literal
	// Names: the program gets the names of files that fit a pattern, or the pattern itself. All of them begin with Value,
	// which is not empty and does not begin with "-".
	Names
)

// Word is one word of a command.
type Word struct {
	Kind   Kind
	Value  string
	Why    string // why it is not Literal: "parameter expansion"
	Source string // as it was written, with its quotes
}

// Assign is a variable that is set before a command, or by itself.
type Assign struct {
	Name  string
	Value Word
}

// Redirect is a redirection.
type Redirect struct {
	FD     int    // the descriptor, -1 where the operator's own is meant
	Op     string // "<", ">", ">>", ">|", "<>", "<&", ">&", "<<"
	Target Word   // a file, a descriptor or "-" for "<&" and ">&", the text for "<<"
}

// Known says that the words of every command are known exactly.
func (l *Line) Known() bool {
	return l.Unclear == "" && len(l.Commands) > 0 && !slices.ContainsFunc(l.Commands, func(c Command) bool { return !c.known() })
}

func (c *Command) known() bool {
	literal := func(w Word) bool { return w.Kind == Literal }
	for _, a := range c.Assigns {
		if !literal(a.Value) {
			return false
		}
	}
	for _, r := range c.Redirects {
		if !literal(r.Target) {
			return false
		}
	}
	return !slices.ContainsFunc(c.Args, func(w Word) bool { return !literal(w) })
}

// Values are the words of a command of which every word is known; ok is false where one is not.
func (c *Command) Values() (values []string, ok bool) {
	for _, w := range c.Args {
		if w.Kind != Literal {
			return nil, false
		}
		values = append(values, w.Value)
	}
	return values, true
}

// Normal is the line without what can't change its meaning: one form of quotes, single spaces. It is what a claim check
// covers, and what may be sent in the place of a line that is Known. Of any other line it is the text as it was written.
// No two lines that mean different things have the same.
func (l *Line) Normal() string {
	if l.Known() {
		return l.normal
	}
	return l.Text
}
