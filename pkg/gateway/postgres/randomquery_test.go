package postgres_test

import (
	"fmt"
	"strings"
)

// query writes a SELECT or its like. Where it is ordered, every row has its place.
func (w *writer) query(ordered bool) string {
	return w.inside(w.depth > 0 && w.chance(40), func() string {
		with := ""
		if w.depth < 3 && w.chance(12) {
			with = w.with()
		}
		switch n := w.IntN(100); {
		case n < 10 && w.depth < 4:
			return with + w.union()
		case n < 13:
			return with + "TABLE " + w.relation().name
		case n < 15:
			return with + "VALUES (" + w.expression(text) + ", " + w.expression(whole) + ")"
		}
		body, order := w.selection(ordered)
		return with + body + order
	})
}

func (w *writer) with() string {
	name := w.name("c")
	columns := []column{{"x", text}, {"y", whole}}
	inner := w.inside(false, func() string {
		from := w.fromClause(1 + w.IntN(2))
		return "SELECT " + w.expression(text) + " AS x, " + w.expression(whole) + " AS y FROM " + from + w.where()
	})
	w.ctes = append(w.ctes[:len(w.ctes):len(w.ctes)], relation{name, "y", columns, nil, nil})
	if w.chance(15) {
		r := w.name("c")
		w.ctes = append(w.ctes[:len(w.ctes):len(w.ctes)], relation{r, "y", columns, nil, nil})
		return "WITH RECURSIVE " + name + " AS (" + inner + "), " + r + "(x, y) AS (SELECT x, 1 FROM " + name + w.one(" UNION ", " UNION ALL ") + "SELECT " + w.one("x", "lower(x)", "x || 'z'") + ", y + 1 FROM " + r + " WHERE y < 3) "
	}
	return "WITH " + name + " AS " + w.one("", "MATERIALIZED ", "NOT MATERIALIZED ") + "(" + inner + ") "
}

// union writes two queries of one column each.
func (w *writer) union() string {
	k := kind(w.IntN(3))
	side := func() string {
		return w.inside(false, func() string {
			from := w.fromClause(1)
			return "SELECT " + w.expression(k) + " AS u FROM " + from + w.where()
		})
	}
	return side() + w.one(" UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT ", " EXCEPT ALL ") + side() + " ORDER BY 1"
}

// selection writes one SELECT, and its ORDER BY apart.
func (w *writer) selection(ordered bool) (body, order string) {
	from := w.fromClause(1 + w.IntN(3)/2 + w.IntN(5)/4)
	where := w.where()
	if w.chance(22) {
		return w.grouped(from, where)
	}
	var items []string
	for range 1 + w.IntN(3) {
		items = append(items, w.item())
	}
	distinct := ""
	if w.chance(10) {
		distinct = "DISTINCT "
		if w.chance(40) {
			by := w.varied(kind(w.IntN(3)))
			return "SELECT DISTINCT ON (" + by + ") " + strings.Join(items, ", ") + " FROM " + from + where, " ORDER BY " + by + ", " + w.every()
		}
	}
	body = "SELECT " + distinct + strings.Join(items, ", ") + " FROM " + from + where
	if distinct == "" && ordered {
		if w.chance(40) {
			order = " ORDER BY " + w.varied(kind(w.IntN(4))) + w.one("", " DESC", " NULLS FIRST") + ", " + w.every()
			order += w.one("", " LIMIT 2", " OFFSET 1", " FETCH FIRST 3 ROWS ONLY")
		}
		if w.chance(4) && w.depth == 1 {
			order += w.one(" FOR UPDATE", " FOR SHARE", " FOR KEY SHARE")
		}
	}
	return body, order
}

// every names the whole rows of a level as texts, so that an order leaves nothing open.
func (w *writer) every() string {
	var out []string
	for _, r := range w.from {
		out = append(out, r.name+"::text")
	}
	return strings.Join(out, ", ")
}

// varied is an expression that is no bare constant: that would be a place in the select list.
func (w *writer) varied(k kind) string {
	for {
		if e := w.expression(k); strings.ContainsAny(e, "(t") {
			return e
		}
	}
}

// item is one thing in a select list.
func (w *writer) item() string {
	switch n := w.IntN(100); {
	case n < 10:
		return w.from[w.IntN(len(w.from))].name + ".*"
	case n < 14:
		r := w.from[w.IntN(len(w.from))].name
		return w.one(r+"::text", "row_to_json("+r+")", "to_jsonb("+r+")", "("+r+".*)::text", r)
	case n < 22:
		if c := w.columnOf(other); c != "" {
			return c
		}
	case n < 30:
		return w.window()
	}
	return w.expression(kind(w.IntN(5))) + w.one("", "", " AS "+w.name("x"))
}

func (w *writer) window() string {
	over := " OVER (" + w.one("", "PARTITION BY "+w.expression(kind(w.IntN(3)))+" ") + "ORDER BY " + w.expression(kind(w.IntN(4))) + ", " + w.every() + w.one("", "", " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW") + ")"
	return w.one("row_number()", "rank()", "ntile(2)", "lag("+w.expression(text)+")", "first_value("+w.expression(whole)+")", "count("+w.expression(text)+")", "sum("+w.expression(number)+")", "max("+w.expression(text)+")") + over
}

