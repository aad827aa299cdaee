package pgsql

import (
	"maps"
	"slices"
)

// asksRows notes that something looks at a relation whose rows are filtered, the hidden ones too.
func (w running) asksRows(by string, r *Relation) {
	if w.masks != nil && len(w.masks.Rows[r.OID]) > 0 && w.asks[by] == "" {
		w.asks[by] = "all rows of " + r.Qualified() + areHidden
	}
}

// askHidden notes which foreign keys look for hidden rows, of what is written: whether one is there would show. written are the columns
// that the statement itself writes of its target.
func (w running) askHidden(target *Relation, written []string) {
	for _, oid := range slices.Sorted(maps.Keys(w.masks.Rows)) {
		r := w.catalog.Relations[oid]
		for _, key := range r.Cascades {
			from, at := w.catalog.Relations[key.To], w.done[key.To]
			if from == nil || at == nil || at.runs&(runsInserting|runsUpdating) == 0 {
				continue
			}
			if slices.ContainsFunc(key.From, func(n int16) bool { return w.writes(from, at, n, from == target, written) }) {
				w.asksRows("foreign key "+key.Name+" of "+from.Qualified(), r)
			}
		}
	}
}

// askOrder notes that a foreign key changes rows that it could look up in an index which a masked column orders. Changed rows are put
// behind all others, in the order in which they were found; deleted ones leave no trace, but what is done because of them may.
func (w running) askOrder(key Cascade, to *Relation, then Runs) {
	if w.masks == nil || then&^runsTruncating == 0 || len(w.asks) > 0 {
		return
	}
	further := to.Triggers || slices.ContainsFunc(to.Cascades, func(c Cascade) bool {
		return then&runsDeleting != 0 && c.Deletes != 0 || then&runsUpdating != 0 && c.Updates != 0
	})
	if column := w.masks.scattered[to.OID]; column != "" && further {
		w.asks["foreign key "+key.Name+" of "+to.Qualified()] = "rows in the order of " + column + isMasked
		return
	}
	if then&runsUpdating == 0 && !further {
		return
	}
	by := "foreign key " + key.Name + " of " + to.Qualified()
	if slices.ContainsFunc(key.From, func(n int16) bool { column := to.numbered(n); return column == nil || w.masks.led[to.OID][column.Name] }) {
		w.asks[by] = "rows in the order of an index of " + to.Qualified() + ", by columns that are masked for you"
	}
}

// writes says whether a column of a relation gets a value. What an INSERT leaves out is NULL without a default, and refers to nothing.
func (w running) writes(r *Relation, at *written, number int16, own bool, listed []string) bool {
	column := r.numbered(number)
	if column == nil || at.runs&runsUpdating != 0 && at.columns[column.Name] {
		return true
	}
	if at.runs&runsInserting == 0 {
		return false
	}
	return !own || slices.Contains(listed, column.Name) || slices.Contains(r.defaults, number) || column.Generated
}
