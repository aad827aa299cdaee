package pgsql

import "strings"

// reachesInto adds what a statement does to relations and functions that it reaches without naming them, as all of a schema does, or
// that come to another name by it: what a rule says of them speaks of it too.
func (j *judge) reachesInto(n *node) {
	switch n.tag {
	case "RenameStmt", "AlterObjectSchemaStmt":
		j.movesInto(n)
	case "DropStmt":
		if n.text("remove_type") == "OBJECT_SCHEMA" {
			j.schemas(Schema, n.list("objects"))
		}
	case "GrantStmt":
		if n.text("targtype") == "ACL_TARGET_ALL_IN_SCHEMA" {
			j.add(Privilege, "")
			j.schemas(Privilege, n.list("objects"))
		}
	case "CreatePublicationStmt", "AlterPublicationStmt":
		if n.flag("for_all_tables") {
			j.allOf(Transfer, func(string) bool { return true })
		}
		for _, o := range n.list("pubobjects") {
			if o.text("pubobjtype") == "PUBLICATIONOBJ_TABLES_IN_SCHEMA" {
				j.allOf(Transfer, func(schema string) bool { return schema == o.text("name") })
			}
		}
	case "AlterExtensionContentsStmt":
		j.add(Schema, "")
		parts, ok := stringsOf(n.child("object").list("items"))
		switch n.text("objtype") {
		case "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE", "OBJECT_FOREIGN_TABLE":
			if ok && len(parts) > 0 {
				j.named(rangeVarOf(parts, -1), Schema)
			}
		}
	}
}

// movesInto is for schemas and functions that get another name. A function may be run by the name that it gets.
func (j *judge) movesInto(n *node) {
	what := n.text("rename_type")
	if n.is("AlterObjectSchemaStmt") {
		what = n.text("object_type")
	}
	switch what {
	case "OBJECT_SCHEMA":
		j.add(Schema, "")
		j.allOf(Schema, func(schema string) bool { return schema == n.text("subname") })
	case "OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE":
		j.add(Schema, "")
		parts, ok := stringsOf(n.child("object").list("objname"))
		if !ok || len(parts) == 0 {
			j.add(Execute, "")
			return
		}
		name, home := parts[len(parts)-1], ""
		if len(parts) > 1 {
			home = parts[len(parts)-2]
		}
		for _, called := range j.callees(home, name) {
			schema, later := strings.TrimSuffix(called.qualified, "."+name), name
			if n.is("RenameStmt") {
				later = n.text("newname")
			} else {
				schema = n.text("newschema")
			}
			j.add(Execute, called.qualified)
			j.add(Execute, schema+"."+later)
		}
	}
}

func (j *judge) schemas(effect string, names []*node) {
	list, _ := stringsOf(names)
	for _, name := range list {
		j.allOf(effect, func(schema string) bool { return schema == name })
	}
}

// allOf adds an effect on all relations of some schemas.
func (j *judge) allOf(effect string, of func(schema string) bool) {
	if j.env.Catalog == nil {
		return
	}
	for _, r := range j.env.Catalog.Relations {
		if of(r.Schema) && !systemSchema(r.Schema) {
			j.add(effect, r.Qualified())
		}
	}
}
