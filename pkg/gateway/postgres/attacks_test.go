package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// readers may read all but the secrets; who drops something asks, and everything else is denied.
const readers = `
version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: ["*"]}, ttl: 30m}]
rules:
  - {name: read, who: {groups: [developers]}, effects: [read, session], verdict: allow}
  - {name: secrets, objects: ["public.secrets"], verdict: deny}
  - {name: drops, sql: {commands: ["drop table"]}, effects: [schema], verdict: approve, approval: {by: {groups: [dba]}, quorum: 1, hold: 0s, ttl: 10m}}
`

// lane is of somebody who can do nothing but read, so that the session is read-only at the target too.
const lane = `
version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: ["*"]}, ttl: 30m}]
rules: [{name: read, who: {groups: [developers]}, effects: [read, session], verdict: allow}]
`

// filtered refuses what changes every row.
const filtered = `
version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: ["*"]}, ttl: 30m}]
rules:
  - {name: all, who: {groups: [developers]}, effects: [read, write, delete, session], verdict: allow}
  - {name: no-unfiltered-write, sql: {commands: [update, delete], filter: [none, constant]}, verdict: deny, message: Add a WHERE clause that names the rows.}
`

// attack is a group of ways around a policy, with what honest people write beside them.
type attack struct {
	policy  string
	refused []string
	honest  []string
}

