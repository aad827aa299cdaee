package pgsql

import (
	"slices"
	"strings"
)

// groupByKey extends GROUP BY on a replaced relation's primary key by the columns that the level uses besides: from a
// subquery Postgres can't tell that they depend on the key. People and ORMs rely on it.
func (j *judge) groupByKey(sc *scope) {
	groups := sc.query.list("group_clause")
	for _, g := range groups {
		if g.is("GroupingSet") {
			return
		}
	}
	for _, it := range sc.items {
		if it.replaced && len(groups) > 0 && len(it.relation.Key) > 0 {
			j.extendGroups(sc, it, groups)
		}
	}
}

func (j *judge) extendGroups(sc *scope, it *item, groups []*node) {
	grouped := map[string]bool{}
	var place *node
	for _, g := range groups {
		if parts, star := reference(g); g.is("ColumnRef") && !star && refersTo(it, parts) {
			grouped[parts[len(parts)-1]] = true
			if place == nil {
				place = g
			}
		}
	}
	for _, k := range it.relation.Key {
		if !grouped[k] {
			return
		}
	}
	var more strings.Builder
	for _, c := range it.columns {
		column := it.relation.column(c)
		if column != nil && column.Sortable && !grouped[c] && j.mentions(sc, it, c) {
			more.WriteString(quoteIdent(it.name) + "." + quoteIdent(c) + ", ")
		}
	}
	if place != nil && more.Len() > 0 {
		j.edit(place.loc, place.loc, more.String())
	}
}

// refersTo says whether a reference means a column of the item, by its name alone or qualified.
func refersTo(it *item, parts []string) bool {
	return has(it.columns, parts[len(parts)-1]) && (len(parts) == 1 || parts[len(parts)-2] == it.name)
}

// mentions says whether a level uses a column outside GROUP BY and WHERE.
func (j *judge) mentions(sc *scope, it *item, column string) bool {
	names := func(k *node) bool {
		if !k.is("ColumnRef") {
			return false
		}
		parts, star := reference(k)
		whole := star && (len(parts) == 0 || parts[len(parts)-1] == it.name)
		row := !star && len(parts) == 1 && parts[0] == it.name
		return whole || row || !star && parts[len(parts)-1] == column && refersTo(it, parts)
	}
	for _, f := range []string{"target_list", "having_clause", "sort_clause", "distinct_clause"} {
		if slices.ContainsFunc(sc.query.list(f), func(n *node) bool { return n.contains(names) }) {
			return true
		}
	}
	return false
}
