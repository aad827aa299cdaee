package pgsql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// Postgres' statistics count a masked column's different values, and its plans tell. The oracle is the server: two databases in
// which that count differs, analysed, must give the same plan for every EXPLAIN that is not refused.
func TestPlansDontTellOfMaskedValues(t *testing.T) {
	const schema = `CREATE TABLE users(id int PRIMARY KEY, name text, ssn text, n int); INSERT INTO users SELECT g, 'n' || g %% 100, CASE WHEN g %% 10 > 0 THEN 's' || lpad(%s::text, 6, '0') END, g %% 3 FROM generate_series(1, 8000) g;
		CREATE TABLE orders(id int PRIMARY KEY, user_id int); INSERT INTO orders SELECT g, g FROM generate_series(1, 8000) g; CREATE INDEX ON users(ssn); CREATE VIEW v AS SELECT id, ssn AS tax FROM users; CREATE VIEW w AS SELECT o.id, u.ssn FROM orders o LEFT JOIN users u ON u.id = o.user_id; ANALYZE`
	one, two := newDatabase(t, "plans1", fmt.Sprintf(schema, "g")), newDatabase(t, "plans2", fmt.Sprintf(schema, "(g % 5)"))
	masks := mask("users.ssn")
	envOne, envTwo := envOf(t, one, masks), envOf(t, two, masks)
	differ := 0
	for text, answers := range map[string]bool{
		"SELECT 1 FROM users WHERE ssn = 's000001'": true, "SELECT * FROM users": true, "TABLE users": true, "SELECT ssn, name FROM users WHERE ssn IS NULL OR n = 1": true,
		"SELECT * FROM users WHERE ssn LIKE 's%' ORDER BY ssn, name LIMIT 3": true, "SELECT u.ssn, o.id FROM users u JOIN orders o ON o.user_id = u.id": true, "SELECT name, count(*) FROM users GROUP BY name": true,
		"SELECT max(ssn) FROM users": true, "SELECT u.name FROM users u WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id)": true, "SELECT * FROM v WHERE tax BETWEEN 's' AND 't'": true, "SELECT * FROM w WHERE ssn = 's000001'": true,
		"SELECT count(*) FROM (SELECT id FROM users) x": true, "DELETE FROM users WHERE id = 5": true,
		"SELECT ssn, count(*) FROM users GROUP BY ssn": false, "SELECT upper(ssn) FROM users GROUP BY 1": false, "SELECT DISTINCT ssn FROM users": false, "SELECT DISTINCT ON (ssn) id FROM users": false,
		"SELECT ssn FROM users UNION SELECT name FROM users": false, "SELECT ssn FROM users INTERSECT SELECT name FROM users": false, "SELECT * FROM users WHERE ssn IN (SELECT ssn FROM users)": false,
		"SELECT 1 FROM orders o WHERE EXISTS (SELECT 1 FROM users u WHERE u.ssn = o.id::text)": false, "SELECT * FROM users u, LATERAL (SELECT * FROM orders o WHERE o.id::text = u.ssn LIMIT 1) x": false,
		"SELECT * FROM users u JOIN orders o ON o.id::text = u.ssn": false, "SELECT * FROM users u, orders o WHERE o.id::text = u.ssn": false, "SELECT 1 FROM users JOIN v ON ssn = tax": false, "SELECT 1 FROM users a JOIN users b USING (ssn)": false, "SELECT 1 FROM users NATURAL JOIN (SELECT id, ssn FROM users) x": false,
		"SELECT s FROM (SELECT ssn AS s FROM users) x GROUP BY s": false, "WITH c AS (SELECT ssn AS s FROM users) SELECT DISTINCT s FROM c": false, "SELECT x FROM (SELECT u.* FROM users u) x GROUP BY x": false, "SELECT tax FROM v GROUP BY tax": false,
		"SELECT count(*) FROM users GROUP BY GROUPING SETS ((ssn), (name))": false, "SELECT row_number() OVER (PARTITION BY ssn) FROM users": false, "SELECT u FROM users u GROUP BY u": false, "SELECT id FROM users GROUP BY id HAVING max(ssn) > 's'": false,
		"INSERT INTO orders SELECT count(*), 1 FROM users GROUP BY ssn": false, "DELETE FROM orders USING users u WHERE u.ssn = orders.id::text": false,
	} {
		for _, explain := range []string{"EXPLAIN ", "EXPLAIN (COSTS off) ", "EXPLAIN (FORMAT json, VERBOSE) "} {
			a, b := understand(t, explain+text, envOne), understand(t, explain+text, envTwo)
			if (a.Problem == nil) != answers || (b.Problem == nil) != answers {
				t.Errorf("%s%s: %+v", explain, text, a.Problem)
				continue
			}
			if !answers {
				refusal(t, explain+text, envOne, "is masked for you, and this plan")
				continue
			}
			first, second := one.simple(t.Context(), a.Rewritten), two.simple(t.Context(), b.Rewritten)
			if first != second || strings.Contains(first, "ERROR") {
				t.Errorf("%s%s\n%s\nand\n%s", explain, text, first, second)
			}
		}
		if a := understand(t, text, envOne); !answers && a.Problem == nil { // that it had to be refused
			b := understand(t, text, envTwo)
			if one.simple(t.Context(), "EXPLAIN "+seen(a.Rewritten)) != two.simple(t.Context(), "EXPLAIN "+seen(b.Rewritten)) {
				differ++
			}
			if one.simple(t.Context(), "EXPLAIN "+a.Rewritten) != two.simple(t.Context(), "EXPLAIN "+b.Rewritten) {
				t.Errorf("the plans of this differ: %s\n%s\n%s", text, one.simple(t.Context(), "EXPLAIN "+a.Rewritten), two.simple(t.Context(), "EXPLAIN "+a.Rewritten))
			}
		}
	}
	if differ < 6 {
		t.Errorf("only %d of the refused plans differ: the two databases are too much alike", differ)
	}
	envOne.Prepared = func(string) ([]pgsql.Access, bool) { return nil, true }
	refusal(t, "EXPLAIN EXECUTE p", envOne, "EXPLAIN EXECUTE")
	if a := understand(t, "EXECUTE p", envOne); a.Problem != nil {
		t.Errorf("EXECUTE: %+v", *a.Problem)
	}
}

