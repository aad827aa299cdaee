package pgsql

import (
	"slices"
	"strings"
)

// MaskPattern names columns to mask: "schema.table.column". A part that is missing at the left, or *, matches anything.
type MaskPattern struct {
	Pattern  string
	As       MaskAs
	Writable bool
	Trusts   []string // functions of somebody's own that writes may run by themselves beside this mask, qualified
}

// System relations that hold values: pg_attribute in attmissingval (defaults), pg_class in relpartbound (what partitions hold)
// and in its counts.
const (
	attributeRelation = 1249
	classRelation     = 1259
)

// resolve is what Masks remembers.
func (c *Catalog) resolve(patterns []MaskPattern, rows []RowFilter) *Masks {
	m := &Masks{Columns: map[uint32]map[string]ColumnMask{}, Rows: map[uint32][]Condition{}, Opaque: map[uint32]string{}, instead: map[uint32]string{}, beneath: map[uint32]string{}, split: map[uint32]string{}, scattered: map[uint32]string{}, within: map[uint32]map[string]bool{}, led: map[uint32]map[string]bool{}, ordered: map[uint32]bool{}, chosen: map[uint32]string{}, trusted: trusted(patterns)}
	for _, p := range patterns {
		for _, r := range c.Relations {
			for _, column := range p.of(r) {
				m.add(r.OID, column, ColumnMask{As: p.As, Writable: p.Writable})
			}
		}
	}
	m.filterRows(c, rows)
	if len(m.Columns)+len(m.Rows) == 0 {
		return m
	}
	if r := c.Relations[attributeRelation]; r != nil {
		m.add(r.OID, "attmissingval", ColumnMask{As: Null})
	}
	for m.families(c) || m.spread(c) || m.partitions(c) || m.policed(c) || m.leads(c) || m.chooses(c) || m.ordersView(c) || m.views(c) || m.countsRows(c) {
		continue
	}
	m.findBeneath(c)
	return m
}

// of are the columns of a relation that a pattern names.
func (p MaskPattern) of(r *Relation) []string {
	parts := strings.Split(p.Pattern, ".")
	for len(parts) < 3 {
		parts = append([]string{"*"}, parts...)
	}
	if systemSchema(r.Schema) || !matches(parts[0], r.Schema) || !matches(parts[1], r.Name) {
		return nil
	}
	var out []string
	for _, c := range r.Columns {
		if matches(strings.Join(parts[2:], "."), c.Name) {
			out = append(out, c.Name)
		}
	}
	return out
}

// trusted are the functions that every mask trusts: each speaks for its own columns.
func trusted(patterns []MaskPattern) []string {
	if len(patterns) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(patterns[0].Trusts), func(function string) bool {
		return slices.ContainsFunc(patterns, func(p MaskPattern) bool { return !slices.Contains(p.Trusts, function) })
	})
}

// trusts says whether a write may run a function by itself where columns are masked.
func (m *Masks) trusts(c Code) bool {
	return c.Effect == Execute && slices.Contains(m.trusted, c.Function)
}

// matches compares a name with a pattern in which * stands for any run of characters.
func matches(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	for name = name[len(head):]; ; name = name[1:] {
		if matches(rest, name) {
			return true
		}
		if name == "" {
			return false
		}
	}
}

// add masks a column. Of several masks of one column the strictest stands: one that shows nothing over one that shows whether there
// is a value, that over one that shows an end, and one that is not writable over one that is.
func (m *Masks) add(oid uint32, column string, mask ColumnMask) bool {
	columns := m.Columns[oid]
	if columns == nil {
		columns = map[string]ColumnMask{}
		m.Columns[oid] = columns
	}
	have, known := columns[column]
	if !known {
		columns[column] = mask
		return true
	}
	stricter := have
	if strictness(mask.As) > strictness(have.As) {
		stricter.As = mask.As
	}
	stricter.Writable = have.Writable && mask.Writable
	columns[column] = stricter
	return stricter != have
}

func strictness(as MaskAs) int { return slices.Index([]MaskAs{ofTables, Last4, Redact, Null}, as) }

// spread passes masks on by one step and says whether it found any new one.
func (m *Masks) spread(c *Catalog) bool {
	changed := false
	for oid, r := range c.Relations {
		changed = m.refer(c, r) || changed
		for _, parent := range r.Parents {
			changed = m.pass(c, parent, oid) || changed
			changed = m.pass(c, oid, parent) || changed
		}
		for _, col := range r.Columns {
			for _, from := range col.From {
				tells := from == 0 && m.scattered[oid] != ""
				if source := r.numbered(from); source != nil {
					_, tells = m.Columns[oid][source.Name]
				}
				if tells {
					changed = m.add(oid, col.Name, derived()) || changed
				}
			}
		}
	}
	return changed
}

// derived is the mask of what is computed from a masked column. Even whether it is NULL may tell of that column: NULLIF does.
func derived() ColumnMask { return ColumnMask{As: Null} }

// pass gives the masks of one relation to the columns of the same names of another.
func (m *Masks) pass(c *Catalog, from, to uint32) bool {
	changed, target := false, c.Relations[to]
	for column, mask := range m.Columns[from] {
		if target != nil && target.column(column) != nil {
			changed = m.add(to, column, mask) || changed
		}
	}
	return changed
}

func (r *Relation) numbered(number int16) *Column {
	for i := range r.Columns {
		if r.Columns[i].Number == number {
			return &r.Columns[i]
		}
	}
	return nil
}
