package pgsql

import "strings"

// definition judges the statements whose tag says nearly all: definitions, privileges, the server's affairs.
// The relations that stand in them get the statement's effect; queries and expressions in them are judged as such.
func (j *judge) definition(n *node, k kind) {
	j.utility, j.effect = true, k.effect
	before := len(j.accesses)
	j.nameWhatIsMade(n)
	j.details(n)
	if j.masks {
		j.refuseUnseen(n, k)
	}
	if k.also != "" {
		j.add(k.also, "")
	}
	j.reachesInto(n)
	if k.effect == Execute && !n.is("DoStmt") {
		j.add(Execute, j.routine(n))
	}
	if k.effect == Execute || k.also == Execute || n.is("ViewStmt") || n.is("DefineStmt") || n.is("CreatePolicyStmt") || n.is("AlterPolicyStmt") {
		j.st.Reviewed = false
		j.refuseCode(n)
	}
	j.settingsInside(n)
	if !n.is("CreateFunctionStmt") && !n.is("DoStmt") { // their bodies are text that nobody can read
		n.each(func(_ string, kid *node) { j.part = ""; j.definedPart(kid) })
	}
	if len(j.accesses) == before {
		j.add(k.effect, "")
	}
	j.utility = false
}

// definedPart walks a part of a definition: statements in it are judged as statements.
func (j *judge) definedPart(n *node) {
	if k, known := statementKind(tagOf(n)); known && !n.is("VariableSetStmt") {
		switch n.tag {
		case "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt":
			utility := j.utility
			j.utility = false
			j.query(n, nil, nil)
			j.utility = utility
		default:
			outer := j.effect
			j.definition(n, k)
			j.utility, j.effect = true, outer
		}
		return
	}
	switch tagOf(n) {
	case "RangeVar":
		j.named(n, j.effect)
	default:
		if classOf(tagOf(n)) == classExpression {
			j.expr(n, &scope{})
			return
		}
		j.place(tagOf(n))
		n.each(func(_ string, kid *node) { j.definedPart(kid) })
	}
}

// details fills in what the tag leaves open: the command's words, and effects of single clauses.
func (j *judge) details(n *node) {
	switch n.tag {
	case "GrantStmt", "GrantRoleStmt":
		j.st.Command = "revoke"
		if n.flag("is_grant") {
			j.st.Command = "grant"
		}
	case "VacuumStmt":
		j.st.Command = "analyze"
		if n.flag("is_vacuumcmd") {
			j.st.Command = "vacuum"
		}
		j.refuseWhole(n, j.st.Command)
	case "DefineStmt":
		j.st.Command = "create " + words(n.text("kind"), "OBJECT_")
		switch n.text("kind") {
		case "OBJECT_AGGREGATE", "OBJECT_OPERATOR", "OBJECT_TYPE":
			j.add(Execute, "")
		}
	case "AlterTableStmt":
		j.st.Command = "alter " + words(n.text("objtype"), "OBJECT_")
		for _, cmd := range n.list("cmds") {
			if s := cmd.text("subtype"); s == "AT_ChangeOwner" || strings.Contains(s, "RowSecurity") {
				j.add(Privilege, "")
			}
			if column := cmd.child("def"); column.is("ColumnDef") && column.child("type_name") != nil { // all rows get a value of it
				j.typeName(column.child("type_name"))
			}
		}
	case "RenameStmt":
		j.st.Command = "alter " + words(n.text("rename_type"), "OBJECT_")
	case "CreateStmt":
		if n.child("relation").text("relpersistence") == "t" {
			j.effect = Session
			j.refuseTemporary(n.child("relation"))
		}
	case "CommentStmt", "SecLabelStmt":
		j.described(n)
	case "CreateSchemaStmt":
		if len(n.list("schema_elts")) > 0 && !j.env.Unrestricted {
			j.refuseAt(n, Problem{SQLState: "42501", Rule: "names", Message: "definitions in CREATE SCHEMA are not served: in them, names mean the new schema's first", Hint: "Send CREATE SCHEMA alone, and the definitions behind it with the schema's name."})
		}
	case "TruncateStmt":
		for _, rel := range n.list("relations") {
			found := j.names.relation(rel.text("schemaname"), rel.text("relname")).relation
			j.runs(n, found)
			if j.filtersOf(found) != nil {
				j.refuseWhole(rel, "truncate")
			}
		}
	}
}

// described finds the relation of COMMENT ON and SECURITY LABEL, which hold it as a list of names.
func (j *judge) described(n *node) {
	parts, ok := stringsOf(n.child("object").list("items"))
	if !ok || len(parts) == 0 {
		return
	}
	switch n.text("objtype") {
	case "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE", "OBJECT_FOREIGN_TABLE":
	case "OBJECT_COLUMN", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY", "OBJECT_TABCONSTRAINT":
		parts = parts[:len(parts)-1]
	default:
		return
	}
	if len(parts) > 0 {
		j.named(rangeVarOf(parts, -1), j.effect)
	}
}

// routine is the name of the function that a statement defines, changes or calls.
func (j *judge) routine(n *node) string {
	list := n.list("funcname")
	if n.is("AlterFunctionStmt") {
		list = n.child("func").list("objname")
	}
	if n.is("CallStmt") {
		list = n.child("funccall").list("funcname")
	}
	parts, _ := stringsOf(list)
	switch len(parts) {
	case 0:
		return ""
	case 1:
		if n.is("CallStmt") {
			return j.callees("", parts[0])[0].qualified
		}
		return j.names.home() + "." + parts[0]
	}
	return parts[len(parts)-2] + "." + parts[len(parts)-1]
}

// refuseCode refuses, where masks are in force, what defines or runs code: it would read past the masks.
func (j *judge) refuseCode(n *node) {
	if j.masks {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: strings.ToUpper(j.st.Command) + " is refused where columns are masked for you: what it reads can't be seen from here", Hint: "Write a query instead."})
	}
}
