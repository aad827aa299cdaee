package sshhost_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
)

// TestAPolicysOwnProgramsAreJudgedByItsEntries: at the host itself.
func TestAPolicysOwnProgramsAreJudgedByItsEntries(t *testing.T) {
	dir, err := os.MkdirTemp("", "hoop-own-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	tool := filepath.Join(dir, "health")
	must(t, os.WriteFile(tool, []byte("#!/bin/sh\necho \"healthy $*\"\n"), 0o755))
	text := readOnly + "programs:\n  - {name: " + tool + ", does: read, words: [\"-v --json\", \"--fix = write\"]}\n"
	_, err = gateway.ParsePolicy([]byte(text), "policy")
	must(t, err)
	s := open(t, text)
	if got := s.run(t, tool+" --json"); got.out != "healthy --json\n" || got.status != 0 {
		t.Errorf("%+v", got)
	}
	for _, refused := range []string{tool + " --fix", tool + " --other", tool + "; rm x", "cat x; " + tool + " --fix"} {
		if got := s.run(t, refused); got.status != 126 || strings.Contains(got.out, "healthy") {
			t.Errorf("%s: %+v", refused, got)
		}
	}
	if got := open(t, readOnly).run(t, tool+" --json"); got.status != 126 {
		t.Errorf("a policy without the entry: %+v", got)
	}
}

// TestAnApprovalIsVoidWhereAProgramDoesMoreThanItDid: what was approved is judged anew by the programs of then.
func TestAnApprovalIsVoidWhereAProgramDoesMoreThanItDid(t *testing.T) {
	const ask = `
version: 1
rules: [{name: ask, effects: [read], verdict: approve, approval: {by: {groups: [ops]}, hold: 20s}}]
programs: [{name: /opt/nowhere/health, does: `
	s := open(t, ask+"read}]\n")
	s.desk.wait = make(chan string)
	got := make(chan ran)
	go func() { got <- s.run(t, "/opt/nowhere/health") }()
	within(t, "it is asked for", func() bool { return s.desk.asked.Load() == 1 })
	changed, err := gateway.ParsePolicy([]byte(ask+"read execute}]\n"), "policy")
	must(t, err)
	s.rules.Store(changed)
	s.desk.wait <- api.ApprovalApproved
	if r := <-got; r.status != 126 || s.desk.used.Load() != 0 {
		t.Errorf("%+v, used %d times", r, s.desk.used.Load())
	}
}
