package pgsql

import (
	"slices"
	"strconv"
	"strings"
)

// filterTarget judges a write to a relation whose rows are filtered, and makes it touch none but those that are left. Where rows are
// added, whether they collide with hidden ones would show, so nothing can be added.
func (j *judge) filterTarget(n *node, sc *scope, found name) {
	r, what := found.relation, "the rows of "+found.object+" are filtered for you"
	j.st.TargetMasked = true
	j.refusePlan(n.child("relation"), r)
	if !n.is("UpdateStmt") && !n.is("DeleteStmt") {
		j.refuseTarget(n, what+", so none can be added: whether they collide with hidden ones would show", "Use UPDATE or DELETE; or ask somebody for whom they are not.")
		return
	}
	if len(n.list("from_clause"))+len(n.list("using_clause")) > 0 {
		j.refuseTarget(n, what+", and how it is joined would tell of the others", "Use a subquery in SET or WHERE in the place of FROM or USING.")
	}
	where := n.child("where_clause")
	if where.is("CurrentOfExpr") {
		j.refuseTarget(n, what+", and a cursor over them has no row of the table", "Name the row by its primary key.")
		return
	}
	if len(n.list("returning_list")) > 0 && !j.oneRow(sc.target, where) {
		j.refuseTarget(n, what+", and RETURNING would tell in which order they lie", "Name one row by its whole primary key, or leave RETURNING out.")
	}
	for _, column := range writtenColumns(n, r) {
		if decides(r, j.filtersOf(r), column) {
			j.refuseTarget(n, column+" decides which rows of "+found.object+" are left for you, and can't be written", "Leave "+column+" out.")
			return
		}
	}
	j.guard(n, where, sc.target, found)
}

// decides says whether a filter looks at a column, or at one that is generated from it.
func decides(r *Relation, filters []Condition, column string) bool {
	return slices.ContainsFunc(filters, func(f Condition) bool {
		return slices.ContainsFunc(f.names(), func(name string) bool {
			looked := r.column(name)
			return name == column || looked != nil && slices.ContainsFunc(looked.From, func(n int16) bool { from := r.numbered(n); return from == nil || from.Name == column })
		})
	})
}

// guard puts the filter around a statement's own condition.
func (j *judge) guard(n, where *node, target *item, found name) {
	before, after := guardText(found.relation, j.filtersOf(found.relation), rowName(target.aliased, target.name, found.relation))
	start, end, ok := j.conditionTokens(n.child("relation"))
	switch {
	case !ok || (where == nil) != (start > end):
		j.cantReplace(n.child("relation"), found)
	case where == nil:
		at := j.tokens[end].end
		j.edit(at, at, " WHERE "+before+"true"+after)
	default:
		j.edit(j.tokens[start].start, j.tokens[start].start, before)
		j.edit(j.tokens[end].end, j.tokens[end].end, after)
	}
}

// rowName is what the columns of a target are qualified with, so that they mean nothing else.
func rowName(aliased bool, name string, r *Relation) string {
	if aliased {
		return quoteIdent(name)
	}
	return quoteIdent(r.Schema) + "." + quoteIdent(r.Name)
}

// guardText is what stands before and after the condition of a statement. CASE keeps Postgres from asking it of rows that the filter
// hides. What stands before that is true of every row, and Postgres guesses of each of them that one row in two hundred passes: so it
// plans for one row, whatever the table holds.
func guardText(r *Relation, filters []Condition, row string) (before, after string) {
	var b strings.Builder
	for i := range guesses {
		b.WriteString("(CASE WHEN " + row + ".tableoid IS NULL THEN " + strconv.Itoa(i+1) + " END) IS NULL AND ")
	}
	return b.String() + "CASE WHEN " + rowCondition(filters, row) + " THEN (", ") ELSE false END"
}

// guesses is how often a table's size is divided by two hundred.
const guesses = 5

// conditionTokens are the tokens of the condition of an UPDATE or DELETE, from its target's name on; where there is none, end is the
// statement's last token before RETURNING and start lies behind it.
func (a *analyzer) conditionTokens(target *node) (start, end int, ok bool) {
	depth, where := 0, -1
	i := a.find(target.loc)
	if target.loc < 0 {
		return 0, 0, false
	}
	for ; i < len(a.tokens); i++ {
		switch {
		case a.is(i, "(") || a.is(i, "["):
			depth++
		case a.is(i, ")") || a.is(i, "]"):
			depth--
		case depth == 0 && a.is(i, "where"):
			where = i
		}
		if depth < 0 || depth == 0 && (a.is(i, "returning") || a.is(i, ";")) {
			break
		}
	}
	if where < 0 {
		return i, i - 1, true
	}
	return where + 1, i - 1, where+1 <= i-1
}

// oneRow says whether a condition names the whole primary key of a target, so that at most one row fits.
func (j *judge) oneRow(target *item, where *node) bool {
	r := target.relation
	if len(r.Key) == 0 || where == nil || r.Kind != 'p' && len(j.env.Catalog.children[r.OID]) > 0 && target.node.flag("inh") {
		return false
	}
	parts := []*node{where}
	if where.is("BoolExpr") && where.text("boolop") == "AND_EXPR" {
		parts = where.list("args")
	}
	named := map[string]bool{}
	for _, p := range parts {
		op, _ := stringsOf(p.list("name"))
		left, right := p.child("lexpr"), p.child("rexpr")
		for right.is("TypeCast") {
			right = right.child("arg")
		}
		if !p.is("A_Expr") || p.text("kind") != "AEXPR_OP" || len(op) != 1 || op[0] != "=" || !left.is("ColumnRef") || !right.is("A_Const") && !right.is("ParamRef") {
			continue
		}
		if name, star := reference(left); !star && (len(name) == 1 || name[len(name)-2] == target.name) {
			named[name[len(name)-1]] = true
		}
	}
	return !slices.ContainsFunc(r.Key, func(k string) bool { return !named[k] })
}
