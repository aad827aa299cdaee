package cluster_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hoop-gateway/hoop/cmd/hoopd/dev/cluster"
	"github.com/hoop-gateway/hoop/pkg/freeport"
)

// stateDir is a private folder, as a state folder is, below one that everybody can pass.
func stateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hoop-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if link, err := os.Readlink(filepath.Join(dir, "postgres")); err == nil {
			_ = os.RemoveAll(link)
		}
		_ = os.RemoveAll(dir)
	})
	return dir
}

func config(t *testing.T, dir string) cluster.Config {
	t.Helper()
	port, err := freeport.Next()
	if err != nil {
		t.Fatal(err)
	}
	return cluster.Config{
		Dir: dir, Port: port, AdminPassword: "admin-secret", RolePassword: "role-secret",
		Log: slog.New(slog.DiscardHandler),
	}
}

func ask(t *testing.T, c *cluster.Cluster, user, password, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, "postgres://"+user+":"+password+"@"+c.Address()+"/app?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var cells []string
	for _, row := range results[0].Rows {
		for _, cell := range row {
			cells = append(cells, string(cell))
		}
	}
	return strings.Join(cells, " ")
}

func TestTheClusterIsFilledOnceAndKeptOverRestarts(t *testing.T) {
	dir := stateDir(t)
	cfg := config(t, dir)
	c, err := cluster.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	shape := "SELECT count(*), count(*) FILTER (WHERE email IS NULL) > 0, count(*) FILTER (WHERE name !~ '^[ -~]*$') > 0, count(notes->'address') > 0 FROM users"
	if got := ask(t, c, "hoop", "role-secret", shape); got != "1000 t t t" {
		t.Fatalf("users: %s", got)
	}
	if got := ask(t, c, "hoop", "role-secret", "SELECT count(*) FROM users WHERE email NOT LIKE '%@example.com' OR ssn NOT LIKE '9%'"); got != "0" {
		t.Fatalf("%s people look real", got)
	}
	if got := ask(t, c, "hoop", "role-secret", "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"); got != "f" {
		t.Fatal("the gateway's role is a superuser")
	}
	ask(t, c, "hoop", "role-secret", "WITH gone AS (DELETE FROM users WHERE id = 1 RETURNING id) SELECT id FROM gone")
	text, err := os.ReadFile(c.Log())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "DELETE FROM users WHERE id = 1") || strings.Contains(string(text), "-secret") {
		t.Fatal("the log lacks a statement, or holds a password")
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	cfg.RolePassword = "another-secret"
	if c, err = cluster.Start(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if got := ask(t, c, "hoop", "another-secret", "SELECT count(*) FROM users"); got != "999" {
		t.Fatalf("%s users after a restart", got)
	}
}

func TestAClusterThatWasLeftRunningIsTakenOver(t *testing.T) {
	cfg := config(t, stateDir(t))
	left, err := cluster.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(t.Context(), cfg) // as after a kill -9: nobody stopped the first
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-left.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("two servers run")
	}
	if got := ask(t, c, "hoop", "role-secret", "SELECT count(*) FROM orders"); got != "3000" {
		t.Fatalf("%s orders", got)
	}
}

func TestCardsPassLuhn(t *testing.T) {
	cfg := config(t, stateDir(t))
	c, err := cluster.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}()
	cards := strings.Fields(ask(t, c, "hoop", "role-secret", "SELECT card FROM users WHERE card IS NOT NULL"))
	if len(cards) < 800 {
		t.Fatalf("only %d cards", len(cards))
	}
	for _, card := range cards {
		sum := 0
		for i := range len(card) {
			d := int(card[len(card)-1-i] - '0')
			if i%2 == 1 {
				if d *= 2; d > 9 {
					d -= 9
				}
			}
			sum += d
		}
		if len(card) != 16 || sum%10 != 0 {
			t.Fatalf("card %s does not pass Luhn", card)
		}
	}
}
