package pgsql

import (
	"slices"
	"strings"
)

// refuseUnseen refuses, where masks are in force, what reaches masked values without naming their relation: masks are known
// by names and kept by our own reading, so what moves names or leads around us can't be allowed.
func (j *judge) refuseUnseen(n *node, k kind) {
	switch n.tag {
	case "ListenStmt":
		j.refuse(&Problem{SQLState: "42501", Rule: "mask", Message: "LISTEN is refused where columns are masked for you: notifications can carry their values", Hint: "Ask with a query."})
	case "ClusterStmt":
		rel := n.child("relation")
		if rel == nil {
			j.refuseMoves(n)
			return
		}
		j.refuseSchemaOfMasked(rel, j.names.relation(rel.text("schemaname"), rel.text("relname")))
	case "AlterDomainStmt", "AlterTypeStmt", "CreatedbStmt":
		j.refuseMoves(n)
	case "AlterObjectSchemaStmt":
		if n.child("relation") == nil {
			j.refuseMoves(n)
		}
	case "AlterTableStmt":
		if n.text("objtype") == "OBJECT_TYPE" {
			j.refuseMoves(n)
		}
		for _, cmd := range n.list("cmds") { // then who refers to its rows is looked at anew
			switch cmd.text("subtype") {
			case "AT_AlterColumnType", "AT_SetExpression":
				j.refuseReferred(n.child("relation"), cmd.text("name"))
			case "AT_DetachPartition":
				j.refuseReferred(n.child("relation"), "")
			}
		}
	case "RenameStmt":
		switch n.text("rename_type") {
		case "OBJECT_ROLE", "OBJECT_DATABASE", "OBJECT_TABLESPACE":
		default: // a function, the server's too, would be trusted, or known, by the name that it gets
			if n.child("relation") == nil || n.text("rename_type") == "OBJECT_ATTRIBUTE" {
				j.refuseMoves(n)
			}
		}
	case "CreatePublicationStmt", "AlterPublicationStmt", "DropUserMappingStmt", "DropSubscriptionStmt":
	default:
		if k.effect == Transfer {
			j.refuseTransfer(n)
		}
	}
}

// refuseReferred refuses what is done to all rows of a relation that a masked column refers to, and of what inherits from it: it fails where
// one does. Where it changes a column, only those count that refer to this, or to what is generated from it.
func (j *judge) refuseReferred(rel *node, changed string) {
	seen := map[uint32]bool{}
	var look func(*Relation)
	look = func(r *Relation) {
		if r == nil || seen[r.OID] {
			return
		}
		seen[r.OID] = true
		for _, c := range r.Cascades {
			if changed != "" && !slices.ContainsFunc(c.Key, func(n int16) bool { return r.follows(n, changed) }) {
				continue
			}
			if column := j.hiddenReference(c); column != "" {
				j.refuseAt(rel, Problem{SQLState: "42501", Rule: "mask", Message: column + " may refer to rows of " + r.Qualified() + ", and whether this can be done would tell", Hint: "Ask somebody for whom nothing is masked."})
			}
		}
		for _, child := range j.env.Catalog.children[r.OID] {
			look(j.env.Catalog.Relations[child])
		}
	}
	look(j.names.relation(rel.text("schemaname"), rel.text("relname")).relation)
}

// follows says of a column that it is another one, or generated from it.
func (r *Relation) follows(column int16, name string) bool {
	c := r.numbered(column)
	if c == nil || c.Name == name {
		return true
	}
	return slices.ContainsFunc(c.From, func(n int16) bool {
		from := r.numbered(n)
		return from == nil || from.Name == name
	})
}

// hiddenReference is what refers to a relation by a foreign key, where it is masked or filtered.
func (j *judge) hiddenReference(c Cascade) string {
	to := j.env.Catalog.Relations[c.To]
	if to == nil {
		return ""
	}
	if column, asks := j.env.Masks.asks(j.env.Catalog, to, tie{columns: c.From}, func(int16) bool { return true }); asks {
		return column + isMasked + ","
	}
	if len(j.env.Masks.Rows[to.OID]) > 0 {
		return "rows of " + to.Qualified() + areHidden + ","
	}
	return ""
}

func (j *judge) refuseMoves(n *node) {
	j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: strings.ToUpper(j.st.Command) + " is refused where columns are masked for you: masked columns may follow from it, and their names", Hint: "Ask somebody for whom nothing is masked."})
}

func (j *judge) refuseTransfer(n *node) {
	if j.masks {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "files, programs and other servers can't be used where columns are masked for you: what is read there can't be seen from here", Hint: "Ask somebody for whom nothing is masked."})
	}
}

// nameWhatIsMade notes the names of what a statement makes: they are where it says, and not what is found by them.
func (j *judge) nameWhatIsMade(n *node) {
	field := map[string]string{"CreateStmt": "relation", "ViewStmt": "view", "CreateSeqStmt": "sequence", "CompositeTypeStmt": "typevar"}[n.tag]
	if rv := n.child(field); rv != nil {
		j.made[rv] = struct{}{}
	}
}
