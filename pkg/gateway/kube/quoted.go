package kube

import (
	"regexp"
	"slices"

	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// quotes says that the words of an answer may hold values of the object. An API server that does not take a change shows the stored
// object in its words, or what a patch would make of it, as a whole where it can't be read; so may whoever judges changes
// for it, with any status. A read is answered so only where the stored object can't be brought into the form that was asked for.
func (t *Tuple) quotes(status int) bool {
	switch {
	case !t.IsResource() || streams(t.Subresource) || t.Subresource == "proxy":
		return false
	case t.Reads():
		return status == 422 || status >= 500
	}
	return true
}

// quoted are the words of an answer that says what went wrong.
func quoted() []field {
	return []field{{".message", "redact"}, {".details.causes[*].message", "redact"}}
}

// plainWords are what API servers say of a request and not of an object's values.
var plainWords = regexp.MustCompile(`^(` +
	`[a-z0-9.-]+ "[^"]*" (not found|already exists)` +
	`|Operation cannot be fulfilled on [a-z0-9.-]+ "[^"]*": the object has been modified; please apply your changes to the latest version and try again` +
	`|[a-z0-9.-]+( "[^"]*")? is forbidden: User "[^"]*" cannot [a-z]+ resource "[a-z0-9./-]+" in API group "[a-z0-9.-]*"( in the namespace "[a-z0-9-]*"| at the cluster scope)` +
	`|Unauthorized` +
	`|the server could not find the requested resource` +
	`|the server does not allow this method on the requested resource` +
	`|the server rejected our request due to an error in our request` +
	`|Too many requests, please try again later\.` +
	`)$`)

// plainWarning is a warning of which the same holds.
var plainWarning = regexp.MustCompile(`^299 - "([^"\\]* is deprecated in v[0-9.]+\+(, unavailable in v[0-9.]+\+)?(; use [^"\\]*)?|(unknown|duplicate) field \\"[^"\\]*\\")"$`)

// telling is the filter of an answer in which fields are masked. make makes one that masks the fields that it is given.
func telling(t *Tuple, a *http1.Answer, masked []field, make func([]field) (exchange.Filter, error)) (exchange.Filter, error) {
	plain, err := make(masked)
	if err != nil || len(masked) == 0 || a.Status < 400 || !t.quotes(a.Status) {
		return plain, err
	}
	hidden, err := make(append(slices.Clone(masked), quoted()...))
	return &failure{plain: plain, hidden: hidden}, err
}

// failure is an answer that says what went wrong. Its words are hidden unless they are plain ones, which the whole of it tells.
type failure struct {
	said          []byte
	plain, hidden exchange.Filter
	over          bool // it is longer than what is kept, and the hidden one has it
}

// mostSaid is how long an answer may be whose words are looked at, in bytes.
const mostSaid = 16 << 10

// Write keeps what comes until all of it is there.
func (w *failure) Write(dst, p []byte) ([]byte, error) {
	if w.over {
		return w.hidden.Write(dst, p)
	}
	if w.said = append(w.said, p...); len(w.said) <= mostSaid {
		return dst, nil
	}
	w.over = true
	return w.hidden.Write(dst, w.said)
}

// Close answers what may be seen of it.
func (w *failure) Close(dst []byte) ([]byte, error) {
	if w.over {
		return w.hidden.Close(dst)
	}
	by := w.hidden
	if isPlainly(w.said) {
		by = w.plain
	}
	dst, err := by.Write(dst, w.said)
	if err != nil {
		return dst, err
	}
	return by.Close(dst)
}

// isPlainly says that all words of a Status are plain ones.
func isPlainly(text []byte) bool {
	v, err := readJSON(text)
	o, ok := v.(object)
	if err != nil || !ok {
		return false
	}
	return o.at("details", "causes") == nil && plainWords.MatchString(o.text("message"))
}
