-- Captured by `make corpus`; not to be edited.
-- session of node-postgres: program
-- with ["hello"]
SELECT $1::text AS message
-- ;
-- with ["1"]
SELECT * FROM users WHERE id = $1
-- ;
-- with ["{1,2,3}"]
SELECT id, email, notes FROM users WHERE id = ANY($1::int[]) ORDER BY id
-- ;
-- with ["2"]
SELECT id, name, email FROM users WHERE id = $1 LIMIT 1
-- ;
SELECT email, count(*)::int AS n FROM users GROUP BY email
-- ;
SELECT json_agg(u ORDER BY u.id) AS users FROM (SELECT id, name, email FROM users LIMIT 3) u
-- ;
-- with ["3"]
SELECT u.id, coalesce(json_agg(json_build_object('id', o.id, 'total', o.total) ORDER BY o.id) FILTER (WHERE o.id IS NOT NULL), '[]') AS orders FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE u.id < $1 GROUP BY u.id ORDER BY u.id
-- ;
-- with ["1"]
SELECT row_to_json(u) FROM users u WHERE id = $1
-- ;
-- with ["t", "2", "1"]
select "users".* from "users" where "active" = $1 order by "id" asc limit $2 offset $3
-- ;
select count(distinct "email") as "n" from "users"
-- ;
-- with ["10", "40", "5"]
select "u"."name", "o"."total" from "users" as "u" inner join "orders" as "o" on "o"."user_id" = "u"."id" where "o"."total" between $1 and $2 order by "o"."id" asc limit $3
-- ;
-- with ["1"]
SELECT "User"."id", "User"."email", "orders"."id" AS "orders.id", "orders"."total" AS "orders.total" FROM "users" AS "User" LEFT OUTER JOIN "orders" AS "orders" ON "User"."id" = "orders"."user_id" WHERE "User"."id" = $1 ORDER BY "orders"."id"
-- ;
-- with ["1", "1", "0"]
SELECT "public"."users"."id", "public"."users"."email", "public"."users"."phone" FROM "public"."users" WHERE ("public"."users"."id" = $1 AND 1=1) LIMIT $2 OFFSET $3
-- ;
-- with ["0"]
SELECT COUNT(*) FROM (SELECT "public"."users"."id" FROM "public"."users" WHERE 1=1 OFFSET $1) AS "sub"
-- ;
SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema = current_schema() AND table_catalog = current_database() ORDER BY table_name
-- ;
-- with ["users"]
SELECT * FROM information_schema.columns WHERE table_name = $1 AND table_catalog = current_database() AND table_schema = current_schema() ORDER BY ordinal_position
-- ;
-- with ["orders"]
SELECT tc.constraint_name, kcu.column_name, ccu.table_name AS foreign_table FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage kcu ON tc.constraint_name = kcu.constraint_name JOIN information_schema.constraint_column_usage ccu ON ccu.constraint_name = tc.constraint_name WHERE tc.constraint_type = 'FOREIGN KEY' AND tc.table_name = $1
-- ;
-- with ["b"]
SELECT typname, oid, typarray FROM pg_type WHERE typtype = $1 ORDER BY oid LIMIT 20
-- ;
SELECT t.oid, t.typname, e.enumlabel FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid ORDER BY t.oid, e.enumsortorder
-- ;
SELECT version()
-- ;
SHOW server_version
-- ;
SELECT i.relname AS name, ix.indisprimary AS primary, ix.indisunique AS unique, ix.indkey AS indkey, array_agg(a.attnum) AS column_indexes, array_agg(a.attname) AS column_names, pg_get_indexdef(ix.indexrelid) AS definition FROM pg_class t, pg_class i, pg_index ix, pg_attribute a WHERE t.oid = ix.indrelid AND i.oid = ix.indexrelid AND a.attrelid = t.oid AND t.relkind = 'r' AND t.relname = 'orders' GROUP BY i.relname, ix.indexrelid, ix.indisprimary, ix.indisunique, ix.indkey ORDER BY i.relname
-- ;
-- with []
SELECT id, email FROM users ORDER BY id
-- ;
BEGIN
-- ;
-- with ["1", "9.50", "2026-08-01 00:00:00+00"]
INSERT INTO orders (user_id, total, placed_at) VALUES ($1, $2, $3) RETURNING id
-- ;
-- with ["New"]
insert into "users" ("name") values ($1) returning "id"
-- ;
-- with ["1", "3.00", "2026-08-01 00:00:00+00"]
INSERT INTO orders (user_id, total, placed_at) VALUES ($1, $2, $3) ON CONFLICT (user_id, placed_at) DO UPDATE SET total = EXCLUDED.total RETURNING *
-- ;
-- with ["sent", "3"]
update "orders" set "state" = $1 where "id" = $2 returning "id", "state"
-- ;
-- with ["Other", "3"]
UPDATE users SET name = $1 WHERE id = $2
-- ;
-- with ["new@example.com", "3"]
UPDATE users SET email = $1 WHERE id = $2
-- ;
-- with ["4"]
DELETE FROM items WHERE order_id = $1
-- ;
SAVEPOINT s
-- ;
RELEASE SAVEPOINT s
-- ;
ROLLBACK
-- ;
