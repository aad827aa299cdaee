package pgsql

import "strings"

// masksOf are the masked columns of a relation; refused says that it can't be used at all.
func (j *judge) masksOf(n *node, found name) (masks map[string]ColumnMask, refused bool) {
	if found.relation == nil {
		return nil, false
	}
	if why, opaque := j.env.Masks.Opaque[found.relation.OID]; opaque {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: why, Hint: j.env.Masks.instead[found.relation.OID]})
		return nil, true
	}
	return j.env.Masks.Columns[found.relation.OID], false
}

// mask replaces a relation in FROM by its projection, where it has masked columns or filtered rows.
func (j *judge) mask(n *node, it *item, found name, sample *node) {
	masks, refused := j.masksOf(n, found)
	filtered := len(j.filtersOf(found.relation)) > 0
	if refused || len(masks) == 0 && !filtered && !j.env.Masks.orders(found.relation) {
		j.qualify(n, found)
		return
	}
	it.replaced = true
	if filtered {
		j.refuseFiltered(n, found.relation, sample)
	}
	it.masks = calledMasks(found.relation, masks, it.columns)
	j.noteMasked(found.relation, masks)
	span, ok := j.relationTokens(n)
	if !ok {
		j.cantReplace(n, found)
		return
	}
	moved, scattered := "", j.env.Masks.decidesOrder(found.relation)
	if sample != nil && scattered != "" {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "a sample of " + found.object + " tells where its rows lie, and " + scattered + " decides that", Hint: "Use ORDER BY and LIMIT."})
	}
	if sample != nil {
		from, to, ok := j.sampleTokens(sample)
		if !ok {
			j.cantReplace(n, found)
			return
		}
		moved = j.text[from:to]
		j.edit(from, to, "")
	}
	if j.is(span.first-1, "table") {
		t := j.tokens[span.first-1]
		j.edit(t.start, t.end, "SELECT * FROM")
	}
	ahead := j.env.Masks.sorted(found.relation) && moved == ""
	if ahead && locks(j.whole) {
		ahead = false
		if !readsOne(j.whole) {
			j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "the rows of " + found.object + " are sorted for you, since a masked column would decide their order, and can't be locked beside others", Hint: "Leave FOR UPDATE or FOR SHARE out, or lock in a statement that reads nothing else: SELECT … FROM " + found.object + " WHERE … FOR UPDATE."})
		}
	}
	text := j.project(found.relation, masks, !n.flag("inh"), moved, ahead)
	if ahead {
		text = j.readAhead(text)
	}
	if !it.aliased {
		text += " AS " + quoteIdent(it.name)
	}
	j.edit(j.tokens[span.first].start, j.tokens[span.last].end, text)
}

// project writes the projection that stands in the place of a relation, and remembers it for the proof.
func (j *judge) project(r *Relation, masks map[string]ColumnMask, only bool, sample string, ahead bool) string {
	text := ""
	if filters := j.filtersOf(r); len(filters) > 0 {
		text = filteredProjection(r, masks, filters, only, only || r.Kind == 'p' || len(j.env.Catalog.children[r.OID]) == 0)
	} else {
		text = j.env.Masks.projection(r, masks, only, sample, j.uncounted, ahead)
	}
	j.projections[text] = r
	return text
}

// qualify writes the schema that a relation's name was found in before it. The name stays what columns are qualified with,
// and the server can find no other relation by it: one that was made or dropped since the catalog was read. Where nothing is
// masked, it does so only for names that would come to mean another relation when theirs is dropped, while the statement waits
// for its lock or before.
func (j *judge) qualify(n *node, found name) {
	if !found.known || n.text("schemaname") != "" || !j.masks && (j.env.Unrestricted || !j.names.hides(found, n.text("relname"))) {
		return
	}
	i := j.find(n.loc)
	if _, ok := j.nameTokens(i, 1); n.loc < 0 || !ok {
		j.refuseUnclear(n, found)
		return
	}
	j.edit(j.tokens[i].start, j.tokens[i].end, quoteIdent(found.schema)+"."+quoteIdent(n.text("relname")))
}

// refuseUnclear refuses a name that might come to mean another relation and can't be given its schema here: in a list of names
// (DROP, COMMENT ON, SECURITY LABEL), or with an escape character of its own.
func (j *judge) refuseUnclear(n *node, found name) {
	message := `"` + n.text("relname") + `" can't be given its schema as it is written here`
	if j.names.hides(found, n.text("relname")) {
		message = `"` + n.text("relname") + `" means more than one relation here`
	}
	j.refuseAt(n, Problem{SQLState: "42501", Rule: "names", Message: message, Hint: "Write its schema: " + quoteIdent(found.schema) + "." + quoteIdent(n.text("relname")) + "."})
}

func (j *judge) cantReplace(n *node, found name) {
	j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: found.object + " has columns or rows that are masked for you, and can't be masked where it stands here", Hint: "Write FROM " + found.object + " without further clauses."})
}

// calledMasks are the masks by the names that an alias gives the columns.
func calledMasks(r *Relation, masks map[string]ColumnMask, called []string) map[string]ColumnMask {
	out := map[string]ColumnMask{}
	i := 0
	for _, c := range r.Columns {
		if !c.Readable {
			continue
		}
		if m, masked := masks[c.Name]; masked && i < len(called) {
			out[called[i]] = m
		}
		i++
	}
	return out
}

