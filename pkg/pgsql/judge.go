package pgsql

import (
	"sort"
	"strings"
)

// judge collects what one statement does.
type judge struct {
	*analyzer
	whole     *node // the statement, not one within it
	st        Statement
	accesses  map[Access]struct{}
	functions map[string]struct{}
	relations map[string]struct{}
	// utility: inside a statement that is classed by its own tag, where structure without a class of its own is no surprise.
	utility bool
	effect  string // of relations that such a statement names
	part    string // field of the query that is being walked: "where_clause", …
	// maskedUses counts mentions of masked columns that were read.
	maskedUses int
	usesMasked bool                // a masked column is mentioned, in a condition too
	changes    bool                // it writes rows of some relation
	explained  *node               // the statement of an EXPLAIN, while it is walked
	estimated  string              // what masked columns the plan of an explained statement may tell of, and why
	seen       map[*node]struct{}  // relations and calls that were judged
	made       map[*node]struct{}  // names of what the statement makes
	by         map[string]string   // by what functions run that it does not name
	inside     map[string]struct{} // what changes data in it
	// besideColumns: a masked column was compared with other columns, so that constants elsewhere may have been meant.
	besideColumns bool
	blurs         bool     // in the condition of a statement that writes
	ahead         []string // projections that are read ahead
	aheadPrefix   string   // of their names; "": not chosen yet
}

// statement judges a statement that begins at a token.
func (a *analyzer) statement(n *node, first int) Statement {
	j := &judge{analyzer: a, whole: n, accesses: map[Access]struct{}{}, functions: map[string]struct{}{}, relations: map[string]struct{}{}, seen: map[*node]struct{}{}, made: map[*node]struct{}{}, by: map[string]string{}, inside: map[string]struct{}{}}
	j.st.Reviewed = true
	j.top(n)
	j.unseen(n)
	j.refuseFlow()
	j.writeAhead(n, first)
	a.counts = a.counts || !a.uncounted && j.masks && j.usesMasked && countsValues(n)
	if j.besideColumns {
		j.blankRows(n)
	}
	j.st.Accesses = j.env.Catalog.withThrough(sortedAccesses(j.accesses))
	j.tellBy()
	delete(j.inside, j.st.Command)
	if j.st.Inside = sortedKeys(j.inside); len(j.st.Inside) == 0 {
		j.st.Inside = nil
	}
	j.st.Functions = sortedKeys(j.functions)
	j.st.Relations = len(j.relations)
	return j.st
}

// tellBy says of functions that the statement does not name what runs them.
func (j *judge) tellBy() {
	for i, a := range j.st.Accesses {
		if a.Effect != Read && a.Effect != Write && a.Effect != Delete {
			j.st.Accesses[i].By = j.by[a.Object]
		}
	}
}

// accessShare is the lock that reading takes anyhow: pg_dump asks for it first.
const accessShare = 1

// top judges a statement, the outermost or one that PREPARE, EXPLAIN and their like hold.
func (j *judge) top(n *node) {
	k, known := statementKind(tagOf(n))
	if !known {
		j.st.Command = "unknown"
		j.add(Unknown, "")
		return
	}
	if n.is("LockStmt") && n.number("mode") == accessShare {
		k.effect = Read
	}
	j.st.Command = k.command
	before := len(j.accesses)
	switch n.tag {
	case "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt":
		j.query(n, nil, nil)
	default:
		j.special(n, k)
	}
	if len(j.accesses) == before && before == 0 {
		j.add(k.effect, "")
	}
}

// unseen holds the walk to its word: a relation or a call in the tree that nothing has judged is an unknown effect.
func (j *judge) unseen(n *node) {
	n.walk(func(k *node) bool {
		switch k.tag {
		case "LockingClause", "CreateFunctionStmt", "DoStmt": // names of FROM's items; bodies that have their own effect
			return false
		case "RangeVar", "FuncCall":
			if _, judged := j.seen[k]; !judged {
				j.add(Unknown, "")
				j.st.Reviewed = false
			}
		}
		return true
	})
}

func tagOf(n *node) string {
	if n == nil {
		return ""
	}
	return n.tag
}

func (j *judge) add(effect, object string) {
	j.accesses[Access{Effect: effect, Object: object}] = struct{}{}
}

