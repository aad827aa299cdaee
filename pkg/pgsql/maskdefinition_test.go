package pgsql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// What reaches masked values by another way than their relation's name is refused, and runs where nothing is masked.
func TestWaysAroundTheRelationAreRefusedUnderMasks(t *testing.T) {
	s := newDatabase(t, "ways", `CREATE DOMAIN mail AS text; CREATE TABLE users(id int, email mail); CREATE INDEX e ON users(email); CREATE TYPE person AS (id int, ssn text); CREATE TABLE persons OF person; CREATE TABLE free(id int);
		CREATE SCHEMA hr`)
	masked, open := envOf(t, s, mask("users.email", "persons.ssn")), envOf(t, s, nil)
	for _, text := range []string{
		"LISTEN users_changed", "ALTER SCHEMA hr RENAME TO hr2", "ALTER TYPE person RENAME ATTRIBUTE ssn TO x CASCADE", "ALTER TYPE person RENAME TO p2", "ALTER TYPE person ADD ATTRIBUTE z text CASCADE",
		"ALTER DOMAIN mail ADD CONSTRAINT c CHECK (value::int > 0)", "ALTER DOMAIN mail VALIDATE CONSTRAINT c", "ALTER DOMAIN mail RENAME TO m", "ALTER DOMAIN mail SET SCHEMA hr", "ALTER EXTENSION x SET SCHEMA hr",
		"CLUSTER users USING e", "CLUSTER", "COPY free FROM '/etc/passwd'", "COPY free FROM PROGRAM 'true'", "COPY (SELECT 1) TO PROGRAM 'true'", "COPY free TO '/tmp/x'", "CREATE SERVER l FOREIGN DATA WRAPPER f",
		"CREATE FOREIGN TABLE ft (a int) SERVER l", "CREATE USER MAPPING FOR agent SERVER l", "IMPORT FOREIGN SCHEMA public FROM SERVER l INTO hr", "CREATE SUBSCRIPTION x CONNECTION 'y' PUBLICATION z", "CREATE DATABASE copy TEMPLATE ways",
	} {
		if a := understand(t, text, masked); a.Problem == nil || a.Problem.Rule != "mask" || a.Problem.Message == "" {
			t.Errorf("%s: %s %+v", text, brief(a), a.Problem)
		}
		if a := understand(t, text, open); a.Problem != nil {
			t.Errorf("%s is refused where nothing is masked: %+v", text, *a.Problem)
		}
	}
	for _, text := range []string{"UNLISTEN *", "NOTIFY x, 'y'", "CLUSTER free", "ALTER TABLE free RENAME TO f2", "CREATE PUBLICATION p FOR TABLE free", "ALTER TABLE free SET SCHEMA hr", "COPY free TO STDOUT"} {
		if a := understand(t, text, masked); a.Problem != nil {
			t.Errorf("%s: %+v", text, *a.Problem)
		}
	}
}

func TestViewsAreJudgedByTheirRules(t *testing.T) {
	s := newDatabase(t, "rules", `CREATE TABLE users(id int, email text); CREATE VIEW stats AS SELECT stavalues1::text AS v FROM pg_statistic; CREATE VIEW attributes AS SELECT attname FROM pg_attribute;
		CREATE VIEW outer_stats AS SELECT * FROM stats; CREATE VIEW as_xml AS SELECT query_to_xml('SELECT email FROM public.users', true, true, '') AS x;
		CREATE VIEW activity AS SELECT query FROM pg_stat_get_activity(NULL); CREATE VIEW ":relid 2619" AS SELECT 1 AS ":funcid 1";
		CREATE VIEW plain AS SELECT lower(u.a) || 'x' AS a, count(*) OVER () AS b, sum(1) AS c FROM (VALUES ('a'), ('b')) u(a) WHERE u.a > 'a' GROUP BY u.a;
		CREATE VIEW tables AS SELECT relname FROM pg_class WHERE relkind = 'r'; CREATE VIEW mon AS SELECT * FROM pg_settings; CREATE VIEW mon2 AS SELECT * FROM mon`)
	env, open := envOf(t, s, mask("users.email")), envOf(t, s, nil)
	for relation, opaque := range map[string]bool{"stats": true, "outer_stats": true, "attributes": false, "as_xml": true, "activity": true, `":relid 2619"`: false, "plain": false, "tables": false, "mon": false} {
		a := understand(t, "SELECT * FROM "+relation, env)
		if (a.Problem != nil) != opaque {
			t.Errorf("%s: %+v", relation, a.Problem)
		}
	}
	for _, text := range []string{"UPDATE mon SET setting = 'x' WHERE name = 'search_path'", "UPDATE mon2 SET setting = 'x'", "WITH x AS (UPDATE mon2 SET setting = 'x' RETURNING 1) SELECT 1"} {
		for _, e := range []pgsql.Env{env, open} {
			if a := understand(t, text, e); a.Problem == nil || a.Problem.Rule != "session" {
				t.Errorf("%s: %s", text, brief(a))
			}
		}
	}
}

