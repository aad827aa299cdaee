package pgsql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// tieSchema has tables whose other columns answer questions about masked ones (secret, pay, kept) when they are written. %[1]s and
// %[2]d are masked values, and so are %[3]s and %[4]d.
const tieSchema = `CREATE TABLE checks(id int, bonus int, pay int, CHECK (bonus < pay)); INSERT INTO checks VALUES (1, 1, %[2]d);
	CREATE TABLE uniques(id int, tenant int, secret text, name text, UNIQUE (tenant, secret)); INSERT INTO uniques VALUES (1, 1, '%[1]s', 'a'), (2, 2, '%[3]s', 'b');
	CREATE TABLE defaults(id int, secret text UNIQUE DEFAULT 'same'); INSERT INTO defaults VALUES (1, '%[1]s');
	CREATE TABLE coalesced(id int, name text, secret text); CREATE UNIQUE INDEX ON coalesced (name, COALESCE(secret, 'same')); INSERT INTO coalesced VALUES (1, 'a', '%[1]s');
	CREATE TABLE partials(id int, name text, secret text); CREATE UNIQUE INDEX ON partials (name) WHERE secret = 'same'; INSERT INTO partials VALUES (1, 'a', '%[1]s'), (2, 'b', 'same');
	CREATE TABLE gens(id int, k int, pay int, g int GENERATED ALWAYS AS (100 / (pay - k)) STORED); INSERT INTO gens VALUES (1, 1, %[2]d);
	CREATE TABLE indexed(id int, k int, pay int); CREATE INDEX ON indexed ((100 / (pay - k))); INSERT INTO indexed VALUES (1, 1, %[2]d);
	CREATE TABLE total(id int, name text, a int, secret text, g text GENERATED ALWAYS AS (name || left(secret, 2)) STORED); CREATE INDEX ON total (a, lower(name)) WHERE secret > 'b'; INSERT INTO total VALUES (1, 'a', 1, '%[1]s');
	CREATE TABLE cases(a int, pay int, g int GENERATED ALWAYS AS (CASE WHEN a = 2 THEN 1 / (pay - 40) END) STORED); INSERT INTO cases VALUES (1, %[2]d);
	CREATE TABLE halves(a int, pay int, g int GENERATED ALWAYS AS (CASE WHEN pay > 45 THEN 1 / a END) STORED); INSERT INTO halves VALUES (1, %[2]d); CREATE TABLE either(a int, pay int); CREATE INDEX ON either ((pay < 45 OR 1 / a > 0)); INSERT INTO either VALUES (1, %[2]d);
	CREATE TABLE sparse(a int, name text, day date, pay int); CREATE INDEX ON sparse (name) WHERE pay > 45; CREATE INDEX ON sparse ((1 / a)) WHERE pay > 45; CREATE INDEX ON sparse (day) WHERE pay > 45; INSERT INTO sparse VALUES (1, 'a', now(), %[2]d);
	CREATE TABLE grown(a int, name text, pay int, g bool GENERATED ALWAYS AS (a > pay) STORED); CREATE INDEX ON grown (g); INSERT INTO grown VALUES (60, 'a', %[2]d);
	CREATE TABLE mixed(id int, a int, g int GENERATED ALWAYS AS (a + 1) STORED, secret text, UNIQUE (g, secret)); INSERT INTO mixed VALUES (1, 1, DEFAULT, '%[1]s'), (2, 2, DEFAULT, '%[3]s');
	CREATE TABLE excluded(id int, tenant int, secret text, EXCLUDE USING btree (tenant WITH =, secret WITH =)); INSERT INTO excluded VALUES (1, 1, '%[1]s'), (2, 2, '%[3]s');
	CREATE TABLE sorts(code text PRIMARY KEY, label text); INSERT INTO sorts VALUES ('same', 'a'), ('thau', 'b'); CREATE TABLE sorted(id int, secret text REFERENCES sorts); INSERT INTO sorted VALUES (1, '%[1]s');
	CREATE TABLE stages(code text PRIMARY KEY, label text); INSERT INTO stages VALUES ('same', 'a'), ('thau', 'b'); CREATE TABLE staged(id int, secret text REFERENCES stages ON DELETE CASCADE ON UPDATE CASCADE); INSERT INTO staged VALUES (1, '%[1]s');
	CREATE TABLE owners(id int PRIMARY KEY, secret text UNIQUE, name text); INSERT INTO owners VALUES (1, 'same', 'a'), (2, 'thau', 'b'); CREATE TABLE owned(id int, kept text REFERENCES owners (secret)); INSERT INTO owned VALUES (1, '%[1]s');
	CREATE TABLE pairs(a int, secret text, PRIMARY KEY (a, secret)); INSERT INTO pairs VALUES (1, 'same'), (1, 'thau'), (2, '%[1]s'); CREATE TABLE paired(id int, a int, kept text, FOREIGN KEY (a, kept) REFERENCES pairs); INSERT INTO paired VALUES (1, 1, 'same');
	CREATE TABLE teams(id int PRIMARY KEY); INSERT INTO teams VALUES (1), (2); CREATE TABLE members(id int, team int REFERENCES teams ON DELETE SET DEFAULT DEFAULT NULL, secret text UNIQUE); INSERT INTO members VALUES (1, 1, '%[1]s');
	CREATE TABLE crews(id int PRIMARY KEY); INSERT INTO crews VALUES (0), (1); CREATE TABLE crew(id int, c int DEFAULT 0 REFERENCES crews ON DELETE SET DEFAULT, secret text, UNIQUE (c, secret)); INSERT INTO crew VALUES (1, 0, '%[1]s'), (2, 1, '%[3]s');
	CREATE TABLE policed(id int, secret text); ALTER TABLE policed ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON policed USING (secret = 'same'); INSERT INTO policed VALUES (1, '%[1]s');
	CREATE TABLE asking(id int); ALTER TABLE asking ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON asking USING (EXISTS (SELECT FROM uniques u WHERE u.secret = 'same' AND u.id = asking.id)); INSERT INTO asking VALUES (1);
	CREATE TABLE tenants(id int, tenant int, secret text); ALTER TABLE tenants ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON tenants USING (tenant = 1); INSERT INTO tenants VALUES (1, 1, '%[1]s'), (2, 2, '%[3]s');
	CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := true; RETURN NEW; END $$; CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
	CREATE TABLE touched(id int, name text, secret text, touched bool); CREATE TRIGGER t BEFORE UPDATE ON touched FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION touch(); INSERT INTO touched VALUES (1, 'a', '%[1]s');
	CREATE TABLE tested(id int, name text, secret text, touched bool); CREATE TRIGGER t BEFORE UPDATE ON tested FOR EACH ROW WHEN (OLD.secret = 'same') EXECUTE FUNCTION touch(); INSERT INTO tested VALUES (1, 'a', '%[1]s');
	CREATE TABLE strange(id int, secret text); CREATE TRIGGER t BEFORE UPDATE ON strange FOR EACH ROW EXECUTE FUNCTION other(); INSERT INTO strange VALUES (1, '%[1]s');
	CREATE TABLE shown(id int PRIMARY KEY); INSERT INTO shown VALUES (1); CREATE TABLE shows(id int REFERENCES shown ON UPDATE CASCADE CHECK (id < 5), secret text); INSERT INTO shows VALUES (1, '%[1]s')`

