package body

import (
	"os"
	"strings"
	"testing"
)

// A policy's own check of paths, which is a leaf, and this one must not differ.
func TestPathsAreThoseOfPolicies(t *testing.T) {
	text, err := os.ReadFile("../../policy/testdata/paths.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		is, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if is != "path" && is != "none" {
			continue
		}
		n++
		if _, err := ParsePath(path); (err == nil) != (is == "path") {
			t.Errorf("%q: %v, and policies say %s", path, err, is)
		}
	}
	if n < 20 {
		t.Errorf("the table has %d lines", n)
	}
}
