package pgsql

import (
	"maps"
	"slices"
)

// rewrite makes the text to send and proves it: the text is parsed again, and every relation that it reads must be a CTE in
// scope, an unmasked relation, or stand inside a projection of ours. A slip of the walk before refuses; it can't leak.
func (a *analyzer) rewrite() {
	stmts := a.stmts
	if len(a.edits) > 0 {
		a.out.Rewritten = applyEdits(a.text, slices.Collect(maps.Values(a.edits)))
	}
	if !a.masks {
		return // all that is written into it are schemas
	}
	if len(a.edits) > 0 {
		again := a.pool.parse(a.ctx, a.out.Rewritten)
		if again.problem != nil {
			a.personal = true // it may be a worker's that was ended
			a.slip(again.problem.Message)
			return
		}
		stmts = again.stmts
	}
	if len(stmts) != len(a.stmts) {
		a.slip("it has another number of statements")
		return
	}
	proof := proof{analyzer: a}
	if !proof.knowProjections() {
		return
	}
	for _, raw := range stmts {
		proof.read("", "", raw, nil)
	}
}

// slip refuses a rewritten text that is not what it should be.
func (a *analyzer) slip(why string) {
	a.refuse(&Problem{SQLState: "42501", Rule: "mask", Message: "this statement can't be masked: " + why, Hint: "Write it in a simpler way: plain table names with aliases."})
}

// known is the query of one of our projections.
type known struct {
	query    *node
	relation *Relation
}

// proof is the post-condition's own walk. It shares nothing with the walk that it checks but the names' resolution.
type proof struct {
	*analyzer
	known []known
}

// knowProjections parses each projection by itself, to know its exact shape.
func (p *proof) knowProjections() bool {
	for text, relation := range p.projections {
		alone := p.pool.parse(p.ctx, "SELECT FROM "+text+" AS x")
		if alone.problem != nil || len(alone.stmts) != 1 {
			p.slip("a projection can't be read")
			return false
		}
		p.known = append(p.known, known{alone.stmts[0].child("stmt").child("from_clause").child("subquery"), relation})
	}
	return true
}

// read checks a node that stands in a field of a parent.
func (p *proof) read(parent, field string, n *node, ctes *cteList) {
	switch {
	case n.is("RangeSubselect") && p.ours(n.child("subquery")) != nil:
		return
	case n.is("RangeVar"):
		p.relation(parent, field, n, ctes)
		return
	}
	inside := ctes
	if with := n.child("with_clause"); with != nil {
		inside = p.with(with, ctes)
	}
	switch n.tag {
	case "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt":
		p.target(n)
	case "CopyStmt":
		if n.flag("is_from") {
			p.target(n)
		}
	}
	place := n.tag
	if n.is("CopyStmt") && n.flag("is_from") {
		place = "CopyFrom"
	}
	n.each(func(f string, kid *node) {
		if f != "with_clause" {
			p.read(place, f, kid, inside)
		}
	})
}

func (p *proof) with(with *node, ctes *cteList) *cteList {
	all := ctes
	for _, cte := range with.list("ctes") {
		all = &cteList{name: cte.text("ctename"), next: all}
	}
	seen := ctes
	for _, cte := range with.list("ctes") {
		if with.flag("recursive") {
			seen = all
		}
		if p.ours(cte.child("ctequery")) == nil { // else it is read ahead
			p.read("WithClause", "ctes", cte, seen)
		}
		seen = &cteList{name: cte.text("ctename"), next: seen}
	}
	return all
}

// ours is the relation of the projection that a subquery is, nil where it is none.
func (p *proof) ours(query *node) *Relation {
	for _, k := range p.known {
		if k.query != nil && sameShape(k.query, query) {
			return k.relation
		}
	}
	return nil
}

func (p *proof) relation(parent, field string, n *node, ctes *cteList) {
	qualified := n.text("schemaname") != ""
	if (parent == "TruncateStmt" || parent == "VacuumRelation") && p.filtersOf(p.names.relation(n.text("schemaname"), n.text("relname")).relation) != nil {
		p.slip(n.text("relname") + " has rows that are hidden from you")
	}
	if isWritten(parent, field) && !qualified {
		p.slip(n.text("relname") + " would be written without its schema")
	}
	if notRead(parent, field) || n.text("schemaname") == "" && n.text("catalogname") == "" && readsCTE(parent) && ctes.has(n.text("relname")) {
		return
	}
	found := p.names.relation(n.text("schemaname"), n.text("relname"))
	if !found.known && onlyDefined(parent, field) {
		return
	}
	if !qualified && !onlyDefined(parent, field) {
		p.slip(n.text("relname") + " would be read without its schema")
		return
	}
	if !found.known {
		p.slip(`relation "` + asWritten(n) + `" is not known`)
		return
	}
	if found.relation == nil {
		if found.system != Read {
			p.slip(found.object + " may not be read")
		}
		return
	}
	_, opaque := p.env.Masks.Opaque[found.relation.OID]
	if opaque || len(p.env.Masks.Columns[found.relation.OID])+len(p.env.Masks.Rows[found.relation.OID]) > 0 {
		p.slip(found.object + " would be read with values that are masked for you")
	}
}

// isWritten says of the places where a relation stands that rows are written there.
func isWritten(parent, field string) bool {
	switch parent + "." + field {
	case "InsertStmt.relation", "UpdateStmt.relation", "DeleteStmt.relation", "CopyFrom.relation":
		return true
	}
	return false
}

// notRead says of the places where a relation stands that nothing is read there. All others are read.
func notRead(parent, field string) bool {
	switch parent + "." + field {
	case "InsertStmt.relation", "UpdateStmt.relation", "DeleteStmt.relation", "IntoClause.rel", "CopyFrom.relation", "LockingClause.locked_rels",
		"LockStmt.relations", "TruncateStmt.relations", "VacuumRelation.relation", "GrantStmt.objects", "CreateStmt.relation",
		"CreateSeqStmt.sequence", "DropStmt.objects", "ClusterStmt.relation", "AlterOwnerStmt.relation", "ReindexStmt.relation",
		"CreatePolicyStmt.table", "AlterPolicyStmt.table", "CreateForeignTableStmt.base_stmt", "AlterSeqStmt.sequence",
		"PublicationTable.relation":
		return true
	}
	return false
}

// onlyDefined says of the places where definitions name what they change that it may be no relation of the catalog's: an index.
func onlyDefined(parent, field string) bool {
	switch parent + "." + field {
	case "AlterTableStmt.relation", "RenameStmt.relation", "AlterObjectSchemaStmt.relation":
		return true
	}
	return false
}

// readsCTE says of the nodes that hold items of FROM that a CTE's name hides a relation's there.
func readsCTE(parent string) bool {
	switch parent {
	case "SelectStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "JoinExpr", "RangeTableSample":
		return true
	}
	return false
}
