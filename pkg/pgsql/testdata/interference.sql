-- What people and adversaries write, on the schema of interference-schema.sql; @@ stands between the statements of one transaction.
-- @
SELECT * FROM staff ORDER BY id
-- @
SELECT s.tax, s.pay + 1, s.born - 1, s.mood, (s.home).street, s.tags[1], s.nick || s.pin, s.score / 2, s.uid, host(s.ip), encode(s.raw, 'hex'), s.doc ->> 'k', s.at + interval '1 day', NOT s.ok, s.band FROM staff s
-- @
SELECT id, 100 / (score - 40) FROM staff
-- @
SELECT id FROM staff WHERE pay > 150 ORDER BY id
-- @
SELECT name FROM staff ORDER BY pay DESC NULLS LAST, id
-- @
SELECT name FROM staff ORDER BY born, mood, home, tags, id LIMIT 2
-- @
SELECT mood, count(*) FROM staff GROUP BY mood ORDER BY 1
-- @
SELECT s.*, count(v.id) FROM staff s LEFT JOIN visits v ON v.staff = s.id GROUP BY s.id ORDER BY s.id
-- @
SELECT id, rank() OVER (ORDER BY pay), lag(tax) OVER (PARTITION BY team ORDER BY born) FROM staff ORDER BY id
-- @
SELECT min(tax), max(pay), avg(score), sum(pay), array_agg(mood ORDER BY id), string_agg(nick, ','), bool_and(ok), count(DISTINCT pay), stddev(score) FROM staff
-- @
SELECT a.id, b.id FROM staff a JOIN staff b ON a.pay = b.pay AND a.id < b.id
-- @
SELECT a.id, b.id FROM staff a JOIN badges b USING (tax)
-- @
SELECT * FROM badges NATURAL JOIN staff
-- @
SELECT b.id, b.label FROM badges b WHERE tax = '111-22-3333'
-- @
SELECT * FROM badges ORDER BY tax, id
-- @
SELECT label FROM badges WHERE EXISTS (SELECT FROM staff s WHERE s.tax = badges.tax)
-- @
INSERT INTO badges (id, label) VALUES (9, 'x')
-- @
INSERT INTO badges VALUES (9, '111-22-3333', 'x')
-- @
UPDATE badges SET label = 'y' WHERE id = 1 RETURNING *
-- @
UPDATE badges SET label = 'y' WHERE id = 1 RETURNING id, label
-- @
DELETE FROM badges WHERE id = 1
-- @
DELETE FROM staff WHERE id = 3
-- @
DELETE FROM staff WHERE id = 2 RETURNING name
-- @
DELETE FROM staff WHERE name = 'Eve' RETURNING id, name
-- @
UPDATE staff SET name = name || '!' WHERE id = 2 RETURNING id, name, level
-- @
UPDATE staff SET level = 45 WHERE id = 1
-- @
UPDATE staff SET level = 41 WHERE id = 2
-- @
UPDATE staff SET level = level + 1, note = 'n'
-- @
UPDATE staff SET team = 1 WHERE id = 3
-- @
UPDATE staff SET note = note || '.' WHERE team = 1 RETURNING id, note
-- @
UPDATE staff SET id = 7 WHERE id = 1
-- @
UPDATE teams SET id = 9 WHERE id = 3
-- @
DELETE FROM teams WHERE id = 1
-- @
INSERT INTO staff (id, name) VALUES (9, 'New') RETURNING id, name, level, note
-- @
INSERT INTO staff (id, name, level) SELECT id + 100, upper(b), a FROM plain WHERE a < 30 RETURNING id, name
-- @
INSERT INTO staff (id, name, nick) VALUES (9, 'New', 'ada')
-- @
INSERT INTO plain (id, a, b) SELECT id + 100, level, name FROM staff
-- @
INSERT INTO plain (id, b) SELECT id + 100, tax FROM staff
-- @
INSERT INTO plain (id, a) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = excluded.a RETURNING *
-- @
INSERT INTO plain (id, label) VALUES (50, 'l1')
-- @
UPDATE plain SET c = c / 0 WHERE id = 3
-- @
UPDATE plain SET a = 1 / a RETURNING *
-- @
UPDATE plain SET b = s.name FROM staff s WHERE s.id = plain.id RETURNING plain.id, plain.b
-- @
UPDATE plain SET b = 'x' FROM staff s WHERE s.id = plain.id AND s.pay > 150 RETURNING plain.id
-- @
DELETE FROM plain USING staff s WHERE s.id = plain.id AND s.team = 2 RETURNING plain.id
-- @
DELETE FROM plain USING staff s WHERE s.pay = plain.c RETURNING plain.id
-- @
MERGE INTO plain p USING teams t ON t.id = p.id WHEN MATCHED THEN UPDATE SET b = t.label WHEN NOT MATCHED THEN INSERT (id) VALUES (t.id + 50)
-- @
MERGE INTO plain p USING staff s ON s.id = p.id WHEN MATCHED AND s.pay > 150 THEN DELETE
-- @
SELECT * FROM visits ORDER BY id
-- @
SELECT * FROM visits_early
-- @
SELECT tableoid::regclass, id FROM visits ORDER BY id
-- @
SELECT staff, count(secret), max(secret) FROM visits GROUP BY staff ORDER BY staff
-- @
INSERT INTO visits (id, staff, day) VALUES (8, 1, 20) RETURNING id, day
-- @
INSERT INTO visits (id, staff, day) VALUES (8, 1, 95)
-- @
UPDATE visits SET day = day + 9 WHERE id = 1 RETURNING id, day
-- @
UPDATE visits SET day = 200
-- @
DELETE FROM visits WHERE secret = 's1'
-- @
SELECT * FROM zones ORDER BY id
-- @
SELECT * FROM zones_n
-- @
SELECT label FROM zones WHERE zone = 'n'
-- @
SELECT count(*) FROM ONLY zones
-- @
UPDATE zones SET label = 'q' WHERE id = 1
-- @
INSERT INTO zones (id, label) VALUES (9, 'z')
-- @
SELECT pg_relation_size('zones_n'), pg_table_size('staff') > 0
-- @
SELECT relname, reltuples FROM pg_class WHERE relname LIKE 'zones%' ORDER BY 1
-- @
SELECT relname, reltuples, relpages FROM pg_class WHERE relname LIKE 'staff%' ORDER BY 1
-- @
SELECT pg_relation_size('staff_tax_key'), pg_relation_size('staff_pay_idx'), pg_total_relation_size('staff')
-- @
SELECT * FROM bases ORDER BY id
-- @
SELECT * FROM kids ORDER BY secret, id
-- @
SELECT * FROM ONLY bases
-- @
UPDATE bases SET label = 'x' RETURNING id, label
-- @
UPDATE kids SET label = secret
-- @
SELECT * FROM coded ORDER BY id
-- @
SELECT c.label, count(*) FROM codes c LEFT JOIN coded d ON d.secret = c.code GROUP BY c.label ORDER BY 1
-- @
DELETE FROM codes WHERE code = 'cc'
-- @
DELETE FROM codes WHERE code = 'bb'
-- @
UPDATE codes SET label = 'Z' WHERE code = 'aa' RETURNING *
-- @
UPDATE coded SET label = 'w'
-- @
INSERT INTO coded (id, label) VALUES (7, 'n') RETURNING *
-- @
TRUNCATE coded
-- @
TRUNCATE teams
-- @
SELECT * FROM rowed
-- @
UPDATE rowed SET id = 5 RETURNING id
-- @
SELECT * FROM hidden
-- @
SELECT count(*) FROM hidden
-- @
SELECT * FROM v_staff ORDER BY id
-- @
SELECT t, name FROM v_top ORDER BY id
-- @
SELECT * FROM v_visits WHERE tax LIKE '1%' ORDER BY id
-- @
SELECT * FROM v_teams ORDER BY team
-- @
SELECT * FROM v_rich
-- @
SELECT * FROM m_staff ORDER BY id
-- @
SELECT count(*) FROM m_staff m JOIN v_top t ON m.pay = t.pay
-- @
SELECT (v_staff.home).zip FROM v_staff
-- @
SELECT v FROM v_top v
-- @
EXPLAIN SELECT * FROM staff WHERE pay > 150
-- @
EXPLAIN SELECT * FROM staff ORDER BY born
-- @
EXPLAIN (VERBOSE) SELECT id FROM visits WHERE secret = 's1' AND day < 10
-- @
EXPLAIN SELECT t FROM v_top
-- @
EXPLAIN UPDATE staff SET note = 'x' WHERE name = 'Ada'
-- @
EXPLAIN (COSTS off) SELECT mood, count(*) FROM staff GROUP BY mood
-- @
EXPLAIN SELECT name FROM staff WHERE name = 'Bob'
-- @
EXPLAIN (ANALYZE, TIMING off, SUMMARY off, BUFFERS off) SELECT count(*) FROM staff WHERE pay > 150
-- @
COPY staff TO STDOUT
-- @
COPY staff (id, tax, pay, home) TO STDOUT WITH (FORMAT binary)
-- @
COPY (SELECT id, tags, doc FROM staff ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER)
-- @
COPY visits TO STDOUT
-- @
COPY (SELECT * FROM v_top) TO STDOUT
-- @
COPY plain (id, a) FROM STDIN
-- @
COPY staff (id, name) FROM STDIN
-- @
COPY staff FROM STDIN
-- @
SELECT row_to_json(s) FROM staff s ORDER BY id
-- @
SELECT s::text, (s).pay FROM staff s ORDER BY id
-- @
SELECT jsonb_object_agg(id, pay ORDER BY id) FROM staff
-- @
SELECT key, value FROM staff s, jsonb_each_text(to_jsonb(s)) WHERE s.id = 1 ORDER BY key
-- @
SELECT unnest(tags), id FROM staff
-- @
SELECT g FROM staff, generate_series(1, score) g WHERE id = 1
-- @
SELECT * FROM staff, LATERAL (SELECT 1 / (score - 40)) x(y) WHERE id = 1
-- @
SELECT id FROM staff WHERE (home).zip > 1500
-- @
SELECT id FROM staff WHERE tags @> '{a}' OR ip << '10.0.0.0/8' OR doc ->> 'k' = 'v1'
-- @
SELECT id FROM staff WHERE raw = '\x0102' OR uid::text LIKE '0%' OR at < now() - interval '20 years' OR ok
-- @
SELECT id, pay::int, tax::tax_number, mood::text::mood, pin || '' FROM staff
-- @
SELECT id, (tax || '1')::int FROM staff WHERE id = 1
-- @
SELECT id, mood < 'glad', greatest(mood, 'calm'), enum_range(mood, NULL) FROM staff
-- @
SELECT extract(year FROM born), to_char(pay, '999.99'), date_trunc('month', at) FROM staff
-- @
SELECT width_bucket(pay, 0, 1000, 5), percentile_cont(0.5) WITHIN GROUP (ORDER BY pay) FROM staff GROUP BY pay
-- @
SELECT twice(score) FROM staff
-- @
SELECT id FROM staff UNION SELECT score FROM staff ORDER BY 1
-- @
SELECT tax FROM staff INTERSECT SELECT b FROM plain
-- @
SELECT b FROM plain EXCEPT SELECT tax FROM staff
-- @
SELECT b IN (SELECT tax FROM staff), c = ANY (SELECT pay FROM staff) FROM plain
-- @
WITH s AS MATERIALIZED (SELECT * FROM staff WHERE pay > 150) SELECT count(*) FROM s
-- @
WITH RECURSIVE r(id, pay) AS (SELECT id, pay FROM staff WHERE id = 1 UNION ALL SELECT s.id, s.pay FROM staff s JOIN r ON s.id = r.id + 1 WHERE s.pay > r.pay) SELECT * FROM r
-- @
SELECT * FROM staff TABLESAMPLE system (100) REPEATABLE (1) ORDER BY id
-- @
SELECT id FROM staff WHERE pay > 150 FOR UPDATE
-- @
SELECT id FROM staff ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1
-- @
LOCK staff IN SHARE MODE
-- @
SELECT nextval('counter'), currval('counter')
-- @
SELECT setval('counter', score) FROM staff
-- @
SELECT setval('counter', 5)
-- @
CREATE TEMP TABLE x AS SELECT id, name FROM staff
-- @
CREATE TEMP TABLE x AS SELECT tax FROM staff
-- @
CREATE TABLE x (a int REFERENCES staff)
-- @
CREATE TABLE x (a tax_number REFERENCES staff (tax))
-- @
CREATE TABLE x (a int, b text DEFAULT 'q')
-- @
ALTER TABLE plain ADD FOREIGN KEY (b) REFERENCES staff (tax) NOT VALID
-- @
ALTER TABLE staff ADD CHECK (pay > 150)
-- @
ALTER TABLE staff CLUSTER ON staff_pay_idx
-- @
CLUSTER staff USING staff_pay_idx
-- @
ANALYZE staff
-- @
CREATE INDEX ON staff (pay)
-- @
CREATE INDEX ON plain (a)
-- @
REINDEX TABLE staff
-- @
SELECT attname, n_distinct FROM pg_stats WHERE tablename = 'staff'
-- @
SELECT stxname FROM pg_statistic_ext
-- @
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'staff'::regclass ORDER BY 1
-- @
SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'staff'::regclass ORDER BY 1
-- @
SELECT attname, attmissingval FROM pg_attribute WHERE attrelid = 'staff'::regclass AND attnum > 0 ORDER BY attnum
-- @
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_class c WHERE relispartition ORDER BY 1
-- @
SELECT has_column_privilege('staff', 'tax', 'SELECT'), format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'staff'::regclass AND attname = 'pay'
-- @
SHOW search_path
-- @
SET LOCAL statement_timeout = 1000
-- @
SELECT current_setting('my.v', true), set_config('application_name', 'x', true)
-- @
BEGIN
-- @
SAVEPOINT s
-- @
SELECT pg_notify('c', tax) FROM staff
-- @
NOTIFY c, 'x'
-- @
DO $$ BEGIN PERFORM 1 FROM staff WHERE pay > 150; IF FOUND THEN RAISE EXCEPTION 'x'; END IF; END $$
-- @
SELECT query_to_xml('SELECT tax FROM staff', true, true, '')
-- @
VALUES (1), (2)
-- @
TABLE teams
-- @
SELECT public.staff.tax, postgres.public.staff.id FROM public.staff
-- @
SELECT staff FROM staff, teams WHERE staff.team = teams.id
-- @
SELECT tax FROM staff s(a, b, c, d, e, tax) ORDER BY a
-- @
PREPARE p AS SELECT tax FROM staff WHERE id = $1
@@
EXECUTE p (1)
@@
DEALLOCATE p
-- @
PREPARE p (numeric) AS SELECT id FROM staff WHERE pay > $1
@@
EXECUTE p (150)
@@
EXPLAIN EXECUTE p (1)
-- @
PREPARE p AS UPDATE plain SET a = $1 WHERE id = $2 RETURNING a
@@
EXECUTE p (5, 1)
@@
EXECUTE p (1, 2)
-- @
DECLARE c CURSOR FOR SELECT id, tax FROM staff ORDER BY pay, id
@@
FETCH 2 FROM c
@@
MOVE 1 IN c
@@
FETCH ALL FROM c
@@
CLOSE c
-- @
DECLARE c SCROLL CURSOR FOR SELECT id FROM staff WHERE pay > 150
@@
FETCH LAST FROM c
@@
FETCH PRIOR FROM c
-- @
DECLARE c CURSOR FOR SELECT id, name FROM staff FOR UPDATE
@@
FETCH 1 FROM c
@@
UPDATE staff SET note = 'q' WHERE CURRENT OF c
-- @
SAVEPOINT a
@@
INSERT INTO plain (id) VALUES (1)
@@
ROLLBACK TO a
@@
SELECT count(*) FROM plain
-- @
INSERT INTO plain (id, a) VALUES (60, 6)
@@
SELECT * FROM plain WHERE id = 60
@@
DELETE FROM plain WHERE id = 60 RETURNING *
-- @
UPDATE staff SET name = 'Zoe' WHERE id = 1
@@
SELECT id, name, level, tax FROM staff ORDER BY id
-- @
DELETE FROM visits WHERE staff = 2
@@
SELECT count(*) FROM visits
@@
SELECT * FROM v_visits ORDER BY id
-- @
DELETE FROM staff WHERE id = 2
@@
SELECT count(*) FROM visits
-- @
UPDATE staff SET id = 8 WHERE id = 4
@@
SELECT id FROM staff ORDER BY 1
-- @
SET CONSTRAINTS ALL DEFERRED
@@
INSERT INTO visits (id, staff, day) VALUES (9, 77, 5)
-- @
CREATE TABLE fresh (a int PRIMARY KEY, b text)
@@
INSERT INTO fresh VALUES (1, 'x') RETURNING *
@@
SELECT f.b, s.tax FROM fresh f JOIN staff s ON s.id = f.a
-- @
CREATE TABLE fresh AS SELECT id, name FROM staff
@@
SELECT * FROM fresh ORDER BY id
-- @
SET LOCAL enable_seqscan = off
@@
SELECT id FROM staff WHERE team = 1
-- @
SET LOCAL enable_seqscan = off
@@
SET LOCAL enable_bitmapscan = off
@@
SELECT id, seat FROM seats WHERE hall = 1
@@
SELECT id FROM seats WHERE NOT gone
@@
SELECT id FROM seats
@@
SELECT hall, id FROM seats ORDER BY hall LIMIT 3
@@
SELECT array_agg(id), string_agg(seat, ',') FROM seats WHERE hall = 1
@@
SELECT id, row_number() OVER () FROM seats WHERE hall IN (1, 2)
@@
SELECT card FROM seats
@@
SELECT p.id, s.id FROM plain p JOIN seats s ON s.hall = p.id
@@
SELECT id FROM (SELECT hall, id FROM seats) x WHERE hall = 1
@@
SELECT x FROM seats x WHERE x.hall = 1
@@
SELECT id FROM v_seats WHERE hall = 1
@@
SELECT id FROM v_halls
@@
SELECT * FROM v_halls WHERE hall = 1
@@
COPY (SELECT id FROM seats WHERE hall = 1) TO STDOUT
@@
SELECT id FROM seats WHERE id = 3 AND hall = 1
-- @
SELECT id FROM v_seat LIMIT 1
-- @
SET LOCAL enable_seqscan = off
@@
SELECT * FROM v_first
-- @
SET LOCAL enable_seqscan = off
@@
SELECT * FROM v_list
-- @
SELECT * FROM v_sizes
-- @
SET LOCAL enable_seqscan = off
@@
SET LOCAL enable_bitmapscan = off
@@
UPDATE seats SET gone = false WHERE hall = 1 RETURNING id, hall
@@
UPDATE public.seats SET gone = gone WHERE NOT seats.gone AND hall IN (SELECT id FROM plain) RETURNING id
@@
UPDATE seats s SET seat = nextval('counter')::text WHERE s.hall = 1 AND EXISTS (SELECT FROM plain p WHERE p.id = s.hall)
@@
SELECT id, seat FROM seats ORDER BY id
@@
DELETE FROM seats WHERE hall = 1 RETURNING id
-- @
SET LOCAL enable_seqscan = off
@@
DELETE FROM seats USING plain p WHERE p.id = seats.hall AND (hall, seats.id) > (0, 0) RETURNING seats.id
