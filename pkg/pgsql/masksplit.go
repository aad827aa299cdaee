package pgsql

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// partitions makes the partitions opaque whose rows are chosen by a masked column: to be in one tells of that column. It says
// whether it found anything new.
func (m *Masks) partitions(c *Catalog) bool {
	changed := false
	for _, oid := range slices.Sorted(maps.Keys(c.Relations)) {
		r := c.Relations[oid]
		for _, number := range r.Splits {
			column, _, masked := m.at(c, source{relation: oid, column: number})
			if !masked || m.split[oid] != "" {
				continue
			}
			changed = true
			m.split[oid] = r.Qualified() + "." + column
			m.scatter(c, r, m.split[oid])
			m.hidePartitions(c, r, r)
			m.hideBounds(c)
		}
	}
	return changed
}

// scatter notes that a masked column decides in which order the rows of a relation, and of what it is a partition of, are found.
func (m *Masks) scatter(c *Catalog, r *Relation, column string) {
	m.scattered[r.OID] = column
	for _, oid := range r.Parents {
		if parent := c.Relations[oid]; parent != nil && m.scattered[oid] == "" {
			m.scatter(c, parent, column)
		}
	}
}

func (m *Masks) hidePartitions(c *Catalog, root, r *Relation) {
	for _, oid := range c.children[r.OID] {
		child := c.Relations[oid]
		if child == nil {
			continue
		}
		m.Opaque[oid] = child.Qualified() + " holds rows of " + root.Qualified() + " by " + m.split[root.OID] + ", which is masked for you"
		m.instead[oid] = readInstead(root)
		m.hidePartitions(c, root, child)
	}
}

// hideBounds masks what pg_class tells of partitions.
func (m *Masks) hideBounds(c *Catalog) {
	m.hidesInClass(c, derived(), append([]string{"relpartbound"}, sizesInClass...)...)
}

// tellsOfPartitions says of one of Postgres' own functions or relations that it tells what partitions hold, or how much.
func tellsOfPartitions(object string) bool {
	name := strings.TrimPrefix(object, "pg_catalog.")
	return name == "pg_get_partition_constraintdef" || strings.HasPrefix(name, "pg_stat") || tellsSize(name)
}

// tellsOfRows says of one of Postgres' own functions or relations that it tells how many rows there are, or were.
func tellsOfRows(object string) bool {
	name := strings.TrimPrefix(object, "pg_catalog.")
	return tellsOfPartitions(object) || name == "pg_database_size" || name == "pg_tablespace_size"
}

// untold says why one of Postgres' own functions or relations is not told, and what works instead; "" where it is: what tells of partitions,
// where one of them is chosen by a masked column, how much there is, where rows are filtered or masked values decide that, and where rows lie.
func (m *Masks) untold(object string) (why, instead string) {
	if len(m.Rows) > 0 && tellsOfRows(object) {
		return object + " tells how much tables hold, and rows are filtered for you", "Count the rows that are left for you: SELECT count(*)."
	}
	if why := cmp.Or(m.counted, m.traced); why != "" && tellsOfWork(object) {
		return object + " tells how much is read and written, and " + why, "Ask somebody for whom nothing is masked."
	}
	if m.counted != "" && (tellsSize(object) || object == "pg_catalog.pg_database_size" || m.countedView && tellsOfPartitions(object)) {
		return object + " tells how many rows there are, and " + m.counted, "Count what you may see: SELECT count(*). Or ask somebody for whom nothing is masked."
	}
	if len(m.split) > 0 && tellsOfPartitions(object) {
		return object + " tells what partitions hold, and " + m.split[slices.Sorted(maps.Keys(m.split))[0]] + ", which is masked for you, decides that", "Ask somebody for whom nothing is masked."
	}
	if len(m.Rows)+len(m.scattered) > 0 && tellsOfPlaces(object) {
		return object + " tells where rows lie, and that follows from what is masked for you", "Ask somebody for whom nothing is masked."
	}
	return "", ""
}

// tellsOfPlaces says of one of Postgres' own functions or relations that it tells where rows lie that a transaction has locked.
func tellsOfPlaces(object string) bool {
	return object == "pg_catalog.pg_locks" || object == "pg_catalog.pg_lock_status"
}

// tells says of one of Postgres' own functions or relations that there are masks because of which it is not told.
func tells(object string) bool {
	return tellsOfRows(object) || tellsOfWork(object) || tellsOfPlaces(object)
}

// refuseUntold refuses what is not told.
func (j *judge) refuseUntold(n *node, object string) {
	if !j.masks {
		return
	}
	if why, instead := j.env.Masks.untold(object); why != "" {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: why, Hint: instead})
	}
}