func TestDomainsThatRunCodeAreCode(t *testing.T) {
	s := newDatabase(t, "domains", `CREATE FUNCTION ok(text) RETURNS bool LANGUAGE sql AS 'SELECT true'; CREATE DOMAIN known AS text CHECK (ok(value)); CREATE DOMAIN over AS known; CREATE DOMAIN plain AS text CHECK (value LIKE '%@%');
		CREATE TYPE pair AS (a int, b over)`)
	env := envOf(t, s, nil)
	for typ, code := range map[string]bool{"known": true, "over": true, "known[]": true, "pair": true, "plain": false, "text": false} {
		for _, text := range []string{"SELECT 'x'::" + typ, "SELECT * FROM json_to_record('{}') AS x(a " + typ + ")"} {
			a := understand(t, text, env)
			execute := slices.ContainsFunc(a.Statements[0].Accesses, func(x pgsql.Access) bool { return x.Effect == pgsql.Execute })
			if execute != code {
				t.Errorf("%s: %s", text, brief(a))
			}
		}
	}
}

// What reads a value of such a type need not write the type's name.
func TestDomainsThatRunCodeRunItWhereNoTextNamesThem(t *testing.T) {
	s := newDatabase(t, "unnamed", `CREATE TABLE users(id int, ssn text); INSERT INTO users VALUES (1, '123'); CREATE FUNCTION knows(text) RETURNS bool LANGUAGE sql SECURITY DEFINER AS 'SELECT $1 LIKE ''x%'' OR EXISTS (SELECT FROM public.users WHERE ssn = $1)';
		CREATE DOMAIN known AS text CHECK (knows(value)); CREATE DOMAIN plain AS text CHECK (value ~ 'x'); CREATE TABLE persons(id int, who known, many known[]); INSERT INTO persons VALUES (1, 'x', '{x}'); CREATE VIEW v AS SELECT many FROM persons; CREATE TABLE plains(id int, who plain)`)
	masks := mask("users.ssn")
	env := envOf(t, s, masks)
	for text, tells := range map[string]bool{
		"SELECT jsonb_populate_record(p, '{\"who\": \"%s\"}') FROM persons p": true, "SELECT array_append(many, '%s') FROM persons": true, "SELECT many = '{%s}' FROM v": true, "SELECT ARRAY[who] || '{%s}' FROM persons": true,
		"SELECT coalesce(p, '(1,%s,{})') FROM persons p": true, "DELETE FROM persons WHERE many = '{%s}'": true, "SELECT who = '%s' FROM persons": false,
	} {
		right, wrong := s.simple(t.Context(), "BEGIN;"+fmt.Sprintf(text, "123")+";ROLLBACK"), s.simple(t.Context(), "BEGIN;"+fmt.Sprintf(text, "124")+";ROLLBACK")
		_ = s.simple(t.Context(), "ROLLBACK")
		if strings.Contains(right, "23514") || strings.Contains(wrong, "23514") != tells {
			t.Errorf("%s answers %s, and %s", text, right, wrong)
		}
		refusal(t, fmt.Sprintf(text, "123"), env, "public.knows", "domain check known_check of public.persons")
	}
	masks[0].Trusts = []string{"public.knows"}
	trusted := envOf(t, s, masks)
	for text, e := range map[string]pgsql.Env{"SELECT * FROM plains": env, "SELECT ssn FROM users": env, "SELECT many = '{x}' FROM v": trusted, "SELECT * FROM persons": trusted, "SELECT who FROM persons": envOf(t, s, nil)} {
		if a := understand(t, text, e); a.Problem != nil {
			t.Errorf("%s: %+v", text, *a.Problem)
		}
	}
}

