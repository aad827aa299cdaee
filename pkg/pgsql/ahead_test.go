package pgsql_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// dearSchema has relations whose rows are looked up in indexes that are ordered by a masked column, by row security and by a view's
// condition, or read out of one alone. What that costs follows from %s, the masked value of row g.
const dearSchema = `CREATE TABLE sails(id int, boat int, guest text, x text); INSERT INTO sails SELECT g, g %% 50, %[1]s, 'x' FROM generate_series(1, 2000) g; CREATE INDEX ON sails(guest, boat); CREATE VIEW w_sail AS SELECT id, x FROM sails WHERE boat = 3; CREATE VIEW w_ids AS SELECT id FROM sails WHERE boat = 3;
	CREATE TABLE fleet(id int, boat int, guest text, x text); INSERT INTO fleet SELECT g, g %% 50, %[1]s, 'x' || g %% 40 FROM generate_series(1, 6000) g; CREATE INDEX ON fleet(guest, boat); CREATE VIEW w_fleet AS SELECT id, x FROM fleet WHERE boat = 3;
	CREATE VIEW w_boats AS SELECT boat FROM fleet; CREATE VIEW w_some AS SELECT boat AS b FROM w_boats WHERE boat < 9; CREATE VIEW w_pairs AS SELECT a.boat, b.x FROM fleet a JOIN fleet b ON a.id = b.id;
	CREATE TABLE own(id int PRIMARY KEY, tenant int, mail text, note text); INSERT INTO own SELECT g, g %% 4, %[1]s, 'n' || g %% 30 FROM generate_series(1, 6000) g; CREATE INDEX ON own(tenant, mail);
	ALTER TABLE own ENABLE ROW LEVEL SECURITY; CREATE POLICY t ON own USING (tenant = 1);
	CREATE TABLE lain(id int, mail text, note text); INSERT INTO lain SELECT g, %[1]s, 'n' || g %% 30 FROM generate_series(1, 900) g; CREATE INDEX lain_mail ON lain(mail); CLUSTER lain USING lain_mail;
	CREATE TABLE hoop_a1(id int); INSERT INTO hoop_a1 VALUES (5), (9); CREATE MATERIALIZED VIEW x_boats AS SELECT boat FROM fleet; CREATE TABLE few(id int PRIMARY KEY, note text, mine bool); INSERT INTO few SELECT g, 'n' || g %% 30, g %% 2 = 0 FROM generate_series(1, 900) g`

