-- Captured by `make corpus`; not to be edited.
-- session of sqlalchemy: program
BEGIN
-- ;
SELECT t.oid, typarray
FROM pg_type t JOIN pg_namespace ns
    ON typnamespace = ns.oid
WHERE typname = 'hstore'
-- ;
ROLLBACK
-- ;
BEGIN
-- ;
select pg_catalog.version()
-- ;
select current_schema()
-- ;
show transaction isolation level
-- ;
show standard_conforming_strings
-- ;
ROLLBACK
-- ;
BEGIN
-- ;
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind in ('r', 'p')
-- ;
ROLLBACK
-- ;
BEGIN
-- ;

            SELECT c.oid
            FROM pg_catalog.pg_class c
            LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE (pg_catalog.pg_table_is_visible(c.oid))
            AND c.relname = 'users' AND c.relkind in
            ('r', 'v', 'm', 'f', 'p')
-- ;

            SELECT a.attname,
              pg_catalog.format_type(a.atttypid, a.atttypmod),
              (
                SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid)
                FROM pg_catalog.pg_attrdef d
                WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum
                AND a.atthasdef
              ) AS DEFAULT,
              a.attnotnull,
              a.attrelid as table_oid,
              pgd.description as comment,
              a.attgenerated as generated,
                              (SELECT json_build_object(
                    'always', a.attidentity = 'a',
                    'start', s.seqstart,
                    'increment', s.seqincrement,
                    'minvalue', s.seqmin,
                    'maxvalue', s.seqmax,
                    'cache', s.seqcache,
                    'cycle', s.seqcycle)
                FROM pg_catalog.pg_sequence s
                JOIN pg_catalog.pg_class c on s.seqrelid = c."oid"
                WHERE c.relkind = 'S'
                AND a.attidentity != ''
                AND s.seqrelid = pg_catalog.pg_get_serial_sequence(
                    a.attrelid::regclass::text, a.attname
                )::regclass::oid
                ) as identity_options                
            FROM pg_catalog.pg_attribute a
            LEFT JOIN pg_catalog.pg_description pgd ON (
                pgd.objoid = a.attrelid AND pgd.objsubid = a.attnum)
            WHERE a.attrelid = {oid class users}
            AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attnum
-- ;

            SELECT t.typname as "name",
               pg_catalog.format_type(t.typbasetype, t.typtypmod) as "attype",
               not t.typnotnull as "nullable",
               t.typdefault as "default",
               pg_catalog.pg_type_is_visible(t.oid) as "visible",
               n.nspname as "schema"
            FROM pg_catalog.pg_type t
               LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
            WHERE t.typtype = 'd'
-- ;

            SELECT t.typname as "name",
               -- no enum defaults in 8.4 at least
               -- t.typdefault as "default",
               pg_catalog.pg_type_is_visible(t.oid) as "visible",
               n.nspname as "schema",
               e.enumlabel as "label"
            FROM pg_catalog.pg_type t
                 LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
                 LEFT JOIN pg_catalog.pg_enum e ON t.oid = e.enumtypid
            WHERE t.typtype = 'e'
        ORDER BY "schema", "name", e.oid
-- ;
ROLLBACK
-- ;
BEGIN
-- ;

                SELECT a.attname
                FROM pg_attribute a JOIN (
                    SELECT unnest(ix.indkey) attnum,
                           generate_subscripts(ix.indkey, 1) ord
                    FROM pg_index ix
                    WHERE ix.indrelid = {oid class users} AND ix.indisprimary
                    ) k ON a.attnum=k.attnum
                WHERE a.attrelid = {oid class users}
                ORDER BY k.ord
-- ;

        SELECT conname
           FROM  pg_catalog.pg_constraint r
           WHERE r.conrelid = {oid class users} AND r.contype = 'p'
           ORDER BY 1
-- ;
ROLLBACK
-- ;
BEGIN
-- ;

          SELECT r.conname,
                pg_catalog.pg_get_constraintdef(r.oid, true) as condef,
                n.nspname as conschema
          FROM  pg_catalog.pg_constraint r,
                pg_namespace n,
                pg_class c

          WHERE r.conrelid = {oid class users} AND
                r.contype = 'f' AND
                c.oid = confrelid AND
                n.oid = c.relnamespace
          ORDER BY 1
