import java.io.*;
import java.math.BigDecimal;
import java.sql.*;
import java.sql.Connection;
import java.util.*;
import java.util.concurrent.*;
import org.postgresql.*;
import org.postgresql.copy.*;
import org.postgresql.core.*;
import org.postgresql.util.*;

/** Calls of pgjdbc as programs make them. What each answers is one line, so that two runs can be compared. */
public class JdbcCalls {
    interface Call { Object run() throws Exception; }

    static Connection c;

    static void show(String name, Object value) { System.out.println(name + ": " + value); }

    static void error(String name, Call call) throws Exception {
        try {
            call.run();
            show(name, "no error");
        } catch (SQLException e) {
            ServerErrorMessage m = e instanceof PSQLException p ? p.getServerErrorMessage() : null;
            boolean ours = "42601".equals(e.getSQLState()); // hoop words these
            show(name, e.getSQLState() + " " + (m == null ? e.getMessage() : ours ? m.getSeverity() + " at " + m.getPosition() : m.getSeverity() + " " + m.getMessage() + " at " + m.getPosition()));
        }
    }

    static String rows(ResultSet r) throws SQLException {
        StringBuilder b = new StringBuilder();
        int n = r.getMetaData().getColumnCount();
        while (r.next()) {
            for (int i = 1; i <= n; i++) b.append(i > 1 ? "," : "[").append(r.getString(i));
            b.append("]");
        }
        r.close();
        return b.toString();
    }

    static String ask(String sql) throws SQLException { try (Statement s = c.createStatement()) { return rows(s.executeQuery(sql)); } }
    static int run(String sql) throws SQLException { try (Statement s = c.createStatement()) { return s.executeUpdate(sql); } }

    static String only(ResultSet r, String... columns) throws SQLException {
        StringBuilder b = new StringBuilder();
        while (r.next()) {
            b.append("[");
            for (String column : columns) b.append(r.getString(column)).append(",");
            b.append("]");
        }
        r.close();
        return b.toString();
    }

    static Connection open(String more) throws SQLException {
        Map<String, String> e = System.getenv();
        return DriverManager.getConnection("jdbc:postgresql://" + e.get("PGHOST") + ":" + e.get("PGPORT") + "/" + e.get("PGDATABASE") + "?sslmode=disable" + more, e.get("PGUSER"), e.getOrDefault("PGPASSWORD", ""));
    }

    public static void main(String[] args) throws Exception {
        TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
        for (String way : new String[] {"", "&preferQueryMode=simple", "&autosave=always"}) {
            c = open(way);
            show("way", way);
            calls(way.contains("simple"));
            c.close();
        }
        c = open("");
        try (Statement s = c.createStatement()) {
            s.setQueryTimeout(1);
            error("a time-out", () -> s.executeQuery("SELECT pg_sleep(60)"));
        }
        metadata();
        pool();
        c.close();
    }

