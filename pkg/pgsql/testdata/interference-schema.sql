-- What lies beyond evasion-schema.sql, for two databases that differ in masked values alone: each is written «left|right», of one
-- length. Unique and foreign keys, domains, enums, arrays, composites, generated columns, partitions both ways, inheritance, views
-- on views, policies and indexes stand over them.
CREATE DOMAIN tax_number AS text CHECK (value ~ '^[0-9]{3}-');
CREATE TYPE mood AS ENUM ('calm', 'glad', 'grim');
CREATE TYPE place AS (street text, zip int);
CREATE TABLE teams(id int PRIMARY KEY, label text NOT NULL);
INSERT INTO teams VALUES (1, 'red'), (2, 'blue'), (3, 'none');
CREATE TABLE staff(id int PRIMARY KEY, name text NOT NULL, team int REFERENCES teams ON DELETE SET NULL, level int DEFAULT 1, note text,
  tax tax_number UNIQUE, pay numeric(10,2), born date, mood mood, home place, tags text[], nick varchar(6), pin char(4), score int, uid uuid, ip inet, raw bytea, doc json, at timestamptz, ok bool,
  band text GENERATED ALWAYS AS (left(tax, 2)) STORED, CHECK (level < score), UNIQUE (team, nick));
INSERT INTO staff(id, name, team, level, note, tax, pay, born, mood, home, tags, nick, pin, score, uid, ip, raw, doc, at, ok) VALUES
(1, 'Ada', 1, 1, 'n1', '«111-22-3333|911-22-3333»', «100.50|900.50», '«1990-01-02|1971-11-12»', '«calm|grim»', ROW('«Elm st|Oak st»', «1000|9999»), '{«a,b|c,c»}', '«ada|zzz»', '«1234|9876»', «40|90», '«00000000|99999999»-0000-0000-0000-000000000001', '«10.0.0.1|10.9.9.9»', '\x«0102|0909»', '{"k":"«v1|w9»"}', '«2001-02-03|1999-08-07» 00:00:00+00', «true |false»),
(2, 'Bob', 1, 2, 'n2', '«222-33-4444|822-33-4444»', «200.00|100.00», '«1980-05-06|1995-05-06»', '«glad|calm»', ROW('«Ash st|Elm st»', «2000|1000»), '{«x,y|a,b»}', '«bob|ada»', '«2345|1234»', «50|40», '«11111111|00000000»-0000-0000-0000-000000000002', '«10.0.0.2|10.0.0.1»', '\x«0203|0102»', '{"k":"«v2|v1»"}', '«2002-02-03|2001-02-03» 00:00:00+00', «false|true »),
(3, 'Cyd', 2, 3, NULL, '«333-44-5555|733-44-5555»', «300.25|200.25», NULL, '«grim|glad»', NULL, NULL, '«cyd|ada»', NULL, «60|50», NULL, NULL, NULL, NULL, NULL, NULL),
(4, 'Dee', 2, 4, 'n4', NULL, NULL, '«1970-07-08|1970-12-08»', NULL, ROW('«Fir st|Ash st»', NULL), '{}', NULL, '«4567|2345»', «70|75», '«22222222|11111111»-0000-0000-0000-000000000004', '«10.0.0.4|10.0.0.2»', '\x', '[]', '«2004-02-03|2003-02-03» 00:00:00+00', «true |false»),
(5, 'Eve', NULL, 1, 'n1', '«555-66-7777|611-22-3333»', «100.50|300.75», '«1990-01-02|1990-01-03»', '«calm|calm»', ROW('«Elm st|Fir st»', «1000|2000»), '{«a,b|x,y»}', '«eve|eve»', '«1234|4567»', «40|41», '«33333333|44444444»-0000-0000-0000-000000000005', '«10.0.0.1|10.0.0.3»', '\x«0102|0203»', '{"k":"«v1|v2»"}', '«2001-02-03|2001-02-04» 00:00:00+00', «true |true »);
CREATE INDEX ON staff(pay); CREATE INDEX ON staff(lower(tax)); CREATE INDEX ON staff(name) WHERE pay > 150; CREATE INDEX ON staff((100 / (score + level)));
CREATE TABLE badges(id int PRIMARY KEY, tax tax_number REFERENCES staff(tax), label text);
INSERT INTO badges VALUES (1, '«111-22-3333|822-33-4444»', 'b1'), (2, '«222-33-4444|733-44-5555»', 'b2'), (3, NULL, 'b3');
CREATE TABLE visits(id int, staff int REFERENCES staff ON DELETE CASCADE ON UPDATE CASCADE, day int CHECK (day < 100), secret text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE visits_early PARTITION OF visits FOR VALUES FROM (0) TO (10); CREATE TABLE visits_late PARTITION OF visits FOR VALUES FROM (10) TO (90);
INSERT INTO visits VALUES (1, 1, 3, '«s1|t9»'), (2, 2, 12, '«s2|t8»'), (3, 2, 40, NULL), (4, 5, 5, '«s1|s2»');
CREATE TABLE zones(id int, zone text, label text) PARTITION BY LIST (zone);
CREATE TABLE zones_n PARTITION OF zones FOR VALUES IN ('n'); CREATE TABLE zones_s PARTITION OF zones FOR VALUES IN ('s');
INSERT INTO zones VALUES (1, '«n|s»', 'z1'), (2, '«s|n»', 'z2'), (3, '«n|n»', 'z3');
CREATE TABLE bases(id int, secret text, label text); CREATE TABLE kids(toy text) INHERITS (bases);
INSERT INTO bases VALUES (1, '«k1|m1»', 'p'); INSERT INTO kids VALUES (2, '«k2|m2»', 'q', 'ball'), (3, '«k1|m3»', 'r', 'kite');
CREATE TABLE codes(code text PRIMARY KEY, label text); INSERT INTO codes VALUES ('aa', 'A'), ('bb', 'B'), ('cc', 'C');
CREATE TABLE coded(id int, secret text REFERENCES codes, label text); INSERT INTO coded VALUES (1, '«aa|bb»', 'x'), (2, '«aa|aa»', 'y');
CREATE TABLE rowed(id int, tenant int, secret text); ALTER TABLE rowed ENABLE ROW LEVEL SECURITY; CREATE POLICY t ON rowed USING (tenant = 1);
INSERT INTO rowed VALUES (1, 1, '«r1|q1»'), (2, 2, '«r2|q2»');
CREATE TABLE hidden(id int, secret text); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; CREATE POLICY t ON hidden USING (secret < 'm'); INSERT INTO hidden VALUES (1, '«a|z»'), (2, '«b|b»');
CREATE TABLE plain(id int PRIMARY KEY, a int, b text, c numeric, d date, label text UNIQUE);
INSERT INTO plain VALUES (1, 10, 'ten', 1.5, '2020-01-01', 'l1'), (2, 20, 'ada', 100.50, '1971-11-12', 'l2'), (3, NULL, '911-22-3333', 0, NULL, 'l3'), (4, 40, '***', 40, '2021-01-01', 'l4');
CREATE TABLE seats(id int PRIMARY KEY, hall int, guest text, card text, gone bool, seat text);
INSERT INTO seats VALUES (1, 1, '«carl|anne»', '«1111-1111-0001|9999-1111-0001»', false, 'a'), (2, 1, '«anne|carl»', '5555-5555-0002', false, 'b'), (3, 1, '«bert|dora»', '«7777-5555-0003|3333-5555-0003»', true, 'c'), (4, 2, '«dora|bert»', '«2222-5555-0004|8888-5555-0004»', false, 'd');
CREATE UNIQUE INDEX ON seats(hall, guest); CREATE INDEX ON seats(guest) WHERE NOT gone; CREATE INDEX ON seats(guest, id); CREATE INDEX ON seats(card); CREATE INDEX ON seats(lower(guest), seat);
CREATE SEQUENCE counter;
CREATE VIEW v_seats AS SELECT id, hall, seat, guest FROM seats; CREATE VIEW v_halls AS SELECT id, hall FROM seats WHERE NOT gone; CREATE VIEW v_seat AS SELECT id FROM seats WHERE hall = 1 LIMIT 1; CREATE VIEW v_first AS SELECT DISTINCT ON (hall) hall, id FROM seats ORDER BY hall; CREATE VIEW v_list AS SELECT hall, array_agg(id) FROM seats GROUP BY hall; CREATE VIEW v_sizes AS SELECT hall, count(*) FROM seats GROUP BY hall;
CREATE VIEW v_staff AS SELECT id, name, team, tax AS t, pay, band, lower(nick) AS n, home, level FROM staff;
CREATE VIEW v_top AS SELECT t, upper(name) AS name, id, pay FROM v_staff WHERE id > 1;
CREATE VIEW v_visits AS SELECT v.id, s.name, s.tax, v.secret, v.day FROM staff s JOIN visits v ON v.staff = s.id;
CREATE VIEW v_teams AS SELECT team, count(*) AS n FROM staff GROUP BY team;
CREATE VIEW v_rich AS SELECT id FROM staff WHERE pay > 150;
CREATE MATERIALIZED VIEW m_staff AS SELECT id, tax, pay, name FROM staff; CREATE UNIQUE INDEX ON m_staff(id); CREATE INDEX ON m_staff(pay);
CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * i';
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.level := COALESCE(NEW.level, 0) + 1; RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE UPDATE OF name ON staff FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION stamp();
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES ON ALL TABLES IN SCHEMA public TO agent; GRANT ALL ON SCHEMA public TO agent; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO agent;
