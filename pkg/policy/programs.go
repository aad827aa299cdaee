package policy

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// Program is an entry of the policy's own for the table of programs by which command lines on hosts are judged. Its language is
// that of the table, which is not this package's: see docs/reference/argv.md.
type Program struct {
	Line, Column int
	Name         string   // "appctl", "appctl status", "/opt/app/health"
	Does         string   // effects and properties: "read", "admin any"
	Words        []string // what its flags and operands do, one line each: "-o: = write"
	Replaces     bool     // it takes the place of what was reviewed
}

// Programs are a policy's entries, in the order of the file.
type Programs []Program

// Text is the entries in the language of the table.
func (p Programs) Text() string {
	var out strings.Builder
	for _, entry := range p {
		out.WriteString(entry.Name + " : " + entry.Does + "\n")
		for _, w := range entry.Words {
			out.WriteString("\t" + w + "\n")
		}
	}
	return out.String()
}

// mostPrograms is how many entries a policy may have, and lines an entry.
const mostPrograms = 200

// Programs are the policy's own entries for the table of programs.
func (p *Policy) Programs() Programs {
	if p == nil {
		return nil
	}
	return p.programs
}

var (
	programName = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./+-]*( [A-Za-z0-9_][A-Za-z0-9_:.+-]*)*$`)
	programDoes = regexp.MustCompile(`^[a-z]+([ =a-z0-9]*[a-z0-9])?$`)
	programLine = regexp.MustCompile(`^[!-~]+( [!-~]+)*$`)
)

func (d *decoder) program(n *strict.Node) Program {
	p := Program{Line: n.Line, Column: n.Column}
	d.Mapping(n, "a program", strict.Fields{
		"name":     d.line(&p.Name, programName, `write a name, with a command of it behind a space, or an absolute path: "appctl status"`),
		"does":     d.line(&p.Does, programDoes, `write effects: "read", or "admin any"`),
		"replaces": d.boolean(&p.Replaces),
		"words": func(n *strict.Node) {
			d.Each(n, func(n *strict.Node) {
				var w string
				d.line(&w, programLine, `write flags with what they do: "-o: --output: = write"`)(n)
				p.Words = append(p.Words, w)
			})
		},
	})
	if n.Kind == strict.Mapping && !n.Has("name") {
		d.Report(n, "the name of the program is missing", "")
	}
	if n.Kind == strict.Mapping && !n.Has("does") {
		d.Report(n, "what the program does is missing", "write: does: read")
	}
	if strings.Contains(p.Name, "/") && (p.Name[0] != '/' || strings.Contains(p.Name, " ") || path.Clean(p.Name) != p.Name) {
		d.Report(n, fmt.Sprintf("%q is neither a name nor an absolute path", p.Name), "")
	}
	if len(p.Words) > mostPrograms {
		d.Report(n, fmt.Sprintf("it has %d lines, %d are allowed", len(p.Words), mostPrograms), "")
	}
	return p
}

// line reads a text of a form, on one line.
func (d *decoder) line(to *string, form *regexp.Regexp, hint string) func(*strict.Node) {
	return func(n *strict.Node) {
		text := d.Text(n)
		if n.Kind == strict.Scalar && !form.MatchString(text) {
			d.Report(n, fmt.Sprintf("%q can't stand here", text), hint)
			return
		}
		*to = text
	}
}

// programSection reads `programs`.
func (d *decoder) programSection(p *Policy) func(*strict.Node) {
	return func(n *strict.Node) {
		seen := map[string]bool{}
		d.Each(n, func(n *strict.Node) {
			entry := d.program(n)
			if seen[entry.Name] {
				d.Report(n, fmt.Sprintf("the program %q stands here twice", entry.Name), "")
			}
			seen[entry.Name] = true
			p.programs = append(p.programs, entry)
		})
		if len(p.programs) > mostPrograms {
			d.Report(n, fmt.Sprintf("there are %d programs, %d are allowed", len(p.programs), mostPrograms), "")
		}
	}
}

// lintPrograms warns of entries that take the place of reviewed ones.
func (p *Policy) lintPrograms(d *decoder) {
	for _, entry := range p.programs {
		if entry.Replaces {
			d.Report(&strict.Node{Line: entry.Line, Column: entry.Column}, fmt.Sprintf("program %s is judged by this entry alone: what was reviewed of it no longer holds", entry.Name), "list every flag that writes, runs or sends something")
		}
	}
}
