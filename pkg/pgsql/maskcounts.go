package pgsql

import (
	"maps"
	"slices"
	"strings"
)

// An index that is limited to some rows by a masked column holds as many entries as rows fit, and the server tells how many: exactly in
// pg_class, and by the index's size. So pg_class tells nothing of how large indexes are, and sizes are not told.

// ofIndexes shows a count of pg_class but for indexes.
const ofIndexes MaskAs = "of indexes"

// countsRows notes a masked column that an index is limited by.
func (m *Masks) countsRows(c *Catalog) {
	for _, oid := range slices.Sorted(maps.Keys(m.Columns)) {
		r := c.Relations[oid]
		if r == nil || m.counted != "" {
			continue
		}
		for _, at := range slices.Sorted(maps.Keys(r.indexes)) {
			for _, n := range r.indexes[at].where {
				if column, _, masked := m.at(c, source{relation: oid, column: n}); masked {
					m.counted = r.Qualified() + "." + column
				}
			}
		}
	}
	if r := c.Relations[classRelation]; m.counted != "" && r != nil {
		for _, column := range sizesInClass {
			if r.column(column) != nil {
				m.add(r.OID, column, ColumnMask{As: ofIndexes})
			}
		}
	}
}

// sizesInClass are the columns of pg_class that tell how much there is of something.
var sizesInClass = []string{"reltuples", "relpages", "relallvisible", "relallfrozen"}

// countMask is what a count of pg_class shows.
func countMask(c Column) string {
	kind := insideAlias + `."relkind" OPERATOR(pg_catalog.=) `
	return "CASE WHEN " + kind + "'i' OR " + kind + "'I' THEN CAST(NULL AS " + c.Type + ") ELSE " + insideAlias + "." + quoteIdent(c.Name) + " END"
}

// tellsSize says of one of Postgres' own functions that it tells how large a relation is, or an index.
func tellsSize(object string) bool {
	name := strings.TrimPrefix(object, "pg_catalog.")
	return strings.HasPrefix(name, "pg_") && strings.HasSuffix(name, "_size") && name != "pg_column_size" && name != "pg_database_size"
}
