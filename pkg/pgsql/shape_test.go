package pgsql_test

import (
	"context"
	"math/rand"
	"reflect"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// shaped are statements beside those of the corpora, each with something that the grammar or the judge reads of constants.
var shaped = []string{
	"SELECT name FROM users WHERE id = 1", "SELECT name, ssn FROM users WHERE email = 'a' AND id IN (1, 2, 3)", "SELECT 1", "SELECT 'a', 2.5 FROM orders",
	"SELECT * FROM users WHERE id BETWEEN 1 AND 10 ORDER BY 1 LIMIT 5 OFFSET 2", "SELECT * FROM users u JOIN orders o ON o.user_id = u.id AND o.total > 10.5",
	"UPDATE orders SET total = 5 WHERE id = 1", "UPDATE orders SET total = total + 1 WHERE id = -1", "UPDATE orders SET total = 5 WHERE 1 = 1", "DELETE FROM orders WHERE 1 = 2",
	"DELETE FROM orders WHERE id + 1 = id + 1", "DELETE FROM orders WHERE id = 1 OR 1 = 1", "DELETE FROM orders WHERE total > 100", "INSERT INTO orders (id, total) VALUES (1, 2.5), (2, 3)",
	"INSERT INTO orders (id, total) SELECT 1, 2", "SELECT nextval('orders_id_seq')", "SELECT set_config('search_path', 'x', false)", "SELECT 'users'::regclass",
	"SELECT * FROM orders WHERE id = 'x'::regclass::oid", "SELECT count(*) FROM orders GROUP BY user_id + 1 HAVING count(*) > 5", "SELECT user_id + 1 FROM orders GROUP BY user_id + 1",
	"SELECT CASE WHEN id = 1 THEN 'a' ELSE 'b' END FROM orders", "SELECT id FROM orders WHERE CASE WHEN id = 1 THEN 2 ELSE 3 END = 2", "SELECT notes->'a' FROM users WHERE notes->>'b' = 'c'",
	"SELECT id FROM orders WHERE total = ANY (ARRAY[1, 2])", "SELECT id FROM orders WHERE total::text LIKE 'a%'", "SELECT id FROM orders WHERE placed > DATE '2020-01-01' - INTERVAL '1' DAY",
	"SELECT id::varchar(5) FROM orders WHERE id::varchar(5) = '1'", "SELECT id::float(3) FROM orders", "SELECT U&'\\0041' FROM orders WHERE id = 1", "SELECT E'\\n', B'1', X'1F', $$x$$ FROM orders WHERE id = 1",
	"SELECT id FROM orders WHERE id = 1 FOR UPDATE", "WITH a AS (SELECT id FROM users WHERE ssn = 'x') SELECT * FROM a WHERE id = 3", "SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM users WHERE users.id = orders.user_id AND phone = '1')",
	"SELECT id FROM orders TABLESAMPLE system (10) WHERE id = 1", "SELECT lower('A') FROM orders WHERE lower('A') = 'a'", "VALUES (1, 'a'), (2, 'b')", "SELECT * FROM (VALUES (1, 'a')) v(x, y) WHERE x = 1",
	"SELECT id FROM orders WHERE coalesce(total, 0) > 5", "SELECT id FROM orders WHERE (id, total) IN ((1, 2.5), (3, 4.5))", "SELECT ssn FROM users WHERE ssn = 'x' AND name = 'y'",
	"SELECT id FROM orders WHERE id = 0x1F", "SELECT id FROM orders WHERE id = 1_000", "SELECT id FROM orders WHERE id = - 5", "SELECT id FROM orders WHERE id = 5 AND 'a' = 'a'", "EXPLAIN (ANALYZE 0) SELECT 1",
	"SELECT id FROM orders WHERE id <> 1;", "UPDATE users SET name = 'x' WHERE email = 'y' RETURNING id", "UPDATE users SET ssn = '1'", "INSERT INTO users (id, ssn) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'z'",
}

func shapeTexts(t testing.TB) []string {
	texts := append([]string{}, shaped...)
	for _, e := range readCorpus(t) {
		texts = append(texts, e.text)
	}
	return append(texts, readStatements(t, "testdata/honest.sql")...)
}

func shapeEnvs(t testing.TB) map[string]pgsql.Env {
	s := connect(t, "agent", "postgres")
	masked := envOf(t, s, piiMasks())
	free, unrestricted := masked, masked
	free.Masks = nil
	unrestricted.Masks, unrestricted.Unrestricted = nil, true
	return map[string]pgsql.Env{"masked": masked, "free": free, "unrestricted": unrestricted, "no catalog": {SearchPath: []string{"pg_catalog", "public"}}}
}

// What is known of a shape says of every text of that shape what reading the text itself would say.
func TestAShapeSaysWhatItsTextsSay(t *testing.T) {
	texts := shapeTexts(t)
	for name, env := range shapeEnvs(t) {
		t.Run(name, func(t *testing.T) {
			known, fresh := grammar.WithShapesAlone(), grammar.WithoutCaches()
			random := rand.New(rand.NewSource(1))
			hits := 0
			for _, text := range texts {
				pgsql.Analyze(t.Context(), known, text, env)
				for range 4 {
					other := pgsql.Reworded(text, random)
					if known.KnowsShape(other, env) {
						hits++
					}
					sameAnalysis(t, known, fresh, other, env)
				}
			}
			if hits < len(texts) {
				t.Errorf("%d of %d texts were known by their shape", hits, 4*len(texts))
			}
		})
	}
}

func sameAnalysis(t *testing.T, known, fresh *pgsql.Pool, text string, env pgsql.Env) {
	t.Helper()
	got, want := analyzed(known, text, env), analyzed(fresh, text, env)
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if a, b := g.Field(i).Interface(), w.Field(i).Interface(); !reflect.DeepEqual(a, b) {
			t.Errorf("%s\n%s by its shape %+v\nby itself %+v", text, g.Type().Field(i).Name, a, b)
		}
	}
}