-- ;
ROLLBACK
-- ;
BEGIN
-- ;

              SELECT
                  i.relname as relname,
                  ix.indisunique, ix.indexprs,
                  a.attname, a.attnum, c.conrelid, ix.indkey::varchar,
                  ix.indoption::varchar, i.reloptions, am.amname,
                  pg_get_expr(ix.indpred, ix.indrelid),
                  ix.indnkeyatts as indnkeyatts
              FROM
                  pg_class t
                        join pg_index ix on t.oid = ix.indrelid
                        join pg_class i on i.oid = ix.indexrelid
                        left outer join
                            pg_attribute a
                            on t.oid = a.attrelid and a.attnum = ANY(ix.indkey)
                        left outer join
                            pg_constraint c
                            on (ix.indrelid = c.conrelid and
                                ix.indexrelid = c.conindid and
                                c.contype in ('p', 'u', 'x'))
                        left outer join
                            pg_am am
                            on i.relam = am.oid
              WHERE
                  t.relkind IN ('r', 'v', 'f', 'm', 'p')
                  and t.oid = {oid class users}
                  and ix.indisprimary = 'f'
              ORDER BY
                  t.relname,
                  i.relname
-- ;
ROLLBACK
-- ;
BEGIN
-- ;

            SELECT
                cons.conname as name,
                cons.conkey as key,
                a.attnum as col_num,
                a.attname as col_name
            FROM
                pg_catalog.pg_constraint cons
                join pg_attribute a
                  on cons.conrelid = a.attrelid AND
                    a.attnum = ANY(cons.conkey)
            WHERE
                cons.conrelid = {oid class users} AND
                cons.contype = 'u'
-- ;
ROLLBACK
-- ;
BEGIN
-- ;

            SELECT
                cons.conname as name,
                pg_get_constraintdef(cons.oid) as src
            FROM
                pg_catalog.pg_constraint cons
            WHERE
                cons.conrelid = {oid class users} AND
                cons.contype = 'c'
-- ;
ROLLBACK
-- ;
BEGIN
-- ;

            SELECT
                pgd.description as table_comment
            FROM
                pg_catalog.pg_description pgd
            WHERE
                pgd.objsubid = 0 AND
                pgd.objoid = {oid class users}
-- ;
ROLLBACK
-- ;
BEGIN
-- ;

            SELECT t.typname as "name",
               -- no enum defaults in 8.4 at least
               -- t.typdefault as "default",
               pg_catalog.pg_type_is_visible(t.oid) as "visible",
               n.nspname as "schema",
               e.enumlabel as "label"
            FROM pg_catalog.pg_type t
                 LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
                 LEFT JOIN pg_catalog.pg_enum e ON t.oid = e.enumtypid
            WHERE t.typtype = 'e'
        AND n.nspname = 'public' ORDER BY "schema", "name", e.oid
-- ;
ROLLBACK
-- ;
BEGIN
-- ;
SELECT relname FROM pg_class c join pg_namespace n on n.oid=c.relnamespace where relkind='S' and n.nspname='public'
-- ;
ROLLBACK
-- ;
BEGIN
-- ;

            SELECT c.oid
            FROM pg_catalog.pg_class c
            LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE (n.nspname = 'public')
            AND c.relname = 'users' AND c.relkind in
            ('r', 'v', 'm', 'f', 'p')
-- ;
ROLLBACK
-- ;
BEGIN
-- ;
SELECT pg_get_viewdef(c.oid) view_def FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relname = 'people' AND c.relkind IN ('v', 'm')
-- ;
ROLLBACK
-- ;
BEGIN
-- ;
SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' ORDER BY nspname
-- ;
ROLLBACK
-- ;
BEGIN
-- ;
select relname from pg_class c join pg_namespace n on n.oid=c.relnamespace where pg_catalog.pg_table_is_visible(c.oid) and relname='users'
-- ;
ROLLBACK
-- ;
BEGIN
-- ;
SELECT relname FROM pg_class c join pg_namespace n on n.oid=c.relnamespace where relkind='S' and n.nspname='public' and relname='users_id_seq'
-- ;
ROLLBACK
-- ;
BEGIN
-- ;
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'f'
-- ;
ROLLBACK
-- ;
BEGIN
-- ;
SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email, users.ssn AS users_ssn, users.card AS users_card, users.phone AS users_phone, users.notes AS users_notes, users.active AS users_active, users.created_at AS users_created_at 
FROM users ORDER BY users.id 
 LIMIT 3
