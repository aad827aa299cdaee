package postgres_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// statementsOf reads statements that stand between lines which begin with "-- @".
func statementsOf(t testing.TB, path string) (out []string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split("\n"+string(content), "\n-- @")[1:] {
		_, body, _ := strings.Cut(block, "\n")
		var kept []string
		for line := range strings.Lines(body) {
			if !strings.HasPrefix(line, "-- how:") {
				kept = append(kept, line)
			}
		}
		out = append(out, strings.TrimSpace(strings.Join(kept, "")))
	}
	return out
}

// Two databases that differ in masked values alone give the same transcript, message by message, in every form. What answers
// differently at two times on one of them is left out, and must be little.
func TestMaskedValuesDontInterfereWithAnyMessage(t *testing.T) {
	left, right, canaries := twins(t)
	c := comparison{left: left, right: right, canaries: canaries}
	for _, file := range []string{"evasion-postgres.sql", "corners.sql", "honest.sql", "interference.sql"} {
		part := comparison{left: left, right: right, canaries: canaries}
		for _, text := range statementsOf(t, "../../pgsql/testdata/"+file) {
			texts := []string{text}
			if strings.Contains(text, "\n@@\n") {
				texts = strings.Split(text, "\n@@\n")
			}
			if wrong := part.try(texts); wrong != "" {
				t.Error(wrong)
			}
		}
		t.Logf("%s: %d answered, %d were refused, %d failed, %d volatile", file, part.ran, part.refused, part.failed, part.volatile)
		c.ran, c.refused, c.failed, c.volatile = c.ran+part.ran, c.refused+part.refused, c.failed+part.failed, c.volatile+part.volatile
	}
	if c.total() < 400 || c.ran*100 < c.total()*60 || c.volatile*100 > c.total()*3 {
		t.Errorf("of %d statements %d answered and %d are volatile: at least 60 %% must answer", c.total(), c.ran, c.volatile)
	}
}

// Random statements, the same ones each time: HOOP_STATEMENTS says how many, and HOOP_SEED which.
func TestRandomStatementsDontTellMaskedValues(t *testing.T) {
	left, right, canaries := twins(t)
	c := comparison{left: left, right: right, canaries: canaries}
	n, seed := setting(t, "HOOP_STATEMENTS", 10_000), setting(t, "HOOP_SEED", 1)
	c.random(t, newWriter(uint64(seed)), n, 60)
}

// random tries n texts of a writer, of which at least a share in percent must answer.
func (c *comparison) random(t *testing.T, w *writer, n, share int) {
	t.Helper()
	found := 0
	for range n {
		if wrong := c.try(w.statement()); wrong != "" {
			if t.Error(wrong); found > 20 {
				break
			}
			found++
		}
	}
	t.Logf("%d answered, %d were refused, %d failed, %d volatile", c.ran, c.refused, c.failed, c.volatile)
	if found == 0 && (c.ran*100 < n*share || c.volatile*1000 > n*5) {
		t.Errorf("of %d statements %d answered and %d are volatile: at least %d %% must answer", n, c.ran, c.volatile, share)
	}
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A leak is told again by tables without dead rows; a difference of their sizes alone is not.
func TestADifferenceOfDeadRowsIsNoLeakAndAnotherOneIs(t *testing.T) {
	left, right, canaries := twins(t)
	c := comparison{left: left, right: right, canaries: canaries}
	if err := right.server.Exec("CREATE TABLE bloated AS SELECT i FROM generate_series(1, 3000) i; DELETE FROM bloated WHERE i > 9; GRANT ALL ON bloated TO agent"); err != nil {
		t.Fatal(err)
	}
	if err := left.server.Exec("CREATE TABLE bloated AS SELECT i FROM generate_series(1, 9) i; GRANT ALL ON bloated TO agent"); err != nil {
		t.Fatal(err)
	}
	if wrong := c.try([]string{"EXPLAIN SELECT * FROM bloated"}); wrong != "" || c.volatile != 1 {
		t.Errorf("%s; %d volatile", wrong, c.volatile)
	}
	if err := right.server.Exec("INSERT INTO bloated VALUES (10)"); err != nil {
		t.Fatal(err)
	}
	if wrong := c.try([]string{"SELECT count(*) FROM bloated"}); wrong == "" {
		t.Error("databases that differ in what they answer are called the same")
	}
}
