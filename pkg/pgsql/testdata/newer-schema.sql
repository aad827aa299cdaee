-- What versions from 16 on brought, and what computes, orders and counts by masked values: for two databases as in interference-schema.sql.
-- VIRTUAL is STORED before 18, and ÷ is then a + that can't fail. What stands behind "-- from 18: " is for those servers alone.
CREATE TABLE made(id int PRIMARY KEY, name text, secret text, num int, gone bool, a int, note text,
  v_name text GENERATED ALWAYS AS (upper(name)) VIRTUAL, v_here bool GENERATED ALWAYS AS (NOT gone) VIRTUAL, v_secret text GENERATED ALWAYS AS (left(secret, 2)) VIRTUAL,
  v_num int GENERATED ALWAYS AS (100 ÷ (num - 40)) VIRTUAL, v_own text GENERATED ALWAYS AS (substr('abcdef', 1 ÷ (num - 40))) VIRTUAL, v_null text GENERATED ALWAYS AS (nullif(secret, 'bb')) VIRTUAL,
  v_twice int GENERATED ALWAYS AS (a * 2) VIRTUAL, CHECK (v_twice < num));
INSERT INTO made(id, name, secret, num, gone, a) VALUES (1, 'x', '«zz|aa»', «41|40», false, 1), (2, 'x', '«bb|cc»', «50|51», false, 2), (3, 'x', '«aa|zz»', «60|50», true, 3), (4, 'x', '«cc|bb»', 99, false, 4);
INSERT INTO made(id, name, secret, num, gone, a) SELECT i, 'y' || i, 's' || i, 90, true, 1 FROM generate_series(100, 399) i;
CREATE INDEX ON made(upper(name), secret); CREATE INDEX ON made(secret) WHERE NOT gone;
CREATE VIEW w_made AS SELECT id, v_name, v_secret, v_twice FROM made; CREATE VIEW w_num AS SELECT id, v_num FROM made; CREATE VIEW w_here AS SELECT id, a FROM made WHERE v_here; CREATE VIEW w_two AS SELECT id, a FROM w_here WHERE a > 0;
CREATE TABLE filled(id int PRIMARY KEY, a int, num int, g int GENERATED ALWAYS AS (CASE WHEN a > num THEN NULL ELSE 1 END) STORED NOT NULL, note text); INSERT INTO filled VALUES (1, 1, «5|9»), (2, 1, 5);
CREATE TABLE drawn(id int PRIMARY KEY, a int, num int, g int GENERATED ALWAYS AS (CASE WHEN a > num THEN NULL ELSE 1 END) VIRTUAL NOT NULL, note text); INSERT INTO drawn VALUES (1, 1, «5|9»), (2, 1, 5);
CREATE DOMAIN one AS int CHECK (value = 1);
CREATE TABLE checked(id int PRIMARY KEY, a int, num int, g one GENERATED ALWAYS AS (CASE WHEN a > num THEN 2 ELSE 1 END) STORED); INSERT INTO checked VALUES (1, 1, «5|9»), (2, 1, 5);
CREATE TABLE squads(id int PRIMARY KEY, label text); INSERT INTO squads VALUES (1, 'a'), (2, 'b'), (3, 'c');
CREATE TABLE crew(id int PRIMARY KEY, squad int REFERENCES squads ON DELETE SET NULL ON UPDATE CASCADE, mail text); INSERT INTO crew VALUES (1, 1, '«zz|aa»'), (2, 1, '«bb|bb»'), (3, 1, '«aa|zz»');
CREATE INDEX ON crew(squad, mail);
CREATE TABLE firms(id int PRIMARY KEY, label text); INSERT INTO firms VALUES (1, 'a'), (2, 'b');
CREATE TABLE hands(id int PRIMARY KEY, firm int REFERENCES firms ON DELETE CASCADE, mail text); INSERT INTO hands VALUES (1, 1, '«zz|aa»'), (2, 1, 'bb'), (3, 1, '«aa|zz»'); CREATE INDEX ON hands(firm, mail);
CREATE TABLE tools(id int PRIMARY KEY, hand int REFERENCES hands ON DELETE SET NULL); INSERT INTO tools VALUES (1, 1), (2, 2), (3, 3); CREATE INDEX ON tools(hand);
CREATE TABLE ten(id int PRIMARY KEY, tenant int, mail text, note text); INSERT INTO ten VALUES (1, 1, '«zz|aa»', 'n'), (2, 1, '«bb|bb»', 'n'), (3, 1, '«aa|zz»', 'n'), (4, 2, '«cc|dd»', 'n');
INSERT INTO ten SELECT i, 2, 's' || i, 'n' FROM generate_series(100, 399) i; CREATE TABLE part AS TABLE ten; ALTER TABLE part ADD PRIMARY KEY (id);
CREATE INDEX ON ten(tenant, mail); ALTER TABLE ten ENABLE ROW LEVEL SECURITY; CREATE POLICY t ON ten USING (tenant = 1);
CREATE INDEX ON part(mail) WHERE tenant = 1; ALTER TABLE part ENABLE ROW LEVEL SECURITY; CREATE POLICY t ON part USING (tenant = 1); CREATE VIEW w_part AS SELECT id FROM part;
CREATE TABLE free(id int PRIMARY KEY, tenant int, mail text, note text); INSERT INTO free VALUES (1, 1, '«zz|aa»', 'n'), (2, 2, '«aa|zz»', 'n'); ALTER TABLE free ENABLE ROW LEVEL SECURITY; CREATE POLICY t ON free USING (tenant = 1); CREATE INDEX ON free(mail);
CREATE TABLE sails(id int, boat int, guest text, x text); INSERT INTO sails SELECT i, i % 50, 'g' || lpad((«i|i % 7»)::text, 5, '0'), 'x' FROM generate_series(1, 2000) i;
CREATE INDEX ON sails(guest, boat); CREATE VIEW w_sails AS SELECT id, boat FROM sails; CREATE VIEW w_sail AS SELECT id FROM sails WHERE boat = 3;
CREATE TABLE halls(id int, zone text, label text, w oid GENERATED ALWAYS AS (tableoid) VIRTUAL, s oid GENERATED ALWAYS AS (tableoid) STORED) PARTITION BY LIST (zone);
CREATE TABLE halls_n PARTITION OF halls FOR VALUES IN ('n'); CREATE TABLE halls_s PARTITION OF halls FOR VALUES IN ('s'); INSERT INTO halls VALUES (1, '«n|s»', 'z1'), (2, '«s|n»', 'z2'), (3, '«n|n»', 'z3');
CREATE TABLE shown(id int PRIMARY KEY, src int, note text, tenant int GENERATED ALWAYS AS (CASE WHEN src = 100 THEN 7 ELSE 8 END) VIRTUAL, boom int GENERATED ALWAYS AS (1 ÷ (src - 3)) VIRTUAL);
INSERT INTO shown(id, src, note) VALUES (1, 100, 'a'), (2, 100, 'b'), «(3, 5, 'hidden-')|(3, 3, 'hidden-'), (4, 3, 'hidden-')»;
CREATE TABLE burst(id int PRIMARY KEY, src int, note text, tenant int GENERATED ALWAYS AS (700 ÷ src) VIRTUAL); INSERT INTO burst(id, src, note) VALUES (1, 100, 'a'), «(3, 5, 'hidden-')|(3, 0, 'hidden-')»;
-- from 18: CREATE TABLE stays(room int4range, during daterange, guest text, PRIMARY KEY (room, during WITHOUT OVERLAPS));
-- from 18: INSERT INTO stays VALUES ('[1,2)', '[«2020-01-01|2020-02-01»,2020-03-01)', 'g1'), ('[1,2)', '[2021-01-01,«2021-02-01|2021-03-01»)', 'g2'), ('[2,3)', '[«2020-01-01|2022-02-01»,2023-03-01)', 'g3');
-- from 18: CREATE TABLE staying(id int PRIMARY KEY, room int4range, span daterange, FOREIGN KEY (room, PERIOD span) REFERENCES stays (room, PERIOD during));
-- from 18: INSERT INTO staying VALUES (1, '[1,2)', '[«2020-01-05|2020-02-05»,2020-02-10)'), (2, '[2,3)', '[2022-03-01,2022-03-02)');
-- from 18: CREATE TABLE loose(id int PRIMARY KEY, secret int, note text, CONSTRAINT c CHECK (secret < 5) NOT ENFORCED); INSERT INTO loose VALUES (1, «1|9», 'a'), (2, «9|1», 'b');
-- from 18: CREATE TABLE late(id int PRIMARY KEY, secret text, note text); INSERT INTO late VALUES (1, «NULL|'ab'», 'a'), (2, «'ab'|NULL», 'b'); ALTER TABLE late ADD CONSTRAINT n NOT NULL secret NOT VALID;
CREATE TABLE ports(id int PRIMARY KEY); INSERT INTO ports VALUES (1); CREATE TABLE moored(id int PRIMARY KEY, mail text, note text, port int REFERENCES ports ON DELETE CASCADE);
INSERT INTO moored VALUES (1, '«zz|aa»', 'n', 1), (2, '«bb|bb»', 'n', 1), (3, '«aa|zz»', 'n', 1); CREATE INDEX moored_mail ON moored(mail); CLUSTER moored USING moored_mail; CREATE TABLE ropes(id int PRIMARY KEY, moored int REFERENCES moored ON DELETE SET NULL); INSERT INTO ropes VALUES (1, 1), (2, 2), (3, 3);
CREATE TABLE cased(id int PRIMARY KEY, a int, num int, g int GENERATED ALWAYS AS (CASE WHEN num > 7 THEN 100 / a END) STORED); INSERT INTO cased VALUES (1, 1, «5|9»);
CREATE TABLE anded(id int PRIMARY KEY, a int, num int, g bool GENERATED ALWAYS AS (num > 7 AND 100 / a > 1) STORED); INSERT INTO anded VALUES (1, 1, «5|9»);
CREATE TABLE keyed(id int PRIMARY KEY, a int, b int, num int, note text); INSERT INTO keyed VALUES (1, 1, 1, «5|9», 'x'); CREATE INDEX ON keyed((COALESCE(nullif(num, 9), 100 / a))); CREATE INDEX ON keyed((100 / b)) WHERE num > 7;
CREATE TABLE topics(id int PRIMARY KEY, name text, team int, day date, num int); INSERT INTO topics VALUES (1, 'x', 1, '2020-01-01', «5|9»); CREATE INDEX ON topics(name) WHERE num > 7; CREATE INDEX ON topics(day) WHERE num > 7; CREATE INDEX ON topics(team);
CREATE TABLE grown(id int PRIMARY KEY, a int, num int, note text, g bool GENERATED ALWAYS AS (a > num) STORED); INSERT INTO grown VALUES (1, 1, «5|9», 'n'); CREATE INDEX ON grown(g);
CREATE TABLE equal(id int PRIMARY KEY, team int, pin text, UNIQUE NULLS NOT DISTINCT (team, pin)); INSERT INTO equal VALUES (1, 1, «'ab'|NULL»);
CREATE VIEW y_union AS SELECT id, CASE WHEN num > 7 THEN 100 / (a - 1) END AS r FROM cased UNION ALL SELECT 0, 0 ORDER BY 1; CREATE VIEW y_with AS WITH x AS MATERIALIZED (SELECT id, COALESCE(nullif(num, 9), 100 / (a - 1)) AS r FROM cased) SELECT * FROM x;
CREATE VIEW y_sub AS SELECT id, CASE WHEN num > 7 THEN r END AS e FROM (SELECT id, num, 100 / (a - 1) AS r FROM cased) x UNION ALL SELECT 0, 0 ORDER BY 1; CREATE VIEW y_parts AS SELECT id, num, 100 / a AS r, 100 / (a - 1) AS s FROM cased; CREATE VIEW y_over AS WITH x AS MATERIALIZED (SELECT id, CASE num WHEN 9 THEN s END AS e FROM y_parts) SELECT * FROM x;
CREATE VIEW y_fine AS SELECT id, CASE WHEN a IN (1, 2) THEN num END AS e, CASE WHEN num IS NULL THEN 'none' WHEN num > 7 THEN upper('x') ELSE 'y' END AS f FROM cased UNION ALL SELECT 0, 0, 'z' ORDER BY 1;
CREATE VIEW y_size AS SELECT pg_relation_size('topics_name_idx'::regclass) AS n; CREATE VIEW y_locks AS SELECT page, tuple FROM pg_locks;
CREATE MATERIALIZED VIEW x_here AS SELECT id FROM made WHERE NOT gone; CREATE MATERIALIZED VIEW x_rich AS SELECT id FROM staff WHERE pay > 150;
CREATE TABLE lain(id int PRIMARY KEY, mail text, note text); INSERT INTO lain VALUES (1, '«zz|aa»', 'n'), (2, '«bb|bb»', 'n'), (3, '«aa|zz»', 'n'); CREATE INDEX lain_mail ON lain(mail); CLUSTER lain USING lain_mail; CREATE VIEW w_lain AS SELECT id FROM lain;
CREATE VIEW w_sizes AS SELECT relname, reltuples AS n FROM pg_class; CREATE VIEW w_large AS SELECT relname FROM pg_class WHERE reltuples > 2;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES ON ALL TABLES IN SCHEMA public TO agent;
