// Package hoop holds the laws of this repository as tests.
package hoop

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/hoop-gateway/hoop/"

// files answers the Go files of the repository by folder.
func files(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "-co", "--exclude-standard", "*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for name := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		if _, err := os.Stat(name); err == nil {
			found[filepath.Dir(name)] = append(found[filepath.Dir(name)], name)
		}
	}
	if len(found) < 10 {
		t.Fatalf("only %d folders with Go files were found", len(found))
	}
	return found
}

func parse(t *testing.T, name string, mode parser.Mode) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, mode)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func deps(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", pkg).Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", pkg, err)
	}
	all := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		all[strings.TrimSpace(line)] = true
	}
	return all
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for dir, names := range files(t) {
		documented := false
		for _, name := range names {
			f := parse(t, name, parser.ParseComments|parser.PackageClauseOnly)
			documented = documented || f.Doc != nil && strings.HasSuffix(strings.TrimSpace(f.Doc.Text()), ".")
		}
		if !documented {
			t.Errorf("%s: no file has a package comment that ends in a full stop", dir)
		}
	}
}

func TestTheClientLinksNoServer(t *testing.T) {
	for dep := range deps(t, "./cmd/hoop") {
		for bad, why := range map[string]string{
			module + "broker":                   "the client speaks to the broker over HTTP",
			module + "pkg/gateway":              "targets are behind the gateway",
			module + "pkg/guard":                "the gate is the gateway's",
			module + "pkg/policy":               "policy is judged by the server",
			module + "pkg/pgsql":                "the SQL grammar is the gateway's",
			"cel.dev/cel-go":                    "policy is judged by the server",
			"modernc.org/sqlite":                "the store is the broker's",
			"github.com/tetratelabs/wazero":     "the SQL grammar is the gateway's",
			"github.com/wasilibs/go-pgquery":    "the SQL grammar is the gateway's",
			"github.com/prometheus":             "metrics are the server's",
			"github.com/zitadel/oidc/v3/pkg/op": "the sample provider is hoopd dev's",
		} {
			if dep == bad || strings.HasPrefix(dep, bad+"/") {
				t.Errorf("cmd/hoop links %s: %s", dep, why)
			}
		}
	}
}

func TestArrowsPointDown(t *testing.T) {
	leaves := []string{"policy", "mask", "record", "pgsql", "argv", "grant", "http1"}
	for dir, names := range files(t) {
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, i := range parse(t, name, parser.ImportsOnly).Imports {
				path := strings.Trim(i.Path.Value, `"`)
				own, isOurs := strings.CutPrefix(path, module)
				switch {
				case strings.HasPrefix(dir, "pkg/") && (strings.Contains(path, "spf13/cobra") || strings.Contains(path, "spf13/viper")):
					t.Errorf("%s imports %s: the command line is cmd's", name, path)
				case strings.Contains(path, "zalando/go-keyring") && dir != "pkg/login":
					t.Errorf("%s imports go-keyring: only pkg/login stores tokens", name)
				case strings.Contains(path, "zitadel/oidc") && dir != "cmd/hoopd/dev":
					t.Errorf("%s imports the sample provider's library", name)
				case isOurs && strings.HasPrefix(dir, "pkg/") && !strings.HasPrefix(own, "pkg/"):
					t.Errorf("%s imports %s: pkg knows nothing above it", name, own)
				case isOurs && protocol(dir) != "" && protocol(own) != "" && protocol(dir) != protocol(own):
					t.Errorf("%s imports %s: protocols never import each other", name, own)
				}
				for _, leaf := range leaves {
					if isOurs && dir == "pkg/"+leaf && !strings.HasPrefix(own, dir) {
						t.Errorf("%s imports %s: pkg/%s is a leaf", name, own, leaf)
					}
				}
			}
		}
	}
}

// protocol answers which protocol a folder belongs to, "" for none.
func protocol(dir string) string {
	rest, ok := strings.CutPrefix(dir, "pkg/gateway/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func TestForbiddenCallsAreNotMade(t *testing.T) {
	forbidden := map[*regexp.Regexp]string{
		regexp.MustCompile(`\bpgproto3\.NewFrontend\(|\bpgproto3\.NewBackend\(`): "only the bounded framer reads sockets",
		regexp.MustCompile(`pgproto3\.DataRow\b`):                                "its decoder panics on hostile rows",
		regexp.MustCompile(`\bfunc init\(\)`):                                    "wiring is by hand, in cmd",
		regexp.MustCompile(`(?m)^//\s*TODO|\bTODO\b`):                            "finish it or leave it out",
		regexp.MustCompile(`\bt\.Skip(Now|f)?\(`):                                "a test that can't run fails",
	}
	exits := regexp.MustCompile(`\bos\.Exit\(`)
	for dir, names := range files(t) {
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if name == "laws_test.go" {
				continue
			}
			for re, why := range forbidden {
				if strings.HasPrefix(dir, "test/") && strings.Contains(re.String(), "pgproto3") {
					continue // a test that plays a driver may read as drivers do
				}
				if re.Match(text) {
					t.Errorf("%s has %q: %s", name, re.Find(text), why)
				}
			}
			allowed := strings.HasSuffix(name, "_test.go") || name == "cmd/hoop/cli/exit.go" || dir == "cmd/hoopd" || strings.HasSuffix(dir, "/mutants") || strings.HasSuffix(dir, "gen") || strings.HasPrefix(dir, "test/")
			if exits.Match(text) && !allowed {
				t.Errorf("%s calls os.Exit: exit codes are chosen in one file", name)
			}
		}
	}
}

func TestFilesAreShortAndNamesSaySomething(t *testing.T) {
	nothing := regexp.MustCompile(`(^|/)(util|utils|common|helper|helpers|misc|manager|types|base|service)(/|\.go$|_test\.go$)`)
	for _, names := range files(t) {
		for _, name := range names {
			if nothing.MatchString(name) {
				t.Errorf("%s: the name says nothing", name)
			}
			if lines := countLines(t, name); lines > 600 && !strings.HasSuffix(name, "_test.go") && !generated(t, name) {
				t.Errorf("%s has %d lines, 600 at most", name, lines)
			}
		}
	}
}

func countLines(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

func generated(t *testing.T, name string) bool {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	s := bufio.NewScanner(f)
	return s.Scan() && strings.HasPrefix(s.Text(), "// Code generated")
}

func TestTheModuleReplacesNothing(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`(?m)^replace\b`).Match(text) {
		t.Error("go.mod has a replace")
	}
	direct := regexp.MustCompile(`(?m)^\t\S+ v\S+$`).FindAll(text, -1)
	if len(direct) == 0 {
		t.Fatal("no direct dependency was found: this test reads go.mod wrongly")
	}
}

func TestEveryProtocolPassesTheConformanceSuite(t *testing.T) {
	for dir, names := range files(t) {
		if protocol(dir) == "" || strings.Count(dir, "/") > 2 {
			continue
		}
		passes := false
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			passes = passes || strings.HasSuffix(name, "_test.go") && strings.Contains(string(text), "guardtest.Run(")
		}
		if !passes {
			t.Errorf("%s: no test calls guardtest.Run", dir)
		}
	}
}

func TestTheReadmeIsShort(t *testing.T) {
	if n := countLines(t, "README.md"); n > 250 {
		t.Errorf("README.md has %d lines, 250 at most", n)
	}
}