func (w *writer) grouped(from, where string) (body, order string) {
	by := w.varied(kind(w.IntN(4)))
	group := " GROUP BY " + by
	if w.chance(20) {
		group = " GROUP BY " + w.one("CUBE ("+by+")", "ROLLUP ("+by+")", "GROUPING SETS (("+by+"), ())")
	}
	if w.chance(15) { // the key, with what depends on it
		r := w.from[0]
		group, by = " GROUP BY "+r.name+"."+r.key, r.name+"."+r.columns[w.IntN(len(r.columns))].name
		order = ", " + r.name + "." + r.key
	}
	if w.chance(20) {
		group, by = "", "1"
	}
	items := []string{by}
	for range 1 + w.IntN(2) {
		items = append(items, w.aggregate())
	}
	if w.chance(25) {
		group += " HAVING " + w.aggregate() + w.one(" IS NOT NULL", " IS NULL")
	}
	if order == "" && group != "" && w.chance(90) {
		order = " ORDER BY 1"
	} else if order != "" {
		order = " ORDER BY 1" + order
	}
	return "SELECT " + strings.Join(items, ", ") + " FROM " + from + where + group, order
}

func (w *writer) aggregate() string {
	out := w.one("count(*)", "count("+w.expression(text)+")", "count(DISTINCT "+w.expression(text)+")", "min("+w.expression(text)+")", "max("+w.expression(number)+")", "sum("+w.expression(whole)+")",
		"avg("+w.expression(number)+")", "bool_or("+w.expression(truth)+")", "string_agg("+w.expression(text)+", ',' ORDER BY "+w.every()+")", "array_agg("+w.expression(whole)+" ORDER BY "+w.every()+")",
		"json_agg("+w.from[0].name+" ORDER BY "+w.every()+")::text")
	if w.chance(15) && !strings.Contains(out, "::text") {
		out += " FILTER (WHERE " + w.expression(truth) + ")"
	}
	return out
}

func (w *writer) where() string {
	if w.chance(55) {
		return " WHERE " + w.expression(truth)
	}
	return ""
}

// fromClause writes n items of FROM and puts them in scope.
func (w *writer) fromClause(n int) string {
	out := w.fromItem()
	for range n - 1 {
		left := w.from[len(w.from)-1]
		switch w.IntN(5) {
		case 0:
			out += ", " + w.fromItem()
		case 1:
			out += " CROSS JOIN " + w.fromItem()
		case 2:
			before := len(w.from)
			item := w.fromItem()
			if right := w.from[len(w.from)-1]; before > 0 && hasColumn(left, "id") && hasColumn(right, "id") && w.chance(50) && n == 2 {
				out += w.one(" JOIN ", " LEFT JOIN ", " FULL JOIN ") + item + " USING (id)"
			} else {
				out += " LEFT JOIN " + item + " ON " + w.expression(truth)
			}
		default:
			out += w.one(" JOIN ", " LEFT JOIN ", " RIGHT JOIN ") + w.fromItem() + " ON " + w.expression(truth)
		}
	}
	return out
}

func hasColumn(r relation, name string) bool {
	for _, c := range r.columns {
		if c.name == name {
			return true
		}
	}
	return false
}

func (w *writer) fromItem() string {
	as := w.name("t")
	add := func(key string, columns []column) { w.from = append(w.from, relation{as, key, columns, nil, nil}) }
	switch n := w.IntN(100); {
	case n < 10 && len(w.ctes) > 0:
		c := w.ctes[w.IntN(len(w.ctes))]
		add(c.key, c.columns)
		return c.name + " AS " + as
	case n < 20 && w.depth < 4:
		lateral, word := len(w.from) > 0 && w.chance(60), ""
		if lateral {
			word = "LATERAL "
		}
		inner := w.inside(lateral, func() string {
			from := w.fromClause(1)
			return "SELECT " + w.expression(text) + " AS x, " + w.expression(whole) + " AS y, " + w.expression(number) + " AS z FROM " + from + w.where()
		})
		add("y", []column{{"x", text}, {"y", whole}, {"z", number}})
		return word + "(" + inner + ") AS " + as
	case n < 25 && len(w.from) > 0:
		f := w.one("generate_series(1, ("+w.expression(whole)+") % 5) AS @(y)", "regexp_split_to_table("+w.expression(text)+", '-') AS @(x)", "jsonb_each_text(to_jsonb("+w.from[0].name+")) AS @(x, k)")
		columns := []column{{"x", text}}
		if strings.Contains(f, "(y)") {
			columns = []column{{"y", whole}}
		}
		out := strings.Replace(f, "AS @(", "AS "+as+"(", 1)
		add(columns[0].name, columns)
		return out
	}
	r := w.relation()
	add(r.key, r.columns)
	if w.chance(4) {
		return "ONLY " + r.name + " AS " + as
	}
	if w.chance(3) && !strings.Contains(r.name, "v_") {
		return r.name + " AS " + as + " TABLESAMPLE " + w.one("bernoulli", "system") + " (100) REPEATABLE (1)"
	}
	return w.one("", "", "public.") + r.name + " AS " + as
}

// scalar is a subquery that answers one value at most.
func (w *writer) scalar(k kind) string {
	return "(" + w.inside(w.chance(60), func() string {
		outer := w.from
		w.from = nil
		from := w.fromClause(1)
		own := w.from
		w.from = append(own[:len(own):len(own)], outer...)
		where := w.where()
		value := w.expression(k)
		w.from = own
		return fmt.Sprintf("SELECT %s FROM %s%s ORDER BY %s LIMIT 1", value, from, where, w.every())
	}) + ")"
}