func attacks() map[string]attack {
	many := func(n int, text, between string) string {
		return strings.TrimSuffix(strings.Repeat(text+between, n), between)
	}
	nested := "SELECT * FROM x0"
	ctes := "WITH x0 AS (DELETE FROM att RETURNING *)"
	for i := range 50 {
		ctes += fmt.Sprintf(", x%d AS (SELECT * FROM x%d)", i+1, i)
	}
	return map[string]attack{
		"the most powerful part counts": {readers, []string{
			"WITH x AS (DELETE FROM att RETURNING *) SELECT * FROM x", ctes + " " + nested, "SELECT * INTO att2 FROM att", "CREATE TABLE att2 AS SELECT * FROM att", "SELECT * FROM att FOR UPDATE",
			"SELECT * FROM (SELECT 1) x, (SELECT * FROM att FOR UPDATE) y", "WITH x AS (INSERT INTO att VALUES (9, 9) RETURNING id) SELECT 1", "COPY (UPDATE att SET a = 2 RETURNING a) TO STDOUT",
			"DECLARE c CURSOR FOR SELECT * FROM att FOR UPDATE", "CREATE VIEW att2 AS SELECT 1", "MERGE INTO att USING (SELECT 1) x ON true WHEN MATCHED THEN DELETE", "TRUNCATE att", "LOCK att",
		}, []string{"WITH x AS (SELECT * FROM att) SELECT * FROM x", "SELECT count(*) FROM att", "VALUES (1)", "TABLE att"}},
		"one of many refuses them all": {readers, []string{
			"SELECT 1; DELETE FROM att", "DELETE FROM att; SELECT 1", ";; DELETE FROM att;", many(10_000, "SELECT 1", "; ") + "; DELETE FROM att", "SELECT 1; ; ; DELETE FROM att -- ; SELECT 1", "SELECT 1 /* ; */; /* /* SELECT 1; */ */ DELETE FROM att",
		}, []string{"SELECT 1; SELECT 2", "SELECT 1;", many(1_000, "SELECT 1", "; "), "SELECT ';DELETE FROM att;' -- ; DELETE FROM att"}},
		"words are what the grammar reads": {readers, []string{
			"DELETE/**/FROM att", "DELETE/* /* nested */ */FROM att", "DELETE--\rFROM att", "DELETE\vFROM att", "DELETE\f\t\nFROM att", "dElEtE FROM att", "\ufeffDELETE FROM att", "DELETE\u00a0FROM att", "DELETE FROM ONLY att", `DELETE FROM "att"`, `DELETE FROM U&"\0061tt"`,
			"SELECT '\\'; DELETE FROM att; --'", "SELECT $x$ $y$ $x$; DELETE FROM att", "SELECT E'\\''; DELETE FROM att; --'",
		}, []string{"SELECT/**/ 1", "SELECT $x$; DELETE FROM att $x$", "SELECT E'\\'; DELETE FROM att; --'"}},
		"EXPLAIN ANALYZE is what is inside": {readers, []string{
			"EXPLAIN ANALYZE DELETE FROM att", "EXPLAIN (ANALYZE, COSTS off) UPDATE att SET a = 2", "EXPLAIN (ANALYZE 1) DELETE FROM att", "EXPLAIN (ANALYZE off, ANALYZE) DELETE FROM att", "EXPLAIN ANALYZE WITH x AS (DELETE FROM att RETURNING 1) SELECT 1",
			"EXPLAIN ANALYZE CREATE TABLE att2 AS SELECT 1", "EXPLAIN ANALYZE SELECT code()", "EXPLAIN SELECT code()",
		}, []string{"EXPLAIN DELETE FROM att", "EXPLAIN ANALYZE SELECT * FROM att", "EXPLAIN (ANALYZE off) UPDATE att SET a = 2"}},
		"code is never a read": {readers, []string{
			"DO $$ BEGIN EXECUTE 'DR' || 'OP TABLE att'; END $$", "CALL proc()", "CREATE FUNCTION f2() RETURNS int LANGUAGE sql AS 'SELECT 1'", "SELECT code()", "SELECT * FROM code()", "SELECT 1 WHERE code() = 1", "SELECT att.code FROM (SELECT 1) att, code() code WHERE code() > 0",
			"SELECT 1 ORDER BY code()", "SELECT (SELECT code())", "CREATE TRIGGER t BEFORE INSERT ON att FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()", "LOAD 'plpgsql'", "CREATE EXTENSION plpgsql",
		}, []string{"SELECT lower('A'), now(), pg_typeof(1)"}},
		"functions with effects": {readers, []string{
			"SELECT pg_terminate_backend(1)", "SELECT pg_cancel_backend(1)", "SELECT pg_read_file('/etc/passwd')", "SELECT pg_read_binary_file('x')", "SELECT pg_ls_dir('.')", "SELECT lo_import('/etc/passwd')", "SELECT lo_export(1, '/tmp/x')", "SELECT lo_create(0)", "SELECT lo_from_bytea(0, 'x')",
			"SELECT dblink('x', 'y')", "SELECT set_config('search_path', 'evil', false)", "SELECT set_config('ro' || 'le', 'postgres', false)", "SELECT nextval('att_seq')", "SELECT setval('att_seq', 5)", "SELECT pg_reload_conf()", "SELECT pg_switch_wal()",
			"SELECT pg_create_logical_replication_slot('x', 'y')", "SELECT pg_create_physical_replication_slot('x')", "SELECT query_to_xml('DELETE FROM att', true, true, '')", "SELECT table_to_xml('secrets', true, true, '')", "SELECT schema_to_xml('public', true, true, '')",
			"SELECT ts_stat('SELECT 1')", "SELECT ts_rewrite('a', 'SELECT 1')", "SELECT pg_stat_reset()", "SELECT pg_rotate_logfile()", "SELECT pg_promote()", "SELECT pg_logical_emit_message(true, 'a', 'b')", "SELECT pg_stat_file('x')", "SELECT pg_backup_start('x')",
			"SELECT pg_file_write('x', 'y', false)", "SELECT pg_import_system_collations('public')", "SELECT cursor_to_xml('c', 1, true, true, '')", "SELECT x FROM pg_ls_waldir() x", "SELECT (json_populate_record(NULL::att, '{}')).code",
		}, []string{"SELECT pg_sleep(0)", "SELECT current_setting('search_path')", "SELECT txid_current_if_assigned()"}},
		"names mean what they mean here": {readers, []string{
			"SET search_path = evil, public", "SET LOCAL search_path TO evil", "SELECT set_config('search_path', 'evil', true)", "SELECT * FROM secrets", "SELECT * FROM public.secrets", `SELECT * FROM "secrets"`, "SELECT * FROM SECRETS", `SELECT * FROM U&"s\0065crets"`,
			"SELECT * FROM postgres.public.secrets", "SELECT 1 OPERATOR(evil.+) 2", "SELECT evil.lower(1)", "CREATE OPERATOR evil.- (LEFTARG = int, RIGHTARG = int, FUNCTION = int4mi)", "CREATE TEMP TABLE copies AS SELECT * FROM secrets", "CREATE TEMP VIEW att AS SELECT * FROM secrets",
			"WITH att AS (SELECT * FROM secrets) SELECT * FROM att", "WITH secrets AS (SELECT * FROM secrets) SELECT * FROM secrets", "ALTER ROLE CURRENT_USER SET search_path = evil", "UPDATE pg_settings SET setting = 'evil' WHERE name = 'search_path'",
		}, []string{"WITH secrets AS (SELECT 1 AS a) SELECT * FROM secrets", "SELECT 1 OPERATOR(pg_catalog.+) 2", "SELECT att.secrets FROM (SELECT 1 AS secrets) att"}},
		"a denied relation by other ways": {readers, []string{
			"TABLE secrets", "SELECT secrets FROM secrets", "SELECT secrets::text FROM secrets", "SELECT row_to_json(s) FROM secrets s", "SELECT * FROM v_secrets", "SELECT * FROM vv_secrets", "SELECT * FROM mv_secrets", "SELECT count(*) FROM secrets_child", "SELECT * FROM secrets_parent",
			"COPY secrets TO STDOUT", "COPY (TABLE v_secrets) TO STDOUT", "SELECT 1 FROM att WHERE id IN (SELECT id FROM secrets)", "SELECT (SELECT max(v) FROM secrets)", "SELECT * FROM att NATURAL JOIN secrets", "SELECT * FROM secrets TABLESAMPLE system (100)", "EXPLAIN SELECT * FROM secrets",
			"DECLARE c CURSOR FOR TABLE secrets", "SELECT most_common_vals FROM pg_stats", "SELECT * FROM pg_statistic", "SELECT query FROM pg_stat_activity", "SELECT * FROM pg_authid", "SELECT * FROM pg_shadow", "SELECT * FROM pg_largeobject", "SELECT * FROM pg_stats_ext",
			"SELECT * FROM pg_user_mappings", "SELECT * FROM pg_toast.pg_toast_2619", "SELECT * FROM pg_file_settings", "SELECT * FROM pg_hba_file_rules", "SELECT * FROM pg_prepared_statements",
		}, []string{"SELECT relname FROM pg_class WHERE relname = 'secrets'", "SELECT attname FROM pg_attribute WHERE attrelid = 'secrets'::regclass", "SELECT tablename FROM pg_tables"}},
		"read-only stays so": {lane, []string{
			"SET ROLE postgres", "SET LOCAL ROLE postgres", "SET SESSION AUTHORIZATION postgres", "RESET ALL", "RESET ROLE", "DISCARD ALL", "SET default_transaction_read_only = off", "SET transaction_read_only = off", "BEGIN READ WRITE", "START TRANSACTION READ WRITE", "SET TRANSACTION READ WRITE",
			"SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "SELECT set_config('transaction_read_only', 'off', false)", "COMMIT; DROP TABLE att", "ROLLBACK; DELETE FROM att", "COMMIT AND CHAIN; DELETE FROM att", "RESET default_transaction_read_only", "INSERT INTO att VALUES (9, 9)",
			"SET session_replication_role = replica", "SET standard_conforming_strings = off", "SET client_encoding = 'SJIS'", "SET backslash_quote = on",
		}, []string{"BEGIN READ ONLY", "COMMIT", "SHOW transaction_read_only", "SET statement_timeout = 1000", "SET row_security = off", "SET client_encoding = 'UTF8'"}},
		"what can't be read is not sent": {allowAll, []string{
			"SELEC 1", "SELECT 1 FROM", "SELECT * FROM att GROUP BY ALL ORDER", "DELETE att", "SELECT 1; SELEC 2", "SELECT $1::int FROM att WHERE a = $$x$", "SELECT 'open", "SELECT 1 /* open", `SELECT U&'\zzzz'`, "SELECT 1\xff", "SELECT FOR PORTION OF att", "UPDATE att FOR PORTION OF a SET a = 1",
		}, []string{"SELECT 1", "SELECT $$x$$", "SELECT 1 AS \"U&\""}},
		"what is too much is not sent": {allowAll, []string{
			"SELECT 1 FROM att WHERE id IN (" + many(200_000, "12345", ",") + ")", "SELECT " + strings.Repeat("(", 10_000) + "1" + strings.Repeat(")", 10_000), many(30_000, "SELECT 1", " UNION ALL "), "SELECT 1" + strings.Repeat(" + 1", 60_000), "SELECT '" + strings.Repeat("x", 1<<20) + "'",
			"SELECT " + strings.Repeat("CASE WHEN true THEN ", 2000) + "1" + strings.Repeat(" END", 2000),
		}, []string{"SELECT 1 FROM att WHERE id IN (" + many(5_000, "12345", ",") + ")", many(100, "SELECT 1", " UNION ALL ")}},
		"a filter that filters nothing": {filtered, []string{
			"DELETE FROM att", "UPDATE att SET a = 2", "DELETE FROM att WHERE true", "DELETE FROM att WHERE 1 = 1", "UPDATE att SET a = 2 WHERE id = id", "DELETE FROM att WHERE 'a' LIKE '%'", "DELETE FROM att WHERE NOT false", "DELETE FROM att WHERE true OR id = 5", "DELETE FROM att WHERE id = 5 OR 1 = 1",
			"WITH x AS (DELETE FROM att RETURNING 1) SELECT 1", "DELETE FROM att USING (SELECT 1) x", "UPDATE att SET a = 2 FROM (SELECT 1) x", "EXPLAIN ANALYZE DELETE FROM att",
		}, []string{"DELETE FROM att WHERE id = -5", "UPDATE att SET a = 2 WHERE id IN (-1, -2)", "DELETE FROM att USING (SELECT -1 AS i) x WHERE att.id = x.i"}},
		"nothing masked is copied out": {allButMasks, []string{
			"CREATE TABLE att2 AS SELECT ssn AS x FROM users", "SELECT ssn INTO att2 FROM users", "INSERT INTO att SELECT id, length(ssn) FROM users", "COPY (SELECT ssn FROM users) TO PROGRAM 'cat'", "COPY users TO '/tmp/x'", "SELECT dblink('x', 'SELECT ssn FROM users')", "CREATE VIEW att2 AS SELECT ssn FROM users",
			"CREATE MATERIALIZED VIEW att2 AS SELECT ssn FROM users", "SELECT lo_from_bytea(0, ssn::bytea) FROM users", "SELECT pg_logical_emit_message(true, 'x', ssn) FROM users", "CREATE FUNCTION att2() RETURNS text LANGUAGE sql AS 'SELECT ssn FROM users'", "UPDATE att SET a = (SELECT length(ssn) FROM users LIMIT 1)",
			"CREATE TABLE att2 (LIKE users)", "CREATE TABLE att2 () INHERITS (users)", "CREATE TEMP TABLE att2 AS TABLE users", "SELECT set_config('my.x', (SELECT ssn FROM users LIMIT 1), false)", "ALTER TABLE users RENAME ssn TO public_ssn", "CREATE PUBLICATION p FOR TABLE users", "CREATE INDEX ON users (ssn)",
			"UPDATE users SET id = 1, name = 'Ann', email = '***', ssn = '***' WHERE id = 1", "INSERT INTO users VALUES (9, 'a', 'b')", "UPDATE users SET name = ssn WHERE id = 1", "MERGE INTO att USING users ON att.id = users.id WHEN MATCHED THEN UPDATE SET a = length(ssn)",
		}, []string{"UPDATE users SET name = 'Ann Lee' WHERE id = 1", "INSERT INTO att SELECT id + 1000, id FROM users ON CONFLICT DO NOTHING", "SELECT ssn, email FROM users", "SELECT left(ssn, 1), md5(card) FROM users WHERE ssn LIKE '1%' ORDER BY phone"}},
	}
}

