package argv

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Form is a command as a rule writes it: ["systemctl", "status", "*"].
//
// The first word is the program. A name means the program of that name as the target's PATH finds it, and the file of that
// name in /bin, /sbin, /usr/bin and /usr/sbin; "/tmp/systemctl" is not "systemctl". A path means exactly that file.
//
// Of the others each stands for exactly one word of the command:
//
//	text   this text
//	*      any word that is not empty and does not begin with "-"
//	a*z    a word that begins and ends so; "*" is any run of characters without "/", and not ".."
//	a**z   the same, with "/"; the word has no ".." between slashes
//	...    only at the end: any number of words, none too, of which none begins with "-"
//
// A star never stands for the "-" at the beginning of a word: a flag must be written. A backslash before a character makes it
// mean itself, so that "\*" is a star and "\..." three dots.
type Form struct {
	program string
	words   []pattern
	more    bool
}

// pattern is a word of a form: texts with stars between them.
type pattern struct {
	texts []string
	deep  []bool // whether the star behind a text is a double one
}

// NewForm reads the words of a form.
func NewForm(words []string) (Form, error) {
	if len(words) == 0 || words[0] == "" || strings.ContainsAny(words[0], "*\\ \t\n") {
		return Form{}, fmt.Errorf("a form begins with a program's name or path, without stars: %q", words)
	}
	if strings.Contains(words[0], "/") && (words[0][0] != '/' || path.Clean(words[0]) != words[0]) {
		return Form{}, fmt.Errorf("%q is neither a name nor an absolute path", words[0])
	}
	f := Form{program: words[0]}
	for i, w := range words[1:] {
		if w == "..." {
			if i != len(words)-2 {
				return Form{}, fmt.Errorf(`"..." stands only at the end of a form: %q`, words)
			}
			f.more = true
			continue
		}
		p, err := newPattern(w)
		if err != nil {
			return Form{}, err
		}
		f.words = append(f.words, p)
	}
	return f, nil
}

func newPattern(word string) (pattern, error) {
	p := pattern{texts: []string{""}}
	for i := 0; i < len(word); i++ {
		last := len(p.texts) - 1
		switch {
		case word[i] == '\\' && i+1 < len(word):
			i++
			p.texts[last] += word[i : i+1]
		case word[i] == '\\':
			return pattern{}, fmt.Errorf("%q ends with a backslash", word)
		case strings.HasPrefix(word[i:], "***"):
			return pattern{}, fmt.Errorf("%q has three stars", word)
		case strings.HasPrefix(word[i:], "**"):
			i++
			p.texts, p.deep = append(p.texts, ""), append(p.deep, true)
		case word[i] == '*':
			p.texts, p.deep = append(p.texts, ""), append(p.deep, false)
		default:
			p.texts[last] += word[i : i+1]
		}
	}
	return p, nil
}

// one says that the pattern is a star alone, which stands for any text.
func (p pattern) one() bool {
	return len(p.deep) == 1 && p.texts[0] == "" && p.texts[1] == "" && !p.deep[0]
}

func (p pattern) match(word string) bool {
	switch {
	case len(p.deep) == 0:
		return word == p.texts[0]
	case p.texts[0] == "" && (word == "" || word[0] == '-'):
		return false
	case p.one():
		return true
	case slices.Contains(strings.Split(word, "/"), ".."):
		return false
	default:
		return strings.HasPrefix(word, p.texts[0]) && p.rest(0, word[len(p.texts[0]):])
	}
}

// rest matches from the star behind text i.
func (p pattern) rest(i int, word string) bool {
	if i == len(p.deep) {
		return word == ""
	}
	for n := range len(word) + 1 {
		if n > 0 && word[n-1] == '/' && !p.deep[i] {
			return false
		}
		if strings.HasPrefix(word[n:], p.texts[i+1]) && p.rest(i+1, word[n+len(p.texts[i+1]):]) {
			return true
		}
	}
	return false
}

