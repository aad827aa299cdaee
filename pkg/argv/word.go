package argv

import (
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// What follows decodes words a second time, from their source, by rules that are the same in every shell of the family. The
// parser says where a word's parts are; here each part must be what the parser took it for, whoever reads it. A part that
// isn't makes the line unclear.

// decoded is a word on its way: the bytes of its value, and for each whether it was quoted.
type decoded struct {
	value  []byte
	quoted []bool
	holes  bool // the shell puts something in: value is not all
}

func (d *decoded) add(c byte, quoted bool) {
	d.value, d.quoted = append(d.value, c), append(d.quoted, quoted)
}

// plainParam are the expansions whose end every shell sees in the same place.
var plainParam = regexp.MustCompile(`^\$([A-Za-z_][A-Za-z0-9_]*|[0-9?$#!@*-]|\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?$#!@*-])\})$`)

// word reads one word.
func (r *reader) word(w *syntax.Word) Word {
	source := r.source(w)
	out := Word{Source: source}
	var d decoded
	at := w.Pos().Offset()
	for i, part := range w.Parts {
		if part.Pos().Offset() != at {
			r.unclear("its words can't be told apart")
			return out
		}
		at = part.End().Offset()
		r.part(&d, part, i == len(w.Parts)-1)
	}
	if at != w.End().Offset() || len(w.Parts) == 0 {
		r.unclear("its words can't be told apart")
		return out
	}
	if d.holes {
		out.Why = r.hole
		return out
	}
	r.special(&d, &out)
	return out
}

// part adds one part of a word. last: nothing of the word follows.
func (r *reader) part(d *decoded, part syntax.WordPart, last bool) {
	source := r.source(part)
	switch p := part.(type) {
	case *syntax.Lit:
		r.unquoted(d, source, last)
	case *syntax.SglQuoted:
		if p.Dollar || len(source) < 2 || source[0] != '\'' || source[len(source)-1] != '\'' || strings.Count(source, "'") != 2 {
			r.unclear("a quote that shells read in different ways: " + source)
			return
		}
		r.quoted = r.quoted || strings.Contains(source, "\n")
		for i := 1; i < len(source)-1; i++ {
			d.add(source[i], true)
		}
	case *syntax.DblQuoted:
		if p.Dollar || len(source) < 2 || source[0] != '"' || source[len(source)-1] != '"' {
			r.unclear("a quote that shells read in different ways: " + source)
			return
		}
		r.doubleQuoted(d, p)
	default:
		r.expansion(d, part)
	}
}

func (r *reader) doubleQuoted(d *decoded, p *syntax.DblQuoted) {
	at := p.Pos().Offset() + 1
	for i, part := range p.Parts {
		if part.Pos().Offset() != at {
			r.unclear("its quotes can't be told apart")
			return
		}
		at = part.End().Offset()
		if _, ok := part.(*syntax.Lit); ok {
			r.inDouble(d, r.source(part), i == len(p.Parts)-1)
		} else {
			r.expansion(d, part)
		}
	}
	if at+1 != p.End().Offset() {
		r.unclear("its quotes can't be told apart")
	}
}

// unquotedBytes stand for themselves, or special looks at them.
const unquotedBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,+@%-=^!#~{}[]*?"

func (r *reader) unquoted(d *decoded, source string, last bool) {
	for i := 0; i < len(source); i++ {
		switch c := source[i]; {
		case c == '\\' && i+1 < len(source) && source[i+1] > ' ' && source[i+1] < 0x7f, c == '\\' && i+1 < len(source) && source[i+1] == ' ':
			i++
			d.add(source[i], true)
		case c == '$' && last && i == len(source)-1:
			d.add(c, true)
		case strings.IndexByte(unquotedBytes, c) >= 0:
			d.add(c, false)
		case c >= 0x80:
			r.unclear("a character outside ASCII that is not in single quotes: some locales read it in another way")
		default:
			r.unclear("a character that shells read in different ways: " + source)
		}
	}
}

// inDouble reads what is plain between double quotes. A "$" stands for itself before what can't begin an expansion in any
// shell.
func (r *reader) inDouble(d *decoded, source string, last bool) {
	r.quoted = r.quoted || strings.Contains(source, "\n")
	for i := 0; i < len(source); i++ {
		c, next := source[i], byte(0)
		if i+1 < len(source) {
			next = source[i+1]
		}
		switch {
		case c >= 0x80 || c == '\\' && next >= 0x80:
			r.unclear("a character outside ASCII that is not in single quotes: some locales read it in another way")
		case c == '\\' && (next == 0 || next == '\n'), c == '"', c == '`':
			r.unclear("an escape that shells read in different ways: " + source)
		case c == '\\' && strings.IndexByte(`$"\`+"`", next) >= 0:
			i++
			d.add(next, true)
		case c == '$' && !(next == 0 && last || next == ' ' || next == '|'):
			r.unclear(`a "$" that shells read in different ways: ` + source)
		default:
			d.add(c, true)
		}
	}
}

// expansion notes what the shell computes. Only the plain forms are understood that far.
func (r *reader) expansion(d *decoded, part syntax.WordPart) {
	source := r.source(part)
	d.holes = true
	switch p := part.(type) {
	case *syntax.ParamExp:
		if !plainParam.MatchString(source) {
			r.unclear("an expansion that shells read in different ways: " + source)
		}
		r.expands("parameter", "parameter expansion")
	case *syntax.CmdSubst:
		if p.Backquotes || !strings.HasPrefix(source, "$(") || strings.HasPrefix(source, "$((") || !strings.HasSuffix(source, ")") {
			r.unclear("a command substitution that shells read in different ways: " + source)
			return
		}
		r.inner("$(", func() { r.stmts(p.Stmts, "") })
		r.expands("command", "command substitution")
	default:
		r.unclear("an expansion that shells read in different ways: " + source)
	}
}

// special decides what the unquoted characters of a word without expansions mean.
func (r *reader) special(d *decoded, out *Word) {
	bare := func(i int) bool { return i < len(d.value) && !d.quoted[i] }
	value := string(d.value)
	out.Kind, out.Value = Literal, value
	if bare(0) && (value[0] == '=' || value[0] == '#' || value[0] == '{' && value != "{}" || value[0] == '}') {
		r.unclear("a word that shells read in different ways: " + out.Source)
	}
	for i, c := range d.value {
		if d.quoted[i] {
			continue
		}
		switch c {
		case '~':
			if i == 0 || d.value[i-1] == '=' || d.value[i-1] == ':' {
				r.expands("tilde", "")
				*out = Word{Why: "tilde expansion", Source: out.Source}
				return
			}
		case '{', '}':
			if strings.Contains(value, ",") || strings.Contains(value, "..") {
				r.expands("brace", "")
				*out = Word{Why: "brace expansion", Source: out.Source}
				return
			}
		}
	}
	glob := slices.IndexFunc(d.value, func(c byte) bool { return c == '*' || c == '?' || c == '[' })
	for glob >= 0 && d.quoted[glob] {
		next := slices.IndexFunc(d.value[glob+1:], func(c byte) bool { return c == '*' || c == '?' || c == '[' })
		if next < 0 {
			return
		}
		glob += 1 + next
	}
	if glob < 0 || value == "[" {
		return
	}
	r.expands("glob", "")
	*out = Word{Kind: Names, Value: value[:glob], Why: "a pattern for names of files", Source: out.Source}
	if glob == 0 || value[0] == '-' {
		out.Kind, out.Value = Unsure, ""
	}
}