func prepareAttacks(t *testing.T) {
	t.Helper()
	admin(t, `CREATE TABLE att(id int PRIMARY KEY, a int); INSERT INTO att VALUES (1, 1), (2, 1); CREATE SEQUENCE att_seq; CREATE TABLE secrets_parent(id int); CREATE TABLE secrets(v text) INHERITS (secrets_parent); INSERT INTO secrets VALUES (1, 'the-secret');
		CREATE TABLE secrets_child() INHERITS (secrets); CREATE VIEW v_secrets AS SELECT * FROM secrets; CREATE VIEW vv_secrets AS SELECT v FROM v_secrets; CREATE MATERIALIZED VIEW mv_secrets AS TABLE secrets;
		CREATE FUNCTION code() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE proc() LANGUAGE sql AS 'DELETE FROM att'; CREATE SCHEMA evil; CREATE FUNCTION evil.lower(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
		CREATE FUNCTION evil.plus(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE OPERATOR evil.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.plus); GRANT ALL ON att, secrets, secrets_parent, secrets_child, v_secrets, vv_secrets, mv_secrets TO agent; GRANT ALL ON SEQUENCE att_seq TO agent; GRANT USAGE ON SCHEMA evil TO agent`)
	t.Cleanup(func() {
		admin(t, "DROP SCHEMA evil CASCADE; DROP PROCEDURE proc; DROP FUNCTION code; DROP TABLE att, secrets_parent CASCADE; DROP SEQUENCE att_seq")
	})
}