-- ;
SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email, users.ssn AS users_ssn, users.card AS users_card, users.phone AS users_phone, users.notes AS users_notes, users.active AS users_active, users.created_at AS users_created_at 
FROM users 
WHERE users.name = 'Name 2' 
 LIMIT 1
-- ;
SELECT count(*) AS count_1 
FROM (SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email, users.ssn AS users_ssn, users.card AS users_card, users.phone AS users_phone, users.notes AS users_notes, users.active AS users_active, users.created_at AS users_created_at 
FROM users 
WHERE users.name LIKE 'Name 1%') AS anon_1
-- ;
SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email, users.ssn AS users_ssn, users.card AS users_card, users.phone AS users_phone, users.notes AS users_notes, users.active AS users_active, users.created_at AS users_created_at 
FROM users 
WHERE users.id IN (1, 2, 3)
-- ;
SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email, users.ssn AS users_ssn, users.card AS users_card, users.phone AS users_phone, users.notes AS users_notes, users.active AS users_active, users.created_at AS users_created_at, orders_1.id AS orders_1_id, orders_1.user_id AS orders_1_user_id, orders_1.total AS orders_1_total, orders_1.state AS orders_1_state, orders_1.placed_at AS orders_1_placed_at, orders_1.tags AS orders_1_tags 
FROM users LEFT OUTER JOIN orders AS orders_1 ON users.id = orders_1.user_id 
WHERE users.id < 4
-- ;
SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email, users.ssn AS users_ssn, users.card AS users_card, users.phone AS users_phone, users.notes AS users_notes, users.active AS users_active, users.created_at AS users_created_at 
FROM users 
WHERE users.id < 4
-- ;
SELECT orders.user_id AS orders_user_id, orders.id AS orders_id, orders.total AS orders_total, orders.state AS orders_state, orders.placed_at AS orders_placed_at, orders.tags AS orders_tags 
FROM orders 
WHERE orders.user_id IN (1, 2, 3)
-- ;
SELECT orders.id AS orders_id, orders.user_id AS orders_user_id, orders.total AS orders_total, orders.state AS orders_state, orders.placed_at AS orders_placed_at, orders.tags AS orders_tags, anon_1.users_id AS anon_1_users_id 
FROM (SELECT users.id AS users_id 
FROM users 
WHERE users.id < 4) AS anon_1 JOIN orders ON anon_1.users_id = orders.user_id
-- ;
SELECT users.email AS users_email, users.phone AS users_phone 
FROM users 
WHERE users.active ORDER BY users.name 
 LIMIT 2 OFFSET 2
-- ;
SELECT users.id AS users_id, lower(users.email) AS lower_1, users.notes ->> 'city' AS anon_1 
FROM users ORDER BY users.id
-- ;
SELECT count(users.email) AS count_1, min(users.created_at) AS min_1 
FROM users
-- ;
SELECT users.active AS users_active, count(*) AS count_1 
FROM users GROUP BY users.active 
HAVING count(*) > 1 ORDER BY users.active
-- ;
SELECT users.id AS users_id, users.name AS users_name, sum(orders.total) AS sum_1 
FROM users JOIN orders ON users.id = orders.user_id GROUP BY users.id ORDER BY sum(orders.total) DESC, users.id 
 LIMIT 5