// tieTwins are two databases that differ in masked values alone, and what texts mean in them.
func tieTwins(t *testing.T, name string) (one, two *session, env pgsql.Env) {
	t.Helper()
	one = newDatabase(t, name+"_one", fmt.Sprintf(tieSchema, "same", 40, "same", 50))
	two = newDatabase(t, name+"_two", fmt.Sprintf(tieSchema, "thau", 90, "same", 50))
	var masks []pgsql.MaskPattern
	for _, c := range []string{"uniques.secret", "defaults.secret", "coalesced.secret", "partials.secret", "mixed.secret", "excluded.secret", "sorted.secret", "staged.secret", "owners.secret", "pairs.secret", "members.secret", "crew.secret",
		"policed.secret", "tenants.secret", "touched.secret", "total.secret", "tested.secret", "strange.secret", "shows.secret", "*.pay"} {
		masks = append(masks, pgsql.MaskPattern{Pattern: c, As: pgsql.Redact, Trusts: []string{"public.touch", "public.elsewhere"}})
	}
	masks[1].Trusts = []string{"public.touch", "public.other"}
	return one, two, envOf(t, one, masks)
}

// tells is what a statement answers, and what can be seen of what it left.
func tells(t *testing.T, s *session, text string) string {
	t.Helper()
	const hot = "pg_stat_get_xact_tuples_hot_updated('grown'::regclass)" // of transactions before, too
	_ = s.simple(t.Context(), "BEGIN; SELECT set_config('my.hot', "+hot+"::text, true)")
	out := s.simple(t.Context(), text) + s.simple(t.Context(), "SELECT (SELECT count(*) FROM staged), (SELECT string_agg(code, ',') FROM stages), (SELECT count(touched) FROM tested), (SELECT count(c) FROM crew), "+hot+" - current_setting('my.hot')::int")
	_ = s.simple(t.Context(), "ROLLBACK")
	return out
}