    static void calls(boolean simple) throws Exception {
        run("DROP TABLE IF EXISTS jdbc_calls");
        run("CREATE TABLE jdbc_calls (id serial PRIMARY KEY, t text, n numeric(10,2) CHECK (n >= 0), d date, ts timestamptz, b bytea, a int[], j jsonb, u uuid, f float8, flag bool)");
        try (PreparedStatement p = c.prepareStatement("INSERT INTO jdbc_calls (t, n, d, ts, b, a, j, u, f, flag) VALUES (?, ?, ?, ?, decode(?, 'hex'), ?, ?::jsonb, ?, ?, ?)", Statement.RETURN_GENERATED_KEYS)) {
            p.setString(1, "naïve 'quoted' \\ text");
            p.setBigDecimal(2, new BigDecimal("12.34"));
            p.setDate(3, java.sql.Date.valueOf("2026-02-03"));
            p.setTimestamp(4, Timestamp.valueOf("2026-02-03 04:05:06"));
            p.setString(5, "00ff27"); // bytes themselves are more than its simple mode can do
            p.setArray(6, c.createArrayOf("int4", new Integer[] {1, null, 3}));
            p.setString(7, "{\"k\": [1, {\"x\": null}]}");
            p.setObject(8, UUID.fromString("00000000-0000-0000-0000-000000000007"));
            p.setDouble(9, 1.5);
            p.setBoolean(10, true);
            show("insert", p.executeUpdate());
            show("generated keys", only(p.getGeneratedKeys(), "id"));
        }
        for (int i = 0; i < 7; i++) // the fifth is prepared by name, with binary results after that
            try (PreparedStatement p = c.prepareStatement("SELECT t, n, d, ts, b, a, j, u, f, flag FROM jdbc_calls WHERE id = ?")) {
                p.setInt(1, 1);
                ResultSet r = p.executeQuery();
                r.next();
                if (i % 3 == 0) show("types " + i, r.getString(1) + r.getBigDecimal(2) + r.getDate(3) + r.getTimestamp(4) + Arrays.toString(r.getBytes(5)) + r.getArray(6) + r.getString(7) + r.getObject(8) + r.getDouble(9) + r.getBoolean(10));
            }
        PreparedStatement again = c.prepareStatement("SELECT ?::int + id, t FROM jdbc_calls WHERE id < ?");
        for (int i = 0; i < 7; i++) {
            again.setInt(1, i);
            again.setInt(2, 2);
            show("prepared " + i, rows(again.executeQuery()));
        }
        ResultSetMetaData m = again.getMetaData();
        show("described", m.getColumnCount() + m.getColumnName(2) + m.getColumnTypeName(1) + m.getColumnTypeName(2));
        show("parameters", again.getParameterMetaData().getParameterTypeName(2));
        again.close();
        try (PreparedStatement p = c.prepareStatement("INSERT INTO jdbc_calls (t, n) VALUES (?, ?)")) {
            for (int i = 0; i < 300; i++) {
                p.setString(1, "batch");
                p.setInt(2, i);
                p.addBatch();
            }
            show("batch", Arrays.stream(p.executeBatch()).sum());
        }
        try (Statement s = c.createStatement()) {
            s.addBatch("UPDATE jdbc_calls SET flag = true WHERE n < 3");
            s.addBatch("DELETE FROM jdbc_calls WHERE n > 290");
            show("batch of texts", Arrays.toString(s.executeBatch()));
            show("several", s.execute("SELECT 1; SELECT 2; UPDATE jdbc_calls SET flag = false WHERE n = 5"));
            show("first", rows(s.getResultSet()));
            show("second", s.getMoreResults() ? rows(s.getResultSet()) : "none");
            show("third", !s.getMoreResults() ? s.getUpdateCount() : -1);
        }
        show("arrays", ask("SELECT ARRAY[[1,2],[3,NULL]], ARRAY['a,b', '\"c\"', NULL]::text[], '{}'::int[]"));
        show("other types", ask("SELECT int4range(1,5), interval '1 day 02:03:04', time '04:05', '10.0.0.0/8'::cidr, point(1,2), 9223372036854775807, 'NaN'::float8, ''::text, NULL, B'101', '12.50'::money"));
        show("escapes", ask("SELECT {fn upper('x')}, {d '2026-01-02'}, {fn concat('a', 'b')}"));

        c.setAutoCommit(false);
        try (Statement s = c.createStatement()) {
            s.setFetchSize(50);
            ResultSet r = s.executeQuery("SELECT i FROM generate_series(1, 170) i");
            int n = 0;
            while (r.next()) n++;
            show("fetched by 50", n);
        }
        try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
            ResultSet r = s.executeQuery("SELECT id, t FROM jdbc_calls WHERE id <= 3 ORDER BY id");
            r.last();
            show("scrolled", r.getInt(1));
            r.updateString("t", "updated in place");
            r.updateRow();
            show("updatable", r.getString("t"));
        }
        Savepoint sp = c.setSavepoint("s");
        error("division by zero", () -> ask("SELECT 1/0"));
        if (failed()) c.rollback(sp);
        show("savepoint", ask("SELECT 'after the savepoint'"));
        error("a check", () -> run("INSERT INTO jdbc_calls (n) VALUES (-1)"));
        c.rollback();
        c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        c.setReadOnly(true);
        error("a read-only transaction", () -> run("DELETE FROM jdbc_calls"));
        c.rollback();
        c.setReadOnly(false);
        show("isolation", ask("SHOW transaction_isolation"));
        c.rollback();
        c.setAutoCommit(true);

        CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
        StringWriter out = new StringWriter();
        copy.copyOut("COPY (SELECT t, n FROM jdbc_calls WHERE n < 3 ORDER BY n) TO STDOUT (FORMAT csv)", out);
        show("copy out", out.toString().replace("\n", "|"));
        show("copy in", copy.copyIn("COPY jdbc_calls (t, n) FROM STDIN", new StringReader("copied\t1\ncopied\t\\N\n")));
        error("a copy that fails", () -> copy.copyIn("COPY jdbc_calls (n) FROM STDIN", new StringReader("no number\n")));
        CopyIn by = copy.copyIn("COPY jdbc_calls (t) FROM STDIN");
        by.writeToCopy("x\n".getBytes(), 0, 2);
        by.cancelCopy();
        show("a copy that is given up", by.isActive());