// waysOfSending are those of sending one statement. A way that a statement can't go answers false.
func waysOfSending() map[string]func(*testing.T, *pgconn.PgConn, string) (error, bool) {
	extended := func(t *testing.T, c *pgconn.PgConn, text string) error {
		return c.ExecParams(t.Context(), text, nil, nil, nil, nil).Read().Err
	}
	return map[string]func(*testing.T, *pgconn.PgConn, string) (error, bool){
		"simple": func(t *testing.T, c *pgconn.PgConn, text string) (error, bool) {
			_, err := c.Exec(t.Context(), text).ReadAll()
			return err, true
		},
		"extended": func(t *testing.T, c *pgconn.PgConn, text string) (error, bool) {
			return extended(t, c, text), !strings.Contains(text, "; ")
		},
		"named": func(t *testing.T, c *pgconn.PgConn, text string) (error, bool) {
			if strings.Contains(text, "; ") {
				return nil, false
			}
			_, err := c.Prepare(t.Context(), "named", text, nil)
			if err == nil {
				err = c.ExecPrepared(t.Context(), "named", nil, nil, nil).Read().Err
			}
			_ = c.Deallocate(t.Context(), "named")
			return err, true
		},
		"pipelined": func(t *testing.T, c *pgconn.PgConn, text string) (error, bool) {
			if strings.Contains(text, "; ") {
				return nil, false
			}
			batch := &pgconn.Batch{}
			batch.ExecParams("SELECT 'before'", nil, nil, nil, nil)
			batch.ExecParams(text, nil, nil, nil, nil)
			_, err := c.ExecBatch(t.Context(), batch).ReadAll()
			return err, true
		},
		"prepared by SQL": func(t *testing.T, c *pgconn.PgConn, text string) (error, bool) {
			switch word, _, _ := strings.Cut(text, " "); word {
			case "SELECT", "WITH", "TABLE", "VALUES", "INSERT", "UPDATE", "DELETE", "MERGE":
			default:
				return nil, false
			}
			if strings.Contains(text, "; ") || strings.Contains(text, "INTO att2") {
				return nil, false
			}
			_, err := c.Exec(t.Context(), "PREPARE q AS "+text).ReadAll()
			if err == nil {
				_, err = c.Exec(t.Context(), "EXECUTE q").ReadAll()
				_, _ = c.Exec(t.Context(), "DEALLOCATE q").ReadAll()
			}
			return err, true
		},
	}
}

