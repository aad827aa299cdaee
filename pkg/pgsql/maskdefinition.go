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
