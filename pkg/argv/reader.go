package argv

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// reader walks a parsed line once: it collects the commands and writes the line down anew.
type reader struct {
	src    string
	limits Limits
	line   *Line
	out    strings.Builder

	within                []string
	operators, expansions map[string]bool
	seen                  []bool // the bytes of src that a word, a redirection or a here-document is made of
	hole                  string // what the last expansion was, in words
	quoted                bool   // a quoted word has a new line in it
	heredocs              []heredoc
	documents             int

	why  string // why the line is unclear: the first reason
	over error  // it is over a limit
}

type heredoc struct{ delimiter, body string }

func (r *reader) unclear(why string) {
	if r.why == "" {
		r.why = why
	}
}

func (r *reader) source(n syntax.Node) string {
	from, to := n.Pos().Offset(), n.End().Offset()
	if from > to || to > uint(len(r.src)) {
		r.unclear("its parts can't be told apart")
		return ""
	}
	for i := from; i < to; i++ {
		r.seen[i] = true
	}
	return r.src[from:to]
}

func (r *reader) expands(what, why string) {
	if r.expansions == nil {
		r.expansions = map[string]bool{}
	}
	r.expansions[what] = true
	r.hole = why
}

func (r *reader) operator(op string) {
	if r.operators == nil {
		r.operators = map[string]bool{}
	}
	r.operators[op] = true
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// inner reads what stands in a substitution; nothing of it is written down, since the whole word is.
func (r *reader) inner(name string, read func()) {
	kept, documents := r.out.String(), r.heredocs
	r.in(name, read)
	if len(r.heredocs) != len(documents) {
		r.unclear("a here-document in a substitution")
	}
	r.out.Reset()
	r.out.WriteString(kept)
}

func (r *reader) in(name string, read func()) {
	if len(r.within) >= r.limits.Depth {
		r.over = &Err{fmt.Sprintf("it is nested %d deep at most", r.limits.Depth)}
		return
	}
	r.within = append(slices.Clone(r.within), name)
	if name != "$(" {
		r.operator(name)
	}
	read()
	r.within = r.within[:len(r.within)-1]
}

// stmts reads a list. joined is the operator before its first command.
func (r *reader) stmts(list []*syntax.Stmt, joined string) {
	for i, s := range list {
		if r.over != nil {
			return
		}
		r.stmt(s, joined)
		last := i == len(list)-1
		switch {
		case s.Background:
			r.operator("&")
			r.out.WriteString(" &")
			joined = "&"
		default:
			joined = ";"
		}
		switch {
		case len(r.heredocs) > 0:
			r.documentsHere()
		case !last && s.Background:
			r.out.WriteByte(' ')
		case !last:
			r.out.WriteString("; ")
		}
		if !last && joined == ";" {
			r.operator(";")
		}
	}
}

// documentsHere writes the here-documents that were begun since the last new line.
func (r *reader) documentsHere() {
	for _, d := range r.heredocs {
		r.out.WriteString("\n" + d.body + d.delimiter)
	}
	r.out.WriteByte('\n')
	r.heredocs = nil
}

func (r *reader) stmt(s *syntax.Stmt, joined string) {
	if s.Coprocess || s.Disown {
		r.unclear("an operator that shells read in different ways")
		return
	}
	if s.Negated {
		r.operator("!")
		r.out.WriteString("! ")
	}
	first := len(r.line.Commands)
	switch c := s.Cmd.(type) {
	case nil:
		r.call(nil, s.Redirs, joined, "")
	case *syntax.CallExpr:
		r.call(c, s.Redirs, joined, "")
	case *syntax.TimeClause:
		r.time(c, s.Redirs, joined)
	case *syntax.BinaryCmd:
		r.binary(c, s.Redirs, joined)
	default:
		r.compound(s, joined)
	}
	if s.Negated && first < len(r.line.Commands) {
		r.line.Commands[first].Negated = true
	}
}

// time is a word of bash's grammar and a program elsewhere; both run the same command where nothing but that stands after it.
func (r *reader) time(c *syntax.TimeClause, outer []*syntax.Redirect, joined string) {
	const word = "time"
	from := c.Pos().Offset()
	if c.PosixFormat || c.Stmt == nil || c.Stmt.Negated || c.Stmt.Background || len(outer) > 0 {
		r.unclear(`a "time" that shells read in different ways`)
		return
	}
	call, ok := c.Stmt.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Assigns) > 0 || len(call.Args) == 0 || strings.Join(strings.Fields(r.src[from:call.Args[0].Pos().Offset()]), " ") != word {
		r.unclear(`a "time" that shells read in different ways`)
		return
	}
	for i := from; i < call.Args[0].Pos().Offset(); i++ {
		r.seen[i] = true
	}
	r.call(call, c.Stmt.Redirs, joined, word)
}

