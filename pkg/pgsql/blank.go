package pgsql

// blankOperation blanks constants and parameters that stand beside a masked column: an operator's, a function's, a CASE's.
func (j *judge) blankOperation(n *node, sc *scope) {
	if !j.masks {
		return
	}
	masked, other := j.columnsIn(n, sc)
	if !masked {
		return
	}
	j.besideColumns = j.besideColumns || other
	j.blankAll(n)
}

// blankCall blanks the strings and parameters that a function gets together with a masked column.
func (j *judge) blankCall(n *node, sc *scope) {
	if !j.masks {
		return
	}
	if masked, _ := j.columnsIn(n, sc); masked {
		n.walk(func(k *node) bool {
			if !k.is("A_Const") || k.child("sval") != nil {
				j.blankConstant(k)
			}
			return true
		})
	}
}

// blankTested blanks what CASE x WHEN and x IN (SELECT …) compare a masked column with.
func (j *judge) blankTested(n *node, sc *scope) {
	if !j.masks {
		return
	}
	for _, f := range []string{"arg", "testexpr"} {
		if masked, _ := j.columnsIn(n.child(f), sc); masked {
			for _, when := range n.list("args") {
				j.blankAll(when.child("expr"))
			}
			j.blankAll(n.child("subselect"))
			j.besideColumns = true
		}
	}
}

// columnsIn says whether an expression mentions masked columns, and whether it mentions others.
func (j *judge) columnsIn(n *node, sc *scope) (masked, other bool) {
	n.walk(func(k *node) bool {
		if k.is("SelectStmt") {
			other = true // what it compares with comes out of it
			return false
		}
		if k.is("ColumnRef") && sc != nil {
			parts, star := reference(k)
			if len(sc.uses(parts, star)) > 0 {
				masked = true
			} else {
				other = true
			}
		}
		return true
	})
	return masked, other
}

// blankAll blanks every constant and parameter in an expression.
func (j *judge) blankAll(n *node) {
	n.walk(func(k *node) bool { j.blankConstant(k); return true })
}

// blankRows blanks the rows of all VALUES of a statement: a masked column was compared with columns, which may be theirs.
func (j *judge) blankRows(n *node) {
	n.walk(func(k *node) bool {
		for _, row := range k.list("values_lists") {
			j.blankAll(row)
		}
		if k.is("SelectStmt") && len(k.list("from_clause")) == 0 {
			for _, t := range k.list("target_list") {
				j.blankAll(t)
			}
		}
		return true
	})
}

// blankInsert blanks what is written to masked columns.
func (j *judge) blankInsert(n *node, sc *scope) {
	if len(sc.target.masks) == 0 {
		return
	}
	columns := writtenColumns(n, sc.target.relation)
	source := n.child("select_stmt")
	for i, c := range columns {
		if _, masked := sc.target.masks[c]; !masked {
			continue
		}
		for _, row := range source.list("values_lists") {
			if items := row.list("items"); i < len(items) {
				j.blankAll(items[i])
			}
		}
		if list := source.list("target_list"); i < len(list) {
			j.blankAll(list[i])
		}
	}
}

// blankAssignments blanks what an UPDATE sets masked columns to.
func (j *judge) blankAssignments(n *node, sc *scope) {
	for _, t := range n.list("target_list") {
		if _, masked := sc.target.masks[t.text("name")]; masked {
			j.blankAll(t)
		}
	}
}
