package pgsql

// decides notes what decides whether a part of an expression is computed at all, where computing it may fail: the conditions that stand
// before it in CASE, COALESCE, AND and OR. Then an error, or none, tells of them.
func (l *lineageReader) decides(n *stored, at *storedLevel) {
	var before []*stored
	then := func(part *stored) {
		if part == nil || len(before) == 0 || !l.mayFail(part, at, 0) {
			return
		}
		for _, condition := range before {
			l.use(usedInValues, l.below(condition, at))
		}
	}
	switch n.tag {
	case "CASEEXPR", "CASE":
		for _, when := range n.in("args") {
			then(when.get("expr"))
			if arg := n.get("arg"); arg != nil && len(before) == 0 {
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

// mayFail says of a part of a stored tree that something in it can fail: of a column of a subquery, what that is made of, since the
// server may compute it where the column stands.
func (l *lineageReader) mayFail(n *stored, at *storedLevel, depth int) bool {
	fails := depth > 50
	n.walk(func(k *stored) bool {
		switch {
		case fails:
		case k.tag == "VAR":
			fails = l.columnMayFail(k, at, depth+1)
		default:
			fails = !l.total.node(k)
		}
		return !fails && k.tag != "VAR"
	})
	return fails
}

// columnMayFail is mayFail for a column reference. In doubt it may.
func (l *lineageReader) columnMayFail(v *stored, at *storedLevel, depth int) bool {
	up, ok := v.number("varlevelsup")
	number, itemOK := v.number("varno")
	column, columnOK := v.number("varattno")
	for ; up > 0 && at != nil; up-- {
		at = at.outer
	}
	if !ok || !itemOK || !columnOK || at == nil || number < 1 || number > len(at.items) {
		return true
	}
	item := at.items[number-1]
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
	return l.mayFail(expressions[column-1], in, depth)
}