// dearTexts leave open in which order their rows come, at one level or another.
var dearTexts = []string{
	"SELECT DISTINCT t.*, id FROM w_ids AS t", "SELECT DISTINCT id FROM w_sail", "SELECT x, count(*) FROM w_sail GROUP BY x", "SELECT x FROM w_sail UNION SELECT note FROM few", "SELECT x FROM w_sail INTERSECT SELECT x FROM w_sail", "SELECT id FROM w_sail EXCEPT SELECT id FROM few WHERE id < 60",
	"SELECT DISTINCT boat FROM w_boats", "SELECT boat, count(*) FROM w_boats GROUP BY boat", "SELECT DISTINCT b FROM w_some", "SELECT DISTINCT boat, x FROM w_pairs", "SELECT f.id, b.boat FROM w_boats b JOIN few f ON f.id = b.boat LIMIT 90", "SELECT count(*), x FROM (SELECT x FROM w_fleet LIMIT 70) s GROUP BY x",
	"SELECT DISTINCT note FROM own", "SELECT note, min(id) FROM own GROUP BY note", "SELECT o.id, f.id FROM own o JOIN few f ON f.note = o.note LIMIT 90", "SELECT f.id FROM few f WHERE f.note IN (SELECT note FROM own)", "SELECT f.id FROM few f WHERE EXISTS (SELECT 1 FROM own o WHERE o.id = f.id)", "SELECT a.id, b.id FROM own a, own b WHERE a.note = b.note AND b.id < 99",
	"SELECT f.id, o.id FROM few f LEFT JOIN own o ON o.id = f.id WHERE f.mine", "SELECT o.id, s.id FROM own o FULL JOIN w_sail s ON s.id = o.id", "WITH c AS (SELECT DISTINCT note FROM own) SELECT f.id, c.note FROM c JOIN few f USING (note)", "WITH RECURSIVE c(n) AS (SELECT id FROM w_sail WHERE id < 99 UNION SELECT o.id FROM own o JOIN c ON o.id = c.n + 2) SELECT n FROM c",
	"(WITH c AS (SELECT note FROM own) SELECT DISTINCT note FROM c)", "(SELECT note FROM own) UNION (SELECT x FROM w_sail) LIMIT 30", "SELECT f.id, s.note FROM few f, LATERAL (SELECT DISTINCT o.note FROM own o WHERE o.id < f.id LIMIT 2) s WHERE f.id < 40", "SELECT (SELECT o.note FROM own o JOIN few g ON g.note = o.note LIMIT 1) FROM few f WHERE f.id < 9", "VALUES ((SELECT array_agg(DISTINCT note) FROM own)), ((SELECT array_agg(id::text) FROM (SELECT DISTINCT id FROM w_sail) s))",
	"COPY (SELECT DISTINCT note FROM own) TO STDOUT", "INSERT INTO few SELECT DISTINCT ON (id) id + 9000, note FROM own ORDER BY id LIMIT 30 RETURNING id", "UPDATE few SET mine = true FROM own o WHERE o.note = few.note RETURNING few.id, o.id", "DELETE FROM few USING w_sail s WHERE s.id = few.id RETURNING few.id", "WITH d AS (DELETE FROM few USING own o WHERE o.id = few.id RETURNING few.id) SELECT DISTINCT d.id, s.x FROM d JOIN w_sail s USING (id)",
	"DECLARE c CURSOR WITH HOLD FOR SELECT DISTINCT note FROM own; FETCH 9 FROM c; CLOSE c", "PREPARE p(int) AS SELECT DISTINCT note FROM own WHERE id > $1; EXECUTE p(3); DEALLOCATE p", "CREATE TABLE made AS SELECT DISTINCT note FROM own", "SELECT DISTINCT id AS made INTO made FROM w_sail", "EXPLAIN (COSTS off, VERBOSE) SELECT DISTINCT note FROM lain", "EXPLAIN VERBOSE (SELECT note FROM lain) UNION SELECT note FROM few", "SELECT DISTINCT l.note FROM lain l JOIN few f USING (note)",
	"WITH hoop_a0 AS (SELECT 5 AS id) SELECT DISTINCT o.note FROM own o, hoop_a0 a, hoop_a1 b WHERE o.id IN (a.id, b.id)", "MERGE INTO few USING w_sail s ON s.id = few.id WHEN MATCHED THEN UPDATE SET mine = true", "TABLE w_sail EXCEPT SELECT id, note FROM few", "SELECT row_number() OVER (PARTITION BY x), id FROM w_sail", "SELECT t FROM w_sail t GROUP BY t",
}

// dearSettings are what any client may set, so that one cost or another decides.
var dearSettings = []string{
	"", "SET enable_seqscan = off; SET enable_bitmapscan = off", "SET cpu_index_tuple_cost = 30; SET enable_seqscan = off; SET enable_bitmapscan = off", "SET random_page_cost = 100000; SET seq_page_cost = 100000", "SET enable_hashagg = off; SET random_page_cost = 100000",
	"SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0; SET seq_page_cost = 900; SET random_page_cost = 900", "SET cursor_tuple_fraction = 0.001; SET random_page_cost = 3000",
}

