package pgsql

import "strings"

// filtersOf are the filters of a relation's rows, nil where it has none.
func (a *analyzer) filtersOf(r *Relation) []Condition {
	if r == nil || a.env.Masks == nil {
		return nil
	}
	return a.env.Masks.Rows[r.OID]
}

// refuseFiltered refuses what can't be asked of a relation whose rows are filtered.
func (j *judge) refuseFiltered(n *node, r *Relation, sample *node) {
	if sample != nil {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "a sample of " + r.Qualified() + " would tell where its rows lie, and they are filtered for you", Hint: "Use ORDER BY random() LIMIT n."})
	}
	j.refusePlan(n, r)
}

// refusePlan refuses EXPLAIN of what reaches filtered rows: its costs and counts are those of all rows.
func (j *judge) refusePlan(n *node, r *Relation) {
	if j.explained != nil {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "the rows of " + r.Qualified() + " are filtered for you, and a plan would tell how many there are", Hint: "Ask somebody for whom they are not."})
	}
}

// refuseLocking refuses FOR UPDATE and its like over rows that come out of a projection: there is nothing to lock in it.
func (j *judge) refuseLocking(n *node, r *Relation) {
	if j.masks && j.filtersOf(r) != nil {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "the rows of " + r.Qualified() + " are filtered for you, and can't be locked", Hint: "Leave FOR UPDATE or FOR SHARE out: UPDATE locks what it changes."})
	}
}

// refuseWhole refuses a command that works on all rows of a table, or tells how many there are.
func (j *judge) refuseWhole(n *node, command string) {
	if j.masks && len(j.env.Masks.Rows) > 0 {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: strings.ToUpper(command) + " works on all rows, and rows are filtered for you", Hint: "Use DELETE, which takes the rows that are left for you; or ask somebody for whom no rows are filtered."})
	}
}

// systemColumns tell where a row lies, and when it came.
const systemColumns = " ctid xmin xmax cmin cmax tableoid oid "

// refuseRowPlace refuses the system columns of a target whose rows are filtered, since the gaps between them would tell of those in them,
// or lie in an order that a masked column decides. Elsewhere a projection stands in the table's place, and has none.
func (j *judge) refuseRowPlace(n *node, sc *scope) {
	parts, star := reference(n)
	if star || len(parts) == 0 || !strings.Contains(systemColumns, " "+parts[len(parts)-1]+" ") {
		return
	}
	for last := parts[len(parts)-1]; sc != nil; sc = sc.outer {
		if sc.target == nil || sc.target.relation == nil || sc.target.relation.column(last) != nil {
			continue
		}
		r := sc.target.relation
		why := j.env.Masks.decidesOrder(r) + " decides that"
		if j.filtersOf(r) != nil {
			why = "the rows of " + r.Qualified() + " are filtered for you"
		} else if j.env.Masks.decidesOrder(r) == "" {
			continue
		}
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: last + " tells where rows lie, and " + why, Hint: "Use the primary key."})
		return
	}
}
