// Package docs_test holds the pages to the code that they speak of.
package docs_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// files are those of the repository with an ending, without what builds leave.
func files(t *testing.T, ending string) (found []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "bin" || d.Name() == "dist" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return filepath.SkipDir
		case strings.HasSuffix(path, ending):
			found = append(found, path)
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		t.Fatal("no files were found", err)
	}
	return found
}

// matches are the first groups of a pattern in a text, sorted, each once.
func matches(pattern, text string) []string {
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func TestTheThreatModelNamesTestsThatExist(t *testing.T) {
	var tests strings.Builder
	for _, file := range files(t, "_test.go") {
		tests.WriteString(read(t, file))
	}
	named := matches("`((?:Test|Fuzz)[A-Za-z0-9]+)`", read(t, "threat-model.md"))
	if len(named) < 20 {
		t.Fatalf("only %d tests are named", len(named))
	}
	for _, name := range named {
		if !strings.Contains(tests.String(), "func "+name+"(t *testing.T)") && !strings.Contains(tests.String(), "func "+name+"(f *testing.F)") {
			t.Errorf("threat-model.md names %s, which does not exist", name)
		}
	}
}

// Every attack that the page lists has a test.
func TestEveryListedAttackHasATest(t *testing.T) {
	rows := regexp.MustCompile(`(?m)^\| [EFHL][0-9]+ \|.*$`).FindAllString(read(t, "threat-model.md"), -1)
	if len(rows) < 50 {
		t.Fatalf("only %d attacks are listed", len(rows))
	}
	for _, row := range rows {
		if len(matches("`((?:Test|Fuzz)[A-Za-z0-9]+)`", row)) == 0 {
			t.Errorf("no test: %s", row)
		}
	}
}

func TestTheMetricsPageListsWhatIsRegistered(t *testing.T) {
	var code strings.Builder
	for _, file := range files(t, ".go") {
		if !strings.HasSuffix(file, "_test.go") {
			code.WriteString(read(t, file))
		}
	}
	want := matches(`(?:Name:\s*|NewDesc\()"(hoop_[a-z_]+)"`, code.String())
	have := matches("(?m)^\\| `(hoop_[a-z_]+)`", read(t, "reference/metrics.md"))
	if len(want) == 0 || !slices.Equal(have, want) {
		t.Errorf("reference/metrics.md lists\n%s\nand the code registers\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheHTTPPageListsTheRoutes(t *testing.T) {
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal([]byte(read(t, "../broker/openapi.json")), &document); err != nil {
		t.Fatal(err)
	}
	var want []string
	for path, methods := range document.Paths {
		for method := range methods {
			if slices.Contains([]string{"get", "post", "put", "patch", "delete"}, method) {
				want = append(want, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(want)
	have := matches("`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`", read(t, "reference/http-api.md"))
	for _, route := range want {
		if !slices.Contains(have, route) {
			t.Errorf("reference/http-api.md lacks %s", route)
		}
	}
	for _, route := range have {
		if !slices.Contains(want, route) && strings.HasPrefix(route, "POST /v1") {
			t.Errorf("reference/http-api.md has %s, which is no route", route)
		}
	}
}

func TestLinksBetweenPagesLeadSomewhere(t *testing.T) {
	for _, file := range files(t, ".md") {
		for _, link := range matches(`\]\(([^)\s]+)\)`, read(t, file)) {
			if strings.Contains(link, "://") {
				continue
			}
			path, part, _ := strings.Cut(link, "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", file, link)
				continue
			}
			if part != "" && !slices.Contains(anchors(read(t, target)), part) {
				t.Errorf("%s: %s names no heading", file, link)
			}
		}
	}
}

// anchors are the names that headings get in links.
func anchors(page string) (found []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		name := strings.ToLower(regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(m[1], ""))
		found = append(found, strings.ReplaceAll(name, " ", "-"))
	}
	return found
}
