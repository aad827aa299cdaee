package pgsql_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// A name that more than one schema has is sent with its schema where it has a place to write that at, else it is refused: it might come
// to mean the other relation on its way. The refusal says what would work, and that works.
func TestAnUnclearNameIsRefusedWithWhatWorks(t *testing.T) {
	s := newDatabase(t, "unclear", `CREATE SCHEMA a; CREATE TABLE a.twin(x int); CREATE TABLE twin(x int); CREATE TABLE lone(x int); CREATE TABLE secret(ssn text)`)
	open, masked := envOf(t, s, nil), envOf(t, s, mask("secret.ssn"))
	open.SearchPath, masked.SearchPath = []string{"pg_catalog", "a", "public"}, []string{"pg_catalog", "a", "public"}
	for _, text := range []string{
		"DROP TABLE twin", "DROP TABLE IF EXISTS lone, twin", "COMMENT ON TABLE twin IS 'x'", "COMMENT ON COLUMN twin.x IS 'x'", "SECURITY LABEL ON TABLE twin IS 'x'",
	} {
		unclear(t, text, open, `"twin" means more than one relation here`, `Write its schema: "a"."twin".`)
		unclear(t, text, masked, `"twin" means more than one relation here`, `Write its schema: "a"."twin".`)
		if a := understand(t, strings.Replace(text, "twin", `"a"."twin"`, 1), masked); a.Problem != nil || !slices.ContainsFunc(pairs(a), func(p string) bool { return strings.HasSuffix(p, "(a.twin)") }) {
			t.Errorf("%s: with its schema: %+v", text, a.Problem)
		}
	}
	for _, text := range []string{`SELECT * FROM U&"tw!0069n" UESCAPE '!'`, `DELETE FROM U&"tw!0069n" UESCAPE '!'`} {
		unclear(t, text, open, `"twin" means more than one relation here`, `Write its schema: "a"."twin".`)
	}
	unclear(t, `SELECT * FROM U&"l!006fne" UESCAPE '!'`, masked, `"lone" can't be given its schema as it is written here`, `Write its schema: "public"."lone".`)
	for _, text := range []string{"DROP TABLE lone", "COMMENT ON TABLE lone IS 'x'", "COMMENT ON COLUMN lone.x IS 'x'", "ALTER TABLE twin ADD y int", "CREATE SCHEMA b"} {
		if a := understand(t, text, masked); a.Problem != nil {
			t.Errorf("%s: %+v", text, a.Problem)
		}
	}
	for _, text := range []string{"CREATE SCHEMA b CREATE TABLE lone(x int) CREATE VIEW v AS SELECT * FROM lone", "CREATE SCHEMA b GRANT SELECT ON twin TO PUBLIC"} {
		unclear(t, text, open, "the new schema's first", "Send CREATE SCHEMA alone")
		unclear(t, text, masked, "the new schema's first", "Send CREATE SCHEMA alone")
		free := open
		free.Unrestricted = true
		if a := understand(t, text, free); a.Problem != nil {
			t.Errorf("%s: who may do everything: %+v", text, a.Problem)
		}
	}
}

func unclear(t *testing.T, text string, env pgsql.Env, message, hint string) {
	t.Helper()
	if p := understand(t, text, env).Problem; p == nil || p.Rule != "names" || !strings.Contains(p.Message, message) || !strings.Contains(p.Hint, hint) {
		t.Errorf("%s: %+v", text, p)
	}
}
