package pgsql

import (
	"maps"
	"slices"
)

// running collects what a write makes relations run, in whatever relation it ends up, and what it asks of masked columns.
type running struct {
	catalog *Catalog
	masks   *Masks // nil where nothing is masked
	done    map[uint32]*written
	code    map[Code]*Relation
	asks    map[string]string // what asks, and what it asks about
	cascade bool              // TRUNCATE … CASCADE
	changes map[string]bool   // foreign keys that change other rows
}

// written is what is known to happen to a relation's rows.
type written struct {
	runs    Runs
	columns map[string]bool // of an UPDATE, what it may change
}

// runs notes the code that a write to a relation runs: as an effect of its own, which is not reviewed.
func (j *judge) runs(n *node, r *Relation) {
	if r == nil || j.env.Catalog == nil {
		return
	}
	all := running{catalog: j.env.Catalog, done: map[uint32]*written{}, code: map[Code]*Relation{}, asks: map[string]string{}, changes: map[string]bool{}}
	all.cascade = n.is("TruncateStmt") && n.text("behavior") == "DROP_CASCADE"
	if j.masks {
		all.masks = j.env.Masks
	}
	var columns []string
	if n.is("UpdateStmt") {
		columns = writtenColumns(n, r)
	} else {
		columns = r.names()
	}
	all.write(r, runsOf(n), columns)
	j.st.Cascades = j.st.Cascades || len(all.changes) > 0
	for oid, w := range all.done {
		if to := j.env.Catalog.Relations[oid]; to != nil && oid != r.OID {
			j.reaches(to, w.runs)
		}
	}
	for oid, w := range all.done {
		j.st.TargetMasked = j.st.TargetMasked || j.masks && len(j.env.Masks.Columns[oid])+len(j.env.Masks.Rows[oid]) > 0 && w.runs&^runsTruncating != 0
	}
	for _, code := range slices.SortedFunc(maps.Keys(all.code), Code.compare) {
		j.run(n, code, all.code[code])
	}
	if j.masks {
		all.askHidden(r, writtenColumns(n, r))
	}
	for _, by := range sortedKeys(all.asks) {
		j.refuseAt(n.child("relation"), Problem{SQLState: "42501", Rule: "mask", Message: "this write makes " + by + " look at " + all.asks[by] + ", and its answer would tell of it", Hint: "Write other columns or rows, or ask somebody for whom it is not masked."})
	}
}

// run notes one function that a write runs.
func (j *judge) run(n *node, code Code, of *Relation) {
	j.st.Reviewed = false
	j.add(code.Effect, code.Function)
	j.functions[code.Function] = struct{}{}
	j.note(code)
	if !j.masks || j.env.Masks.trusts(code) {
		return
	}
	what := code.Function
	if what == "" {
		what = "code"
	}
	j.refuseAt(n.child("relation"), Problem{
		SQLState: "42501", Rule: "mask", Message: "a write to " + of.Qualified() + " runs " + what + " (" + code.By + "), and what it reads can't be seen from here, where columns are masked for you",
		Hint: "Ask somebody for whom nothing is masked; or who keeps the policy lists " + what + " under `trusts` of the masks.",
	})
}

