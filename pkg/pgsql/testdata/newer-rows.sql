-- Like newer.sql, where rows are filtered and a table is partitioned by a masked column.
-- @ answers
SELECT * FROM halls ORDER BY id
-- @ answers
SELECT id, w, s FROM halls ORDER BY id
-- @ answers
SELECT id FROM halls WHERE w = (SELECT oid FROM pg_class WHERE relname = 'halls_n')
-- @ refused
UPDATE halls SET label = 'x' RETURNING w
-- @ refused
SELECT * FROM halls_n
-- @ refused
UPDATE halls SET label = 'x' RETURNING old.s, new.w
-- @ answers
SELECT * FROM shown
-- @ answers
SELECT * FROM shown WHERE boom = 0
-- @ answers
SELECT * FROM shown WHERE tenant = 8
-- @ answers
UPDATE shown SET note = 'x' WHERE boom >= 0
-- @ answers
UPDATE shown SET note = 'x' WHERE id = 1 RETURNING boom, note
-- @ answers
DELETE FROM shown WHERE id = 3 RETURNING id
-- @ answers
DELETE FROM shown WHERE boom > 5
-- @ answers
COPY shown TO STDOUT
-- @ answers from 18
UPDATE shown SET note = 'x' WHERE id = 3 RETURNING old.*, new.note
-- @ answers from 18
DELETE FROM shown WHERE id = 1 RETURNING old.note
-- @ refused
UPDATE shown SET src = 100
-- @ refused
UPDATE shown SET note = 'x' RETURNING old.note
-- @ refused
INSERT INTO shown (id, src) VALUES (3, 100) ON CONFLICT (id) DO UPDATE SET note = 'y' RETURNING old.*
-- @ refused
MERGE INTO shown s USING plain p ON s.id = p.id WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING s.id
-- @ refused
SELECT id FROM shown TABLESAMPLE system (50)
-- @ refused
UPDATE shown SET note = 'x' WHERE id = 1 RETURNING old.ctid
-- @ refused from 18
SELECT * FROM burst
-- @ refused from 18
UPDATE burst SET note = 'x'
-- @
SELECT id FROM shown WHERE JSON_VALUE(to_jsonb(shown), '$.src' RETURNING int) = 3
