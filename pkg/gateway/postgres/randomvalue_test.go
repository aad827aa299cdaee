package postgres_test

// expression writes an expression of a kind. Deep down it is a column or a constant.
func (w *writer) expression(k kind) string {
	w.depth++
	defer func() { w.depth-- }()
	if w.depth > 6 || w.chance(35) {
		if c := w.columnOf(k); c != "" && w.chance(85) {
			return c
		}
		return w.constant(k)
	}
	if w.chance(4) && w.depth < 4 {
		return w.scalar(k)
	}
	if w.chance(5) {
		return "CASE WHEN " + w.expression(truth) + " THEN " + w.expression(k) + " ELSE " + w.expression(k) + " END"
	}
	if w.chance(4) {
		return w.one("COALESCE(", "NULLIF(", "greatest(", "least(") + w.expression(k) + ", " + w.expression(k) + ")"
	}
	switch k {
	case text:
		return w.text()
	case whole:
		return w.whole()
	case number:
		return w.one("("+w.expression(number)+w.one(" + ", " - ", " * ")+w.expression(number)+")", w.expression(whole)+"::numeric", "round("+w.expression(number)+")", "abs("+w.expression(number)+")", "("+w.expression(number)+" / "+w.one("2", "3", w.expression(number))+")")
	case date:
		return w.one("("+w.expression(date)+" + "+w.one("1", "30", w.expression(whole)+" % 100")+")", "date_trunc('month', "+w.expression(date)+")::date", w.expression(date))
	}
	return w.truth()
}

func (w *writer) constant(k kind) string {
	switch k {
	case text:
		return w.one("'***'", "'a'", "''", "'x-y'", "'111-22-3333'", "'123-45-6789'", "'ada'", "'n'", "'s1'", "'aa'", "'12'", "'k1'", "NULL::text")
	case whole:
		return w.one("0", "1", "2", "3", "10", "40", "-1", "100", "NULL::int")
	case number:
		return w.one("0", "1.5", "100.50", "150", "-3", "NULL::numeric")
	case date:
		return w.one("'1990-01-02'::date", "'2020-01-01'::date", "NULL::date")
	}
	return w.one("true", "false", "NULL::bool")
}

func (w *writer) text() string {
	if c := w.columnOf(other); c != "" && w.chance(15) {
		return c + "::text"
	}
	switch w.IntN(14) {
	case 0:
		return w.one("lower(", "upper(", "reverse(", "md5(", "initcap(", "btrim(", "quote_literal(") + w.expression(text) + ")"
	case 1:
		return w.one("substr(", "left(", "right(") + w.expression(text) + ", " + w.one("1", "2", "3", w.expression(whole)) + ")"
	case 2, 3:
		return "(" + w.expression(text) + " || " + w.expression(text) + ")"
	case 4:
		return w.expression(kind(1+w.IntN(4))) + "::text"
	case 5:
		return "concat_ws('|', " + list(2, func() string { return w.expression(kind(w.IntN(4))) }) + ")"
	case 6:
		return w.one("replace(", "translate(") + w.expression(text) + ", '-', " + w.one("''", "'x'") + ")"
	case 7:
		return "split_part(" + w.expression(text) + ", '-', " + w.one("1", "2", "-1") + ")"
	case 8:
		return "format('%s-%s', " + list(2, func() string { return w.expression(kind(w.IntN(3))) }) + ")"
	case 9:
		return "repeat(" + w.expression(text) + ", " + w.one("1", "2", "length("+w.expression(text)+") % 4") + ")"
	case 10:
		return "encode(convert_to(" + w.expression(text) + ", 'UTF8'), " + w.one("'hex'", "'base64'") + ")"
	case 11:
		return "regexp_replace(" + w.expression(text) + ", '[0-9]', 'd'" + w.one("", ", 'g'") + ")"
	case 12:
		if len(w.from) > 0 {
			return w.from[w.IntN(len(w.from))].name + "::text"
		}
	}
	return "lpad(" + w.expression(text) + ", 4, '.')"
}

func (w *writer) whole() string {
	switch w.IntN(9) {
	case 0, 1:
		return w.one("length(", "ascii(", "octet_length(", "bit_length(") + w.expression(text) + ")"
	case 2, 3:
		return "(" + w.expression(whole) + w.one(" + ", " - ", " * ") + w.expression(whole) + ")"
	case 4:
		return "(" + w.expression(whole) + w.one(" / ", " % ") + w.one("2", "7", "7", w.expression(whole)) + ")" // which may divide by zero
	case 5:
		return "strpos(" + w.expression(text) + ", " + w.expression(text) + ")"
	case 6:
		if w.chance(40) { // which mostly fails
			return w.expression(text) + "::int"
		}
		return w.expression(truth) + "::int"
	case 7:
		return "extract(" + w.one("year", "day", "dow") + " FROM " + w.expression(date) + ")::int"
	}
	return "sign(" + w.expression(number) + ")::int"
}

func (w *writer) truth() string {
	k := kind(w.IntN(4))
	switch w.IntN(13) {
	case 0, 1, 2:
		return "(" + w.expression(k) + w.one(" = ", " < ", " > ", " <> ", " >= ", " IS DISTINCT FROM ") + w.expression(k) + ")"
	case 3:
		return "(" + w.expression(text) + w.one(" LIKE ", " NOT LIKE ", " ILIKE ") + w.one("'1%'", "'%a%'", "'***'", "'_-_'", w.expression(text)) + ")"
	case 4:
		return "(" + w.expression(text) + w.one(" ~ ", " !~* ") + w.one("'^1'", "'[0-9]{3}'", "'a|b'") + ")"
	case 5:
		return "(" + w.expression(kind(w.IntN(5))) + w.one(" IS NULL", " IS NOT NULL") + ")"
	case 6:
		return "(" + w.expression(k) + w.one(" IN (", " NOT IN (") + list(2, func() string { return w.constant(k) }) + "))"
	case 7:
		if w.depth < 4 {
			return w.expression(k) + w.one(" IN ", " = ANY ", " <> ALL ") + w.scalar(k)
		}
	case 8:
		if w.depth < 4 {
			return w.one("EXISTS ", "NOT EXISTS ") + w.scalar(k)
		}
	case 9:
		return "(" + w.expression(k) + " BETWEEN " + w.expression(k) + " AND " + w.expression(k) + ")"
	case 10:
		return "(NOT " + w.expression(truth) + ")"
	}
	return "(" + w.expression(truth) + w.one(" AND ", " OR ") + w.expression(truth) + ")"
}
