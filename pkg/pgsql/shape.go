package pgsql

import (
	"strconv"
	"strings"
)

// literal is the class of a constant's token. Within the plain statements (SELECT, INSERT, UPDATE, DELETE) the grammar
// looks at no more of a constant than this.
type literal byte

const (
	notLiteral   literal = 0
	plainString  literal = 's' // 'x', in one piece and without E, U&, B or X
	smallInteger literal = 'i' // fits 32 bits: the grammar's ICONST
	otherNumber  literal = 'f' // the grammar's FCONST
)

// literalOf classes token i. Constants that are written in other ways count as what they are, byte by byte.
func (s *scanned) literalOf(i int) literal {
	t, word := s.tokens[i], s.word(i)
	switch {
	case t.kind == tokString && word[0] == '\'' && !strings.ContainsAny(word, "\r\n"):
		return plainString
	case t.kind != tokNumber || strings.ContainsAny(word, "_xXoObB"):
		return notLiteral
	}
	if _, err := strconv.ParseInt(word, 10, 32); err == nil {
		return smallInteger
	}
	return otherNumber
}

// shape is the sequence of tokens with the classes of constants in their place. Two texts of one shape differ in constants
// and in what stands between tokens.
func (s *scanned) shape() string {
	var b strings.Builder
	b.Grow(len(s.text) + 2*len(s.tokens))
	for i := range s.tokens {
		if class := s.literalOf(i); class != notLiteral {
			b.WriteByte(0)
			b.WriteByte(byte(class))
			continue
		}
		b.WriteString(s.word(i))
		b.WriteByte(0) // stands in no token
	}
	return b.String()
}

// freeConstants are the tokens of constants that can't change what a judged statement does. All others are part of what a
// text is known by: so are the constants of all places that freedomBelow does not name.
func (a *analyzer) freeConstants(stmt *node) map[int]struct{} {
	f := freedom{analyzer: a, found: map[int]struct{}{}}
	f.visit(stmt, false)
	return f.found
}

// freedomBelow are the fields of each node below which constants may be free. (Where a constant is compared with another
// part of the text, as GROUP BY's is with the select list, it is not.)
func freedomBelow(tag string) []string {
	switch tag {
	case "SelectStmt":
		return []string{"with_clause", "from_clause", "where_clause", "values_lists", "larg", "rarg"}
	case "InsertStmt":
		return []string{"with_clause", "select_stmt"}
	case "UpdateStmt":
		return []string{"with_clause", "target_list", "from_clause", "where_clause"}
	case "DeleteStmt":
		return []string{"with_clause", "using_clause", "where_clause"}
	case "WithClause":
		return []string{"ctes"}
	case "CommonTableExpr":
		return []string{"ctequery"}
	case "JoinExpr":
		return []string{"larg", "rarg", "quals"}
	case "RangeSubselect":
		return []string{"subquery"}
	case "SubLink":
		return []string{"testexpr", "subselect"}
	case "A_Expr":
		return []string{"lexpr", "rexpr"}
	case "BoolExpr", "CoalesceExpr":
		return []string{"args"}
	case "CaseExpr":
		return []string{"arg", "args", "defresult"}
	case "CaseWhen":
		return []string{"expr", "result"}
	case "NullTest", "BooleanTest", "TypeCast":
		return []string{"arg"}
	case "ResTarget":
		return []string{"val"}
	case "List":
		return []string{"items"}
	case "A_ArrayExpr":
		return []string{"elements"}
	}
	return nil
}

type freedom struct {
	*analyzer
	found map[int]struct{}
}

// visit walks a node; free says whether a constant may stand right here.
func (f *freedom) visit(n *node, free bool) {
	switch {
	case n == nil:
		return
	case n.is("A_Const"):
		if free {
			f.add(n)
		}
		return
	case n.is("A_Expr") && n.child("lexpr") != nil && sameButConstants(n.child("lexpr"), n.child("rexpr")):
		return // by its constants alone it compares something with itself or with something else (see selective)
	case n.is("A_Expr"):
		free = comparesColumn(n)
	case n.is("TypeCast"):
		free = free && isValueType(n.child("type_name"))
	case n.is("SelectStmt"), n.is("InsertStmt"), n.is("DeleteStmt"), n.is("NullTest"), n.is("BooleanTest"), n.is("SubLink"):
		free = false
	}
	for _, field := range freedomBelow(n.tag) {
		below := free || field == "values_lists" || n.is("UpdateStmt") && field == "target_list"
		for _, kid := range n.list(field) {
			f.visit(kid, below)
		}
	}
}

// add takes the token of a constant. The grammar puts the place of a negative number at its sign.
func (f *freedom) add(n *node) {
	if n.loc < 0 {
		return
	}
	i := f.find(n.loc)
	if f.is(i, "-") || f.is(i, "+") {
		i++
	}
	if i < len(f.tokens) && f.literalOf(i) != notLiteral {
		f.found[i] = struct{}{}
	}
}

// comparesColumn says of an operator of Postgres' own kind, JSON's paths apart, that columns stand on one of its sides
// alone: then its sides can't be the same, whatever the constants.
func comparesColumn(n *node) bool {
	parts, _ := stringsOf(n.list("name"))
	if len(parts) != 1 {
		return false
	}
	switch parts[0] {
	case "=", "<>", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "||", "~~", "!~~", "~~*", "!~~*",
		"BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC", "NOT BETWEEN SYMMETRIC":
		return mentionsColumn(n.child("lexpr")) != mentionsColumn(n.child("rexpr"))
	}
	return false
}

func mentionsColumn(n *node) bool {
	return n.contains(func(k *node) bool { return k.is("ColumnRef") })
}

// isValueType says of a type that its input takes a value for what it is: no name to look up, no code of anybody's own.
func isValueType(n *node) bool {
	parts, _ := stringsOf(n.list("names"))
	if len(parts) == 0 || len(parts) > 1 && parts[0] != "pg_catalog" {
		return false
	}
	switch parts[len(parts)-1] {
	case "int2", "int4", "int8", "float4", "float8", "numeric", "bool", "text", "varchar", "bpchar", "bytea", "uuid",
		"date", "time", "timetz", "timestamp", "timestamptz", "interval":
		return true
	}
	return false
}
