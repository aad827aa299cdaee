package pgsql

import (
	"cmp"
	"maps"
	"slices"
)

// An index gives rows in the order of its columns. Where a condition is on one of them, or is what the index is limited to, the rows
// that fit come out in the order of the others: "WHERE tenant = 5" over an index of (tenant, email) answers in the order of e-mail
// addresses. So what such an index could be looked through by is shown as an expression, which no index fits.

// orderedIndex is an index. The scans of most give an order.
type orderedIndex struct {
	keys    []int16 // columns that it is ordered by, those in its expressions too; 0 stands for any
	where   []int16 // columns of the condition that it is limited to
	laid    bool    // its table was put into its order
	besides []int16 // columns that it holds besides, and is not ordered by
	finds   []int16 // columns of one that gives no order
}

// leads notes the columns of indexes that are ordered by a masked one, and those by which such an index could be looked through. It
// says whether it found any new one.
func (m *Masks) leads(c *Catalog) bool {
	changed := false
	for _, oid := range slices.Sorted(maps.Keys(m.Columns)) {
		r := c.Relations[oid]
		if r == nil {
			continue
		}
		for _, i := range r.indexes {
			by, all := m.columnsOf(c, r, i)
			if i.laid && m.scattered[oid] == "" {
				if column := m.orderedBy(c, r, i); column != "" {
					m.scatter(c, r, r.Qualified()+"."+column)
					changed = true
				}
			}
			for _, column := range by {
				changed = note(m.led, c, r, column) || changed
			}
			for _, column := range all {
				changed = note(m.within, c, r, column) || changed
			}
		}
	}
	return m.leadsOn(c) || changed
}

// leadsOn passes on by one step what such an index could be looked through by: to columns that stand for an expression, which are
// the virtual ones and those of views. It says whether it found any new one.
func (m *Masks) leadsOn(c *Catalog) bool {
	changed := false
	for _, oid := range slices.Sorted(maps.Keys(c.Relations)) {
		r := c.Relations[oid]
		for i := range r.Columns {
			column := &r.Columns[i]
			for _, to := range []map[uint32]map[string]bool{m.led, m.within} {
				if column.Virtual && len(to[oid]) > 0 && slices.ContainsFunc(column.From, func(n int16) bool { from := r.numbered(n); return from != nil && to[oid][from.Name] }) {
					changed = note(to, c, r, column.Name) || changed
				}
			}
		}
		if r.Kind != 'v' || r.lineage == nil {
			continue
		}
		for i, sources := range r.lineage.columns {
			if column := r.numbered(int16(i + 1)); column != nil && slices.ContainsFunc(sources, func(s source) bool { return m.looksUp(c, s) }) {
				changed = note(m.led, c, r, column.Name) || changed
			}
		}
	}
	return changed
}

// looksUp says whether such an index could be looked through by a source.
func (m *Masks) looksUp(c *Catalog, s source) bool {
	r := c.Relations[s.relation]
	if r == nil || len(m.led[s.relation]) == 0 {
		return false
	}
	column := r.numbered(s.column)
	return column == nil || m.led[s.relation][column.Name]
}

// chooses notes the relations whose rows row security or the definition of a view could look up in such an index, or take out of it alone:
// nobody can write that condition as an expression, or ask for another column, so the rows come in the index's order, and plans tell of
// what is in it. It says whether it found any new one.
func (m *Masks) chooses(c *Catalog) bool {
	changed := false
	for _, oid := range slices.Sorted(maps.Keys(c.Relations)) {
		r := c.Relations[oid]
		var by []source
		for _, t := range r.ties {
			if t.policy && r.policies {
				by = append(by, t.sees...)
			}
		}
		if r.lineage != nil {
			for _, u := range r.lineage.uses {
				by = append(by, u.source)
			}
		}
		index := ""
		if i := slices.IndexFunc(by, func(s source) bool { return m.looksUp(c, s) }); i >= 0 {
			index = "an index of " + c.Relations[by[i].relation].Qualified()
		}
		for _, read := range r.Reads {
			index = cmp.Or(index, m.chosen[read])
		}
		if base := m.answers(c, r); base != nil {
			index = cmp.Or(index, "an index of "+base.Qualified())
		}
		if index != "" && m.chosen[oid] == "" {
			m.chosen[oid], changed = index, true
		}
	}
	return changed
}

// columnsOf are the columns of an index that is ordered by a masked one: those by which it could be looked through, and all of
// them. Masks that show nothing are neither; an index that holds nothing else tells nothing.
func (m *Masks) columnsOf(c *Catalog, r *Relation, i *orderedIndex) (by, all []string) {
	if m.orderedBy(c, r, i) == "" {
		return nil, nil
	}
	shown := func(numbers ...int16) (out []string) {
		for _, n := range numbers {
			column := r.numbered(n)
			if column == nil {
				continue
			}
			if mask, masked := m.Columns[r.OID][column.Name]; !masked || mask.As == Last4 {
				out = append(out, column.Name)
			}
		}
		return out
	}
	by = shown(append(slices.Clone(i.keys), i.where...)...)
	return by, append(slices.Clone(by), shown(i.besides...)...)
}

