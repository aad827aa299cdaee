package strict_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// read parses a text that has no problem.
func read(t *testing.T, text string) *strict.Node {
	t.Helper()
	r := &strict.Reader{File: "f.yaml"}
	root := r.Document([]byte(text))
	if err := r.Err(); err != nil || root == nil {
		t.Fatalf("%q: %v", text, err)
	}
	return root
}

func TestEveryNodeKnowsItsPlace(t *testing.T) {
	root := read(t, "# a comment\na: x\nb:\n  - 1\n  - {c: 'y'}\nd: |\n  two\n  lines\ne:\n")
	if root.Kind != strict.Mapping || root.Line != 2 || root.Column != 1 || len(root.Entries) != 4 {
		t.Fatalf("root: %+v", root)
	}
	a, b, d, e := root.Entries[0], root.Entries[1], root.Entries[2], root.Entries[3]
	if a.Key != "a" || a.Value.Text != "x" || a.Value.Line != 2 || a.Value.Column != 4 {
		t.Errorf("a: %+v %+v", a, a.Value)
	}
	if b.Value.Kind != strict.List || b.Value.Items[0].Text != "1" || b.Value.Items[0].Line != 4 || b.Value.Items[0].Column != 5 {
		t.Errorf("b: %+v", b.Value.Items[0])
	}
	if c := b.Value.Items[1].Entries[0]; c.Key != "c" || c.At.Column != 6 || c.Value.Text != "y" || c.Value.Line != 5 {
		t.Errorf("c: %+v", c)
	}
	if d.Value.Text != "two\nlines\n" {
		t.Errorf("d: %q", d.Value.Text)
	}
	if e.Value.Kind != strict.Nothing || e.Value.Line != 9 || e.Value.Column != 1 {
		t.Errorf("e: %+v", e.Value)
	}
}

func TestAValueIsTheTextThatStandsInTheFile(t *testing.T) {
	root := read(t, "[007, 0x1F, 1_000, 1.50, True, yes, .inf, 2024-01-02, '1', \"a\\tb\", a b]\n")
	for i, want := range []string{"007", "0x1F", "1_000", "1.50", "True", "yes", ".inf", "2024-01-02", "1", "a\tb", "a b"} {
		if n := root.Items[i]; n.Kind != strict.Scalar || n.Text != want {
			t.Errorf("%+v, want %q", n, want)
		}
	}
}

func TestHasAsksForAnyOfTheKeys(t *testing.T) {
	root := read(t, "a: 1\nb: [c]\n")
	if !root.Has("x", "b") || root.Has("c", "x") || root.Has() || root.Entries[1].Value.Has("c") || (&strict.Node{}).Has("a") {
		t.Error("a key is taken for there, or for missing")
	}
}

func TestWhatIsNotPlainYAMLIsRefusedWithItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "f.yaml: the file holds 0 YAML documents, one is needed\n    hint: it begins with: a",
		"a: 1\n---\nb: 2\n":          "f.yaml: the file holds 2 YAML documents",
		"a: &x 1\n":                  `f.yaml:1:4: "&": anchors, aliases, tags and the like are not allowed in a test`,
		"a: 1\nb: *x\n":              `f.yaml:2:4: "*": anchors`,
		"a: !!int 1\n":               `f.yaml:1:4: "!!int": anchors`,
		"a: {<<: {b: 1}}\n":          `f.yaml:1:5: "<<": anchors`,
		"%YAML 1.2\n---\na: 1\n":     `f.yaml:1:1: "%": anchors`,
		"? a\n: b\n":                 `f.yaml:1:1: "?": anchors`,
		"a: [1\n":                    "f.yaml:1:",
		"a: \x00\n":                  "f.yaml: the file is not UTF-8 text",
		"a: \xff\n":                  "f.yaml: the file is not UTF-8 text",
		strings.Repeat("#", 1<<18+1): "f.yaml: the file is 262145 bytes long, 262144 are allowed",
		"a: " + strings.Repeat("[", 17) + strings.Repeat("]", 17): "f.yaml:1:20: the file is nested too deeply",
		"- - - a\n":                        "f.yaml:1:5: the file is nested too deeply",
		strings.Repeat(" ", 64) + "a: 1":   "f.yaml:1:65: the line is indented too far",
		"a: 1\n" + strings.Repeat("a", 70): "f.yaml:2:",
	} {
		r := &strict.Reader{File: "f.yaml", Words: strict.Words{Where: "in a test", Begin: "it begins with: a"}}
		root := r.Document([]byte(text))
		if err := r.Err(); root != nil || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v\nwant %s", text, err, want)
		}
	}
}

func TestWhatStandsAtTheLimitsIsRead(t *testing.T) {
	text := "a: " + strings.Repeat("[", 16) + strings.Repeat("]", 16) + "\n"
	read(t, text+strings.Repeat("#", strict.MaxFile-len(text)))
}

