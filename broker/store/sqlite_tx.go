package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// sqliteTx keeps each thing as a JSON document beside the columns that it is found by.
type sqliteTx struct {
	ctx    context.Context // of the transaction, which this value does not outlive
	line   *line
	failed error // the first failure of the store itself
}

// broken is broken, and notes that the transaction can't be kept.
func (t *sqliteTx) broken(doing string, err error) error {
	err = broken(doing, err)
	if t.failed == nil {
		t.failed = err
	}
	return err
}

// statement answers a text prepared, as long as the transaction may go on. After a failure nothing is run any more: SQLite
// may have ended the transaction by itself, and what came after would be kept.
func (t *sqliteTx) statement(text string) (*sql.Stmt, error) {
	if t.failed != nil {
		return nil, t.failed
	}
	if err := t.ctx.Err(); err != nil {
		return nil, err
	}
	return t.line.statement(text)
}

func (t *sqliteTx) query(text string, args ...any) (*sql.Rows, error) {
	s, err := t.statement(text)
	if err != nil {
		return nil, t.broken("read", err)
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return nil, t.broken("read", err)
	}
	return rows, nil
}

// one reads one row into dest. ErrNotFound is for none.
func (t *sqliteTx) one(text string, args []any, dest ...any) error {
	s, err := t.statement(text)
	if err == nil {
		err = s.QueryRowContext(context.Background(), args...).Scan(dest...)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return t.broken("read", err)
	}
	return nil
}

func (t *sqliteTx) exec(query string, args ...any) (int64, error) {
	s, err := t.statement(query)
	if err != nil {
		return 0, t.broken("write", err)
	}
	res, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, t.broken("write", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, t.broken("write", err)
	}
	return n, nil
}

// put writes one row; args are the columns' values, the document last.
func (t *sqliteTx) put(table string, doc any, cols ...any) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encode a row of %s: %w", table, err)
	}
	marks := strings.Repeat("?, ", len(cols)) + "?"
	_, err = t.exec("INSERT OR REPLACE INTO "+table+" VALUES ("+marks+")", append(cols, string(text))...)
	return err
}

// get reads the one document that where selects.
func get[T any](t *sqliteTx, table, where string, args ...any) (T, error) {
	var doc T
	var text string
	if err := t.one("SELECT doc FROM "+table+" WHERE "+where, args, &text); err != nil {
		return doc, err
	}
	return doc, t.decode(table, text, &doc)
}

// list reads the documents that rest (WHERE, ORDER BY, LIMIT) selects.
func list[T any](t *sqliteTx, table, rest string, args ...any) ([]T, error) {
	rows, err := t.query("SELECT doc FROM "+table+" "+rest, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	docs := []T{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, t.broken("read", err)
		}
		var doc T
		if err := t.decode(table, text, &doc); err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	if err := rows.Err(); err != nil {
		return nil, t.broken("read", err)
	}
	return docs, nil
}

func (t *sqliteTx) decode(table, text string, doc any) error {
	if err := json.Unmarshal([]byte(text), doc); err != nil {
		return t.broken("decode a row of "+table, err)
	}
	return nil
}

// conditions builds the end of a query from the fields of a filter that are set.
type conditions struct {
	where []string
	args  []any
}

func (c *conditions) add(set bool, clause string, args ...any) {
	if set {
		c.where = append(c.where, clause)
		c.args = append(c.args, args...)
	}
}

func (c *conditions) in(column string, values []string) {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
	c.add(len(values) > 0, column+" IN ("+marks+")", args...)
}

func (c *conditions) owner(p api.Person) {
	c.add(p != api.Person{}, "issuer = ? AND subject = ?", p.Issuer, p.Subject)
}

func (c *conditions) end(limit int) string {
	rest := ""
	if len(c.where) > 0 {
		rest = "WHERE " + strings.Join(c.where, " AND ")
	}
	rest += " ORDER BY created_at DESC, id"
	if limit > 0 {
		rest += fmt.Sprintf(" LIMIT %d", limit)
	}
	return rest
}

// stamp is a time as it is compared in a column.
func stamp(t time.Time) int64 { return t.UnixMicro() }
