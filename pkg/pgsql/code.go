package pgsql

import (
	"cmp"
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
	By       string // what runs it: "trigger touch of public.users"
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
)

// compare orders code by all that it is, so that refusals give the same reason each time.
func (c Code) compare(d Code) int {
	return cmp.Or(strings.Compare(c.Function, d.Function), strings.Compare(c.By, d.By), strings.Compare(c.Effect, d.Effect), cmp.Compare(c.Runs, d.Runs))
}

// Cascade is a foreign key that refers to a relation: a change of its rows may change another's.
type Cascade struct {
	To               uint32
	Name             string  // the foreign key's
	Deletes, Updates Runs    // what a DELETE, or an UPDATE of the key, does there; 0 where it is refused
	Key              []int16 // the columns that it refers to
	From             []int16 // and those that refer to them
}

// code notes what a relation runs by a stored tree, a function, or both, and which of its columns are tied by that.
func (l *catalogLoad) code(r cells) {
	rel := l.c.Relations[r.oid(0)]
	if rel == nil {
		return
	}
	runs, kind := Runs(r.number(1)), r.text(4)
	by := kind + r.text(5) + " of " + rel.Qualified()
	if function := r.oid(3); function != 0 {
		l.addFunction(rel, runs, by, function)
	}
	var tree *stored
	if r.text(2) != "" {
		var err error
		if tree, err = parseStored(r.text(2)); err != nil {
			l.addOnce(rel, Code{Effect: Execute, Runs: runs, By: by})
		} else {
			l.addCode(rel, runs, by, tree)
		}
	}
	l.tie(rel, runs, kind, by, numbers(r.text(6)), r.text(2), tree)
}

func (l *catalogLoad) addCode(rel *Relation, runs Runs, by string, tree *stored) {
	tree.walk(func(n *stored) bool {
		for _, f := range []string{"funcid", "opfuncid", "aggfnoid", "winfnoid"} {
			if oid, ok := n.number(f); ok && oid != 0 {
				l.addFunction(rel, runs, by, uint32(oid))
			}
		}
		for _, op := range n.in("opnos") { // of rows that are compared
			if oid, err := strconv.ParseUint(op.word, 10, 32); err == nil && oid >= 16384 {
				l.addOnce(rel, Code{Effect: Execute, Runs: runs, By: by})
			}
		}
		return true
	})
}

func (l *catalogLoad) addFunction(rel *Relation, runs Runs, by string, oid uint32) {
	code := Code{Effect: Execute, Function: l.foreign[oid], Runs: runs, By: by}
	if name := l.builtins[oid]; code.Function == "" && name != "" {
		code.Function = "pg_catalog." + name
		if runs == runsReading && tells(code.Function) && !slices.Contains(rel.tells, code.Function) {
			rel.tells = append(rel.tells, code.Function)
		}
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
	action := map[string]Runs{"c": runsUpdating, "n": runsUpdating, "d": runsUpdating | runsDefaults}
	c := Cascade{To: r.oid(1), Name: r.text(6), Deletes: action[r.text(2)], Updates: action[r.text(3)], Key: numbers(r.text(4)), From: numbers(r.text(5))}
	if r.text(2) == "c" {
		c.Deletes = runsDeleting
	}
	from.Cascades = append(from.Cascades, c)
}

// numbers reads column numbers between spaces.
func numbers(text string) []int16 {
	var out []int16
	for word := range strings.FieldsSeq(text) {
		if n, err := strconv.ParseInt(word, 10, 16); err == nil {
			out = append(out, int16(n))
		}
	}
	return out
}