var binary = map[syntax.BinCmdOperator]string{syntax.AndStmt: "&&", syntax.OrStmt: "||", syntax.Pipe: "|"}

func (r *reader) binary(c *syntax.BinaryCmd, outer []*syntax.Redirect, joined string) {
	op, ok := binary[c.Op]
	if !ok || len(outer) > 0 {
		r.unclear("an operator that shells read in different ways: " + c.Op.String())
		return
	}
	if op == "|" && c.Y.Negated {
		r.unclear(`a "!" that shells read in different ways`)
	}
	r.operator(op)
	r.nested(func() { r.stmt(c.X, joined) })
	r.out.WriteString(" " + op + " ")
	r.nested(func() { r.stmt(c.Y, op) })
}

// nested bounds how deep lists of operators go, which nest to the left without being groups.
func (r *reader) nested(read func()) {
	if len(r.line.Commands) > r.limits.Commands {
		r.over = &Err{fmt.Sprintf("it has more than %d commands", r.limits.Commands)}
	}
	if r.over == nil {
		read()
	}
}

// call reads a simple command. before are the words that a grammar took away from it.
func (r *reader) call(c *syntax.CallExpr, redirects []*syntax.Redirect, joined, before string) {
	out := Command{Joined: joined, Within: slices.Clone(r.within)}
	if c == nil {
		c = &syntax.CallExpr{}
	}
	var text []string
	for _, a := range c.Assigns {
		assign := r.assign(a)
		out.Assigns = append(out.Assigns, assign)
		text = append(text, assign.Name+"="+shown(assign.Value))
	}
	for word := range strings.FieldsSeq(before) {
		out.Args = append(out.Args, Word{Kind: Literal, Value: word, Source: word})
		text = append(text, word)
	}
	for _, w := range c.Args {
		word := r.word(w)
		if len(out.Args) == 0 && before == "" {
			text = append(text, r.program(word))
		} else {
			text = append(text, shown(word))
		}
		out.Args = append(out.Args, word)
	}
	for _, x := range redirects {
		redirect := r.redirect(x)
		out.Redirects = append(out.Redirects, redirect)
		text = append(text, r.redirectText(redirect))
	}
	if len(c.Args) == 0 && len(c.Assigns) == 0 { // zsh runs "cat" there
		r.unclear("a redirection without a command")
	}
	if len(out.Args) > 1 && before != "" && out.Args[1].Kind != Unsure && strings.HasPrefix(out.Args[1].Value, "-") {
		r.unclear(`a "time" that shells read in different ways`)
	}
	r.out.WriteString(strings.Join(text, " "))
	r.command(out)
}

func (r *reader) command(c Command) {
	r.line.Commands = append(r.line.Commands, c)
	switch {
	case len(r.line.Commands) > r.limits.Commands:
		r.over = &Err{fmt.Sprintf("it has more than %d commands", r.limits.Commands)}
	case len(c.Args)+len(c.Assigns)+len(c.Redirects) > r.limits.Words:
		r.over = &Err{fmt.Sprintf("a command has more than %d words", r.limits.Words)}
	}
}

