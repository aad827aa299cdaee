package pgsql

// decides notes what decides whether a part of an expression is computed at all, where computing it may fail: the conditions that stand
// before it in CASE, COALESCE, AND and OR. Then an error, or none, tells of them.
func (l *lineageReader) decides(n *stored, at *storedLevel) {
	var before []*stored
	then := func(part *stored) {
		if part == nil || len(before) == 0 || !l.mayFail(part, at) {
			return
		}
		for _, condition := range before {
			l.use(usedInValues, l.below(condition, at))
		}
		before = nil // they are noted once
	}
	switch n.tag {
	case "CASEEXPR", "CASE":
		for i, when := range n.in("args") {
			then(when.get("expr"))
			if arg := n.get("arg"); arg != nil && i == 0 {
				before = append(before, arg)
			}
			before = append(before, when.get("expr"))
			then(when.get("result"))
		}
		then(n.get("defresult"))
	case "COALESCEEXPR", "COALESCE", "BOOLEXPR":
		for _, arg := range n.in("args") {
			then(arg)
			before = append(before, arg)
		}
	}
}

// branches says of a part that it may leave some of its own parts uncomputed.
func branches(n *stored) bool {
	switch n.tag {
	case "CASEEXPR", "CASE", "COALESCEEXPR", "COALESCE", "BOOLEXPR":
		return true
	}
	return false
}

// mayFail says of a part of a stored tree that something in it can fail: of a column of a subquery, what that is made of, since the
// server may compute it where the column stands.
func (l *lineageReader) mayFail(n *stored, at *storedLevel) bool {
	fails, known := l.partFails[n]
	if known {
		return fails
	}
	n.walk(func(k *stored) bool {
		below := false
		switch {
		case fails:
		case !l.step(1):
			fails = true
		case k.tag == "VAR":
			fails = l.columnMayFail(k, at)
		case k != n && branches(k): // in each other, each is asked for
			fails = l.mayFail(k, at)
		default:
			fails = !l.total.node(k)
			below = !fails
		}
		return below
	})
	if l.partFails == nil {
		l.partFails = map[*stored]bool{}
	}
	l.partFails[n] = fails
	return fails
}

// columnMayFail is mayFail for a column reference. In doubt it may.
func (l *lineageReader) columnMayFail(v *stored, at *storedLevel) bool {
	at, item, column := referenced(v, at)
	if at == nil {
		return true
	}
	key := itemColumn{at.items[item], column}
	fails, known := l.fails[key]
	if !known {
		if l.fails == nil {
			l.fails = map[itemColumn]bool{}
		}
		l.fails[key] = true // in doubt, should it lead back to itself
		fails = l.itemMayFail(key.item, column, at)
		l.fails[key] = fails
	}
	return fails
}

// itemColumn is a column of one item of FROM, which stands in one query alone.
type itemColumn struct {
	item   *stored
	column int
}

func (l *lineageReader) itemMayFail(item *stored, column int, at *storedLevel) bool {
	expressions, in := []*stored(nil), at
	switch item.text("rtekind") {
	case itemRelation:
		oid, _ := item.number("relid")
		return l.computed != nil && l.computed(uint32(oid), int16(column))
	case itemFunction:
		return false // it is computed ahead
	case itemJoin:
		expressions = item.in("joinaliasvars")
	case itemGroup:
		expressions = item.in("groupexprs")
	case itemSubquery:
		query := item.get("subquery")
		if query.get("setOperations") != nil {
			return true
		}
		in = &storedLevel{outer: at, items: query.in("rtable")}
		for _, t := range query.in("targetList") {
			expressions = append(expressions, t.get("expr"))
		}
	}
	if column < 1 || column > len(expressions) {
		return true
	}
	return l.mayFail(expressions[column-1], in)
}
