package pgsql_test

import (
	"strings"
	"testing"
)

// Names over 63 bytes are cut between characters, by the server and by the grammar.
func TestLongNamesMeanWhatTheServerMakesOfThem(t *testing.T) {
	cut := strings.Repeat("a", 62)
	s := newDatabase(t, "longnames", "CREATE TABLE "+cut+"(id int, ssn text); INSERT INTO "+cut+" VALUES (1, 'secret'); CREATE TABLE "+cut+"b(id int, ssn text)")
	masked := envOf(t, s, mask(cut+".ssn", cut+"b.ssn"))
	for _, text := range []string{"SELECT * FROM " + cut + "é", `SELECT * FROM "` + cut + `éb"`, `SELECT * FROM U&"` + cut + `\00e9"`, "SELECT * FROM " + cut + "bcdef", `SELECT x.id AS "` + cut + `bcdef" FROM ` + cut + " x", "SELECT 1 AS \"" + strings.Repeat("é", 31) + "\", '" + strings.Repeat("é", 99) + "'"} {
		a := understand(t, text, masked)
		if a.Problem != nil {
			t.Errorf("%s: %+v", text, *a.Problem)
		} else if answer := s.simple(t.Context(), a.Rewritten); strings.Contains(answer, "secret") || strings.Contains(answer, "Severity:ERROR") {
			t.Errorf("%s became %s: %s", text, a.Rewritten, answer)
		}
	}
}
