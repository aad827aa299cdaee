package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// looksMasked finds what could be a value of a masked column of the sample's people.
var looksMasked = regexp.MustCompile(`9\d\d-\d\d-\d{4}|400000\d{10}|(?:user|friend)\d{4}@example\.com|\+1 202 555 01\d\d|\d+ (?:Example Street|Muster-Straße|Rue de l'Exemple|サンプル通り), Sampletown`)

// canaries are the values of the masked columns.
func (w *world) canaries(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, value := range looksMasked.FindAllString(w.asked(t, "app", "SELECT email, ssn, card, phone, notes::text FROM users"), -1) {
		found[value] = true
	}
	if len(found) < 3000 {
		t.Fatalf("only %d canaries in the sample", len(found))
	}
	return found
}

// clean wants a text to hold no canary and no secret.
func clean(t *testing.T, where, content string, canaries map[string]bool, secrets []string) {
	t.Helper()
	for _, found := range looksMasked.FindAllString(content, -1) {
		if canaries[found] {
			t.Errorf("%s holds the masked value %s", where, found)
			return
		}
	}
	for i, s := range secrets {
		if strings.Contains(content, s) {
			t.Errorf("%s holds secret %d", where, i)
		}
	}
}

// useAll has a masked person read the people in every way that there is.
func (w *world) useAll(t *testing.T, u *user) {
	t.Helper()
	l := u.open(t, "db-prod")
	c := l.dial(t)
	for _, sql := range []string{
		"SELECT * FROM users", "TABLE users", "SELECT u FROM users u", "SELECT to_jsonb(u) FROM users u", "SELECT ssn || card, notes->>'text' FROM users",
		"SELECT max(email), min(phone) FROM users", "SELECT id FROM users ORDER BY ssn", "SELECT ssn::int FROM users", "EXPLAIN SELECT * FROM users WHERE email = 'a'",
		"SELECT most_common_vals FROM pg_stats WHERE tablename = 'users'", "SELECT notes FROM users WHERE notes @> '{}'",
	} {
		_, _ = c.simple(t, sql)
		_, _ = c.extended(t, sql)
		_, _ = c.prepared(t, "", sql)
	}
	if got, err := c.simple(t, "SELECT count(*), count(email) > 500 FROM users"); err != nil || got != "1000|t" {
		t.Fatalf("%q, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	for _, sql := range []string{"COPY users TO STDOUT", "COPY (SELECT ssn, notes FROM users) TO STDOUT (FORMAT binary)"} {
		if _, err := c.CopyTo(ctx, io.Discard, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if r := u.psql(t, "SELECT id, ssn, email FROM users LIMIT 3"); r.code != 0 || !strings.Contains(r.stdout, "***") {
		t.Fatalf("psql: %s%s", r.stdout, r.stderr)
	}
}

func TestMaskedValuesAndSecretsAreNowhere(t *testing.T) {
	w := shared
	dev, security := w.user(t, "dev"), w.user(t, "security")
	w.useAll(t, dev)
	w.useAll(t, w.user(t, "agent"))
	canaries := w.canaries(t)
	secrets := []string{strings.TrimSpace(w.read(t, "db-prod.password")), strings.TrimSpace(w.read(t, "postgres.password")), dev.token, security.token}

	clean(t, "what clients were sent", clientBytes.String(), canaries, secrets)
	clean(t, "hoopd's log", w.log.String(), canaries, secrets)
	clean(t, "/metrics", w.metrics(t), canaries, secrets)
	reader := w.stranger(t) // there are more recordings than an address may sign in for at once
	reader.signIn(t, "security")
	for _, s := range reader.sessions(t) {
		if s.Identity.User == "privacy" {
			continue // who may see the values
		}
		for _, format := range []string{"ndjson", "text"} {
			clean(t, "the recording "+s.ID+" as "+format, reader.exported(t, s.ID, format), canaries, secrets)
		}
	}
	own := []string{"db-prod.password", "postgres.password"} // where the target's credentials are kept
	files := 0
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		name, _ := filepath.Rel(w.dir, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && name == "postgres":
			return filepath.SkipDir // the target itself, and its log
		case !d.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		hidden := secrets
		if slices.Contains(own, name) {
			hidden = nil
		}
		clean(t, name, string(content), canaries, hidden)
		return nil
	})
	if err != nil || files < 10 {
		t.Fatalf("%d files: %v", files, err)
	}
	if !strings.Contains(clientBytes.String(), "***") {
		t.Fatal("no mask was seen: this tests nothing")
	}
}

func (w *world) metrics(t *testing.T) string {
	t.Helper()
	res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", w.ports.Metrics))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil || !strings.Contains(string(body), "hoop_commands_total") {
		t.Fatalf("/metrics: %v %s", err, body)
	}
	return string(body)
}

// TestNoSecretIsInArgumentsOrTheChildsEnvironment looks at the processes as anybody on the machine may.
func TestNoSecretIsInArgumentsOrTheChildsEnvironment(t *testing.T) {
	w := shared
	dev := w.user(t, "dev")
	dev.env = append(dev.env, "PGPASSWORD=inherited-secret", "PGSERVICE=other", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=ci-secret")
	secrets := []string{strings.TrimSpace(w.read(t, "db-prod.password")), strings.TrimSpace(w.read(t, "postgres.password")), dev.token}
	l := dev.spawn(t, "connect", "db-prod", "--", "psql", "-X", "-c", "SELECT pg_sleep(600) /* lookatme */")
	var child string
	eventually(t, commandTime, "psql runs", func() bool {
		child = processWith(l.cmd.Process.Pid)
		return child != "" && w.asked(t, "app", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%lookatme%' AND usename = 'hoop'") == "1"
	})
	environ, err := os.ReadFile(filepath.Join(child, "environ"))
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range append(secrets, "inherited-secret", "ci-secret", "PGSERVICE", "HOOP_ID_TOKEN") {
		if strings.Contains(string(environ), gone) {
			t.Errorf("the child's environment holds %.20s", gone)
		}
	}
	if !strings.Contains(string(environ), "PGPASSWORD=") || !strings.Contains(string(environ), "DATABASE_URL=") {
		t.Error("the child's environment lacks the connection")
	}
	for _, pid := range []string{child, "/proc/" + strconv.Itoa(l.cmd.Process.Pid), "/proc/" + strconv.Itoa(w.cmd.Process.Pid)} {
		line, err := os.ReadFile(filepath.Join(pid, "cmdline"))
		if err != nil || len(line) == 0 {
			t.Fatalf("%s: %v", pid, err)
		}
		for _, s := range secrets {
			if strings.Contains(string(line), s) {
				t.Errorf("a secret is an argument: %q", line)
			}
		}
	}
	began := time.Now()
	_ = l.cmd.Process.Kill()
	<-l.done
	eventually(t, 15*time.Second, "the statement ends with the client", func() bool {
		return w.asked(t, "app", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%lookatme%' AND usename = 'hoop'") == "0"
	})
	t.Logf("the statement ended %s after kill -9", time.Since(began))
}

// processWith finds the child of a process: its folder in /proc.
func processWith(parent int) string {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return ""
	}
	for _, name := range all {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			return filepath.Dir(name)
		}
	}
	return ""
}