// reserved are words that some shell of the family reads as a part of its grammar where a program's name stands.
var reserved = strings.Fields("! { } [[ ]] (( )) if then elif else fi do done case esac while until for in function select coproc repeat foreach end nocorrect noglob always - namespace")

// program is a command's first word, written so that every shell takes it for a program's name.
func (r *reader) program(w Word) string {
	if w.Kind == Literal && w.Source == w.Value && slices.Contains(reserved, w.Value) {
		r.unclear("a reserved word in the place of a program: " + w.Value)
	}
	if w.Kind == Literal && (slices.Contains(reserved, w.Value) || strings.ContainsAny(w.Value, "=%@,:") || w.Value == "time" && w.Source != w.Value) {
		return quoted(w.Value)
	}
	return shown(w)
}

func (r *reader) assign(a *syntax.Assign) Assign {
	if a.Append || a.Naked || a.Index != nil || a.Array != nil || a.Name == nil {
		r.unclear("an assignment that shells read in different ways")
		return Assign{}
	}
	out := Assign{Name: a.Name.Value, Value: Word{Kind: Literal}}
	head := a.Name.Value + "="
	from, to := a.Pos().Offset(), a.End().Offset()
	if a.Value != nil {
		to = a.Value.Pos().Offset()
		out.Value = r.word(a.Value)
	}
	if to > uint(len(r.src)) || from > to || r.src[from:to] != head {
		r.unclear("an assignment that shells read in different ways")
		return out
	}
	for i := from; i < to; i++ {
		r.seen[i] = true
	}
	return out
}

var redirections = map[syntax.RedirOperator]string{
	syntax.RdrOut: ">", syntax.AppOut: ">>", syntax.RdrIn: "<", syntax.RdrInOut: "<>", syntax.DplIn: "<&", syntax.DplOut: ">&",
	syntax.RdrClob: ">|", syntax.Hdoc: "<<",
}

func (r *reader) redirect(x *syntax.Redirect) Redirect {
	op, ok := redirections[x.Op]
	out := Redirect{FD: -1, Op: op}
	if !ok || x.Word == nil {
		r.unclear("a redirection that shells read in different ways: " + x.Op.String())
		return out
	}
	for i := range uint(len(op)) {
		r.seen[x.OpPos.Offset()+i] = true
	}
	if x.N != nil {
		n := r.source(x.N)
		if len(n) != 1 || n[0] < '0' || n[0] > '9' || x.N.End() != x.OpPos {
			r.unclear("a redirection of a descriptor that is not one digit")
			return out
		}
		out.FD = int(n[0] - '0')
	}
	switch op {
	case "<<":
		out.Target = r.document(x)
	case "<&", ">&":
		out.Target = r.word(x.Word)
		if s := out.Target.Source; len(s) != 1 || s != "-" && (s[0] < '0' || s[0] > '9') {
			r.unclear("a descriptor that is not one digit")
		}
		if end := x.Word.End().Offset(); end < uint(len(r.src)) && strings.IndexByte("<>", r.src[end]) >= 0 {
			r.unclear("a descriptor that shells read in different ways")
		}
	default:
		out.Target = r.word(x.Word)
		if out.Target.Kind == Names { // some shells write to the file that fits, others to one with that name
			out.Target = Word{Why: "a pattern for names of files", Source: out.Target.Source}
		}
	}
	return out
}

func (r *reader) redirectText(x Redirect) string {
	text := x.Op
	if x.FD >= 0 {
		text = strconv.Itoa(x.FD) + text
	}
	switch x.Op {
	case "<<":
		d := r.heredocs[len(r.heredocs)-1]
		if x.Target.Kind == Literal {
			return text + quoted(d.delimiter)
		}
		return text + d.delimiter
	case "<&", ">&":
		return text + x.Target.Source
	default:
		return text + shown(x.Target)
	}
}
