-- Captured by `make corpus`; not to be edited.
-- session of django: program
SELECT typarray FROM pg_type WHERE typname = 'citext'
-- ;

            SELECT c.relname,
            CASE WHEN c.relispartition THEN 'p' WHEN c.relkind IN ('m', 'v') THEN 'v' ELSE 't' END
            FROM pg_catalog.pg_class c
            LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v')
                AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
                AND pg_catalog.pg_table_is_visible(c.oid)
-- ;

            SELECT a1.attname, c2.relname, a2.attname
            FROM pg_constraint con
            LEFT JOIN pg_class c1 ON con.conrelid = c1.oid
            LEFT JOIN pg_class c2 ON con.confrelid = c2.oid
            LEFT JOIN pg_attribute a1 ON c1.oid = a1.attrelid AND a1.attnum = con.conkey[1]
            LEFT JOIN pg_attribute a2 ON c2.oid = a2.attrelid AND a2.attnum = con.confkey[1]
            WHERE
                c1.relname = 'customer' AND
                con.contype = 'f' AND
                c1.relnamespace = c2.relnamespace AND
                pg_catalog.pg_table_is_visible(c1.oid)
-- ;

            SELECT
                c.conname,
                array(
                    SELECT attname
                    FROM unnest(c.conkey) WITH ORDINALITY cols(colid, arridx)
                    JOIN pg_attribute AS ca ON cols.colid = ca.attnum
                    WHERE ca.attrelid = c.conrelid
                    ORDER BY cols.arridx
                ),
                c.contype,
                (SELECT fkc.relname || '.' || fka.attname
                FROM pg_attribute AS fka
                JOIN pg_class AS fkc ON fka.attrelid = fkc.oid
                WHERE fka.attrelid = c.confrelid AND fka.attnum = c.confkey[1]),
                cl.reloptions
            FROM pg_constraint AS c
            JOIN pg_class AS cl ON c.conrelid = cl.oid
            WHERE cl.relname = 'customer' AND pg_catalog.pg_table_is_visible(cl.oid)
-- ;

            SELECT
                indexname, array_agg(attname ORDER BY arridx), indisunique, indisprimary,
                array_agg(ordering ORDER BY arridx), amname, exprdef, s2.attoptions
            FROM (
                SELECT
                    c2.relname as indexname, idx.*, attr.attname, am.amname,
                    CASE
                        WHEN idx.indexprs IS NOT NULL THEN
                            pg_get_indexdef(idx.indexrelid)
                    END AS exprdef,
                    CASE am.amname
                        WHEN 'btree' THEN
                            CASE (option & 1)
                                WHEN 1 THEN 'DESC' ELSE 'ASC'
                            END
                    END as ordering,
                    c2.reloptions as attoptions
                FROM (
                    SELECT *
                    FROM pg_index i, unnest(i.indkey, i.indoption) WITH ORDINALITY koi(key, option, arridx)
                ) idx
                LEFT JOIN pg_class c ON idx.indrelid = c.oid
                LEFT JOIN pg_class c2 ON idx.indexrelid = c2.oid
                LEFT JOIN pg_am am ON c2.relam = am.oid
                LEFT JOIN pg_attribute attr ON attr.attrelid = c.oid AND attr.attnum = idx.key
                WHERE c.relname = 'customer' AND pg_catalog.pg_table_is_visible(c.oid)
            ) s2
            GROUP BY indexname, indisunique, indisprimary, amname, exprdef, attoptions
-- ;

            SELECT
                a.attname AS column_name,
                NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)) AS is_nullable,
                pg_get_expr(ad.adbin, ad.adrelid) AS column_default,
                CASE WHEN collname = 'default' THEN NULL ELSE collname END AS collation
            FROM pg_attribute a
            LEFT JOIN pg_attrdef ad ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum
            LEFT JOIN pg_collation co ON a.attcollation = co.oid
            JOIN pg_type t ON a.atttypid = t.oid
            JOIN pg_class c ON a.attrelid = c.oid
            JOIN pg_namespace n ON c.relnamespace = n.oid
            WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v')
                AND c.relname = 'customer'
                AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
                AND pg_catalog.pg_table_is_visible(c.oid)
