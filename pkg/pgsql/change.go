package pgsql

import "slices"

// dataChange judges INSERT, UPDATE, DELETE and MERGE.
func (j *judge) dataChange(n *node, sc *scope) {
	j.st.Changes++
	target := n.child("relation")
	if target == nil {
		j.add(Unknown, "")
		return
	}
	if k, known := statementKind(n.tag); known {
		j.inside[k.command] = struct{}{}
	}
	found := j.target(target, sc)
	j.runs(n, found.relation)
	reads := len(n.list("returning_list")) > 0 || n.child("where_clause") != nil
	switch n.tag {
	case "InsertStmt":
		reads = j.insert(n, sc, found) || reads
	case "UpdateStmt":
		j.add(Write, found.object)
		reads = reads || mentionsColumns(n.list("target_list"))
		j.filter(n)
	case "DeleteStmt":
		j.add(Delete, found.object)
		j.filter(n)
	case "MergeStmt":
		reads = true
		j.merge(n, found)
	}
	if reads {
		j.add(Read, found.object)
	}
	for _, f := range []string{"from_clause", "using_clause", "source_relation"} {
		for _, it := range n.list(f) {
			j.from(it, sc, nil)
		}
	}
	j.checkNames(sc)
	if j.masks {
		j.checkTarget(n, sc, found)
	}
	if n.is("UpdateStmt") && j.masks {
		j.blankAssignments(n, sc)
	}
	j.rest(n, sc, "with_clause", "relation", "from_clause", "using_clause", "source_relation", "select_stmt")
}

// target makes the item of the relation that is written to. A CTE's name never hides it.
func (j *judge) target(n *node, sc *scope) name {
	found := j.lookup(n)
	j.noteSplit(found.relation)
	j.refuseChecked(n, found.relation)
	it := &item{name: n.text("relname"), node: n, relation: found.relation}
	if alias := n.child("alias"); alias != nil {
		it.name, it.aliased = alias.text("aliasname"), true
	} else {
		it.schema = schemaOf(found)
	}
	if found.relation != nil {
		it.columns = callColumns(found.relation, nil)
		if j.masks {
			it.masks = j.env.Masks.Columns[found.relation.OID]
		}
	}
	j.qualify(n, found)
	sc.target = it
	sc.items = append(sc.items, it)
	j.changedSetting(n, found)
	return found
}

func (j *judge) insert(n *node, sc *scope, found name) (reads bool) {
	j.add(Write, found.object)
	if source := n.child("select_stmt"); source != nil {
		j.query(source, sc.outer, sc.ctes)
	}
	if j.masks {
		j.blankInsert(n, sc)
	}
	return n.child("on_conflict_clause") != nil
}

func (j *judge) merge(n *node, found name) {
	for _, when := range n.list("merge_when_clauses") {
		switch when.text("command_type") {
		case "CMD_DELETE":
			j.add(Delete, found.object)
		case "CMD_NOTHING":
		default:
			j.add(Write, found.object)
		}
	}
	j.add(Write, found.object)
}

// mentionsColumns says whether a SET clause's right sides read anything.
func mentionsColumns(targets []*node) bool {
	return slices.ContainsFunc(targets, func(t *node) bool { return mentionsColumn(t.child("val")) })
}

// The filter facts, weakest filter first.
const (
	filterNone     = "none"
	filterConstant = "constant"
	filterSome     = "some"
)

// filter keeps the weakest filter of the UPDATEs and DELETEs of a statement.
func (j *judge) filter(n *node) {
	rank := map[string]int{"": 3, filterSome: 2, filterConstant: 1, filterNone: 0}
	f := filterNone
	if where := n.child("where_clause"); where != nil {
		f = filterConstant
		if selective(where) {
			f = filterSome
		}
	}
	if rank[f] < rank[j.st.Filter] {
		j.st.Filter = f
	}
}

// selective says whether a condition can leave rows out, as far as its text shows: it is a guard against accidents.
func selective(n *node) bool {
	switch {
	case n.is("BoolExpr"):
		and := n.text("boolop") != "OR_EXPR"
		for _, arg := range n.list("args") {
			if s := selective(arg); s == and && (s || !isFalse(arg)) {
				return and
			}
		}
		return !and
	case n.is("A_Expr") && n.child("lexpr") != nil && sameShape(n.child("lexpr"), n.child("rexpr")):
		return false
	case n.is("CurrentOfExpr"):
		return true
	}
	return n.contains(func(k *node) bool { return k.is("ColumnRef") || k.is("CurrentOfExpr") })
}

func isFalse(n *node) bool {
	b := n.child("boolval")
	return n.is("A_Const") && b != nil && !b.flag("boolval")
}