// What partition a row is in tells of the column that partitions: neither partitions nor what is known of them can be read.
func TestPartitionsByAMaskedColumnAreClosed(t *testing.T) {
	const schema = `CREATE TABLE parts(id int, note text, ssn text) PARTITION BY LIST (ssn); CREATE TABLE pa PARTITION OF parts FOR VALUES IN ('%[1]s1'); CREATE TABLE pb PARTITION OF parts DEFAULT PARTITION BY RANGE (id); CREATE TABLE pc PARTITION OF pb DEFAULT;
		CREATE TABLE computed(id int, born date) PARTITION BY RANGE (extract(year FROM born)); CREATE TABLE ca PARTITION OF computed FOR VALUES FROM (1950) TO (2%[2]s); CREATE TABLE cb PARTITION OF computed DEFAULT; CREATE TABLE free(id int) PARTITION BY LIST (id); CREATE TABLE f1 PARTITION OF free FOR VALUES IN (7);
		INSERT INTO parts VALUES (1, 'a', '%[1]s1'), (2, 'b', '%[1]s2'), (3, 'c', '%[1]s2'); INSERT INTO computed VALUES (1, '2050-01-01'), (2, '1960-01-01');
		CREATE VIEW over_all AS SELECT id, note FROM parts; CREATE VIEW over_one AS SELECT id FROM pc; CREATE VIEW where_from AS SELECT id, tableoid AS t FROM parts`
	one, two := newDatabase(t, "split1", fmt.Sprintf(schema, "AAA", "010")), newDatabase(t, "split2", fmt.Sprintf(schema, "BBB", "040"))
	for _, database := range []string{"split1", "split2"} {
		if err := server.ExecIn(database, "ANALYZE"); err != nil {
			t.Fatal(err)
		}
	}
	masks := mask("parts.ssn", "computed.born")
	envOne, envTwo := envOf(t, one, masks), envOf(t, two, masks)
	for _, text := range []string{"SELECT * FROM parts ORDER BY id", "SELECT * FROM computed ORDER BY id", "SELECT * FROM f1", "TABLE parts", "SELECT id FROM computed LIMIT 1", "SELECT array_agg(id) FROM parts",
		"COPY parts TO STDOUT", "SELECT x.id FROM free f FULL JOIN parts x ON f.id = x.id", "SELECT id FROM parts FOR UPDATE",
		"SELECT relname, relkind, relpartbound::text, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition ORDER BY relname", "SELECT relname, reltuples, relpages FROM pg_class WHERE relname IN ('pa', 'pb', 'pc', 'ca', 'cb') ORDER BY 1",
		"SELECT c FROM pg_class c WHERE relname = 'pa' AND c.reltuples > 0", "INSERT INTO parts (id, note) VALUES (4, 'd')", "SELECT pg_get_partkeydef('parts'::regclass)", "EXPLAIN SELECT * FROM free"} {
		same(t, text, one, two, envOne, envTwo)
	}
	for _, text := range []string{"SELECT * FROM over_all", "SELECT * FROM where_from", "UPDATE parts SET note = 'x' RETURNING id", "DELETE FROM parts WHERE id = 1 / (id - 1)", "SELECT * FROM parts TABLESAMPLE bernoulli (50)", "SELECT * FROM pa", "SELECT id FROM pb", "SELECT count(*) FROM pc", "SELECT * FROM ONLY ca", "SELECT * FROM over_one", "UPDATE pa SET note = ''", "COPY pa TO STDOUT", "INSERT INTO pa (id) VALUES (1)", "EXPLAIN SELECT id FROM parts", "EXPLAIN SELECT id FROM over_all",
		"EXPLAIN DELETE FROM parts WHERE id = 1", "SELECT pg_get_partition_constraintdef('pa'::regclass)", "SELECT pg_relation_size('pa'), pg_table_size('pa')", "SELECT pg_stat_get_live_tuples('pa'::regclass)", "SELECT * FROM pg_stat_user_tables", "ALTER TABLE parts DETACH PARTITION pa"} {
		refusal(t, text, envOne)
	}
	open := envOf(t, one, mask("parts.note"))
	for _, text := range []string{"SELECT * FROM pa", "SELECT pg_get_expr(relpartbound, oid) FROM pg_class", "SELECT pg_relation_size('pa')", "EXPLAIN SELECT * FROM parts"} {
		if a := understand(t, text, open); a.Problem != nil {
			t.Errorf("%s: %+v", text, *a.Problem)
		}
	}
}

