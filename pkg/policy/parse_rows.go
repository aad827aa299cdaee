package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// Bounds of a row filter: people write a line.
const (
	maxRowText  = 2000
	maxRowDepth = 20
)

// rows reads the expression of a row filter.
func (d *decoder) rows(f **RowFilter) func(*strict.Node) {
	return func(n *strict.Node) {
		text := d.Text(n)
		where, err := parseRows(text)
		if err != nil {
			d.Report(n, fmt.Sprintf("the row filter %q can't be used: %v", text, err),
				`write columns of the table, constants, = <> < <= > >=, IN, BETWEEN, IS NULL, AND, OR, NOT: rows: "tenant_id = 7"`)
		}
		*f = &RowFilter{Text: text, Where: where}
	}
}

// rowObjects checks that patterns have one or two parts, none of them empty.
func (d *decoder) rowObjects(n *strict.Node, objects globs) {
	for i, o := range objects {
		parts := strings.Split(o.text, ".")
		if len(parts) > 2 || slices.Contains(parts, "") {
			d.Report(n.Items[i], fmt.Sprintf("%q is no pattern of a table", o.text), `write "schema.table"; the schema may be left out: "orders"`)
		}
	}
}

// parseRows reads an expression over the columns of one row. Its language is a part of SQL's, with SQL's meaning, in which nothing
// can fail, and nothing but the row is looked at.
func parseRows(text string) (Condition, error) {
	if len(text) > maxRowText {
		return Condition{}, fmt.Errorf("it is longer than %d characters", maxRowText)
	}
	tokens, err := scanRows(text)
	if err != nil {
		return Condition{}, err
	}
	p := rowParser{tokens: tokens}
	c, err := p.or(0)
	if err != nil {
		return Condition{}, err
	}
	if !p.at("") {
		return Condition{}, fmt.Errorf("%s is not expected there", p.tokens[0])
	}
	return c, nil
}

// rowToken is one token: its kind is 'c' for a column's name, 'v' for a constant, 'w' for a word or sign, and 0 at the end.
type rowToken struct {
	kind byte
	text string
}

func (t rowToken) String() string {
	if t.kind == 0 {
		return "the end"
	}
	return fmt.Sprintf("%q", t.text)
}

type rowParser struct{ tokens []rowToken }

// at says whether a word or sign comes next; "" is the end.
func (p *rowParser) at(word string) bool {
	t := p.tokens[0]
	return t.text == word && (t.kind == 'w' || word == "" && t.kind == 0)
}

func (p *rowParser) take(word string) bool {
	if !p.at(word) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *rowParser) need(word string) error {
	if !p.take(word) {
		return fmt.Errorf("%s stands where %q is needed", p.tokens[0], word)
	}
	return nil
}

// kind takes a token of a kind.
func (p *rowParser) kind(kind byte, what string) (string, error) {
	t := p.tokens[0]
	if t.kind != kind {
		if t.kind == 'w' && isRowWord(t.text) {
			return "", fmt.Errorf("%s is not served in row filters, where %s is needed", t, what)
		}
		return "", fmt.Errorf("%s stands where %s is needed", t, what)
	}
	p.tokens = p.tokens[1:]
	return t.text, nil
}

func (p *rowParser) or(depth int) (Condition, error) { return p.chain("or", depth, p.and) }

func (p *rowParser) and(depth int) (Condition, error) { return p.chain("and", depth, p.not) }

// chain reads one or more parts with a word between them.
func (p *rowParser) chain(word string, depth int, part func(int) (Condition, error)) (Condition, error) {
	var all []Condition
	for len(all) == 0 || p.take(word) {
		c, err := part(depth)
		if err != nil {
			return Condition{}, err
		}
		all = append(all, c)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return Condition{Op: word, Args: all}, nil
}

func (p *rowParser) not(depth int) (Condition, error) {
	if depth > maxRowDepth {
		return Condition{}, fmt.Errorf("it is nested more than %d deep", maxRowDepth)
	}
	if p.take("not") {
		c, err := p.not(depth + 1)
		return Condition{Op: "not", Args: []Condition{c}}, err
	}
	if p.take("(") {
		c, err := p.or(depth + 1)
		if err != nil {
			return Condition{}, err
		}
		return c, p.need(")")
	}
	return p.comparison()
}

// comparison reads what is said of one column.
func (p *rowParser) comparison() (Condition, error) {
	column, err := p.kind('c', "a column's name")
	if err != nil {
		return Condition{}, err
	}
	for _, op := range []string{"=", "<>", "<", "<=", ">", ">="} {
		if p.take(op) {
			return p.compared(column, op)
		}
	}
	switch {
	case p.take("is"):
		op := "null"
		if p.take("not") {
			op = "not null"
		}
		return Condition{Op: op, Column: column}, p.need("null")
	case p.take("in"):
		return p.in(column)
	case p.take("between"):
		return p.between(column)
	case p.take("not"):
		c, err := Condition{}, errors.New("NOT stands there without IN or BETWEEN")
		if p.take("in") {
			c, err = p.in(column)
		} else if p.take("between") {
			c, err = p.between(column)
		}
		return Condition{Op: "not", Args: []Condition{c}}, err
	case p.at("and"), p.at("or"), p.at(")"), p.at(""):
		return Condition{Op: "=", Column: column, Value: "true"}, nil
	case p.at("("):
		return Condition{}, fmt.Errorf("%s would be a function, and none is served in row filters", column)
	}
	return Condition{}, fmt.Errorf("%s is not served in row filters", p.tokens[0])
}

func (p *rowParser) compared(column, op string) (Condition, error) {
	if t := p.tokens[0]; t.kind == 'c' {
		p.tokens = p.tokens[1:]
		return Condition{Op: op, Column: column, Other: t.text}, nil
	}
	value, err := p.kind('v', "a constant or a column")
	return Condition{Op: op, Column: column, Value: value}, err
}

func (p *rowParser) in(column string) (Condition, error) {
	if err := p.need("("); err != nil {
		return Condition{}, err
	}
	var all []Condition
	for len(all) == 0 || p.take(",") {
		value, err := p.kind('v', "a constant")
		if err != nil {
			return Condition{}, err
		}
		all = append(all, Condition{Op: "=", Column: column, Value: value})
	}
	if len(all) == 1 {
		return all[0], p.need(")")
	}
	return Condition{Op: "or", Args: all}, p.need(")")
}

func (p *rowParser) between(column string) (Condition, error) {
	low, err := p.kind('v', "a constant")
	if err != nil {
		return Condition{}, err
	}
	if err := p.need("and"); err != nil {
		return Condition{}, err
	}
	high, err := p.kind('v', "a constant")
	return Condition{Op: "and", Args: []Condition{{Op: ">=", Column: column, Value: low}, {Op: "<=", Column: column, Value: high}}}, err
}
