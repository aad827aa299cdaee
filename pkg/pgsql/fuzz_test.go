package pgsql_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// FuzzAnalyze holds for any text: an answer comes, a text without a problem has statements with accesses and a rewritten text
// that can be read again and needs no further masking, and no secret that is told in a password clause is recorded.
func FuzzAnalyze(f *testing.F) {
	for _, path := range []string{"testdata/honest.sql", "testdata/corners.sql", "testdata/psql.sql"} {
		for _, text := range readStatements(f, path) {
			f.Add(text)
		}
	}
	for _, e := range readCorpus(f) {
		f.Add(e.text)
	}
	f.Add("ALTER ROLE x PASSWORD 'hunter2canary'")
	env := envOf(f, connect(f, "agent", "postgres"), piiMasks())
	plain := env
	plain.Masks = nil
	f.Fuzz(func(t *testing.T, text string) {
		a := pgsql.Analyze(context.Background(), grammar, text, env)
		if strings.Contains(a.Recorded, "PASSWORD 'hunter2canary'") {
			t.Fatalf("recorded %q", a.Recorded)
		}
		if a.Problem != nil {
			if a.Rewritten != "" || a.Problem.SQLState == "" || a.Problem.Rule == "" || a.Problem.Message == "" {
				t.Fatalf("%q: %+v", text, *a.Problem)
			}
			return
		}
		for _, st := range a.Statements {
			if len(st.Accesses) == 0 || st.Command == "" {
				t.Fatalf("%q: a statement without accesses or command: %+v", text, st)
			}
		}
		b := pgsql.Analyze(context.Background(), grammar, a.Rewritten, plain)
		if b.Problem != nil || len(b.Statements) != len(a.Statements) {
			t.Fatalf("%q became %q: %+v", text, a.Rewritten, b.Problem)
		}
		again := pgsql.Analyze(context.Background(), grammar, text, env)
		if again.Rewritten != a.Rewritten || again.Recorded != a.Recorded || brief(again) != brief(a) {
			t.Fatalf("%q is understood in two ways", text)
		}
	})
}
