package pgsql

// scope is one level of a query: what column names and CTE names can mean there.
type scope struct {
	outer *scope
	ctes  *cteList
	items []*item
	// target is what a data-modifying statement writes to; it is also one of the items.
	target *item
	query  *node
	hides  bool // a join of this level has an alias, and hides the names of what it joins
}

// cteList is the chain of CTE names in force, innermost first.
type cteList struct {
	name string
	next *cteList
}

func (c *cteList) has(name string) bool {
	for ; c != nil; c = c.next {
		if c.name == name {
			return true
		}
	}
	return false
}

func (s *scope) visible() *cteList {
	if s == nil {
		return nil
	}
	return s.ctes
}

// item is one thing that column names of a level can refer to.
type item struct {
	name     string
	schema   string // of an unaliased relation: columns may be written schema.relation.column
	aliased  bool
	node     *node
	relation *Relation
	object   string   // "schema.relation" of what it reads itself
	columns  []string // as they are called here; nil where they aren't known
	outputs  []string // of a subquery, some of its columns' names
	masks    map[string]ColumnMask
	replaced bool // reads masks: its relation stands inside a projection
}

// query judges a SELECT, INSERT, UPDATE, DELETE or MERGE with all its parts.
func (j *judge) query(n *node, outer *scope, ctes *cteList) {
	sc := &scope{outer: outer, ctes: ctes, query: n}
	part := j.part
	defer func() { j.part = part }()
	if with := n.child("with_clause"); with != nil {
		sc.ctes = j.with(with, sc)
	}
	if n.is("SelectStmt") {
		j.selectStmt(n, sc)
		return
	}
	j.dataChange(n, sc)
}

// with judges the CTEs and answers the names that the statement's body sees.
func (j *judge) with(with *node, sc *scope) *cteList {
	all := sc.ctes
	for _, cte := range with.list("ctes") {
		all = &cteList{name: cte.text("ctename"), next: all}
	}
	seen := sc.ctes
	for _, cte := range with.list("ctes") {
		inside := seen
		if with.flag("recursive") {
			inside = all
		}
		j.part = ""
		if q := cte.child("ctequery"); q != nil {
			j.query(q, sc.outer, inside)
		}
		for _, f := range []string{"search_clause", "cycle_clause"} {
			if clause := cte.child(f); clause != nil {
				j.expr(clause, sc)
			}
		}
		seen = &cteList{name: cte.text("ctename"), next: seen}
	}
	return all
}

func (j *judge) selectStmt(n *node, sc *scope) {
	if into := n.child("into_clause"); into != nil {
		j.into(into)
	}
	before := j.maskedUses
	for _, side := range []string{"larg", "rarg"} {
		if q := n.child(side); q != nil {
			j.part = ""
			j.query(q, sc.outer, sc.ctes)
		}
	}
	if n.child("larg") != nil && j.maskedUses > before {
		j.blankRows(n) // UNION, INTERSECT and EXCEPT compare rows
	}
	for _, f := range n.list("from_clause") {
		j.from(f, sc, nil)
	}
	j.checkNames(sc)
	j.rest(n, sc, "with_clause", "into_clause", "larg", "rarg", "from_clause")
	j.groupByKey(sc)
}

// rest walks all fields of a query but those that were walked before.
func (j *judge) rest(n *node, sc *scope, done ...string) {
	blurs := j.blurs
	n.each(func(field string, kid *node) {
		for _, d := range done {
			if d == field {
				return
			}
		}
		j.part, j.blurs = field, blurs || field == "where_clause" && sc.target != nil
		if kid.is("LockingClause") {
			j.locked(kid, sc)
			return
		}
		j.expr(kid, sc)
	})
	j.part, j.blurs = "", blurs
}

