import java.sql.*;

/** What programs with pgjdbc ask of the corpus' schema: the metadata calls, and a few statements. */
public class JdbcProgram {
    static void all(ResultSet r) throws SQLException { while (r.next()) r.getString(1); r.close(); }

    public static void main(String[] args) throws Exception {
        var e = System.getenv();
        String url = "jdbc:postgresql://" + e.get("PGHOST") + ":" + e.get("PGPORT") + "/" + e.get("PGDATABASE") + "?sslmode=disable&ApplicationName=pgjdbc";
        Connection c = DriverManager.getConnection(url, e.get("PGUSER"), e.getOrDefault("PGPASSWORD", ""));
        DatabaseMetaData m = c.getMetaData();
        all(m.getSchemas()); all(m.getSchemas(null, "pub%")); all(m.getCatalogs()); all(m.getTableTypes());
        for (String pattern : new String[] {"%", "users"}) all(m.getTables(null, null, pattern, null));
        all(m.getTables(null, "public", "%", new String[] {"TABLE", "VIEW", "MATERIALIZED VIEW", "PARTITIONED TABLE"}));
        for (String table : new String[] {"users", "orders", "people"}) {
            all(m.getColumns(null, "public", table, "%")); all(m.getPrimaryKeys(null, "public", table)); all(m.getImportedKeys(null, "public", table));
            all(m.getExportedKeys(null, "public", table)); all(m.getIndexInfo(null, "public", table, false, false)); all(m.getBestRowIdentifier(null, "public", table, 1, true));
            all(m.getVersionColumns(null, "public", table)); all(m.getTablePrivileges(null, "public", table)); all(m.getColumnPrivileges(null, "public", table, "%"));
        }
        all(m.getCrossReference(null, "public", "users", null, "public", "orders"));
        all(m.getFunctions(null, "public", "%")); all(m.getProcedures(null, "public", "%")); all(m.getFunctionColumns(null, "public", "%", "%")); all(m.getProcedureColumns(null, "public", "%", "%"));
        all(m.getTypeInfo()); all(m.getUDTs(null, "public", "%", null)); m.getSQLKeywords(); m.getMaxColumnNameLength(); all(m.getClientInfoProperties());
        try (PreparedStatement p = c.prepareStatement("SELECT u.id, u.name, u.email, u.notes, o.total, o.tags FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = ? ORDER BY o.id")) {
            p.setInt(1, 1);
            ResultSet r = p.executeQuery();
            ResultSetMetaData d = r.getMetaData();
            for (int i = 1; i <= d.getColumnCount(); i++) { d.isAutoIncrement(i); d.isNullable(i); d.getTableName(i); }
            all(r);
        }
        c.setAutoCommit(false);
        try (PreparedStatement p = c.prepareStatement("select user0_.id as id1_0_0_, user0_.name as name2_0_0_, user0_.email as email3_0_0_, user0_.active as active4_0_0_ from public.users user0_ where user0_.id=?")) {
            p.setInt(1, 2);
            all(p.executeQuery());
        }
        try (PreparedStatement p = c.prepareStatement("insert into public.orders (user_id, total, placed_at) values (?, ?, ?)", Statement.RETURN_GENERATED_KEYS)) {
            p.setInt(1, 2); p.setBigDecimal(2, new java.math.BigDecimal("4.50")); p.setTimestamp(3, Timestamp.valueOf("2026-09-01 00:00:00"));
            p.executeUpdate();
            all(p.getGeneratedKeys());
        }
        try (PreparedStatement p = c.prepareStatement("select o1_0.state, sum(o1_0.total), count(distinct u1_0.id) from orders o1_0 join users u1_0 on u1_0.id=o1_0.user_id where u1_0.active=? group by o1_0.state order by 1 offset ? rows fetch first ? rows only")) {
            p.setBoolean(1, true); p.setInt(2, 0); p.setInt(3, 10);
            all(p.executeQuery());
        }
        c.rollback();
        c.close();
    }
}
