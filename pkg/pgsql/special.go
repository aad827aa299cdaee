package pgsql

import (
	"maps"
	"strings"
)

// special judges the statements that are not queries.
func (j *judge) special(n *node, k kind) {
	j.st.ChangesCatalog = k.ddl
	switch n.tag {
	case "TransactionStmt":
		j.transaction(n)
	case "VariableSetStmt":
		j.resets(n)
		j.set(n, false)
	case "ExplainStmt":
		j.explain(n)
	case "CopyStmt":
		j.copy(n)
	case "PrepareStmt", "ExecuteStmt", "DeallocateStmt", "DeclareCursorStmt", "FetchStmt", "ClosePortalStmt", "DiscardStmt":
		j.sessionNames(n)
	case "CreateTableAsStmt":
		j.createAs(n)
	case "DropStmt":
		j.drop(n)
	default:
		j.definition(n, k)
	}
}

func (j *judge) resets(n *node) {
	if strings.HasPrefix(n.text("kind"), "VAR_RESET") {
		j.st.Command = "reset"
	}
}

func (j *judge) transaction(n *node) {
	j.add(Session, "")
	kinds := map[string]struct {
		command string
		tx      Transaction
	}{
		"TRANS_STMT_BEGIN": {"begin", Opens}, "TRANS_STMT_START": {"start transaction", Opens}, "TRANS_STMT_COMMIT": {"commit", Commits},
		"TRANS_STMT_ROLLBACK": {"rollback", RollsBack}, "TRANS_STMT_SAVEPOINT": {"savepoint", Opens}, "TRANS_STMT_RELEASE": {"release", Commits},
		"TRANS_STMT_ROLLBACK_TO": {"rollback to", RollsBack}, "TRANS_STMT_PREPARE": {"prepare transaction", Commits},
		"TRANS_STMT_COMMIT_PREPARED": {"commit prepared", NoTransaction}, "TRANS_STMT_ROLLBACK_PREPARED": {"rollback prepared", NoTransaction},
	}
	k, known := kinds[n.text("kind")]
	if !known {
		j.add(Unknown, "")
	}
	j.st.Command, j.st.Tx = k.command, k.tx
	if strings.HasSuffix(k.command, "prepared") || k.command == "prepare transaction" {
		j.add(Admin, "") // it outlives the session, with its locks
	}
	j.refuseReadWrite(n.list("options"))
}

// explain has the effects of what it runs; without ANALYZE it only reads, but planning may run foreign code.
func (j *judge) explain(n *node) {
	analyze := false
	for _, o := range n.list("options") {
		if o.text("defname") == "analyze" {
			analyze = !isOff(o.child("arg"))
		}
	}
	outer := j.explained
	j.explained = n.child("query")
	inside := maps.Clone(j.inside)
	list := j.inner(j.explained)
	j.explained = outer
	if !analyze {
		j.inside = inside
	}
	if j.masks {
		j.refuseEstimates(n)
		if analyze {
			j.refuseWork(n)
		}
	}
	for _, a := range list {
		if !analyze && (a.Effect == Write || a.Effect == Delete || a.Effect == Schema) {
			a.Effect = Read
		}
		j.accesses[a] = struct{}{}
	}
	if op := j.st.Names.Op; op != ExecutePrepared && op != FetchCursor { // nothing gets a name, but names are used
		j.st.Names = NameUse{}
	}
	j.st.ChangesCatalog = analyze && j.st.ChangesCatalog
	j.st.Command = "explain"
}

// isOff says whether an option is surely switched off.
func isOff(n *node) bool {
	switch strings.ToLower(n.text("sval")) {
	case "off", "false", "0":
		return true
	}
	return n.is("Integer") && n.number("ival") == 0 || n.is("Boolean") && !n.flag("boolval")
}

// copy judges COPY both ways. A file or a program is on the server: a transfer.
func (j *judge) copy(n *node) {
	in := n.flag("is_from")
	if n.text("filename") != "" || n.flag("is_program") {
		j.add(Transfer, "")
		j.refuseTransfer(n)
	} else {
		j.st.CopyIn, j.st.CopyOut = in, !in
	}
	sc := &scope{query: n}
	if q := n.child("query"); q != nil {
		j.query(q, nil, nil)
		if len(j.accesses) == 0 { // it reads no relation, as SELECT 1 does
			j.add(Read, "")
		}
	}
	if rel := n.child("relation"); rel != nil {
		if in {
			found := j.target(rel, sc)
			j.runs(n, found.relation)
			j.add(Write, found.object)
			if j.masks {
				j.checkTarget(n, sc, found)
			}
		} else {
			j.copyOut(n, rel)
		}
	}
	if where := n.child("where_clause"); where != nil {
		j.part = "where_clause"
		j.expr(where, sc)
	}
}

func (j *judge) copyOut(n, rel *node) {
	found := j.lookup(rel)
	if found.system != "" {
		j.readSystem(rel, found)
	} else {
		j.add(Read, found.object)
	}
	if !j.masks {
		j.qualify(rel, found)
		return
	}
	j.maskCopy(n, rel, found)
}

// into judges what SELECT INTO and CREATE TABLE AS make.
func (j *judge) into(n *node) {
	rel := n.child("rel")
	if rel == nil {
		return
	}
	j.seen[rel] = struct{}{}
	j.st.ChangesCatalog, j.changes = true, true
	home := rel.text("schemaname")
	if home == "" {
		home = j.names.home()
	}
	if rel.text("relpersistence") == "t" || strings.HasPrefix(home, "pg_temp") {
		j.refuseTemporary(rel)
		j.add(Write, "pg_temp."+rel.text("relname"))
		return
	}
	j.add(Schema, home+"."+rel.text("relname"))
}

func (j *judge) createAs(n *node) {
	j.into(n.child("into"))
	if n.text("objtype") == "OBJECT_MATVIEW" {
		j.st.Command = "create materialized view"
		j.refuseCode(n)
	}
	if q := n.child("query"); q.is("ExecuteStmt") {
		command := j.st.Command
		j.sessionNames(q)
		j.st.Command = command
		if j.masks { // whether it shows masks was known when it was prepared
			j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: strings.ToUpper(command) + " AS EXECUTE is refused where columns are masked for you: it may store masks in the place of values", Hint: "Write the query itself."})
		}
	} else {
		j.addAll(j.inner(q))
	}
}

// drop judges DROP: of relations by name, of all else by its effect alone.
func (j *judge) drop(n *node) {
	what := n.text("remove_type")
	j.st.Command = "drop " + words(what, "OBJECT_")
	effect := Schema
	if what == "OBJECT_POLICY" {
		effect = Privilege
	}
	part := 0 // names at the end that are not the relation's
	switch what {
	case "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE", "OBJECT_FOREIGN_TABLE":
	case "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY":
		part = 1
	default:
		j.add(effect, "")
		j.reachesInto(n)
		return
	}
	for _, o := range n.list("objects") {
		parts, ok := stringsOf(o.list("items"))
		if !ok || len(parts) <= part {
			j.add(effect, "")
			continue
		}
		rel := rangeVarOf(parts[:len(parts)-part], -1)
		if found := j.named(rel, effect); what == "OBJECT_POLICY" {
			j.refuseSchemaOfMasked(rel, found)
		}
	}
}
