package pgsql

// locked adds the write that FOR UPDATE and its like are: they keep others from writing, and need the right to.
func (j *judge) locked(n *node, sc *scope) {
	named := map[string]bool{}
	for _, rv := range n.list("locked_rels") {
		named[rv.text("relname")] = true
	}
	for _, it := range sc.items {
		if len(named) > 0 && !named[it.name] {
			continue
		}
		if it.object != "" {
			j.add(Write, it.object)
		}
		j.refuseLocking(n, it.relation)
		it.node.child("subquery").walk(func(k *node) bool { // the rows of a subquery are locked where they come from
			if k.is("RangeVar") && (k.text("schemaname") != "" || !sc.ctes.has(k.text("relname"))) {
				found := j.names.relation(k.text("schemaname"), k.text("relname"))
				j.add(Write, found.object)
				j.refuseLocking(n, found.relation)
			}
			return true
		})
	}
}
