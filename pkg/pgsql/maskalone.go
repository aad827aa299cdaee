package pgsql

import (
	"maps"
	"slices"
)

// answers is a relation of which a view or materialised view reads so few columns that an index which is ordered by a masked one could
// answer alone, nil where there is none.
func (m *Masks) answers(c *Catalog, r *Relation) *Relation {
	if r.Kind != 'v' && r.Kind != 'm' {
		return nil
	}
	needed := map[int16]bool{}
	for i := range r.Columns {
		if r.Columns[i].Readable || r.Kind == 'm' {
			needed[r.Columns[i].Number] = true
		}
	}
	return m.beneathAlone(c, r, needed)
}

// beneathAlone looks for it in what a view reads for some of its columns.
func (m *Masks) beneathAlone(c *Catalog, view *Relation, needed map[int16]bool) *Relation {
	if view.lineage == nil {
		return nil // columns that it shows can't be told: it is refused where anything beneath is masked
	}
	columns := map[uint32]map[int16]bool{}
	for oid := range view.lineage.reads {
		columns[oid] = map[int16]bool{}
	}
	note := func(s source) {
		if columns[s.relation] != nil {
			columns[s.relation][s.column] = true
		}
	}
	for i, sources := range view.lineage.columns {
		for _, s := range sources {
			if needed[int16(i+1)] || needed[0] {
				note(s)
			}
		}
	}
	for _, u := range view.lineage.uses {
		note(u.source)
	}
	for _, oid := range slices.Sorted(maps.Keys(columns)) {
		base := c.Relations[oid]
		switch {
		case base == nil:
		case view.lineage.again[oid] && (len(m.within[oid]) > 0 || m.ordered[oid]): // each time other columns, which nobody tells apart
			return base
		case base.Kind == 'v':
			if found := m.beneathAlone(c, base, columns[oid]); found != nil {
				return found
			}
		case len(m.within[oid]) > 0 && m.holds(base, columns[oid]):
			return base
		}
	}
	return nil
}

// holds says whether columns of a table could all stand in indexes that a masked one orders. A whole row does not.
func (m *Masks) holds(r *Relation, columns map[int16]bool) bool {
	for number := range columns {
		column := r.numbered(number)
		if number <= 0 {
			return false
		}
		if column == nil || m.within[r.OID][column.Name] {
			continue
		}
		if _, masked := m.Columns[r.OID][column.Name]; !masked {
			return false
		}
	}
	return true
}
