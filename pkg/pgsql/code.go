package pgsql

import (
	"slices"
	"strconv"
	"strings"
)

// Code is a function that a relation runs by itself (a default, check, generated column, index, trigger, rule, policy, or a
// view's definition) and that is on no reviewed list.
type Code struct {
	Effect   string // execute; or what the reviewed list says of one of Postgres' own
	Function string // qualified; "" where the code could not be read
	Runs     Runs
}

// Runs says what makes a relation run something.
type Runs uint8

// What makes a relation run something.
const (
	runsInserting Runs = 1 << iota
	runsUpdating
	runsDeleting
	runsTruncating
	runsDefaults
	runsReading
	runsRouting // where a row finds its partition
	runsWhole   // (of a write that is followed) any column of the row may change
)

// Cascade is a foreign key that refers to a relation: a change of its rows may change another's.
type Cascade struct {
	To               uint32
	Deletes, Updates Runs    // what a DELETE, or an UPDATE of the key, does there; 0 where it is refused
	Key              []int16 // the columns that it refers to
}

// code notes what a relation runs by a stored tree, a function, or both.
func (l *catalogLoad) code(r cells) {
	rel := l.c.Relations[r.oid(0)]
	if rel == nil {
		return
	}
	runs := Runs(r.number(1))
	if function := r.oid(3); function != 0 {
		l.addFunction(rel, runs, function)
	}
	if r.text(2) == "" {
		return
	}
	tree, err := parseStored(r.text(2))
	if err != nil {
		l.addOnce(rel, Code{Effect: Execute, Runs: runs})
		return
	}
	l.addCode(rel, runs, tree)
}

func (l *catalogLoad) addCode(rel *Relation, runs Runs, tree *stored) {
	tree.walk(func(n *stored) bool {
		for _, f := range []string{"funcid", "opfuncid", "aggfnoid", "winfnoid"} {
			if oid, ok := n.number(f); ok && oid != 0 {
				l.addFunction(rel, runs, uint32(oid))
			}
		}
		for _, op := range n.in("opnos") { // of rows that are compared
			if oid, err := strconv.ParseUint(op.word, 10, 32); err == nil && oid >= 16384 {
				l.addOnce(rel, Code{Effect: Execute, Runs: runs})
			}
		}
		return true
	})
}

func (l *catalogLoad) addFunction(rel *Relation, runs Runs, oid uint32) {
	code := Code{Effect: Execute, Function: l.foreign[oid], Runs: runs}
	if name := l.builtins[oid]; code.Function == "" && name != "" {
		code.Function = "pg_catalog." + name
		switch effect := reviewedFunctions()[name]; effect {
		case Read, Session, Write:
			if runs != runsReading || effect == Read {
				return
			}
			code.Effect = effect
		case "":
		default:
			code.Effect = effect
		}
	}
	if strings.Contains(code.Function, ".dblink") {
		code.Effect = Transfer
	}
	l.addOnce(rel, code)
}

func (l *catalogLoad) addOnce(rel *Relation, code Code) {
	if !slices.Contains(rel.Code, code) {
		rel.Code = append(rel.Code, code)
	}
}

func (l *catalogLoad) cascade(r cells) {
	from := l.c.Relations[r.oid(0)]
	if from == nil {
		return
	}
	c := Cascade{To: r.oid(1), Deletes: map[string]Runs{"c": runsDeleting, "n": runsUpdating, "d": runsUpdating | runsDefaults}[r.text(2)],
		Updates: map[string]Runs{"c": runsUpdating, "n": runsUpdating, "d": runsUpdating | runsDefaults}[r.text(3)]}
	for word := range strings.FieldsSeq(r.text(4)) {
		if n, err := strconv.ParseInt(word, 10, 16); err == nil {
			c.Key = append(c.Key, int16(n))
		}
	}
	from.Cascades = append(from.Cascades, c)
}
