package pgsql

// checkTarget refuses what a statement may not do to the relation that it writes to.
func (j *judge) checkTarget(n *node, sc *scope, found name) {
	j.changes = j.changes || n.tag != "DeleteStmt" && n.tag != "CopyStmt"
	masks, refused := j.masksOf(n.child("relation"), found)
	if n.is("MergeStmt") {
		for _, it := range sc.items {
			refused = refused || len(it.masks) > 0
		}
		if refused {
			j.refuseTarget(n, "MERGE can't be used with tables that have columns that are masked for you", "Use INSERT, UPDATE or DELETE.")
		}
	}
	if found.relation == nil || refused {
		return
	}
	if base := j.env.Masks.beneath[found.relation.OID]; base != "" {
		j.refuseTarget(n, found.object+" reads "+base+", which has columns that are masked for you, so nothing can be written through it", "Write to "+base+" itself.")
		return
	}
	if found.relation.Rules {
		j.refuseTarget(n, found.object+" has rewrite rules, which can't be seen through where columns are masked for you", "")
	}
	if j.filtersOf(found.relation) != nil {
		j.filterTarget(n, sc, found)
	}
	if scattered := j.env.Masks.decidesOrder(found.relation); scattered != "" && !n.is("InsertStmt") && !n.is("CopyStmt") && !j.oneRow(sc.target, n.child("where_clause")) {
		j.refuseTarget(n, found.object+" can't be changed row by row: "+scattered+" decides the order, and an error or RETURNING would tell", "Name one row by its whole primary key; or ask somebody for whom nothing is masked.")
	}
	if len(masks) == 0 {
		return
	}
	j.st.TargetMasked = true
	if n.child("on_conflict_clause") != nil {
		j.refuseTarget(n, "ON CONFLICT on a table with columns that are masked for you would tell their values", "Use plain INSERT or UPDATE.")
	}
	for _, column := range writtenColumns(n, found.relation) {
		if mask, masked := masks[column]; masked && !mask.Writable {
			j.refuseTarget(n, column+" is masked for you and can't be written", "Leave "+column+" out: name the columns that you write.")
			return
		}
	}
}

func (j *judge) refuseTarget(n *node, message, hint string) {
	j.refuseAt(n.child("relation"), Problem{SQLState: "42501", Rule: "mask", Message: message, Hint: hint})
}

// writtenColumns are the columns that INSERT, UPDATE and COPY FROM write; without a list, all.
func writtenColumns(n *node, r *Relation) []string {
	var out []string
	field := map[string]string{"InsertStmt": "cols", "UpdateStmt": "target_list"}[n.tag]
	for _, t := range n.list(field) {
		out = append(out, t.text("name"))
	}
	if n.is("CopyStmt") {
		out, _ = stringsOf(n.list("attlist"))
	}
	all := n.is("CopyStmt") || n.is("InsertStmt") && n.child("select_stmt") != nil
	if len(out) == 0 && all {
		for _, c := range r.Columns {
			if !c.Generated {
				out = append(out, c.Name)
			}
		}
	}
	return out
}

// refuseFlow refuses to store masks in another relation: it is never what was meant.
func (j *judge) refuseFlow() {
	if j.changes && j.maskedUses > 0 {
		j.refuse(&Problem{SQLState: "42501", Rule: "mask", Message: "this statement would store masks in the place of values that are masked for you", Hint: "Leave the masked columns out."})
	}
}