// inner judges what is inside a statement and answers its accesses apart.
func (j *judge) inner(n *node) []Access {
	outer, command := j.accesses, j.st.Command
	j.accesses = map[Access]struct{}{}
	j.top(n)
	list := sortedAccesses(j.accesses)
	j.accesses = outer
	j.st.Command = command
	return list
}

func (j *judge) addAll(list []Access) {
	for _, a := range list {
		j.accesses[a] = struct{}{}
	}
}

func sortedAccesses(set map[Access]struct{}) []Access {
	list := make([]Access, 0, len(set))
	for a := range set {
		list = append(list, a)
	}
	sort.Slice(list, func(i, k int) bool {
		if list[i].Effect != list[k].Effect {
			return list[i].Effect < list[k].Effect
		}
		if list[i].Object != list[k].Object {
			return list[i].Object < list[k].Object
		}
		return !list[i].Through && list[k].Through
	})
	return list
}

// lookup resolves a RangeVar. Where masks are in force, a name that nothing stands behind is refused as Postgres would:
// it might come to mean a masked relation by the time the statement runs.
func (j *judge) lookup(rv *node) name {
	j.seen[rv] = struct{}{}
	found := j.names.relation(rv.text("schemaname"), rv.text("relname"))
	j.relations[found.object] = struct{}{}
	if !found.known && j.masks {
		j.refuseAt(rv, Problem{SQLState: "42P01", Rule: "mask", Message: `relation "` + asWritten(rv) + `" does not exist`})
	}
	return found
}

func asWritten(rv *node) string {
	if s := rv.text("schemaname"); s != "" {
		return s + "." + rv.text("relname")
	}
	return rv.text("relname")
}

// named notes a relation that a utility statement names.
func (j *judge) named(rv *node, effect string) name {
	j.seen[rv] = struct{}{}
	temporary := rv.text("relpersistence") == "t" || rv.text("schemaname") == "pg_temp"
	found := j.names.relation(rv.text("schemaname"), rv.text("relname"))
	j.relations[found.object] = struct{}{}
	temporary = temporary || found.relation != nil && found.relation.Temporary
	if temporary && effect == Schema {
		effect = Session
		j.refuseTemporary(rv)
	}
	j.add(effect, found.object)
	if effect == Schema || effect == Session || effect == Execute || effect == Transfer {
		j.refuseSchemaOfMasked(rv, found)
	}
	switch _, made := j.made[rv]; {
	case made:
	case rv.loc >= 0:
		j.qualify(rv, found)
	case found.known && rv.text("schemaname") == "" && !j.env.Unrestricted && j.names.hides(found, rv.text("relname")):
		j.refuseUnclear(rv, found)
	}
	return found
}

func (j *judge) refuseTemporary(n *node) {
	if j.masks {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "temporary objects can't be made or changed where columns are masked for you", Hint: "Use a subquery or WITH."})
	}
}

func (j *judge) refuseSchemaOfMasked(n *node, found name) {
	if found.relation == nil || !j.masks {
		return
	}
	_, opaque := j.env.Masks.Opaque[found.relation.OID]
	if opaque || len(j.env.Masks.Columns[found.relation.OID])+len(j.env.Masks.Rows[found.relation.OID]) > 0 || j.env.Masks.beneath[found.relation.OID] != "" {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: found.object + " has, or reads, columns or rows that are masked for you, so its definition can't be changed or copied", Hint: "Ask somebody for whom they are not masked."})
	}
}

// objectName is the "schema.relation" of a list of name parts.
func (j *judge) objectName(parts []string) string {
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return j.names.relation("", parts[0]).object
	}
	return j.names.relation(parts[len(parts)-2], parts[len(parts)-1]).object
}

// rangeVarOf makes a RangeVar of name parts, for statements that hold names as lists.
func rangeVarOf(parts []string, loc int) *node {
	rv := &node{tag: "RangeVar", loc: loc, fields: []field{{name: "relname", str: parts[len(parts)-1]}}}
	if len(parts) > 1 {
		rv.fields = append(rv.fields, field{name: "schemaname", str: parts[len(parts)-2]})
	}
	return rv
}

// words turns an enum value such as OBJECT_FOREIGN_TABLE into "foreign table".
func words(value, prefix string) string {
	w := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(value, prefix), "_", " "))
	return strings.Replace(w, "matview", "materialized view", 1)
}
