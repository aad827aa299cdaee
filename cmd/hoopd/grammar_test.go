package main_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/freeport"
)

// A worker takes two seconds of processor time: where nothing is SQL, nobody is to wait or to pay for them.
func TestAGatewayWithoutPostgreSQLHasNoGrammarWorkers(t *testing.T) {
	dir := stateDir(t)
	var ports [3]int
	for i := range ports {
		var err error
		if ports[i], err = freeport.Next(); err != nil {
			t.Fatal(err)
		}
	}
	const policy = `version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: ["*"]}, ttl: 30m}]
rules: [{name: reads, who: {groups: [developers]}, effects: [read], verdict: allow}]
tests:
  - {as: {user: dev, groups: [developers]}, on: status, command: GET /, expect: allow, rule: reads}
`
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("policy.yaml", policy)
	write("hoopd.yaml", fmt.Sprintf(`state: state
broker:
  listen: 127.0.0.1:%[1]d
  public_url: https://127.0.0.1:%[1]d
  identity: [{name: corp, oidc: {issuer: "http://127.0.0.1:%[2]d", client_id: hoop, scopes: [openid]}, username_claim: email, groups_claim: groups}]
gateway: {metrics: "127.0.0.1:%[3]d"}
policy: policy.yaml
connections: [{name: status, kind: http, address: "http://127.0.0.1:%[2]d", credential: {none: {}}}]
`, ports[0], ports[1], ports[2]))
	p := program(t).start(t, dir, "serve", "-c", filepath.Join(dir, "hoopd.yaml"))
	page := func(path string) (int, string) {
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", ports[2], path))
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	workers := func() int {
		n := 0
		for _, command := range p.relatives(t) {
			if slices.Contains(strings.Fields(command), "grammar-worker") {
				n++
			}
		}
		return n
	}
	ready := func() bool { code, _ := page("/readyz"); return code == http.StatusOK }
	eventually(t, startTime, "hoopd is ready", func() bool {
		if p.ended(0) {
			t.Fatalf("hoopd ended:\n%s", p.stderr())
		}
		return ready()
	})
	if n := workers(); n != 0 {
		t.Fatalf("%d grammar workers, and no SQL anywhere", n)
	}
	if _, text := page("/metrics"); !strings.Contains(text, "hoop_grammar_workers_healthy 1") {
		t.Error("the metric says that something is wrong")
	}

	// A test in the policy may be one of SQL, for a connection that is not there yet. One that holds for no reason is not taken.
	const unread = "  - {as: {user: dev, groups: [developers]}, on: db-later, command: SELEC 1, expect: allow}\n"
	const read = "  - {as: {user: dev, groups: [developers]}, on: db-later, command: SELECT 1 FROM public.users, expect: allow, rule: reads}\n"
	write("policy.yaml", policy+unread)
	eventually(t, startTime, "the test fails", func() bool { _, text := page("/readyz"); return strings.Contains(text, "syntax error") })
	write("policy.yaml", policy+read)
	eventually(t, 10*time.Second, "the test holds", func() bool { return ready() && strings.Contains(p.stderr(), "policy changed") })
	if n := workers(); n == 0 {
		t.Error("SQL was understood, and no grammar worker is there")
	}
}
