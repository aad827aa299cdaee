package pgsql_test

import (
	"os"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

func readStatements(t testing.TB, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(data), "-- @\n")[1:]
}

func TestHonestStatementsRunUnderMasks(t *testing.T) {
	s := connect(t, "agent", "postgres")
	env := envOf(t, s, piiMasks())
	plain, rewritten := connect(t, "agent", "postgres"), connect(t, "agent", "postgres")
	statements := readStatements(t, "testdata/honest.sql")
	if len(statements) < 100 {
		t.Errorf("only %d statements", len(statements))
	}
	for _, text := range statements {
		a := understand(t, text, env)
		if a.Problem != nil {
			t.Errorf("%s refused: %+v", text, *a.Problem)
			continue
		}
		if strings.HasPrefix(text, "COPY") || strings.HasPrefix(text, "BEGIN") {
			continue
		}
		direct := plain.simple(t.Context(), "BEGIN;"+text+"\n;ROLLBACK")
		_ = plain.simple(t.Context(), "ROLLBACK")
		masked := rewritten.simple(t.Context(), "BEGIN;"+a.Rewritten+"\n;ROLLBACK")
		_ = rewritten.simple(t.Context(), "ROLLBACK")
		plain.notices, rewritten.notices = nil, nil
		if strings.Contains(masked, "Severity:ERROR") != strings.Contains(direct, "Severity:ERROR") {
			t.Errorf("%s\nbecame %s\nanswers %s", text, a.Rewritten, masked)
		}
		if c := leaks(masked, text); c != "" {
			t.Errorf("%s\nbecame %s\nleaks %s", text, a.Rewritten, c)
		}
	}
}

func TestPsqlsOwnQueriesAreReads(t *testing.T) {
	s := connect(t, "agent", "postgres")
	env := envOf(t, s, piiMasks())
	for _, text := range readStatements(t, "testdata/psql.sql") {
		a := understand(t, text, env)
		if a.Problem != nil {
			t.Errorf("%s refused: %+v", text, *a.Problem)
			continue
		}
		for _, access := range a.Statements[0].Accesses {
			if access.Effect != pgsql.Read && !strings.Contains(text, "pg_catalog.pg_subscription") {
				t.Errorf("%s\n%v", text, access)
			}
		}
		answer := s.simple(t.Context(), a.Rewritten)
		if strings.Contains(answer, "Severity:ERROR") && !strings.Contains(s.simple(t.Context(), text), "Code:42703") { // psql 15 asks other servers otherwise
			t.Errorf("%s\nbecame %s\nanswers %s", text, a.Rewritten, answer)
		}
	}
}
