-- What people type into psql. The time that is shown behind each statement is how they are counted.
\timing on
\set ON_ERROR_STOP 1
CREATE TABLE people_of_psql (id int PRIMARY KEY, name text NOT NULL, born date);
INSERT INTO people_of_psql SELECT i, 'name ' || i, date '2000-01-01' + i FROM generate_series(1, 20) i;
\d people_of_psql
\dt people_of_psql
\d+ people_of_psql
\df pg_catalog.lower
\copy people_of_psql to people.tsv
\copy (SELECT id + 100, name, born FROM people_of_psql) to people.tsv
\copy people_of_psql from people.tsv
SELECT count(*), min(name), max(born) FROM people_of_psql;
\x on
SELECT * FROM people_of_psql ORDER BY id LIMIT 2;
\x off
BEGIN;
DELETE FROM people_of_psql WHERE id > 10;
SAVEPOINT s;
UPDATE people_of_psql SET name = upper(name) WHERE id = 1;
ROLLBACK TO s;
COMMIT;
SELECT id, name FROM people_of_psql ORDER BY id \g
SELECT 'SELECT ' || id FROM people_of_psql WHERE id < 3 ORDER BY id \gexec
SELECT name AS first FROM people_of_psql WHERE id = 1 \gset
\echo :first
PREPARE p AS SELECT name FROM people_of_psql WHERE id = $1;
EXECUTE p(2);
DEALLOCATE p;
\set FETCH_COUNT 3
SELECT id FROM people_of_psql ORDER BY id;
\unset FETCH_COUNT
\set ON_ERROR_STOP 0
SELECT * FROM nowhere_at_all;
SELECT 1/0;
DROP TABLE people_of_psql;
-- More of what people type: types, arrays, cursors, errors, notices, prepared statements with psql's own commands.
CREATE TYPE mood_of_psql AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE things_of_psql (id serial PRIMARY KEY, a int[], t text[], j jsonb, m mood_of_psql DEFAULT 'ok', r int4range, ts timestamptz, n numeric(10,2), b bytea, u uuid, CHECK (n >= 0));
\d things_of_psql
\dT mood_of_psql
\di
\ds
\dn
\du+ hoop
\d things_of_psql_id_seq
\sf pg_catalog.lower(text)
\set ON_ERROR_STOP 1
INSERT INTO things_of_psql (a, t, j, r, ts, n, b, u) VALUES ('{1,NULL,3}', '{"a,b",NULL,"\"q\""}', '{"k": [1, {"x": null}]}', '[1,9)', '2026-02-03 04:05:06+00', 12.34, '\x00ff27', '00000000-0000-0000-0000-000000000007') RETURNING id;
SELECT * FROM things_of_psql;
SELECT unnest(a), array_length(t, 1), j->'k'->0, upper(r), n * 2 FROM things_of_psql;
INSERT INTO things_of_psql (n) SELECT i FROM generate_series(1, 5) i ON CONFLICT DO NOTHING;
SELECT m, count(*) FROM things_of_psql GROUP BY m \gdesc
COPY things_of_psql (n, t) FROM STDIN;
7.5	{x,y}
8.5	\N
\.
COPY (SELECT n, t FROM things_of_psql ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER);
COPY (SELECT 1, 'tab	here', NULL) TO STDOUT;
SELECT id % 2 AS odd, m, count(*) FROM things_of_psql GROUP BY 1, 2 \crosstabview odd m count
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY;
SHOW transaction_isolation;
COMMIT AND CHAIN;
ROLLBACK;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT i FROM generate_series(1, 100) i;
FETCH 2 FROM c;
FETCH LAST FROM c;
FETCH BACKWARD 2 FROM c;
MOVE ABSOLUTE 10 IN c;
FETCH NEXT FROM c;
CLOSE c;
COMMIT;
DO $$ BEGIN RAISE NOTICE 'noted %', 7; RAISE WARNING 'warned'; END $$;
EXPLAIN (COSTS OFF) SELECT * FROM things_of_psql WHERE id = 1;
SELECT 1 AS a \; SELECT 2 AS b \; SELECT 3 AS c;
\set ON_ERROR_STOP 0
\set VERBOSITY sqlstate
INSERT INTO things_of_psql (n) VALUES (-1);
INSERT INTO things_of_psql (id) VALUES (1);
SELECT 'x'::int;
SELEC 1;
SELECT nosuch FROM things_of_psql;
SELECT no_such_function(1);
BEGIN;
SELECT 1/0;
SELECT 1;
COMMIT;
\set VERBOSITY default
BEGIN;
SAVEPOINT one;
INSERT INTO things_of_psql (n) VALUES (-1);
ROLLBACK TO one;
\set ON_ERROR_ROLLBACK on
INSERT INTO things_of_psql (n) VALUES (-2);
INSERT INTO things_of_psql (n) VALUES (99);
\unset ON_ERROR_ROLLBACK
ROLLBACK;
SELECT count(*) FROM things_of_psql;
SET statement_timeout = 50;
SELECT pg_sleep(10);
RESET statement_timeout;
LISTEN things;
NOTIFY things;
UNLISTEN things;
VALUES (1, 'one'), (2, 'two');
TABLE things_of_psql LIMIT 0;
\errverbose
\if true
\echo served
\endif
\encoding
DROP TABLE things_of_psql;
DROP TYPE mood_of_psql;