// from judges an item of FROM, USING or MERGE's source. sample is the TABLESAMPLE around a relation.
func (j *judge) from(n *node, sc *scope, sample *node) {
	j.part = "from"
	switch tagOf(n) {
	case "RangeVar":
		j.fromRelation(n, sc, sample)
	case "RangeTableSample":
		j.from(n.child("relation"), sc, n)
		for _, arg := range n.list("args") {
			j.expr(arg, sc)
		}
		if r := n.child("repeatable"); r != nil {
			j.expr(r, sc)
		}
		if parts, _ := stringsOf(n.list("method")); len(parts) != 1 || parts[0] != "bernoulli" && parts[0] != "system" {
			j.foreignCode(Execute, "sampling method")
		}
	case "JoinExpr":
		j.join(n, sc)
	case "RangeSubselect":
		outer := sc.outer
		if n.flag("lateral") {
			outer = sc
		}
		if q := n.child("subquery"); q != nil {
			j.part = ""
			j.query(q, outer, sc.ctes)
		}
		it := aliasItem(n)
		it.outputs = outputs(n.child("subquery"), n.child("alias"))
		sc.items = append(sc.items, it)
	case "RangeFunction", "RangeTableFunc", "JsonTable":
		if n.is("JsonTable") {
			j.laterSyntax()
		}
		n.each(func(_ string, kid *node) { j.expr(kid, sc) })
		sc.items = append(sc.items, aliasItem(n))
	default:
		j.add(Unknown, "")
	}
}

func aliasItem(n *node) *item {
	return &item{name: n.child("alias").text("aliasname"), aliased: true, node: n}
}

func (j *judge) join(n *node, sc *scope) {
	j.from(n.child("larg"), sc, nil)
	j.from(n.child("rarg"), sc, nil)
	j.part = "join"
	if quals := n.child("quals"); quals != nil {
		j.expr(quals, sc)
	}
	if using := n.list("using_clause"); len(using) > 0 || n.flag("is_natural") {
		j.operator("", "=")
		parts, _ := stringsOf(using)
		j.warnJoin(sc, parts, n.flag("is_natural"))
	}
	sc.hides = sc.hides || n.child("alias") != nil
	for _, f := range []string{"alias", "join_using_alias"} {
		if n.child(f) != nil {
			sc.items = append(sc.items, &item{name: n.child(f).text("aliasname"), aliased: true, node: n})
		}
	}
}

func (j *judge) fromRelation(n *node, sc *scope, sample *node) {
	j.seen[n] = struct{}{}
	it := &item{name: n.text("relname"), node: n}
	if alias := n.child("alias"); alias != nil {
		it.name, it.aliased = alias.text("aliasname"), true
	}
	sc.items = append(sc.items, it)
	if n.text("schemaname") == "" && n.text("catalogname") == "" && sc.ctes.has(n.text("relname")) {
		return
	}
	found := j.lookup(n)
	j.noteSplit(found.relation)
	if c := j.env.Catalog; c != nil && found.relation != nil {
		for _, code := range c.readingCode(found.relation) {
			j.st.Reviewed = false
			j.note(code)
		}
	}
	j.refuseChecked(n, found.relation)
	it.relation = found.relation
	if !it.aliased {
		it.schema = schemaOf(found)
	}
	if found.relation != nil {
		it.columns = callColumns(found.relation, n.child("alias"))
	}
	if found.system != "" {
		j.readSystem(n, found)
	} else {
		it.object = found.object
		j.add(Read, found.object)
	}
	if !j.masks {
		j.qualify(n, found)
		return
	}
	j.mask(n, it, found, sample)
}

func schemaOf(found name) string {
	if found.relation != nil {
		return found.relation.Schema
	}
	return ""
}

// callColumns are a relation's columns by the names that an alias gives them.
func callColumns(r *Relation, alias *node) []string {
	given, _ := stringsOf(alias.list("colnames"))
	var out []string
	for _, c := range r.Columns {
		if !c.Readable {
			continue
		}
		if len(out) < len(given) {
			out = append(out, given[len(out)])
			continue
		}
		out = append(out, c.Name)
	}
	return out
}

func (j *judge) readSystem(n *node, found name) {
	j.refuseUntold(n, found.object)
	j.add(found.system, found.object)
	if found.system != Read && j.masks {
		j.refuseAt(n, Problem{SQLState: "42501", Rule: "mask", Message: found.object + " can't be read where columns are masked for you: it may hold their values", Hint: "Ask somebody for whom nothing is masked."})
	}
}

// find is the item that a qualified reference names, at this level or further out.
func (s *scope) find(parts []string) *item {
	if len(parts) < 2 {
		return nil
	}
	table := parts[len(parts)-2]
	for ; s != nil; s = s.outer {
		for _, it := range s.items {
			if it.name == table && (len(parts) < 3 || it.schema == parts[len(parts)-3]) {
				return it
			}
		}
	}
	return nil
}

func has(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
