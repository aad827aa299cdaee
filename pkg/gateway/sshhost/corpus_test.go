package sshhost_test

import (
	"os"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// readOnly lets through what reads, by effects alone.
const readOnly = `
version: 1
rules: [{name: look, effects: [read, session], verdict: allow}]
`

// starred is a list of forms as people write it, with stars and without effects. What it names is safe whatever the stars are.
const starred = `
version: 1
rules:
  - name: forms
    verdict: allow
    ssh:
      argv:
        - [uptime]
        - [df, "*"]
        - [df, "-*", "*"]
        - [free, "-*"]
        - [ls, "/var/log/*"]
        - [ls, "-la", "/var/log/*"]
        - [tail, "-n", "*", "/var/log/*"]
        - [cat, "/var/log/*"]
        - [grep, "*", "/var/log/*"]
        - [systemctl, status, "*", "--no-pager"]
        - [systemctl, is-active, "*"]
        - [journalctl, "-u", "*", "--no-pager"]
        - [ps, aux]
        - [ss, "-tlnp"]
        - [find, "/var/log", "-name", "*"]
        - [docker, ps]
        - [kubectl, get, pods, "*"]
        - [git, status]
        - [head]
        - [wc, "-l"]
        - [sort]
`

// both has what people would write most likely: forms, and only what reads of them. Its forms are as wide as stars are.
const both = `
version: 1
rules:
  - name: forms
    effects: [read, session]
    verdict: allow
    ssh: {argv: [["*", "*"], ["*", "-*", "*"]]}
`

// hostile are the corpus's lines; named are those of them that only a list of forms refuses.
func corpus(t *testing.T, file string) (lines []string, named map[string]bool) {
	t.Helper()
	text, err := os.ReadFile("../../argv/testdata/" + file)
	must(t, err)
	named = map[string]bool{}
	for group := range strings.SplitSeq(string(text), "\n\n") {
		for l := range strings.Lines(group) {
			if l = strings.TrimSuffix(l, "\n"); l == "" || l[0] == '#' {
				continue
			}
			l = strings.NewReplacer("␤", "\n", "␉", "\t").Replace(l)
			lines = append(lines, l)
			named[l] = strings.HasPrefix(group, "# [names]")
		}
	}
	return lines, named
}

func allowed(t *testing.T, p *policy.Policy, line string, terminal bool) bool {
	t.Helper()
	facts, ok := sshhost.Understand(line, terminal, p.Programs())
	if !ok {
		return false
	}
	d := p.Decide(policy.Subject{User: "dev", Type: "human"}, policy.Connection{Name: "web-test", Kind: "ssh"}, facts)
	return d.Verdict != policy.Deny
}

func TestNoHostileLineIsAllowedByAReadOnlyPolicy(t *testing.T) {
	lines, named := corpus(t, "hostile.txt")
	if len(lines) < 300 {
		t.Fatalf("only %d lines", len(lines))
	}
	for name, text := range map[string]string{"effects": readOnly, "forms": starred, "forms and effects": both} {
		p, err := gateway.ParsePolicy([]byte(text), "policy")
		must(t, err)
		for _, l := range lines {
			if named[l] && name != "forms" {
				continue
			}
			for _, terminal := range []bool{false, true} {
				if allowed(t, p, l, terminal) {
					t.Errorf("%s: %q is allowed (terminal: %v)", name, l, terminal)
				}
			}
		}
	}
}

func TestHonestLinesAreAllowedByAReadOnlyPolicy(t *testing.T) {
	p, err := gateway.ParsePolicy([]byte(readOnly), "policy")
	must(t, err)
	lines, _ := corpus(t, "honest.txt")
	passed := 0
	for _, l := range lines {
		if allowed(t, p, l, false) {
			passed++
		}
	}
	if len(lines) < 200 || passed*100 < 95*len(lines) {
		t.Errorf("%d of %d are allowed", passed, len(lines))
	}
}