// The target's own log is the oracle: nothing of what is refused stands in it, in whatever form it was sent, and the session goes on.
func TestWhatThePolicyDeniesDoesNotReachTheTarget(t *testing.T) {
	prepareAttacks(t)
	for name, a := range attacks() {
		t.Run(name, func(t *testing.T) {
			from := len(server.Log())
			s := listen(t, a.policy)
			var sent, ran []string
			for form, send := range waysOfSending() {
				c := s.client(t)
				mark := func(kind string, i int) string {
					return strings.ReplaceAll(fmt.Sprintf("mark_%s_%s_%d_", kind, form, i), " ", "_")
				}
				for i, text := range a.refused {
					m := mark("refused", i)
					err, ok := send(t, c, marked(text, m))
					if !ok {
						continue
					}
					sent = append(sent, m)
					var e *pgconn.PgError
					if !errors.As(err, &e) || e.Code == "26000" || !strings.HasPrefix(e.Message, "hoop") && e.Code != "42601" && e.Code != "54001" && e.Code != "22021" {
						t.Errorf("%s: %.200s: %v", form, text, err)
					}
					if c.TxStatus() != 'I' {
						t.Errorf("%s: %.200s leaves the session in %c", form, text, c.TxStatus())
						_, _ = c.Exec(t.Context(), "ROLLBACK").ReadAll()
					}
				}
				for i, text := range a.honest {
					m := mark("honest", i)
					switch err, ok := send(t, c, marked(text, m)); {
					case ok && err != nil:
						t.Errorf("%s: an honest statement: %.200s: %v", form, text, err)
					case ok:
						ran = append(ran, m)
					}
					if c.TxStatus() != 'I' {
						_, _ = c.Exec(t.Context(), "ROLLBACK").ReadAll()
					}
				}
			}
			log := server.Log()[from:]
			for _, m := range sent {
				if strings.Contains(log, m) {
					t.Errorf("it reached the target: %s", m)
				}
			}
			for _, m := range ran {
				if !strings.Contains(log, m) {
					t.Errorf("the log does not hold %s, so it proves nothing", m)
				}
			}
			if len(sent) < len(a.refused) || len(ran) == 0 {
				t.Errorf("%d were refused, %d ran", len(sent), len(ran))
			}
			if got := count(t, "SELECT count(*) FROM att WHERE id IN (1, 2) AND a = 1"); got != "2" {
				t.Errorf("%s rows are as they were", got)
			}
		})
	}
}

