package pgfind_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql/pgfind"
)

// programs makes a folder with programs that have these names.
func programs(t *testing.T, names ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheFolderOnPATHGoesFirst(t *testing.T) {
	dir := programs(t, "initdb", "postgres")
	t.Setenv("PATH", dir)
	if got, err := pgfind.Programs(); err != nil || got != dir {
		t.Errorf("%s, %v; want %s", got, err, dir)
	}
}

func TestALinkOnPATHLeadsToTheFolderOfThePrograms(t *testing.T) {
	dir, links := programs(t, "initdb", "postgres"), programs(t)
	if err := os.Symlink(filepath.Join(dir, "initdb"), filepath.Join(links, "initdb")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", links)
	if got, err := pgfind.Programs(); err != nil || got != dir {
		t.Errorf("%s, %v; want %s", got, err, dir)
	}
}

func TestAFolderWithoutTheServerIsPassedOver(t *testing.T) {
	dir := programs(t, "initdb")
	t.Setenv("PATH", dir)
	got, err := pgfind.Programs()
	if errors.Is(err, pgfind.ErrNone) && got == "" {
		return // PostgreSQL is installed nowhere else
	}
	if _, statErr := os.Stat(filepath.Join(got, "postgres")); err != nil || got == dir || statErr != nil {
		t.Errorf("%q, %v, %v", got, err, statErr)
	}
}

func TestTheServerNeverRunsAsRoot(t *testing.T) {
	owner, err := pgfind.Owner()
	if err != nil {
		t.Fatal(err)
	}
	if root := os.Geteuid() == 0; root != (owner != nil) || root && (owner.Uid == 0 || owner.Gid == 0) {
		t.Errorf("as user %d: %+v", os.Geteuid(), owner)
	}
}
