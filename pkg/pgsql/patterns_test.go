package pgsql_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/pgsql"
)

// people is a catalog with one table and a column that is generated from another.
func people() *pgsql.Catalog {
	return &pgsql.Catalog{Relations: map[uint32]*pgsql.Relation{7: {
		OID: 7, Schema: "public", Name: "users", Columns: []pgsql.Column{
			{Name: "id", Number: 1}, {Name: "email", Number: 2}, {Name: "email_work", Number: 3}, {Name: "domain", Number: 4, From: []int16{2}},
		},
	}}}
}

func TestMaskPatternsMatchPartByPart(t *testing.T) {
	for pattern, want := range map[string][]string{
		"public.users.email":  {"domain", "email"},
		"users.email":         {"domain", "email"},
		"email":               {"domain", "email"},
		"*.email":             {"domain", "email"},
		"*.email*":            {"domain", "email", "email_work"},
		"public.us*.em*l":     {"domain", "email"},
		"p*c.*s.*mail*":       {"domain", "email", "email_work"},
		"users.*":             {"domain", "email", "email_work", "id"},
		"other.users.email":   nil,
		"public.user.email":   nil,
		"public.users.emai":   nil,
		"public.users.email?": nil,
	} {
		got := people().Masks([]pgsql.MaskPattern{{Pattern: pattern, As: pgsql.Redact}}).Columns[7]
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
			t.Errorf("%s masks %v, want %v", pattern, names, want)
		}
	}
}

func TestOfSeveralMasksTheStrictestStands(t *testing.T) {
	last4 := pgsql.MaskPattern{Pattern: "users.email", As: pgsql.Last4, Writable: true}
	redact := pgsql.MaskPattern{Pattern: "*.email", As: pgsql.Redact}
	for _, order := range [][]pgsql.MaskPattern{{last4, redact}, {redact, last4}} {
		if got := people().Masks(order).Columns[7]["email"]; got.As != pgsql.Redact || got.Writable {
			t.Errorf("%v gives %+v", order, got)
		}
	}
	if got := people().Masks([]pgsql.MaskPattern{last4}).Columns[7]["domain"]; got.As != pgsql.Null || got.Writable {
		t.Errorf("what is generated from a masked column shows its own end, or whether it is NULL: %+v", got)
	}
}
