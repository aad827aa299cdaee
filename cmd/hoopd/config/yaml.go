package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a configuration. The parser calls itself for every level of nesting, and a Go stack that overflows ends the
// process; so nesting is bounded on the tokens, before parsing.
const (
	maxFile   = 256 << 10
	maxFlow   = 16 // levels of {} and []
	maxIndent = 64 // column of the first word of a line
)

// node is a piece of YAML without the parser's details.
type node struct {
	line, column int
	kind         nodeKind
	text         string // of a scalar
	entries      []entry
	items        []*node
}

type nodeKind uint8

const (
	nothing nodeKind = iota // null, or a key without a value
	scalar
	list
	mapping
)

func (k nodeKind) String() string {
	return [...]string{"nothing", "a single value", "a list", "a mapping"}[k]
}

func (n *node) has(key string) bool {
	for _, e := range n.entries {
		if e.key == key {
			return true
		}
	}
	return false
}

type entry struct {
	key   string
	at    *node // where the key stands
	value *node
}

// readYAML parses one document. What no configuration needs (anchors, aliases, tags, merge keys) is refused.
func (d *decoder) readYAML(data []byte) (root *node) {
	defer func() {
		if r := recover(); r != nil {
			d.problem(nil, "the file can't be read as YAML", "")
			root = nil
		}
	}()
	if len(data) > maxFile {
		d.problem(nil, fmt.Sprintf("the file is larger than %d bytes", maxFile), "")
		return nil
	}
	if !utf8.Valid(data) || strings.ContainsRune(string(data), 0) {
		d.problem(nil, "the file is not UTF-8 text", "")
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if !d.plain(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return nil
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) != 1 {
		d.problem(nil, fmt.Sprintf("the file holds %d YAML documents, one is needed", len(bodies)), "")
		return nil
	}
	return d.convert(bodies[0])
}

func (d *decoder) syntax(err error) {
	var located yaml.Error
	if errors.As(err, &located) && located.GetToken() != nil {
		d.problem(at(located.GetToken()), located.GetMessage(), "")
		return
	}
	d.problem(nil, "the file can't be read as YAML", "")
}

// plain refuses what would nest deeply, and what no configuration needs.
func (d *decoder) plain(tokens token.Tokens) bool {
	flow, line, colons, dashes := 0, 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			if line = t.Position.Line; flow == 0 && t.Type != token.CommentType && t.Position.Column > maxIndent {
				d.problem(at(t), "the line is indented too far", "")
				return false
			}
			colons, dashes = 0, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(0, flow-1)
		case token.MappingValueType, token.SequenceEntryType:
			if flow == 0 && t.Type == token.MappingValueType {
				colons++
			} else if flow == 0 {
				dashes++
			}
		case token.AnchorType, token.AliasType, token.TagType, token.MappingKeyType, token.DirectiveType, token.MergeKeyType:
			d.problem(at(t), fmt.Sprintf("%q: anchors, aliases, tags and the like are not allowed here", t.Value), `put quotes around a value that begins with such a sign: "*"`)
			return false
		case token.InvalidType:
			d.problem(at(t), "the file can't be read as YAML: "+t.Error, "")
			return false
		}
		if flow > maxFlow || flow == 0 && (colons > 1 || dashes > 2) {
			d.problem(at(t), "the file is nested too deeply", "")
			return false
		}
	}
	return true
}

func at(t *token.Token) *node { return &node{line: t.Position.Line, column: t.Position.Column} }

// convert copies the parser's tree into nodes.
func (d *decoder) convert(n ast.Node) *node {
	if n == nil || n.GetToken() == nil {
		return &node{}
	}
	out := at(n.GetToken())
	switch n := n.(type) {
	case *ast.NullNode:
	case *ast.StringNode:
		out.kind, out.text = scalar, n.Value
	case *ast.LiteralNode:
		out.kind, out.text = scalar, n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.kind, out.text = scalar, n.GetToken().Value
	case *ast.SequenceNode:
		out.kind = list
		for _, item := range n.Values {
			out.items = append(out.items, d.convert(item))
		}
	case *ast.MappingNode:
		out.kind = mapping
		for _, value := range n.Values {
			out.entries = append(out.entries, d.convertEntry(value))
		}
		if len(out.entries) > 0 && !n.IsFlowStyle {
			out.line, out.column = out.entries[0].at.line, out.entries[0].at.column
		}
	case *ast.MappingValueNode:
		e := d.convertEntry(n)
		out.kind, out.entries = mapping, []entry{e}
		out.line, out.column = e.at.line, e.at.column
	default:
		d.problem(out, fmt.Sprintf("%s is not allowed here", n.Type()), "")
	}
	return out
}

func (d *decoder) convertEntry(n *ast.MappingValueNode) entry {
	key := at(n.Key.GetToken())
	key.kind, key.text = scalar, n.Key.GetToken().Value
	value := d.convert(n.Value)
	if value.kind == nothing {
		value.line, value.column = key.line, key.column
	}
	return entry{key: key.text, at: key, value: value}
}
