-- What people type into psql.
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
