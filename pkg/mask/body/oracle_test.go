package body_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/hoop-gateway/hoop/pkg/mask"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// node is a JSON value as encoding/json reads it, with its keys in their order and as often as they stand there.
type node struct {
	kind   string // "{", "[", "string", "number", "word"
	text   string
	keys   []string
	values []*node
}

func decode(d *json.Decoder) (*node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		n := &node{kind: v.String()}
		for d.More() {
			if n.kind == "{" {
				key, err := d.Token()
				if err != nil {
					return nil, err
				}
				n.keys = append(n.keys, key.(string))
			}
			value, err := decode(d)
			if err != nil {
				return nil, err
			}
			n.values = append(n.values, value)
		}
		_, err := d.Token()
		return n, err
	case string:
		return &node{kind: "string", text: v}, nil
	case json.Number:
		return &node{kind: "number", text: v.String()}, nil
	}
	return &node{kind: "word", text: fmt.Sprint(token)}, nil
}

func tree(text []byte) (*node, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	n, err := decode(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more behind it")
	}
	return n, nil
}

func (n *node) equal(o *node) bool {
	if n.kind != o.kind || n.text != o.text || len(n.values) != len(o.values) {
		return false
	}
	for i := range n.values {
		if n.keys != nil && n.keys[i] != o.keys[i] || !n.values[i].equal(o.values[i]) {
			return false
		}
	}
	return true
}

// hop is a step of a path as this file reads it.
type hop struct {
	deep bool
	key  string // "*" is all, "#3" an element
}

// selected marks the nodes that hops lead to.
func (n *node) selected(hops []hop, marks map[*node]bool) {
	if len(hops) == 0 {
		marks[n] = true
		return
	}
	for i, v := range n.values {
		h := hops[0]
		if h.key == "*" || n.kind == "{" && h.key == "."+n.keys[i] || n.kind == "[" && h.key == "#"+strconv.Itoa(i) {
			v.selected(hops[1:], marks)
		}
		if h.deep {
			v.selected(hops, marks)
		}
	}
}

// masked is what should be shown of a tree.
func (n *node) masked(marks map[*node]bool, set *mask.Set) *node {
	if marks[n] {
		if n.text == "<nil>" && n.kind == "word" {
			return n
		}
		return &node{kind: "string", text: "***"}
	}
	out := &node{kind: n.kind, text: n.text}
	if n.kind == "string" && set != nil {
		left, _ := set.Apply([]byte(n.text), mask.Text)
		out.text = string(left)
	}
	if n.kind == "number" && set != nil && set.Find([]byte(n.text)) {
		return &node{kind: "word", text: "<nil>"}
	}
	for i, v := range n.values {
		if n.keys != nil {
			key := n.keys[i]
			if set != nil {
				left, _ := set.Apply([]byte(key), mask.Piece)
				key = string(left)
			}
			out.keys = append(out.keys, key)
		}
		out.values = append(out.values, v.masked(marks, set))
	}
	return out
}

