package pgsql_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// tenant is the filter tenant = 7.
func tenant(objects ...string) pgsql.RowFilter {
	return pgsql.RowFilter{Objects: objects, Where: pgsql.Condition{Op: "=", Column: "tenant", Value: "7"}}
}

// rowsDatabase is a database with the left rows of rows-schema.sql, and what its sessions understand texts in.
func rowsDatabase(t *testing.T, name string) (*session, pgsql.Env) {
	t.Helper()
	schema, err := os.ReadFile("testdata/rows-schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(schema), "says hidden-….\n")
	body = regexp.MustCompile(`(?s)«([^|»]*)\|([^»]*)»`).ReplaceAllString(body, "$1")
	s := newDatabase(t, name, "CREATE TABLE teams(id int, label text); "+body)
	if err := server.ExecIn(name, "GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO agent"); err != nil {
		t.Fatal(err)
	}
	env := envOf(t, s, mask("ledger.doc"))
	env.Masks = env.Catalog.Masks(mask("ledger.doc"), tenant("ledger", "lines", "public.kin_old", "owners", "m_own", "filled", "regions"))
	return s, env
}

func TestFilteredRowsAreThoseOfTheFilter(t *testing.T) {
	s, env := rowsDatabase(t, "rowsread")
	for text, want := range map[string]string{
		"SELECT id, secret, doc FROM ledger":                                         "2|12|\n5|7|\n6||\n9|-3|\n",
		"SELECT count(*) FROM ledger WHERE 1 / (id - 1) < 9":                         "4\n",
		"SELECT id FROM ledger WHERE 1 / amount > 0.04 ORDER BY id DESC":             "5\n2\n",
		"SELECT secret, count(*) OVER () FROM public.ledger l WHERE public.l.id = 2": "",
		"SELECT l.id, n.id FROM ledger l RIGHT JOIN notes n ON n.ledger = l.id":      "2|1\n9|2\n|3\n",
		"TABLE lines":               "1|7|2|a\n2|7|5|b\n3|7||\n",
		"SELECT * FROM lines_rest":  "",
		"SELECT note FROM ONLY kin": "p\n",
		"SELECT * FROM kin":         "1|7|p\n1|7|p\n2|7|q\n",
		"SELECT reltuples IS NULL, relpages IS NULL FROM pg_class WHERE relname = 'ledger'":       "t|t\n",
		"SELECT pg_relation_size('ledger')":                                                       "refused",
		"SELECT t FROM m_own":                                                                     "shown\n",
		"COPY ledger (id) TO STDOUT":                                                              "2\n5\n6\n9\n",
		"UPDATE ledger SET secret = 's' WHERE 1 / (id - 3) < 9":                                   "UPDATE 4",
		"UPDATE ledger SET secret = 's'":                                                          "UPDATE 4",
		"DELETE FROM lines WHERE note IS NULL OR note LIKE 'hidden%'":                             "DELETE 1",
		"DELETE FROM ledger l WHERE l.id = 5 OR true":                                             "refused",
		"UPDATE ledger AS l SET secret = l.id WHERE l.id IN (5, 1) AND l.id = 5 RETURNING secret": "5\n",
		"UPDATE regions SET country = 'SE'":                                                       "refused",
		"TRUNCATE forms CASCADE":                                                                  "refused",
		"UPDATE kin SET note = 'k'":                                                               "UPDATE 3",
		"WITH u AS (UPDATE ledger SET secret = 's' WHERE id < 9) SELECT 1":                        "1\n",
	} {
		a := understand(t, text, env)
		if a.Problem != nil {
			if want != "refused" && want != "" {
				t.Errorf("%s: %+v", text, *a.Problem)
			}
			continue
		}
		s.notices = nil
		_ = s.simple(t.Context(), "BEGIN")
		answer := ""
		if a.Statements[0].CopyOut {
			answer = s.copyOut(t.Context(), a.Rewritten)
		} else {
			_, answer, _ = strings.Cut(s.simple(t.Context(), a.Rewritten), "\n")
		}
		_ = s.simple(t.Context(), "ROLLBACK")
		if answer, _, _ = strings.Cut(answer, "SELECT "); !strings.HasPrefix(answer, want) || want == "" && answer != "" {
			t.Errorf("%s\nbecame %s\nanswers %q, want %q", text, a.Rewritten, answer, want)
		}
	}
}