// analyzed is an analysis that no worker was too slow for: that says something about the machine.
func analyzed(pool *pgsql.Pool, text string, env pgsql.Env) pgsql.Analysis {
	for range 5 {
		if a := pgsql.Analyze(context.Background(), pool, text, env); a.Problem == nil || a.Problem.SQLState != "54001" {
			return a
		}
	}
	return pgsql.Analyze(context.Background(), pool, text, env)
}

func FuzzShape(f *testing.F) {
	for i, text := range shapeTexts(f) {
		f.Add(text, int64(i))
	}
	envs := shapeEnvs(f)
	f.Fuzz(func(t *testing.T, text string, seed int64) {
		random := rand.New(rand.NewSource(seed))
		for _, env := range envs {
			known, fresh := grammar.WithShapesAlone(), grammar.WithoutCaches()
			sameAnalysis(t, known, fresh, text, env)
			sameAnalysis(t, known, fresh, pgsql.Reworded(text, random), env)
			sameAnalysis(t, known, fresh, pgsql.Reworded(text, random), env)
		}
	})
}

// BenchmarkNewLiterals is a short statement with another constant each time, of a known shape and not.
func BenchmarkNewLiterals(b *testing.B) {
	env := shapeEnvs(b)["masked"]
	random := rand.New(rand.NewSource(1))
	for name, text := range map[string]string{
		"plain": "SELECT total FROM orders WHERE id = 1", "masked": "SELECT id, name, email FROM users WHERE id = 1",
	} {
		for way, pool := range map[string]*pgsql.Pool{"known": grammar.WithShapesAlone(), "fresh": grammar.WithoutCaches()} {
			b.Run(name+"/"+way, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if a := pgsql.Analyze(b.Context(), pool, pgsql.Reworded(text, random), env); a.Problem != nil {
						b.Fatal(a.Problem.Message)
					}
				}
			})
		}
	}
}

func TestWhichSettingIsChangedIsNoMatterOfTheShape(t *testing.T) {
	known := grammar.WithShapesAlone()
	text := func(setting string) string {
		return "SELECT set_config(name, 'on', false) FROM pg_settings WHERE name = '" + setting + "'"
	}
	for env, e := range shapeEnvs(t) {
		for _, setting := range []string{"restrict_nonsystem_relation_kind", "session_authorization", "work_mem"} {
			if a := pgsql.Analyze(t.Context(), known, text(setting), e); (a.Problem != nil) != (setting == "session_authorization") {
				t.Errorf("%s: %s: %v", env, setting, a.Problem)
			}
		}
	}
}
