package pgsql_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
	"github.com/wasilibs/go-pgquery/parser"
)

// The list of later keywords holds each word that the grammar takes otherwise than the server does, and no other.
func TestTheListOfLaterKeywordsIsWhatServerAndGrammarSay(t *testing.T) {
	s := connect(t, "agent", "postgres")
	env := envOf(t, s, nil)
	rows, err := s.Exec(t.Context(), "SELECT word, upper(catcode::text) FROM pg_get_keywords()").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for _, r := range rows[0].Rows {
		known[string(r[0])] = string(r[1])
	}
	var want []string
	for _, word := range grammarWords(t) {
		category := categoryOf(t, word)
		if category != "" && category != known[word] && (env.Catalog.Server < 160000 || known[word] != "") { // a server forgets unreserved ones
			want = append(want, word+" "+category)
		}
		delete(known, word)
	}
	for word, category := range known {
		if env.Catalog.Server < 180000 || category != "U" { // unreserved ones of later servers are names wherever the grammar knows the syntax
			t.Errorf("%s (%s) is a keyword of the server's that the grammar does not know", word, category)
		}
	}
	listed := map[string]string{}
	data, err := os.ReadFile("keywords.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if words[1] > fmt.Sprint(env.Catalog.Server) {
			listed[words[0]] = words[0] + " " + words[2]
		}
	}
	var have []string
	for _, l := range listed {
		have = append(have, l)
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("listed\n%v\nwant\n%v", have, want)
	}
}

// grammarWords are the grammar's tokens that look like words, from the table of its enums.
func grammarWords(t *testing.T) []string {
	data, err := os.ReadFile("schema.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, tokens, _ := strings.Cut(string(data), "\nE Token\n")
	var out []string
	for line := range strings.Lines(tokens) {
		words := strings.Fields(line)
		if words[0] != "V" {
			break
		}
		out = append(out, strings.ToLower(strings.TrimSuffix(words[2], "_P")))
	}
	return out
}

// categoryOf asks the grammar's scanner for a word's category, in pg_get_keywords' letters; "" for none.
func categoryOf(t *testing.T, word string) string {
	raw, err := parser.ScanToProtobuf(word)
	if err != nil {
		return ""
	}
	kind := field(field(raw, 2).bytes, 5).number
	return []string{"", "U", "C", "T", "R"}[kind]
}

type protobufField struct {
	bytes  []byte
	number uint64
}

// field is the last field of a number in a message of numbers and bytes.
func field(message []byte, number uint64) (out protobufField) {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		value, m := binary.Uvarint(message[n:])
		message = message[n+m:]
		f := protobufField{number: value}
		if tag&7 == 2 {
			f.bytes, message = message[:value], message[value:]
		}
		if tag>>3 == number {
			out = f
		}
	}
	return out
}

func TestATextIsReadAsTheServersVersionDoes(t *testing.T) {
	for text, want := range map[string][3]string{ // 15, 16, 17
		"SELECT * FROM system_user":                                        {"select: read(public.system_user)", "select: read()", "select: read()"},
		"SELECT SYSTEM_USER.a FROM s AS System_User":                       {"select: read(public.s)", "refused unparsable 42601", "refused unparsable 42601"},
		"DELETE FROM t WHERE system_user = 'x'":                            {"delete: delete(public.t) read(public.t)", "delete: delete(public.t) read(public.t)", "delete: delete(public.t) read(public.t)"},
		"SELECT json('{}')":                                                {"select: execute(public.json)", "select: execute(public.json)", "select: read()"},
		"SELECT '{}'::json, json '{}', CAST('{}' AS JSON), a.json FROM a":  {"select: read(public.a)", "select: read(public.a)", "select: read(public.a)"},
		"SELECT '{}' IS JSON":                                              {"refused unparsable 42601", "select: read()", "select: read()"},
		"SELECT json_object('{a,b}')":                                      {"select: read()", "select: read()", "select: read()"},
		"SELECT json_object('a': 1)":                                       {"refused unparsable 42601", "select: read()", "select: read()"},
		"SELECT json_array(1, 2)":                                          {"select: execute(public.json_array)", "select: read()", "select: read()"},
		"SELECT json_value('{}', '$')":                                     {"select: execute(public.json_value)", "select: execute(public.json_value)", "select: read()"},
		"SELECT * FROM json_table('{}', '$' COLUMNS (a int))":              {"refused unparsable 42601", "refused unparsable 42601", "select: read()"},
		"SELECT * FROM json_table('{}', '$')":                              {"select: execute(public.json_table)", "select: execute(public.json_table)", "refused unparsable 42601"},
		"SELECT merge_action()":                                            {"select: execute(public.merge_action)", "select: execute(public.merge_action)", "select: read()"},
		"SELECT path, error, keys, target.source, format FROM path target": {"select: read(public.path)", "select: read(public.path)", "select: read(public.path)"},
		"EXPLAIN (FORMAT JSON) SELECT 1":                                   {"explain: read()", "explain: read()", "explain: read()"},
		`SELECT * FROM "system_user"`:                                      {"select: read(public.system_user)", "select: read(public.system_user)", "select: read(public.system_user)"},
		"SELECT 'system_user' AS a /* json */":                             {"select: read()", "select: read()", "select: read()"},
	} {
		for i, version := range []int{150018, 160004, 170002} {
			a := understand(t, text, pgsql.Env{Catalog: &pgsql.Catalog{Server: version}})
			if got := brief(a); got != want[i] {
				t.Errorf("%d: %s: %s, want %s %+v", version, text, got, want[i], a.Problem)
			}
			if a.Problem == nil && (a.Rewritten != text || a.Recorded != text) {
				t.Errorf("%d: %s became %s, recorded %s", version, text, a.Rewritten, a.Recorded)
			}
		}
	}
	a := understand(t, "SELECT 'é'::json, json FROM t; DROP TABLE x; SELECT 1", pgsql.Env{Catalog: &pgsql.Catalog{Server: 150018}})
	if a.Problem == nil || a.Problem.Position != 46 {
		t.Errorf("position: %+v", a.Problem)
	}
}

