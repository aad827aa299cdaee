package pgsql

// targetProof checks that nothing below a statement which writes to a relation with masked columns reads them: there the
// relation itself stands, and no projection.
type targetProof struct {
	*proof
	target *item
}

// level is the innermost query around a reference: its items that are projections of ours, by their names. It is nil where
// nothing is sure: in the statement itself, and in a join's condition.
type level struct{ items []*item }

// target checks a statement that writes.
func (p *proof) target(n *node) {
	rel := n.child("relation")
	found := p.names.relation(rel.text("schemaname"), rel.text("relname"))
	where := n.child("where_clause")
	if p.filtersOf(found.relation) != nil {
		where = p.filteredTarget(n, found)
	}
	if by := p.env.Masks.decidesOrder(found.relation); by != "" {
		p.placeless(n, found, "the rows of "+found.object+" lie in an order that "+by+" decides")
	}
	if found.relation == nil || len(p.env.Masks.Columns[found.relation.OID]) == 0 {
		return
	}
	t := &item{name: rel.text("relname"), relation: found.relation, columns: callColumns(found.relation, nil), masks: p.env.Masks.Columns[found.relation.OID]}
	if alias := rel.child("alias"); alias != nil {
		t.name = alias.text("aliasname")
	}
	n.each(func(field string, kid *node) {
		if field != "with_clause" && field != "select_stmt" && field != "relation" && field != "where_clause" {
			targetProof{p, t}.walk(kid, nil, true)
		}
	})
	if where != nil {
		targetProof{p, t}.walk(where, nil, true)
	}
}

// walk checks all references below n. own says that n is of the statement itself, not of a query inside it.
func (p targetProof) walk(n *node, at *level, own bool) {
	switch tagOf(n) {
	case "RangeSubselect":
		if p.ours(n.child("subquery")) != nil {
			return
		}
	case "SelectStmt":
		at, own = p.level(n), false
	case "ColumnRef":
		p.reference(n, at, own)
		return
	}
	n.each(func(field string, kid *node) {
		if n.is("JoinExpr") && field == "quals" {
			p.walk(kid, nil, own)
			return
		}
		p.walk(kid, at, own)
	})
}

// level finds the projections in FROM. Where a join has an alias, nothing is sure.
func (p targetProof) level(query *node) *level {
	at, hides := &level{}, false
	for _, f := range query.list("from_clause") {
		f.walk(func(k *node) bool {
			hides = hides || k.is("JoinExpr") && k.child("alias") != nil
			if k.is("RangeSubselect") {
				if r := p.ours(k.child("subquery")); r != nil {
					at.items = append(at.items, &item{name: k.child("alias").text("aliasname"), columns: callColumns(r, k.child("alias"))})
				}
			}
			return k.is("JoinExpr")
		})
	}
	if hides {
		return nil
	}
	return at
}

func (p targetProof) reference(n *node, at *level, own bool) {
	parts, star := reference(n)
	if len(parts) == 0 {
		if own {
			p.slip("* would show the row that is written")
		}
		return
	}
	if p.target.mayBe(parts, star) && (at == nil || !at.has(parts, star)) {
		p.slip(parts[len(parts)-1] + " would be read from " + p.target.relation.Qualified())
	}
}

func (l *level) has(parts []string, star bool) bool {
	for _, it := range l.items {
		last := parts[len(parts)-1]
		switch {
		case star || len(parts) == 1 && it.name == last:
			if it.name == last {
				return true
			}
		case len(parts) == 1 || it.name == parts[len(parts)-2]:
			if has(it.columns, last) {
				return true
			}
		}
	}
	return false
}
