package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Past hoop: the superuser's own way to the database, which tells what is there, and stays out of the target's log.

const quietly = "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';"

func (w *world) past(ctx context.Context, database, sql string) ([]*pgconn.Result, error) {
	password, err := os.ReadFile(filepath.Join(w.dir, "postgres.password"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=%s sslmode=disable password='%s'",
		w.ports.Postgres, database, strings.TrimSpace(string(password))))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, quietly).ReadAll(); err != nil {
		return nil, err
	}
	return conn.Exec(ctx, sql).ReadAll()
}

// asked is what a query past hoop answers.
func (w *world) asked(t *testing.T, database, sql string) string {
	t.Helper()
	results, err := w.past(t.Context(), database, sql)
	if err != nil {
		t.Fatalf("past hoop: %s: %v", sql, err)
	}
	var cells []string
	for _, r := range results {
		cells = append(cells, cellsOf(r)...)
	}
	return strings.Join(cells, "|")
}

// fill makes the databases of the further connections.
func (w *world) fill() error {
	ctx := context.Background()
	for _, database := range []string{"free", "left", "right"} {
		if _, err := w.past(ctx, "postgres", "CREATE DATABASE \""+database+"\""); err != nil {
			return fmt.Errorf("create database %s: %w", database, err)
		}
	}
	schema, err := os.ReadFile("../../pkg/pgsql/testdata/evasion-schema.sql")
	if err != nil {
		return err
	}
	left := strings.ReplaceAll(string(schema), "CREATE ROLE agent LOGIN;", "")
	left = strings.ReplaceAll(left, " TO agent;", " TO hoop;")
	for database, sql := range map[string]string{"left": left, "right": twin(left), "free": "GRANT CREATE ON SCHEMA public TO hoop; GRANT CREATE ON DATABASE free TO hoop"} {
		if _, err := w.past(ctx, database, sql); err != nil {
			return fmt.Errorf("fill database %s: %w", database, err)
		}
	}
	return nil
}

// values are the masked values of the corpus' schema, and what the twin has instead: of the same length and kind.
func values() map[string]string {
	return map[string]string{
		"123-45-6789": "321-54-9876", "987-65-4321": "789-56-1234", "111-22-3333": "222-11-4444",
		"ann@example.com": "zoe@example.net", "bob@example.com": "tim@example.net", "cy@example.com": "xo@example.net",
		"4111111111111111": "4222222222222220", "5500005555555559": "5100004444444446", "378282246310005": "371449635398431",
		"+1-202-555-0101": "+1-202-555-0191", "+1-202-555-0102": "+1-202-555-0192", "+1-202-555-0103": "+1-202-555-0193",
		"Oslo": "Bern", `"vip"`: `"new"`,
	}
}

func twin(sql string) string {
	for left, right := range values() {
		sql = strings.ReplaceAll(sql, left, right)
	}
	return sql
}