// What looks at masked columns while others are written answers questions about them. The oracle is the server: each statement
// that is refused tells two databases apart that differ in masked values alone, and none that runs does.
func TestWhatTiesColumnsTogetherAnswersNoQuestion(t *testing.T) {
	one, two, env := tieTwins(t, "tie")
	for text, want := range map[string][2]string{
		"UPDATE checks SET bonus = 60": {"check checks_check of public.checks", "public.checks.pay"}, "UPDATE uniques SET tenant = 1 WHERE id = 2": {"uniques_tenant_secret_key", "public.uniques.secret"},
		"INSERT INTO defaults (id) VALUES (2)": {"defaults_secret_key", "public.defaults.secret"}, "INSERT INTO coalesced (id, name) VALUES (2, 'a')": {"coalesced_name_", "public.coalesced.secret"},
		"UPDATE partials SET name = 'b' WHERE id = 1": {"partials_name_idx", "public.partials.secret"}, "UPDATE gens SET k = 40": {"generated column g of public.gens", "public.gens.pay"},
		"UPDATE cases SET a = 2": {"generated column g of public.cases", "public.cases.pay"}, "UPDATE indexed SET k = 40": {"indexed_expr_idx", "public.indexed.pay"}, "UPDATE mixed SET a = 1 WHERE id = 2": {"mixed_g_secret_key", "public.mixed.secret"},
		"UPDATE excluded SET tenant = 1 WHERE id = 2": {"excluded_tenant_secret_excl", "public.excluded.secret"}, "DELETE FROM sorts WHERE code = 'same'": {"foreign key sorted_secret_fkey of public.sorted", "public.sorted.secret"},
		"UPDATE sorts SET code = 'x' WHERE code = 'same'": {"sorted_secret_fkey", "public.sorted.secret"}, "DELETE FROM stages WHERE code = 'same'": {"staged_secret_fkey", "public.staged.secret"},
		"WITH x AS (DELETE FROM stages WHERE code = 'same' RETURNING 1) SELECT count(*) FROM x": {"staged_secret_fkey", "public.staged.secret"},
		"DELETE FROM owners WHERE id = 1": {"owned_kept_fkey", "public.owned.kept"}, "INSERT INTO owned VALUES (2, 'same') RETURNING kept": {"kept", ""}, "UPDATE paired SET a = 2": {"paired_a_kept_fkey", "public.paired.kept"},
		"DELETE FROM crews WHERE id = 1": {"crew_c_secret_key", "public.crew.secret"}, "SELECT count(*) FROM policed": {"policy p of public.policed", "public.policed.secret"}, "TABLE asking": {"policy p of public.asking", "public.uniques.secret"},
		"UPDATE policed SET id = 5": {"policy p", ""}, "UPDATE tested SET name = 'b'": {"trigger t of public.tested", "public.tested.secret"},
		"UPDATE grown SET a = 30": {"generated column g of public.grown", "public.grown.pay"},
		"UPDATE halves SET a = 0": {"generated column g of public.halves", "public.halves.pay"}, "UPDATE either SET a = 0": {"index either_", "public.either.pay"}, "UPDATE sparse SET a = 0": {"condition of index sparse_expr_idx of public.sparse", "public.sparse.pay"},
		"UPDATE sparse SET name = (SELECT string_agg(sha512(i::text::bytea)::text, '') FROM generate_series(1, 60) i)": {"condition of index sparse_name_idx of public.sparse", "public.sparse.pay"},
		"MERGE INTO stages s USING (SELECT 1) t ON s.code = 'same' WHEN MATCHED THEN DELETE":                           {"staged_secret_fkey", "public.staged.secret"},
	} {
		if want[0] != "" {
			refusal(t, text, env, want[0], want[1])
		}
		if a, b := tells(t, one, text), tells(t, two, text); a == b && want[1] != "" && !strings.Contains(text, "owned VALUES") && !strings.Contains(text, "WITH x") {
			t.Errorf("%s is refused, and tells nothing: %s", text, a)
		}
	}
	for _, text := range []string{
		"UPDATE checks SET id = 2", "INSERT INTO checks (id, bonus) VALUES (5, 100)", "INSERT INTO uniques (id, tenant) VALUES (3, 1)", "UPDATE uniques SET name = 'c'",
		"DELETE FROM uniques", "INSERT INTO gens (id, k) VALUES (2, 3)", "UPDATE gens SET id = 7", "INSERT INTO mixed (id, a) VALUES (3, 1)", "UPDATE excluded SET id = 3", "UPDATE sorts SET label = 'c'", "INSERT INTO sorts VALUES ('new', 'n')",
		"SELECT * FROM sorts ORDER BY code", "UPDATE owners SET name = 'x'", "SELECT * FROM owned", "DELETE FROM teams WHERE id = 1", "SELECT * FROM tenants", "UPDATE tenants SET id = 8", "UPDATE touched t SET name = 'b' RETURNING t.touched",
		"DELETE FROM members", "UPDATE total SET a = 5", "UPDATE grown SET name = 'b'", "UPDATE sparse SET day = day + 1", "INSERT INTO sparse (a, name) VALUES (0, 'z')", "INSERT INTO owners (id, name) VALUES (3, 'c')", "DELETE FROM paired", "UPDATE crew SET id = 4", "DELETE FROM crew", "UPDATE shown SET id = 3",
	} {
		a := understand(t, text, env)
		if a.Problem != nil {
			t.Errorf("%s: %+v", text, *a.Problem)
			continue
		}
		if x, y := tells(t, one, a.Rewritten), tells(t, two, a.Rewritten); x != y || strings.Contains(x, "same") && !strings.Contains(text, "sorts") && !strings.Contains(x, "same,thau") {
			t.Errorf("%s answers\n%s\nand\n%s", text, x, y)
		}
	}
}

