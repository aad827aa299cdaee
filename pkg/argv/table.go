package argv

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Effect is what a command does. The words are those of the policy language.
type Effect string

// The effects. What can't be told is Unknown.
const (
	Read      Effect = "read"      // shows what is there
	Write     Effect = "write"     // creates or changes files
	Delete    Effect = "delete"    // removes files and other things
	Privilege Effect = "privilege" // acts as somebody else, or changes who may do what
	Execute   Effect = "execute"   // runs code that its words don't show
	Transfer  Effect = "transfer"  // speaks with another machine
	Session   Effect = "session"   // does nothing to anything
	Admin     Effect = "admin"     // changes what the machine does: services, packages, network
	Unknown   Effect = "unknown"   // can't be told
)

var effectNames = []Effect{Read, Write, Delete, Privilege, Execute, Transfer, Session, Admin, Unknown}

//go:embed programs.txt
var reviewed string

// Table says what programs do. Its text is a list of entries:
//
//	NAME[,NAME…] [SUBCOMMAND[,SUBCOMMAND…]] : EFFECT… [any] [pager] [single] [apart] [inherit] [wrap …]
//		FLAG… [= EFFECT… [if GLOB…] [unless GLOB…]]
//		operand GLOB = EFFECT…       the first that fits counts; where there is one and none fits, the effect is unknown
//		#N = EFFECT…                 the Nth operand and those after it
//		needs FLAG… [with FLAG…] = EFFECT…   where none of the flags is there, but one of those behind "with"
//		only WORD… = EFFECT…         instead of all else, where these are all its words
//		form GLOB… = EFFECT…         instead of the entry's, where the operands are these; "*" is one name without "/"
//		none = EFFECT…               instead of the entry's, where there are no words
//
// A FLAG is -x, -xyz (three of them), -x: (with a value), -x? (a value may be attached), --long, --long:, --long?, -# (a
// number). any: the effects hold whatever the words are. pager: at a terminal it starts a pager, in which one can run
// anything, unless a flag's effect is nopager. single: long flags have one dash. apart: the value of a short flag is never
// written in one word with it. inherit: flags of the command above hold too.
// wrap: it runs the command that follows its flags; with skip=N after N operands, assigns: after NAME=VALUE words, joined: as
// a script, tail: with more words behind it, permute: flags may stand among the operands, elsewhere: on another machine or in
// another root, bare=EFFECT: without a command.
type Table struct {
	programs map[string]*program
	extends  *Table // while it is read: the one whose subcommands it may add to
}

type program struct {
	name                       string
	effects                    []Effect
	any, pager, single, nested bool
	apart                      bool
	special                    string // "find", "awk", "sed", "tar", "shell"
	wrap                       *wrap
	flags                      map[string]flag
	operands                   []operandRule
	from                       int // #N, 0: none
	fromEffects                []Effect
	needs, only, forms         []wordsRule
	none                       []Effect
	subs                       bool
}

type wrap struct {
	skip                                      int
	assigns, joined, tail, permute, elsewhere bool
	bare                                      Effect
}

type flag struct {
	value      byte // 0, ':' or '?'
	effects    []Effect
	only, less []string // globs of values that have the effects, or don't
}

type operandRule struct {
	glob    string
	effects []Effect
}

type wordsRule struct {
	words   []string
	with    []string // of "needs"
	effects []Effect
}

// Reviewed is the table that comes with this version.
func Reviewed() *Table { return builtIn() }

var builtIn = sync.OnceValue(func() *Table {
	t := &Table{programs: map[string]*program{}}
	if err := t.read(reviewed); err != nil {
		panic(err) // a test reads it
	}
	return t
})

// With is the table with entries of an administrator's own, in the same language. They replace the reviewed ones of the same
// names. A name may be an absolute path.
func (t *Table) With(text string) (*Table, error) {
	out := &Table{programs: maps.Clone(t.programs)}
	own := &Table{programs: map[string]*program{}, extends: t}
	if err := own.read(text); err != nil {
		return nil, err
	}
	for name := range own.programs {
		if !strings.Contains(name, " ") { // what was said of its subcommands goes with it
			maps.DeleteFunc(out.programs, func(old string, _ *program) bool { return strings.HasPrefix(old, name+" ") })
		}
	}
	maps.Copy(out.programs, own.programs)
	for name := range own.programs {
		if i := strings.LastIndexByte(name, ' '); i > 0 {
			out.programs[name[:i]] = withSubs(out.programs[name[:i]])
		}
	}
	return out, nil
}