func TestCastsThatAreMadeUnaskedAreCode(t *testing.T) {
	s := newDatabase(t, "unasked", `CREATE TABLE users(id int, ssn text); INSERT INTO users VALUES (1, '123'); CREATE TYPE mood AS ENUM ('calm', 'glad'); CREATE TYPE shade AS ENUM ('light'); CREATE FUNCTION words(mood) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT ssn FROM public.users';
		CREATE CAST (mood AS text) WITH FUNCTION words(mood) AS IMPLICIT; CREATE CAST (shade AS text) WITH INOUT AS IMPLICIT; CREATE TABLE days(id int, mood mood, all_moods mood[]); INSERT INTO days VALUES (1, 'calm', '{calm}'); CREATE TABLE plains(id int, shade shade)`)
	masks := mask("users.ssn")
	env := envOf(t, s, masks)
	for _, text := range []string{"SELECT upper(mood) FROM days", "DELETE FROM days WHERE upper(mood) = '123'", "SELECT array_to_string(all_moods || '{}'::text[], ',') FROM days"} {
		if answer := s.simple(t.Context(), text); !strings.Contains(answer, "123") && !strings.Contains(answer, "DELETE") && !strings.Contains(text, "all_moods") {
			t.Errorf("%s answers %s", text, answer)
		}
		_ = s.simple(t.Context(), "INSERT INTO days VALUES (1, 'calm', '{calm}')")
		refusal(t, text, env, "public.words", "cast of column")
	}
	for _, text := range []string{"SELECT upper(shade) FROM plains", "SELECT ssn FROM users"} {
		if a := understand(t, text, env); a.Problem != nil {
			t.Errorf("%s: %+v", text, *a.Problem)
		}
	}
	masks[0].Trusts = []string{"public.words"}
	if a := understand(t, "SELECT * FROM days", envOf(t, s, masks)); a.Problem != nil {
		t.Errorf("%+v", *a.Problem)
	}
}

// A domain's default runs where its column is left out, and its text names neither.
func TestDefaultsOfDomainsAreCode(t *testing.T) {
	s := newDatabase(t, "defaulted", `CREATE TABLE users(id int, ssn text); INSERT INTO users VALUES (1, '078-05-1120'); CREATE FUNCTION told() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT ssn FROM public.users';
		CREATE DOMAIN telling AS text DEFAULT told(); CREATE DOMAIN over AS telling; CREATE DOMAIN plain AS text DEFAULT lower('X'); CREATE TABLE told(id int, who telling); CREATE TABLE twice(id int, who over); CREATE TABLE own(id int, who telling DEFAULT 'me'); CREATE TABLE plains(id int, who plain)`)
	if answer := s.simple(t.Context(), "INSERT INTO told(id) VALUES (1) RETURNING who"); !strings.Contains(answer, "078-05-1120") {
		t.Fatalf("the default tells nothing: %s", answer)
	}
	env := envOf(t, s, mask("users.ssn"))
	for _, text := range []string{"INSERT INTO told(id) VALUES (1) RETURNING who", "INSERT INTO twice(id) VALUES (1) RETURNING who", "UPDATE told SET who = DEFAULT RETURNING who", "COPY told(id) FROM STDIN", "INSERT INTO told DEFAULT VALUES"} {
		refusal(t, text, env, "public.told", "default of who")
	}
	for _, text := range []string{"ALTER TABLE told ADD COLUMN more telling", "ALTER TABLE plains ALTER who TYPE over", "ALTER TABLE plains ADD more telling DEFAULT 'x'"} {
		refusal(t, text, env, "type")
	}
	for _, text := range []string{"ALTER TABLE told ADD COLUMN more plain", "CREATE TABLE next(who telling)", "INSERT INTO own(id) VALUES (1)", "INSERT INTO plains(id) VALUES (1) RETURNING who", "SELECT who FROM told"} {
		if a := understand(t, text, env); a.Problem != nil {
			t.Errorf("%s: %+v", text, *a.Problem)
		}
	}
	if a := understand(t, "INSERT INTO told(id) VALUES (1)", envOf(t, s, nil)); !strings.Contains(strings.Join(pairs(a), " "), "execute(public.told)") {
		t.Errorf("nobody asks whether its function may run: %v", pairs(a))
	}
}