// What it costs to look rows up in an index that is ordered by a masked column follows from its values, and so would the order of rows for which none
// is asked: which side of a join is read first, and whether repeats are found by hashes or by sorting. The oracle is the server: two databases
// that differ in masked values of one length answer the same, row by row, whatever anybody sets.
func TestTheOrderOfRowsDoesntTellHowDearMaskedValuesAreToRead(t *testing.T) {
	one := newDatabase(t, "dear_one", fmt.Sprintf(dearSchema, "'g' || lpad(g::text, 5, '0')"))
	two := newDatabase(t, "dear_two", fmt.Sprintf(dearSchema, "'g' || lpad((g % 7)::text, 5, '0')"))
	for _, name := range []string{"dear_one", "dear_two"} {
		for _, statement := range []string{"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO agent", "GRANT CREATE ON SCHEMA public TO agent", "VACUUM (FREEZE, ANALYZE)"} {
			if err := server.ExecIn(name, statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	env := envOf(t, one, mask("sails.guest", "fleet.guest", "own.mail", "lain.mail"))
	if answer := one.simple(t.Context(), understand(t, "SELECT id FROM own WHERE id < 6 FOR UPDATE", env).Rewritten); !strings.Contains(answer, "5") {
		t.Errorf("what is read alone is locked as %s", answer)
	}
	for _, text := range []string{"SELECT o.id FROM own o JOIN few f USING (id) FOR UPDATE", "SELECT id FROM few WHERE id IN (SELECT id FROM own) FOR UPDATE", "SELECT f.id FROM few f, (SELECT o.id FROM own o FOR SHARE) o", "WITH o AS (SELECT id FROM own) SELECT o.id FROM o, few f FOR UPDATE OF f"} {
		refusal(t, text, env, "can't be locked beside others")
	}
	refusal(t, "SELECT boat FROM x_boats", env, "may have decided in which order the rows")
	refusal(t, "EXPLAIN SELECT boat FROM w_some", env, "this plan would tell")
	for _, text := range dearTexts {
		var sent []string
		for part := range strings.SplitSeq(text, "; ") {
			if word, _, _ := strings.Cut(part, " "); word == "FETCH" || word == "CLOSE" || word == "EXECUTE" || word == "DEALLOCATE" {
				sent = append(sent, part)
				continue
			}
			a := understand(t, part, env)
			if a.Problem != nil {
				t.Errorf("%s: %+v", part, *a.Problem)
			}
			sent = append(sent, a.Rewritten)
		}
		for _, settings := range dearSettings {
			answer := func(s *session) string {
				out := s.simple(t.Context(), "BEGIN") + s.simple(t.Context(), settings)
				for _, part := range sent {
					if strings.HasPrefix(part, "COPY") {
						out += s.copyOut(t.Context(), part)
						continue
					}
					out += s.simple(t.Context(), part)
				}
				return out + s.simple(t.Context(), "ROLLBACK")
			}
			if a, b := answer(one), answer(two); a != b || strings.Contains(a, "ERROR") {
				t.Errorf("%s; %s answers\n%.200s\nand\n%.200s", settings, text, a, b)
			}
			if a, b := planBesides(t, one, settings, sent[0]), planBesides(t, two, settings, sent[0]); a != b {
				t.Errorf("%s; %s is planned as\n%s\nand\n%s", settings, text, a, b)
			}
		}
	}
}

// planBesides is the plan of a statement without what is read ahead, which the whole statement is charged with.
func planBesides(t *testing.T, s *session, settings, text string) string {
	t.Helper()
	if strings.HasPrefix(text, "PREPARE") || strings.HasPrefix(text, "EXPLAIN") || strings.HasPrefix(text, "COPY") {
		return ""
	}
	out := s.simple(t.Context(), "BEGIN") + s.simple(t.Context(), settings) + s.simple(t.Context(), "EXPLAIN (FORMAT json) "+text) + s.simple(t.Context(), "ROLLBACK")
	from, to := strings.Index(out, "["), strings.LastIndex(out, "]")
	var plans []struct{ Plan map[string]any }
	if err := json.Unmarshal([]byte(strings.ReplaceAll(out[max(from, 0):to+1], `\n`, "\n")), &plans); err != nil || len(plans) != 1 {
		t.Fatalf("%s: %v in\n%s", text, err, out)
	}
	top := plans[0].Plan
	delete(top, "Startup Cost")
	delete(top, "Total Cost")
	kept := []any{}
	parts, _ := top["Plans"].([]any)
	for _, part := range parts {
		if name, _ := part.(map[string]any)["Subplan Name"].(string); !strings.HasPrefix(name, "CTE hoop_a") {
			kept = append(kept, part)
		}
	}
	if len(kept) == len(parts) {
		t.Errorf("%s: nothing is read ahead", text)
	}
	top["Plans"] = kept
	plain, err := json.MarshalIndent(top, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}
