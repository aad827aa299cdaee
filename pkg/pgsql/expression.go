package pgsql

import "strings"

// expr judges an expression and all in it. A tag that has no business there is an unknown effect.
func (j *judge) expr(n *node, sc *scope) {
	switch tag := tagOf(n); tag {
	case "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt":
		j.query(n, sc, sc.visible())
		return
	case "RangeVar":
		j.bareRelation(n)
		return
	case "FuncCall":
		j.call(n)
		j.blankCall(n, sc)
	case "A_Expr":
		j.operation(n, sc)
	case "TypeName":
		j.typeName(n)
	case "ColumnRef":
		j.column(n, sc)
	case "A_Indirection":
		j.attributes(n)
	case "JsonParseExpr", "JsonScalarExpr", "JsonSerializeExpr", "JsonFuncExpr", "JsonObjectConstructor", "JsonArrayConstructor",
		"JsonArrayQueryConstructor", "JsonObjectAgg", "JsonArrayAgg", "MergeSupportFunc":
		j.laterSyntax()
	case "SubLink", "SortBy", "CaseExpr":
		j.impliedOperators(n)
		j.blankTested(n, sc)
	default:
		j.place(tag, classExpression, classValue)
	}
	n.each(func(_ string, kid *node) { j.expr(kid, sc) })
}

// laterSyntax judges what the grammar reads as SQL/JSON and its like, and servers before 16 and 17 as calls of functions of
// those names. Postgres has none such there; somebody else may have made one.
func (j *judge) laterSyntax() {
	c := j.env.Catalog
	if c == nil {
		return
	}
	for function := range strings.FieldsSeq("json json_scalar json_serialize json_exists json_query json_value json_object json_array json_objectagg json_arrayagg json_table merge_action") {
		if j.names.foreign(c.functions[function], "") {
			j.foreignCode(Execute, "function "+function)
		}
	}
}

// bareRelation is a relation's name outside FROM: of a utility statement, or a surprise.
func (j *judge) bareRelation(n *node) {
	if j.utility {
		j.named(n, j.effect)
		return
	}
	j.add(Unknown, j.lookup(n).object)
}

func (j *judge) call(n *node) {
	j.seen[n] = struct{}{}
	parts, ok := stringsOf(n.list("funcname"))
	if !ok || len(parts) == 0 {
		j.add(Unknown, "")
		return
	}
	schema, function := "", parts[len(parts)-1]
	if len(parts) > 1 {
		schema = parts[len(parts)-2]
	}
	for _, c := range j.callees(schema, function) {
		j.functions[c.qualified] = struct{}{}
		if c.qualified == "pg_catalog.set_config" {
			j.setConfig(n)
			continue
		}
		j.effectOfCall(n, c.qualified, c.effect)
	}
}

func (j *judge) effectOfCall(n *node, qualified, effect string) {
	j.refuseUntold(n, qualified)
	switch effect {
	case Read:
		return
	case Session:
		j.add(Session, "")
		return
	case Write:
		j.changes = j.changes || strings.HasPrefix(qualified, "pg_catalog.lo_") // large objects hold what they are given
		j.add(Write, j.sequenceOf(n, qualified))
		return
	}
	j.st.Reviewed = false
	j.add(effect, qualified)
	j.moves(qualified)
	if j.masks && qualified != "pg_catalog.pg_cancel_backend" && qualified != "pg_catalog.pg_terminate_backend" && qualified != "pg_catalog.pg_reload_conf" {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "function " + qualified + " can't be used where columns are masked for you: what it reads can't be seen from here", Hint: "Write what it does as a query."})
	}
}

// callee is a function that a call may mean, and what calling it does.
type callee struct{ qualified, effect string }

// callees are all functions that a name may mean here: which one it is depends on the types of the arguments. So a function that
// somebody has made under the name of another does not hide what the other does.
func (j *judge) callees(schema, function string) []callee {
	var out []callee
	c := j.env.Catalog
	if c != nil && schema != "pg_catalog" {
		for _, s := range c.functions[function] {
			if !j.names.foreign([]string{s}, schema) {
				continue
			}
			effect := Execute
			if strings.HasPrefix(function, "dblink") {
				effect = Transfer
			}
			out = append(out, callee{s + "." + function, effect})
		}
	}
	if own, ok := j.ownFunction(schema, function); ok {
		return append(out, own)
	}
	if len(out) > 0 {
		return out
	}
	if schema == "" {
		schema = j.names.home()
	}
	return []callee{{schema + "." + function, Execute}}
}

