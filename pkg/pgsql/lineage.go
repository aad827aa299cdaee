package pgsql

import "slices"

// lineage says where the columns of a view come from, and which columns decide what rows it has.
type lineage struct {
	columns [][]source // by the view's column numbers, from 1
	uses    []columnUse
	reads   map[uint32]bool // every relation that its definition reads itself
	again   map[uint32]bool // those that it reads more than once
}

func newLineage() *lineage {
	return &lineage{reads: map[uint32]bool{}, again: map[uint32]bool{}}
}

// source is a column that a value is made of. Column 0 is the whole row, or a system column of it.
type source struct {
	relation uint32
	column   int16
	plain    bool // the value is that column's own, and not computed from it
}

// columnUse is a use of a column that shows in more than the value of one output column.
type columnUse struct {
	source
	how string // in words, before the column's name: "filters or joins by"
	// fails: only computing the value tells of it, by an error. A materialised view has computed it before.
	fails bool
}

// How a definition uses a column.
const (
	usedInConditions = "filters or joins by"
	usedInOrder      = "sorts, groups or removes repeats by"
	usedInAggregates = "aggregates"
	usedInFrom       = "reads rows out of"
	usedInSets       = "compares rows by"
	usedInRecursion  = "repeats itself over"
	usedInValues     = "computes, by what can fail, from"
)

// lineageOf reads the stored rule of a view, by the column lineage of its analysed tree: names are resolved in it.
// It answers nil where anything in it is not known here: such a view can't be seen through. computed says of a column of a relation
// that it stands for an expression, which may fail.
func lineageOf(view uint32, rule *stored, total totalFunctions, computed func(relation uint32, column int16) bool) *lineage {
	l := &lineageReader{view: view, total: total, computed: computed, out: newLineage()}
	if rule == nil || len(rule.items) != 1 || rule.items[0].tag != "QUERY" {
		return nil
	}
	l.out.columns = l.query(rule.items[0], nil)
	if l.lost {
		return nil
	}
	return l.out
}

// lineageReader walks a stored query tree.
type lineageReader struct {
	view  uint32
	total totalFunctions
	// computed says of a column of a relation that it stands for an expression; nil where none does.
	computed func(relation uint32, column int16) bool
	out      *lineage
	lost     bool // something in it is not known here
	depth    int
	steps    int
	noted    map[columnUse]bool     // what is in out.uses
	queries  map[*stored]*queryRead // the queries in it, which are read once
	// fails and partFails say of columns and parts that were asked for that they may fail.
	fails     map[itemColumn]bool
	partFails map[*stored]bool
}

// queryRead is a query that was read: one in an expression is asked for more than once.
type queryRead struct {
	columns [][]source
	again   bool
}

// maxLineageSteps bounds the work on one definition: some are small and still take as long as their parts' product. What needs more is not
// known. A definition of the greatest size has about a tenth as many parts.
const maxLineageSteps = 10_000_000

// step counts work, and says whether there is reason to go on.
func (l *lineageReader) step(n int) bool {
	l.steps += n
	l.lost = l.lost || l.steps > maxLineageSteps
	return l.steps <= maxLineageSteps
}

// storedLevel is one query of a stored tree, with the columns of what stands in its FROM.
type storedLevel struct {
	outer *storedLevel
	items []*stored
	known map[int][][]source // columns of subqueries, by their place in items
	ctes  map[string][][]source
	// columns are the sources of columns that were asked for.
	columns map[itemColumn][]source
}

// use notes columns that show in more than one output column's value.
func (l *lineageReader) use(how string, sources []source) {
	for _, s := range sources {
		u := columnUse{source: source{relation: s.relation, column: s.column}, how: how, fails: how == usedInValues}
		if l.noted[u] {
			continue
		}
		if l.noted == nil {
			l.noted = map[columnUse]bool{}
		}
		l.noted[u] = true
		l.out.uses = append(l.out.uses, u)
	}
}

// query answers the sources of a query's output columns.
func (l *lineageReader) query(q *stored, outer *storedLevel) [][]source {
	if l.depth++; l.depth > 200 || q.text("commandType") != "1" {
		l.lost = true
	}
	defer func() { l.depth-- }()
	if l.lost {
		return nil
	}
	if l.queries[q] != nil {
		l.readAgain(q)
		return l.queries[q].columns
	}
	at := &storedLevel{outer: outer, items: q.in("rtable"), known: map[int][][]source{}, ctes: map[string][][]source{}}
	l.withs(q, at)
	for i, item := range at.items {
		l.item(i, item, at)
	}
	q.each(func(field string, part *stored) {
		how := usedInConditions
		switch field {
		case "rtable", "cteList", "targetList", "setOperations":
			return
		case "groupClause", "groupingSets", "windowClause", "distinctClause", "sortClause":
			how = usedInOrder
		}
		l.use(how, l.below(part, at))
	})
	columns := l.targets(q, at)
	if l.queries == nil {
		l.queries = map[*stored]*queryRead{}
	}
	l.queries[q] = &queryRead{columns: columns}
	return columns
}

