package kube

import (
	"slices"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// untold are the places of an object that no mask hides and that JSON patches are tested against: which object it is, and which version.
var untold = []string{
	"/apiVersion", "/kind", "/metadata/name", "/metadata/namespace", "/metadata/uid", "/metadata/resourceVersion", "/metadata/generation",
}

// guesses refuses a JSON patch that asks a cluster what stands in a masked object: whether a test holds tells its value, to who
// tries often enough, and nothing is changed. Pointers may lead to a masked value from above it, so only harmless ones pass.
func (b *Body) guesses(fields []field) *api.Refusal {
	operations, _ := b.Document.([]any)
	if b.Type != typeJSONPatch || len(fields) == 0 {
		return nil
	}
	for _, x := range operations {
		o, _ := x.(object)
		if pointer := o.text("path"); o.text("op") == "test" && !slices.Contains(untold, pointer) {
			return refusal(codeMasked, "The patch tests the value at "+clipped(pointer)+" of an object of which something is masked, and the answer would tell what it is.",
				"Leave the test out, or test /metadata/resourceVersion.")
		}
	}
	return nil
}
