package pgsql

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// nodetags.txt classes every tag of the grammar's nodes: "tag class", statements with their effects. A test compares it with the
// grammar, so that a new one brings no tag that nobody has thought of; a tag that is not in it is an unknown effect wherever it stands.
//
//go:embed nodetags.txt
var nodeTagsText string

// tagClass says where a node of a tag may stand.
type tagClass string

// Where a node may stand. Of the classes without a name here, "analysed" and "wrapper" stand in no tree that the grammar makes of
// a text, and "query" in places of queries that are judged by themselves.
const (
	classStatement  tagClass = "statement"
	classExpression tagClass = "expression" // it is known by its tag to be one, inside a definition too
	classValue      tagClass = "value"      // it only holds others, or values
	classFrom       tagClass = "from"       // an item of FROM
	classQuery      tagClass = "query"
	classDefinition tagClass = "definition" // only inside a statement that is classed by its own tag
)

var tagClasses = sync.OnceValue(func() map[string]tagClass {
	classes := map[string]tagClass{"": classValue} // a hole in a list
	for line := range strings.Lines(nodeTagsText) {
		if words := strings.Fields(line); len(words) > 1 {
			classes[words[0]] = tagClass(words[1])
		}
	}
	return classes
})

func classOf(tag string) tagClass { return tagClasses()[tag] }

// place notes an unknown effect where a node stands that can't be told there. Inside a definition all is known that can stand in
// a tree at all; elsewhere only the named classes.
func (j *judge) place(tag string, classes ...tagClass) {
	class := classOf(tag)
	if j.utility {
		classes = []tagClass{classStatement, classExpression, classValue, classFrom, classQuery, classDefinition}
	}
	if !slices.Contains(classes, class) {
		j.add(Unknown, "")
		j.st.Reviewed = false
	}
}
