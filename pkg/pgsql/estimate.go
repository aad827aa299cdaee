package pgsql

// noteEstimate notes that an explained statement uses a masked column where its plan, or an estimate in it, may follow from
// the column's statistics: in all that groups, joins or looks for repeats, Postgres counts the column's different values,
// whatever the expression around it. It does not where the column is only shown, sorted by, or compared in the WHERE of a
// query of one table. sc is nil for a use that is never such a place.
func (j *judge) noteEstimate(column string, sc *scope) {
	if j.explained != nil && j.estimated == "" && (sc == nil || !j.unestimated(sc)) {
		j.estimated = column + " is masked for you"
	}
}

func (j *judge) unestimated(sc *scope) bool {
	q := sc.query
	if q != j.explained || !q.is("SelectStmt") || q.child("group_clause") != nil || q.child("distinct_clause") != nil {
		return false
	}
	switch j.part {
	case "target_list", "sort_clause":
	case "where_clause":
		if from := q.list("from_clause"); len(from) != 1 || !from[0].is("RangeVar") {
			return false
		}
	default:
		return false
	}
	plain := true
	q.walk(func(k *node) bool {
		plain = plain && !k.is("SubLink") && !k.is("WindowDef")
		return plain
	})
	return plain
}

// noteSplit notes that an explained statement reaches a relation that is partitioned by a masked column, since its plan names
// partitions, with how much they hold; or one that is looked through, or read, by an index that a masked column orders: what that
// costs follows from how many different values there are, and how they lie.
func (j *judge) noteSplit(r *Relation) {
	if j.explained == nil || !j.masks || r == nil || len(j.env.Masks.split)+len(j.env.Masks.chosen)+len(j.env.Masks.within) == 0 {
		return
	}
	reach := j.env.Catalog.reach()
	reach.below(r)
	reach.family(r)
	reach.seen[r.OID] = true
	for oid := range reach.seen {
		if column := j.env.Masks.split[oid]; column != "" {
			j.estimated = column + " is masked for you"
		}
		index := j.env.Masks.chosen[oid]
		if read := j.env.Catalog.Relations[oid]; index == "" && read != nil {
			if _, ok := j.env.Masks.outside(read); !ok {
				index = "an index of " + read.Qualified()
			}
		}
		if index != "" {
			j.estimated = index + " is ordered by columns that are masked for you"
		}
	}
}

// refuseEstimates refuses an EXPLAIN whose plan may tell of masked values.
func (j *judge) refuseEstimates(n *node) {
	if n.child("query").is("ExecuteStmt") {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "EXPLAIN EXECUTE is refused where columns are masked for you: its plan may tell of them", Hint: "Explain the statement itself."})
	}
	if j.estimated != "" {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: j.estimated + ", and this plan would tell of their values", Hint: "Explain the statement without them in GROUP BY, DISTINCT, joins, subqueries and WITH."})
	}
}

// countsValues says of a statement that Postgres counts different values of what it uses, to choose how to find them: in what order
// they come out follows from that.
func countsValues(n *node) bool {
	return n.contains(func(k *node) bool {
		return k.is("SubLink") || k.flag("lateral") || len(k.list("partition_clause")) > 0 || k.is("SelectStmt") &&
			(len(k.list("group_clause"))+len(k.list("distinct_clause")) > 0 || k.child("larg") != nil && !k.flag("all"))
	})
}
