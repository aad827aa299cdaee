package pgsql

import "sort"

// NodeTags are the tags of the grammar's nodes, by the table that its trees are read by.
func NodeTags() []string {
	s, err := grammarSchema()
	if err != nil {
		return nil
	}
	var out []string
	for _, m := range s.messages {
		out = append(out, m.name)
	}
	sort.Strings(out)
	return out
}

// NodeTagTable is the table of their classes.
func NodeTagTable() string { return nodeTagsText }

// SchemaTable is the table that trees are read by.
func SchemaTable() string { return schemaText }

// StatementEffects are the effects that a statement has by its tag alone.
func StatementEffects(tag string) string {
	k, known := statementKind(tag)
	switch {
	case !known:
		return ""
	case k.also != "":
		return k.effect + "+" + k.also
	}
	return k.effect
}

// EffectsIn are the effects of a query in whose select list, FROM or definition a bare node of a tag stands, and of one that is it.
func EffectsIn(place, tag string) []Access {
	strange := &node{tag: tag, loc: -1}
	in := func(tag, field_ string, kids ...*node) *node {
		return &node{tag: tag, loc: -1, fields: []field{{name: field_, kids: kids}}}
	}
	var top *node
	switch place {
	case "statement":
		top = strange
	case "select list":
		top = in("SelectStmt", "target_list", in("ResTarget", "val", strange))
	case "where":
		top = in("SelectStmt", "where_clause", strange)
	case "from":
		top = in("SelectStmt", "from_clause", strange)
	case "definition":
		top = in("CreateSchemaStmt", "schema_elts", strange)
	}
	a := &analyzer{parsed: &parsed{}, out: &Analysis{}, names: newNames(Env{}), edits: map[int]edit{}, masked: map[string]struct{}{}, warned: map[string]struct{}{}, blanks: map[int]struct{}{}, params: map[int]struct{}{}}
	return a.statement(top, 0).Accesses
}
