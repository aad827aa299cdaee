-- What lies beyond interference-schema.sql, for two databases that differ in hidden rows too: «left|right» is of any length, and may
-- be no row at all. The filters stand in the test. A hidden row is one of tenant 8, or says hidden-….
CREATE TYPE shade AS ENUM ('light', 'dark');
CREATE TABLE ledger(id int PRIMARY KEY, tenant int NOT NULL, secret text, amount numeric(10,2), day date, "Weird ""Name" varchar(12) COLLATE "C", shade shade, tags text[], doc jsonb, code text UNIQUE, parent int REFERENCES ledger, half numeric GENERATED ALWAYS AS (amount / 2) STORED);
INSERT INTO ledger(id, tenant, secret, amount, day, "Weird ""Name", shade, tags, doc, code) VALUES
«(1, 8, 'hidden-boom', 0, '1999-01-01', 'x', 'dark', '{h}', '{"h":1}', 'c1'),| »
(2, 7, '12', 10, '2020-01-02', 'two', 'light', '{a,b}', '{"k":"v"}', 'c2'),
«(3, 8, 'hidden-3', 3, '1999-01-03', NULL, NULL, NULL, NULL, 'c3'), (4, 8, 'hidden-4', NULL, NULL, NULL, NULL, NULL, NULL, NULL),|(1, 8, 'hidden-other', 100000, '2031-01-01', 'hidden', 'dark', '{zz}', '[]', 'c9'),»
(5, 7, '7', 20.50, '2021-01-02', 'five', 'dark', '{b}', '[1]', 'c5'), (6, 7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'c6'),
«|(7, 8, 'hidden-7', 0, '1998-05-05', 'seven', 'light', '{a}', '{"k":"h"}', 'c7'), (8, 9, 'hidden-8', 1, NULL, NULL, NULL, NULL, NULL, 'c8'), »
(9, 7, '-3', 99.99, '2022-02-02', 'nine', NULL, '{}', '{}', 'c4');
UPDATE ledger SET parent = id WHERE tenant = 7 AND id < 6;
INSERT INTO ledger(id, tenant, secret, amount, code) SELECT i, 8, 'hidden-' || i, 0, 'x' || i FROM generate_series(1000, «1100|1500») i;
CREATE INDEX ON ledger(tenant); CREATE INDEX ON ledger(day) WHERE amount > 5; CREATE INDEX ON ledger((100 / (id + 1)));
CREATE TABLE lines(id int, tenant int, ledger int REFERENCES ledger ON DELETE CASCADE ON UPDATE CASCADE, note text, PRIMARY KEY (tenant, id)) PARTITION BY LIST (tenant);
CREATE TABLE lines_7 PARTITION OF lines FOR VALUES IN (7); CREATE TABLE lines_rest PARTITION OF lines DEFAULT;
INSERT INTO lines VALUES (1, 7, 2, 'a'), (2, 7, 5, 'b'), (3, 7, NULL, NULL), «(1, 8, 9, 'hidden-l')|(1, 8, 2, 'hidden-m'), (2, 9, 6, 'hidden-n')»;
CREATE TABLE notes(id serial PRIMARY KEY, ledger int REFERENCES ledger ON DELETE SET NULL, body text);
INSERT INTO notes(ledger, body) VALUES (2, 'n1'), (9, 'n2'), (NULL, 'n3');
CREATE TABLE kin(id int, tenant int, note text); CREATE TABLE kin_old(age int) INHERITS (kin);
INSERT INTO kin VALUES (1, 7, 'p'), «(2, 8, 'hidden-k')|(3, 8, 'hidden-k1'), (4, 8, 'hidden-k2')»;
INSERT INTO kin_old VALUES (1, 7, 'p', 5), (2, 7, 'q', 6), «(9, 8, 'hidden-o', 0)|(9, 9, 'hidden-oo', 7)»;
CREATE TABLE owners(id int PRIMARY KEY, tenant int, label text); INSERT INTO owners VALUES (1, 7, 'o1'), (2, 7, 'o2'), «(3, 8, 'hidden-own')|(4, 8, 'hidden-own4')»;
CREATE TABLE owned(id int PRIMARY KEY, owner int REFERENCES owners, label text); INSERT INTO owned VALUES (1, 1, 'a'), (2, NULL, 'b');
CREATE TABLE policed(id int, tag text); INSERT INTO policed VALUES (1, 'o1'), (3, 'hidden-own');
ALTER TABLE policed ENABLE ROW LEVEL SECURITY; CREATE POLICY t ON policed USING (EXISTS (SELECT FROM owners WHERE label = tag));
CREATE TABLE forms(id int PRIMARY KEY); INSERT INTO forms VALUES (1), (2); CREATE TABLE filled(id int, tenant int, form int REFERENCES forms); INSERT INTO filled VALUES (1, 7, 1), «(2, 8, 2)|(2, 8, 1), (3, 8, 2)»;
CREATE TABLE regions(id int PRIMARY KEY, country text, tenant int GENERATED ALWAYS AS (CASE WHEN country = 'NO' THEN 7 ELSE 8 END) STORED); INSERT INTO regions(id, country) VALUES (1, 'NO'), «(2, 'hidden-se')|(2, 'hidden-dk'), (3, 'hidden-fi')»;
CREATE VIEW v_ledger AS SELECT id, tenant, secret FROM ledger; CREATE VIEW v_count AS SELECT count(*) FROM ledger; CREATE VIEW v_notes AS SELECT * FROM notes;
CREATE MATERIALIZED VIEW m_ledger AS SELECT tenant, count(*) AS n FROM ledger GROUP BY tenant;
CREATE MATERIALIZED VIEW m_own AS SELECT * FROM (VALUES (1, 7, 'shown'), «(2, 8, 'hidden-mv')|(3, 9, 'hidden-mw'), (4, 8, 'hidden-mx')») v(id, tenant, t);
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES ON ALL TABLES IN SCHEMA public TO agent; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO agent;
