package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// For whom nothing is masked and everything is allowed, dumps are those of a direct connection, and can be restored.
func TestDumpsAreTheSameAndCanBeRestored(t *testing.T) {
	w := shared
	open := w.user(t, "privacy")
	through := func(program ...string) string {
		return open.must(t, append([]string{"connect", "db-open", "--"}, program...)...)
	}
	directly := func(program ...string) string {
		out, _ := w.run(t, "free", program...)
		return out
	}
	through("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "../clients/dumped.sql")
	dump := []string{"pg_dump", "--schema=dumped", "--restrict-key=dumped"}
	want := directly(dump...)
	for _, part := range []string{"CREATE POLICY", "COPY dumped.children", "'dumped.numbers', 7", "CREATE TRIGGER"} {
		if !strings.Contains(want, part) {
			t.Fatalf("the dump lacks %s", part)
		}
	}
	same := func(what, got string) {
		if got != want {
			t.Errorf("%s: %s", what, firstDifference(want, got))
		}
	}
	same("a dump", through(dump...))
	// Who may only read asks for no subscriptions: those hold passwords.
	same("a dump of one who may only read", open.must(t, append(append([]string{"connect", "db-read", "--"}, dump...), "--no-subscriptions")...))
	inserts := append(dump, "--inserts", "--rows-per-insert=20", "--quote-all-identifiers")
	if want, got := directly(inserts...), through(inserts...); got != want {
		t.Errorf("a dump as INSERTs: %s", firstDifference(want, got))
	}

	dir := t.TempDir()
	archive, folder, text := filepath.Join(dir, "archive"), filepath.Join(dir, "folder"), filepath.Join(dir, "text.sql")
	through("pg_dump", "-Fc", "--schema=dumped", "-f", archive)
	through("pg_dump", "-Fd", "-j2", "--schema=dumped", "-f", folder)
	for what, program := range map[string][]string{
		"restored from an archive, in one transaction": {"pg_restore", "--clean", "--exit-on-error", "-1", "-d", "free", archive},
		"restored from a folder, in parallel":          {"pg_restore", "--clean", "--exit-on-error", "-j2", "-d", "free", folder},
	} {
		through(program...)
		same(what, directly(dump...))
	}
	if err := os.WriteFile(text, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	through("psql", "-X", "-q", "-c", "DROP SCHEMA dumped CASCADE")
	through("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", text)
	same("restored by psql", directly(dump...))
	through("psql", "-X", "-q", "-c", "DROP SCHEMA dumped CASCADE")
}
