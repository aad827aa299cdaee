package pgsql

import (
	"encoding/binary"
	"errors"
)

// maxTreeDepth bounds recursion over parse trees. The nesting that people write stays far below it.
const maxTreeDepth = 3000

var (
	errTree    = errors.New("malformed parse tree")
	errTooDeep = errors.New("parse tree too deep")
)

// treeReader reads what the grammar answers (protobuf wire format) into nodes, by the table of schema.txt.
type treeReader struct{ s *schema }

// readTree reads a message of the named type. A field that the table does not know is an error: nothing may go unseen.
func (r treeReader) readTree(typ string, data []byte, depth int) (*node, error) {
	if depth > maxTreeDepth {
		return nil, errTooDeep
	}
	m := r.s.byName[typ]
	if m == nil {
		return nil, errTree
	}
	n := &node{tag: m.name, loc: -1}
	if m.hasLocation {
		n.loc = 0
	}
	for len(data) > 0 {
		key, used := binary.Uvarint(data)
		if used <= 0 {
			return nil, errTree
		}
		data = data[used:]
		f := m.fields[key>>3]
		if f == nil {
			return nil, errTree
		}
		var err error
		if data, err = r.readField(n, f, key&7, data, depth); err != nil {
			return nil, err
		}
	}
	if m.name == "Node" {
		return unwrap(n), nil
	}
	return n, nil
}

// unwrap takes the one node out of the grammar's wrapper; a hole in a list stays as a node without a tag.
func unwrap(n *node) *node {
	if len(n.fields) == 1 && len(n.fields[0].kids) == 1 {
		return n.fields[0].kids[0]
	}
	return &node{loc: -1}
}

func (r treeReader) readField(n *node, f *fieldShape, wire uint64, data []byte, depth int) ([]byte, error) {
	value, used := binary.Uvarint(data)
	switch wire {
	case 0:
		if used <= 0 || f.kind != kindNumber && f.kind != kindEnum && f.kind != kindSkipped {
			return nil, errTree
		}
		setNumber(n, f, int64(value))
		return data[used:], nil
	case 1:
		if len(data) < 8 || f.kind != kindSkipped {
			return nil, errTree
		}
		return data[8:], nil
	case 2:
		if used <= 0 || value > uint64(len(data)-used) {
			return nil, errTree
		}
		body := data[used : used+int(value)]
		return data[used+int(value):], r.setBody(n, f, body, depth)
	}
	return nil, errTree
}

func setNumber(n *node, f *fieldShape, value int64) {
	switch {
	case f.name == "location":
		n.loc = int(int32(value))
	case f.kind == kindEnum:
		n.fields = append(n.fields, field{name: f.name, str: f.values[value], num: value})
	case f.kind == kindNumber:
		n.fields = append(n.fields, field{name: f.name, num: int64(value)})
	}
}

func (r treeReader) setBody(n *node, f *fieldShape, body []byte, depth int) error {
	switch f.kind {
	case kindString:
		n.fields = append(n.fields, field{name: f.name, str: string(body)})
	case kindSkipped:
	case kindMessage:
		kid, err := r.readTree(f.typ, body, depth+1)
		if err != nil {
			return err
		}
		if f.list {
			if have := n.field(f.name); have != nil {
				have.kids = append(have.kids, kid)
				return nil
			}
		}
		n.fields = append(n.fields, field{name: f.name, kids: []*node{kid}})
	default:
		return errTree
	}
	return nil
}
