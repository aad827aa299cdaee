package kube

import (
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// quotes says that the words of an answer may hold values of the object. An API server that does not take a change shows the stored
// object in its words, or what a patch would make of it, as a whole where it can't be read; so may whoever judges changes
// for it, with any status. A read is answered so only where the stored object can't be brought into the form that was asked for.
func (t *Tuple) quotes(status int) bool {
	switch {
	case !t.IsResource() || streams(t.Subresource) || t.Subresource == "proxy" || t.Subresource == "log": // of which no part is masked, and nodes tell what is wrong
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

// amongEvents adds them to what is masked of a watch, in which what goes wrong stands among the events. An Event's own message is no such words.
func amongEvents(t *Tuple, a *http1.Answer, masked []field) []field {
	if t.Verb != "watch" || a.Status >= 400 || len(masked) == 0 || t.GroupResource() == "events" {
		return masked
	}
	return append(slices.Clone(masked), quoted()...)
}

// telling is the filter of an answer in which fields are masked. make makes one that masks the fields that it is given.
func telling(t *Tuple, a *http1.Answer, masked []field, make func([]field) (exchange.Filter, error)) (exchange.Filter, error) {
	plain, err := make(amongEvents(t, a, masked))
	if err != nil || len(masked) == 0 || a.Status < 400 || !t.quotes(a.Status) {
		return plain, err
	}
	hidden, err := make(append(slices.Clone(masked), quoted()...))
	return &failure{plain: plain, hidden: hidden, masked: masked}, err
}

// failure is an answer that says what went wrong. Its words are seen as far as they are plain ones, which the whole of it tells.
type failure struct {
	said          []byte
	plain, hidden exchange.Filter
	masked        []field
	over          bool // it is longer than what is kept, and the hidden one has it
}

// mostSaid is how long an answer may be whose words are looked at, in bytes: some have a whole object in them, twice.
const mostSaid = 128 << 10

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
	text, by := spokenStatus(w.said, w.masked), w.plain
	if text == nil {
		text, by = w.said, w.hidden
	}
	dst, err := by.Write(dst, text)
	if err != nil {
		return dst, err
	}
	return by.Close(dst)
}

// spokenStatus is a Status whose words are those that may be seen; nil where it is none.
func spokenStatus(text []byte, masked []field) []byte {
	v, err := readJSON(text)
	o, ok := v.(object)
	if err != nil || !ok || o.text("kind") != "Status" {
		return nil
	}
	causes, isList := o.at("details", "causes").([]any)
	if !isList && o.at("details", "causes") != nil {
		return nil
	}
	if saysInvalid(o, causes, masked) {
		return append(appendJSON(nil, o), '\n')
	}
	changed := speak(o, unspoken)
	for i, c := range causes {
		words := stars
		if i == 0 { // clients print the causes in the place of the message, where there are some
			words = unspoken
		}
		if c, ok := c.(object); ok {
			changed = speak(c, words) || changed
		}
	}
	if !changed {
		return text
	}
	return append(appendJSON(nil, o), '\n')
}

// speak leaves of an object's message what may be seen, and says whether it is another one now.
func speak(o object, hidden string) bool {
	for i := range o {
		if o[i].Key != "message" {
			continue
		}
		said, isText := o[i].Value.(string)
		words := hidden
		if isText {
			words = spoken(said, hidden)
		}
		o[i].Value = words
		return !isText || words != said
	}
	return false
}

// textFailure is an answer without a form that says what went wrong.
type textFailure struct {
	said []byte
	by   exchange.Filter
}

// Write keeps what comes as far as it may be plain words.
func (w *textFailure) Write(dst, p []byte) ([]byte, error) {
	w.said = append(w.said, p[:min(len(p), mostSaid-len(w.said))]...)
	return dst, nil
}

// Close answers what may be seen of it.
func (w *textFailure) Close(dst []byte) ([]byte, error) {
	text := spoken(strings.TrimSuffix(string(w.said), "\n"), unspoken) + "\n"
	if w.by == nil {
		return append(dst, text...), nil
	}
	dst, err := w.by.Write(dst, []byte(text))
	if err != nil {
		return dst, err
	}
	return w.by.Close(dst)
}
