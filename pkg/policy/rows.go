package policy

import "strings"

// RowFilter says which rows of relations a mask leaves: those for which Where is true.
type RowFilter struct {
	Text    string   // as the file has it
	Objects []string // patterns "schema.relation"; none: the relations that the mask's columns name, or all that have Where's columns
	Where   Condition
}

// String is the filter in one line, beside the columns that its mask names: "tenant_id = 7, of public.orders".
func (f *RowFilter) String(columns []string) string {
	of := "every table with " + strings.Join(f.Where.Columns(), " and ")
	switch {
	case len(f.Objects) > 0:
		of = strings.Join(f.Objects, ", ")
	case len(columns) > 0:
		of = "the tables of " + strings.Join(columns, ", ")
	}
	return f.Text + ", of " + of
}

// Condition is one node of a row filter's expression. The zero Condition is no expression at all, and holds for no row.
type Condition struct {
	// Op is "and", "or" and "not" over Args; "=", "<>", "<", "<=", ">" and ">=" of Column with Other, or where that is "" with
	// Value; "null" and "not null" of Column.
	Op     string
	Column string
	Other  string // another column
	Value  string // a constant, as text
	Args   []Condition
}

// Columns are the names of the columns in it, each once, in the order of the text.
func (c Condition) Columns() []string {
	var out []string
	seen := map[string]bool{"": true}
	var walk func(Condition)
	walk = func(c Condition) {
		for _, name := range []string{c.Column, c.Other} {
			if !seen[name] {
				seen[name] = true
				out = append(out, name)
			}
		}
		for _, a := range c.Args {
			walk(a)
		}
	}
	walk(c)
	return out
}

// rowWords are the words of the expression's language. Another word is a column's name.
const rowWords = " and or not in between is null true false like ilike similar escape isnull notnull case when then else end cast select exists any all some from where current_user session_user user now "

func isRowWord(s string) bool { return strings.Contains(rowWords, " "+s+" ") }
