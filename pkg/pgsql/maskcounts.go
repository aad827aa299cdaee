package pgsql

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// An index that is limited to some rows by a masked column holds as many entries as rows fit, and a materialised view may hold as
// many rows. The server tells how many: exactly in pg_class and its statistics, and by their size. So pg_class tells nothing of how
// large indexes and materialised views are, and sizes are not told.

// ofTables shows a count of pg_class for tables alone.
const ofTables MaskAs = "of tables"

// countsRows notes what masked values decide the rows of. It says whether it masked anything new by that.
func (m *Masks) countsRows(c *Catalog) bool {
	counted, view := m.counted, m.countedView
	for _, oid := range slices.Sorted(maps.Keys(m.Columns)) {
		r := c.Relations[oid]
		if r == nil || m.counted != "" {
			continue
		}
		for _, at := range slices.Sorted(maps.Keys(r.indexes)) {
			for _, n := range r.indexes[at].where {
				if column, _, masked := m.at(c, source{relation: oid, column: n}); masked {
					m.counted = "an index holds those that " + r.Qualified() + "." + column + isMasked + ", chooses"
				}
			}
		}
	}
	for _, oid := range slices.Sorted(maps.Keys(m.Opaque)) {
		if r := c.Relations[oid]; r != nil && r.Kind == 'm' && !m.countedView {
			m.counted, m.countedView = r.Qualified()+" holds what follows from values that are masked for you", true
		}
	}
	hides := m.counted != "" && m.hidesInClass(c, ColumnMask{As: ofTables}, sizesInClass...)
	return m.traces(c) || hides || m.counted != counted || m.countedView != view
}

// traces notes a stored column that follows from masked values and from others: whether a write of these makes it another one shows in how
// much of the row is written. It says whether it found one that was not known.
func (m *Masks) traces(c *Catalog) bool {
	if m.traced != "" {
		return false
	}
	for _, oid := range slices.Sorted(maps.Keys(m.Columns)) {
		r := c.Relations[oid]
		if r == nil {
			continue
		}
		for _, g := range r.Columns {
			hidden, written := "", false
			for _, n := range g.From {
				if column, mask, masked := m.at(c, source{relation: oid, column: n}); masked && !mask.Writable {
					hidden = column
				} else if n > 0 {
					written = true
				}
			}
			if g.Generated && !g.Virtual && hidden != "" && written {
				m.traced = r.Qualified() + "." + g.Name + " follows from " + hidden + isMasked
				return true
			}
		}
	}
	return false
}

// hidesInClass masks columns of pg_class, those that the server has of them. It says whether it masked anything new.
func (m *Masks) hidesInClass(c *Catalog, mask ColumnMask, columns ...string) bool {
	changed := false
	if r := c.Relations[classRelation]; r != nil {
		for _, column := range columns {
			if r.column(column) != nil {
				changed = m.add(r.OID, column, mask) || changed
			}
		}
	}
	return changed
}

// sizesInClass are the columns of pg_class that tell how much there is of something.
var sizesInClass = []string{"reltuples", "relpages", "relallvisible", "relallfrozen"}

// countMask is what a count of pg_class shows.
func countMask(c Column) string {
	kind := insideAlias + `."relkind" OPERATOR(pg_catalog.=) `
	return "CASE WHEN " + kind + "'r' OR " + kind + "'p' THEN " + insideAlias + "." + quoteIdent(c.Name) + " ELSE CAST(NULL AS " + c.Type + ") END"
}

// tellsSize says of one of Postgres' own functions that it tells how large a relation is, or an index.
func tellsSize(object string) bool {
	name := strings.TrimPrefix(object, "pg_catalog.")
	return strings.HasPrefix(name, "pg_") && strings.HasSuffix(name, "_size") && name != "pg_column_size" && name != "pg_database_size"
}

// tellsOfWork says of one of Postgres' own functions or relations that it tells how much was read or written: a changed row has an entry
// in such an index or none.
func tellsOfWork(object string) bool {
	name := strings.TrimPrefix(object, "pg_catalog.")
	switch name {
	case "pg_stat_database", "pg_stat_bgwriter", "pg_stat_checkpointer", "pg_stat_slru", "pg_stat_wal", "pg_stat_get_slru", "pg_stat_get_wal":
		return true
	}
	for _, begins := range []string{"pg_statio_", "pg_current_wal_", "pg_last_wal_", "pg_stat_get_buf_", "pg_stat_get_bgwriter_", "pg_stat_get_checkpointer_"} {
		if strings.HasPrefix(name, begins) {
			return true
		}
	}
	return strings.HasPrefix(name, "pg_stat_get_") && (strings.Contains(name, "blocks_") || strings.Contains(name, "_blk_"))
}

// refuseWork refuses an EXPLAIN that runs a write and tells how much that read or wrote.
func (j *judge) refuseWork(n *node) {
	why := cmp.Or(j.env.Masks.counted, j.env.Masks.traced)
	if why == "" || !j.st.TargetMasked {
		return
	}
	tells := map[string]bool{"buffers": j.env.Catalog != nil && j.env.Catalog.Server >= 180000}
	for _, o := range n.list("options") {
		if name := o.text("defname"); name == "buffers" || name == "wal" {
			tells[name] = !isOff(o.child("arg"))
		}
	}
	if tells["buffers"] || tells["wal"] {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "this plan would tell how much is read and written, and " + why, Hint: "Write EXPLAIN (ANALYZE, BUFFERS off), without WAL."})
	}
}
