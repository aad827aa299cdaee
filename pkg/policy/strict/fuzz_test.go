package strict_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// maxDepth is above what the limits let nest: a level a column where a line begins, and the flow levels behind it.
const maxDepth = 100

// A text is refused with a problem that has words and a place in it, or read into nodes that have their places in it
// and, written anew with every word in quotes, are read to the same.
func FuzzDocument(f *testing.F) {
	for _, text := range []string{
		"a: 1\nb: [x, {c: null}, '']\n", "- a\n- - b\n  - \"c\\n\"\n", "a: |\n  b\n  c\n", "a:\n", "a: &b 1\n", "{a: 1, a: 2}",
		"x", "a: [", "a: >-\n  b\n\n  c\n", "1.5: .inf\n.nan: 0x1F\n", "a: 'it''s'\n\"b \\u00e9\": \u00fc\n", "a: 1\r\nb: 2\r\n", "a: ~\n---\n", "{}", "[[[]]]",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := strings.Count(string(text), "\n") + strings.Count(string(text), "\r") + 2
		r := &strict.Reader{File: "f.yaml"}
		root := r.Document(text)
		if err := r.Err(); err != nil {
			var problems strict.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("not refused with problems: %v", err)
			}
			for _, p := range problems {
				if p.Message == "" || p.File != "f.yaml" || p.Line < 0 || p.Line > lines {
					t.Fatalf("a problem without words or place: %+v", p)
				}
			}
			return
		}
		if root == nil {
			t.Fatal("nothing is read, and nothing is wrong")
		}
		var written strings.Builder
		if depth := write(t, &written, root, lines); depth > 16 || written.Len() > strict.MaxFile {
			return // what was read from indented lines may be too deep or too long for one line
		}
		again := &strict.Reader{File: "again.yaml"}
		second := again.Document([]byte(written.String()))
		if err := again.Err(); err != nil {
			t.Fatalf("%q: %v", written.String(), err)
		}
		var rewritten strings.Builder
		if write(t, &rewritten, second, 2); rewritten.String() != written.String() {
			t.Fatalf("read %s\nthen %s", written.String(), rewritten.String())
		}
	})
}

// write prints a node on one line and answers how deep it is.
func write(t *testing.T, b *strings.Builder, n *strict.Node, lines int) int {
	if n.Line < 0 || n.Line > lines {
		t.Fatalf("line %d of %d: %+v", n.Line, lines, n)
	}
	depth := 0
	switch n.Kind {
	case strict.Nothing:
		b.WriteString("null")
		return 0
	case strict.Scalar:
		b.WriteString(strconv.QuoteToASCII(n.Text))
		return 0
	case strict.List:
		b.WriteString("[")
		for i, item := range n.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			depth = max(depth, write(t, b, item, lines))
		}
		b.WriteString("]")
	case strict.Mapping:
		b.WriteString("{")
		for i, e := range n.Entries {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(strconv.QuoteToASCII(e.Key) + ": ")
			depth = max(depth, write(t, b, e.Value, lines))
		}
		b.WriteString("}")
	}
	if depth++; depth > maxDepth {
		t.Fatalf("%d levels are nested", depth)
	}
	return depth
}
