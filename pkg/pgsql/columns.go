package pgsql

// use is a mention of masked columns of an item.
type use struct {
	item    *item
	columns []string // as called
}

// conditions are the parts of a query that compare.
func condition(part string) bool {
	switch part {
	case "where_clause", "having_clause", "group_clause", "sort_clause", "distinct_clause", "window_clause", "join", "join_condition", "limit_offset", "limit_count":
		return true
	}
	return false
}

// maskedColumn judges a column reference where masks are in force.
func (j *judge) maskedColumn(n *node, sc *scope) {
	parts, star := reference(n)
	j.dropPrefix(n, sc, parts, star)
	if t := sc.outerTarget(parts, star); t != nil && !sc.surelyHere(parts, star, j.part) {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "this reference may mean " + t.relation.Qualified() + ", which has columns that are masked for you and is written to by this statement", Hint: "Give each table an alias of its own, and write alias.column."})
	}
	for _, u := range sc.uses(parts, star) {
		j.noteEstimate(u.columns[0], sc)
		j.usesMasked = true
		if u.item.isTarget(sc) {
			j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: u.columns[0] + " is masked for you and can't be used by a statement that writes to " + u.item.relation.Qualified(), Hint: "Use columns that are not masked, and name them one by one in RETURNING."})
			continue
		}
		if !condition(j.part) {
			j.maskedUses++
			continue
		}
		for _, c := range u.columns {
			j.warned[c+" is masked for you; this condition compares the mask"] = struct{}{}
		}
	}
}

// reference takes a ColumnRef apart.
func reference(n *node) (parts []string, star bool) {
	parts, plain := stringsOf(n.list("fields"))
	return parts, !plain
}

func (it *item) isTarget(sc *scope) bool {
	for ; sc != nil; sc = sc.outer {
		if sc.target == it {
			return true
		}
	}
	return false
}

func (it *item) allMasked() []string { return sortedKeys(it.masks) }

// uses are the masked columns that a reference can mean. In doubt, it means them.
func (s *scope) uses(parts []string, star bool) []use {
	var out []use
	if star && len(parts) == 0 {
		for _, it := range s.items {
			if len(it.masks) > 0 {
				out = append(out, use{it, it.allMasked()})
			}
		}
		return out
	}
	if star {
		return s.qualifiedUses(append(parts, ""), true)
	}
	if len(parts) > 1 {
		return s.qualifiedUses(parts, false)
	}
	return s.unqualifiedUses(parts[0])
}

// qualifiedUses finds table.column, or table.* with star.
func (s *scope) qualifiedUses(parts []string, star bool) []use {
	column := parts[len(parts)-1]
	it := s.find(parts)
	if it == nil {
		return s.targetUses(column, star) // servers newer than the grammar know old.x and new.x in RETURNING
	}
	if len(it.masks) == 0 {
		return nil
	}
	if _, masked := it.masks[column]; masked {
		return []use{{it, []string{column}}}
	}
	if star || !has(it.columns, column) {
		return []use{{it, it.allMasked()}} // the whole row, or a function of it
	}
	return nil
}

// targetUses are the masked columns of the targets that a name of nothing in FROM may mean.
func (s *scope) targetUses(column string, star bool) []use {
	var out []use
	for ; s != nil; s = s.outer {
		if s.target == nil || len(s.target.masks) == 0 {
			continue
		}
		if _, masked := s.target.masks[column]; masked || star || !has(s.target.columns, column) {
			out = append(out, use{s.target, s.target.allMasked()})
		}
	}
	return out
}

// unqualifiedUses finds a bare name: a column, or a whole row by its item's name.
func (s *scope) unqualifiedUses(name string) []use {
	if name == "old" || name == "new" {
		if rows := s.targetUses("", true); len(rows) > 0 {
			return rows
		}
	}
	for ; s != nil; s = s.outer {
		var out []use
		definite := false
		for _, it := range s.items {
			_, masked := it.masks[name]
			switch {
			case masked:
				out = append(out, use{it, []string{name}})
			case has(it.columns, name):
				definite = true
			case it.name == name && len(it.masks) > 0:
				out = append(out, use{it, it.allMasked()})
			}
		}
		if len(out) > 0 || definite {
			return out
		}
	}
	return nil
}

// dropPrefix takes the schema off a reference to a replaced relation: inside the text it is a subquery of that name alone.
func (j *judge) dropPrefix(n *node, sc *scope, parts []string, star bool) {
	prefixes := len(parts) - 2
	if star {
		prefixes++
	}
	if prefixes < 1 {
		return
	}
	table, schema := parts[prefixes], parts[prefixes-1]
	for s := sc; s != nil; s = s.outer {
		for _, it := range s.items {
			if it.name != table {
				continue
			}
			if it.schema != schema || !it.replaced {
				if it.schema == schema {
					return // an unmasked relation: Postgres itself resolves it
				}
				continue
			}
			j.cutPrefix(n, prefixes)
			j.checkShadow(n, sc, s, table)
			return
		}
	}
}

func (j *judge) cutPrefix(n *node, prefixes int) {
	i := j.find(n.loc)
	if _, ok := j.nameTokens(i, prefixes+1); n.loc < 0 || !ok {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: "this column reference can't be masked as it is written", Hint: "Give the table an alias and write alias.column."})
		return
	}
	j.edit(j.tokens[i].start, j.tokens[i+2*prefixes].start, "")
}

// checkShadow refuses where, without its schema, a reference would mean another item between its level and that of its own.
func (j *judge) checkShadow(n *node, from, to *scope, table string) {
	for s := from; s != nil; s = s.outer {
		seen := 0
		for _, it := range s.items {
			if it.name == table {
				seen++
			}
		}
		if s == to && seen <= 1 {
			return
		}
		if seen > 0 {
			j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: `"` + table + `" means two tables here, and one has columns that are masked for you`, Hint: "Give it an alias."})
			return
		}
	}
}

// warnJoin warns of USING and NATURAL over masked columns.
func (j *judge) warnJoin(sc *scope, using []string, natural bool) {
	for _, it := range sc.items {
		for c := range it.masks {
			shared := has(using, c)
			for _, other := range sc.items {
				shared = shared || natural && other != it && has(other.columns, c)
			}
			if shared {
				j.warned[c+" is masked for you; this condition compares the mask"] = struct{}{}
				j.besideColumns = true
				j.noteEstimate(c, nil)
			}
		}
	}
}