var (
	someKeys   = []string{"a", "b", "", "ssn", "a.b/c", "é", "'", `"\`, "A", "*", "0", "\u2028", "😀"}
	someValues = []string{
		"", "x", "4111111111111111", "say 4111 1111 1111 1111 \"now\"", "a\\b\n", "alice@example.com", "日本 😀", "\x00\x1f", "canary/§1", "</script>",
		"123-45-6789", "{\"a\":\"b\"}", "eyJhbGciOiJIUzI1NiJ9",
	}
	someNumbers = []string{"0", "-0", "1.50", "1e5", "4111111111111111", "1E-7", "-12.5e+10", "9007199254740993"}
)

// written draws one way to write a text as a JSON string.
func written(t *rapid.T, text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch how := rapid.IntRange(0, 9).Draw(t, "how"); {
		case r == '/' && how < 5:
			b.WriteString(`\/`)
		case how > 6 && r > 0xFFFF:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04X`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		case how > 6 || r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func drawJSON(t *rapid.T, depth int) string {
	space := func() string { return rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "space") }
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	if depth == 0 {
		kind %= 4
	}
	switch kind {
	case 0, 1:
		return written(t, rapid.SampledFrom(someValues).Draw(t, "value"))
	case 2:
		return rapid.SampledFrom(someNumbers).Draw(t, "number")
	case 3:
		return rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
	}
	var parts []string
	for range rapid.IntRange(0, 4).Draw(t, "many") {
		part := drawJSON(t, depth-1)
		if kind < 7 {
			part = written(t, rapid.SampledFrom(someKeys).Draw(t, "key")) + space() + ":" + space() + part
		}
		parts = append(parts, space()+part+space())
	}
	if kind < 7 {
		return "{" + strings.Join(parts, ",") + "}"
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func drawPath(t *rapid.T) (string, []hop) {
	text := "$"
	var hops []hop
	for range rapid.IntRange(0, 4).Draw(t, "steps") {
		h := hop{deep: rapid.IntRange(0, 4).Draw(t, "deep") == 0}
		dots := map[bool]string{true: ".."}[h.deep]
		switch rapid.IntRange(0, 5).Draw(t, "step") {
		case 0:
			h.key = "*"
			text += dots + "[*]"
		case 1:
			n := rapid.IntRange(0, 2).Draw(t, "index")
			h.key = "#" + strconv.Itoa(n)
			text += dots + "[" + strconv.Itoa(n) + "]"
		default:
			key := rapid.SampledFrom(someKeys).Draw(t, "path's key")
			h.key = "." + key
			text += dots + "['" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(key) + "']"
		}
		hops = append(hops, h)
	}
	return text, hops
}

// The output is what encoding/json and a search by hand make of the document, for every split of it.
func TestDocumentsAreMaskedLikeByHand(t *testing.T) {
	set := detectors(t, "redact")
	rapid.Check(t, func(rt *rapid.T) {
		text := drawJSON(rt, 4)
		want, err := tree([]byte(text))
		if err != nil {
			rt.Fatalf("drew %q: %v", text, err)
		}
		r := body.Rules{}
		marks := map[*node]bool{}
		for range rapid.IntRange(0, 3).Draw(rt, "paths") {
			path, hops := drawPath(rt)
			p, err := body.ParsePath(path)
			if err != nil {
				rt.Fatal(err)
			}
			r.Paths = append(r.Paths, p)
			want.selected(hops, marks)
		}
		var looks *mask.Set
		if len(r.Paths) == 0 || rapid.Bool().Draw(rt, "detect") {
			looks, r.Detectors = set, set
		}
		want = want.masked(marks, looks)
		whole, err := through(t, jsonType, r, text, len(text))
		if err != nil {
			rt.Fatalf("%q: %v", text, err)
		}
		got, err := tree([]byte(whole))
		if err != nil || !got.equal(want) {
			rt.Fatalf("%q\nbecame %q (%v)", text, whole, err)
		}
		sizes := rapid.SliceOfN(rapid.IntRange(1, 20), 1, 5).Draw(rt, "sizes")
		if split, err := through(t, jsonType, r, text, sizes...); split != whole || err != nil {
			rt.Fatalf("%q in pieces of %v became\n %q (%v), not\n %q", text, sizes, split, err, whole)
		}
	})
}

// What is accepted is JSON, comes out as JSON without what paths and detectors name, and does so for every split.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{
		`{"a":{"b":[1,2.5e3,"x\u0041\ud83d\ude00"]},"ssn":"4111111111111111"}`, `[1,{"a":null},{}]`, `"4111\u00201111 1111 1111"`, `{"a":1,"a":{"a":[]}}`, " 1 ", strings.Repeat("1", 1100), `{"\u0061":"\/"}`, "{\"\\u0061\xc5\"}",
	} {
		f.Add(text, uint8(3), uint8(1))
	}
	set := detectors(f, "redact")
	hops := [][]hop{{{key: ".a"}}, {{deep: true, key: ".ssn"}}, {{key: "#1"}, {key: "*"}}}
	rules := body.Rules{Paths: paths(f, "$.a", "$..ssn", "$[1][*]"), Detectors: set}
	f.Fuzz(func(t *testing.T, text string, a, b uint8) {
		whole, err := through(t, jsonType, rules, text, max(len(text), 1))
		if split, again := through(t, jsonType, rules, text, int(a), int(b)); split != whole || (err == nil) != (again == nil) {
			t.Fatalf("%q in pieces of %d and %d became %q (%v), not %q (%v)", text, a, b, split, again, whole, err)
		}
		if strings.Trim(text, " \t\r\n") == "" {
			if err != nil || whole != text {
				t.Fatalf("%q became %q, %v", text, whole, err)
			}
			return
		}
		if err != nil {
			if json.Valid([]byte(text)) && utf8.ValidString(text) && len(text) < 1000 {
				t.Fatalf("%q is refused: %v", text, err)
			}
			return
		}
		if !json.Valid([]byte(text)) || !json.Valid([]byte(whole)) {
			t.Fatalf("%q is no JSON and became %q", text, whole)
		}
		if !utf8.ValidString(text) {
			return // encoding/json reads it otherwise
		}
		want, err := tree([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		marks := map[*node]bool{}
		for _, h := range hops {
			want.selected(h, marks)
		}
		got, err := tree([]byte(whole))
		if err != nil || !got.reads(want.masked(marks, set)) {
			t.Fatalf("%q became %q (%v)", text, whole, err)
		}
	})
}

// reads says that a tree is another, but for numbers that were found though they are written with a point or an exponent, or that are too
// long to be looked at.
func (n *node) reads(o *node) bool {
	const longest = 1 << 10
	if o.kind == "number" && n.text == "<nil>" && (strings.ContainsAny(o.text, ".eE-") || len(o.text) > longest) {
		return true
	}
	if n.kind != o.kind || n.text != o.text || len(n.values) != len(o.values) {
		return false
	}
	for i := range n.values {
		if n.keys != nil && n.keys[i] != o.keys[i] || !n.values[i].reads(o.values[i]) {
			return false
		}
	}
	return true
}
