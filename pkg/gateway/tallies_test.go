package gateway

import (
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
)

func TestAGrantHasOneTallyFromItsBeginningToItsEnd(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	all := tallies{since: start, grants: map[string]*guard.Tally{}}
	g := api.Grant{ID: "gr_1", CreatedAt: start.Add(time.Minute), ExpiresAt: start.Add(time.Hour)}
	first := all.of(g, start)
	if !first.Counts() || !first.Ends().Equal(start.Add(time.Hour).Truncate(time.Second)) {
		t.Errorf("a new grant's tally: counts %v, ends %s", first.Counts(), first.Ends())
	}
	g.ExpiresAt = start.Add(2 * time.Hour)
	if again := all.of(g, start.Add(90*time.Minute)); again != first || !again.Ends().Equal(start.Add(2*time.Hour).Truncate(time.Second)) {
		t.Error("a renewed grant has another tally, or its old end")
	}
	if all.of(api.Grant{ID: "gr_2", CreatedAt: start.Add(-time.Minute), ExpiresAt: start.Add(time.Hour)}, start).Counts() {
		t.Error("what a grant used before the gateway began can't be known, and its tally counts")
	}
	all.of(api.Grant{ID: "gr_3", CreatedAt: start.Add(time.Minute), ExpiresAt: start.Add(100 * time.Hour)}, start.Add(51*time.Hour))
	if len(all.grants) != 1 {
		t.Errorf("%d tallies are kept, 2 of them of grants that are long over", len(all.grants))
	}
}
