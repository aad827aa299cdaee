package argv

import (
	"slices"
	"strings"
)

// scan goes over a program's words as getopt does, and stricter: a flag that is not in the table is unknown, and so is a
// value that looks like a flag. A flag behind an operand counts as one, whether the program takes it for one or not.
type scan struct {
	j        *judge
	p        *program
	object   string
	words    []Word
	at       int
	operands []Word
	seen     []string
	values   map[string]Word
	nopager  bool
	above    map[string]flag // of the commands above, where they hold too
	scripts  []Word
}

// flags judges a program by its flags and operands.
func (j *judge) flags(p *program, object string, words []Word, depth int) {
	s := &scan{j: j, p: p, object: object, words: words, values: map[string]Word{}}
	for s.p != nil {
		if s.run() {
			s.wrapped(depth)
			return
		}
		sub := s.sub()
		if sub == nil {
			break
		}
	}
	if s.p == nil {
		return
	}
	s.settle()
	for _, w := range s.scripts {
		j.script(w, object, depth)
	}
}

// sub goes on with the command that the first operand names. It answers nil where the words are at their end.
func (s *scan) sub() *program {
	if !s.p.subs || len(s.operands) == 0 {
		return nil
	}
	w := s.operands[0]
	next := s.j.table.programs[s.p.name+" "+w.Value]
	if w.Kind != Literal || next == nil {
		s.unknown("its subcommand is not in the table: " + w.Source)
		s.p = nil
		return nil
	}
	above := map[string]flag{}
	if next.nested {
		for name, f := range s.p.flags {
			above[name] = f
		}
		for name, f := range s.above {
			above[name] = f
		}
	}
	s.p, s.above, s.operands, s.seen = next, above, nil, nil
	if r := next.exactly(s.words[s.at:]); r != nil {
		s.j.all(r.effects, s.object, "")
		s.j.pager(next, s.object, s.nopager)
		s.p = nil
		return nil
	}
	if next.none != nil && s.at >= len(s.words) {
		s.j.all(next.none, s.object, "")
		s.j.pager(next, s.object, s.nopager)
		s.p = nil
		return nil
	}
	if next.any && next.wrap == nil {
		s.j.all(next.effects, s.object, "")
		s.j.pager(next, s.object, s.nopager)
		s.p = nil
		return nil
	}
	return next
}

func (s *scan) unknown(why string) { s.j.add(Unknown, s.object, why) }

// run goes over words until they end or, where the program has subcommands or runs a command, until that begins. It says
// whether a command begins.
func (s *scan) run() bool {
	ended := false
	for ; s.at < len(s.words); s.at++ {
		w := s.words[s.at]
		switch {
		case w.Kind == Unsure:
			s.unknown("a word is not known: " + w.Why)
			s.operands = append(s.operands, w)
		case w.Kind == Literal && !ended && w.Value == "--":
			ended = true
			continue
		case w.Kind == Literal && !ended && len(w.Value) > 1 && w.Value[0] == '-', w.Kind == Literal && !ended && w.Value == "-" && s.known("-"):
			if s.p.wrap != nil && !s.p.wrap.permute && len(s.operands) > 0 {
				s.unknown("a flag behind an operand: " + w.Value)
			}
			s.flag(w.Value)
			continue
		default:
			s.operands = append(s.operands, w)
		}
		if s.p.subs && len(s.operands) == 1 {
			s.at++
			return false
		}
		if s.p.wrap != nil && !s.p.wrap.assignment(w) && s.programs() > s.p.wrap.skip {
			return true
		}
	}
	return s.p.wrap != nil
}

// programs counts the operands that are no assignments.
func (s *scan) programs() (n int) {
	for _, w := range s.operands {
		if !s.p.wrap.assignment(w) {
			n++
		}
	}
	return n
}

func (w *wrap) assignment(word Word) bool {
	name, _, ok := strings.Cut(word.Value, "=")
	return w.assigns && ok && word.Kind == Literal && name != "" && !strings.ContainsRune(name, '/')
}

func (s *scan) known(name string) bool {
	_, ok := s.lookup(name)
	return ok
}

func (s *scan) lookup(name string) (flag, bool) {
	if f, ok := s.p.flags[name]; ok {
		return f, true
	}
	f, ok := s.above[name]
	return f, ok
}

// flag judges a word that begins with "-".
func (s *scan) flag(word string) {
	if number(word) && s.known("-#") {
		return
	}
	if s.p.single || strings.HasPrefix(word, "--") {
		name, value, has := strings.Cut(word, "=")
		f, ok := s.lookup(name)
		switch {
		case !ok:
			s.abbreviated(name)
		case has && f.value == 0:
			s.unknown(name + " has no value")
		case has:
			s.note(name, f, Word{Kind: Literal, Value: value})
		case f.value == ':':
			s.value(name, f)
		default:
			s.note(name, f, Word{})
		}
		return
	}
	for i := 1; i < len(word); i++ {
		name := "-" + word[i:i+1]
		f, ok := s.lookup(name)
		switch {
		case !ok:
			s.unknown("a flag that is not in the table: " + name)
			return
		case f.value != 0 && i+1 < len(word) && s.p.apart:
			s.unknown("the value of " + name + " stands in one word with it")
			return
		case f.value != 0 && i+1 < len(word):
			s.note(name, f, Word{Kind: Literal, Value: word[i+1:]})
			return
		case f.value == ':':
			s.value(name, f)
		default:
			s.note(name, f, Word{})
		}
	}
}