-- ;
SELECT users.id AS users_id, users.email AS users_email, count(orders.id) AS count_1 
FROM users LEFT OUTER JOIN orders ON users.id = orders.user_id GROUP BY users.id ORDER BY users.id
-- ;
SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email, users.ssn AS users_ssn, users.card AS users_card, users.phone AS users_phone, users.notes AS users_notes, users.active AS users_active, users.created_at AS users_created_at 
FROM users 
WHERE EXISTS (SELECT 1 
FROM orders 
WHERE users.id = orders.user_id AND orders.total > 50) ORDER BY users.id
-- ;
SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email, users.ssn AS users_ssn, users.card AS users_card, users.phone AS users_phone, users.notes AS users_notes, users.active AS users_active, users.created_at AS users_created_at 
FROM users 
WHERE users.email = 'mail3@example.com'
-- ;
SELECT orders.id AS orders_id, orders.user_id AS orders_user_id, orders.total AS orders_total, orders.state AS orders_state, orders.placed_at AS orders_placed_at, orders.tags AS orders_tags 
FROM orders 
WHERE orders.tags @> ARRAY['t1']::TEXT[] ORDER BY orders.id
-- ;
SELECT count(*) AS count_1 
FROM (SELECT orders.id AS orders_id, orders.user_id AS orders_user_id, orders.total AS orders_total, orders.state AS orders_state, orders.placed_at AS orders_placed_at, orders.tags AS orders_tags 
FROM orders 
WHERE orders.state = 'paid') AS anon_1
-- ;
SELECT users.name AS users_name, users.email AS users_email, anon_1.best AS anon_1_best 
FROM users JOIN (SELECT orders.user_id AS user_id, max(orders.total) AS best 
FROM orders GROUP BY orders.user_id) AS anon_1 ON anon_1.user_id = users.id ORDER BY anon_1.best DESC 
 LIMIT 3
-- ;
WITH big AS 
(SELECT orders.user_id AS user_id 
FROM orders 
WHERE orders.total > 60)
 SELECT users.id AS users_id 
FROM users 
WHERE users.id IN (SELECT big.user_id 
FROM big) ORDER BY users.id
-- ;
SELECT orders.id AS orders_id, rank() OVER (PARTITION BY orders.user_id ORDER BY orders.total DESC) AS anon_1 
FROM orders ORDER BY orders.id 
 LIMIT 5
-- ;
SELECT DISTINCT users.email AS users_email 
FROM users
-- ;
SELECT anon_1.users_id AS anon_1_users_id 
FROM (SELECT users.id AS users_id 
FROM users 
WHERE users.id < 3 UNION SELECT orders.user_id AS orders_user_id 
FROM orders) AS anon_1 ORDER BY anon_1.users_id
-- ;
SELECT CASE WHEN users.active THEN users.email ELSE 'gone' END AS anon_1 
FROM users ORDER BY users.id 
 LIMIT 3
-- ;
SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email, users.ssn AS users_ssn, users.card AS users_card, users.phone AS users_phone, users.notes AS users_notes, users.active AS users_active, users.created_at AS users_created_at 
FROM users 
WHERE users.id = 1 FOR UPDATE
-- ;
SELECT EXISTS (SELECT * 
FROM users 
WHERE users.name = 'Name 1') AS anon_1
-- ;
SELECT orders.id AS orders_id, orders.user_id AS orders_user_id, orders.total AS orders_total, orders.state AS orders_state, orders.placed_at AS orders_placed_at, orders.tags AS orders_tags 
FROM orders 
WHERE orders.id = 1
-- ;
UPDATE orders SET total=2.50 WHERE orders.id = 1
-- ;
INSERT INTO orders (user_id, total) VALUES (1, 5) RETURNING orders.id
-- ;
UPDATE orders SET state='sent' WHERE orders.total > 80
-- ;
DELETE FROM orders WHERE orders.id = 60
-- ;
SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email, users.ssn AS users_ssn, users.card AS users_card, users.phone AS users_phone, users.notes AS users_notes, users.active AS users_active, users.created_at AS users_created_at 
FROM users 
WHERE users.id = 2
-- ;
UPDATE users SET name='Other' WHERE users.id = 2
-- ;
INSERT INTO users (name, email, ssn, card, phone) VALUES ('New', NULL, NULL, NULL, NULL) RETURNING users.id
-- ;
SELECT items.order_id AS items_order_id, items.line AS items_line, items.product AS items_product, items.price AS items_price, items.quantity AS items_quantity, items.cost AS items_cost 
FROM items 
 LIMIT 1
-- ;
ROLLBACK
-- ;
BEGIN
-- ;
DECLARE "c_7f29aae53f90_1" CURSOR WITHOUT HOLD FOR SELECT users.id, users.email 
FROM users ORDER BY users.id
-- ;
FETCH FORWARD 1 FROM "c_7f29aae53f90_1"
-- ;
FETCH FORWARD 1 FROM "c_7f29aae53f90_1"
-- ;
ROLLBACK
-- ;
