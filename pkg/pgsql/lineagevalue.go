package pgsql

import "slices"

// value answers the sources of an expression's value. What may fail in it, for reasons that lie in the values, is noted as a use.
func (l *lineageReader) value(n *stored, at *storedLevel) []source {
	if n == nil || !l.step(1) {
		return nil
	}
	switch n.tag {
	case "VAR":
		return l.column(n, at)
	case "RELABELTYPE", "COLLATEEXPR", "COLLATE":
		return l.value(n.get("arg"), at)
	case "SUBLINK":
		return l.sublink(n, at)
	case "AGGREF", "WINDOWFUNC", "GROUPINGFUNC":
		l.use(usedInAggregates, l.below(n, at))
		return nil
	case "QUERY":
		l.lost = true
		return nil
	}
	if n.text("funcretset") == "true" || n.text("opretset") == "true" {
		l.use(usedInFrom, l.below(n, at))
		return nil
	}
	if !l.total.node(n) {
		sources := l.below(n, at)
		l.use(usedInValues, sources)
		return sources
	}
	l.decides(n, at)
	var out []source
	n.each(func(_ string, part *stored) { out = append(out, l.value(part, at)...) })
	return once(computed(out))
}

// computed are sources of a value that is none of theirs.
func computed(sources []source) []source {
	for i := range sources {
		sources[i].plain = false
	}
	return sources
}

// once leaves out repeats: a column that is named twice at each of many levels would else be there as often as the levels' product.
func once(sources []source) []source {
	if len(sources) < 2 {
		return sources
	}
	seen := make(map[source]bool, len(sources))
	return slices.DeleteFunc(sources, func(s source) bool {
		repeated := seen[s]
		seen[s] = true
		return repeated
	})
}

// below answers all columns that stand in a part of a tree. Queries in it are read, and their columns count as uses.
func (l *lineageReader) below(n *stored, at *storedLevel) []source {
	var out []source
	n.walk(func(k *stored) bool {
		if !l.step(1) {
			return false
		}
		switch k.tag {
		case "VAR":
			out = append(out, computed(l.column(k, at))...)
			return false
		case "QUERY":
			for _, c := range l.query(k, at) {
				l.use(usedInConditions, c)
			}
			return false
		case "SUBLINK":
			if k.text("subLinkType") == sublinkExists {
				out = append(out, l.sublink(k, at)...)
				return false
			}
		case "AGGREF", "WINDOWFUNC":
			k.each(func(_ string, part *stored) { l.use(usedInAggregates, l.below(part, at)) })
			return false
		}
		return true
	})
	return once(out)
}

// The kinds of subqueries in expressions whose value is no comparison, as the server numbers them.
const (
	sublinkExists = "0"
	sublinkScalar = "4"
	sublinkArray  = "6"
)

func (l *lineageReader) sublink(n *stored, at *storedLevel) []source {
	query := n.get("subselect")
	if query == nil || query.tag != "QUERY" {
		l.lost = true
		return nil
	}
	switch n.text("subLinkType") {
	case sublinkExists: // that there are rows is decided by what it uses
		l.query(query, at)
		return nil
	case sublinkScalar, sublinkArray:
		var out []source
		for _, c := range l.query(query, at) {
			out = append(out, c...)
		}
		return once(computed(out))
	}
	l.use(usedInConditions, l.below(n, at))
	return nil
}

// referenced answers what a column reference means: a level at which it stands or further out, the place of one of its items, and the column;
// no level where it means nothing that is known here.
func referenced(v *stored, at *storedLevel) (level *storedLevel, item, column int) {
	up, ok := v.number("varlevelsup")
	number, itemOK := v.number("varno")
	column, columnOK := v.number("varattno")
	for ; up > 0 && at != nil; up-- {
		at = at.outer
	}
	if !ok || !itemOK || !columnOK || at == nil || number < 1 || number > len(at.items) {
		return nil, 0, 0
	}
	return at, number - 1, column
}

// column answers the sources of a column reference.
func (l *lineageReader) column(v *stored, at *storedLevel) []source {
	at, item, column := referenced(v, at)
	if at == nil {
		l.lost = true
		return nil
	}
	key := itemColumn{at.items[item], column}
	sources, known := at.columns[key]
	if !known {
		sources = l.ofItem(item, column, at)
		if at.columns == nil {
			at.columns = map[itemColumn][]source{}
		}
		at.columns[key] = sources
	}
	l.step(len(sources))
	return slices.Clone(sources)
}

func (l *lineageReader) ofItem(i, column int, at *storedLevel) []source {
	item := at.items[i]
	switch item.text("rtekind") {
	case itemRelation:
		oid, _ := item.number("relid")
		l.lost = l.lost || uint32(oid) == l.view
		return []source{{relation: uint32(oid), column: int16(max(column, 0)), plain: column > 0}}
	case itemSubquery:
		columns, known := at.known[i]
		l.lost = l.lost || !known
		return l.pick(columns, column)
	case itemCTE:
		return l.pick(l.cte(item, at), column)
	case itemJoin:
		return l.expressions(item.in("joinaliasvars"), column, at)
	case itemGroup:
		return l.expressions(item.in("groupexprs"), column, at)
	}
	return nil // what functions and VALUES are made of is a use already
}

// pick answers the sources of one column, or of all where the whole row is meant.
func (l *lineageReader) pick(columns [][]source, column int) []source {
	switch {
	case column > 0 && column <= len(columns):
		return slices.Clone(columns[column-1])
	case column > 0:
		l.lost = true
		return nil
	}
	var out []source
	for _, c := range columns {
		out = append(out, c...)
	}
	return once(computed(out))
}

// expressions is pick for items that hold their columns as expressions of their own level.
func (l *lineageReader) expressions(list []*stored, column int, at *storedLevel) []source {
	columns := make([][]source, len(list))
	if l.depth++; l.depth > 200 {
		l.lost = true
	}
	defer func() { l.depth-- }()
	for i, e := range list {
		if !l.lost && (column <= 0 || column == i+1) {
			columns[i] = l.value(e, at)
		}
	}
	return l.pick(columns, column)
}

// cte finds the columns of a CTE by its name, so many levels further out.
func (l *lineageReader) cte(item *stored, at *storedLevel) [][]source {
	up, ok := item.number("ctelevelsup")
	for ; up > 0 && at != nil; up-- {
		at = at.outer
	}
	if !ok || at == nil {
		l.lost = true
		return nil
	}
	columns, known := at.ctes[item.text("ctename")]
	l.lost = l.lost || !known
	return columns
}
