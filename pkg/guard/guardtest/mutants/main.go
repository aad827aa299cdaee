// Command mutants breaks the guard, and the row filters, on purpose, one promise at a time, and fails unless the conformance suite of every
// protocol, or the test that is meant for it, notices by name. It changes no file: the broken source is laid over the tree for one test run.
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is one broken promise.
type mutant struct {
	name    string
	file    string
	old     string
	new     string
	noticed string // the test that must fail
	only    string // the protocols that the promise is about; "": all
	test    string // the one test that must fail, in the place of a part of the conformance suite
}

// mutants are the ways of DESIGN.md section 4 in which a gate could be open.
var mutants = []mutant{
	{
		"Admit allows all", "pkg/guard/guard.go",
		"return nil, s.refuse(ctx, p, denied(d))", "_ = denied",
		"refused_commands_never_reach_the_peer", "", "",
	},
	{
		"Record drops", "pkg/guard/journal.go",
		"\tif sync {\n\t\t_, err := s.cfg.Recorder.AppendSync(t, body)\n", "\tif len(body) > 0 {\n\t\treturn nil\n\t}\n\tif sync {\n\t\t_, err := s.cfg.Recorder.AppendSync(t, body)\n",
		"every_command_that_reaches_the_peer_is_in_the_recording", "", "",
	},
	{
		"Mask is the identity", "pkg/guard/guard.go",
		"s.standing.Store(now)", "now.Masks = nil; s.standing.Store(now)",
		"canaries_reach_neither_client_nor_recording_nor_log", "postgres web", "", // hosts have none, and those of clusters' Secrets need no policy
	},
	{
		"Detectors find nothing", "pkg/guard/detect.go",
		"if len(rules) == 0 {", "if len(rules) >= 0 {",
		"canaries_reach_neither_client_nor_recording_nor_log", "", "",
	},
	{
		"Commands are recorded before the detectors", "pkg/guard/detect.go",
		"c.Recorded = p.seenText(c.Recorded)", "_ = p.seenText",
		"canaries_reach_neither_client_nor_recording_nor_log", "", "",
	},
	{
		"every approval is granted", "pkg/guard/guard.go",
		"if r := s.ask(ctx, p, d); r != nil {", "if r := s.ask(ctx, p, d); r != nil && false {",
		"unapproved_commands_never_reach_the_peer", "", "",
	},
	{
		"Answers pass no filter", "pkg/exchange/carry.go",
		"dst, err := f.Write(dst, piece)\n", "err := error(nil); dst, over = append(dst, piece...), false\n",
		"canaries_reach_neither_client_nor_recording_nor_log", overHTTP, "",
	},
	{
		"A client that left is waited for", "pkg/exchange/vigil.go",
		"v.end(errLeft)", "_ = v.end",
		"a_client_that_vanishes_while_held_never_has_its_command_run", "web", "", // clusters' clients are never held, they come again
	},
}

// overHTTP are the protocols that pkg/exchange serves.
const overHTTP = "kube web"

// all are the protocols.
var all = []string{"postgres", "sshhost", "kube", "web"}

// ofRows are ways in which row filters could leave a row that they should not, or tell of one. The databases of that test differ in
// hidden rows alone.
func ofRows() []mutant {
	const test = "TestHiddenRowsDontInterfereWithAnyMessage"
	rows := func(name, file, before, after string) mutant {
		return mutant{name: name, file: "pkg/pgsql/" + file, old: before, new: after, only: "postgres", test: test}
	}
	return []mutant{
		rows("filters hold for all rows", "rows.go", `return Condition{Op: "and", Args: filters}.sql(row)`, `_ = filters; return "true"`),
		rows("UPDATE and DELETE ask no filter", "rowwrite.go", `"CASE WHEN " + rowCondition(filters, row) + " THEN ("`, `"CASE WHEN true THEN ("`),
		rows("filters stay with the table that they name", "masks.go", "for m.families(c) || m.spread(c)", "for m.spread(c)"),
		rows("views show what they read", "rowmasks.go", "base != nil && len(m.Rows[oid]) > 0", "base != nil && len(m.Rows[oid]) > 1<<20"),
		rows("plans are shown", "rowread.go", "if j.explained != nil {", "if j.explained != nil && n == nil {"),
		rows("counts are shown", "masksplit.go", `untold(object); why != "" {`, `untold(object); why != "" && n == nil {`),
		rows("foreign keys find hidden rows", "rowask.go", `w.asksRows("foreign key "+key.Name+" of "+from.Qualified(), r)`, "_ = r"),
		{
			"rows can be added beside hidden ones", "pkg/pgsql/rowwrite.go",
			`if !n.is("UpdateStmt") && !n.is("DeleteStmt") {`, `if !n.is("InsertStmt") && !n.is("UpdateStmt") && !n.is("DeleteStmt") {`,
			"", "postgres", "TestNoRowIsAddedWhereRowsAreFiltered", // what else refuses it gives another reason, and nothing that works
		},
	}
}

func main() {
	protocols := os.Args[1:] // those whose suites are run; none: all
	if len(protocols) == 0 {
		protocols = all
	}
	if err := run(protocols); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(protocols []string) error {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	missed := 0
	broken := slices.Concat(mutants, ofRows())
	for i, m := range broken {
		for _, protocol := range protocols {
			if m.only != "" && !slices.Contains(strings.Fields(m.only), protocol) {
				continue
			}
			noticed, err := try(filepath.Join(dir, fmt.Sprint(i)+protocol), protocol, m)
			if err != nil {
				return fmt.Errorf("mutant %q: %w", m.name, err)
			}
			verdict := "noticed"
			if !noticed {
				verdict = "MISSED"
				missed++
			}
			fmt.Printf("%-10s %-45s %s (%s)\n", protocol, m.name, verdict, cmp.Or(m.test, m.noticed))
		}
	}
	if missed > 0 {
		return fmt.Errorf("%d mutants passed the test that must notice them", missed)
	}
	fmt.Printf("%d mutants, all noticed\n", len(broken))
	return nil
}

// try runs the test that must notice, of a protocol's conformance suite, over one mutant and answers whether it failed.
func try(dir, protocol string, m mutant) (noticed bool, err error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return false, err
	}
	if strings.Count(string(source), m.old) != 1 {
		return false, fmt.Errorf("%s no longer has %q exactly once: bring the mutant up to date", m.file, m.old)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return false, err
	}
	broken := filepath.Join(dir, "mutant.go")
	if err := os.WriteFile(broken, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600); err != nil {
		return false, err
	}
	file, err := filepath.Abs(m.file)
	if err != nil {
		return false, err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: broken}})
	if err != nil {
		return false, err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		return false, err
	}
	pattern, failed := "TestConformance$/.*/"+m.noticed+"$", "--- FAIL: TestConformance/"
	if m.test != "" {
		pattern, failed = "^"+m.test+"$", "--- FAIL: "+m.test
	}
	cmd := exec.Command("go", "test", "-count=1", "-timeout", "180s", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-run", pattern, "./pkg/gateway/"+protocol+"/")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false, nil
	}
	if strings.Contains(string(out), "[build failed]") {
		return false, fmt.Errorf("it does not build:\n%s", out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, failed) && strings.Contains(line, m.noticed) {
			return true, nil
		}
	}
	fmt.Printf("%s", out) // something else failed
	return false, nil
}
