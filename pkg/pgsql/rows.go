package pgsql

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// RowFilter leaves of the relations that it holds for those rows for which Where is true.
type RowFilter struct {
	Objects []string // patterns "schema.relation"; a missing schema matches anything
	Columns []string // where there are no Objects: patterns of columns, whose relations are meant
	Where   Condition
}

// Condition is one node of a row filter: "and", "or" and "not" over Args; a comparison ("=", "<>", "<", "<=", ">", ">=") of Column
// with Other, or where that is "" with the constant Value; "null" and "not null" of Column. The zero Condition is none, and no row is
// left by it. Nothing in it can fail, so that no row which it hides can be told by an error.
type Condition struct {
	Op, Column, Other, Value string
	Args                     []Condition
}

// sql writes a condition over the row that is called by what stands before its columns' names. Operators are written so that no search
// path can give them another meaning.
func (c Condition) sql(row string) string {
	column := row + "." + quoteIdent(c.Column)
	switch c.Op {
	case "and", "or":
		parts := make([]string, len(c.Args))
		for i, a := range c.Args {
			parts[i] = a.sql(row)
		}
		return "(" + strings.Join(parts, " "+strings.ToUpper(c.Op)+" ") + ")"
	case "not":
		return "(NOT " + c.Args[0].sql(row) + ")"
	case "null":
		return "(" + column + " IS NULL)"
	case "not null":
		return "(" + column + " IS NOT NULL)"
	case "":
		return "false"
	}
	other := quoteLiteral(c.Value)
	if c.Other != "" {
		other = row + "." + quoteIdent(c.Other)
	}
	return "(" + column + " OPERATOR(pg_catalog." + c.Op + ") " + other + ")"
}

// all writes the conditions of several filters: a row is left where each of them holds.
func rowCondition(filters []Condition, row string) string {
	return Condition{Op: "and", Args: filters}.sql(row)
}

// walk calls f for the condition and all in it.
func (c Condition) walk(f func(Condition)) {
	f(c)
	for _, a := range c.Args {
		a.walk(f)
	}
}

// names are the columns in it.
func (c Condition) names() []string {
	var out []string
	c.walk(func(c Condition) {
		for _, name := range []string{c.Column, c.Other} {
			if name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	})
	return out
}

// misfit says why a condition can't be asked of a relation's rows, "" where it can.
func (c Condition) misfit(r *Relation) string {
	why := ""
	c.walk(func(c Condition) {
		if why == "" {
			why = c.misfitHere(r)
		}
	})
	return why
}

func (c Condition) misfitHere(r *Relation) string {
	switch c.Op {
	case "and", "or":
		if len(c.Args) == 0 {
			return "its filter is empty"
		}
		return ""
	case "not":
		if len(c.Args) != 1 {
			return "its filter is empty"
		}
		return ""
	case "=", "<>", "<", "<=", ">", ">=", "null", "not null":
	default:
		return "its filter can't be read"
	}
	column := r.column(c.Column)
	if column == nil {
		return "it has no column " + c.Column
	}
	for _, name := range []string{c.Column, c.Other} {
		if at := r.column(name); at != nil && at.Virtual && at.fails {
			return name + " is computed when it is read, and that may fail"
		}
	}
	if strings.HasSuffix(c.Op, "null") {
		return ""
	}
	kind := column.compares
	switch {
	case kind == "":
		return c.Column + " is of a type that row filters don't compare"
	case c.Other == "" && !constantFits(kind, c.Value):
		return c.Column + " is not comparable with " + quoteLiteral(c.Value)
	case c.Other == "":
		return ""
	}
	other := r.column(c.Other)
	if other == nil {
		return "it has no column " + c.Other
	}
	if other.Type != column.Type || other.Collation != column.Collation {
		return c.Column + " and " + c.Other + " are not of one type"
	}
	return ""
}

// compares is the kind of a type that row filters compare, "" for the others: Postgres' own operators over it can't fail, and what
// its constants mean depends on no setting that a session can change.
func (t columnType) compares() string {
	switch {
	case t.array:
	case t.category == "E":
		return "enum"
	case t.schema == "pg_catalog":
		switch t.name {
		case "int2", "int4", "int8", "numeric", "text", "varchar", "bpchar", "name", "bool", "uuid", "date", "timestamp", "timestamptz":
			return t.name
		}
	}
	return ""
}

// Constants that every session reads alike: of times, the ISO form, with the zone where the type has one.
var (
	numericConstant = regexp.MustCompile(`^-?[0-9]{1,100}(\.[0-9]{1,100})?$`)
	uuidConstant    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	dateConstant    = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8]|29|30|31)$`)
	timeConstant    = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8]|29|30|31)( ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])?$`)
	zonedConstant   = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8]|29|30|31) ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][+-](0[0-9]|1[0-4])(:[0-5][0-9])?$`)
)

func constantFits(kind, value string) bool {
	bits := map[string]int{"int2": 16, "int4": 32, "int8": 64}[kind]
	switch kind {
	case "int2", "int4", "int8":
		_, err := strconv.ParseInt(value, 10, bits)
		return err == nil
	case "numeric":
		return numericConstant.MatchString(value)
	case "bool":
		return value == "true" || value == "false"
	case "uuid":
		return uuidConstant.MatchString(value)
	case "date":
		return dateConstant.MatchString(value)
	case "timestamp":
		return timeConstant.MatchString(value)
	case "timestamptz":
		return zonedConstant.MatchString(value)
	}
	return true // a text; of an enum, Postgres says in each statement what is no value of it
}