func number(word string) bool { return len(word) > 1 && strings.Trim(word[1:], "0123456789") == "" }

// abbreviated is a long flag that is not in the table. Programs let long flags be cut short, so that it has the effects of
// those that begin with it; and since the table has not all flags of a program, it is unknown besides.
func (s *scan) abbreviated(name string) {
	s.unknown("a flag that is not in the table: " + name)
	for long, f := range s.p.flags {
		if strings.HasPrefix(long, name) {
			s.j.all(f.effects, s.object, "by "+long)
		}
	}
}

// value takes the next word for a flag's.
func (s *scan) value(name string, f flag) {
	s.at++
	if s.at >= len(s.words) {
		s.unknown(name + " has no value")
		return
	}
	w := s.words[s.at]
	if w.Kind != Literal || len(w.Value) > 1 && w.Value[0] == '-' && !number(w.Value) {
		s.unknown("the value of " + name + " is not known, or looks like a flag")
	}
	s.note(name, f, w)
}

func (s *scan) note(name string, f flag, value Word) {
	s.seen = append(s.seen, name)
	s.values[name] = value
	if f.only != nil && value.Kind == Literal && !fitsAny(f.only, value.Value) || f.less != nil && value.Kind == Literal && fitsAny(f.less, value.Value) {
		return
	}
	s.nopager = s.nopager || slices.Contains(f.effects, nopager)
	if slices.Contains(f.effects, script) {
		s.scripts = append(s.scripts, value)
	}
	s.j.all(f.effects, s.object, "by "+name)
}

// settle adds what operands, missing flags and the program itself do.
func (s *scan) settle() {
	s.j.pager(s.p, s.object, s.nopager)
	for _, r := range s.p.forms {
		if slices.EqualFunc(r.words, s.operands, func(glob string, w Word) bool { return w.Kind == Literal && oneName(glob, w.Value) }) {
			s.j.all(r.effects, s.object, "")
			return
		}
	}
	s.j.all(s.p.effects, s.object, "")
	for _, r := range s.p.needs {
		seen := func(name string) bool { return slices.Contains(s.seen, name) }
		if !slices.ContainsFunc(r.words, seen) && (r.with == nil || slices.ContainsFunc(r.with, seen)) {
			s.j.all(r.effects, s.object, "without "+strings.Join(r.words, " or "))
		}
	}
	if s.p.from > 0 && len(s.operands) >= s.p.from {
		s.j.all(s.p.fromEffects, s.object, "by its further operands")
	}
	if names := slices.ContainsFunc(s.operands, func(w Word) bool { return w.Kind == Names }); names && s.p.from > 1 {
		s.j.all(s.p.fromEffects, s.object, "by its further operands")
	}
	s.operandRules()
	switch s.p.special {
	case "awk":
		s.j.awk(s.object, s.operands)
	case "sed":
		s.j.sed(s.object, s.operands, s.values, s.seen)
	}
}

func (s *scan) operandRules() {
	for _, w := range s.operands {
		if len(s.p.operands) == 0 {
			return
		}
		fitted := false
		for _, r := range s.p.operands {
			if !r.may(w) {
				continue
			}
			fitted = true
			s.j.all(r.effects, s.object, "by "+w.Source)
			if w.Kind == Literal || r.glob == "*" {
				break
			}
		}
		if !fitted {
			s.unknown("an operand that is not in the table: " + w.Source)
		}
	}
}

// may says that a rule is for a word, or for one of those that a pattern stands for. A pattern that no file fits is handed over
// as it stands, so that its beginning counts.
func (r operandRule) may(w Word) bool {
	if w.Kind == Literal {
		return fits(r.glob, w.Value)
	}
	begins, _, _ := strings.Cut(r.glob, "*")
	return r.glob == "*" || w.Kind == Unsure || strings.HasPrefix(w.Value, begins) || strings.HasPrefix(begins, w.Value)
}

// fits compares with a glob: "*" is any run of characters.
func fits(glob, text string) bool {
	first, rest, star := strings.Cut(glob, "*")
	if !star {
		return glob == text
	}
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	if rest == "" {
		return true
	}
	for i := range len(text) + 1 {
		if fits(rest, text[i:]) {
			return true
		}
	}
	return false
}

func fitsAny(globs []string, text string) bool {
	return slices.ContainsFunc(globs, func(g string) bool { return fits(g, text) })
}

// oneName compares a word of a form: "*" is one name, without "/" and no flag.
func oneName(glob, text string) bool {
	if glob == "*" {
		return text != "" && text[0] != '-' && !strings.ContainsAny(text, "/ \t\n")
	}
	return glob == text
}
