package pgsql

import "strings"

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
			if s := cmd.text("subtype"); s == "AT_AlterColumnType" || s == "AT_DetachPartition" {
				j.refuseReferred(n.child("relation"))
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

// refuseReferred refuses what is done to all rows of a relation that a masked column refers to: it fails where one does.
func (j *judge) refuseReferred(rel *node) {
	r := j.names.relation(rel.text("schemaname"), rel.text("relname")).relation
	if r == nil {
		return
	}
	for _, c := range r.Cascades {
		to := j.env.Catalog.Relations[c.To]
		if to == nil {
			continue
		}
		refers := tie{columns: c.From}
		column, asks := j.env.Masks.asks(j.env.Catalog, to, refers, func(int16) bool { return true })
		if asks || len(j.env.Masks.Rows[to.OID]) > 0 {
			if column == "" {
				column = "rows of " + to.Qualified()
			}
			j.refuseAt(rel, Problem{SQLState: "42501", Rule: "mask", Message: column + ", masked for you, may refer to rows of " + r.Qualified() + ", and whether this can be done would tell", Hint: "Ask somebody for whom nothing is masked."})
		}
	}
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
