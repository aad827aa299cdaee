package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// bothWays runs a program directly and through hoop, as the same role of the same database. It wants the same output, and
// answers it.
func bothWays(t *testing.T, program ...string) string {
	t.Helper()
	w := shared
	out, errs := w.run(t, "free", program...)
	r := w.user(t, "agent").run(t, append([]string{"connect", "db-free", "--"}, program...)...)
	if r.code != 0 {
		t.Errorf("through hoop: exit %d\n%s", r.code, r.stderr)
	}
	for _, said := range []struct{ what, direct, hoop string }{{"stdout", out, r.stdout}, {"stderr", errs, r.stderr}} {
		if a, b := plain(said.direct), plain(said.hoop); a != b {
			t.Errorf("%s differs: %s", said.what, firstDifference(a, b))
		}
	}
	return out
}

// run runs a program directly, with success.
func (w *world) run(t *testing.T, database string, program ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program[0], program[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LANG=C.UTF-8", "DATABASE_URL=" + w.direct(t, database), "PGHOST=127.0.0.1",
		fmt.Sprintf("PGPORT=%d", w.ports.Postgres), "PGUSER=hoop", "PGDATABASE=" + database, "PGPASSWORD=" + strings.TrimSpace(w.read(t, "db-prod.password"))}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || out.Len() == 0 {
		t.Fatalf("directly: %v\n%s%s", err, &out, &errs)
	}
	return out.String(), errs.String()
}

// volatileText is what no two runs have in common.
var volatileText = regexp.MustCompile(`\b(OID|PID) \d+|type_code: \d+|\bTime: [^\n]*`)

func plain(s string) string { return volatileText.ReplaceAllString(s, "?") }

func firstDifference(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return fmt.Sprintf("line %d\n  directly     %.1500s\n  through hoop %.1500s", i+1, left[i], right[i])
		}
	}
	return fmt.Sprintf("%d lines directly, %d through hoop:\n%.1500s", len(left), len(right), strings.Join(append(left, right...)[min(len(left), len(right)):], "\n"))
}

func TestPsqlWorksUnchanged(t *testing.T) {
	script, err := filepath.Abs("../clients/script.sql")
	if err != nil {
		t.Fatal(err)
	}
	said := bothWays(t, "sh", "-c", `cd "$1" && exec psql -X -f "$0"`, script, t.TempDir()) // \copy writes files
	if statements := strings.Count(said, "\nTime: "); statements < 80 {
		t.Errorf("it runs %d statements only", statements)
	}
	bothWays(t, "psql", "-X", "-At", "-c", "SELECT 1", "-c", "SELECT 2; SELECT 3", "-c", `\dn`)
	bothWays(t, "psql", "-X", "-1", "-c", "CREATE TABLE once (id int)", "-c", "INSERT INTO once VALUES (1)", "-c", "DROP TABLE once")
}

// The scripts print a line for each call of theirs that answers something.
func TestPsycopg2WorksUnchanged(t *testing.T) {
	scenario(t, "/usr/bin/python3", "../clients/psycopg2_calls.py")
}

func TestPsycopg3WorksUnchanged(t *testing.T) {
	scenario(t, "/usr/bin/python3", "../clients/psycopg3_calls.py")
}

func TestSQLAlchemyWorksUnchanged(t *testing.T) {
	scenario(t, "/usr/bin/python3", "-W", "ignore", "../clients/sqlalchemy_calls.py")
}

func TestNodePostgresWorksUnchanged(t *testing.T) {
	scenario(t, "env", "NODE_PATH="+modules(t), "node", "--no-deprecation", "../clients/node_calls.js")
}

func TestPgjdbcWorksUnchanged(t *testing.T) {
	scenario(t, "java", "-XX:TieredStopAtLevel=1", "-cp", "/usr/share/java/postgresql.jar", "../clients/JdbcCalls.java")
}

// modules is where scripts/test-deps.sh has npm put node-postgres.
func modules(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../.cache/node/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func scenario(t *testing.T, program ...string) {
	t.Helper()
	if lines := strings.Count(bothWays(t, program...), "\n"); lines < 40 {
		t.Errorf("it shows the answers of %d calls only", lines)
	}
}

func TestPgbenchWorksInAllThreeProtocols(t *testing.T) {
	w := shared
	init := exec.CommandContext(t.Context(), "pgbench", "-i", "-q", "-s", "1")
	init.Env = []string{"PATH=" + os.Getenv("PATH"), "PGHOST=127.0.0.1", fmt.Sprintf("PGPORT=%d", w.ports.Postgres), "PGUSER=postgres",
		"PGDATABASE=free", "PGPASSWORD=" + strings.TrimSpace(w.read(t, "postgres.password"))}
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := w.past(t.Context(), "free", "GRANT ALL ON pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers TO hoop"); err != nil {
		t.Fatal(err)
	}
	agent := w.user(t, "agent")
	for _, protocol := range []string{"simple", "extended", "prepared"} {
		t.Run(protocol, func(t *testing.T) {
			r := agent.run(t, "connect", "db-free", "--", "pgbench", "-n", "-M", protocol, "-c", "4", "-t", "200")
			if r.code != 0 || !strings.Contains(r.stdout, "actually processed: 800/800") || strings.Contains(r.stdout, "failed transactions: ") && !strings.Contains(r.stdout, "failed transactions: 0 ") {
				t.Fatalf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
			}
		})
	}
	if got := w.asked(t, "free", "SELECT count(*) FROM pgbench_history"); got != "2400" {
		t.Errorf("%s transactions are in the history", got)
	}
}

// direct is the gateway's own way to a database: the same role and password.
func (w *world) direct(t *testing.T, database string) string {
	t.Helper()
	return fmt.Sprintf("postgres://hoop:%s@127.0.0.1:%d/%s?sslmode=disable", strings.TrimSpace(w.read(t, "db-prod.password")), w.ports.Postgres, database)
}
