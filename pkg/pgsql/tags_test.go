package pgsql_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// The grammar's own descriptors are the oracle: the table that trees are read by is what they say.
func TestTheTableOfNodesIsTheGrammars(t *testing.T) {
	cmd := exec.Command("go", "run", "schemagen/main.go")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v", err)
	}
	if string(out) != pgsql.SchemaTable() {
		t.Error("schema.txt is not what the grammar says: CGO_ENABLED=0 go run pkg/pgsql/schemagen/main.go > pkg/pgsql/schema.txt")
	}
}

func tagTable(t *testing.T) map[string][]string {
	t.Helper()
	table := map[string][]string{}
	for line := range strings.Lines(pgsql.NodeTagTable()) {
		words := strings.Fields(line)
		if len(words) < 2 || table[words[0]] != nil {
			t.Fatalf("nodetags.txt: %q", line)
		}
		table[words[0]] = words[1:]
	}
	return table
}

func TestEveryTagOfTheGrammarIsClassed(t *testing.T) {
	table := tagTable(t)
	for _, tag := range pgsql.NodeTags() {
		if table[tag] == nil {
			t.Errorf("%s of the grammar has no class in nodetags.txt: say what it is, and what judges it", tag)
		}
	}
	for tag, class := range table {
		if !slices.Contains(pgsql.NodeTags(), tag) {
			t.Errorf("%s is no tag of the grammar", tag)
		}
		switch want := pgsql.StatementEffects(tag); class[0] {
		case "statement":
			if len(class) != 2 || class[1] != want {
				t.Errorf("%s is %v, and judged as %q", tag, class, want)
			}
		case "expression", "value", "from", "query", "definition", "analysed", "wrapper":
			if len(class) != 1 || want != "" {
				t.Errorf("%s is %v, and judged as the statement %q", tag, class, want)
			}
		default:
			t.Errorf("%s is %v", tag, class)
		}
	}
}

// A node where its class does not belong, and one without a class anywhere, is an effect that only a rule for unknown admits.
func TestANodeOutOfPlaceIsAnUnknownEffect(t *testing.T) {
	unknown := func(place, tag string) bool {
		return slices.Contains(pgsql.EffectsIn(place, tag), pgsql.Access{Effect: pgsql.Unknown})
	}
	belongs := map[string][]string{
		"statement": {"statement", "definition"}, "expression": {"select list", "where", "definition"}, "value": {"select list", "where", "definition"}, "from": {"from", "definition"},
		"query": {"definition"}, "definition": {"definition"}, "analysed": {}, "wrapper": {}, "": {},
	}
	table := tagTable(t)
	table["NodeOfALaterGrammar"] = []string{""}
	for tag, class := range table {
		switch tag {
		case "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "RangeVar", "FuncCall", "TypeName", "RangeTableSample", "JoinExpr":
			continue // judged by what is in them, which here is nothing
		}
		empty := slices.Contains(strings.Fields("DeclareCursorStmt VariableSetStmt ExplainStmt TransactionStmt CreateTableAsStmt PrepareStmt"), tag)
		for _, place := range []string{"statement", "select list", "where", "from", "definition"} {
			if empty && (place == "statement" || place == "definition") {
				continue // without what it is about, nothing is known of it
			}
			if got, want := unknown(place, tag), !slices.Contains(belongs[class[0]], place); got != want {
				t.Errorf("%s (%s) as a %s: unknown is %v: %v", tag, class[0], place, got, pgsql.EffectsIn(place, tag))
			}
		}
	}
	for _, tag := range []string{"RangeVar", "JoinExpr", "RangeTableSample", "FuncCall"} { // with nothing in them
		if !slices.ContainsFunc(pgsql.EffectsIn("where", tag), func(a pgsql.Access) bool { return a.Effect == pgsql.Unknown }) {
			t.Errorf("%s in WHERE: %v", tag, pgsql.EffectsIn("where", tag))
		}
	}
}
