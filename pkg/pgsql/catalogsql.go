package pgsql

// Every name is qualified: the session's search path must not decide what is read.
// 1249 is pg_attribute, whose attmissingval holds values, and 1259 pg_class, whose relpartbound may: system relations that the masks need.
const (
	serverQuery = `SELECT pg_catalog.current_setting('server_version_num'), pg_catalog.current_database()`

	ourRelations = `(n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast' AND NOT pg_catalog.pg_is_other_temp_schema(n.oid)
		AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') OR c.oid IN (1249, 1259))`

	relationsQuery = `SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence = 't',
		EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
		EXISTS (SELECT FROM pg_catalog.pg_rewrite w WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN'), c.relrowsecurity,
		c.relkind IN ('r', 'p', 'm', 'f') AND pg_catalog.has_column_privilege(c.oid, (-1)::pg_catalog.int2, 'SELECT')
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ` + ourRelations + ` ORDER BY c.oid LIMIT 500001`

	columnsQuery = `WITH RECURSIVE base(oid, typ, typmod) AS (
			SELECT t.oid, t.typbasetype, t.typtypmod FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
			UNION ALL SELECT b.oid, t.typbasetype, CASE WHEN b.typmod = -1 THEN t.typtypmod ELSE b.typmod END
			FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typ AND t.typtype = 'd'),
		plain AS (SELECT b.* FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typ AND t.typtype <> 'd')
		SELECT a.attrelid, a.attnum, a.attname, en.nspname, e.typname,
			pg_catalog.format_type(t.oid, COALESCE(p.typmod, a.atttypmod)), t.typcategory = 'A' AND t.typelem <> 0, t.typcategory, p.oid IS NOT NULL,
			a.attnotnull, a.attgenerated, pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'), cn.nspname, co.collname, a.atttypid, a.attlen < 0
		FROM pg_catalog.pg_attribute a
		JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN plain p ON p.oid = a.atttypid
		JOIN pg_catalog.pg_type t ON t.oid = COALESCE(p.typ, a.atttypid)
		JOIN pg_catalog.pg_type e ON e.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END
		JOIN pg_catalog.pg_namespace en ON en.oid = e.typnamespace
		LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation AND a.attcollation <> t.typcollation
		LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
		WHERE a.attnum > 0 AND NOT a.attisdropped AND ` + ourRelations + ` ORDER BY a.attrelid, a.attnum LIMIT 500001`

	keysQuery = `SELECT k.conrelid, a.attname FROM pg_catalog.pg_constraint k, pg_catalog.unnest(k.conkey) WITH ORDINALITY u(num, place)
		JOIN pg_catalog.pg_attribute a ON a.attnum = u.num
		WHERE k.contype = 'p' AND a.attrelid = k.conrelid ORDER BY 1, u.place LIMIT 500001`

	inheritanceQuery = `SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits ORDER BY 1, 2 LIMIT 500001`

	splitsQuery = `SELECT p.partrelid, k.num FROM pg_catalog.pg_partitioned_table p, pg_catalog.unnest(p.partattrs) k(num) WHERE k.num <> 0
		UNION SELECT p.partrelid, m.m[1]::pg_catalog.int2 FROM pg_catalog.pg_partitioned_table p,
			pg_catalog.regexp_matches(p.partexprs::text, ':varattno ([0-9]+)', 'g') AS m(m) ORDER BY 1, 2 LIMIT 500001`

	// Indexes whose scans give an order: hashes give none, and those of GIN and BRIN find pages. What an index is limited to, and
	// what stands in expressions, is read out of their stored trees.
	indexesQuery = `WITH i AS MATERIALIZED (SELECT i.*, a.amname NOT IN ('hash', 'gin', 'brin') AS orders FROM pg_catalog.pg_index i
				JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am a ON a.oid = c.relam WHERE i.indrelid >= 16384)
			SELECT i.indrelid, i.indexrelid, u.num, CASE WHEN NOT i.orders THEN 'finds' WHEN u.place <= i.indnkeyatts THEN 'key' ELSE 'besides' END
				FROM i, pg_catalog.unnest(i.indkey) WITH ORDINALITY u(num, place) WHERE u.num <> 0
			UNION SELECT i.indrelid, i.indexrelid, m.m[1]::pg_catalog.int2, CASE WHEN i.orders THEN 'key' ELSE 'finds' END FROM i, pg_catalog.regexp_matches(i.indexprs::text, ':varattno ([0-9]+)', 'g') AS m(m)
			UNION SELECT i.indrelid, i.indexrelid, m.m[1]::pg_catalog.int2, 'where' FROM i, pg_catalog.regexp_matches(i.indpred::text, ':varattno ([0-9]+)', 'g') AS m(m)
			UNION SELECT i.indrelid, i.indexrelid, 0, 'laid' FROM i WHERE i.indisclustered
			ORDER BY 1, 2, 3, 4 LIMIT 500001`

	viewsQuery = `SELECT DISTINCT w.ev_class, d.refobjid, d.refclassid <> 'pg_catalog.pg_class'::pg_catalog.regclass
		FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
		WHERE w.rulename = '_RETURN' AND d.refobjid <> w.ev_class AND (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
			OR d.refobjid >= 16384 AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass))
			AND w.ev_class >= 16384 ORDER BY 1, 2 LIMIT 500001`

	// What initdb made is depended on without a row in pg_depend, so a view's rule is read as well. One that is too long to be
	// read comes as nothing.
	viewRulesQuery = `SELECT w.ev_class, CASE WHEN pg_catalog.length(w.ev_action::text) <= 8388608 THEN w.ev_action::text END
		FROM pg_catalog.pg_rewrite w WHERE w.rulename = '_RETURN' AND w.ev_class >= 16384 ORDER BY 1 LIMIT 500001`

	// -6 is tableoid, on which nothing depends.
	generatedQuery = `SELECT DISTINCT a.attrelid, a.attnum, d.refobjsubid FROM pg_catalog.pg_attribute a
		JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
		JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid AND d.refobjsubid <> a.attnum
			AND d.refobjsubid > 0 AND (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
			OR d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = a.attrelid AND d.objsubid = a.attnum)
		WHERE a.attgenerated <> ''
		UNION SELECT a.attrelid, a.attnum, 0 FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
		WHERE a.attgenerated <> '' AND f.adbin::text ~ ':varattno -6 ' ORDER BY 1, 2, 3 LIMIT 500001`

	systemQuery = `SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') ORDER BY 1 LIMIT 500001`

	// Whether a function may change what names mean, or who runs what follows, as far as its own text shows: it sets settings of
	// the server's, runs statements that it makes, or defines something. What C functions do is not seen, nor what it calls.
	functionsQuery = `SELECT n.nspname, p.proname, p.oid,
			CASE WHEN p.prosrc = '' AND p.prokind IN ('f', 'p') THEN pg_catalog.substring(pg_catalog.pg_get_functiondef(p.oid), '(?:BEGIN ATOMIC|RETURN ).*') ELSE p.prosrc END
			~* '\mexecute\M|\mpg_settings\M|\m(create|alter|drop|discard|call)\s|\mreset\s+(all|role|session|search_path)|\mset\s+(session\s+|local\s+)?(search_path|role|schema|session|authorization)|set_config\s*\((?!\s*''[a-z_]+\.)'
		FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname <> 'information_schema' AND (p.oid >= 16384 OR n.nspname <> 'pg_catalog') ORDER BY 1, 2, 3 LIMIT 500001`

	builtinQuery = `SELECT p.oid, p.proname, pg_catalog.array_to_string(ARRAY(SELECT t.typname FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY u(typ, place)
			JOIN pg_catalog.pg_type t ON t.oid = u.typ ORDER BY u.place), ','), n.nspname = 'pg_catalog'
		FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid < 16384 ORDER BY 1 LIMIT 500001`

	operatorsQuery = `SELECT DISTINCT n.nspname, o.oprname FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
		WHERE (o.oid >= 16384 OR n.nspname <> 'pg_catalog') AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
			WHERE d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND d.objid = o.oid AND d.deptype = 'e') ORDER BY 1, 2 LIMIT 500001`

	typesQuery = `SELECT DISTINCT n.nspname, t.typname FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
		WHERE t.oid >= 16384 ORDER BY 1, 2 LIMIT 500001`

	// Which types are made of which: domains, arrays, ranges, rows.
	madeOf = `WITH RECURSIVE parts(part, whole) AS MATERIALIZED (
			SELECT t.typbasetype, t.oid FROM pg_catalog.pg_type t WHERE t.typtype = 'd' UNION ALL SELECT t.typelem, t.oid FROM pg_catalog.pg_type t WHERE t.typelem <> 0
			UNION ALL SELECT r.rngsubtype, r.rngtypid FROM pg_catalog.pg_range r
			UNION ALL SELECT r.rngtypid, m.oid FROM pg_catalog.pg_range r JOIN pg_catalog.pg_type m ON m.oid::text = pg_catalog.to_jsonb(r) ->> 'rngmultitypid'
			UNION ALL SELECT a.atttypid, c.reltype FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_type p ON p.oid = a.atttypid
				WHERE a.attnum > 0 AND c.reltype <> 0 AND (p.typtype IN ('d', 'c', 'r', 'm') OR p.typcategory = 'A')), `

	// Types whose use runs somebody's code: casts by functions, and checks and defaults of domains, the former also of what is made of such a
	// domain.
	castsQuery = madeOf + `checked(oid) AS (
			SELECT k.contypid FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid = k.oid
			WHERE k.contypid <> 0 AND d.refobjid >= 16384 AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)
				AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e')
			UNION SELECT p.whole FROM checked c JOIN parts p ON p.part = c.oid)
		SELECT t.typname, t.oid FROM pg_catalog.pg_type t JOIN checked c ON c.oid = t.oid
		UNION SELECT t.typname, 0 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid
		WHERE t.typtype = 'd' AND t.typdefaultbin IS NOT NULL AND d.refobjid >= 16384 AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e')
		UNION SELECT t.typname, CASE WHEN t.oid >= 16384 AND k.castfunc >= 16384 AND k.castcontext <> 'e' THEN t.oid ELSE 0 END FROM pg_catalog.pg_cast k JOIN pg_catalog.pg_type t ON t.oid IN (k.castsource, k.casttarget)
		WHERE k.oid >= 16384 AND k.castmethod = 'f' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
			WHERE d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass AND d.objid = k.oid AND d.deptype = 'e') ORDER BY 1, 2 LIMIT 500001`

	// What a relation runs by itself, as stored trees or as functions, and what ties its columns together; with when (1 INSERT, 2 UPDATE,
	// 4 DELETE, 8 TRUNCATE, 16 where a default is used, 32 reading, 64 where a row finds its partition), what it is, and plain columns.
	// Domains' checks are those of the columns of their types, which are asked for as an array: of a join with what a recursion finds
	// PostgreSQL thinks that it is large enough to be compiled. Casts are those that are made unasked. Trees that call nothing of
	// somebody's own are read too: they name columns. Of an index that is limited to some rows also the columns in
	// its expressions, below zero.
	codeQuery = madeOf + `checked(bin, name, oid) AS (
			SELECT k.conbin::text, k.conname, k.contypid FROM pg_catalog.pg_constraint k WHERE k.contypid <> 0 AND k.conbin IS NOT NULL
			UNION SELECT c.bin, c.name, p.whole FROM checked c JOIN parts p ON p.part = c.oid),
		casted(typ, function) AS (
			SELECT DISTINCT t.oid, k.castfunc FROM pg_catalog.pg_cast k JOIN pg_catalog.pg_type e ON e.oid IN (k.castsource, k.casttarget) JOIN pg_catalog.pg_type t ON t.oid IN (e.oid, e.typarray)
			WHERE k.castmethod = 'f' AND k.castcontext <> 'e' AND k.castfunc >= 16384 AND e.oid >= 16384
				AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass AND d.objid = k.oid AND d.deptype = 'e'))
		SELECT d.adrelid AS rel, CASE WHEN a.attgenerated = '' THEN 16 ELSE 3 END AS runs, d.adbin::text AS tree, 0::pg_catalog.oid AS function,
			CASE WHEN a.attgenerated = '' THEN 'default of ' ELSE 'generated column ' END AS kind, a.attname AS name, a.attnum::text AS columns
			FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
		UNION ALL SELECT a.attrelid, 16, COALESCE(t.typdefaultbin::text, ''), 0, 'default of ', a.attname, a.attnum::text FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
			WHERE a.attrelid >= 16384 AND a.attnum > 0 AND (a.attidentity <> '' OR t.typdefault IS NOT NULL AND NOT a.atthasdef)
		UNION ALL SELECT a.attrelid, 3, c.bin, 0, 'domain check ', c.name, '' FROM checked c JOIN pg_catalog.pg_attribute a ON a.atttypid = c.oid
			WHERE a.attnum > 0 AND a.atttypid = ANY (ARRAY(SELECT c.oid FROM checked c))
		UNION ALL SELECT a.attrelid, 0, '', c.function, 'cast of column ', a.attname, '' FROM casted c JOIN pg_catalog.pg_attribute a ON a.atttypid = c.typ
			WHERE a.attnum > 0 AND a.atttypid = ANY (ARRAY(SELECT c.typ FROM casted c))
		UNION ALL SELECT k.conrelid, 3, k.conbin::text, 0, 'check ', k.conname, '' FROM pg_catalog.pg_constraint k WHERE k.conrelid <> 0 AND k.conbin IS NOT NULL
		UNION ALL SELECT k.conrelid, 3, '', 0, 'foreign key ', k.conname, pg_catalog.array_to_string(k.conkey, ' ') FROM pg_catalog.pg_constraint k WHERE k.contype = 'f'
		UNION ALL SELECT i.indrelid, 3, COALESCE(x.tree, ''), 0, CASE WHEN i.indisunique AND pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct' = 'true' THEN 'unique index, of NULLs too, '
				WHEN i.indisunique OR i.indisexclusion THEN 'unique index ' ELSE 'index ' END, c.relname, i.indkey::text
			FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid, LATERAL (VALUES (i.indexprs::text), (i.indpred::text)) x(tree)
			WHERE i.indrelid >= 16384 AND (x.tree IS NOT NULL OR i.indisunique OR i.indisexclusion)
		UNION ALL SELECT i.indrelid, 3, i.indpred::text, 0, 'condition of index ', c.relname, pg_catalog.concat_ws(' ',
				pg_catalog.array_to_string(pg_catalog.array_remove(i.indkey::pg_catalog.int2[], 0::pg_catalog.int2), ' '),
				(SELECT pg_catalog.string_agg('-' || m.m[1], ' ') FROM pg_catalog.regexp_matches(i.indexprs::text, ':varattno ([0-9]+)', 'g') AS m(m)))
			FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE i.indrelid >= 16384 AND i.indpred IS NOT NULL
		UNION ALL SELECT t.tgrelid, (t.tgtype & 4) / 4 | (t.tgtype & 16) / 8 | (t.tgtype & 8) / 2 | (t.tgtype & 32) / 4, COALESCE(t.tgqual::text, ''), t.tgfoid, 'trigger ', t.tgname, ''
			FROM pg_catalog.pg_trigger t WHERE NOT t.tgisinternal
		UNION ALL SELECT p.polrelid, CASE p.polcmd WHEN 'r' THEN 38 WHEN 'a' THEN 1 WHEN 'w' THEN 2 WHEN 'd' THEN 4 ELSE 39 END, x.tree, 0, 'policy ', p.polname, ''
			FROM pg_catalog.pg_policy p, LATERAL (VALUES (p.polqual::text), (p.polwithcheck::text)) x(tree) WHERE x.tree IS NOT NULL
		UNION ALL SELECT w.ev_class, CASE w.ev_type WHEN '2' THEN 2 WHEN '3' THEN 1 WHEN '4' THEN 4 ELSE 32 END, x.tree, 0, 'rule ', w.rulename, ''
			FROM pg_catalog.pg_rewrite w, LATERAL (VALUES (w.ev_qual::text), (w.ev_action::text)) x(tree) WHERE w.rulename <> '_RETURN' AND x.tree <> '<>'
		UNION ALL SELECT p.partrelid, 64, COALESCE(p.partexprs::text, ''), 0, 'partition key', '', p.partattrs::text FROM pg_catalog.pg_partitioned_table p
		ORDER BY 1, 2, 5, 6, 3, 4 LIMIT 500001`

	// Foreign keys: what is deleted or changed there may change rows here.
	cascadesQuery = `SELECT k.confrelid, k.conrelid, k.confdeltype, k.confupdtype, pg_catalog.array_to_string(k.confkey, ' '), pg_catalog.array_to_string(k.conkey, ' '), k.conname
		FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' ORDER BY 1, 2, 7, 3, 4, 5, 6 LIMIT 500001`

	// Sums of hashes of (oid, xmin): any row that is made, changed or dropped changes its sum. Apart for what is temporary.
	signatureQuery = `WITH temporary AS MATERIALIZED (SELECT oid FROM pg_catalog.pg_class WHERE relpersistence = 't'),
		schemas AS MATERIALIZED (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_')
		SELECT lasts, kind, pg_catalog.sum(pg_catalog.hashtextextended(id || ':' || xmin::text, 0)) FROM (
		SELECT relpersistence <> 't' AS lasts, 1 AS kind, oid::text AS id, xmin FROM pg_catalog.pg_class WHERE oid >= 16384 AND relkind <> 't'
		UNION ALL SELECT attrelid NOT IN (SELECT oid FROM temporary), 2, attrelid::text || ' ' || attnum::text, xmin FROM pg_catalog.pg_attribute WHERE attrelid >= 16384 AND attnum > 0
		UNION ALL SELECT ev_class NOT IN (SELECT oid FROM temporary), 3, oid::text, xmin FROM pg_catalog.pg_rewrite WHERE oid >= 16384
		UNION ALL SELECT inhrelid NOT IN (SELECT oid FROM temporary), 4, inhrelid::text || ' ' || inhparent::text, xmin FROM pg_catalog.pg_inherits
		UNION ALL SELECT true, 5, oid::text, xmin FROM pg_catalog.pg_policy
		UNION ALL SELECT pronamespace NOT IN (SELECT oid FROM schemas), 6, oid::text, xmin FROM pg_catalog.pg_proc WHERE oid >= 16384
		UNION ALL SELECT oprnamespace NOT IN (SELECT oid FROM schemas), 7, oid::text, xmin FROM pg_catalog.pg_operator WHERE oid >= 16384
		UNION ALL SELECT typnamespace NOT IN (SELECT oid FROM schemas), 8, oid::text, xmin FROM pg_catalog.pg_type WHERE oid >= 16384
		UNION ALL SELECT true, 9, oid::text, xmin FROM pg_catalog.pg_cast WHERE oid >= 16384
		UNION ALL SELECT conrelid NOT IN (SELECT oid FROM temporary), 10, oid::text, xmin FROM pg_catalog.pg_constraint WHERE oid >= 16384
		UNION ALL SELECT tgrelid NOT IN (SELECT oid FROM temporary), 11, oid::text, xmin FROM pg_catalog.pg_trigger WHERE oid >= 16384
		UNION ALL SELECT adrelid NOT IN (SELECT oid FROM temporary), 12, oid::text, xmin FROM pg_catalog.pg_attrdef WHERE oid >= 16384
		UNION ALL SELECT oid NOT IN (SELECT oid FROM schemas), 13, oid::text, xmin FROM pg_catalog.pg_namespace
		UNION ALL SELECT true, 14, roleid::text || ' ' || member::text, xmin FROM pg_catalog.pg_auth_members) x
		GROUP BY lasts, kind ORDER BY lasts, kind`
)
