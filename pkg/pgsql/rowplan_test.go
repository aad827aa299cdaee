package pgsql_test

import (
	"regexp"
	"strings"
	"testing"
)

// planOf is what the server plans for a text: the nodes of the statement's own with their estimates, and what it asks of the table whose
// rows are filtered.
func planOf(t *testing.T, s *session, text string) (own []string, asked []string) {
	t.Helper()
	estimate := regexp.MustCompile(`cost=[0-9.]+ `)
	inside, scans := -1, false
	for line := range strings.Lines(s.simple(t.Context(), "EXPLAIN "+text)) {
		at := len(line) - len(strings.TrimLeft(line, " "))
		line = strings.TrimSpace(line)
		if inside >= 0 && at <= inside {
			inside = -1
		}
		if strings.HasPrefix(line, "InitPlan") && inside < 0 {
			inside = at
		}
		if inside < 0 {
			own = append(own, estimate.ReplaceAllString(line, ""))
			continue
		}
		if strings.Contains(line, "->") {
			scans = strings.Contains(line, " ledger")
		} else if scans && !strings.Contains(line, "InitPlan") {
			asked = append(asked, line)
		}
	}
	return own, asked
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
	for round := range 2 {
		for _, text := range texts {
			a := understand(t, text, env)
			if a.Problem != nil {
				t.Fatalf("%s: %+v", text, *a.Problem)
			}
			own, asked := planOf(t, s, a.Rewritten)
			if len(asked) == 0 {
				t.Errorf("%s\nasks no filter", text)
			}
			for _, line := range asked {
				if _, condition, _ := strings.Cut(line, ": "); condition != "(tenant = 7)" {
					t.Errorf("%s\nasks of hidden rows: %s", text, line)
				}
			}
			cost := regexp.MustCompile(`cost=[0-9.]+`)
			plan := cost.ReplaceAllString(strings.Join(own, "\n"), "")
			if !strings.Contains(plan, "Function Scan on unnest hoop_r") {
				t.Errorf("%s\nis planned as %s", text, plan)
			}
			if round == 0 {
				before[text] = plan
			} else if plan != before[text] {
				t.Errorf("%s\nis planned as %s\nand with more hidden rows as %s", text, before[text], plan)
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
