package pgsql_test

import (
	"os"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// twin makes a database that differs from the first in masked values only, of the same lengths.
func twin(t *testing.T) {
	t.Helper()
	schema, err := os.ReadFile("testdata/evasion-schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	const other = `UPDATE users SET ssn = translate(ssn, '0123456789', '7890123456'), card = translate(card, '0123456789', '7890123456'),
		phone = translate(phone, '0123456789', '7890123456'), email = translate(email, 'abcdelmnoxy.', 'qrstuvwzghi.'), notes = '{"other": 1}'; `
	without, _, _ := strings.Cut(string(schema), "CREATE ROLE agent LOGIN;")
	grants := "GRANT SELECT,INSERT,UPDATE,DELETE ON ALL TABLES IN SCHEMA public TO agent; GRANT CREATE ON SCHEMA public TO agent; VACUUM FULL; "
	for _, database := range []string{"one", "two"} {
		if err := server.Exec("CREATE DATABASE " + database); err != nil {
			t.Fatal(err)
		}
		text := without
		if database == "two" {
			text += other
		}
		text += "REFRESH MATERIALIZED VIEW mv_users; " // which its definition alone does before the child's row is there
		for _, part := range append([]string{text}, strings.Split(strings.TrimSpace(grants), ";")...) {
			if err := server.ExecIn(database, part); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// transcript is what a statement answers in simple, extended text and binary form, in a transaction that is rolled back.
func transcript(t *testing.T, s *session, text string, a pgsql.Analysis) string {
	t.Helper()
	var b strings.Builder
	for form := range 3 {
		s.notices = nil
		_ = s.simple(t.Context(), "BEGIN")
		switch {
		case a.Statements[0].CopyIn:
			_, err := s.CopyFrom(t.Context(), strings.NewReader(""), a.Rewritten)
			writeError(&b, err)
		case a.Statements[0].CopyOut:
			b.WriteString(s.copyOut(t.Context(), a.Rewritten))
		case form == 0 || len(a.Statements) > 1:
			b.WriteString(s.simple(t.Context(), a.Rewritten))
		default:
			b.WriteString(s.extended(t.Context(), a.Rewritten, int16(form-1)))
		}
		_ = s.simple(t.Context(), "ROLLBACK")
		_ = s.simple(t.Context(), "DEALLOCATE ALL; CLOSE ALL; UNLISTEN *")
	}
	return b.String()
}

func TestMaskedValuesDontInterfere(t *testing.T) {
	twin(t)
	one, two := connect(t, "agent", "one"), connect(t, "agent", "two")
	envOne, envTwo := envOf(t, one, piiMasks()), envOf(t, two, piiMasks())
	texts := append(readStatements(t, "testdata/corners.sql"), readStatements(t, "testdata/honest.sql")...)
	for _, e := range readCorpus(t) {
		texts = append(texts, e.text)
	}
	ran := 0
	for _, text := range texts {
		a, b := understand(t, text, envOne), understand(t, text, envTwo)
		if brief(a) != brief(b) || a.Rewritten != b.Rewritten || a.Recorded != b.Recorded {
			t.Errorf("%s\nunderstood as %s and as %s", text, brief(a), brief(b))
			continue
		}
		if a.Problem != nil {
			t.Logf("refused: %s\n    %s (%s)", strings.TrimSpace(text), a.Problem.Message, a.Problem.Hint)
			continue
		}
		if differs(text) {
			continue
		}
		ran++
		first, second := transcript(t, one, text, a), transcript(t, two, text, b)
		if first != second {
			t.Errorf("%s\nbecame %s\nanswers\n%s\nand\n%s", text, a.Rewritten, first, second)
		}
		if c := leaks(first, text); c != "" {
			t.Errorf("%s\nbecame %s\nleaks %s", text, a.Rewritten, c)
		}
		t.Logf("ran: %s\n%.300s", strings.TrimSpace(text), first)
	}
	if ran < 150 {
		t.Errorf("only %d statements ran", ran)
	}
}

// differs says of a statement that two runs on one database answer differently: times, and the catalog's own order.
func differs(text string) bool {
	for _, part := range []string{"now()", "(ANALYZE, COSTS off, TIMING off)", "pg_tables", "information_schema", "relname"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// Nothing of an honest text may be an effect that nobody has thought of: the walk must judge all relations and calls.
func TestNoHonestStatementHasAnUnknownEffect(t *testing.T) {
	var texts []string
	for _, path := range []string{"testdata/honest.sql", "testdata/psql.sql", "testdata/corners.sql"} {
		texts = append(texts, readStatements(t, path)...)
	}
	for _, e := range readCorpus(t) {
		texts = append(texts, e.text)
	}
	for _, text := range texts {
		for _, st := range understand(t, text, pgsql.Env{}).Statements {
			for _, access := range st.Accesses {
				if access.Effect == pgsql.Unknown {
					t.Errorf("%s: %v", text, st.Accesses)
				}
			}
		}
	}
}
