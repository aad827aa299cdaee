package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong in a configuration, or worth a warning.
type Problem struct {
	File    string
	Line    int // from 1; 0: the file as a whole
	Column  int
	Message string
	Hint    string // what to write instead; may be empty
}

// String is `hoopd.yaml:12:5: unknown key "polcy"`, and the hint on a line of its own.
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

// Problems is all that is wrong with a file, in its order. Load and Parse return it as their error.
type Problems []Problem

// Error has one problem a line, each with its hint below it.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// nearest is the known word that a mistyped one was most likely meant to be, or "".
func nearest(word string, known []string) string {
	best, distance := "", 2+len(word)/4
	for _, k := range known {
		if d := edits(word, k); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// edits is the Levenshtein distance of two short words; long ones are all far apart.
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
