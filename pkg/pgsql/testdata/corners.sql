-- Corners of the rewriting: each is refused, or answers the same whatever the masked values are.
-- @
SELECT email(users) FROM users
-- @
SELECT (users).email, (u).ssn FROM public.users, users u
-- @
UPDATE users SET name = (users).ssn
-- @
UPDATE users u SET name = 'x' RETURNING u
-- @
UPDATE users SET name = 'x' RETURNING *
-- @
UPDATE users SET name = 'x' WHERE users::text LIKE '%123%' RETURNING 1
-- @
UPDATE users SET name = 'x' WHERE public.users.ssn LIKE '1%' RETURNING id
-- @
UPDATE users SET name = 'x' WHERE "left"(ssn, 1) = '1'
-- @
DELETE FROM users WHERE ssn LIKE '1%' RETURNING id
-- @
DELETE FROM users USING users u2 WHERE users.id = u2.id AND u2.ssn LIKE '1%' RETURNING users.id
-- @
DELETE FROM users u USING orders WHERE u.id = 99 AND length(u.ssn) > orders.id
-- @
DELETE FROM users WHERE EXISTS (SELECT 1 FROM orders WHERE ssn LIKE '1%')
-- @
INSERT INTO users (id, name) VALUES (5, 'x') RETURNING users.*
-- @
INSERT INTO users (id, ssn) VALUES (5, '123-45-6789')
-- @
INSERT INTO users VALUES (5, 'x')
-- @
INSERT INTO orders SELECT 300, 1, length(ssn) FROM users WHERE id = 1 RETURNING total
-- @
INSERT INTO orders VALUES (301, 1, (SELECT length(ssn) FROM users WHERE id = 1)) RETURNING total
-- @
INSERT INTO orders VALUES (302, 1, 0) RETURNING (SELECT max(ssn) FROM users)
-- @
INSERT INTO orders VALUES (10, 1, 0) ON CONFLICT (id) DO UPDATE SET total = (SELECT length(ssn) FROM users WHERE id = 1) RETURNING total
-- @
INSERT INTO orders VALUES (10, 1, 0) ON CONFLICT (id) DO UPDATE SET total = 0 WHERE EXISTS (SELECT 1 FROM users WHERE ssn LIKE '1%') RETURNING total
-- @
UPDATE orders SET (total, user_id) = (SELECT length(email), 1 FROM users WHERE id = 1) RETURNING total
-- @
UPDATE orders SET total = 1 WHERE id = (SELECT count(*) FROM users WHERE ssn LIKE '1%') RETURNING 1
-- @
WITH users AS (SELECT 1 AS a) SELECT * FROM public.users
-- @
WITH x AS (SELECT * FROM users) TABLE x
-- @
WITH users AS (SELECT 1 AS ssn) SELECT ssn FROM users
-- @
WITH users AS (SELECT ssn FROM users) SELECT ssn FROM users
-- @
WITH RECURSIVE users AS (SELECT 1 AS ssn UNION SELECT ssn FROM users) SELECT * FROM users, public.users AS p
-- @
WITH a AS (WITH users AS (SELECT 1) SELECT * FROM users), b AS (SELECT * FROM users) SELECT * FROM b
-- @
SELECT * FROM (WITH users AS (SELECT 1) SELECT * FROM users) x, users
-- @
WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a
-- @
WITH orders AS (SELECT * FROM users), users AS (SELECT * FROM orders) SELECT * FROM users
-- @
SELECT * FROM users_child
-- @
SELECT * FROM U&"\0075sers"
-- @
SELECT * FROM U&"!0075sers" UESCAPE '!'
-- @
SELECT * FROM U&"\0075sers" u, "users" v
-- @
SELECT hoop_m.ssn FROM users hoop_m
-- @
SELECT (SELECT hoop_m.ssn FROM users AS hoop_m LIMIT 1), hoop_m.id FROM users hoop_m
-- @
SELECT * FROM (SELECT hoop_m.ssn FROM public.users AS hoop_m) x
-- @
SELECT * FROM (SELECT "hoop_m"."id", "hoop_m"."name", "hoop_m"."ssn" AS "email" FROM "public"."users" AS "hoop_m") AS users
-- @
COPY users (ssn) TO STDOUT
-- @
COPY users (id, name) FROM STDIN
-- @
COPY users FROM STDIN
-- @
COPY users (id) FROM STDIN WHERE ssn IS NULL
-- @
COPY (DELETE FROM users WHERE id = 99 RETURNING *) TO STDOUT
-- @
COPY v_users TO STDOUT
-- @
COPY BINARY users TO STDOUT
-- @
EXPLAIN (VERBOSE, COSTS off) SELECT ssn FROM users WHERE ssn = 'x'
-- @
EXPLAIN (ANALYZE, VERBOSE, TIMING off, SUMMARY off, COSTS off, BUFFERS off) SELECT * FROM users WHERE ssn LIKE '1%'
-- @
EXPLAIN SELECT * FROM users WHERE ssn = '123-45-6789'
-- @
CREATE TABLE z AS TABLE users
-- @
CREATE TABLE z (LIKE users)
-- @
CREATE TABLE z () INHERITS (users)
-- @
CREATE TABLE z (a int REFERENCES users)
-- @
CREATE TABLE z AS SELECT 1 AS a WHERE EXISTS (SELECT 1 FROM users WHERE ssn LIKE '1%')
-- @
ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (total) REFERENCES users (ssn)
-- @
CREATE MATERIALIZED VIEW z AS SELECT ssn FROM users
-- @
CREATE VIEW z AS SELECT ssn FROM users
-- @
CREATE INDEX ON users ((ssn::int))
-- @
ALTER TABLE users ADD CHECK (ssn IS NULL)
-- @
ALTER TABLE users RENAME ssn TO x
-- @
CREATE POLICY p ON orders USING (EXISTS (SELECT 1 FROM users WHERE ssn LIKE '1%'))
-- @
CREATE STATISTICS z ON (ssn || ''), id FROM users
-- @
SELECT attmissingval FROM pg_attribute WHERE attmissingval IS NOT NULL
-- @
SELECT a FROM pg_attribute a WHERE a.attrelid = 'users'::regclass AND a.attmissingval IS NOT NULL
-- @
SELECT count(*) FROM pg_catalog.pg_attribute WHERE pg_catalog.pg_attribute.attmissingval IS NOT NULL
-- @
SELECT u.get_std FROM users u
-- @
SELECT u.to_json, u.text FROM users u WHERE id = 1
-- @
SELECT j.*, ssn FROM users JOIN orders USING (id) AS j
-- @
SELECT j.ssn FROM (users JOIN orders ON users.id = user_id) AS j
-- @
SELECT ssn, count(*) FROM users GROUP BY CUBE (ssn, card) ORDER BY 1, 2
-- @
SELECT * FROM generate_series(1, (SELECT length(ssn) FROM users WHERE id = 1))
-- @
SELECT 1 FROM orders LIMIT (SELECT count(*) FROM users WHERE ssn LIKE '1%')
-- @
SELECT 1 FROM orders OFFSET (SELECT count(*) FROM users WHERE ssn LIKE '1%') ROWS FETCH FIRST (SELECT 1) ROWS ONLY
-- @
SELECT id FROM orders ORDER BY (SELECT ssn FROM users WHERE users.id = user_id), id
-- @
SELECT rank() OVER (ORDER BY (SELECT ssn FROM users WHERE users.id = user_id) ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM orders
-- @
SELECT count(*) FILTER (WHERE (SELECT ssn FROM users WHERE users.id = user_id) LIKE '1%') FROM orders
-- @
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY ssn) FROM users
-- @
SELECT * FROM XMLTABLE('/a' PASSING (SELECT xmlelement(name a, ssn) FROM users WHERE id = 1) COLUMNS v text PATH '.')
-- @
SELECT ARRAY(SELECT ssn FROM users), ROW((SELECT card FROM users LIMIT 1)), CASE (SELECT 1 FROM users WHERE ssn LIKE '1%' LIMIT 1) WHEN 1 THEN 'yes' END
-- @
SELECT * FROM users, LATERAL (VALUES (users.ssn)) v(x)
-- @
WITH RECURSIVE t(id, s) AS (SELECT id, ssn FROM users WHERE id = 1 UNION ALL SELECT id + 1, s FROM t WHERE id < 3) SEARCH DEPTH FIRST BY s SET o CYCLE s SET c USING p SELECT * FROM t
-- @
SELECT nextval(ssn) FROM users
-- @
SELECT ssn INTO z FROM users
-- @
TABLE ONLY users
-- @
SELECT pg_catalog.row_to_json(users) FROM users
-- @
SELECT users.*::text FROM users
-- @
SELECT name FROM users ORDER BY ssn, id
-- @
SELECT max(ssn) OVER (), ntile(2) OVER (ORDER BY card) FROM users
-- @
SELECT x.ssn FROM users x, users y WHERE x.ssn < y.ssn
-- @
SELECT users.ssn FROM public.users, orders WHERE public.users.id = orders.user_id AND postgres.public.users.card > ''
-- @
SELECT public.users.ssn FROM users_child AS users, public.users
-- @
SELECT (SELECT public.users.ssn FROM orders AS users LIMIT 1) FROM public.users
-- @
SELECT (SELECT ssn FROM orders WHERE users.id = user_id LIMIT 1) FROM users
-- @
SELECT users.tableoid, users.ctid, users.xmin FROM users
-- @
SELECT 1 FROM users WHERE ssn::int = 1
-- @
SELECT 1 / (length(ssn) - 3) FROM users WHERE id = 1
-- @
SELECT notes -> 'ssn', notes ->> 'tags', jsonb_object_keys(notes) FROM users
-- @
SELECT to_tsvector('simple', ssn), regexp_matches(card, '.', 'g'), md5(email), encode(email::bytea, 'hex'), convert_to(phone, 'UTF8') FROM users
-- @
SELECT set_config('application_name', ssn, false) FROM users
-- @
SELECT pg_notify('x', ssn) FROM users
-- @
SELECT pg_column_size(ssn), pg_typeof(ssn), ssn COLLATE "C" FROM users
-- @
SELECT * FROM users WHERE (ssn, card) IN (SELECT ssn, card FROM users) AND ssn = ANY (SELECT ssn FROM users) AND ssn = ALL (ARRAY['***'])
-- @
SELECT id FROM users WHERE ssn LIKE '1%' OR ssn SIMILAR TO '1%' OR ssn ~ '^1' OR ssn BETWEEN '1' AND '2'
-- @
SELECT DISTINCT ON (ssn) id FROM users ORDER BY ssn, id
-- @
(SELECT ssn FROM users) INTERSECT (VALUES ('123-45-6789'))
-- @
SELECT * FROM users WHERE ssn IS NOT DISTINCT FROM '123-45-6789'
-- @
SELECT starts_with(ssn, '123'), position('-' in ssn), ssn || NULL FROM users
-- @
LOCK TABLE users IN ACCESS SHARE MODE
-- @
SELECT obj_description('users'::regclass), col_description('users'::regclass, 4), pg_get_viewdef('v_users')
-- @
SELECT relname, reltuples FROM pg_class WHERE relname = 'users'
-- @
SELECT * FROM pg_stat_user_tables WHERE relname = 'nothing'
-- @
SELECT lo_get(1), pg_stat_get_activity(NULL)
-- @
DECLARE c CURSOR FOR SELECT ssn FROM users
-- @
PREPARE q AS SELECT ssn FROM users WHERE ssn = $1
-- @
MERGE INTO users u USING orders o ON o.user_id = u.id WHEN MATCHED AND u.ssn LIKE '1%' THEN UPDATE SET name = 'x'
-- @
MERGE INTO orders o USING users u ON o.user_id = u.id WHEN MATCHED AND u.ssn LIKE '1%' THEN DELETE
-- @
INSERT INTO v_users (id, name) VALUES (9, 'x')
-- @
UPDATE v_users SET name = 'x' WHERE tax_id LIKE '1%'
-- @
SELECT table_to_xml('users', true, true, ''), cursor_to_xml('c', 1, true, true, '')
-- @
SELECT 1 FROM users u1 JOIN users u2 USING (ssn)
-- @
SELECT count(*) FROM users NATURAL JOIN audit_users
-- @
SELECT * FROM audit_users UNION ALL SELECT * FROM users
-- @
SELECT * FROM users TABLESAMPLE bernoulli ((SELECT length(ssn) FROM users WHERE id = 1))
-- @
UPDATE users SET name = 'x' RETURNING old.ssn
-- @
DELETE FROM users WHERE id = 2 RETURNING old
-- @
UPDATE users SET name = 'x' WHERE id = 1 RETURNING new.*
-- @
CREATE PUBLICATION p FOR TABLE users
-- @
ALTER INDEX users_pkey RENAME TO z
-- @
DELETE FROM users USING orders o WHERE users.id = o.user_id AND o.id = -1 RETURNING users.id, users.name, o.total
-- @
UPDATE users AS u SET name = u.name || 'x' FROM orders o, users v WHERE o.user_id = u.id AND v.id = u.id AND v.ssn = '***' RETURNING u.id, v.id
-- @
COPY users (id, name) FROM STDIN WITH (FORMAT csv)
-- @
SELECT ('SELECT to_tsvector(''simple'', email) FROM users'::text).ts_stat
-- @
SELECT x.ts_stat FROM lower('SELECT to_tsvector(''simple'', email) FROM users') x
-- @
SELECT (1).get_ssn, (u).get_ssn FROM users u
-- @
SELECT (u).email, (u).ssn.upper, (ARRAY[u])[1].ssn FROM users u
-- @
UPDATE users SET name = name RETURNING (SELECT users.email FROM (orders users CROSS JOIN orders o2) AS j LIMIT 1)
-- @
UPDATE users SET name = name RETURNING (SELECT email FROM (orders o(email) CROSS JOIN orders o2) AS j(foo) LIMIT 1)
-- @
UPDATE users SET name = name WHERE EXISTS (SELECT FROM orders o(email), (orders a JOIN orders b ON email LIKE 'ann%'))
-- @
UPDATE users SET name = name WHERE EXISTS (SELECT FROM orders users, (orders a JOIN orders b ON users.ssn LIKE '123%'))
-- @
DELETE FROM users u WHERE EXISTS (SELECT FROM (orders u CROSS JOIN orders x) AS j WHERE u.ssn LIKE '1%')
-- @
DELETE FROM users WHERE id IN (SELECT u.id FROM users u WHERE u.email LIKE 'ann%')
-- @
DELETE FROM users WHERE id IN (SELECT id FROM users WHERE email LIKE 'ann%')
-- @
DELETE FROM users u WHERE EXISTS (SELECT FROM users v JOIN orders ON email LIKE 'ann%')
-- @
DELETE FROM users u WHERE EXISTS (SELECT FROM (users v CROSS JOIN orders) AS j(a, b, c, d, e, f, g) WHERE email LIKE 'ann%')
-- @
INSERT INTO users (id, name) VALUES (77, 'x') RETURNING (SELECT users FROM orders LIMIT 1), (SELECT (users).ssn FROM orders LIMIT 1)
-- @
UPDATE users SET name = (SELECT j.name FROM (users a(id, name, q) CROSS JOIN orders) AS j(id, name) WHERE j.id = users.id LIMIT 1) WHERE id = 1 RETURNING name
-- @
WITH u AS (UPDATE users SET name = name RETURNING (SELECT max(email) FROM (orders email CROSS JOIN orders o) j)) SELECT * FROM u
-- @
SELECT o.id, orders.total FROM orders o, LATERAL (SELECT orders.total, public.orders.id FROM orders WHERE orders.id = o.id) orders
-- @
SELECT * FROM ONLY (orders) TABLESAMPLE bernoulli (100) REPEATABLE (1), orders * AS o2, LATERAL (TABLE orders) t
-- @
LISTEN users_changed
-- @
SELECT * FROM orders FOR UPDATE
-- @
SELECT * FROM (SELECT * FROM users) u, orders FOR UPDATE OF u
-- @
SELECT * FROM v_users, v_obf, mv_users
-- @
SELECT tax_id FROM v_users WHERE tax_id LIKE '1%' ORDER BY tax_id
-- @
SELECT count(*) FROM v_users v JOIN users u ON v.tax_id = u.ssn
-- @
SELECT v FROM v_users v WHERE v::text LIKE '%123%'
-- @
SELECT tax_id::int FROM v_users
-- @
SELECT 1 / (length(tax_id) - 11) FROM v_users
-- @
SELECT public.v_users.tax_id, code FROM public.v_users JOIN v_obf USING (id)
-- @
COPY v_users TO STDOUT
-- @
COPY (TABLE mv_users) TO STDOUT WITH (FORMAT binary)
-- @
UPDATE v_users SET name = tax_id RETURNING name
-- @
DELETE FROM v_users WHERE tax_id LIKE '1%' RETURNING id
-- @
SELECT name FROM users WHERE id IN (SELECT id FROM v_users WHERE tax_id > '1')
-- @
REFRESH MATERIALIZED VIEW mv_users
-- @
EXPLAIN SELECT tax_id, count(*) FROM v_users GROUP BY tax_id
-- @
EXPLAIN SELECT 1 FROM users WHERE ssn = '123-45-6789' AND name = 'x'
-- @
SELECT * FROM (SELECT "hoop_m"."id", "hoop_m"."name", "hoop_m"."tax_id" FROM "public"."v_users" AS "hoop_m") AS v_users
