package pgsql

import "encoding/binary"

// The encoding of trees between a worker and the gateway, all varints:
// node = message's index + 1 (0: a hole), location + 1, number of fields, fields;
// field = index in the message, then a number (zigzag), a string (length, bytes) or a list of nodes (count, nodes).

// maxTreeNodes bounds what a worker can make the gateway allocate.
const maxTreeNodes = 4 << 20

// appendTree adds the encoding of n to buf.
func (s *schema) appendTree(buf []byte, n *node) []byte {
	m := s.byName[n.tag]
	if m == nil {
		return binary.AppendUvarint(buf, 0)
	}
	buf = binary.AppendUvarint(buf, uint64(m.index)+1)
	buf = binary.AppendUvarint(buf, uint64(n.loc+1))
	buf = binary.AppendUvarint(buf, uint64(len(n.fields)))
	for i := range n.fields {
		f := &n.fields[i]
		shape := m.shapeOf(f.name)
		buf = binary.AppendUvarint(buf, uint64(shape.index))
		switch shape.kind {
		case kindString:
			buf = binary.AppendUvarint(buf, uint64(len(f.str)))
			buf = append(buf, f.str...)
		case kindMessage:
			buf = binary.AppendUvarint(buf, uint64(len(f.kids)))
			for _, kid := range f.kids {
				buf = s.appendTree(buf, kid)
			}
		default:
			buf = binary.AppendVarint(buf, f.num)
		}
	}
	return buf
}

func (m *message) shapeOf(name string) *fieldShape {
	for _, f := range m.byIndex {
		if f.name == name {
			return f
		}
	}
	return nil
}

// treeDecoder reads the encoding back. Its first error stands.
type treeDecoder struct {
	s     *schema
	data  []byte
	nodes int
	err   error
}

// decodeTree reads one tree that fills data exactly.
func (s *schema) decodeTree(data []byte) (*node, error) {
	d := treeDecoder{s: s, data: data}
	n := d.node(0)
	if d.err == nil && len(d.data) != 0 {
		d.err = errTree
	}
	return n, d.err
}

func (d *treeDecoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.data = nil
}

func (d *treeDecoder) uvarint() uint64 {
	v, used := binary.Uvarint(d.data)
	if used <= 0 {
		d.fail(errTree)
		return 0
	}
	d.data = d.data[used:]
	return v
}

// count reads a number of things that take at least one byte each.
func (d *treeDecoder) count() int {
	v := d.uvarint()
	if v > uint64(len(d.data)) {
		d.fail(errTree)
		return 0
	}
	return int(v)
}

func (d *treeDecoder) node(depth int) *node {
	if d.nodes++; depth > maxTreeDepth+1 || d.nodes > maxTreeNodes {
		d.fail(errTooDeep)
	}
	index := d.uvarint()
	if index == 0 || d.err != nil {
		return &node{loc: -1}
	}
	if index > uint64(len(d.s.messages)) {
		d.fail(errTree)
		return &node{loc: -1}
	}
	m := d.s.messages[index-1]
	n := &node{tag: m.name, loc: int(int32(d.uvarint())) - 1}
	n.fields = make([]field, 0, min(d.count(), len(m.byIndex)))
	for range cap(n.fields) {
		d.field(n, m, depth)
	}
	return n
}

func (d *treeDecoder) field(n *node, m *message, depth int) {
	index := d.uvarint()
	if index >= uint64(len(m.byIndex)) || d.err != nil {
		d.fail(errTree)
		return
	}
	shape := m.byIndex[index]
	f := field{name: shape.name}
	switch shape.kind {
	case kindString:
		size := d.count()
		if d.err != nil {
			return
		}
		f.str = string(d.data[:size])
		d.data = d.data[size:]
	case kindMessage:
		count := d.count()
		f.kids = make([]*node, 0, count)
		for range count {
			f.kids = append(f.kids, d.node(depth+1))
		}
	default:
		v, used := binary.Varint(d.data)
		if used <= 0 {
			d.fail(errTree)
			return
		}
		d.data = d.data[used:]
		f.num, f.str = v, shape.values[v]
	}
	n.fields = append(n.fields, f)
}