// note remembers by what a function runs, the first of several.
func (j *judge) note(code Code) {
	if j.by[code.Function] == "" {
		j.by[code.Function] = code.By
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

// names are those of all columns.
func (r *Relation) names() []string {
	out := make([]string, len(r.Columns))
	for i := range r.Columns {
		out[i] = r.Columns[i].Name
	}
	return out
}

// add notes what happens to a relation's rows, and says whether that was not known yet.
func (w running) add(r *Relation, runs Runs, columns []string) bool {
	at := w.done[r.OID]
	if at == nil {
		at = &written{columns: map[string]bool{}}
		w.done[r.OID] = at
	}
	fresh := at.runs|runs != at.runs
	for _, c := range columns {
		fresh = fresh || !at.columns[c]
		at.columns[c] = true
	}
	at.runs |= runs
	for again := true; again; {
		again = false
		for i := range r.Columns {
			c := &r.Columns[i]
			follows := slices.ContainsFunc(c.From, func(n int16) bool { from := r.numbered(n); return from == nil || at.columns[from.Name] })
			if follows && !at.columns[c.Name] {
				at.columns[c.Name], again = true, true
			}
		}
	}
	return fresh
}

// write follows a write to all relations whose rows it changes.
func (w running) write(r *Relation, runs Runs, columns []string) {
	if !w.add(r, runs, columns) {
		return
	}
	w.note(r, runs)
	w.ask(r)
	for _, oid := range w.catalog.children[r.OID] {
		if child := w.catalog.Relations[oid]; child != nil {
			w.write(child, runs, columns)
		}
	}
	if r.Kind == 'v' {
		for _, oid := range r.Reads {
			if base := w.catalog.Relations[oid]; base != nil {
				w.write(base, runs, base.names())
			}
		}
	}
	if runs&(runsInserting|runsUpdating) != 0 {
		w.routes(r, map[uint32]bool{})
	}
	for _, c := range r.Cascades {
		if to := w.catalog.Relations[c.To]; to != nil {
			w.follow(r, c, to)
		}
	}
}

// follow goes on to the relation that refers to one.
func (w running) follow(r *Relation, c Cascade, to *Relation) {
	at, then := w.done[r.OID], Runs(0)
	if at.runs&runsTruncating != 0 && w.cascade {
		then |= runsTruncating
	}
	changed := at.runs&runsUpdating != 0 && slices.ContainsFunc(c.Key, func(n int16) bool {
		column := r.numbered(n)
		return column == nil || at.columns[column.Name]
	})
	if at.runs&runsDeleting != 0 {
		then |= c.Deletes
	}
	if changed {
		then |= c.Updates
	}
	if w.masks != nil && (changed || at.runs&runsDeleting != 0) {
		refers := tie{by: "foreign key " + c.Name + " of " + to.Qualified(), columns: c.From}
		if column, asks := w.masks.asks(w.catalog, to, refers, func(int16) bool { return true }); asks {
			w.asks[refers.by] = column + isMasked
		}
		w.asksRows(refers.by, to)
	}
	if then == 0 {
		return
	}
	if then&runsTruncating != 0 {
		w.asksRows("foreign key "+c.Name+" of "+to.Qualified(), to)
	}
	w.changes[c.Name] = true
	var columns []string
	for _, n := range c.From {
		if column := to.numbered(n); column != nil && then&runsUpdating != 0 {
			columns = append(columns, column.Name)
		}
	}
	w.write(to, then, columns)
	w.askOrder(c, to, then)
}

// isMasked and areHidden end what a refusal says of what would be asked about.
const (
	isMasked  = ", which is masked for you"
	areHidden = ", which are filtered for you"
)

// ask notes what looks at masked columns of a relation where some of its others are written.
func (w running) ask(r *Relation) {
	at := w.done[r.OID]
	if w.masks == nil {
		return
	}
	for _, t := range r.ties {
		if t.policy { // then nothing of it can be written at all
			continue
		}
		column, asks := "", false
		if at.runs&runsInserting != 0 && t.rows { // what is masked is left out of the new row, and is NULL there without a default
			column, asks = w.masks.asks(w.catalog, r, t, func(n int16) bool {
				c := r.numbered(n)
				return c == nil || c.Generated || slices.Contains(r.defaults, n) || t.nulls && w.masks.Columns[r.OID][c.Name].hides(*c)
			})
		}
		if !asks && (at.runs&t.fires&^runsInserting != 0 || at.runs&runsUpdating != 0 && t.touches(r, at.columns)) {
			column, asks = w.masks.asks(w.catalog, r, t, func(int16) bool { return true })
		}
		if asks {
			w.asks[t.by] = column + isMasked
		}
		if t.rows && !asks && at.runs&runsUpdating != 0 && t.touches(r, at.columns) {
			w.asksRows(t.by, r)
		}
	}
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
	return c.codeBeneath(r, func(_ *Relation, code Code) bool { return code.Runs&runsReading != 0 })
}

// codeBeneath is code of a relation, its family, and what it reads, at whatever depth.
func (c *Catalog) codeBeneath(r *Relation, counts func(*Relation, Code) bool) []Code {
	reach := c.reach()
	reach.below(r)
	reach.family(r)
	reach.seen[r.OID] = true
	var out []Code
	for oid := range reach.seen {
		if at := c.Relations[oid]; at != nil {
			for _, code := range at.Code {
				if counts(at, code) {
					out = append(out, code)
				}
			}
		}
	}
	slices.SortFunc(out, Code.compare)
	return out
}