// Speaks says whether an entry of this name would take the place of something that the table says: of a program, by whatever path,
// of a command of one, or of a program that has no commands of its own there, such as one that runs others.
func (t *Table) Speaks(name string) bool {
	first, commands, _ := strings.Cut(name, " ")
	name = strings.TrimSuffix(path.Base(first)+" "+commands, " ")
	if t.programs[name] != nil {
		return true
	}
	i := strings.LastIndexByte(name, ' ')
	if i < 0 {
		return false
	}
	above := t.programs[name[:i]]
	if above == nil {
		return t.Speaks(name[:i])
	}
	return !above.subs || above.any || above.wrap != nil || slices.Contains(above.effects, Execute) || slices.Contains(above.effects, Privilege)
}

func withSubs(p *program) *program {
	if p == nil {
		return nil
	}
	above := *p
	above.subs = true
	return &above
}

func (t *Table) read(text string) error {
	var now []*program
	var wrong []error
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\n")
		var err error
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '#':
		case line[0] != '\t':
			now, err = t.entry(line)
		default:
			if len(now) == 0 {
				err = fmt.Errorf("a line of no entry")
			}
			for _, p := range now {
				if err == nil {
					err = p.detail(strings.Fields(line))
				}
			}
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("programs, line %d: %w", n, err))
		}
	}
	return errors.Join(wrong...)
}

// entry reads the head of an entry, and makes a program for each of its names.
func (t *Table) entry(line string) ([]*program, error) {
	head, tail, ok := strings.Cut(line, " : ")
	if !ok {
		return nil, fmt.Errorf("%q has no %q", line, " : ")
	}
	names := []string{""}
	for part := range strings.FieldsSeq(head) {
		var next []string
		for _, name := range names {
			for alternative := range strings.SplitSeq(part, ",") {
				next = append(next, strings.TrimSpace(name+" "+alternative))
			}
		}
		names = next
	}
	var made []*program
	for _, name := range names {
		p := &program{name: name, flags: map[string]flag{}}
		for word := range strings.FieldsSeq(tail) {
			if err := p.property(word); err != nil {
				return nil, err
			}
		}
		if !real(p.effects) {
			return nil, fmt.Errorf("%q has no effect", name)
		}
		if i := strings.LastIndexByte(name, ' '); i > 0 {
			above := t.programs[name[:i]]
			switch {
			case above != nil:
				above.subs = true
			case t.extends == nil || t.extends.programs[name[:i]] == nil:
				return nil, fmt.Errorf("%q stands before the entry above it", name)
			}
		}
		if t.programs[name] != nil {
			return nil, fmt.Errorf("%q is there twice", name)
		}
		if !p.any {
			p.flags["--help"], p.flags["--version"] = flag{}, flag{}
		}
		t.programs[name] = p
		made = append(made, p)
	}
	return made, nil
}

func (p *program) property(word string) error {
	if p.wrap != nil {
		return p.wrap.property(word)
	}
	switch word {
	case "any":
		p.any = true
	case "pager":
		p.pager = true
	case "single":
		p.single = true
	case "apart":
		p.apart = true
	case "inherit":
		p.nested = true
	case "find", "awk", "sed", "tar", "shell":
		p.special = word
	case "wrap":
		p.wrap = &wrap{bare: Unknown}
	default:
		return addEffects(&p.effects, []string{word})
	}
	return nil
}

func (w *wrap) property(word string) (err error) {
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "skip":
		if w.skip, err = strconv.Atoi(value); err == nil && w.skip < 0 {
			err = fmt.Errorf("%q is no number of words", word)
		}
	case "bare":
		var effects []Effect
		if err = addEffects(&effects, []string{value}); err == nil && !real(effects) {
			err = fmt.Errorf("%q is no effect", value)
		}
		w.bare = Effect(value)
	case "assigns":
		w.assigns = true
	case "joined":
		w.joined = true
	case "tail":
		w.tail = true
	case "permute":
		w.permute = true
	case "elsewhere":
		w.elsewhere = true
	default:
		err = fmt.Errorf("%q is no property of a wrapper", word)
	}
	return err
}