// admits says that a command is of this form, whatever is not known of it.
func (f Form) admits(words []string) bool {
	if len(words) < 1+len(f.words) || len(words) > 1+len(f.words) && !f.more || !f.names(words[0]) {
		return false
	}
	for i, p := range f.words {
		if !p.match(words[1+i]) {
			return false
		}
	}
	return !slices.ContainsFunc(words[1+len(f.words):], func(w string) bool { return strings.HasPrefix(w, "-") })
}

func (f Form) names(program string) bool {
	if program == f.program {
		return true
	}
	return !strings.Contains(f.program, "/") && slices.ContainsFunc(systemFolders, func(folder string) bool { return program == folder+f.program })
}

// Forms is a list of forms of which one must fit.
type Forms []Form

// Admit says that every command of a line is of one of the forms. Nothing else may stand in the line: no variables before a
// command, and no redirections but those between its own descriptors and to /dev/null. What joins the commands is another
// fact, Line.Operators. Programs that only run another one with the same effects, such as timeout and nice, are looked
// through; sudo is not: a form must name it.
func (f Forms) Admit(t *Table, l *Line) bool {
	if !l.Known() {
		return false
	}
	return !slices.ContainsFunc(l.Commands, func(c Command) bool { return !f.admit(t, c) })
}

func (f Forms) admit(t *Table, c Command) bool {
	for _, r := range c.Redirects {
		own := (r.Op == ">&" || r.Op == "<&") && r.Target.Value <= "2"
		if !own && !slices.Contains(quiet, r.Target.Value) {
			return false
		}
	}
	words, ok := c.Values()
	if !ok || len(c.Assigns) > 0 || len(words) == 0 {
		return false
	}
	for range 8 {
		if slices.ContainsFunc(f, func(form Form) bool { return form.admits(words) }) {
			return true
		}
		if words, ok = t.through(words); !ok {
			return false
		}
	}
	return false
}

// through is the command that a plain wrapper runs.
func (t *Table) through(words []string) ([]string, bool) {
	p := t.named(words[0])
	if p == nil || p.wrap == nil || !p.wrap.plainly {
		return nil, false
	}
	s := &scan{j: &judge{table: t}, p: p, object: words[0], values: map[string]Word{}}
	for _, w := range words[1:] {
		s.words = append(s.words, Word{Kind: Literal, Value: w})
	}
	if !s.run() || s.at >= len(words)-1 || len(s.j.out.Accesses) > 0 || slices.ContainsFunc(s.operands, p.wrap.assignment) {
		return nil, false
	}
	return words[1+s.at:], true
}

// Touch says that a line may run something that the forms speak of. It is for rules that deny or ask: a program of the same
// name anywhere, with all the texts of the form somewhere among its words. What is not known of a line counts as a match, so
// that a rule which denies is not passed by in the dark; but a list of what is denied stays a guard against accidents, since
// most things can be done by another program, too.
func (f Forms) Touch(l *Line, found Finding) bool {
	if l.Unclear != "" || len(l.Commands) == 0 {
		return true
	}
	return slices.ContainsFunc(found.Runs, func(c Command) bool {
		return slices.ContainsFunc(f, func(form Form) bool { return form.touches(c) })
	})
}

func (f Form) touches(c Command) bool {
	if len(c.Args) == 0 {
		return false
	}
	program := c.Args[0]
	if program.Kind != Literal {
		return true
	}
	if path.Base(program.Value) != path.Base(f.program) {
		return false
	}
	if slices.ContainsFunc(c.Args, func(w Word) bool { return w.Kind == Unsure }) {
		return true
	}
	for _, p := range f.words {
		if p.one() {
			continue
		}
		if !slices.ContainsFunc(c.Args[1:], func(w Word) bool { return w.Kind == Names || p.match(w.Value) }) {
			return false
		}
	}
	return true
}
