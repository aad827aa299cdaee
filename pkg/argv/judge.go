package argv

import (
	"slices"
	"strings"
	"time"
)

// Access is one pair that a line is judged by: what it does, and the program that does it.
type Access struct {
	Effect Effect
	Object string // the program by the table's name, or as it was called where that has none; ">" of a redirection, "" of a line that is unclear
	Why    string // for people: "--output writes", "not in the table"
}

// Setting is what is known of how a line runs. The zero Setting is the strict one: there is a terminal.
type Setting struct {
	NoTerminal bool // neither its input nor its output is a terminal, so that no program asks or starts a pager
	Limits     Limits
}

// Finding is what a line does.
type Finding struct {
	// Accesses are never empty. A pair stands there once.
	Accesses []Access
	// Runs are the line's commands and those that they run, as far as these can be told: behind sudo, xargs, sh -c, find
	// -exec and the like. A word that is not known is Unsure in them.
	Runs []Command
}

// Judge says what a line does.
func (t *Table) Judge(l *Line, s Setting) Finding {
	j := &judge{table: t, setting: s, limits: s.Limits.filled()}
	j.until = time.Now().Add(j.limits.Time)
	j.line(l, 0)
	if len(j.out.Accesses) == 0 {
		j.add(Unknown, "", "it has no commands")
	}
	return j.out
}

type judge struct {
	table   *Table
	setting Setting
	limits  Limits
	until   time.Time
	out     Finding
}

func (j *judge) add(e Effect, object, why string) {
	if !slices.ContainsFunc(j.out.Accesses, func(a Access) bool { return a.Effect == e && a.Object == object }) {
		j.out.Accesses = append(j.out.Accesses, Access{e, object, why})
	}
}

func (j *judge) line(l *Line, depth int) {
	switch {
	case l.Unclear != "":
		j.add(Unknown, "", l.Unclear)
	case depth > j.limits.Depth, len(j.out.Runs)+len(l.Commands) > j.limits.Commands:
		j.add(Unknown, "", "it is nested too deep, or runs too many commands")
	default:
		for _, c := range l.Commands {
			j.command(c, depth)
		}
	}
}

// script judges a text that a program hands to a shell.
func (j *judge) script(w Word, object string, depth int) {
	if w.Kind != Literal {
		j.add(Unknown, object, "the script is not known")
		return
	}
	l, err := parse(w.Value, j.limits, j.until)
	if err != nil {
		j.add(Unknown, object, err.Error())
		return
	}
	j.line(l, depth+1)
}

func (j *judge) command(c Command, depth int) {
	if depth > j.limits.Depth || len(j.out.Runs) >= j.limits.Commands {
		j.add(Unknown, "", "it is nested too deep, or runs too many commands")
		return
	}
	j.out.Runs = append(j.out.Runs, c)
	for _, a := range c.Assigns {
		switch {
		case a.Value.Kind == Literal && harmless(a.Name, a.Value.Value):
			j.add(Session, a.Name+"=", "a variable that changes nothing")
		default:
			j.add(Unknown, a.Name+"=", "a variable that may change what programs do")
		}
	}
	for _, r := range c.Redirects {
		j.redirect(r)
	}
	if len(c.Args) > 0 {
		j.program(c.Args, depth)
	}
}

// quiet are files that nothing is kept in.
var quiet = []string{"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/zero"}

func (j *judge) redirect(r Redirect) {
	file := r.Target.Value
	switch {
	case r.Op == "<<" || r.Op == "<&" || r.Op == ">&":
		j.add(Session, r.Op, "between the command's own descriptors")
		if r.Op == "<<" && r.Target.Kind != Literal {
			j.add(Unknown, r.Op, "the text is not known")
		}
	case r.Target.Kind != Literal:
		j.add(Unknown, r.Op, "the file is not known: "+r.Target.Why)
	case slices.Contains(quiet, file):
		j.add(Session, r.Op, "nothing is kept in "+file)
	case strings.HasPrefix(file, "/dev/"), strings.HasPrefix(file, "/proc/") && r.Op != "<", strings.HasPrefix(file, "/sys/") && r.Op != "<":
		j.add(Unknown, r.Op, file+" is no file") // bash connects to /dev/tcp/HOST/PORT
	case r.Op == "<":
		j.add(Read, r.Op, "reads "+file)
	default:
		if r.Op == "<>" {
			j.add(Read, r.Op, "reads "+file)
		}
		j.add(Write, r.Op, "writes "+file)
	}
}

// systemFolders are where a program's name means the program that the table speaks of.
var systemFolders = []string{"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"}

// named is a program's entry by the word that it is called with.
func (t *Table) named(word string) *program {
	if p := t.programs[word]; p != nil && !strings.Contains(word, " ") {
		return p
	}
	for _, folder := range systemFolders {
		if name, ok := strings.CutPrefix(word, folder); ok && !strings.ContainsAny(name, "/ ") {
			return t.programs[name]
		}
	}
	return nil
}

func (j *judge) program(words []Word, depth int) {
	if words[0].Kind != Literal {
		j.add(Unknown, words[0].Source, "the program is not known")
		return
	}
	object := words[0].Value
	p := j.table.named(object)
	if p == nil {
		j.add(Unknown, object, "not in the table of programs")
		return
	}
	j.entry(p, p.name, words[1:], depth)
}

// entry judges the words of a program that the table knows.
func (j *judge) entry(p *program, object string, words []Word, depth int) {
	if r := p.exactly(words); r != nil {
		j.all(r.effects, object, "")
		j.pager(p, object, false)
		return
	}
	if p.none != nil && len(words) == 0 {
		j.all(p.none, object, "")
		j.pager(p, object, false)
		return
	}
	if p.any && p.wrap == nil {
		j.all(p.effects, object, "")
		j.pager(p, object, false)
		return
	}
	switch p.special {
	case "find":
		j.find(object, words, depth)
	case "shell":
		j.shell(object, words, depth)
	case "tar":
		j.flags(p, object, bundle(words), depth)
	default:
		j.flags(p, object, words, depth)
	}
}

func (j *judge) all(effects []Effect, object, why string) {
	for _, e := range effects {
		if slices.Contains(effectNames, e) {
			j.add(e, object, why)
		}
	}
}

func (j *judge) pager(p *program, object string, without bool) {
	if p.pager && !without && !j.setting.NoTerminal {
		j.add(Execute, object, "at a terminal it starts a pager, in which one can run anything")
	}
}

// exactly is the rule that speaks of exactly these words.
func (p *program) exactly(words []Word) *wordsRule {
	for i, r := range p.only {
		if slices.EqualFunc(r.words, words, func(a string, w Word) bool { return w.Kind == Literal && w.Value == a }) {
			return &p.only[i]
		}
	}
	return nil
}
