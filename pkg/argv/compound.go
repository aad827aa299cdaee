package argv

import (
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// compound reads a command that is made of others.
func (r *reader) compound(s *syntax.Stmt, joined string) {
	switch c := s.Cmd.(type) {
	case *syntax.Subshell:
		r.in("(", func() {
			r.out.WriteString("( ")
			r.stmts(c.Stmts, joined)
			r.out.WriteString(" )")
		})
	case *syntax.Block:
		r.in("{", func() {
			r.out.WriteString("{ ")
			r.body(c.Stmts, joined)
			r.out.WriteString("}")
		})
	case *syntax.IfClause:
		r.in("if", func() { r.ifs(c, "if", joined) })
	case *syntax.WhileClause:
		word := "while"
		if c.Until {
			word = "until"
		}
		r.in(word, func() {
			r.out.WriteString(word + " ")
			r.body(c.Cond, joined)
			r.out.WriteString("do ")
			r.body(c.Do, "")
			r.out.WriteString("done")
		})
	case *syntax.ForClause:
		r.in("for", func() { r.loop(c, joined) })
	default:
		r.unclear("a command that only some shells know, or that defines a function")
		return
	}
	if len(s.Redirs) == 0 {
		return
	}
	out := Command{Joined: joined, Within: append([]string(nil), r.within...)}
	for _, x := range s.Redirs {
		redirect := r.redirect(x)
		out.Redirects = append(out.Redirects, redirect)
		r.out.WriteString(" " + r.redirectText(redirect))
	}
	r.command(out)
}

// body writes a list whose end is a reserved word.
func (r *reader) body(list []*syntax.Stmt, joined string) {
	r.stmts(list, joined)
	switch text := r.out.String(); {
	case len(list) == 0:
		r.unclear("an empty list of commands")
	case strings.HasSuffix(text, "\n"):
	case list[len(list)-1].Background:
		r.out.WriteByte(' ')
	default:
		r.out.WriteString("; ")
	}
}

func (r *reader) ifs(c *syntax.IfClause, word, joined string) {
	r.out.WriteString(word + " ")
	if len(c.Cond) > 0 {
		r.body(c.Cond, joined)
		r.out.WriteString("then ")
	}
	r.body(c.Then, "")
	switch {
	case c.Else == nil:
		r.out.WriteString("fi")
	case len(c.Else.Cond) > 0:
		r.ifs(c.Else, "elif", "")
	default:
		r.ifs(c.Else, "else", "")
	}
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (r *reader) loop(c *syntax.ForClause, joined string) {
	iter, ok := c.Loop.(*syntax.WordIter)
	if !ok || c.Select || c.Braces || !iter.InPos.IsValid() || iter.Name == nil || !variable.MatchString(iter.Name.Value) {
		r.unclear("a loop that shells read in different ways")
		return
	}
	if !harmless(iter.Name.Value, "") {
		r.unclear("a loop over a variable that may change what commands mean: " + iter.Name.Value)
	}
	r.out.WriteString("for " + r.source(iter.Name) + " in")
	for _, w := range iter.Items {
		word := r.word(w)
		if subscript(word.Value) {
			r.unclear("some shells run what stands in the brackets of " + word.Source)
		}
		r.out.WriteString(" " + shown(word))
	}
	r.out.WriteString("; do ")
	r.body(c.Do, joined)
	r.out.WriteString("done")
}

var delimiter = regexp.MustCompile(`^(?:([A-Za-z0-9_]+)|'([A-Za-z0-9_]+)'|"([A-Za-z0-9_]+)")$`)

// document reads a here-document. Its text is found a second time, by hand: from the next line to the one that is the
// delimiter.
func (r *reader) document(x *syntax.Redirect) Word {
	source := r.source(x.Word)
	r.heredocs = append(r.heredocs, heredoc{})
	found := delimiter.FindStringSubmatch(source)
	if found == nil {
		r.unclear("a here-document whose end shells see in different places")
		return Word{Source: source}
	}
	end := found[1] + found[2] + found[3]
	r.documents++
	start := strings.IndexByte(r.src[x.Word.End().Offset():], '\n')
	if start < 0 {
		r.unclear("a here-document without a text")
		return Word{Source: source}
	}
	start += int(x.Word.End().Offset()) + 1
	body, ok := upTo(r.src[start:], end)
	if theirs := hdoc(r.src, x); !ok || theirs != body && theirs != body+end {
		r.unclear("a here-document whose end shells see in different places")
		return Word{Source: source}
	}
	for i := start; i < start+len(body)+len(end); i++ {
		r.seen[i] = true
	}
	r.heredocs[len(r.heredocs)-1] = heredoc{end, body}
	if len(r.heredocs) > 1 {
		r.unclear("two here-documents at once")
	}
	if found[1] != "" && strings.ContainsAny(body, "$`\\") {
		r.expands("parameter", "")
		return Word{Why: "a here-document with expansions", Source: source}
	}
	return Word{Kind: Literal, Value: body, Source: source}
}

// upTo is the text before the line that is end.
func upTo(text, end string) (string, bool) {
	at := 0
	for line := range strings.Lines(text) {
		if strings.TrimSuffix(line, "\n") == end {
			return text[:at], true
		}
		at += len(line)
	}
	return "", false
}

// hdoc is what the parser took for the text.
func hdoc(src string, x *syntax.Redirect) string {
	if x.Hdoc == nil {
		return ""
	}
	from, to := x.Hdoc.Pos().Offset(), x.Hdoc.End().Offset()
	if from > to || to > uint(len(src)) {
		return "\x00"
	}
	return src[from:to]
}

// gap is all that may stand between the words of a line. A comment may not: it is there to be read by somebody else than the
// shell. A line goes on in the next one only behind a blank, where no word is cut in two.
var gap = regexp.MustCompile(`^(?:[ \t]\\\n|[ \t\n]|&&?|\|\|?|[;(){}!]|if|then|elif|else|fi|while|until|for|in|do|done)*$`)

// between looks at every byte of the line that no word is made of.
func (r *reader) between() {
	if r.documents > 0 && r.quoted {
		r.unclear("a here-document in one line with a quoted new line")
	}
	var left strings.Builder
	for i := range len(r.src) {
		switch {
		case r.seen[i] && left.Len() > 0 && !strings.HasSuffix(left.String(), " "):
			left.WriteByte(' ')
		case !r.seen[i]:
			left.WriteByte(r.src[i])
		}
	}
	if !gap.MatchString(left.String()) {
		r.unclear("something between its words that shells read in different ways, such as a comment")
	}
}
