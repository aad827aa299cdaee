package strict

import (
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Node is a piece of a file without the parser's details.
type Node struct {
	Line    int // from 1
	Column  int // from 1
	Kind    Kind
	Text    string  // of a Scalar
	Plain   bool    // of a Scalar that stands there without quotes: what it says may be a number
	Entries []Entry // of a Mapping, in the order of the file; a key may stand there twice
	Items   []*Node // of a List
}

// Entry is a key of a mapping and its value.
type Entry struct {
	Key   string
	At    *Node // where the key stands
	Value *Node // never nil
}

// Kind says what a Node is.
type Kind uint8

// The kinds of a Node. Nothing is null, or the value of a key that has none.
const (
	Nothing Kind = iota
	Scalar
	List
	Mapping
)

// String is how a problem names the kind: "a list".
func (k Kind) String() string {
	return [...]string{"nothing", "a single value", "a list", "a mapping"}[k]
}

// Has says whether a mapping has one of the keys. What is no mapping has none.
func (n *Node) Has(keys ...string) bool {
	return slices.ContainsFunc(n.Entries, func(e Entry) bool { return slices.Contains(keys, e.Key) })
}

// Problem is one at the place of n in the file; a nil n is the file as a whole.
func (n *Node) Problem(file, message, hint string) Problem {
	p := Problem{File: file, Message: message, Hint: hint}
	if n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	return p
}

func at(t *token.Token) *Node { return &Node{Line: t.Position.Line, Column: t.Position.Column} }

// convert copies the parser's tree into nodes.
func (r *Reader) convert(n ast.Node) *Node {
	if n == nil || n.GetToken() == nil {
		return &Node{}
	}
	out := at(n.GetToken())
	switch n := n.(type) {
	case *ast.NullNode:
	case *ast.StringNode:
		out.Kind, out.Text, out.Plain = Scalar, n.Value, n.GetToken().Type == token.StringType
	case *ast.LiteralNode:
		out.Kind, out.Text = Scalar, n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.Kind, out.Text, out.Plain = Scalar, n.GetToken().Value, true
	case *ast.SequenceNode:
		out.Kind = List
		for _, item := range n.Values {
			out.Items = append(out.Items, r.convert(item))
		}
	case *ast.MappingNode:
		out.Kind = Mapping
		for _, value := range n.Values {
			out.Entries = append(out.Entries, r.convertEntry(value))
		}
		if len(out.Entries) > 0 && !n.IsFlowStyle {
			out.Line, out.Column = out.Entries[0].At.Line, out.Entries[0].At.Column
		}
	case *ast.MappingValueNode:
		e := r.convertEntry(n)
		out.Kind, out.Entries = Mapping, []Entry{e}
		out.Line, out.Column = e.At.Line, e.At.Column
	default:
		r.Report(out, fmt.Sprintf("%s is not allowed %s", n.Type(), r.where()), "")
	}
	return out
}

func (r *Reader) convertEntry(n *ast.MappingValueNode) Entry {
	key := at(n.Key.GetToken())
	key.Kind, key.Text = Scalar, n.Key.GetToken().Value
	value := r.convert(n.Value)
	if value.Kind == Nothing {
		value.Line, value.Column = key.Line, key.Column
	}
	return Entry{Key: key.Text, At: key, Value: value}
}
