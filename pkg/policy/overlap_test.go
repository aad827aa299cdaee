package policy

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What a pattern means of the objects that a request may be about is never missed.
func TestAPatternOverlapsWhatItMeans(t *testing.T) {
	word := rapid.StringMatching(`[ab]{0,2}`)
	pattern := rapid.StringMatching(`[ab/*]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		namespace, name := word.Draw(t, "namespace"), word.Draw(t, "name")
		g := newGlob(pattern.Draw(t, "pattern"))
		object := namespace + "/a/" + name
		for _, spread := range []string{"*/a/*", namespace + "/a/*", "*/a/" + name, object} {
			if g.match(object) && !g.overlaps(spread) {
				t.Fatalf("%q means %q, and not %q", g.text, object, spread)
			}
		}
		if g.overlaps(object) != g.match(object) {
			t.Fatalf("%q and %q: overlaps %t, matches %t", g.text, object, !g.match(object), g.match(object))
		}
		if !strings.Contains(g.text, "*") && strings.Count(g.text, "/") != 2 && g.overlaps("*/a/*") {
			t.Fatalf("%q is no object, and overlaps all", g.text)
		}
	})
}