// What a flag does besides effects.
const (
	nopager = Effect("nopager") // it starts no pager
	script  = Effect("script")  // its value is run by a shell
	replace = Effect("replace") // its value stands for words of the input
	norun   = Effect("norun")   // the command behind it is not run
)

func addEffects(to *[]Effect, words []string) error {
	for _, word := range words {
		e := Effect(word)
		if !slices.Contains(effectNames, e) && !slices.Contains([]Effect{nopager, script, replace, norun}, e) {
			return fmt.Errorf("%q is no effect", word)
		}
		*to = append(*to, e)
	}
	return nil
}

// real says that there is an effect among what a flag does.
func real(effects []Effect) bool {
	return slices.ContainsFunc(effects, func(e Effect) bool { return slices.Contains(effectNames, e) })
}

// detail reads a line of an entry.
func (p *program) detail(words []string) error {
	var effects []Effect
	var only, less []string
	if i := slices.Index(words, "="); i >= 0 {
		rest := words[i+1:]
		words = words[:i]
		for len(rest) > 0 && rest[0] != "if" && rest[0] != "unless" {
			if err := addEffects(&effects, rest[:1]); err != nil {
				return err
			}
			rest = rest[1:]
		}
		switch {
		case len(rest) > 1 && rest[0] == "if":
			only = rest[1:]
		case len(rest) > 1:
			less = rest[1:]
		case len(rest) == 1:
			return fmt.Errorf("%q without a value", rest[0])
		}
	}
	if len(words) == 0 {
		return fmt.Errorf("a line without a flag")
	}
	rule := slices.Contains([]string{"operand", "needs", "only", "form", "none"}, words[0]) || words[0][0] == '#'
	switch key := words[0]; {
	case rule && !real(effects):
		return fmt.Errorf("%q says no effect", strings.Join(words, " "))
	case len(words) < 2 && slices.Contains([]string{"operand", "needs", "only", "form"}, key), key == "operand" && len(words) > 2:
		return fmt.Errorf("%q speaks of no word, or of too many", strings.Join(words, " "))
	case key == "operand":
		p.operands = append(p.operands, operandRule{words[1], effects})
	case key == "needs":
		r := wordsRule{words: words[1:], effects: effects}
		if i := slices.Index(r.words, "with"); i >= 0 {
			r.words, r.with = r.words[:i], r.words[i+1:]
		}
		p.needs = append(p.needs, r)
	case key == "only":
		p.only = append(p.only, wordsRule{words: words[1:], effects: effects})
	case key == "form":
		p.forms = append(p.forms, wordsRule{words: words[1:], effects: effects})
	case key == "none":
		p.none = effects
	case key[0] == '#':
		n, err := strconv.Atoi(key[1:])
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no place of an operand", key)
		}
		p.from, p.fromEffects = n, effects
	default:
		for _, word := range words {
			if err := p.addFlag(word, flag{effects: effects, only: only, less: less}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *program) addFlag(word string, f flag) error {
	if word[0] != '-' {
		return fmt.Errorf("%q is no flag", word)
	}
	if last := word[len(word)-1]; len(word) > 2 && (last == ':' || last == '?') {
		f.value, word = last, word[:len(word)-1]
	}
	names := []string{word}
	if len(word) > 2 && word[1] != '-' && !p.single {
		names = nil
		for _, c := range word[1:] {
			names = append(names, "-"+string(c))
		}
		if len(names) > 1 && f.value != 0 {
			return fmt.Errorf("%q: only one flag can have a value", word)
		}
	}
	for _, name := range names {
		if _, twice := p.flags[name]; twice && name != "--help" && name != "--version" {
			return fmt.Errorf("%s: %s is there twice", p.name, name)
		}
		p.flags[name] = f
	}
	return nil
}