// orderedBy names a masked column by which an index is ordered, "" where there is none.
func (m *Masks) orderedBy(c *Catalog, r *Relation, i *orderedIndex) string {
	for _, n := range i.keys {
		if column, _, masked := m.at(c, source{relation: r.OID, column: n}); masked {
			return cmp.Or(column, "*")
		}
	}
	return ""
}

// note adds a column of a relation, also to what the relation's rows are read through.
func note(to map[uint32]map[string]bool, c *Catalog, r *Relation, column string) bool {
	if r.column(column) == nil || to[r.OID][column] {
		return false
	}
	if to[r.OID] == nil {
		to[r.OID] = map[string]bool{}
	}
	to[r.OID][column] = true
	for _, oid := range r.Parents {
		if parent := c.Relations[oid]; parent != nil {
			note(to, c, parent, column)
		}
	}
	return true
}

// ordersView notes the views whose rows may come in such an order, and says whether it found any new one.
func (m *Masks) ordersView(c *Catalog) bool {
	changed := false
	for _, oid := range slices.Sorted(maps.Keys(c.Relations)) {
		r := c.Relations[oid]
		if r.Kind == 'v' && !m.ordered[oid] && slices.ContainsFunc(r.Reads, func(read uint32) bool { return len(m.within[read]) > 0 || m.ordered[read] || m.chosen[read] != "" }) {
			m.ordered[oid], changed = true, true
		}
	}
	return changed
}

// firsts says of a node of a view's definition that what it answers depends on the order in which rows come: the first ones of them,
// their numbers, or all of them in one value.
func (l *catalogLoad) firsts(n *stored) bool {
	switch n.tag {
	case "QUERY":
		return n.get("limitCount") != nil || n.get("limitOffset") != nil || n.text("hasDistinctOn") == "true"
	case "WINDOWFUNC":
		return true
	case "AGGREF":
		oid, _ := n.number("aggfnoid")
		return !slices.Contains([]string{"count", "sum", "min", "max", "avg", "bool_and", "bool_or", "every", "bit_and", "bit_or"}, l.builtins[uint32(oid)])
	}
	return false
}

// orders says of a relation that has no masked column itself that its rows may come in such an order.
func (m *Masks) orders(r *Relation) bool {
	return r != nil && (m.ordered[r.OID] || m.chosen[r.OID] != "")
}

// plain is a column's value where no index may be looked through by it. It is of the column's own type.
func plain(c Column, led map[string]bool) string {
	column := insideAlias + "." + quoteIdent(c.Name)
	if !led[c.Name] {
		return column
	}
	return "CASE WHEN pg_catalog.pg_column_size(" + column + ") OPERATOR(pg_catalog.=) 0 THEN " + column + " ELSE " + column + " END"
}

// decidesOrder says what decides in which order a relation's rows are found, where that would tell of masked values; else "".
func (m *Masks) decidesOrder(r *Relation) string {
	if r == nil {
		return ""
	}
	if column := m.scattered[r.OID]; column != "" {
		return column + isMasked + ","
	}
	if index := m.chosen[r.OID]; index != "" {
		return index + ", by columns that are masked for you,"
	}
	return ""
}

// outside is a condition that always holds and asks for what no index holds that is ordered by a masked column, so that none answers
// alone: where the row lies, or another column. ok is false where the role may read neither. It is "" where there is no such index.
func (m *Masks) outside(r *Relation) (condition string, ok bool) {
	within := m.within[r.OID]
	if len(within) == 0 {
		return "", true
	}
	column := "ctid"
	if !r.placed {
		at := slices.IndexFunc(r.Columns, func(c Column) bool {
			_, masked := m.Columns[r.OID][c.Name]
			return c.Readable && !masked && !within[c.Name]
		})
		if at < 0 {
			return "", false
		}
		column = quoteIdent(r.Columns[at].Name)
	}
	return "(pg_catalog.pg_column_size(" + insideAlias + "." + column + ") OPERATOR(pg_catalog.<>) 0) IS NOT FALSE", true
}

// blur does the same in the condition of a statement that writes, whose target can't be replaced.
func (j *judge) blur(n *node, sc *scope) {
	parts, star := reference(n)
	if star || len(parts) == 0 {
		return
	}
	last := parts[len(parts)-1]
	for ; sc != nil; sc = sc.outer {
		t := sc.target
		if t == nil || t.relation == nil || !j.env.Masks.led[t.relation.OID][last] || len(parts) > 1 && parts[len(parts)-2] != t.name {
			continue
		}
		i := j.find(n.loc)
		end, ok := j.nameTokens(i, len(parts))
		if n.loc < 0 || !ok {
			j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "this column reference can't be used as it is written, where columns are masked for you", Hint: "Give the table an alias and write alias.column."})
			return
		}
		text := j.text[j.tokens[i].start:j.tokens[end].end]
		j.edit(j.tokens[i].start, j.tokens[end].end, "(COALESCE("+text+", "+text+"))") // in brackets, for a subscript behind it
		return
	}
}
