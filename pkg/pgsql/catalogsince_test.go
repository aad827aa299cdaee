package pgsql_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// both is what a session sees in a transaction of its own, and what everybody does.
func both(t *testing.T, own, everybody *session) (mine, all *pgsql.Catalog) {
	t.Helper()
	return own.catalog(t), everybody.catalog(t)
}

func (s *session) catalog(t *testing.T) *pgsql.Catalog {
	t.Helper()
	c, err := pgsql.LoadCatalog(t.Context(), s.PgConn)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// runs has a session run a text.
func (s *session) runs(t *testing.T, text string) {
	t.Helper()
	if got := s.simple(t.Context(), text); strings.Contains(got, "ERROR") {
		t.Fatalf("%s: %s", text, got)
	}
}

// What a transaction sees is told from what it saw and what everybody sees: what is read in it says the same.
func TestACatalogWithOwnDefinitionsFollowsWhatOthersDefine(t *testing.T) {
	const schema = `CREATE TABLE users(id int PRIMARY KEY, email text); CREATE TABLE gone(a int); CREATE TABLE theirs(a int); CREATE VIEW v AS SELECT id FROM users; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`
	everybody := newDatabase(t, "since", "CREATE SCHEMA more; GRANT ALL ON SCHEMA more TO agent")
	everybody.runs(t, schema)
	own := connect(t, "agent", "since")
	own.runs(t, `BEGIN; CREATE TABLE mine(a int REFERENCES users); CREATE VIEW over AS SELECT email FROM users; DROP TABLE gone; CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE OPERATOR + (LEFTARG = text, RIGHTARG = text, FUNCTION = textcat)`)
	mine, before := both(t, own, everybody)
	everybody.runs(t, `CREATE TABLE later(a int, b text); DROP TABLE theirs; ALTER TABLE later ADD c int; CREATE OR REPLACE VIEW v AS SELECT 1 AS id; DROP FUNCTION f(); CREATE TYPE kind AS ENUM ('a'); CREATE DOMAIN positive AS int CHECK (VALUE > 0)`)
	read, now := both(t, own, everybody)
	got, ok := mine.Since(before, now)
	if !ok {
		t.Fatal("it can't be told")
	}
	for name, got := range map[string]*pgsql.Catalog{"as it is": got, "read too late": sinceOf(t, read, before, now)} {
		got.Version, got.Lasting = read.Version, read.Lasting
		if !reflect.DeepEqual(got, read) {
			t.Errorf("%s: it is not what the transaction reads", name)
		}
	}
	everybody.runs(t, "CREATE FUNCTION g(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION more.g() RETURNS int LANGUAGE sql AS 'SELECT 1'")
	if _, ok := mine.Since(before, everybody.catalog(t)); ok {
		t.Error("both have defined g, and it is told what that is")
	}
}

func sinceOf(t *testing.T, c, before, now *pgsql.Catalog) *pgsql.Catalog {
	t.Helper()
	got, ok := c.Since(before, now)
	if !ok {
		t.Fatal("it can't be told")
	}
	return got
}
