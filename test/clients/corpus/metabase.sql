-- Captured by `make corpus`; not to be edited.
-- session of metabase: as Metabase writes
SELECT "public"."users"."id" AS "id", "public"."users"."name" AS "name", "public"."users"."email" AS "email", "public"."users"."ssn" AS "ssn", "public"."users"."notes" AS "notes" FROM "public"."users" LIMIT 2000
-- ;
SELECT "source"."id" AS "id", "source"."name" AS "name", "source"."email" AS "email" FROM (SELECT "public"."users"."id" AS "id", "public"."users"."name" AS "name", "public"."users"."email" AS "email" FROM "public"."users") AS "source" LIMIT 1048575
-- ;
SELECT COUNT(*) AS "count" FROM "public"."users"
-- ;
SELECT DATE_TRUNC('month', "public"."orders"."placed_at") AS "placed_at", SUM("public"."orders"."total") AS "sum" FROM "public"."orders" GROUP BY DATE_TRUNC('month', "public"."orders"."placed_at") ORDER BY DATE_TRUNC('month', "public"."orders"."placed_at") ASC
-- ;
SELECT "public"."orders"."id" AS "id", "public"."orders"."total" AS "total", "Users - User"."name" AS "Users - User__name", "Users - User"."email" AS "Users - User__email" FROM "public"."orders" LEFT JOIN "public"."users" AS "Users - User" ON "public"."orders"."user_id" = "Users - User"."id" ORDER BY "public"."orders"."id" ASC LIMIT 2000
-- ;
SELECT "Users - User"."name" AS "name", COUNT(*) AS "count" FROM "public"."orders" LEFT JOIN "public"."users" AS "Users - User" ON "public"."orders"."user_id" = "Users - User"."id" WHERE "public"."orders"."state" = CAST('paid' AS "public"."status") GROUP BY "Users - User"."name" ORDER BY "count" DESC, "Users - User"."name" ASC
-- ;
SELECT "source"."name" AS "name", AVG("source"."sum") AS "avg" FROM (SELECT "public"."users"."name" AS "name", "public"."orders"."user_id" AS "user_id", SUM("public"."orders"."total") AS "sum" FROM "public"."users" INNER JOIN "public"."orders" ON "public"."users"."id" = "public"."orders"."user_id" GROUP BY "public"."users"."name", "public"."orders"."user_id") AS "source" GROUP BY "source"."name" ORDER BY "source"."name" ASC
-- ;
SELECT "corpus_shown"."public"."users"."id" AS "id", "corpus_shown"."public"."users"."email" AS "email" FROM "corpus_shown"."public"."users" WHERE "corpus_shown"."public"."users"."id" <= 10 ORDER BY "corpus_shown"."public"."users"."id" ASC
-- ;
SELECT "public"."users"."name" AS "name", "public"."users"."phone" AS "phone" FROM "public"."users" WHERE (LOWER("public"."users"."name") LIKE '%name 1%') ORDER BY "public"."users"."name" ASC LIMIT 100
-- ;
SELECT SUBSTRING("public"."users"."name", 1, 1234) AS "substring123", SUBSTRING("public"."users"."email", 1, 1234) AS "substring124", "public"."users"."active" AS "active" FROM "public"."users" LIMIT 10000
-- ;
SELECT COUNT(DISTINCT "public"."users"."email") AS "count" FROM "public"."users"
-- ;
SELECT "public"."users"."email" AS "email", COUNT(*) AS "count" FROM "public"."users" GROUP BY "public"."users"."email" ORDER BY "public"."users"."email" ASC
-- ;
SELECT FLOOR((("public"."orders"."total" - 0.0) / 10.0)) * 10.0 + 0.0 AS "total", COUNT(*) AS "count" FROM "public"."orders" GROUP BY FLOOR((("public"."orders"."total" - 0.0) / 10.0)) * 10.0 + 0.0 ORDER BY FLOOR((("public"."orders"."total" - 0.0) / 10.0)) * 10.0 + 0.0 ASC
-- ;
SELECT "public"."people"."id" AS "id", "public"."people"."name" AS "name", "public"."people"."email" AS "email", "public"."people"."phone" AS "phone" FROM "public"."people" LIMIT 2000
-- ;
SELECT CAST("public"."orders"."placed_at" AS date) AS "placed_at", COUNT(*) AS "count" FROM "public"."orders" WHERE ("public"."orders"."placed_at" >= DATE_TRUNC('day', (TIMESTAMP WITH TIME ZONE '2026-01-15 00:00:00+00' + INTERVAL '-30 day'))) AND ("public"."orders"."placed_at" < DATE_TRUNC('day', TIMESTAMP WITH TIME ZONE '2026-02-15 00:00:00+00')) GROUP BY CAST("public"."orders"."placed_at" AS date) ORDER BY CAST("public"."orders"."placed_at" AS date) ASC
-- ;
WITH monthly AS (SELECT date_trunc('month', placed_at) AS m, sum(total) AS t FROM public.orders GROUP BY 1) SELECT m, t, lag(t) OVER (ORDER BY m) AS before, t - lag(t) OVER (ORDER BY m) AS change FROM monthly ORDER BY m
-- ;
SELECT "public"."users"."notes"#>>array['city']::text[] AS "notes -> city", COUNT(*) AS "count" FROM "public"."users" GROUP BY "public"."users"."notes"#>>array['city']::text[] ORDER BY 1
-- ;