func TestAMappingIsReadKeyByKeyAndEveryOtherKeyIsAProblem(t *testing.T) {
	r := &strict.Reader{File: "f.yaml"}
	root := r.Document([]byte("port: 1\nprot: 2\nport: 3\nhost:\nname: {}\nlist: []\nelse: [a, b]\nold: 1\nempty: ''\n"))
	var port, name, empty string
	var all []string
	isMapping := r.Mapping(root, "a server", strict.Fields{
		"port": r.Into(&port), "host": r.Into(&name), "name": r.Into(&name), "empty": r.Into(&empty),
		"list": func(n *strict.Node) { r.Each(n, func(*strict.Node) { t.Error("an empty list has an item") }) },
		"else": func(n *strict.Node) { r.Each(n, func(n *strict.Node) { all = append(all, r.Text(n)) }) },
		"old":  r.Later("old", "write new"),
	})
	if !isMapping || port != "1" || name != "" || !slices.Equal(all, []string{"a", "b"}) {
		t.Errorf("port %q, name %q, else %q", port, name, all)
	}
	want := []string{
		"f.yaml:2:1: unknown key \"prot\" in a server\n    hint: did you mean \"port\"?",
		`f.yaml:3:1: key "port" stands here twice`,
		`f.yaml:4:1: key "host" has no value`,
		"f.yaml:5:7: a single value is needed here, not a mapping",
		"f.yaml:6:7: an empty list says nothing here\n    hint: leave the key out",
		"f.yaml:8:6: old is not served by this version\n    hint: write new",
		"f.yaml:9:8: an empty value says nothing here",
	}
	if err := r.Err(); err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("got:\n%v\nwant:\n%s", err, strings.Join(want, "\n"))
	}
	if r.Mapping(root.Entries[0].Value, "a server", nil) {
		t.Error("a single value is taken for a mapping")
	}
	r.Each(root, nil)
	found := r.Problems()[len(want):]
	if len(found) != 2 || found[0].Message != "a server is a mapping, not a single value" || found[1].Message != "a list is needed here, not a mapping" {
		t.Errorf("%v", found)
	}
}

func TestAFreeMappingTakesAnyKeyOnce(t *testing.T) {
	r := &strict.Reader{File: "f.yaml"}
	got := map[string]string{}
	r.Free(r.Document([]byte("x: 1\ny: 2\nx: 3\n")), "labels", func(key string, value *strict.Node) { got[key] = r.Text(value) })
	if len(got) != 2 || got["x"] != "1" || got["y"] != "2" {
		t.Errorf("%v", got)
	}
	if err := r.Err(); err == nil || err.Error() != `f.yaml:3:1: key "x" stands here twice` {
		t.Errorf("%v", err)
	}
}

func TestAnUnknownWordIsToldWithTheNearestOrWithAll(t *testing.T) {
	known := []string{"allow", "approve", "deny"}
	for _, c := range []struct {
		word  string
		every int
		hint  string
	}{
		{"alow", 0, `did you mean "allow"?`},
		{"aprove", 0, `did you mean "approve"?`},
		{"dny", 0, `did you mean "deny"?`},
		{"dxx", 0, "known here: allow, approve, deny"},
		{"den", 3, `did you mean "deny"?`},
		{"dxy", 0, "known here: allow, approve, deny"},
		{"dxy", 3, `did you mean "deny"?`},
		{"", 0, "known here: allow, approve, deny"},
		{strings.Repeat("deny", 99), 0, "known here: allow, approve, deny"},
	} {
		r := &strict.Reader{Words: strict.Words{Every: c.every}}
		r.Unknown(nil, "verdict", c.word, "", known)
		if p := r.Problems()[0]; p.Hint != c.hint || strings.Contains(p.Message, " in ") {
			t.Errorf("%.20q, %d: %s, hint %q, want %q", c.word, c.every, p.Message, p.Hint, c.hint)
		}
	}
}

func TestTheErrorIsInTheOrderOfTheFileAndTheProblemsInThatOfTheirFinding(t *testing.T) {
	r := &strict.Reader{File: "f.yaml"}
	if r.Err() != nil || len(r.Problems()) != 0 {
		t.Fatal("a new reader has problems")
	}
	r.Report(&strict.Node{Line: 2, Column: 7}, "third", "")
	r.Report(&strict.Node{Line: 2, Column: 3}, "second", "do it")
	r.Report(nil, "first", "")
	var sorted strict.Problems
	if err := r.Err(); !errors.As(err, &sorted) || err.Error() != "f.yaml: first\nf.yaml:2:3: second\n    hint: do it\nf.yaml:2:7: third" {
		t.Errorf("%v", err)
	}
	if found := r.Problems(); found[0].Message != "third" || found[2].Message != "first" {
		t.Errorf("%v", found)
	}
	r.Problems()[0].Message = "changed"
	if r.Problems()[0].Message != "third" {
		t.Error("a caller can change what was found")
	}
}
