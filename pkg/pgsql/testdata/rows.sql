-- What people and adversaries ask of tables whose rows are filtered, on the schema of rows-schema.sql; @@ stands between the statements
-- of one transaction.
-- @
SELECT * FROM ledger ORDER BY id
-- @
SELECT * FROM ledger
-- @
SELECT count(*), sum(amount), min(id), max(id), string_agg(secret, ',') FROM ledger
-- @
SELECT id FROM ledger WHERE 1 / amount > 0
-- @
SELECT id FROM ledger WHERE secret::int > 0
-- @
SELECT id, 1 / (id - 3), 1 / (id - 7), 1 / (id - 8), 1 / (id - 1000) FROM ledger
-- @
SELECT id FROM ledger WHERE secret LIKE 'hidden%' OR id = 1
-- @
SELECT id FROM ledger WHERE CASE WHEN tenant <> 7 THEN 1 / (id - id) = 0 ELSE true END
-- @
SELECT id FROM ledger WHERE tenant = 8
-- @
SELECT id FROM ledger WHERE (1 / (tenant - 8))::bool
-- @
SELECT id FROM ledger WHERE tenant = 8 AND id > 1 OR true
-- @
SELECT tenant, count(*) FROM ledger GROUP BY tenant ORDER BY 1
-- @
SELECT tenant, count(*) FROM ledger GROUP BY ROLLUP (tenant)
-- @
SELECT id, secret, count(*) FROM ledger GROUP BY id ORDER BY id
-- @
SELECT l, l.*, (l).secret, row_to_json(l), l::text FROM ledger l ORDER BY l.id
-- @
SELECT to_jsonb(l) - 'id' FROM public.ledger l
-- @
SELECT public.ledger.id, ledger.secret FROM public.ledger WHERE public.ledger.id < 6
-- @
TABLE ledger
-- @
TABLE public.ledger ORDER BY id LIMIT 2
-- @
COPY ledger TO STDOUT
-- @
COPY ledger (id, secret) TO STDOUT WITH (FORMAT csv, HEADER)
-- @
COPY (SELECT * FROM ledger) TO STDOUT WITH (FORMAT binary)
-- @
COPY lines TO STDOUT
-- @
COPY lines_rest TO STDOUT
-- @
WITH x AS (SELECT * FROM ledger) SELECT count(*) FROM x
-- @
WITH RECURSIVE x(id) AS (SELECT 2 UNION ALL SELECT l.id + 1 FROM ledger l JOIN x ON x.id = l.id) SELECT * FROM x
-- @
SELECT n.*, l.secret FROM notes n LEFT JOIN ledger l ON l.id = n.ledger ORDER BY n.id
-- @
SELECT n.id, l.id FROM notes n FULL JOIN ledger l ON l.id = n.ledger ORDER BY 1, 2
-- @
SELECT n.id, l.id FROM notes n RIGHT JOIN ledger l ON l.id = n.ledger
-- @
SELECT a.id, b.id FROM ledger a, ledger b WHERE a.id < b.id
-- @
SELECT * FROM ledger NATURAL JOIN lines
-- @
SELECT * FROM ledger l, LATERAL (SELECT * FROM lines WHERE lines.ledger = l.id) x
-- @
SELECT id, (SELECT count(*) FROM lines WHERE ledger = l.id), ARRAY(SELECT note FROM lines) FROM ledger l
-- @
SELECT id FROM notes n WHERE EXISTS (SELECT 1 FROM ledger WHERE id = n.ledger AND 1 / (amount - 3) > 0)
-- @
SELECT id FROM notes WHERE ledger NOT IN (SELECT id FROM ledger)
-- @
SELECT body FROM notes WHERE 1000 IN (SELECT id FROM ledger)
-- @
SELECT id FROM ledger UNION SELECT id FROM notes ORDER BY 1
-- @
SELECT id FROM ledger EXCEPT SELECT 2
-- @
SELECT * FROM lines ORDER BY tenant, id
-- @
SELECT * FROM ONLY lines
-- @
SELECT * FROM lines_7
-- @
SELECT * FROM lines_rest
-- @
SELECT * FROM kin ORDER BY 1, 2
-- @
SELECT * FROM ONLY kin
-- @
SELECT * FROM kin_old
-- @
SELECT kin, count(*) FROM kin GROUP BY kin
-- @
SELECT * FROM m_own
-- @
SELECT * FROM m_ledger
-- @
SELECT * FROM v_ledger
-- @
SELECT * FROM v_count
-- @
SELECT * FROM v_notes
-- @
SELECT * FROM policed
-- @
SELECT ctid, xmin, tableoid FROM ledger
-- @
SELECT id FROM ledger TABLESAMPLE bernoulli (100)
-- @
SELECT id FROM ledger FOR UPDATE
-- @
SELECT * FROM (SELECT id FROM ledger) x FOR SHARE
-- @
SELECT row_number() OVER (), id FROM ledger
-- @
SELECT id FROM ledger LIMIT 1
-- @
SELECT DISTINCT tenant FROM ledger
-- @
SELECT DISTINCT ON (tenant) * FROM ledger ORDER BY tenant, id DESC
-- @
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount), sum(amount::float8) FROM ledger
-- @
SELECT "Weird ""Name", pg_typeof("Weird ""Name"), shade, pg_typeof(half) FROM ledger WHERE "Weird ""Name" > 'a'
-- @
UPDATE ledger SET secret = 'new'
-- @
UPDATE ledger SET secret = 'new' WHERE tenant = 8
-- @
UPDATE ledger SET secret = 'new' WHERE 1 / amount > 0
-- @
UPDATE ledger SET secret = 'new' WHERE 1 / (id - 3) <> 0 AND 1 / (id - 1) <> 0 AND 1 / (id - 8) <> 0
-- @
UPDATE ledger SET amount = 1 / (id - 3) + 1 / (id - 8)
-- @
UPDATE ledger SET secret = 'new' WHERE id = 5 RETURNING *
-- @
UPDATE ledger SET secret = 'new' WHERE id = 1 RETURNING *
-- @
UPDATE ledger SET secret = 'new' WHERE true RETURNING id
-- @
UPDATE ledger SET tenant = 8
-- @
UPDATE ledger SET (secret, amount) = (SELECT body, 3 FROM notes WHERE notes.ledger = ledger.id) WHERE id IN (SELECT ledger FROM notes)
-- @
UPDATE ledger AS l SET secret = 'x' || l.id::text WHERE EXISTS (SELECT 1 FROM notes n WHERE n.ledger = l.id AND 1 / (l.id - 9) < 1)
-- @
UPDATE ledger l SET secret = 'new' FROM notes n WHERE n.ledger = l.id
-- @
UPDATE ledger SET code = 'c1' WHERE id = 5
-- @
UPDATE ledger SET id = 3 WHERE id = 5
-- @
UPDATE ledger SET parent = 1 WHERE id = 5
-- @
UPDATE ledger SET secret = 'new' WHERE ctid = '(0,1)'
-- @
UPDATE ledger SET secret = 'new' WHERE id IN (SELECT id FROM ledger WHERE amount > 15)
@@
SELECT id, secret FROM ledger
-- @
UPDATE ONLY ledger * SET secret = 'new'
-- @
UPDATE ONLY ledger SET secret = 'only'
@@
SELECT secret FROM ledger
-- @
UPDATE lines SET note = 'z' WHERE note IS NULL OR 1 / (tenant - 8) < 1
@@
SELECT * FROM lines
-- @
UPDATE lines_rest SET note = 'z'
-- @
UPDATE lines_7 SET note = 'z'
-- @
UPDATE kin SET note = 'z'
@@
SELECT * FROM kin
-- @
UPDATE kin_old SET note = 'z' WHERE age > 5
-- @
UPDATE m_own SET t = 'x'
-- @
WITH u AS (UPDATE ledger SET secret = 'w' WHERE 1 / (id - 3) < 5) SELECT 1
-- @
WITH u AS (UPDATE ledger SET secret = 'w' WHERE id = 2 RETURNING *) SELECT * FROM u
-- @
WITH u AS (UPDATE ledger SET secret = 'w' RETURNING id) SELECT * FROM u
-- @
WITH ledger AS (SELECT 1 AS id) UPDATE notes SET body = 'q' WHERE id IN (SELECT id FROM ledger)
-- @
DELETE FROM lines
-- @
DELETE FROM lines WHERE tenant = 8
-- @
DELETE FROM lines WHERE 1 / (tenant - 8) < 0
-- @
DELETE FROM lines WHERE tenant = 7 AND id = 1 RETURNING *
-- @
DELETE FROM lines WHERE id = 1 RETURNING *
-- @
DELETE FROM lines USING notes WHERE lines.ledger = notes.ledger
-- @
DELETE FROM kin WHERE note = 'p'
@@
SELECT count(*) FROM kin
-- @
DELETE FROM ledger WHERE id = 2
-- @
DELETE FROM owners
-- @
DELETE FROM owners WHERE id = 3
-- @
DELETE FROM notes WHERE ledger = 2
-- @
TRUNCATE lines
-- @
TRUNCATE notes
-- @
TRUNCATE forms CASCADE
-- @
UPDATE regions SET country = 'SE' WHERE id = 1
@@
SELECT * FROM regions
-- @
SELECT * FROM regions
-- @
INSERT INTO ledger (id, tenant, secret) VALUES (3, 7, 'x')
-- @
INSERT INTO ledger (id, tenant) VALUES (3, 7) ON CONFLICT DO NOTHING
-- @
INSERT INTO kin VALUES (1, 7, 'x')
-- @
INSERT INTO lines_rest VALUES (1, 8, NULL, 'x')
-- @
INSERT INTO notes (id, ledger, body) VALUES (100, 1, 'x')
-- @
INSERT INTO notes (id, body) VALUES (100, 'x')
-- @
INSERT INTO notes (id, body) SELECT 100 + id, secret FROM ledger
@@
SELECT * FROM notes ORDER BY id
-- @
UPDATE notes SET ledger = 8
-- @
UPDATE notes SET body = (SELECT string_agg(secret, ',') FROM ledger)
-- @
INSERT INTO owned (id, owner) VALUES (9, 3)
-- @
INSERT INTO owned (id, label) VALUES (9, 'x')
-- @
MERGE INTO ledger USING notes ON notes.ledger = ledger.id WHEN MATCHED THEN UPDATE SET secret = 'm'
-- @
MERGE INTO notes USING ledger ON notes.ledger = ledger.id WHEN MATCHED THEN UPDATE SET body = ledger.secret
@@
SELECT * FROM notes ORDER BY id
-- @
COPY ledger (id, tenant) FROM STDIN
-- @
PREPARE p AS SELECT id FROM ledger WHERE 1 / (id - 3) < 9
@@
EXECUTE p
-- @
PREPARE p(int) AS UPDATE ledger SET secret = 'p' WHERE id = $1 RETURNING id, secret
@@
EXECUTE p(2)
@@
EXECUTE p(3)
-- @
DECLARE c SCROLL CURSOR FOR SELECT * FROM ledger
@@
FETCH ALL FROM c
@@
FETCH BACKWARD 2 FROM c
@@
UPDATE ledger SET secret = 'c' WHERE CURRENT OF c
-- @
EXPLAIN SELECT * FROM ledger
-- @
EXPLAIN (COSTS off) SELECT * FROM notes WHERE ledger IN (SELECT id FROM ledger)
-- @
EXPLAIN (ANALYZE, TIMING off, SUMMARY off) SELECT count(*) FROM lines
-- @
EXPLAIN UPDATE ledger SET secret = 'x'
-- @
EXPLAIN SELECT * FROM notes
-- @
SELECT relname, reltuples, relpages, relallvisible FROM pg_class WHERE relname IN ('ledger', 'lines_rest', 'notes') ORDER BY 1
-- @
SELECT pg_relation_size('ledger')
-- @
SELECT pg_database_size(current_database())
-- @
SELECT pg_total_relation_size('notes'::regclass), pg_table_size('lines')
-- @
SELECT * FROM pg_stats WHERE tablename = 'ledger'
-- @
SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'ledger'
-- @
SELECT pg_stat_get_live_tuples('ledger'::regclass)
-- @
SELECT * FROM pg_statio_user_tables
-- @
VACUUM VERBOSE ledger
-- @
ANALYZE VERBOSE
-- @
CREATE INDEX ON ledger ((1 / amount))
-- @
ALTER TABLE ledger ADD CHECK (amount > 0)
-- @
CREATE TABLE t_new AS SELECT * FROM ledger
@@
SELECT * FROM t_new
-- @
CREATE TABLE t_ref (a int REFERENCES ledger)
-- @
LOCK TABLE ledger IN ACCESS SHARE MODE
-- @
SELECT query_to_xml('SELECT * FROM ledger', true, false, '')
-- @
SELECT 1 FROM (SELECT hoop_m.id FROM public.ledger AS hoop_m WHERE tenant = 8) x
-- @
SELECT x.* FROM pg_catalog.unnest(ARRAY(SELECT ROW(hoop_m.id) FROM public.ledger AS hoop_m)) AS x(id int)
-- @
UPDATE ledger SET secret = 'a' WHERE false OR CASE WHEN ("public"."ledger"."tenant" OPERATOR(pg_catalog.=) '8') THEN (true) ELSE false END
-- @
SELECT id FROM staff ORDER BY id
-- @
SELECT count(*) FROM staff s JOIN visits v ON v.staff = s.id
-- @
SELECT s.tax, s.pay, s.mood FROM staff s
-- @
SELECT s.*, v.day FROM staff s LEFT JOIN visits v ON v.staff = s.id AND v.day > 3 ORDER BY s.id, v.day
-- @
SELECT * FROM visits_late
-- @
UPDATE staff SET note = 'z' WHERE 1 / (id - 6) <> 3
@@
SELECT id, note FROM staff
-- @
UPDATE staff SET note = 'z' WHERE id = 1 RETURNING note
-- @
SELECT team, count(*) FROM staff GROUP BY team ORDER BY 1
-- @
DELETE FROM visits WHERE day > 3
@@
SELECT id FROM visits
-- @
SELECT * FROM orders o JOIN users u ON u.id = o.user_id ORDER BY o.id
-- @
SELECT user_id, sum(total) FROM orders GROUP BY user_id
-- @
UPDATE orders SET user_id = 2 WHERE id = 10
-- @
DELETE FROM users WHERE id = 1
