package cluster

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed schema.sql
var schema string

// quiet keeps passwords and the filling itself out of the server's log, which is for what came through the gateway.
const quiet = "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';"

// fill makes the gateway's role, the database and the sample tables, as far as they are missing.
func (c *Cluster) fill(ctx context.Context) error {
	if err := c.in(ctx, "postgres", c.roleAndDatabase); err != nil {
		return fmt.Errorf("prepare the private PostgreSQL: %w", err)
	}
	if err := c.in(ctx, Database, tables); err != nil {
		return fmt.Errorf("fill the private PostgreSQL: %w", err)
	}
	return nil
}

// in runs fn on a superuser's connection.
func (c *Cluster) in(ctx context.Context, database string, fn func(context.Context, *pgconn.PgConn) error) error {
	conn, err := pgconn.Connect(ctx, c.dsn(database))
	if err != nil {
		return err
	}
	if err := run(ctx, conn, quiet); err != nil {
		return errors.Join(err, conn.Close(ctx))
	}
	return errors.Join(fn(ctx, conn), conn.Close(ctx))
}

func run(ctx context.Context, conn *pgconn.PgConn, sql string) error {
	_, err := conn.Exec(ctx, sql).ReadAll()
	return err
}

func has(ctx context.Context, conn *pgconn.PgConn, sql string) (bool, error) {
	results, err := conn.Exec(ctx, sql).ReadAll()
	return len(results) == 1 && len(results[0].Rows) > 0, err
}

// roleAndDatabase sets the role's password at every start, to the one that the gateway's credential file holds.
func (c *Cluster) roleAndDatabase(ctx context.Context, conn *pgconn.PgConn) error {
	verb := "CREATE"
	known, err := has(ctx, conn, "SELECT FROM pg_roles WHERE rolname = '"+Role+"'")
	if err != nil {
		return err
	}
	if known {
		verb = "ALTER"
	}
	secret := strings.ReplaceAll(c.cfg.RolePassword, "'", "''")
	attributes := " ROLE " + Role + " LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD '"
	if err := run(ctx, conn, verb+attributes+secret+"'"); err != nil {
		return err
	}
	if known, err = has(ctx, conn, "SELECT FROM pg_database WHERE datname = '"+Database+"'"); err != nil || known {
		return err
	}
	return run(ctx, conn, "CREATE DATABASE "+Database)
}

// tables fills the database in one transaction, once: what people changed since stays as it is.
func tables(ctx context.Context, conn *pgconn.PgConn) error {
	known, err := has(ctx, conn, "SELECT FROM pg_class WHERE relname = 'users' AND relnamespace = 'public'::regnamespace")
	if err != nil || known {
		return err
	}
	if err := run(ctx, conn, "BEGIN;"+schema); err != nil {
		return err
	}
	for _, copied := range []struct{ table, rows string }{{"users", users()}, {"orders", orders()}} {
		if _, err := conn.CopyFrom(ctx, strings.NewReader(copied.rows), "COPY "+copied.table+" FROM STDIN"); err != nil {
			return fmt.Errorf("copy into %s: %w", copied.table, err)
		}
	}
	return run(ctx, conn, "COMMIT; ANALYZE users; ANALYZE orders")
}