-- ;
SELECT * FROM "customer" LIMIT 1
-- ;
SELECT * FROM "items" LIMIT 1
-- ;
SELECT * FROM "lineitem" LIMIT 1
-- ;
SELECT * FROM "nation" LIMIT 1
-- ;
SELECT * FROM "orders" LIMIT 1
-- ;
SELECT * FROM "part" LIMIT 1
-- ;
SELECT * FROM "partsupp" LIMIT 1
-- ;
SELECT * FROM "region" LIMIT 1
-- ;
SELECT * FROM "supplier" LIMIT 1
-- ;
SELECT * FROM "tpch_orders" LIMIT 1
-- ;
SELECT * FROM "users" LIMIT 1
-- ;
SELECT * FROM "visits" LIMIT 1
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" LIMIT 3
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE "users"."id" = 1 LIMIT 21
-- ;
SELECT COUNT(*) AS "__count" FROM "users" WHERE UPPER("users"."name"::text) LIKE UPPER('%name 1%')
-- ;
SELECT "users"."id", "users"."email" FROM "users" WHERE "users"."id" IN (1, 2)
-- ;
SELECT "users"."email" FROM "users" ORDER BY "users"."id" ASC LIMIT 3
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE NOT (NOT "users"."active") ORDER BY "users"."created_at" DESC, "users"."name" ASC LIMIT 3 OFFSET 2
-- ;
SELECT (1) AS "a" FROM "users" WHERE "users"."id" = 1 LIMIT 1
-- ;
SELECT "users"."id", "users"."name" FROM "users" WHERE "users"."id" < 3
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE "users"."id" < 3
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" ORDER BY "users"."id" ASC LIMIT 1
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" ORDER BY "users"."id" DESC LIMIT 1
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE "users"."id" IN (1, 2)
-- ;
SELECT "orders"."id", "orders"."user_id", "orders"."total", "orders"."state", "orders"."placed_at", "orders"."tags", "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "orders" INNER JOIN "users" ON ("orders"."user_id" = "users"."id") WHERE "orders"."id" < 4
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE "users"."id" < 3
-- ;
SELECT "orders"."id", "orders"."user_id", "orders"."total", "orders"."state", "orders"."placed_at", "orders"."tags" FROM "orders" WHERE "orders"."user_id" IN (1, 2)
-- ;
SELECT "orders"."id", "orders"."user_id", "orders"."total", "orders"."state", "orders"."placed_at", "orders"."tags" FROM "orders" WHERE ("orders"."total" > 20 AND "orders"."user_id" IN (1, 2))
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at", COUNT("orders"."id") AS "n", SUM("orders"."total") AS "total" FROM "users" LEFT OUTER JOIN "orders" ON ("users"."id" = "orders"."user_id") GROUP BY "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" ORDER BY "users"."id" ASC
-- ;
SELECT "users"."name", COUNT("orders"."id") AS "n" FROM "users" LEFT OUTER JOIN "orders" ON ("users"."id" = "orders"."user_id") GROUP BY "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" HAVING COUNT("orders"."id") > 2 ORDER BY "users"."name" ASC
-- ;
SELECT AVG("orders"."total") AS "total__avg", MAX("orders"."placed_at") AS "placed_at__max" FROM "orders"
-- ;
SELECT "orders"."state", COUNT("orders"."id") AS "n" FROM "orders" GROUP BY "orders"."state" ORDER BY "orders"."state" ASC
-- ;
SELECT DATE_TRUNC('month', "orders"."placed_at" AT TIME ZONE 'America/Chicago') AS "m", SUM("orders"."total") AS "t" FROM "orders" GROUP BY DATE_TRUNC('month', "orders"."placed_at" AT TIME ZONE 'America/Chicago') ORDER BY "m" ASC
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE (("users"."name"::text LIKE 'Name%' AND NOT ("users"."id" = 3)) OR "users"."id" = 5) ORDER BY "users"."id" ASC
-- ;
SELECT "orders"."id", "orders"."user_id", "orders"."total", "orders"."state", "orders"."placed_at", "orders"."tags" FROM "orders" WHERE "orders"."total" > ("orders"."user_id" * 2) ORDER BY "orders"."id" ASC LIMIT 3
-- ;
SELECT "orders"."id", "orders"."user_id", "orders"."total", "orders"."state", "orders"."placed_at", "orders"."tags" FROM "orders" INNER JOIN "users" ON ("orders"."user_id" = "users"."id") WHERE "users"."name" = 'Name 2' ORDER BY "orders"."id" ASC
-- ;
SELECT "users"."id", "users"."email", (SELECT U0."total" FROM "orders" U0 WHERE U0."user_id" = "users"."id" ORDER BY U0."placed_at" DESC LIMIT 1) AS "last" FROM "users" ORDER BY "users"."id" ASC LIMIT 3
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE EXISTS(SELECT (1) AS "a" FROM "orders" U0 WHERE (U0."total" > 50 AND U0."user_id" = "users"."id") LIMIT 1) ORDER BY "users"."id" ASC
-- ;
SELECT LENGTH("users"."email") AS "l", LOWER("users"."email") AS "low" FROM "users" ORDER BY "users"."id" ASC LIMIT 3
-- ;
SELECT CONCAT("users"."name", CONCAT(' <', CONCAT("users"."email", '>'))) AS "who" FROM "users" ORDER BY "users"."id" ASC LIMIT 3
-- ;
SELECT COALESCE("users"."card", 'none') AS "c" FROM "users" ORDER BY "users"."id" ASC
-- ;
SELECT CASE WHEN "users"."active" THEN 'on' ELSE 'off' END AS "kind", COUNT("users"."id") AS "n" FROM "users" GROUP BY CASE WHEN "users"."active" THEN 'on' ELSE 'off' END ORDER BY "kind" ASC
-- ;
SELECT "orders"."id", ROW_NUMBER() OVER (PARTITION BY "orders"."user_id" ORDER BY "orders"."total" DESC) AS "r" FROM "orders" ORDER BY "orders"."id" ASC LIMIT 5
-- ;
SELECT "orders"."id", "orders"."user_id", "orders"."total", "orders"."state", "orders"."placed_at", "orders"."tags" FROM "orders" WHERE "orders"."tags" @> ARRAY['t1']::text[] ORDER BY "orders"."id" ASC LIMIT 3
-- ;
SELECT "orders"."id", "orders"."user_id", "orders"."total", "orders"."state", "orders"."placed_at", "orders"."tags" FROM "orders" WHERE (EXTRACT('month' FROM "orders"."placed_at" AT TIME ZONE 'America/Chicago') = 1 AND "orders"."placed_at" BETWEEN '2026-01-01T00:00:00-06:00'::timestamptz AND '2026-12-31T23:59:59.999999-06:00'::timestamptz) ORDER BY "orders"."id" ASC LIMIT 2
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE "users"."email" = 'mail3@example.com'
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE ("users"."notes" -> 'city') = '"Town 3"'
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" ORDER BY "users"."email" ASC, "users"."id" ASC LIMIT 3
-- ;
SELECT DISTINCT "users"."email" FROM "users" ORDER BY "users"."email" ASC
-- ;
(SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE "users"."id" < 3) UNION (SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE "users"."id" = 5) ORDER BY (1) ASC
-- ;
SELECT * FROM users WHERE id = 1
-- ;
SELECT "users"."id" FROM "users" WHERE to_tsvector(COALESCE("users"."name", '')) @@ plainto_tsquery('name') ORDER BY "users"."id" ASC LIMIT 2
-- ;
EXPLAIN SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE "users"."id" = 1
-- ;
DECLARE "_django_curs_140250149498944_sync_1" NO SCROLL CURSOR WITH HOLD FOR SELECT "users"."id", "users"."email" FROM "users" WHERE "users"."id" < 5
-- ;
FETCH FORWARD 2 FROM "_django_curs_140250149498944_sync_1"
-- ;
FETCH FORWARD 2 FROM "_django_curs_140250149498944_sync_1"
-- ;
FETCH FORWARD 2 FROM "_django_curs_140250149498944_sync_1"
-- ;
CLOSE "_django_curs_140250149498944_sync_1"
-- ;
BEGIN
-- ;
SELECT "users"."id", "users"."name", "users"."email", "users"."ssn", "users"."card", "users"."phone", "users"."notes", "users"."active", "users"."created_at" FROM "users" WHERE "users"."id" = 1 FOR UPDATE
-- ;
INSERT INTO "orders" ("user_id", "total", "state", "placed_at", "tags") VALUES (1, 7, 'new', '2026-05-05T00:00:00+00:00'::timestamptz, '{}'::text[]) RETURNING "orders"."id"
-- ;
UPDATE "orders" SET "user_id" = 1, "total" = 8, "state" = 'new', "placed_at" = '2026-05-05T00:00:00+00:00'::timestamptz, "tags" = '{}'::text[] WHERE "orders"."id" = 62
-- ;
UPDATE "orders" SET "total" = 8 WHERE "orders"."id" = 62
-- ;
UPDATE "orders" SET "total" = ("orders"."total" + 1) WHERE "orders"."id" = 1
-- ;
INSERT INTO "orders" ("user_id", "total", "state", "placed_at", "tags") VALUES (2, 1, 'new', '2026-06-01T00:00:00+00:00'::timestamptz, '{}'::text[]), (2, 2, 'new', '2026-06-02T00:00:00+00:00'::timestamptz, '{}'::text[]), (2, 3, 'new', '2026-06-03T00:00:00+00:00'::timestamptz, '{}'::text[]) RETURNING "orders"."id"
-- ;
SELECT "orders"."id", "orders"."user_id", "orders"."total", "orders"."state", "orders"."placed_at", "orders"."tags" FROM "orders" WHERE ("orders"."placed_at" = '2026-07-01T00:00:00+00:00'::timestamptz AND "orders"."user_id" = 3) LIMIT 21
-- ;
SAVEPOINT "s140250149498944_x1"
-- ;
INSERT INTO "orders" ("user_id", "total", "state", "placed_at", "tags") VALUES (3, 3, 'new', '2026-07-01T00:00:00+00:00'::timestamptz, '{}'::text[]) RETURNING "orders"."id"
-- ;
RELEASE SAVEPOINT "s140250149498944_x1"
-- ;
SAVEPOINT "s140250149498944_x2"
-- ;
SELECT "orders"."id", "orders"."user_id", "orders"."total", "orders"."state", "orders"."placed_at", "orders"."tags" FROM "orders" WHERE "orders"."id" = 2 LIMIT 21 FOR UPDATE
-- ;
UPDATE "orders" SET "user_id" = 3, "total" = 9, "state" = 'sent', "placed_at" = '2026-01-01T14:00:00+00:00'::timestamptz, "tags" = ARRAY['t2']::text[] WHERE "orders"."id" = 2
-- ;
RELEASE SAVEPOINT "s140250149498944_x2"
-- ;
UPDATE "users" SET "name" = 'Other' WHERE "users"."id" = 2
-- ;
SAVEPOINT "s140250149498944_x3"
-- ;
DELETE FROM "orders" WHERE "orders"."total" > 80
-- ;
RELEASE SAVEPOINT "s140250149498944_x3"
-- ;
DELETE FROM "orders" WHERE "orders"."id" IN (62)
-- ;
ROLLBACK
-- ;
BEGIN
-- ;
UPDATE "users" SET "name" = 'Name 2', "email" = 'mail2@example.com', "ssn" = '123-45-1002', "card" = '4111111111111002', "phone" = '+1-202-555-1002', "notes" = '{"city": "Town 2"}', "active" = true, "created_at" = '2026-01-01T00:00:00+00:00'::timestamptz WHERE "users"."id" = 2
-- ;
ROLLBACK
-- ;
