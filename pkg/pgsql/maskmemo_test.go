package pgsql_test

import (
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// A session that sees what another one sees understands a text's shape without a worker: the first session had it parsed.
func TestWhatOneSessionUnderstoodAnotherOneKnows(t *testing.T) {
	c := envOf(t, connect(t, "agent", "postgres"), nil).Catalog
	session := func(p ...pgsql.MaskPattern) pgsql.Env {
		return pgsql.Env{Catalog: c, SearchPath: []string{"pg_catalog", "public"}, Masks: c.Masks(p)}
	}
	email := pgsql.MaskPattern{Pattern: "users.email", As: pgsql.Redact}
	first := pgsql.Analyze(t.Context(), grammar, "SELECT email FROM users WHERE id = 1", session(email))
	if first.Problem != nil {
		t.Fatal(first.Problem)
	}
	again, known := pgsql.Known(grammar, "SELECT email FROM users WHERE id = 2", session(email))
	if !known || len(again.Masked) != 1 {
		t.Errorf("known %v, masked %v", known, again.Masked)
	}
	for name, other := range map[string][]pgsql.MaskPattern{
		"no mask":          nil,
		"another mask":     {{Pattern: "users.id", As: pgsql.Redact}},
		"another form":     {{Pattern: "users.email", As: pgsql.Null}},
		"writable":         {{Pattern: "users.email", As: pgsql.Redact, Writable: true}},
		"trusted function": {{Pattern: "users.email", As: pgsql.Redact, Trusts: []string{"public.f"}}},
	} {
		if a, known := pgsql.Known(grammar, "SELECT email FROM users WHERE id = 3", session(other...)); known {
			t.Errorf("%s: what others see was answered: %s", name, a.Rewritten)
		}
	}
}
