package pgsql

import (
	"fmt"
	"strings"
)

// What it costs to look up rows in an index that a masked column orders follows from its values: how many different ones there are, and
// how they lie. Postgres adds that to all that it plans over these rows, and so finds repeats by hashes or by sorting, and begins a join at
// one side or the other. So such a relation is read ahead, in a WITH of the outermost query. That is charged to the whole statement,
// whatever its plan; at every level it is planned over rows that cost as much as any others, and as many as statistics of what is shown say.

// serial is a condition that always holds, and keeps a statement from being planned for parallel workers: how many rows Postgres expects
// of sorting them follows from whether workers do it, and that from what it costs.
const serial = `(pg_catalog.pg_column_size(pg_catalog.current_schema()) OPERATOR(pg_catalog.<>) 0) IS NOT FALSE`

// sorted says of a relation that its rows are put into an order of their own: else a masked column could decide theirs.
func (m *Masks) sorted(r *Relation) bool {
	_, ok := m.outside(r) // what an index answers alone is put into an order as well
	return m.scattered[r.OID] != "" || m.chosen[r.OID] != "" || !ok
}

// readAhead answers what stands in the place of a relation whose projection is read ahead.
func (j *judge) readAhead(projection string) string {
	for i, text := range j.ahead {
		if text == projection {
			return j.aheadName(i)
		}
	}
	j.ahead = append(j.ahead, projection)
	return j.aheadName(len(j.ahead) - 1)
}

// aheadName is a name that the statement has for nothing else.
func (j *judge) aheadName(i int) string {
	if j.aheadPrefix == "" {
		j.aheadPrefix = "hoop_a"
		for j.whole.contains(func(k *node) bool {
			return strings.HasPrefix(k.text("relname"), j.aheadPrefix) || strings.HasPrefix(k.text("ctename"), j.aheadPrefix)
		}) {
			j.aheadPrefix += "_"
		}
	}
	return fmt.Sprintf(`"%s%d"`, j.aheadPrefix, i)
}

// locks says of a statement that it locks rows, which it can only where they are read.
func locks(n *node) bool {
	return n.contains(func(k *node) bool { return k.is("LockingClause") })
}

// readsOne says of a statement that it reads one relation and does nothing with its rows that Postgres could do in several ways.
func readsOne(n *node) bool {
	items := 0
	n.walk(func(k *node) bool {
		switch k.tag {
		case "RangeVar", "RangeSubselect", "RangeFunction", "RangeTableFunc", "JsonTable":
			items++
		}
		return true
	})
	return items == 1 && !countsValues(n)
}

// writeAhead writes the WITH. first is the token that the statement begins at.
func (j *judge) writeAhead(n *node, first int) {
	if len(j.ahead) == 0 {
		return
	}
	var list []string
	for i, text := range j.ahead {
		list = append(list, j.aheadName(i)+" AS MATERIALIZED "+text)
	}
	with := strings.Join(list, ", ")
	q, at, ok := j.outermost(n, first)
	clause := q.child("with_clause")
	if clause == nil && ok && at < len(j.tokens) {
		j.edit(j.tokens[at].start, j.tokens[at].start, "WITH "+with+" ")
		return
	}
	if ok && clause != nil && clause.loc >= 0 {
		at = j.find(clause.loc)
		if j.is(at, "with") {
			if j.is(at+1, "recursive") {
				at++
			}
			j.edit(j.tokens[at].end, j.tokens[at].end, " "+with+",")
			return
		}
	}
	j.refuse(&Problem{SQLState: "42501", Rule: "mask", Message: "this statement reads what is sorted for you, since a masked column would decide its order, and has no place where that can be read ahead", Hint: "Use a plain query."})
}

// outermost is the query of a statement, with the token that it begins at.
func (j *judge) outermost(n *node, i int) (q *node, first int, ok bool) {
	before := "as"
	switch tagOf(n) {
	case "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt":
		return n, i, true
	case "CopyStmt":
		if !j.is(i+1, "(") {
			return nil, 0, false
		}
		return j.outermost(n.child("query"), i+2)
	case "ExplainStmt":
		i++
		if len(n.list("options")) > 0 && j.is(i, "(") {
			i = j.closing(i) + 1
		}
		for j.is(i, "analyze") || j.is(i, "analyse") || j.is(i, "verbose") {
			i++
		}
		return j.outermost(n.child("query"), i)
	case "DeclareCursorStmt":
		before = "for"
	case "PrepareStmt", "CreateTableAsStmt":
	default:
		return nil, 0, false
	}
	for ; i >= 0 && i < len(j.tokens); i++ {
		if j.is(i, before) {
			return j.outermost(n.child("query"), i+1)
		}
		if j.is(i, "(") {
			if i = j.closing(i); i < 0 {
				break
			}
		}
	}
	return nil, 0, false
}
