-- What people and adversaries write on newer-schema.sql and interference-schema.sql; @@ stands between the statements of one transaction.
-- Behind @ stands what must come of it, and from which version on: others need only be answered alike. What is asked "by index" is asked where
-- PostgreSQL takes one whenever it can.
-- @ answers
SELECT * FROM made WHERE id < 9 ORDER BY id
-- @ answers
SELECT id, v_own FROM made WHERE id < 9 ORDER BY id
-- @ answers
SELECT id, v_null, v_null IS NULL FROM made WHERE id < 9 ORDER BY id
-- @ answers
SELECT id FROM made WHERE v_num > 1 OR v_secret = 'zz'
-- @ answers, by index
SELECT id FROM made WHERE v_name = 'X'
-- @ answers, by index
SELECT id FROM made WHERE v_here
-- @ answers, by index
SELECT id, a FROM w_here
-- @ answers, by index
SELECT id FROM w_two
-- @ answers, by index
SELECT id FROM w_made WHERE v_name = 'X'
-- @ answers, by index
SELECT v_name FROM made WHERE v_name = 'X' LIMIT 1
-- @ answers, by index
SELECT count(*), array_agg(id) FROM made WHERE v_here
-- @ by index
SELECT id FROM w_here WHERE CASE id WHEN 1 THEN 1 / (id - 1) > 0 WHEN 2 THEN sqrt(-id) > 0 ELSE true END
-- @ answers, by index
UPDATE made SET note = 'n' WHERE v_name = 'X' RETURNING id
-- @ answers, by index
UPDATE made SET note = 'n' WHERE v_here RETURNING id
-- @ answers, by index
DELETE FROM made WHERE v_here RETURNING id, note
-- @ answers, by index
EXPLAIN (COSTS off) SELECT id FROM made WHERE v_name = 'X'
-- @ refused from 18, by index
EXPLAIN SELECT id FROM w_here
-- @ refused from 18, by index
EXPLAIN SELECT id FROM w_two
-- @ refused
UPDATE made SET a = 30 WHERE id = 1
-- @ answers
SELECT * FROM w_made WHERE id < 9 ORDER BY id
-- @ answers
SELECT * FROM w_num WHERE id < 9 ORDER BY id
-- @ answers
COPY made (id, name, v_name, v_num) TO STDOUT
-- @
COPY made TO STDOUT
-- @ answers
SELECT 1 FROM plain WHERE a::numeric = ANY (SELECT m.num::numeric FROM made m ORDER BY m::text LIMIT 1)
-- @ answers
SELECT DISTINCT secret, num FROM made
-- @ answers
SELECT num, count(*) FROM made GROUP BY num
-- @ answers
SELECT id FROM plain WHERE b IN (SELECT secret FROM made)
-- @ refused
UPDATE filled SET a = 7 WHERE id = 1
-- @ refused
UPDATE drawn SET a = 7 WHERE id = 1
-- @ refused
UPDATE checked SET a = 7 WHERE id = 1
-- @ answers
UPDATE filled SET note = 'q' WHERE id = 1
-- @ answers
UPDATE drawn SET note = 'q' RETURNING id, a
-- @ refused, by index
DELETE FROM squads WHERE id = 1
@@
SELECT id FROM crew
-- @ refused, by index
UPDATE squads SET id = 9 WHERE id = 1
@@
SELECT id FROM crew
-- @ refused, by index
DELETE FROM firms WHERE id = 1
@@
SELECT id FROM tools
-- @ answers
UPDATE squads SET label = 'z' WHERE id = 1
-- @ answers
DELETE FROM hands WHERE id = 1
@@
SELECT * FROM tools ORDER BY id
-- @ answers
SELECT id FROM ten
-- @ answers
SELECT id, mail, note FROM part
-- @ answers
SELECT id FROM w_part
-- @ answers, by index
SELECT id FROM ten
-- @ answers, by index
SELECT id FROM part LIMIT 1
-- @ answers, by index
SELECT array_agg(id) FROM part
-- @ answers
COPY ten (id, mail) TO STDOUT
-- @ answers
UPDATE ten SET note = 'm' WHERE id = 1 RETURNING id, note
-- @ answers
DELETE FROM part WHERE id = 2
-- @ answers
SELECT * FROM free
-- @ answers
UPDATE free SET note = 'm' RETURNING id
-- @ answers
EXPLAIN SELECT id FROM free
-- @ by index
SELECT id FROM ten WHERE CASE id WHEN 1 THEN 1 / (id - 1) > 0 WHEN 2 THEN sqrt(-id) > 0 ELSE true END
-- @ refused
UPDATE ten SET note = 'm' RETURNING id
-- @ refused
UPDATE part SET id = 1 / (id - 2)
-- @ refused
DELETE FROM ten RETURNING id
-- @ refused
EXPLAIN SELECT id FROM ten
-- @ refused
EXPLAIN UPDATE ten SET note = 'm' WHERE id = 1
-- @ refused
SELECT id FROM ten TABLESAMPLE system (50)
-- @ refused
WITH x AS (UPDATE ten SET note = 'm' RETURNING id) SELECT * FROM x
-- @ answers, by index
EXPLAIN SELECT id FROM w_sails WHERE boat = 3
-- @ answers, by index
EXPLAIN (ANALYZE, TIMING off, SUMMARY off, BUFFERS off) SELECT id FROM sails WHERE boat = 3
-- @ answers, by index
SELECT count(*) FROM w_sail
-- @ refused, by index
EXPLAIN (ANALYZE, TIMING off, SUMMARY off, BUFFERS off) SELECT id FROM w_sail
-- @ answers
SELECT relname, reltuples, relpages FROM pg_class WHERE relname IN ('made', 'staff', 'staff_name_idx', 'made_secret_idx') ORDER BY 1
-- @ answers
SELECT i.indexrelid::regclass, c.reltuples FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'staff'::regclass ORDER BY 1
-- @ answers
SELECT * FROM w_sizes WHERE relname LIKE 'staff%' OR relname = 'x_rich' ORDER BY 1
-- @ refused
SELECT * FROM w_large
-- @ refused
SELECT pg_relation_size('staff_name_idx')
-- @ refused
SELECT pg_indexes_size('staff')
-- @ refused
SELECT pg_total_relation_size(c.oid) FROM pg_class c WHERE relname = 'staff'
-- @ refused
SELECT id FROM x_here
-- @ refused
SELECT count(*) FROM x_rich
-- @ refused
SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'x_rich'
-- @ refused
SELECT pg_stat_get_live_tuples('x_rich'::regclass)
-- @ refused
SELECT pg_relation_size('x_rich')
-- @ refused
COPY x_here TO STDOUT
-- @ answers
SELECT relname, reltuples FROM pg_class WHERE relname IN ('x_here', 'x_rich', 'lain') ORDER BY 1
-- @ answers
SELECT id, mail FROM lain
-- @ answers
SELECT id FROM lain LIMIT 1
-- @ answers
SELECT array_agg(id) FROM lain
-- @ answers
UPDATE lain SET note = 'm' WHERE id = 1 RETURNING id
-- @ refused
UPDATE lain SET note = 'm' RETURNING id
-- @ refused
DELETE FROM lain RETURNING id
-- @ refused
SELECT id FROM w_lain
-- @ refused
SELECT id FROM lain TABLESAMPLE system (50)
-- @
SELECT ctid, id FROM lain
-- @
SELECT id FROM lain WHERE CASE id WHEN 1 THEN 1 / (id - 1) > 0 WHEN 2 THEN sqrt(-id) > 0 ELSE true END
-- @
COPY lain TO STDOUT
-- @ answers from 18
UPDATE plain SET a = 1 WHERE id < 3 RETURNING old.a, new.a, old, new.*
-- @ answers from 18
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING old.note, new.note, old.id
-- @ answers from 18
DELETE FROM badges WHERE id = 1 RETURNING old.label
-- @ answers from 18
INSERT INTO plain (id, a) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = excluded.a RETURNING old.*, new.*, old IS NULL
-- @ answers from 18
MERGE INTO plain p USING teams t ON t.id = p.id WHEN MATCHED THEN UPDATE SET b = t.label WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING merge_action(), old.b, new.b, p.*
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING old.tax
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING (SELECT old.tax)
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING (SELECT x.tax FROM (SELECT old.*) x)
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING row_to_json(new)
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING (old).tax
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING old::text
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING new.*
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING old
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING coalesce(old.name, new.tax)
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING (SELECT tax FROM (VALUES (1)) v)
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING (SELECT n FROM (SELECT new) n)
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING old.band
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING (new).*
-- @ refused
UPDATE staff SET note = 'm' WHERE id < 3 RETURNING WITH (OLD AS o, NEW AS n) o.tax
-- @ refused
UPDATE plain SET a = 1 RETURNING WITH (OLD AS o) o.a
-- @ refused
UPDATE staff AS old SET note = 'm' RETURNING old.tax
-- @ refused
UPDATE staff AS old SET note = 'm' RETURNING new.tax
-- @ refused
UPDATE staff u SET note = 'm' FROM plain AS o(id, tax) WHERE u.id = o.id RETURNING old.tax
-- @ refused
DELETE FROM badges WHERE id = 1 RETURNING old.tax
-- @ refused
WITH x AS (DELETE FROM badges RETURNING old.*) SELECT * FROM x
-- @ refused
INSERT INTO badges (id, label) VALUES (9, 'x') RETURNING new.tax
-- @ refused
INSERT INTO staff (id, name) VALUES (1, 'q') ON CONFLICT (id) DO UPDATE SET note = 'x' RETURNING old.tax
-- @
UPDATE staff u SET note = 'm' FROM plain old WHERE u.id = old.id RETURNING old.b, new.note
-- @
WITH old AS (SELECT 1 AS tax) UPDATE staff SET note = 'x' FROM old WHERE staff.id = old.tax RETURNING old.tax
-- @ answers
SELECT old.id FROM plain old JOIN plain new ON old.id = new.id ORDER BY 1
-- @ answers
SELECT new.tax FROM staff new ORDER BY id
-- @ answers from 17
MERGE INTO plain p USING teams t ON t.id = p.id WHEN MATCHED THEN UPDATE SET b = t.label WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING merge_action(), p.id
-- @ refused
MERGE INTO plain p USING staff s ON s.id = p.id WHEN MATCHED THEN UPDATE SET b = 'x' RETURNING merge_action(), s.tax
-- @ refused
MERGE INTO plain p USING staff s ON s.id = p.id AND s.pay > 150 WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING p.id
-- @ refused
MERGE INTO staff s USING plain p ON s.id = p.id WHEN MATCHED THEN UPDATE SET note = 'x' RETURNING s.id
-- @ refused
MERGE INTO v_staff s USING plain p ON s.id = p.id WHEN MATCHED THEN UPDATE SET name = 'x' RETURNING s.t
-- @ refused
MERGE INTO ten t USING plain p ON t.id = p.id WHEN MATCHED THEN DELETE RETURNING t.id
-- @ answers from 17
SELECT j.* FROM staff s, JSON_TABLE(s.doc::jsonb, '$' COLUMNS (k text PATH '$.k')) j
-- @ answers from 17
SELECT j.* FROM staff s, JSON_TABLE(jsonb_build_object('k', s.tax, 'l', jsonb_build_array(s.pay, s.nick)), '$' PASSING s.tax AS t COLUMNS (n FOR ORDINALITY, k text PATH '$.k', x text EXISTS PATH '$.k ? (@ == $t)', NESTED PATH '$.l[*]' COLUMNS (l text PATH '$'))) j
-- @ answers from 17
SELECT JSON_VALUE(jsonb_build_object('k', tax), '$.k' RETURNING text), JSON_QUERY(to_jsonb(s), '$.pay'), JSON_EXISTS(to_jsonb(s), '$.tax'), JSON_SCALAR(tax), JSON_SERIALIZE(JSON_OBJECT('a': pay)), tax IS JSON, JSON(to_json(s)::text), JSON_ARRAY(SELECT pay FROM staff), JSON_OBJECTAGG(id: tax) OVER () FROM staff s ORDER BY id
-- @
SELECT JSON_VALUE(jsonb_build_object('k', tax), '$.k' RETURNING int ERROR ON ERROR) FROM staff
-- @
SELECT JSON_QUERY(doc::jsonb, '$.k' ERROR ON EMPTY) FROM staff
-- @
SELECT id FROM staff WHERE JSON_EXISTS(to_jsonb(staff), '$ ? (@.pay > 150)')
-- @
SELECT id FROM staff WHERE JSON_VALUE(doc::jsonb, 'strict $.k.integer()' RETURNING int DEFAULT 0 ON ERROR) = 0
-- @ answers from 16
SELECT any_value(tax), any_value(id), random_normal() IS NULL, array_shuffle(array_agg(tax)) IS NULL FROM staff
-- @ answers from 18
SELECT array_sort(array_agg(tax)), array_reverse(array_agg(pay)), casefold(max(tax)), crc32(min(tax)::bytea), reverse(max(tax)::bytea), to_bin(1), uuidv7() IS NULL FROM staff
-- @ answers from 18
SELECT tax::bytea, pay::int::bytea FROM staff ORDER BY id
-- @ answers from 18
SELECT pg_get_acl('pg_class'::regclass, 'staff'::regclass, 0)::text
-- @
SELECT min(s), max(ROW(tax, pay)) FROM staff s
-- @ refused from 18
SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', 'staff', 'reltuples', 5::real)
-- @ refused from 18
SELECT pg_clear_attribute_stats('public', 'staff', 'tax', false)
-- @ refused from 18
SELECT pg_restore_attribute_stats('schemaname', 'public', 'relname', 'staff', 'attname', 'tax', 'inherited', false, 'n_distinct', 1::real)
-- @ refused from 18
SELECT pg_clear_relation_stats('public', 'staff')
-- @ refused from 18
SELECT * FROM pg_aios
-- @ refused from 18
SELECT * FROM pg_stat_get_backend_io(pg_backend_pid())
-- @ refused from 18
SELECT * FROM pg_shmem_allocations_numa
-- @ refused
SELECT pg_logical_emit_message(true, 'a', tax) FROM staff
-- @ refused
SELECT * FROM pg_stat_io
-- @ refused
SELECT pg_input_is_valid(tax, 'integer') FROM staff
-- @ refused
SELECT * FROM staff, pg_input_error_info(tax, 'integer')
-- @ refused
SELECT most_common_vals FROM pg_stats
-- @ refused
SELECT * FROM pg_stats_ext_exprs
-- @ answers from 18
COPY m_staff TO STDOUT
-- @ answers from 17
COPY plain (id, a) FROM STDIN WITH (ON_ERROR ignore, LOG_VERBOSITY verbose)
-- @ answers from 17
COPY hands (id, firm) FROM STDIN WITH (ON_ERROR ignore, LOG_VERBOSITY verbose)
-- @ answers from 18
COPY plain (id, a) FROM STDIN WITH (ON_ERROR ignore, REJECT_LIMIT 3, LOG_VERBOSITY silent)
-- @ refused
COPY staff (id, tax) FROM STDIN WITH (ON_ERROR ignore)
-- @ refused
COPY hands FROM STDIN WITH (ON_ERROR ignore)
-- @ refused
COPY hands (id, mail) FROM STDIN WHERE mail = 'x'
-- @ answers from 17
EXPLAIN (MEMORY, SERIALIZE, ANALYZE, TIMING off, SUMMARY off, BUFFERS off) SELECT * FROM staff
-- @
EXPLAIN (GENERIC_PLAN) SELECT * FROM staff WHERE pay > $1
-- @ answers from 16
SELECT column1 FROM (VALUES (1), (2))
-- @ answers from 16
SELECT tax FROM (SELECT tax FROM staff)
-- @ refused
EXPLAIN (ANALYZE, WAL, BUFFERS off, TIMING off, SUMMARY off) UPDATE topics SET team = 7 WHERE id = 1
-- @ refused
EXPLAIN (ANALYZE, BUFFERS, TIMING off, SUMMARY off) UPDATE topics SET team = 7 WHERE id = 1
-- @ refused from 18
EXPLAIN (ANALYZE, TIMING off, SUMMARY off) UPDATE topics SET team = 7 WHERE id = 1
-- @ answers
EXPLAIN (ANALYZE, BUFFERS off, TIMING off, SUMMARY off) UPDATE topics SET team = 7 WHERE id = 1
-- @ refused
UPDATE topics SET team = 7 WHERE id = 1
@@
SELECT pg_current_wal_insert_lsn() IS NULL
-- @ refused
UPDATE topics SET team = 7 WHERE id = 1
@@
SELECT pg_stat_get_xact_blocks_fetched('topics_name_idx'::regclass)
-- @ refused
SELECT pg_database_size(current_database())
-- @ refused
SELECT * FROM y_size
-- @ refused
UPDATE cased SET a = 0 WHERE id = 1
-- @ refused
UPDATE anded SET a = 0 WHERE id = 1
-- @ refused
UPDATE keyed SET a = 0 WHERE id = 1
-- @ refused
UPDATE keyed SET b = 0 WHERE id = 1
-- @ answers
UPDATE keyed SET note = 'y' WHERE id = 1 RETURNING a, b
-- @ refused
UPDATE topics SET name = (SELECT string_agg(sha512(i::text::bytea)::text, '') FROM generate_series(1, 60) i) WHERE id = 1
-- @ answers
UPDATE topics SET day = day + 1 WHERE id = 1 RETURNING day
-- @ answers
INSERT INTO topics (id, name) VALUES (7, 'y') RETURNING id
-- @ refused
UPDATE grown SET a = 7 WHERE id = 1
-- @ refused
EXPLAIN (ANALYZE, WAL, TIMING off, SUMMARY off) UPDATE grown SET a = 7 WHERE id = 1
-- @ answers
UPDATE grown SET note = 'm' WHERE id = 1 RETURNING a
-- @ answers
INSERT INTO grown (id, a) VALUES (7, 7) RETURNING a
-- @ refused
INSERT INTO equal (id, team) VALUES (7, 1)
-- @ answers
DELETE FROM equal WHERE id = 1
-- @ refused
SELECT id FROM y_union
-- @ refused
SELECT id FROM y_with
-- @ refused
SELECT id FROM y_sub
-- @ refused
SELECT id FROM y_over
-- @ answers
SELECT * FROM y_fine
-- @ answers
SELECT id, num, r FROM y_parts
-- @ refused
DELETE FROM moored WHERE id = 1 RETURNING ctid
-- @ refused
UPDATE moored SET note = 'm' WHERE id = 1 AND ctid < '(0,3)'
-- @ refused
UPDATE moored SET note = 'm' WHERE id = 1 AND EXISTS (SELECT FROM plain WHERE ctid < '(0,2)' AND moored.ctid < '(0,3)')
-- @ answers
UPDATE moored SET note = 'm' WHERE id = 1 RETURNING id, note
-- @ answers
DELETE FROM moored WHERE id = 1 RETURNING id
@@
SELECT * FROM ropes ORDER BY id
-- @ refused
DELETE FROM ports WHERE id = 1
@@
SELECT id FROM ropes
-- @ refused
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
@@
SET LOCAL enable_seqscan = off
@@
SAVEPOINT s
@@
UPDATE moored SET note = 'm' WHERE id = 1 AND note = 'q'
@@
SELECT page, tuple FROM pg_locks WHERE locktype = 'tuple'
-- @ refused
SELECT page, tuple FROM pg_lock_status()
-- @ refused
SELECT * FROM y_locks
-- @ answers
EXPLAIN (ANALYZE, TIMING off, SUMMARY off) SELECT * FROM staff WHERE id = 1
-- @ answers from 18
SELECT * FROM stays ORDER BY room, guest
-- @ answers from 18
SELECT * FROM staying ORDER BY id
-- @ answers from 18
SELECT guest FROM stays WHERE during && '[2020-01-15,2020-02-15)'
-- @ answers from 18
SELECT * FROM loose ORDER BY id
-- @ answers from 18
UPDATE loose SET note = 'z' WHERE id = 1
-- @ answers from 18
UPDATE plain SET a = 3 WHERE id = 1
-- @ answers from 18
SELECT id, secret IS NULL AS s FROM (SELECT id, note AS secret FROM late) x ORDER BY id
-- @ answers from 18
SELECT conname, conenforced, conperiod FROM pg_constraint WHERE conrelid = 'stays'::regclass ORDER BY 1
-- @ refused from 18
UPDATE stays SET room = '[2,3)' WHERE guest = 'g1'
-- @ refused from 18
DELETE FROM stays WHERE guest = 'g2'
-- @ refused from 18
INSERT INTO stays (room, during) VALUES ('[1,2)', '[2020-01-15,2020-02-15)')
-- @ refused from 18
UPDATE staying SET room = '[2,3)' WHERE id = 1
-- @ refused from 18
INSERT INTO staying (id, room, span) VALUES (9, '[1,2)', '[2020-01-15,2020-01-16)')
-- @ refused from 18
ALTER TABLE late VALIDATE CONSTRAINT n
-- @
UPDATE late SET note = 'z'
-- @
SELECT room, during, count(*) FROM stays GROUP BY room, during
-- @ refused
CREATE TABLE z (a int, b int GENERATED ALWAYS AS (a * 2))
-- @ refused
CREATE TABLE z (a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL)
-- @ refused
ALTER TABLE made ADD COLUMN z text GENERATED ALWAYS AS (secret || '') VIRTUAL
-- @ refused
ALTER TABLE loose ALTER CONSTRAINT c ENFORCED
-- @ refused
CREATE TABLE z (LIKE made INCLUDING ALL)
-- @ refused
CREATE TABLE z (id int4range, d daterange, FOREIGN KEY (id, PERIOD d) REFERENCES stays (room, PERIOD during))
-- @ refused
ALTER TABLE made ADD CONSTRAINT z CHECK (num < 50) NOT ENFORCED
-- @ refused
CREATE STATISTICS z ON (num + a), secret FROM made
