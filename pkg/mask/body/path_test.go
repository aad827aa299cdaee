package body_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

func TestPathsThatCantBeReadAreErrors(t *testing.T) {
	for _, text := range []string{
		"", "a", ".a", "$a", "$.", "$..", "$...a", "$.a.", "$[", "$[]", "$['a'", "$['a", "$['a]", "$[a]", "$[-1]", "$[01]", "$[1", "$[1:2]", "$[1,2]", "$['a','b']", "$[?(@.a)]", "$.a b", "$.*a", "$**",
		`$['\a']`, `$['a\`, "$.a[*", "$ .a", "$.a ", "$.\xff", "$[99999999999]", "$.a#", "$" + strings.Repeat(".a", 33), "$." + strings.Repeat("a", 1024),
	} {
		if p, err := body.ParsePath(text); err == nil {
			t.Errorf("%q was read as %s", text, p)
		}
	}
	for _, text := range []string{"$", "$.a", "$.a-b_9.é", "$.0", "$['a.b']", `$["it's"]`, `$['it\'s']`, "$[0]", "$[*]", "$.*", "$..a", "$..*", "$..[*]", "$..['a b'][3]", "$['']", "$['*']"} {
		if p, err := body.ParsePath(text); err != nil || p.String() != text {
			t.Errorf("%q was read as %s, %v", text, p, err)
		}
	}
}

// A path that is read leads to the value that it was written for, and to no other.
func FuzzPath(f *testing.F) {
	for _, text := range []string{"$.a", "$['a.b']", "$..a[*]", "$[3].b", `$["\""]`, "$"} {
		f.Add(text, "key")
	}
	f.Fuzz(func(t *testing.T, text, key string) {
		if p, err := body.ParsePath(text); err == nil {
			if p.String() != text || !strings.HasPrefix(text, "$") {
				t.Fatalf("%q was read as %q", text, p)
			}
			doc := `{"a":[1,{"b":"c"}],"":{}}`
			if _, err := through(t, jsonType, body.Rules{Paths: []body.Path{p}}, doc, 100); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
		quoted := "$['" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(key) + "']"
		p, err := body.ParsePath(quoted)
		if err != nil {
			if strings.ToValidUTF8(key, "") == key && len(quoted) <= 1024 {
				t.Fatalf("%q: %v", quoted, err)
			}
			return
		}
		var name strings.Builder
		for _, r := range key {
			if r > 0xFFFF {
				fmt.Fprintf(&name, `\u%04x\u%04x`, 0xD800+(r-0x10000)>>10, 0xDC00+(r-0x10000)&0x3FF)
			} else {
				fmt.Fprintf(&name, `\u%04x`, r)
			}
		}
		doc := func(value string) string { return `{"` + name.String() + `":` + value + `,"` + name.String() + `!":1}` }
		if got, err := through(t, jsonType, body.Rules{Paths: []body.Path{p}}, doc(`"x"`), 100); got != doc(`"***"`) || err != nil {
			t.Fatalf("%q of %q: %q, %v", quoted, doc(`"x"`), got, err)
		}
	})
}
