package pgsql

import "strings"

// Names inside a projection of filtered rows.
const rowsAlias = `"hoop_r"`

// filteredProjection is what stands in the place of a relation whose rows are filtered. The rows that are left are put into an array,
// before anything of the statement's own is computed, and come out of it in an order of their own. So no condition can be asked of a
// hidden row, and Postgres plans the rest of the statement over the array, of which it guesses ten rows whatever the relation holds.
func filteredProjection(r *Relation, masks map[string]ColumnMask, filters []Condition, only, keyed bool) string {
	var values, columns, names, order []string
	for _, c := range r.Columns {
		if !c.Readable {
			continue
		}
		value := "CAST(" + insideAlias + "." + quoteIdent(c.Name) + " AS " + c.Type + ")"
		if mask, masked := masks[c.Name]; masked {
			value = maskExpression(c, mask.As, false, nil)
		}
		values = append(values, value)
		columns = append(columns, quoteIdent(c.Name)+" "+c.Type+collate(c))
		names = append(names, rowsAlias+"."+quoteIdent(c.Name))
		order = append(order, byText(value))
	}
	if key := keyOrder(r, masks, keyed); key != nil {
		order = key
	}
	var b strings.Builder
	b.WriteString("(SELECT " + strings.Join(names, ", ") + " FROM pg_catalog.unnest(ARRAY(SELECT ROW(" + strings.Join(values, ", ") + ") FROM ")
	if only {
		b.WriteString("ONLY ")
	}
	b.WriteString(quoteIdent(r.Schema) + "." + quoteIdent(r.Name) + " AS " + insideAlias + " WHERE " + rowCondition(filters, insideAlias))
	if r.RowCheck {
		b.WriteString(" AND " + rowCheck(r))
	}
	b.WriteString(" ORDER BY " + strings.Join(order, ", ") + ")) AS " + rowsAlias + "(" + strings.Join(columns, ", ") + "))")
	return b.String()
}

// keyOrder orders by the primary key, where no two rows have the same and all of it is shown; else it is nil.
func keyOrder(r *Relation, masks map[string]ColumnMask, keyed bool) []string {
	var out []string
	for _, name := range r.Key {
		if _, masked := masks[name]; masked || !keyed || r.column(name) == nil || !r.column(name).Readable {
			return nil
		}
		out = append(out, insideAlias+"."+quoteIdent(name))
	}
	return out
}
