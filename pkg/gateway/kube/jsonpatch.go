package kube

import (
	"regexp"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// operations reads a JSON patch (RFC 6902). What it adds stands in it, as that of other patches does; only copy and move bring
// something that can't be seen, and are refused.
func (b *Body) operations(t *Tuple) *api.Refusal {
	list, ok := b.Document.([]any)
	if !ok {
		return badRequest("The body is not a list of operations.")
	}
	w, plain := walk{facts: &b.Facts, podless: podless(t), parts: true}, plainResource(t)
	for _, x := range list {
		o, _ := x.(object)
		pointer, isText := o.at("path").(string)
		if !isText {
			return badRequest("An operation of the patch has no path.")
		}
		keys, ok := pointed(pointer)
		if !ok {
			return badRequest("An operation of the patch is not one of RFC 6902.")
		}
		switch op := o.text("op"); op {
		case "test":
		case "remove":
			w.removes(keys)
		case "add", "replace":
			value, there := o.get("value")
			if !there {
				return badRequest("An operation of the patch is not one of RFC 6902.")
			}
			if !plain {
				w.value(keys, value)
			}
			b.Facts.Mints = b.Facts.Mints || remints(t, keys, value)
		case "copy", "move":
			return badRequest("The patch has an operation " + op + ", of which nobody sees what it brings. Write it as add and replace.")
		default:
			return badRequest("The patch has an operation " + clipped(op) + ", which there is not.")
		}
	}
	b.Facts.tidy()
	return nil
}

// place is what may be a place in a list. API servers take signs and zeros before its number, though RFC 6901 has neither.
var place = regexp.MustCompile(`^(-|[-+]?[0-9]+)$`)

// pointed are the keys of a JSON pointer (RFC 6901), without places in lists. There is at least one.
func pointed(pointer string) (keys []string, ok bool) {
	keys = []string{""}
	if pointer == "" {
		return keys, true
	}
	parts := strings.Split(pointer, "/")
	if parts[0] != "" {
		return nil, false
	}
	for _, p := range parts[1:] {
		key := strings.NewReplacer("~1", "/", "~0", "~").Replace(p)
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(p), "~") {
			return nil, false
		}
		if !place.MatchString(key) {
			keys = append(keys, key)
		}
	}
	return keys, true
}
