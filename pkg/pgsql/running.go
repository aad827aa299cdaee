package pgsql

// running collects what a write makes relations run, in whatever relation it ends up.
type running struct {
	catalog *Catalog
	done    map[uint32]Runs
	code    map[Code]*Relation
	cascade bool // TRUNCATE … CASCADE
}

// runs notes the code that a write to a relation runs: as an effect of its own, which is not reviewed.
func (j *judge) runs(n *node, r *Relation) {
	if r == nil || j.env.Catalog == nil {
		return
	}
	all := running{catalog: j.env.Catalog, done: map[uint32]Runs{}, code: map[Code]*Relation{}}
	all.cascade = n.is("TruncateStmt") && n.text("behavior") == "DROP_CASCADE"
	if n.is("UpdateStmt") {
		all.write(r, runsOf(n), writtenColumns(n, r))
	} else {
		all.write(r, runsOf(n)|runsWhole, nil)
	}
	for oid, runs := range all.done {
		if to := j.env.Catalog.Relations[oid]; to != nil && oid != r.OID {
			j.reaches(to, runs)
		}
	}
	for code, by := range all.code {
		j.st.Reviewed = false
		j.add(code.Effect, code.Function)
		j.functions[code.Function] = struct{}{}
		if j.masks {
			j.refuseRun(n, code, by)
		}
	}
}

// reaches notes what a write does to a relation that it does not name.
func (j *judge) reaches(to *Relation, runs Runs) {
	if runs&(runsDeleting|runsTruncating) != 0 {
		j.accesses[Access{Effect: Delete, Object: to.Qualified(), Through: true}] = struct{}{}
	}
	if runs&(runsInserting|runsUpdating) != 0 {
		j.accesses[Access{Effect: Write, Object: to.Qualified(), Through: true}] = struct{}{}
	}
}

func (j *judge) refuseRun(n *node, code Code, by *Relation) {
	what := code.Function
	if what == "" {
		what = "code"
	}
	j.refuseAt(n.child("relation"), Problem{SQLState: "42501", Rule: "mask", Message: "a write to " + by.Qualified() + " runs " + what + ", and what it reads can't be seen from here, where columns are masked for you", Hint: "Ask somebody for whom nothing is masked."})
}

// runsOf is what a statement makes the relation that it writes to run.
func runsOf(n *node) Runs {
	switch n.tag {
	case "InsertStmt":
		if n.child("on_conflict_clause") != nil {
			return runsInserting | runsDefaults | runsUpdating
		}
		return runsInserting | runsDefaults
	case "CopyStmt":
		return runsInserting | runsDefaults
	case "DeleteStmt":
		return runsDeleting
	case "TruncateStmt":
		return runsTruncating
	case "UpdateStmt":
		runs := runsUpdating
		n.walk(func(k *node) bool {
			if k.is("SetToDefault") {
				runs |= runsDefaults
			}
			return true
		})
		return runs
	}
	return runsInserting | runsUpdating | runsDeleting | runsDefaults
}

// write follows a write to all relations whose rows it changes: without runsWhole, in the named columns.
func (w running) write(r *Relation, runs Runs, columns []string) {
	if w.done[r.OID]|runs == w.done[r.OID] {
		return
	}
	w.done[r.OID] |= runs
	w.note(r, runs)
	for _, oid := range w.catalog.children[r.OID] {
		if child := w.catalog.Relations[oid]; child != nil {
			w.write(child, runs, columns)
		}
	}
	if r.Kind == 'v' {
		for _, oid := range r.Reads {
			if base := w.catalog.Relations[oid]; base != nil {
				w.write(base, runs|runsWhole, nil)
			}
		}
	}
	if runs&(runsInserting|runsUpdating) != 0 {
		w.routes(r, map[uint32]bool{})
	}
	for _, c := range r.Cascades {
		if to := w.catalog.Relations[c.To]; to != nil {
			if then := w.then(r, c, runs, columns); then != 0 {
				w.write(to, then|runsWhole, nil)
			}
		}
	}
}

// then is what a write does to the relation that refers to one.
func (w running) then(r *Relation, c Cascade, runs Runs, columns []string) Runs {
	then := Runs(0)
	if runs&runsTruncating != 0 && w.cascade {
		then |= runsTruncating
	}
	if runs&runsDeleting != 0 {
		then |= c.Deletes
	}
	changed := runs&runsWhole != 0
	for _, number := range c.Key {
		column := r.numbered(number)
		changed = changed || column == nil || has(columns, column.Name)
	}
	if runs&runsUpdating != 0 && changed {
		then |= c.Updates
	}
	return then
}

// routes notes how rows find their partition, or prove that they are in theirs.
func (w running) routes(r *Relation, seen map[uint32]bool) {
	if seen[r.OID] {
		return
	}
	seen[r.OID] = true
	w.note(r, runsRouting)
	for _, oid := range r.Parents {
		if parent := w.catalog.Relations[oid]; parent != nil {
			w.routes(parent, seen)
		}
	}
}

func (w running) note(r *Relation, runs Runs) {
	for _, code := range r.Code {
		if code.Runs&runs != 0 {
			code.Runs = 0
			w.code[code] = r
		}
	}
}

// readingCode are the functions that reading a relation runs: of a view's definition, at whatever depth, and of policies.
func (c *Catalog) readingCode(r *Relation) []Code {
	reach := c.reach()
	reach.below(r)
	reach.family(r)
	reach.seen[r.OID] = true
	var out []Code
	for oid := range reach.seen {
		if at := c.Relations[oid]; at != nil {
			for _, code := range at.Code {
				if code.Runs&runsReading != 0 {
					out = append(out, code)
				}
			}
		}
	}
	return out
}