// Such a change of a table asks who refers to it.
func TestChangesOfWhatAMaskedColumnRefersToAreRefused(t *testing.T) {
	s := newDatabase(t, "referred", `CREATE TABLE codes(code text PRIMARY KEY, label text); INSERT INTO codes VALUES ('a', 'x'), ('b', 'y'); CREATE TABLE coded(id int, secret text REFERENCES codes); INSERT INTO coded VALUES (1, 'b');
		CREATE TABLE above(id int, note text); CREATE TABLE below(PRIMARY KEY (id)) INHERITS (above); INSERT INTO below VALUES (1, 'x'); CREATE TABLE heirs(secret int REFERENCES below); INSERT INTO heirs VALUES (1);
		CREATE TABLE made(k int, g int GENERATED ALWAYS AS (k + 1) STORED PRIMARY KEY, note text); INSERT INTO made VALUES (1); CREATE TABLE makes(secret int REFERENCES made); INSERT INTO makes VALUES (2);
		CREATE TABLE parts(id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (9); INSERT INTO parts VALUES (1); CREATE TABLE refers(secret int REFERENCES parts); INSERT INTO refers VALUES (1)`)
	env := envOf(t, s, mask("coded.secret", "refers.secret", "heirs.secret", "makes.secret"))
	refusal(t, "ALTER TABLE made ALTER g SET EXPRESSION AS (CASE k WHEN 1 THEN 9 ELSE k END)", env, "public.makes.secret") // of version 17
	refusal(t, "ALTER TABLE made ALTER k TYPE bigint USING k + 1", env, "public.makes.secret")
	for text, of := range map[string]string{"ALTER TABLE above ALTER id TYPE int USING CASE id WHEN 1 THEN 9 ELSE id END": "public.heirs.secret", "ALTER TABLE codes ALTER code TYPE text USING CASE code WHEN 'b' THEN 'z' ELSE code END": "public.coded.secret", "ALTER TABLE parts DETACH PARTITION part1": "public.refers.secret"} {
		if err := server.ExecIn("referred", text); err == nil || !strings.Contains(err.Error(), "foreign key") && !strings.Contains(err.Error(), "23503") {
			t.Errorf("%s: %v", text, err)
		}
		refusal(t, text, env, of)
	}
	for _, text := range []string{"ALTER TABLE codes ADD note text", "ALTER TABLE codes ALTER label SET DEFAULT 'x'", "ALTER TABLE codes ALTER label TYPE varchar(90)", "ALTER TABLE above ALTER note TYPE varchar(9)", "ALTER TABLE made ALTER note TYPE varchar(9)"} {
		if a := understand(t, text, env); a.Problem != nil {
			t.Errorf("%s: %+v", text, *a.Problem)
		}
	}
}

func TestRowLocksAreWrites(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT * FROM t FOR UPDATE":                                "select: read(public.t) write(public.t)",
		"SELECT * FROM t JOIN u USING (id) FOR SHARE OF u":          "select: read(public.t) read(public.u) write(public.u)",
		"SELECT * FROM (SELECT * FROM t, x.u) q FOR NO KEY UPDATE":  "select: read(public.t) read(x.u) write(public.t) write(x.u)",
		"WITH t AS (SELECT 1) SELECT * FROM t, u FOR KEY SHARE":     "select: read(public.u) write(public.u)",
		"SELECT * FROM t WHERE id IN (SELECT id FROM u FOR UPDATE)": "select: read(public.t) read(public.u) write(public.u)",
	} {
		if got := brief(understand(t, text, pgsql.Env{})); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}