// seen is a rewritten text as it were if the planner saw masked columns.
func seen(rewritten string) string {
	return strings.ReplaceAll(rewritten, `(COALESCE("hoop_m".*, "hoop_m".*))`, `"hoop_m"`)
}

// In what order groups come out follows from how many Postgres expects: it must expect as many whatever the masked values are.
func TestTheOrderOfGroupsDoesntTellOfMaskedValues(t *testing.T) {
	const schema = `CREATE TABLE users(id int PRIMARY KEY, name text, ssn text, n int); INSERT INTO users SELECT g, 'n' || g %% 100, CASE WHEN g %% 10 > 0 THEN 's' || lpad(%s::text, 6, '0') END, g %% 3 FROM generate_series(1, 8000) g;
		CREATE TABLE parts(id int, name text, ssn text) PARTITION BY HASH (id); CREATE TABLE p1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE p2 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1); INSERT INTO parts SELECT id, name, ssn FROM users;
		CREATE TABLE hoop_m(hoop_m text, name text, ssn text); INSERT INTO hoop_m SELECT name, name, ssn FROM users; CREATE VIEW v AS SELECT name, ssn AS tax FROM users; CREATE INDEX ON users(ssn); ANALYZE`
	one, two := newDatabase(t, "groups1", fmt.Sprintf(schema, "g")), newDatabase(t, "groups2", fmt.Sprintf(schema, "(g % 5)"))
	masks := append(mask("users.ssn", "hoop_m.ssn"), pgsql.MaskPattern{Pattern: "parts.ssn", As: pgsql.Last4}, pgsql.MaskPattern{Pattern: "users.n", As: pgsql.Null})
	envOne, envTwo := envOf(t, one, masks), envOf(t, two, masks)
	told := 0
	for _, text := range []string{
		"SELECT name, ssn, count(*) FROM users GROUP BY name, ssn", "SELECT DISTINCT name, ssn FROM users", "SELECT DISTINCT u FROM (SELECT name, ssn FROM users) u", "SELECT DISTINCT * FROM (SELECT name, ssn FROM users) u", "SELECT DISTINCT name, upper(ssn) FROM users u",
		"SELECT name, ssn FROM users UNION SELECT 'a', 'b'", "SELECT name, ssn FROM users INTERSECT SELECT name, ssn FROM users", "WITH c AS (SELECT ssn AS s, name FROM users) SELECT s, name, count(*) FROM c GROUP BY s, name", "SELECT tax, name FROM v GROUP BY tax, name",
		"SELECT s, name FROM (SELECT ssn AS s, name FROM users) x GROUP BY GROUPING SETS ((s, name), (name))", "SELECT name FROM users WHERE (ssn, id) IN (SELECT ssn, id FROM users WHERE id < 2000)", "SELECT hoop_m, ssn FROM hoop_m GROUP BY hoop_m, ssn",
		"INSERT INTO hoop_m (name) SELECT name FROM users GROUP BY name, ssn RETURNING name", "SELECT name FROM users GROUP BY name, ssn",
	} {
		a, b := understand(t, text, envOne), understand(t, text, envTwo)
		if a.Problem != nil || b.Problem != nil || a.Rewritten != b.Rewritten {
			t.Errorf("%s: %+v", text, a.Problem)
			continue
		}
		if x, y := one.simple(t.Context(), a.Rewritten), two.simple(t.Context(), a.Rewritten); x != y || strings.Contains(x, "ERROR") {
			t.Errorf("%s became %s\n%.400s\n%.400s", text, a.Rewritten, x, y)
		}
		if one.simple(t.Context(), seen(a.Rewritten)) != two.simple(t.Context(), seen(a.Rewritten)) {
			told++
		}
	}
	if told < 3 {
		t.Errorf("only %d of them would have told: the databases are too much alike", told)
	}
}
