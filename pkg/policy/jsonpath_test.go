package policy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// paths is the table of what is a path and what is none, a line each. The package that applies masks is tested with it too.
func paths(t testing.TB) (good, bad []string) {
	t.Helper()
	text, err := os.ReadFile("testdata/paths.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		switch word, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); word {
		case "path":
			good = append(good, path)
		case "none":
			bad = append(bad, path)
		}
	}
	if len(good) < 10 || len(bad) < 10 {
		t.Fatalf("%d paths and %d that are none", len(good), len(bad))
	}
	return good, bad
}

func TestAMaskNamesValuesByPathsThatCanBeRead(t *testing.T) {
	good, bad := paths(t)
	good = append(good, "$"+strings.Repeat(".a", 32), "$."+strings.Repeat("a", 1022))
	bad = append(bad, "$"+strings.Repeat(".a", 33), "$."+strings.Repeat("a", 1023), "$.\xff")
	for _, path := range good {
		if err := policy.CheckJSONPath(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range bad {
		if err := policy.CheckJSONPath(path); err == nil {
			t.Errorf("%q is taken for a path", path)
		}
	}
}

func TestAMaskForClustersNamesAResourceAndAPath(t *testing.T) {
	for _, field := range []string{"secrets.data.*", "*.metadata.annotations['a.b/c']", "configmaps.data.password", "pods..value", "backups['x']"} {
		p := parse(t, "version: 1\nmasks:\n  - name: m\n    fields:\n      - \""+field+"\"\n    as: redact\n")
		if m := p.Masks(person("dev"), dbProd()); len(m) != 1 || m[0].Fields[0] != field {
			t.Errorf("%s: %+v", field, m)
		}
	}
	for field, want := range map[string]string{
		"secrets": "a field is a resource and where in its objects", ".data": "a field is", "$.data.x": "is no resource", "Secrets.data": "is no resource",
		"secrets.": "a key is missing", "secrets.data[": "in brackets stand", "*": "a field is",
	} {
		got := problems(t, "version: 1\nmasks: [{name: m, fields: [\""+field+"\"], as: redact}]\n").Error()
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s", field, got)
		}
	}
	for text, want := range map[string]string{
		`fields: ["secrets.data.*"]`:                           "a mask says what is shown instead",
		`json: ["$.a"], detect: [email], as: redact`:           "or it has detect, not both",
		`json: [a], as: redact`:                                "a path begins with $",
		`json: ["$.a"], as: hash`:                              "as: hash is not served",
		`fields: ["secrets.data.*"], objects: [a], as: "null"`: "no filter is here",
		`json: [], as: redact`:                                 "an empty list says nothing",
	} {
		if got := problems(t, "version: 1\nmasks: [{name: m, "+text+"}]\n").Error(); !strings.Contains(got, want) {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func FuzzJSONPath(f *testing.F) {
	good, bad := paths(f)
	for _, path := range append(good, bad...) {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		// What is a path stays one behind another step, and a path never ends within a step.
		if policy.CheckJSONPath(path) == nil && len(path) < 1000 && strings.Count(path, ".")+strings.Count(path, "[") < 30 {
			for _, more := range []string{".a", "[*]", "..['b']"} {
				if err := policy.CheckJSONPath(path + more); err != nil {
					t.Fatalf("%q and then %q: %v", path, more, err)
				}
			}
			if policy.CheckJSONPath(path+".") == nil || policy.CheckJSONPath(path+"[") == nil {
				t.Fatalf("%q can end within a step", path)
			}
		}
	})
}
