package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// maxStatements is how many statements a line keeps prepared. Filters and limits make few different texts.
const maxStatements = 256

// line is one connection to the file, with the statements that were sent on it before: reading a text costs SQLite more
// than running it. One transaction at a time uses it.
type line struct {
	db       *sql.DB
	conn     *sql.Conn // nil: opened by the next transaction
	prepared map[string]*sql.Stmt
}

// statement answers the text prepared. Statements are not interrupted: each is short, and the driver would start a
// goroutine for each to watch for the end of a context. Between them sqliteTx looks at its own.
func (l *line) statement(text string) (*sql.Stmt, error) {
	if s := l.prepared[text]; s != nil {
		return s, nil
	}
	if len(l.prepared) >= maxStatements {
		if err := l.forget(); err != nil {
			return nil, err
		}
	}
	s, err := l.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	l.prepared[text] = s
	return s, nil
}

func (l *line) forget() error {
	var errs []error
	for _, s := range l.prepared {
		errs = append(errs, s.Close())
	}
	l.prepared = map[string]*sql.Stmt{}
	return errors.Join(errs...)
}

func (l *line) exec(text string) error {
	s, err := l.statement(text)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(context.Background())
	return err
}

// begin starts a transaction. BEGIN IMMEDIATE is one that writes.
func (l *line) begin(how string) (err error) {
	if l.conn == nil {
		if l.conn, err = l.db.Conn(context.Background()); err != nil {
			return broken("connect", err)
		}
		l.prepared = map[string]*sql.Stmt{}
	}
	if err := l.exec(how); err != nil {
		return broken("begin", err)
	}
	return nil
}

// commit keeps the transaction. After an error nothing of it was kept.
func (l *line) commit() error {
	if err := l.exec("COMMIT"); err != nil {
		l.rollback()
		return broken("commit", err)
	}
	return nil
}

// rollback drops the transaction. A connection that can't say that it did, which is also one that SQLite itself took out of
// the transaction, is given up.
func (l *line) rollback() {
	if l.exec("ROLLBACK") != nil {
		_ = l.close(true) // whatever it says: the connection is gone
	}
}

// close ends the connection; a doubtful one does not go back to the pool.
func (l *line) close(doubtful bool) error {
	if l.conn == nil {
		return nil
	}
	err := l.forget()
	if doubtful {
		_ = l.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	err = errors.Join(err, l.conn.Close())
	l.conn = nil
	return err
}
