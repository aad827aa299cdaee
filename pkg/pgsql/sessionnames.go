package pgsql

// sessionNames judges the statements about prepared statements and cursors.
func (j *judge) sessionNames(n *node) {
	j.add(Session, "")
	switch n.tag {
	case "PrepareStmt":
		j.st.Names = NameUse{Prepare, n.text("name")}
		j.hold(n)
	case "DeclareCursorStmt":
		j.st.Names = NameUse{DeclareCursor, n.text("portalname")}
		j.hold(n)
	case "ExecuteStmt":
		j.st.Names = NameUse{ExecutePrepared, n.text("name")}
		j.continueName(j.env.Prepared, n.text("name"), "26000", "prepared statement")
		for _, p := range n.list("params") {
			j.expr(p, &scope{})
		}
	case "FetchStmt":
		if n.flag("ismove") {
			j.st.Command = "move"
		}
		j.st.Names = NameUse{FetchCursor, n.text("portalname")}
		j.continueName(j.env.Cursor, n.text("portalname"), "34000", "cursor")
	case "DeallocateStmt":
		j.st.Names = NameUse{Deallocate, n.text("name")}
		if n.text("name") == "" {
			j.st.Names.Op = DeallocateAll
		}
	case "ClosePortalStmt":
		j.st.Names = NameUse{CloseCursor, n.text("portalname")}
		if n.text("portalname") == "" {
			j.st.Names.Op = CloseAllCursors
		}
	case "DiscardStmt":
		j.discard(n)
	}
}

// hold judges the statement that a name is given to.
func (j *judge) hold(n *node) {
	names := j.st.Names
	j.st.Inner = j.inner(n.child("query"))
	j.st.Names = names
	j.addAll(j.st.Inner)
	j.st.Inner = j.env.Catalog.withThrough(j.st.Inner)
}

// continueName adds what a name stands for. It is asked of the session each time.
func (j *judge) continueName(known func(string) ([]Access, bool), name, sqlstate, what string) {
	j.personal = true
	if known != nil {
		if list, ok := known(name); ok {
			j.addAll(list)
			for _, a := range list {
				j.moves(a.Object)
			}
			return
		}
	}
	if j.env.Unrestricted {
		j.add(Unknown, "")
		return
	}
	j.refuse(&Problem{SQLState: sqlstate, Rule: "names", Message: what + ` "` + name + `" does not exist`})
}

func (j *judge) discard(n *node) {
	switch n.text("target") {
	case "DISCARD_ALL":
		if j.resetsAll() {
			j.st.Names.Op = DeallocateAll
			return
		}
		j.refuseSetting("all settings", "Use DEALLOCATE ALL, CLOSE ALL or DISCARD PLANS.")
	case "DISCARD_TEMP":
		j.st.ChangesCatalog = true
	}
}
