package strict

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong, or worth a warning, in a file.
type Problem struct {
	File    string
	Line    int // from 1; 0: the file as a whole
	Column  int
	Message string
	Hint    string // what to write instead; may be empty
}

// String is `policy.yaml:12:5: unknown key "verdit"`, and the hint on a line of its own.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": " + p.Message)
	if p.Hint != "" {
		b.WriteString("\n    hint: " + p.Hint)
	}
	return b.String()
}

// Problems is all that is wrong with a file, in its order: the error of what reads it.
type Problems []Problem

// Error has one problem a line, each with its hint below it.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}