// readAgain notes that what a query reads is read more than once.
func (l *lineageReader) readAgain(q *stored) {
	q.walk(func(k *stored) bool {
		if k.tag == "QUERY" {
			read := l.queries[k]
			if read == nil || read.again {
				return false
			}
			read.again = true
		}
		if oid, ok := k.number("relid"); ok && k.text("rtekind") == itemRelation && uint32(oid) != l.view {
			l.out.again[uint32(oid)] = true
		}
		return true
	})
}

// withs reads the CTEs. Of a recursive one, every column in it decides what rows there are.
func (l *lineageReader) withs(q *stored, at *storedLevel) {
	for _, cte := range q.in("cteList") {
		name := cte.text("ctename")
		if cte.text("cterecursive") != "false" {
			at.ctes[name] = make([][]source, len(cte.in("ctecolnames"))) // what it is made of is a use
		}
		columns := l.query(cte.get("ctequery"), at)
		if cte.text("cterecursive") != "false" {
			for _, c := range columns {
				l.use(usedInRecursion, c)
			}
			columns = make([][]source, len(columns))
		}
		at.ctes[name] = columns
	}
}

// The kinds of items in a stored FROM, as the server numbers them.
const (
	itemRelation = "0"
	itemSubquery = "1"
	itemJoin     = "2"
	itemFunction = "3"
	itemTable    = "4" // XMLTABLE and JSON_TABLE
	itemValues   = "5"
	itemCTE      = "6"
	itemResult   = "8"
	itemGroup    = "9"
)

// item reads one item of FROM.
func (l *lineageReader) item(i int, item *stored, at *storedLevel) {
	kind := item.text("rtekind")
	switch kind {
	case itemRelation:
		oid, ok := item.number("relid")
		if !ok {
			l.lost = true
		}
		if uint32(oid) != l.view { // servers before 18 keep old and new of the rule
			l.out.again[uint32(oid)] = l.out.reads[uint32(oid)]
			l.out.reads[uint32(oid)] = true
		}
	case itemSubquery:
		at.known[i] = l.query(item.get("subquery"), at)
	case itemJoin, itemFunction, itemTable, itemValues, itemCTE, itemResult, itemGroup:
	default:
		l.lost = true
	}
	item.each(func(field string, part *stored) {
		switch {
		case kind == itemSubquery && field == "subquery", kind == itemJoin && field == "joinaliasvars", kind == itemGroup && field == "groupexprs":
		default:
			l.use(usedInFrom, l.below(part, at))
		}
	})
}

// targets answers the sources of each output column.
func (l *lineageReader) targets(q *stored, at *storedLevel) [][]source {
	var out [][]source
	sets := q.get("setOperations")
	var united [][]source
	if sets != nil {
		united = l.united(sets, at)
	}
	for _, t := range q.in("targetList") {
		number, ok := t.number("resno")
		sources := l.value(t.get("expr"), at)
		if sets != nil && ok && number > 0 && number <= len(united) {
			sources = united[number-1]
		}
		if t.text("ressortgroupref") != "0" {
			l.use(usedInOrder, sources)
		}
		if t.text("resjunk") != "false" {
			continue
		}
		out = append(out, sources)
		l.lost = l.lost || !ok || number != len(out)
	}
	l.lost = l.lost || sets != nil && len(out) != len(united)
	return out
}

// united answers the sources of the columns of a UNION and its like. All but UNION ALL compare what they unite.
func (l *lineageReader) united(n *stored, at *storedLevel) [][]source {
	if n == nil {
		l.lost = true
		return nil
	}
	if n.tag == "RANGETBLREF" {
		i, ok := n.number("rtindex")
		columns, known := at.known[i-1]
		l.lost = l.lost || !ok || !known
		return columns
	}
	left, right := l.united(n.get("larg"), at), l.united(n.get("rarg"), at)
	if l.lost = l.lost || n.tag != "SETOPERATIONSTMT" || len(left) != len(right); l.lost {
		return nil
	}
	out := make([][]source, len(left))
	for i := range left {
		out[i] = once(append(slices.Clone(left[i]), right[i]...))
		l.step(len(out[i]))
		if n.text("op") != "1" || n.text("all") != "true" {
			l.use(usedInSets, out[i])
		}
	}
	return out
}