// ownFunction is the one of Postgres' own that a name may mean.
func (j *judge) ownFunction(schema, function string) (own callee, ok bool) {
	if schema == "information_schema" && strings.HasPrefix(function, "_pg_") {
		return callee{schema + "." + function, Read}, true
	}
	if schema != "" && schema != "pg_catalog" {
		return callee{}, false
	}
	own.qualified = "pg_catalog." + function
	switch reviewed := reviewedFunctions()[function]; {
	case reviewed != "":
		own.effect = reviewed
	case function == "set_config":
		own.effect = Session
	case j.env.Catalog != nil && j.env.Catalog.builtin[function]:
		own.effect = Execute
	default:
		return callee{}, false
	}
	return own, true
}

// moves notes that a function is called which may change what names mean.
func (j *judge) moves(function string) {
	j.st.ChangesCatalog = j.st.ChangesCatalog || j.env.Catalog != nil && j.env.Catalog.moves[function]
}

// sequenceOf is the object that nextval, setval and their like change, where it is written as a constant.
func (j *judge) sequenceOf(n *node, qualified string) string {
	args := n.list("args")
	if len(args) == 0 {
		return qualified
	}
	arg := args[0]
	if arg.is("TypeCast") {
		arg = arg.child("arg")
	}
	text := arg.child("sval").text("sval")
	if !arg.is("A_Const") || text == "" || strings.HasPrefix(qualified, "pg_catalog.lo") {
		return qualified
	}
	s, problem := scan(text)
	if problem != nil {
		return qualified
	}
	var parts []string
	for i, t := range s.tokens {
		switch {
		case t.kind == tokIdent:
			parts = append(parts, strings.ToLower(s.word(i)))
		case t.kind == tokQuoted:
			parts = append(parts, strings.ReplaceAll(strings.Trim(s.word(i), `"`), `""`, `"`))
		case !s.is(i, "."):
			return qualified
		}
	}
	return j.objectName(parts)
}

// operation judges an operator.
func (j *judge) operation(n *node, sc *scope) {
	parts, _ := stringsOf(n.list("name"))
	if len(parts) > 0 {
		schema := ""
		if len(parts) > 1 {
			schema = parts[len(parts)-2]
		}
		j.operator(schema, parts[len(parts)-1])
	}
	if strings.Contains(n.text("kind"), "BETWEEN") {
		j.operator("", "<=")
		j.operator("", ">=")
	}
	j.blankOperation(n, sc)
}

func (j *judge) operator(schema, op string) {
	c := j.env.Catalog
	known := c != nil && j.names.foreign(c.operators[op], schema)
	if known || schema != "" && schema != "pg_catalog" {
		j.foreignCode(Execute, "operator "+op)
	}
}

// impliedOperators judges the operators that a node uses without A_Expr.
func (j *judge) impliedOperators(n *node) {
	for _, field := range []string{"oper_name", "use_op"} {
		if parts, _ := stringsOf(n.list(field)); len(parts) > 0 {
			schema := ""
			if len(parts) > 1 {
				schema = parts[len(parts)-2]
			}
			j.operator(schema, parts[len(parts)-1])
		}
	}
	j.operator("", "=")
}

// foreignCode notes code of somebody's own that a statement runs by a name that looks harmless.
func (j *judge) foreignCode(effect, what string) {
	j.st.Reviewed = false
	j.add(effect, "")
	if j.masks {
		j.refuse(&Problem{SQLState: "42501", Rule: "mask", Message: "user-defined " + what + " can't be used where columns are masked for you", Hint: "Use Postgres' own, qualified where its name is ambiguous: pg_catalog.lower(x), a OPERATOR(pg_catalog.=) b."})
	}
}

// typeName judges a type: its input and its casts are code.
func (j *judge) typeName(n *node) {
	parts, ok := stringsOf(n.list("names"))
	if !ok || len(parts) == 0 {
		return
	}
	typ, schema := parts[len(parts)-1], ""
	if len(parts) > 1 {
		schema = parts[len(parts)-2]
	}
	c := j.env.Catalog
	switch {
	case c != nil && c.casts[typ]:
		j.foreignCode(Execute, "casts and checks of type "+typ)
	case (schema == "" || schema == "pg_catalog") && builtinTypes()[typ], j.utility:
	case c == nil || !j.names.foreign(c.types[typ], schema):
		j.st.Reviewed = false
		j.add(Execute, "")
	}
}
