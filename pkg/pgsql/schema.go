package pgsql

import (
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed schema.txt
var schemaText string

// fieldKind says how a field of the parse tree is held on the wire of the grammar.
type fieldKind uint8

const (
	kindNumber fieldKind = iota + 1
	kindString
	kindEnum
	kindMessage
	kindSkipped // lists of numbers and doubles: only planned trees have them
)

// message is the shape of one type of parse node.
type message struct {
	index       int
	name        string
	fields      map[uint64]*fieldShape
	byIndex     []*fieldShape
	hasLocation bool
}

type fieldShape struct {
	index  int
	name   string
	kind   fieldKind
	list   bool
	typ    string // of the message or enum
	values map[int64]string
}

type schema struct {
	messages []*message
	byName   map[string]*message
	enums    map[string]map[int64]string
}

// grammarSchema is the table of schema.txt, read once; a table that can't be read is an error of the build, found by any test.
var grammarSchema = sync.OnceValues(func() (*schema, error) { return parseSchema(schemaText) })

var errSchema = errors.New("the table of parse nodes is damaged")

func parseSchema(text string) (*schema, error) {
	s := &schema{byName: map[string]*message{}, enums: map[string]map[int64]string{}}
	var enum map[int64]string
	var msg *message
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 {
			return nil, errSchema
		}
		switch words[0] {
		case "E":
			enum = map[int64]string{}
			s.enums[words[1]] = enum
		case "V":
			n, err := strconv.ParseInt(words[1], 10, 64)
			if err != nil || len(words) != 3 {
				return nil, errSchema
			}
			enum[n] = words[2]
		case "M":
			msg = &message{index: len(s.messages), name: words[1], fields: map[uint64]*fieldShape{}}
			s.messages = append(s.messages, msg)
			s.byName[msg.name] = msg
		case "F":
			if err := s.addField(msg, words); err != nil {
				return nil, err
			}
		default:
			return nil, errSchema
		}
	}
	return s, nil
}

func (s *schema) addField(m *message, words []string) error {
	if m == nil || len(words) < 4 {
		return errSchema
	}
	number, err := strconv.ParseUint(words[1], 10, 32)
	if err != nil {
		return fmt.Errorf("read the table of parse nodes: %w", err)
	}
	f := &fieldShape{index: len(m.byIndex), name: words[2]}
	kind, list := strings.CutSuffix(words[3], "*")
	f.list = list
	if len(words) > 4 {
		f.typ = words[4]
	}
	switch kind {
	case "bool", "int32", "int64", "uint32":
		f.kind = kindNumber
	case "uint64":
		f.kind = kindSkipped
	case "string":
		f.kind = kindString
	case "enum":
		f.kind, f.values = kindEnum, s.enums[f.typ]
	case "message":
		f.kind = kindMessage
	default:
		f.kind = kindSkipped
	}
	if f.list && f.kind != kindMessage {
		f.kind = kindSkipped
	}
	m.hasLocation = m.hasLocation || f.name == "location"
	m.fields[number] = f
	m.byIndex = append(m.byIndex, f)
	return nil
}
