package pgsql

import (
	"maps"
	"slices"
	"strings"
)

// filterRows gives each filter to the relations that it names.
func (m *Masks) filterRows(c *Catalog, filters []RowFilter) {
	for _, f := range filters {
		for _, oid := range slices.Sorted(maps.Keys(c.Relations)) {
			if r := c.Relations[oid]; !systemSchema(r.Schema) && f.names(r) {
				m.filter(r, f.Where)
			}
		}
	}
	if len(m.Rows) == 0 {
		return
	}
	m.hideBounds(c)
}

// names says whether a filter is meant for a relation.
func (f RowFilter) names(r *Relation) bool {
	if r.Kind == 'S' {
		return false
	}
	for _, o := range f.Objects {
		schema, name, two := strings.Cut(o, ".")
		if !two {
			schema, name = "*", o
		}
		if matches(schema, r.Schema) && matches(name, r.Name) {
			return true
		}
	}
	if len(f.Objects) > 0 {
		return false
	}
	for _, column := range f.Columns {
		if len(MaskPattern{Pattern: column}.of(r)) > 0 {
			return true
		}
	}
	return len(f.Columns) == 0 && !slices.ContainsFunc(f.Where.names(), func(name string) bool { return r.column(name) == nil })
}

// filter notes that a relation's rows are filtered, and says whether that is new. What can't be filtered is opaque.
func (m *Masks) filter(r *Relation, where Condition) bool {
	text := where.sql("r")
	if slices.ContainsFunc(m.Rows[r.OID], func(have Condition) bool { return have.sql("r") == text }) {
		return false
	}
	m.Rows[r.OID] = append(m.Rows[r.OID], where)
	why := where.misfit(r)
	switch {
	case r.Kind == 'v':
		why = "it is a view, whose rows can't be filtered"
	case r.Kind == 'f':
		why = "it is a foreign table, whose rows can't be filtered"
	case !slices.ContainsFunc(r.Columns, func(c Column) bool { return c.Readable }):
		why = "no column of it can be read"
	}
	if _, known := m.Opaque[r.OID]; !known && why != "" {
		m.Opaque[r.OID] = "the rows of " + r.Qualified() + " are filtered for you, but " + why
		m.instead[r.OID] = "Read the tables that it shows, or ask who keeps the policy."
	}
	return true
}

// families passes filters on by one step, to children and partitions and to what their rows are also of. It says whether it found
// anything new.
func (m *Masks) families(c *Catalog) bool {
	changed := false
	for _, oid := range slices.Sorted(maps.Keys(m.Rows)) {
		r := c.Relations[oid]
		for _, other := range append(slices.Clone(r.Parents), c.children[oid]...) {
			for _, where := range m.Rows[oid] {
				if of := c.Relations[other]; of != nil && m.filter(of, where) {
					changed = true
				}
			}
		}
	}
	return changed
}

// filteredBeneath says why a view can't be read that reads a relation whose rows are filtered: its own rows follow from all of them.
func (m *Masks) filteredBeneath(c *Catalog, r *Relation) (why, instead string) {
	for _, oid := range r.Reads {
		if base := c.Relations[oid]; base != nil && len(m.Rows[oid]) > 0 {
			return r.Qualified() + " reads " + base.Qualified() + ", whose rows are filtered for you", "Read " + base.Qualified() + " instead: it shows the rows that are left for you."
		}
	}
	return "", ""
}