func TestATableNamedLikeALaterKeywordIsMasked(t *testing.T) {
	s := newDatabase(t, "keywords", `CREATE TABLE "system_user"(id int, ssn text); INSERT INTO "system_user" VALUES (1, 'secret');
		CREATE FUNCTION "json_object"(int) RETURNS text LANGUAGE sql AS 'SELECT ssn FROM "system_user"'`)
	env := envOf(t, s, mask("system_user.ssn"))
	written := strings.NewReplacer()
	if env.Catalog.Server >= 160000 { // where these words are keywords, a name of theirs is quoted
		written = strings.NewReplacer("system_user", `"system_user"`, "System_User", `"system_user"`, "json_object", `"json_object"`)
	}
	for _, text := range []string{"SELECT * FROM system_user", "SELECT system_user.ssn FROM System_User", "TABLE system_user", "SELECT system_user FROM system_user", "SELECT public.system_user.ssn, '{}'::json FROM public.system_user"} {
		a := understand(t, written.Replace(text), env)
		if a.Problem != nil {
			t.Errorf("%s: %+v", text, *a.Problem)
			continue
		}
		if answer := s.simple(t.Context(), a.Rewritten); strings.Contains(answer, "secret") || !strings.Contains(answer, "***") {
			t.Errorf("%s became %s: %s", text, a.Rewritten, answer)
		}
	}
	if got := brief(understand(t, written.Replace("SELECT json_object(1)"), env)); got != "refused mask 42501" {
		t.Errorf("a function of that name: %s", got)
	}
}

// Syntax that the grammar is too old for is refused with the reason, on servers that may know it.
func TestWhatOnlyLaterServersKnowIsRefusedWithTheReason(t *testing.T) {
	for _, text := range []string{
		"UPDATE t SET a = 1 RETURNING WITH (OLD AS o) o.a", "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a) VIRTUAL)", "CREATE TABLE t (a int, b daterange, PRIMARY KEY (a, b WITHOUT OVERLAPS))",
		"ALTER TABLE t ADD CHECK (a > 1) NOT ENFORCED", "ALTER TABLE t ADD FOREIGN KEY (a, PERIOD b) REFERENCES u", "ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO x",
		"VACUUM ONLY t", "ALTER TABLE t ALTER CONSTRAINT c NOT ENFORCED",
	} {
		for version, reason := range map[int]bool{150018: false, 170002: false, 180004: true, 190000: true} {
			a := understand(t, text, pgsql.Env{Catalog: &pgsql.Catalog{Server: version}})
			if a.Problem == nil || a.Problem.Rule != "unparsable" || a.Problem.SQLState != "42601" || a.Rewritten != "" || a.Recorded == "" {
				t.Errorf("%d: %s: %+v", version, text, a)
			} else if strings.Contains(a.Problem.Hint, "reads the SQL of PostgreSQL 17") != reason {
				t.Errorf("%d: %s: the hint is %q", version, text, a.Problem.Hint)
			}
		}
	}
}
