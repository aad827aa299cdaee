package pgsql

import (
	"errors"
	"strconv"
)

// The server keeps what it understood of views and expressions as text, the pg_node_tree of its catalog:
// {TAG :field value …}, (a list) and <> for nothing. Fields are named as in the server's own structures, so that versions differ
// in what is there and not in how it is read.

// maxStored bounds one stored tree: a longer one is not read, and what it defines counts as unreadable.
const maxStored = 8 << 20

var errStored = errors.New("malformed stored tree")

// stored is a value of a stored tree: a node (tag), a list (items), or one word of text.
type stored struct {
	tag    string
	fields []storedField
	items  []*stored
	word   string
	list   bool
}

type storedField struct {
	name  string
	value *stored
}

// parseStored reads one stored tree, which must fill the text.
func parseStored(text string) (*stored, error) {
	if len(text) > maxStored {
		return nil, errStored
	}
	r := storedReader{text: text}
	out := r.value(0)
	if r.word() != "" || r.at != len(text) {
		r.bad = true
	}
	if r.bad {
		return nil, errStored
	}
	return out, nil
}

type storedReader struct {
	text string
	at   int
	bad  bool
}

func (r *storedReader) value(depth int) *stored {
	word := r.word()
	switch {
	case word == "" || depth > maxTreeDepth || r.bad:
		r.bad = true
		return nil
	case word == "{":
		return r.node(depth)
	case word == "(":
		out := &stored{list: true}
		for r.peek() != ")" && !r.bad {
			out.items = append(out.items, r.value(depth+1))
		}
		r.word()
		return out
	case word == "}" || word == ")":
		r.bad = true
	}
	return &stored{word: word}
}

// node reads {TAG :field value …}. What follows a field's name is its value, even where it looks like a name: people choose
// the words that stand there. Only the bytes of a constant take more than one word.
func (r *storedReader) node(depth int) *stored {
	n := &stored{tag: r.word()}
	for r.peek() != "}" && !r.bad {
		name := r.word()
		if len(name) < 2 || name[0] != ':' {
			r.bad = true
			break
		}
		f := storedField{name: name[1:], value: r.value(depth + 1)}
		if r.peek() == "[" {
			for r.peek() != "]" && r.peek() != "" {
				r.word()
			}
			r.word()
		}
		n.fields = append(n.fields, f)
	}
	r.word()
	return n
}

func (r *storedReader) peek() string {
	at := r.at
	word := r.word()
	r.at = at
	return word
}

// word is the next sign or run of other characters, "" at the end. A backslash keeps the character behind it in the run.
func (r *storedReader) word() string {
	for r.at < len(r.text) && isStoredSpace(r.text[r.at]) {
		r.at++
	}
	start := r.at
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '\\':
			r.at++
		case c == '{' || c == '}' || c == '(' || c == ')':
			if r.at == start {
				r.at++
			}
			return r.text[start:r.at]
		case isStoredSpace(c):
			return r.text[start:r.at]
		}
		r.at++
	}
	if r.at > len(r.text) {
		r.at, r.bad = len(r.text), true
	}
	return r.text[start:]
}

func isStoredSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' }

// get is the value of a field, nil where there is none or nothing in it.
func (n *stored) get(name string) *stored {
	if n == nil {
		return nil
	}
	for i := range n.fields {
		if v := n.fields[i].value; n.fields[i].name == name && v != nil && v.word != "<>" {
			return v
		}
	}
	return nil
}

func (n *stored) text(name string) string {
	if v := n.get(name); v != nil {
		return v.word
	}
	return ""
}

// in are the items of a list in a field.
func (n *stored) in(name string) []*stored {
	if v := n.get(name); v != nil {
		return v.items
	}
	return nil
}

// number is the number in a field. ok is false where there is none.
func (n *stored) number(name string) (int, bool) {
	text := n.text(name)
	if text == "" {
		return 0, false
	}
	v, err := strconv.ParseInt(text, 10, 64)
	return int(v), err == nil
}

// each calls visit for each part of a node or a list, with the name of its field.
func (n *stored) each(visit func(field string, part *stored)) {
	if n == nil {
		return
	}
	for i := range n.fields {
		visit(n.fields[i].name, n.fields[i].value)
	}
	for _, item := range n.items {
		visit("", item)
	}
}

// walk visits a tree, parents first, for as long as visit answers true.
func (n *stored) walk(visit func(*stored) bool) {
	if n == nil || !visit(n) {
		return
	}
	n.each(func(_ string, part *stored) { part.walk(visit) })
}