// marked writes a comment into a text, where the text's own error does not swallow it.
func marked(text, mark string) string {
	word, rest, _ := strings.Cut(text, " ")
	return word + " /* " + mark + " */ " + rest
}

// A name is judged by what it goes on with, as the policy of now says.
func TestANameIsJudgedByWhatItRuns(t *testing.T) {
	admin(t, "CREATE TABLE named_rows AS SELECT generate_series(1, 3) AS id; GRANT ALL ON named_rows TO agent")
	t.Cleanup(func() { admin(t, "DROP TABLE named_rows") })
	s := listen(t, allowAll)
	c := s.client(t)
	for _, text := range []string{"PREPARE p AS DELETE FROM named_rows", "PREPARE q (int) AS DELETE FROM named_rows WHERE id = $1"} {
		if got := transcript(t, c, text); !strings.Contains(got, "PREPARE") {
			t.Fatal(got)
		}
	}
	if _, err := c.Prepare(t.Context(), "w", "UPDATE named_rows SET id = 7", nil); err != nil {
		t.Fatal(err)
	}
	s.setPolicy(filtered)
	for _, text := range []string{"EXECUTE p", "EXPLAIN ANALYZE EXECUTE p", "EXECUTE w", "EXPLAIN ANALYZE EXECUTE w"} {
		if got := transcript(t, c, text); !strings.Contains(got, "Add a WHERE clause that names the rows.") {
			t.Errorf("%s: %s", text, got)
		}
	}
	if got := transcript(t, c, "EXECUTE q (3)"); !strings.Contains(got, "DELETE 1") {
		t.Errorf("an honest one: %s", got)
	}
	if got := count(t, "SELECT count(*) FROM named_rows WHERE id < 3"); got != "2" {
		t.Errorf("%s rows are left", got)
	}
}
