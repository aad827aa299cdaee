package pgsql_test

import (
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// manyTables makes 2,000 tables of twelve columns with keys, checks, defaults and indexes, and two hundred views.
const manyTables = `DO $$ BEGIN
	FOR i IN 1..2000 LOOP
		EXECUTE format('CREATE TABLE t%s(id int PRIMARY KEY, parent int %s, tenant int NOT NULL, name text DEFAULT ''x'', email text, born date, pay numeric(10,2) CHECK (pay > 0), at timestamptz DEFAULT now(), tags text[], doc jsonb, gone bool, up text GENERATED ALWAYS AS (upper(name)) STORED)',
			i, CASE WHEN i > 1 THEN 'REFERENCES t' || i - 1 END);
		EXECUTE format('CREATE INDEX ON t%s(tenant, email)', i);
		EXECUTE format('CREATE INDEX ON t%s(lower(name)) WHERE NOT gone', i);
		IF i % 10 = 0 THEN
			EXECUTE format('CREATE VIEW v%s AS SELECT a.id, a.name, b.email, count(*) OVER () AS n FROM t%s a JOIN t%s b ON b.parent = a.id WHERE NOT a.gone', i, i - 1, i);
		END IF;
		IF i % 100 = 0 THEN
			COMMIT;
		END IF;
	END LOOP;
END $$`

// What it costs to know the definitions of a large database: at the first session, after each change of them, and every two seconds.
func BenchmarkCatalogOf2000Tables(b *testing.B) {
	if err := server.Exec("CREATE DATABASE many"); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Exec("DROP DATABASE many WITH (FORCE)") })
	if err := server.ExecIn("many", manyTables); err != nil {
		b.Fatal(err)
	}
	s := connect(b, "agent", "many")
	if err := server.ExecIn("many", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO agent; ANALYZE pg_catalog.pg_class, pg_catalog.pg_attribute, pg_catalog.pg_depend, pg_catalog.pg_type, pg_catalog.pg_constraint, pg_catalog.pg_index"); err != nil {
		b.Fatal(err)
	}
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			if _, err := pgsql.LoadCatalog(b.Context(), s.PgConn); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("signature", func(b *testing.B) {
		for b.Loop() {
			if _, err := pgsql.ReadSignature(b.Context(), s.PgConn); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("masks", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			c, err := pgsql.LoadCatalog(b.Context(), s.PgConn)
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			c.Masks([]pgsql.MaskPattern{{Pattern: "*.email", As: pgsql.Redact}})
		}
	})
}
