package pgsql

import (
	"maps"
	"slices"
)

// views passes masks on to views by one step, makes those opaque that tell more than masked columns hold, and says whether it
// found anything new.
func (m *Masks) views(c *Catalog) bool {
	changed := false
	for _, oid := range slices.Sorted(maps.Keys(c.Relations)) { // in order, so that a refusal gives the same reason each time
		r := c.Relations[oid]
		if _, known := m.Opaque[oid]; known || r.Kind != 'v' && r.Kind != 'm' {
			continue
		}
		if why, instead := m.reason(c, r); why != "" {
			m.Opaque[oid], m.instead[oid], changed = why, instead, true
			continue
		}
		changed = m.viewColumns(c, r) || changed
	}
	return changed
}

// viewColumns masks the columns of a view that are made of masked ones.
func (m *Masks) viewColumns(c *Catalog, r *Relation) bool {
	if r.lineage == nil {
		return false
	}
	changed := false
	for i, sources := range r.lineage.columns {
		column := r.numbered(int16(i + 1))
		for _, s := range sources {
			name, mask, masked := m.at(c, s)
			if column == nil || !masked {
				continue
			}
			if !s.plain || name == "" || mask.As == ofTables {
				mask = derived()
			}
			mask.Writable = false
			changed = m.add(r.OID, column.Name, mask) || changed
		}
	}
	return changed
}

// at is the mask of a source; of a whole row, that it holds masked columns.
func (m *Masks) at(c *Catalog, s source) (column string, mask ColumnMask, masked bool) {
	r := c.Relations[s.relation]
	if r == nil || len(m.Columns[r.OID]) == 0 {
		return "", ColumnMask{}, false
	}
	if s.column == 0 {
		return "", derived(), true
	}
	from := r.numbered(s.column)
	if from == nil {
		return "", derived(), true // a column that the catalog does not know: in doubt masked
	}
	mask, masked = m.Columns[r.OID][from.Name]
	return from.Name, mask, masked
}

// reason says why a view can't be read, and what can be read in its place.
func (m *Masks) reason(c *Catalog, r *Relation) (why, instead string) {
	const ask = "Ask somebody for whom nothing is masked."
	if why, instead := m.filteredBeneath(c, r); why != "" {
		return why, instead
	}
	if r.Calls {
		return r.Qualified() + " calls code that can't be seen through", "Query the tables that it reads: their columns show masks."
	}
	for _, object := range r.tells {
		if why, instead := m.untold(object); why != "" {
			return r.Qualified() + " shows what is not told: " + why, instead
		}
	}
	for _, oid := range r.Reads {
		system := c.systemOIDs[oid]
		if system != "" && systemRelations()[system] != Read {
			return r.Qualified() + " reads " + system + ", which may hold masked values", ask
		}
		if why, instead := m.untold(system); why != "" {
			return r.Qualified() + " shows what is not told: " + why, instead
		}
		base := c.Relations[oid]
		if base == nil {
			continue
		}
		if column := m.scattered[oid]; column != "" {
			return r.Qualified() + " reads " + base.Qualified() + ", whose rows lie in an order that " + column + " decides, which is masked for you", readInstead(base)
		}
		if r.firsts && (len(m.within[oid]) > 0 || m.ordered[oid] || m.chosen[oid] != "") {
			return r.Qualified() + " takes the rows of " + base.Qualified() + " in the order in which they come, and an index by columns that are masked for you may decide that", readInstead(base)
		}
		if why, opaque := m.Opaque[oid]; opaque {
			return r.Qualified() + " reads " + base.Qualified() + ", and " + why, m.instead[oid]
		}
		if len(m.Columns[oid]) > 0 && (r.lineage == nil || !r.lineage.reads[oid]) {
			return r.Qualified() + " reads " + base.Qualified() + ", which has columns that are masked for you, in a way that can't be seen through", readInstead(base)
		}
	}
	if index := m.chosen[r.OID]; r.Kind == 'm' && index != "" {
		return index + ", by columns that are masked for you, may have decided in which order the rows of " + r.Qualified() + " lie", ask
	}
	return m.usesMasked(c, r)
}

func (m *Masks) usesMasked(c *Catalog, r *Relation) (why, instead string) {
	if r.lineage == nil {
		return "", ""
	}
	for _, u := range r.lineage.uses {
		name, _, masked := m.at(c, u.source)
		if !masked || u.fails && r.Kind == 'm' {
			continue
		}
		base := c.Relations[u.relation]
		what := base.Qualified() + "." + name + ", which is masked for you"
		if name == "" {
			what = "whole rows of " + base.Qualified() + ", which has columns that are masked for you"
		}
		return r.Qualified() + " " + u.how + " " + what, readInstead(base)
	}
	return "", ""
}

func readInstead(r *Relation) string {
	return "Read " + r.Qualified() + " instead: its masked columns show masks."
}

// findBeneath names, for each view, a relation with masked columns that it reads.
func (m *Masks) findBeneath(c *Catalog) {
	for changed := true; changed; {
		changed = false
		for _, oid := range slices.Sorted(maps.Keys(c.Relations)) {
			r := c.Relations[oid]
			i := slices.IndexFunc(r.Reads, func(read uint32) bool {
				return read != attributeRelation && read != classRelation && c.Relations[read] != nil && (len(m.Columns[read])+len(m.Rows[read]) > 0 || m.beneath[read] != "" || m.Opaque[read] != "")
			})
			if i >= 0 && m.beneath[oid] == "" {
				m.beneath[oid], changed = c.Relations[r.Reads[i]].Qualified(), true
			}
		}
	}
}
