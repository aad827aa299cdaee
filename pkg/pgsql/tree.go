package pgsql

// node is one node of a parse tree. Trees are immutable once decoded: they are shared by a cache.
type node struct {
	tag    string // the grammar's name: "SelectStmt", "RangeVar"; "" for a hole in a list
	loc    int    // byte in the text, -1 where the grammar knows none
	fields []field
}

// field is one set field of a node; fields at their default are absent.
type field struct {
	name string
	num  int64   // of numbers and booleans
	str  string  // of strings; of enums the value's name
	kids []*node // of messages and lists of messages
}

func (n *node) field(name string) *field {
	if n == nil {
		return nil
	}
	for i := range n.fields {
		if n.fields[i].name == name {
			return &n.fields[i]
		}
	}
	return nil
}

// child is the node in a field, nil when absent.
func (n *node) child(name string) *node {
	if f := n.field(name); f != nil && len(f.kids) > 0 {
		return f.kids[0]
	}
	return nil
}

// list is the list in a field.
func (n *node) list(name string) []*node {
	if f := n.field(name); f != nil {
		return f.kids
	}
	return nil
}

// text is the string, or the enum value's name, in a field.
func (n *node) text(name string) string {
	if f := n.field(name); f != nil {
		return f.str
	}
	return ""
}

func (n *node) number(name string) int64 {
	if f := n.field(name); f != nil {
		return f.num
	}
	return 0
}

func (n *node) flag(name string) bool { return n.number(name) != 0 }

func (n *node) is(tag string) bool { return n != nil && n.tag == tag }

// each calls visit for each child with the name of its field. Walks are made of it, so that no field can be skipped.
func (n *node) each(visit func(field string, kid *node)) {
	if n == nil {
		return
	}
	for i := range n.fields {
		for _, kid := range n.fields[i].kids {
			visit(n.fields[i].name, kid)
		}
	}
}

// walk visits a node and all below it, parents first, for as long as visit answers true for the parent.
func (n *node) walk(visit func(*node) bool) {
	if n == nil || !visit(n) {
		return
	}
	n.each(func(_ string, kid *node) { kid.walk(visit) })
}

// contains says whether a tree has a node of some kind.
func (n *node) contains(of func(*node) bool) bool {
	found := false
	n.walk(func(k *node) bool {
		found = found || of(k)
		return !found
	})
	return found
}

// sameShape says whether two trees are equal but for locations.
func sameShape(a, b *node) bool { return sameTree(a, b, false) }

// sameButConstants says whether two trees may be the same, whatever their constants are.
func sameButConstants(a, b *node) bool { return sameTree(a, b, true) }

func sameTree(a, b *node, anyConstant bool) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.tag != b.tag {
		return false
	}
	if anyConstant && a.is("A_Const") {
		return true
	}
	fa, fb := withoutPlaces(a.fields), withoutPlaces(b.fields)
	if len(fa) != len(fb) {
		return false
	}
	for i := range fa {
		x, y := fa[i], fb[i]
		if x.name != y.name || x.num != y.num || x.str != y.str || len(x.kids) != len(y.kids) {
			return false
		}
		for k := range x.kids {
			if !sameTree(x.kids[k], y.kids[k], anyConstant) {
				return false
			}
		}
	}
	return true
}

// withoutPlaces drops the fields that say where in the text a node stands.
func withoutPlaces(fields []field) []field {
	out := make([]field, 0, len(fields))
	for _, f := range fields {
		switch f.name {
		case "location", "stmt_location", "stmt_len", "name_location":
		default:
			out = append(out, f)
		}
	}
	return out
}

// stringsOf are the values of a list of String nodes: a qualified name. ok is false where anything else stands in it.
func stringsOf(list []*node) (names []string, ok bool) {
	for _, n := range list {
		if !n.is("String") {
			return names, false
		}
		names = append(names, n.text("sval"))
	}
	return names, true
}
