package pgsql

import (
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
	return m.counted != "" && m.hidesInClass(c, ColumnMask{As: ofTables}, sizesInClass...)
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

// refuseCounts refuses what tells how many rows there are of something, where masked values decide that.
func (j *judge) refuseCounts(n *node, object string) {
	if m := j.env.Masks; j.masks && m.counted != "" && (tellsSize(object) || m.countedView && tellsOfPartitions(object)) {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: object + " tells how many rows there are, and " + m.counted, Hint: "Count what you may see: SELECT count(*). Or ask somebody for whom nothing is masked."})
	}
}

// tellsSize says of one of Postgres' own functions that it tells how large a relation is, or an index.
func tellsSize(object string) bool {
	name := strings.TrimPrefix(object, "pg_catalog.")
	return strings.HasPrefix(name, "pg_") && strings.HasSuffix(name, "_size") && name != "pg_column_size" && name != "pg_database_size"
}
