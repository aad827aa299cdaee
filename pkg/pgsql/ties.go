package pgsql

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// tie is something of a relation that looks at several of its columns at once where a row is written (a unique index, a check, a
// generated column, a foreign key), or where rows are read (a policy). What it says of one column may tell of another.
type tie struct {
	by      string
	policy  bool
	fires   Runs     // of a trigger with a condition: when it is tried, whatever columns are written
	rows    bool     // it compares the row with other rows, of this relation or another
	columns []int16  // as they are
	sees    []source // what its expression tells of, of other relations too; column 0 stands for any
	moves   []source // what its expression depends on besides
}

// tie notes what ties columns together. Defaults and domains see one value alone.
func (l *catalogLoad) tie(rel *Relation, runs Runs, kind, by string, columns []int16, text string, tree *stored) {
	switch kind {
	case "default of ":
		rel.defaults = append(rel.defaults, columns...)
	case "domain check ", "rule ":
	default:
		t := tie{by: by, policy: kind == "policy ", rows: strings.HasPrefix(kind, "unique") || strings.HasPrefix(kind, "foreign"), columns: slices.DeleteFunc(columns, func(n int16) bool { return n == 0 })}
		if kind == "trigger " {
			t.fires = runs
		}
		if text != "" {
			t.sees = l.columnsIn(rel, tree, false)
		}
		if kind == "index " || kind == "generated column " { // nobody sees its value, only whether it fails
			t.columns, t.moves, t.sees = nil, t.sees, l.columnsIn(rel, tree, true)
		}
		rel.ties = append(rel.ties, t)
	}
}

// columnsIn are the columns that an expression over a relation's rows looks at; where that can't be told, any of its own too. Of one
// whose value nobody sees, those that can make it fail.
func (l *catalogLoad) columnsIn(rel *Relation, tree *stored, unseen bool) []source {
	unknown := source{relation: rel.OID}
	if tree == nil {
		return []source{unknown}
	}
	row := &stored{fields: []storedField{{"rtekind", &stored{word: itemRelation}}, {"relid", &stored{word: strconv.FormatUint(uint64(rel.OID), 10)}}}}
	reader := &lineageReader{total: l.total, out: &lineage{reads: map[uint32]bool{}}}
	at := &storedLevel{items: []*stored{row, row}} // a trigger's condition has OLD and NEW
	var found []source
	switch {
	case !unseen:
		found = reader.below(withoutSame(tree), at)
	case tree.list:
		for _, item := range tree.items {
			reader.value(item, at)
		}
	default:
		reader.value(tree, at)
	}
	for _, u := range reader.out.uses {
		found = append(found, u.source)
	}
	if reader.lost {
		for _, oid := range slices.Sorted(maps.Keys(reader.out.reads)) {
			found = append(found, source{relation: oid})
		}
		found = append(found, unknown)
	}
	return found
}

// withoutSame leaves out of a trigger's condition what compares a column, or the row, before and after: of what is not written that
// says nothing.
func withoutSame(n *stored) *stored {
	if n == nil {
		return nil
	}
	if args := n.in("args"); n.tag == "DISTINCTEXPR" && len(args) == 2 && args[0].tag == "VAR" && args[1].tag == "VAR" &&
		args[0].text("varno") != args[1].text("varno") && args[0].text("varattno") == args[1].text("varattno") {
		return &stored{word: "<>"}
	}
	out := *n
	out.fields, out.items = slices.Clone(n.fields), slices.Clone(n.items)
	for i := range out.fields {
		out.fields[i].value = withoutSame(out.fields[i].value)
	}
	for i := range out.items {
		out.items[i] = withoutSame(out.items[i])
	}
	return &out
}

// asks names a column of a relation that a tie looks at, that is masked, and that may not be written. Of those which it looks at
// as they are, only the ones that count.
func (m *Masks) asks(c *Catalog, r *Relation, t tie, counts func(int16) bool) (column string, asks bool) {
	at := t.sees
	for _, n := range t.columns {
		if counts(n) {
			at = append(at[:len(at):len(at)], source{relation: r.OID, column: n})
		}
	}
	for _, s := range at {
		if name, mask, masked := m.at(c, s); masked && !mask.Writable {
			return strings.TrimSuffix(c.Relations[s.relation].Qualified()+"."+name, "."), true
		}
	}
	return "", false
}

// touches says whether a write of some columns makes a tie look.
func (t tie) touches(r *Relation, columns map[string]bool) bool {
	own := t.columns
	for _, s := range append(t.sees[:len(t.sees):len(t.sees)], t.moves...) {
		if s.relation == r.OID {
			own = append(own[:len(own):len(own)], s.column)
		}
	}
	return slices.ContainsFunc(own, func(n int16) bool {
		column := r.numbered(n)
		return column == nil || columns[column.Name]
	})
}

// policed makes relations opaque whose policies choose rows by masked values. It says whether it found anything new.
func (m *Masks) policed(c *Catalog) bool {
	changed := false
	for _, oid := range slices.Sorted(maps.Keys(c.Relations)) {
		r := c.Relations[oid]
		for _, t := range r.ties {
			if _, known := m.Opaque[oid]; known || !r.policies || !t.policy {
				continue
			}
			for _, s := range t.sees {
				name, _, masked := m.at(c, s)
				base := c.Relations[s.relation]
				if base != nil && len(m.Rows[s.relation]) > 0 && s.relation != oid {
					m.Opaque[oid] = t.by + " chooses rows by " + base.Qualified() + ", whose rows are filtered for you"
					m.instead[oid], changed = "Ask somebody for whom they are not.", true
					break
				}
				if base != nil && (masked || m.Opaque[s.relation] != "") {
					m.Opaque[oid] = t.by + " chooses rows by " + strings.TrimSuffix(base.Qualified()+"."+name, ".") + ", which is masked for you"
					m.instead[oid], changed = "Ask somebody for whom it is not masked.", true
					break
				}
			}
		}
	}
	return changed
}

// refer passes masks on along foreign keys: what refers to a masked column holds its values.
func (m *Masks) refer(c *Catalog, r *Relation) bool {
	changed := false
	for _, f := range r.Cascades {
		to := c.Relations[f.To]
		for i, key := range f.Key {
			column := r.numbered(key)
			if to == nil || column == nil || i >= len(f.From) || to.numbered(f.From[i]) == nil {
				continue
			}
			if mask, masked := m.Columns[r.OID][column.Name]; masked {
				changed = m.add(to.OID, to.numbered(f.From[i]).Name, mask) || changed
			}
		}
	}
	return changed
}