// An error of a relation that a write reaches shows its row, so its words are withheld as those of the target are.
func TestErrorsOfWhatAWriteReachesAreWithheld(t *testing.T) {
	one, _, env := tieTwins(t, "reached")
	text := "UPDATE shown SET id = 9"
	if answer := tells(t, one, text); !strings.Contains(answer, "Failing row contains (9, same)") {
		t.Errorf("the error does not show the row: %s", answer)
	}
	if a := understand(t, text, env); a.Problem != nil || !a.Statements[0].TargetMasked {
		t.Errorf("%+v", a)
	}
}

// Code that a write runs is admitted under masks where every mask trusts it, and the refusal of other code says what runs it.
func TestTrustedCodeRunsUnderMasks(t *testing.T) {
	_, _, env := tieTwins(t, "trusted")
	a := understand(t, "UPDATE touched SET name = 'b'", env)
	if a.Problem != nil || strings.Join(pairs(a), " ") != "execute(public.touch) write(public.touched)" || a.Statements[0].Accesses[0].By != "trigger t of public.touched" || a.Statements[0].Reviewed {
		t.Errorf("%+v %+v", a.Problem, a.Statements)
	}
	refusal(t, "UPDATE strange SET id = 2", env, "public.other", "trigger t of public.strange")
	if a := understand(t, "UPDATE strange SET id = 2", env); !strings.Contains(a.Problem.Hint, "trusts") {
		t.Errorf("%+v", a.Problem)
	}
	refusal(t, "SELECT touch()", env, "public.touch")
}
