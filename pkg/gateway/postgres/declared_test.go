package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// readersOnly lets people read and nothing else.
const readersOnly = `
version: 1
reach: [{name: all, who: {groups: [developers]}, on: {connections: ["*"]}, ttl: 30m}]
rules: [{name: read, who: {groups: [developers]}, effects: [read, session], verdict: allow}]
`

// A parameter that is declared to be of a type whose check calls a function runs it, though no text names the type.
func TestNoDeclaredTypeOfAParameterRunsCode(t *testing.T) {
	admin(t, `CREATE FUNCTION declared(text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'declared ran for %', $1; RETURN true; END $$`,
		"CREATE DOMAIN declared AS text CHECK (declared(value)); CREATE DOMAIN harmless AS text CHECK (value <> '')")
	t.Cleanup(func() { admin(t, "DROP DOMAIN declared, harmless; DROP FUNCTION declared") })
	oid := func(typ string) uint32 {
		var n uint32
		if _, err := fmt.Sscan(count(t, "SELECT '"+typ+"'::regtype::oid::bigint"), &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for name, policy := range map[string]string{"who may only read": readersOnly, "for whom columns are masked": allButMasks} {
		t.Run(name, func(t *testing.T) {
			c := listen(t, policy).client(t)
			for _, typ := range []string{"declared", "declared[]"} {
				mark := strings.ReplaceAll(name+typ, " ", "")
				value := mark
				if strings.HasSuffix(typ, "[]") {
					value = `{"` + mark + `"}`
				}
				r := c.ExecParams(t.Context(), "SELECT $1", [][]byte{[]byte(value)}, []uint32{oid(typ)}, nil, nil).Read()
				if e, ok := r.Err.(*pgconn.PgError); !ok || e.Code != "42501" || !strings.Contains(e.Message, "declared") || !strings.Contains(e.Hint, "$1::") {
					t.Errorf("%s: got %v", typ, r.Err)
				}
				if strings.Contains(server.Log(), "declared ran for "+mark) {
					t.Errorf("a parameter of type %s ran the function", typ)
				}
			}
			for _, typ := range []uint32{oid("harmless"), oid("text"), 0} {
				if r := c.ExecParams(t.Context(), "SELECT $1 || ''", [][]byte{[]byte("x")}, []uint32{typ}, nil, nil).Read(); r.Err != nil {
					t.Errorf("a parameter of type %d: %v", typ, r.Err)
				}
			}
		})
	}
}
