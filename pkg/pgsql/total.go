package pgsql

import (
	_ "embed"
	"strings"
	"sync"
)

// Functions that can't fail, whatever their arguments are: a view may compute with them from a masked column, since no error
// can tell the value. An argument marked = must be a constant: with that one, they fail for all values or for none.
//
//go:embed totalfunctions.txt
var totalFunctionsText string

var reviewedTotal = sync.OnceValue(func() map[string][]bool {
	out := map[string][]bool{}
	for line := range strings.Lines(totalFunctionsText) {
		name, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		var constant []bool
		for arg := range strings.SplitSeq(args, ",") {
			constant = append(constant, strings.HasPrefix(arg, "="))
		}
		out[name+" "+strings.ReplaceAll(args, "=", "")] = constant
	}
	return out
})

// totalFunctions are the reviewed ones by the server's OIDs, with which of their arguments must be constants.
type totalFunctions map[uint32][]bool

// node says of a node of a stored tree that it can't fail for reasons that lie in its arguments' values.
func (t totalFunctions) node(n *stored) bool {
	switch n.tag {
	case "", "VAR", "CONST", "RELABELTYPE", "NULLTEST", "BOOLEXPR", "BOOLEANTEST", "CASEEXPR", "CASE", "CASEWHEN", "WHEN", "CASETESTEXPR",
		"COALESCEEXPR", "COALESCE", "ROWEXPR", "ROW", "ARRAYEXPR", "ARRAY", "TARGETENTRY", "FIELDSELECT":
		return true
	case "FUNCEXPR":
		return t.call(n, "funcid")
	case "OPEXPR", "NULLIFEXPR", "DISTINCTEXPR":
		return t.call(n, "opfuncid")
	case "COERCEVIAIO":
		to := n.text("resulttype")
		return to == "25" // text: nothing but the value's own output function runs
	}
	return false
}

func (t totalFunctions) call(n *stored, field string) bool {
	oid, ok := n.number(field)
	constant, known := t[uint32(oid)]
	args := n.in("args")
	if !ok || !known {
		return false
	}
	for i, arg := range args {
		if i >= len(constant) || constant[i] && arg.tag != "CONST" {
			return false
		}
	}
	return true
}
