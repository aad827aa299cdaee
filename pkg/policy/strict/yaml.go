package strict

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

// MaxFile is how many bytes a file may have.
const MaxFile = 256 << 10

// The YAML parser calls itself for every level of nesting, and a Go stack that overflows ends the process; so nesting is
// bounded on the tokens, before parsing.
const (
	maxFlow   = 16 // levels of {} and []
	maxIndent = 64 // column of the first word of a line
)

// Document parses a file of one document. Anchors, aliases, tags, merge keys and several documents are refused: what a
// file grants should be read off its lines. Where the answer is nil, Err says why; where it is not, Err may still be
// an error.
func (r *Reader) Document(data []byte) (root *Node) {
	defer func() {
		if recover() != nil {
			r.Report(nil, "the file can't be read as YAML", "")
			root = nil
		}
	}()
	if len(data) > MaxFile {
		r.Report(nil, fmt.Sprintf("the file is %d bytes long, %d are allowed", len(data), MaxFile), "")
		return nil
	}
	if !utf8.Valid(data) || strings.ContainsRune(string(data), 0) {
		r.Report(nil, "the file is not UTF-8 text", "")
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if !r.plain(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err)
		return nil
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) != 1 {
		r.Report(nil, fmt.Sprintf("the file holds %d YAML documents, one is needed", len(bodies)), r.Words.Begin)
		return nil
	}
	return r.convert(bodies[0])
}

func (r *Reader) syntax(err error) {
	var located yaml.Error
	if errors.As(err, &located) && located.GetToken() != nil {
		r.Report(at(located.GetToken()), located.GetMessage(), "")
		return
	}
	r.Report(nil, "the file can't be read as YAML", "")
}

// plain refuses what would nest deeply, and what no file needs.
func (r *Reader) plain(tokens token.Tokens) bool {
	flow, line, colons, dashes := 0, 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			if line = t.Position.Line; flow == 0 && t.Type != token.CommentType && t.Position.Column > maxIndent {
				r.Report(at(t), "the line is indented too far", "")
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
			r.Report(at(t), fmt.Sprintf("%q: anchors, aliases, tags and the like are not allowed %s", t.Value, r.where()), `put quotes around a value that begins with such a sign: "*"`)
			return false
		case token.InvalidType:
			r.Report(at(t), "the file can't be read as YAML: "+t.Error, "")
			return false
		}
		if flow > maxFlow || flow == 0 && (colons > 1 || dashes > 2) {
			r.Report(at(t), "the file is nested too deeply", "")
			return false
		}
	}
	return true
}
