package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/hoop-gateway/hoop/broker/store"
	"github.com/hoop-gateway/hoop/broker/store/storetest"
)

func TestSQLiteIsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "hoop.db")) })
}

func open(t *testing.T, path string) *store.SQLite {
	t.Helper()
	s, err := store.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheStoreSurvivesARestartAndIsNobodyElsesToRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space & ?odd#name%.db")
	first := open(t, path)
	put(t, first, "one")
	for _, file := range []string{path, path + "-wal"} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, path)
	defer second.Close()
	if got := entries(t, second); len(got) != 1 || got[0].Kind != "one" {
		t.Errorf("%+v", got)
	}
}

func put(t *testing.T, s store.Store, kinds ...string) {
	t.Helper()
	for _, kind := range kinds {
		err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Append("audit", store.Entry{Kind: kind}) })
		if err != nil {
			t.Fatal(err)
		}
	}
}

func entries(t *testing.T, s store.Store) (found []store.Entry) {
	t.Helper()
	err := s.View(t.Context(), func(tx store.Tx) (err error) {
		found, err = tx.Entries("audit")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Whoever can write the file can take a line out, but not without leaving a gap.
func TestATamperedChainIsBroken(t *testing.T) {
	for what, statement := range map[string]string{
		"removed":        "DELETE FROM chain WHERE n = 2",
		"first removed":  "DELETE FROM chain WHERE n = 1",
		"altered":        "UPDATE chain SET doc = replace(doc, 'two', 'TWO')",
		"renumbered":     "DELETE FROM chain WHERE n = 2; UPDATE chain SET n = 2 WHERE n = 3",
		"swapped":        "UPDATE chain SET n = n + 10; UPDATE chain SET n = 5 - (n - 10) - 1 WHERE n > 10",
		"duplicated":     "INSERT INTO chain SELECT name, 4, prev, hash, doc FROM chain WHERE n = 3",
		"from elsewhere": "UPDATE chain SET hash = zeroblob(32) WHERE n = 3",
	} {
		path := filepath.Join(t.TempDir(), "hoop.db")
		s := open(t, path)
		put(t, s, "one", "two", "three")
		execute(t, path, statement)
		err := s.View(t.Context(), func(tx store.Tx) error {
			_, err := tx.Entries("audit")
			return err
		})
		if !errors.Is(err, store.ErrBroken) {
			t.Errorf("%s: %v, want a broken chain", what, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// C17: a store that somebody else holds, and one that is damaged, refuse and say so.
func TestAHeldStoreIsUnavailable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hoop.db")
	s := open(t, path)
	defer s.Close()
	put(t, s, "one")
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(tx store.Tx) error { return tx.Append("audit", store.Entry{Kind: "two"}) })
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("while it is held: %v", err)
	}
	if got := entries(t, s); len(got) != 1 {
		t.Errorf("reading while it is held: %+v", got)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	put(t, s, "two")
}

func TestADamagedStoreDoesNotOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hoop.db")
	if err := os.WriteFile(path, []byte("this is not a database, and long enough to tell"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := store.OpenSQLite(t.Context(), path); err == nil {
		_ = s.Close()
		t.Error("it opened")
	}
}
