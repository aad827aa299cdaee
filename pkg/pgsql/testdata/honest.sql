-- What ORMs, reports and people write, on the schema of evasion-schema.sql. Each must run under masks.
-- @
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes" FROM "users" WHERE "users"."id" = 1 LIMIT 21
-- @
SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email FROM users WHERE users.name = 'Ann Lee' ORDER BY users.id LIMIT 10 OFFSET 0
-- @
SELECT "public"."users"."id", "public"."users"."email" FROM "public"."users" WHERE ("public"."users"."id" = 1 AND 1=1) ORDER BY "public"."users"."id" ASC LIMIT 5 OFFSET 0
-- @
SELECT postgres.public.users.name FROM postgres.public.users
-- @
SELECT public.users.* FROM public.users
-- @
SELECT COUNT(*) AS "__count" FROM "users"
-- @
SELECT (1) AS "a" FROM "users" WHERE "users"."id" = 1 LIMIT 1
-- @
SELECT u.id, u.name, count(o.id) AS orders, coalesce(sum(o.total), 0) AS total FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id ORDER BY total DESC
-- @
SELECT u.*, count(o.id) FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id, u.notes
-- @
SELECT "users"."id", "users"."name", "users"."email", COUNT("orders"."id") AS "n" FROM "users" LEFT OUTER JOIN "orders" ON ("users"."id" = "orders"."user_id") GROUP BY "users"."id" HAVING COUNT("orders"."id") > 0 ORDER BY "users"."name"
-- @
SELECT users.name FROM users JOIN orders ON orders.user_id = users.id
-- @
SELECT * FROM users NATURAL JOIN (SELECT 1 AS id) x
-- @
SELECT * FROM users JOIN orders USING (id)
-- @
SELECT * FROM (users u JOIN orders o ON o.user_id = u.id) CROSS JOIN generate_series(1, 2) g
-- @
SELECT j.* FROM (users JOIN orders ON orders.user_id = users.id) AS j
-- @
SELECT * FROM users u FULL JOIN orders o ON u.id = o.user_id RIGHT JOIN users v ON v.id = u.id
-- @
SELECT u.name, l.total FROM users u LEFT JOIN LATERAL (SELECT total FROM orders WHERE user_id = u.id ORDER BY total DESC LIMIT 1) l ON true
-- @
SELECT u.name, l.* FROM orders o, LATERAL (SELECT * FROM users WHERE users.id = o.user_id) l, users u WHERE u.id = l.id
-- @
WITH top AS (SELECT user_id, sum(total) AS t FROM orders GROUP BY 1) SELECT users.name, top.t FROM users JOIN top ON top.user_id = users.id
-- @
WITH users AS (SELECT * FROM users WHERE id < 10) SELECT name, email FROM users
-- @
WITH RECURSIVE r AS (SELECT id, name FROM users WHERE id = 1 UNION ALL SELECT u.id, u.name FROM users u JOIN r ON u.id = r.id + 1) SELECT * FROM r
-- @
WITH a AS MATERIALIZED (SELECT * FROM users), b AS NOT MATERIALIZED (SELECT * FROM a) SELECT a.name, b.email FROM a JOIN b USING (id)
-- @
SELECT name FROM users WHERE id IN (SELECT user_id FROM orders WHERE total > 10)
-- @
SELECT name FROM users u WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id) AND NOT EXISTS (SELECT FROM orders o WHERE o.total < 0 AND o.user_id = u.id)
-- @
SELECT id, (SELECT max(total) FROM orders WHERE orders.user_id = users.id) AS best FROM users
-- @
SELECT id FROM orders WHERE user_id = (SELECT id FROM users WHERE name LIKE 'Ann%')
-- @
SELECT id, name FROM users UNION SELECT id, 'order' FROM orders ORDER BY 1, 2
-- @
(SELECT id FROM users ORDER BY id LIMIT 1) UNION ALL (SELECT user_id FROM orders EXCEPT SELECT 7)
-- @
SELECT name, row_number() OVER (PARTITION BY length(name) ORDER BY id) AS rn, lag(name) OVER w FROM users WINDOW w AS (ORDER BY id)
-- @
SELECT DISTINCT ON (length(name)) name, id FROM users ORDER BY length(name), id
-- @
SELECT name, CASE WHEN id > 1 THEN 'late' ELSE 'early' END AS c FROM users ORDER BY 2, name DESC NULLS LAST
-- @
SELECT * FROM users WHERE name ILIKE '%lee%' OR id BETWEEN 2 AND 3 OR id = ANY (ARRAY[1, 2]) OR (id, name) = (1, 'x')
-- @
SELECT to_json(u) FROM users u
-- @
SELECT json_agg(row_to_json(t)) FROM (SELECT id, name FROM users ORDER BY id) t
-- @
SELECT users FROM users
-- @
SELECT u.id, email || '', upper(email), email IS NULL FROM users u WHERE email IS NOT NULL
-- @
SELECT * FROM ONLY users
-- @
SELECT * FROM ONLY (users) AS u
-- @
SELECT * FROM users * ORDER BY id
-- @
SELECT u.id FROM users u TABLESAMPLE bernoulli(100) REPEATABLE (1)
-- @
SELECT id FROM users TABLESAMPLE system (100)
-- @
SELECT * FROM users AS u(a, b) WHERE a = 1
-- @
SELECT U."id" FROM "users" "U", users AS u WHERE "U".id = u.id
-- @
SELECT * FROM users FOR UPDATE
-- @
SELECT u.id FROM users u JOIN orders o ON o.user_id = u.id FOR NO KEY UPDATE OF u SKIP LOCKED
-- @
SELECT id FROM users ORDER BY id FETCH FIRST 2 ROWS WITH TIES
-- @
SELECT now(), current_user, current_date, version(), pg_backend_pid()
-- @
SELECT date_trunc('day', now()) AS day, extract(epoch FROM now())::bigint, to_char(now(), 'YYYY'), now() AT TIME ZONE 'UTC', interval '1 day' * 2
-- @
SELECT generate_series, generate_series % 2 = 0 FROM generate_series(1, 3)
-- @
VALUES (1, 'a'), (2, 'b')
-- @
TABLE orders
-- @
TABLE users
-- @
TABLE users ORDER BY id LIMIT 1
-- @
SELECT * FROM users, orders WHERE users.id = orders.user_id AND users.id = 1
-- @
SELECT users.id AS a, public.orders.id AS b FROM public.users, public.orders
-- @
SELECT o.id FROM orders o WHERE o.user_id IN (SELECT users.id FROM public.users WHERE public.users.id = o.user_id)
-- @
EXPLAIN SELECT * FROM users
-- @
EXPLAIN (ANALYZE, COSTS off, TIMING off) SELECT count(*) FROM users WHERE id = 1
-- @
INSERT INTO orders (id, user_id, total) VALUES (100, 1, 5) RETURNING id
-- @
INSERT INTO orders (id, user_id, total) VALUES (101, 1, 5) ON CONFLICT (id) DO UPDATE SET total = excluded.total RETURNING *
-- @
INSERT INTO orders SELECT id + 200, id, 3 FROM users WHERE id < 3
-- @
UPDATE orders SET total = total + 1 WHERE id = 10
-- @
UPDATE orders SET total = 0 FROM users WHERE users.id = orders.user_id AND users.name = 'Nobody'
-- @
DELETE FROM orders USING users u WHERE u.id = orders.user_id AND u.name = 'Nobody'
-- @
DELETE FROM orders WHERE id = 100
-- @
UPDATE users SET name = 'Ann Lee' WHERE id = 1 RETURNING id, name
-- @
INSERT INTO users (id, name) VALUES (77, 'New') RETURNING id
-- @
DELETE FROM users WHERE id = 77
-- @
MERGE INTO orders o USING (VALUES (10, 1)) v(id, user_id) ON v.id = o.id WHEN MATCHED THEN UPDATE SET total = 1 WHEN NOT MATCHED THEN DO NOTHING
-- @
WITH moved AS (DELETE FROM orders WHERE id = -1 RETURNING *) INSERT INTO orders SELECT * FROM moved
-- @
BEGIN
-- @
SET application_name = 'x'
-- @
SHOW server_version
-- @
SELECT * FROM pg_catalog.pg_tables WHERE schemaname = 'public'
-- @
SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'
-- @
SELECT t.typname, a.attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = 'users'::regclass AND attnum > 0
-- @
SELECT c.oid, c.relname, pg_get_userbyid(c.relowner), obj_description(c.oid) FROM pg_class c WHERE c.relkind = 'r' AND pg_table_is_visible(c.oid)
-- @
SELECT string_agg(name, ', ' ORDER BY name) FILTER (WHERE id > 0) FROM users
-- @
SELECT grouping(name), name, count(*) FROM users GROUP BY ROLLUP (name)
-- @
SELECT x.* FROM unnest(ARRAY[1,2], ARRAY['a','b']) WITH ORDINALITY AS x(n, s, o)
-- @
SELECT * FROM json_to_recordset('[{"a":1}]') AS x(a int)
-- @
SELECT e.key, e.value FROM jsonb_each_text('{"a":"b"}') e
-- @
SELECT a.n FROM (VALUES (1), (2)) AS a(n) WHERE a.n NOT IN (SELECT id FROM users WHERE id IS NOT NULL)
-- @
SELECT 'it''s' || E'\n' || U&'\0041' || $$x$$ || $tag$y$tag$, B'101', X'1F', 1.5e3, .5, '1'::int
-- @
SELECT /* c1 /* nested */ */ id -- tail
FROM users -- end
-- @
SELECT u1.name, u2.name FROM users u1, users u2 WHERE u1.id < u2.id
-- @
SELECT name FROM users WHERE email = 'ann@example.com'
-- @
SELECT ssn, count(*) FROM users GROUP BY ssn HAVING min(email) IS NOT NULL ORDER BY ssn
-- @
SELECT (u).name, (u.notes ->> 'x') FROM users u
-- @
SELECT array(SELECT name FROM users ORDER BY id), array_agg(DISTINCT length(email)) FROM users
-- @
SELECT * FROM (SELECT * FROM (SELECT * FROM users) a) b
-- @
SELECT sum(total) FILTER (WHERE user_id = 1), percentile_cont(0.5) WITHIN GROUP (ORDER BY total) FROM orders
-- @
SELECT nullif(name, ''), greatest(id, 2), coalesce(name, email) FROM users
-- @
COPY (SELECT id, name FROM users) TO STDOUT
-- @
SELECT EXISTS (SELECT 1 FROM users WHERE name = 'Ann Lee')
-- @
SELECT o.*, u.name AS user_name FROM orders AS o INNER JOIN users AS u ON u.id = o.user_id WHERE o.total >= 10.0 AND u.name <> 'x' ORDER BY o.id DESC LIMIT 50
-- @
SELECT extract(year FROM now()), overlay('abc' placing 'x' from 1), position('a' in 'ba'), trim(both ' ' from ' x '), substring('abc' from 2 for 1), 'a' LIKE 'b' ESCAPE '\', 'a' SIMILAR TO 'a'
-- @
SELECT xmlelement(name a, 1), xmlforest(name) FROM users
-- @
SELECT users.xmin IS NULL FROM orders users
-- @
SELECT count(*) FILTER (WHERE o.total > 10) AS big, avg(o.total)::numeric(10,2) FROM orders o JOIN users u ON u.id = o.user_id WHERE u.name = $$Ann Lee$$
-- @
SELECT u.name FROM users u WHERE (SELECT count(*) FROM orders o WHERE o.user_id = u.id) > 0 ORDER BY (SELECT max(total) FROM orders o WHERE o.user_id = u.id)