// noteMasked adds the masked columns of a relation to those that the statement reads.
func (j *judge) noteMasked(r *Relation, masks map[string]ColumnMask) {
	if systemSchema(r.Schema) {
		return
	}
	for c := range masks {
		j.masked[r.Qualified()+"."+c] = struct{}{}
	}
}

// edit notes a replacement. The same one may be found twice, where the grammar copies a node; two that begin at the same
// byte are one: what is inserted comes first.
func (a *analyzer) edit(start, end int, text string) {
	have, known := a.edits[start]
	if known && have.end == end && have.text == text {
		return
	}
	if known && have.end == start {
		text = have.text + text
	} else if known && end == start {
		text, end = text+have.text, have.end
	}
	a.edits[start] = edit{start: start, end: end, text: text}
}

// span is a run of tokens, both ends inclusive.
type span struct{ first, last int }

// relationTokens are the tokens of a relation's name, from ONLY to *. ok is false where they are not what the tree says.
func (a *analyzer) relationTokens(n *node) (span, bool) {
	i := a.find(n.loc)
	last, ok := a.nameTokens(i, nameParts(n))
	if n.loc < 0 || !ok {
		return span{}, false
	}
	s := span{i, last}
	if n.flag("inh") {
		if a.is(last+1, "*") {
			s.last++
		}
		return s, true
	}
	switch {
	case a.is(i-1, "only"):
		s.first--
		return s, true
	case a.is(i-1, "(") && a.is(i-2, "only") && a.is(last+1, ")"):
		return span{i - 2, last + 1}, true
	}
	return s, false
}

func nameParts(rv *node) int {
	parts := 1
	for _, f := range []string{"schemaname", "catalogname"} {
		if rv.text(f) != "" {
			parts++
		}
	}
	return parts
}

// nameTokens checks that a dotted name of so many parts begins at token i, and answers its last token.
func (a *analyzer) nameTokens(i, parts int) (last int, ok bool) {
	for p := range parts {
		if p > 0 {
			if !a.is(i+1, ".") {
				return 0, false
			}
			i += 2
		}
		if i < 0 || i >= len(a.tokens) || a.tokens[i].kind != tokIdent && a.tokens[i].kind != tokQuoted {
			return 0, false
		}
	}
	if strings.HasPrefix(strings.ToLower(a.word(i)), `u&"`) && a.is(i+1, "uescape") {
		return 0, false // a name with its own escape character: seldom enough to be refused
	}
	return i, true
}

// sampleTokens is the text of a TABLESAMPLE clause with constant arguments, by bytes.
func (a *analyzer) sampleTokens(sample *node) (from, to int, ok bool) {
	for _, arg := range append(sample.list("args"), sample.list("repeatable")...) {
		if !arg.is("A_Const") && !arg.is("ParamRef") {
			return 0, 0, false
		}
	}
	i := a.find(sample.loc)
	if !a.is(i-1, "tablesample") {
		return 0, 0, false
	}
	shut := a.closing(i + 1)
	if shut < 0 {
		return 0, 0, false
	}
	if a.is(shut+1, "repeatable") {
		if shut = a.closing(shut + 2); shut < 0 {
			return 0, 0, false
		}
	}
	return a.tokens[i-1].start, a.tokens[shut].end, true
}

// closing is the token that closes the parenthesis at token i, -1 where there is none.
func (a *analyzer) closing(i int) int {
	depth := 0
	for ; i >= 0 && i < len(a.tokens); i++ {
		switch {
		case a.is(i, "("):
			depth++
		case a.is(i, ")"):
			if depth--; depth == 0 {
				return i
			}
		}
		if depth == 0 {
			return -1
		}
	}
	return -1
}

// maskCopy turns COPY of a relation with masked columns into COPY of its projection.
func (j *judge) maskCopy(n, rel *node, found name) {
	masks, refused := j.masksOf(rel, found)
	if refused || len(masks)+len(j.filtersOf(found.relation)) == 0 && !j.env.Masks.orders(found.relation) {
		j.qualify(rel, found)
		return
	}
	j.noteMasked(found.relation, masks)
	i := j.find(rel.loc)
	last, ok := j.nameTokens(i, nameParts(rel))
	columns, listed := stringsOf(n.list("attlist"))
	if ok && listed && len(columns) > 0 {
		last = j.closing(last + 1)
	}
	if !ok || rel.loc < 0 || last < 0 {
		j.cantReplace(rel, found)
		return
	}
	if len(columns) == 0 {
		for _, c := range found.relation.Columns {
			if c.Readable && !c.Generated {
				columns = append(columns, c.Name)
			}
		}
	}
	for k := range columns {
		columns[k] = quoteIdent(columns[k])
	}
	text := j.project(found.relation, masks, found.relation.Kind != 'p', "", false) // alone, so that its order stays
	j.edit(j.tokens[i].start, j.tokens[last].end, "(SELECT "+strings.Join(columns, ", ")+" FROM "+text+" AS "+quoteIdent(found.relation.Name)+")")
}

// checkNames refuses two items of one name: with their schemas gone they could not be told apart.
func (j *judge) checkNames(sc *scope) {
	for i, a := range sc.items {
		for _, b := range sc.items[:i] {
			if a.name == b.name && a.name != "" && (a.replaced || b.replaced) && !a.aliased && !b.aliased {
				j.refuseAt(a.node, Problem{SQLState: "42712", Rule: "mask", Message: `table name "` + a.name + `" is used more than once, and has columns that are masked for you`, Hint: "Give it an alias."})
			}
		}
	}
}
