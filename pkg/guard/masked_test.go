package guard_test

import (
	"testing"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

func TestWithoutAPolicyEverythingIsMasked(t *testing.T) {
	detects := func(m *policy.Mask) bool { return len(m.Detect) > 0 }
	var none *guard.Standing
	if !none.Masked(detects) {
		t.Error("nothing is masked where no policy stands")
	}
	some := &guard.Standing{}
	if some.Masked(detects) {
		t.Error("a policy without masks has one")
	}
	some.Masks = []policy.Mask{{JSON: []string{"$.a"}}}
	if some.Masked(detects) {
		t.Error("a path is a detector")
	}
	some.Masks = append(some.Masks, policy.Mask{Detect: []string{"email"}})
	if !some.Masked(detects) {
		t.Error("the second mask is not seen")
	}
}
