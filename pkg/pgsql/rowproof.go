package pgsql

// filteredTarget checks that a statement which writes to a relation with filtered rows asks the filter first, and answers the
// statement's own condition, nil where there is none.
func (p *proof) filteredTarget(n *node, found name) *node {
	what := found.object + " has rows that are hidden from you"
	if !n.is("UpdateStmt") && !n.is("DeleteStmt") || len(n.list("from_clause"))+len(n.list("using_clause")) > 0 {
		p.slip(what)
		return nil
	}
	rel := n.child("relation")
	alias := rel.child("alias")
	before, after := guardText(found.relation, p.filtersOf(found.relation), rowName(alias != nil, alias.text("aliasname"), found.relation))
	alone := p.pool.parse(p.ctx, "SELECT WHERE "+before+"true"+after)
	if alone.problem != nil || len(alone.stmts) != 1 {
		p.slip(what)
		return nil
	}
	guarded, ok := guardedBy(alone.stmts[0].child("stmt").child("where_clause"), n.child("where_clause"))
	if !ok {
		p.slip(what + ", and its filter would not be asked first")
	}
	p.placeless(n, found, what)
	return guarded
}

// placeless checks that a statement which writes to a relation does not ask where its rows lie.
func (p *proof) placeless(n *node, found name, what string) {
	n.walk(func(k *node) bool {
		if k.is("RangeSubselect") && p.ours(k.child("subquery")) != nil {
			return false
		}
		if parts, star := reference(k); k.is("ColumnRef") && !star && len(parts) > 0 {
			switch last := parts[len(parts)-1]; last {
			case "ctid", "xmin", "xmax", "cmin", "cmax":
				if found.relation.column(last) == nil {
					p.slip(what + ", and " + last + " would tell where")
				}
			}
		}
		return true
	})
}

// guardedBy answers what a guard stands around, where a condition is that guard in all but what it guards.
func guardedBy(want, have *node) (guarded *node, ok bool) {
	if !have.is("BoolExpr") || !want.is("BoolExpr") || have.text("boolop") != want.text("boolop") {
		return nil, false
	}
	wants, haves := want.list("args"), have.list("args")
	if len(wants) != len(haves) || len(wants) == 0 {
		return nil, false
	}
	last := len(wants) - 1
	for i := range last {
		if !sameShape(wants[i], haves[i]) {
			return nil, false
		}
	}
	w, h := wants[last], haves[last]
	if !h.is("CaseExpr") || h.child("arg") != nil || len(h.list("args")) != 1 || !sameShape(w.child("defresult"), h.child("defresult")) {
		return nil, false
	}
	when := h.list("args")[0]
	return when.child("result"), sameShape(w.list("args")[0].child("expr"), when.child("expr"))
}
