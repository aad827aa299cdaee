package pgsql_test

import (
	"regexp"
	"strings"
	"testing"
)

// planOf is what the server plans for a text: the part of the statement's own, and the part that reads filtered rows.
func planOf(t *testing.T, s *session, text string) (own, filtered string) {
	t.Helper()
	plan := s.simple(t.Context(), "EXPLAIN "+text)
	if strings.Contains(plan, "ERROR") {
		t.Fatalf("%s: %s", text, plan)
	}
	own, filtered, _ = strings.Cut(plan, "InitPlan")
	return own, filtered
}

// The server itself moves nothing of a statement's conditions to where hidden rows are, and plans the rest alike whatever is hidden.
func TestThePlannerAsksFilteredRowsForNothingButTheFilter(t *testing.T) {
	s, env := rowsDatabase(t, "rowsplan")
	texts := []string{
		"SELECT id FROM ledger WHERE 1 / (id - 3) > 0 AND id = 5 AND secret LIKE 'x%'",
		"SELECT n.id FROM notes n JOIN ledger l ON l.id = n.ledger AND l.amount > 3",
		"SELECT n.id FROM notes n LEFT JOIN ledger l ON l.id = n.ledger WHERE l.amount IS NULL OR 1 / l.amount > 3",
		"SELECT id FROM notes WHERE EXISTS (SELECT 1 FROM ledger WHERE id = notes.ledger AND amount > 3)",
		"SELECT tenant, count(*) FROM ledger WHERE day > '2020-01-01' GROUP BY tenant HAVING count(*) > 1",
		"SELECT * FROM ledger ORDER BY amount LIMIT 1",
	}
	before := map[string]string{}
	rows := regexp.MustCompile(`cost=[0-9.]+|rows=[0-9]+`)
	for round := range 2 {
		for _, text := range texts {
			a := understand(t, text, env)
			if a.Problem != nil {
				t.Fatalf("%s: %+v", text, *a.Problem)
			}
			own, filtered := planOf(t, s, a.Rewritten)
			for _, part := range []string{"secret", "amount", "day", "Join", "Group", "id = 5", "/"} {
				if strings.Contains(filtered, part) {
					t.Errorf("%s\nasks of hidden rows: %s", text, filtered)
				}
			}
			if !strings.Contains(filtered, "tenant = 7") {
				t.Errorf("%s\ndoes not ask the filter: %s", text, filtered)
			}
			own = strings.Join(rows.FindAllString(strings.ReplaceAll(own, "cost", "\ncost"), -1), " ")
			estimates := regexp.MustCompile(`rows=[0-9]+`).FindAllString(own, -1)
			if got := strings.Join(estimates, " "); round == 0 {
				before[text] = got
			} else if got != before[text] {
				t.Errorf("%s\nis planned for %s, and with more hidden rows for %s", text, before[text], got)
			}
		}
		if err := server.ExecIn("rowsplan", "INSERT INTO ledger(id, tenant, amount, secret) SELECT i, 8 + i % 50, i, 's' FROM generate_series(10000, 60000) i; ANALYZE ledger"); round == 0 && err != nil {
			t.Fatal(err)
		}
	}
}

// An UPDATE plans for one row whatever the table holds, and asks its own condition behind the filter.
func TestAFilteredUpdateIsPlannedForOneRow(t *testing.T) {
	s, env := rowsDatabase(t, "rowsupdate")
	if err := server.ExecIn("rowsupdate", "INSERT INTO ledger(id, tenant, amount) SELECT i, 8, 0 FROM generate_series(10000, 90000) i; ANALYZE ledger"); err != nil {
		t.Fatal(err)
	}
	a := understand(t, "UPDATE ledger SET secret = 'x' WHERE 1 / amount > 0", env)
	if a.Problem != nil {
		t.Fatal(*a.Problem)
	}
	plan := s.simple(t.Context(), "EXPLAIN "+a.Rewritten)
	if !strings.Contains(plan, "rows=1 ") || !strings.Contains(plan, "CASE WHEN (tenant = 7) THEN ((") {
		t.Error(plan)
	}
}
