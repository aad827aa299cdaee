package pgsql

import (
	"encoding/json"
	"slices"
	"strings"
)

// marker stands in the error that a projection raises when its relation is no longer what the catalog snapshot says.
const marker = "hoop_catalog_changed"

// IsMarker says whether an error of the target is that one: then the catalog must be read again before anything else is sent.
// The message is the target's, in whatever language; the marker in it is ours.
func IsMarker(sqlstate, message string) bool {
	return sqlstate == "22P02" && strings.Contains(message, marker)
}

// Names inside a projection. Columns are always qualified with them, so that a name which is gone can't mean an outer one.
const (
	insideAlias = `"hoop_m"`
	checkAlias  = `"hoop_c"`
)

// projection is what stands in the place of a relation with masked columns: a subquery of the columns that may be read, in
// order, with their exact types, and masks in the place of masked values. sample is the TABLESAMPLE clause that moves inside.
// Where a masked column would decide the order of the rows, they get one of their own. What is read ahead is read by no workers.
func (m *Masks) projection(r *Relation, masks map[string]ColumnMask, only bool, sample string, uncounted, ahead bool) string {
	led := m.led[r.OID]
	outside, _ := m.outside(r)
	sorted := m.sorted(r)
	var b strings.Builder
	var order, conditions []string
	b.WriteString("(SELECT ")
	first, hides := true, uncounted && !ahead && r.wholeRow()
	for _, c := range r.Columns {
		if !c.Readable {
			continue
		}
		if !first {
			b.WriteString(", ")
		}
		first = false
		if mask, masked := masks[c.Name]; masked {
			value := maskExpression(c, mask.As, hides, led)
			order = append(order, byText(value))
			b.WriteString(value + " AS " + quoteIdent(c.Name))
			continue
		}
		order = append(order, byText(insideAlias+"."+quoteIdent(c.Name)))
		b.WriteString(plain(c, led))
		if led[c.Name] {
			b.WriteString(" AS " + quoteIdent(c.Name))
		}
	}
	b.WriteString(" FROM ")
	if only {
		b.WriteString("ONLY ")
	}
	b.WriteString(quoteIdent(r.Schema) + "." + quoteIdent(r.Name) + " AS " + insideAlias)
	if sample != "" {
		b.WriteString(" " + sample)
	}
	if outside != "" {
		conditions = append(conditions, outside)
	}
	if ahead {
		conditions = append(conditions, serial)
	}
	if r.RowCheck && r.Kind != 'S' && !systemSchema(r.Schema) {
		conditions = append(conditions, rowCheck(r))
	}
	if len(conditions) > 0 {
		b.WriteString(" WHERE " + strings.Join(conditions, " AND "))
	}
	if sorted || m.ordered[r.OID] {
		b.WriteString(" ORDER BY " + strings.Join(order, ", "))
	}
	if sorted || uncounted && !hides {
		b.WriteString(" OFFSET 0")
	}
	b.WriteString(")")
	return b.String()
}

// byText orders by what is shown: rows that are equal by it are the same to who reads them.
func byText(expression string) string {
	return "CAST(" + expression + ` AS pg_catalog.text) COLLATE pg_catalog."C"`
}

// maskText is what a masked value shows.
const maskText = "***"

// wholeRow says whether a relation's whole row can stand in a query, and is more to the planner than its columns. All virtual columns
// are computed for it, those too that fail for reasons which are masked.
func (r *Relation) wholeRow() bool {
	return r.Kind != 'v' && !slices.ContainsFunc(r.Columns, func(c Column) bool { return !c.Readable || c.Virtual })
}

// maskExpression is what a masked column shows, of the column's own type. Where it hides the column from the planner, the column
// is taken out of the whole row, which has no statistics: the number of a column's different values would decide how what is grouped
// by it comes out.
func maskExpression(c Column, as MaskAs, hides bool, led map[string]bool) string {
	null := "CAST(NULL AS " + c.Type + ")"
	if as == ofTables {
		return countMask(c)
	}
	if (ColumnMask{As: as}).hides(c) {
		return null + collate(c)
	}
	column := plain(c, led)
	if hides {
		column = "(COALESCE(" + insideAlias + ".*, " + insideAlias + ".*))." + quoteIdent(c.Name)
	}
	shown := "CAST('" + maskText + "' AS " + c.Type + ")"
	if as == Last4 && (c.Holds < 0 || c.Holds >= len(maskText)+4) {
		text := "CAST(" + column + " AS pg_catalog.text)"
		shown = "CASE WHEN pg_catalog.length(" + text + ") OPERATOR(pg_catalog.>) 7 THEN CAST(pg_catalog.textcat('" + maskText +
			"', pg_catalog.right(" + text + ", 4)) AS " + c.Type + ") ELSE " + shown + " END"
	}
	return "CASE WHEN " + column + " IS NULL THEN " + null + " ELSE " + shown + " END" + collate(c)
}

// hides says of a column's mask that it does not even show whether there is a value.
func (m ColumnMask) hides(c Column) bool {
	return m.As == Null || c.Holds == 0 || c.Holds > 0 && c.Holds < len(maskText)
}

func collate(c Column) string {
	if c.Collation == "" {
		return ""
	}
	return " COLLATE " + c.Collation
}

// rowCheck compares, when the statement runs and under the lock that its parse took, the relation's columns with those that
// the projection was made for, and raises the marker where they differ. It runs once a statement.
func rowCheck(r *Relation) string {
	names := make([]string, 0, len(r.Columns))
	for _, c := range r.Columns {
		names = append(names, jsonString(c.Name)+":null")
	}
	expected := quoteLiteral("{" + strings.Join(names, ",") + "}")
	t := checkAlias + `."t"`
	return "(SELECT CASE WHEN " + t + " OPERATOR(pg_catalog.=) " + expected + " THEN true ELSE CAST(pg_catalog.concat('" + marker +
		"', pg_catalog.left(" + t + ", 0)) AS pg_catalog.int4) IS NULL END FROM (SELECT CAST(pg_catalog.to_json(pg_catalog.json_populate_record(CAST(NULL AS " +
		quoteIdent(r.Schema) + "." + quoteIdent(r.Name) + "), '{}')) AS pg_catalog.text) AS \"t\" OFFSET 0) AS " + checkAlias + ")"
}

// jsonString writes a name as Postgres' escape_json does, which leaves <, > and & as they are.
func jsonString(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return quoteIdent(s) // a string always encodes
	}
	out := strings.TrimSuffix(b.String(), "\n")
	for _, separator := range []string{"\u2028", "\u2029"} { // Go escapes them, Postgres does not
		escaped := map[string]string{"\u2028": `\u2028`, "\u2029": `\u2029`}[separator]
		out = strings.ReplaceAll(out, escaped, separator)
	}
	return out
}
