package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite", without cgo
)

//go:embed migrations/*.sql
var migrations embed.FS

// SQLite is the embedded store: one file, one writer, many readers.
type SQLite struct {
	write *sql.DB
	read  *sql.DB
	group group      // has the one connection that writes: who writes queues here, not at a busy file
	lines chan *line // those that read, while nobody uses them
}

// readers is how many may read at a time.
const readers = 4

// How transactions begin.
const (
	beginRead  = "BEGIN"
	beginWrite = "BEGIN IMMEDIATE"
)

// OpenSQLite opens the store in the file path, makes it where it is missing, and brings
// its tables up to date. Commits wait for the disk: a grant that was given is not forgotten.
func OpenSQLite(ctx context.Context, path string) (*SQLite, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", path, err)
	}
	// SQLite gives its side files the mode of the main one, which it would make readable by others.
	f, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	s := &SQLite{}
	if s.write, err = sql.Open("sqlite", dsn(abs, "_txlock", "immediate")); err != nil {
		return nil, fmt.Errorf("open the store %s: %w", path, err)
	}
	s.write.SetMaxOpenConns(1)
	if err := migrate(ctx, s.write); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", path, err), s.write.Close())
	}
	if s.read, err = sql.Open("sqlite", dsn(abs, "_query_only", "1")); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", path, err), s.write.Close())
	}
	s.read.SetMaxOpenConns(readers)
	s.group.line = &line{db: s.write}
	s.lines = make(chan *line, readers)
	for range readers {
		s.lines <- &line{db: s.read}
	}
	return s, nil
}

func dsn(path, key, value string) string {
	q := url.Values{
		"_pragma": {"busy_timeout(2000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
		key:       {value},
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("find the migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("prepare the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("run the migrations: %w", err)
	}
	return nil
}

// Update implements Store.
func (s *SQLite) Update(ctx context.Context, fn func(Tx) error) error { return s.group.update(ctx, fn) }

// UpdateSoon implements Store.
func (s *SQLite) UpdateSoon(ctx context.Context, fn func(Tx) error) error {
	return s.group.updateSoon(ctx, fn)
}

// View implements Store.
func (s *SQLite) View(ctx context.Context, fn func(Tx) error) error {
	select {
	case l := <-s.lines:
		defer func() { s.lines <- l }()
		return view(ctx, l, fn)
	case <-ctx.Done():
		return broken("read", ctx.Err())
	}
}

// view reads. Its transaction has nothing to keep, and ends also after a panic, which goes on.
func view(ctx context.Context, l *line, fn func(Tx) error) error {
	if err := l.begin(beginRead); err != nil {
		return err
	}
	defer l.rollback()
	return fn(&sqliteTx{ctx: ctx, line: l})
}

// Close implements Store.
func (s *SQLite) Close() error {
	var errs []error
	var all []*line
	for range readers {
		l := <-s.lines
		errs, all = append(errs, l.close(false)), append(all, l)
	}
	errs = append(errs, s.read.Close(), s.group.close())
	for _, l := range all {
		s.lines <- l // who comes later learns that there is no connection
	}
	return errors.Join(errs...)
}

func broken(doing string, err error) error {
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
}