        error("a syntax error", () -> ask("SELEC 1"));
        error("no such table", () -> ask("SELECT * FROM nowhere_at_all"));
        error("a unique violation", () -> run("INSERT INTO jdbc_calls (id) VALUES (1)"));
        error("a bad cast", () -> ask("SELECT 'x'::int"));
        error("no such function", () -> ask("SELECT no_such_function(1)"));
        try (Statement s = c.createStatement()) {
            Timer t = new Timer(true);
            t.schedule(new TimerTask() { public void run() { try { s.cancel(); } catch (SQLException e) { throw new IllegalStateException(e); } } }, 300);
            error("cancel", () -> s.executeQuery("SELECT pg_sleep(60)"));
            t.cancel();
        }
        try (Statement s = c.createStatement()) {
            s.execute("DO $$ BEGIN RAISE NOTICE 'noted %', 7; RAISE WARNING 'warned'; END $$");
            show("raised", s.getWarnings().getMessage() + s.getWarnings().getNextWarning().getMessage());
        }
        run("LISTEN jdbc_calls");
        run("NOTIFY jdbc_calls, 'hello'");
        for (PGNotification n : c.unwrap(PGConnection.class).getNotifications(5000)) show("notify", n.getName() + n.getParameter());
        if (!simple) { // which sends no call with its types
            run("CREATE OR REPLACE FUNCTION jdbc_twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2'");
            try (CallableStatement s = c.prepareCall("{? = call jdbc_twice(?)}")) {
                s.registerOutParameter(1, Types.INTEGER);
                s.setInt(2, 21);
                s.execute();
                show("a call", s.getInt(1));
            }
            run("DROP FUNCTION jdbc_twice(int)");
        }
        show("valid", c.isValid(5));
        run("DROP TABLE jdbc_calls");
    }

    /** Whether the transaction has failed: with autosave it has not. */
    static boolean failed() throws SQLException {
        return c.unwrap(BaseConnection.class).getTransactionState() == TransactionState.FAILED;
    }

    static void metadata() throws Exception {
        run("DROP TABLE IF EXISTS jdbc_child, jdbc_parent");
        run("CREATE TABLE jdbc_parent (id serial PRIMARY KEY, name varchar(50) NOT NULL DEFAULT 'x' UNIQUE)");
        run("CREATE TABLE jdbc_child (id int PRIMARY KEY, parent int REFERENCES jdbc_parent ON DELETE CASCADE, a numeric(10,2)[])");
        DatabaseMetaData m = c.getMetaData();
        show("product", m.getDatabaseProductName() + m.getDriverName() + m.getMaxColumnNameLength());
        show("schemas", only(m.getSchemas(), "TABLE_SCHEM"));
        show("catalogs", only(m.getCatalogs(), "TABLE_CAT").contains("free"));
        show("table types", only(m.getTableTypes(), "TABLE_TYPE"));
        show("tables", only(m.getTables(null, "public", "jdbc%", new String[] {"TABLE"}), "TABLE_NAME", "TABLE_TYPE", "REMARKS"));
        show("columns", only(m.getColumns(null, "public", "jdbc%", "%"), "TABLE_NAME", "COLUMN_NAME", "TYPE_NAME", "COLUMN_SIZE", "IS_NULLABLE", "COLUMN_DEF", "IS_AUTOINCREMENT"));
        show("primary keys", only(m.getPrimaryKeys(null, "public", "jdbc_child"), "COLUMN_NAME", "PK_NAME"));
        show("imported", only(m.getImportedKeys(null, "public", "jdbc_child"), "PKTABLE_NAME", "FKCOLUMN_NAME", "DELETE_RULE"));
        show("exported", only(m.getExportedKeys(null, "public", "jdbc_parent"), "FKTABLE_NAME"));
        show("indexes", only(m.getIndexInfo(null, "public", "jdbc_parent", false, false), "INDEX_NAME", "NON_UNIQUE", "COLUMN_NAME"));
        show("best row", only(m.getBestRowIdentifier(null, "public", "jdbc_child", 1, true), "COLUMN_NAME"));
        show("table privileges", only(m.getTablePrivileges(null, "public", "jdbc_child"), "PRIVILEGE"));
        show("functions", only(m.getFunctions(null, "pg_catalog", "lower"), "FUNCTION_NAME"));
        show("procedure columns", only(m.getFunctionColumns(null, "pg_catalog", "repeat", "%"), "COLUMN_NAME", "TYPE_NAME"));
        show("types", only(m.getTypeInfo(), "TYPE_NAME").contains("jsonb"));
        show("udts", only(m.getUDTs(null, "public", "no%", null), "TYPE_NAME"));
        show("keywords", m.getSQLKeywords().length() > 100);
        run("DROP TABLE jdbc_child, jdbc_parent");
    }

    static void pool() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(5);
        List<Future<Integer>> got = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            int x = i;
            got.add(threads.submit(() -> {
                try (Connection own = open(""); PreparedStatement p = own.prepareStatement("SELECT ? * 2")) {
                    p.setInt(1, x);
                    ResultSet r = p.executeQuery();
                    r.next();
                    return r.getInt(1);
                }
            }));
        }
        StringBuilder b = new StringBuilder();
        for (Future<Integer> f : got) b.append(f.get()).append(" ");
        show("a pool", b);
        threads.shutdown();
    }
}
