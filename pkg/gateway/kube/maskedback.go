package kube

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// stars are what a mask shows of a value, alone or before its last four characters.
const stars = "***"

// isMask says that a text is what a mask left of one, as it is or in base64.
func isMask(s string) bool {
	if plain, err := base64.StdEncoding.DecodeString(s); err == nil && s != "" {
		s = string(plain)
	}
	return strings.HasPrefix(s, stars) && len([]rune(s)) <= len(stars)+4
}

// WrittenBack refuses a body that would store masks in the place of values, as an editor does that was shown them. fields are those
// that are masked of what is written: where one is shown as null, a null there is a mask too. detected says that detectors look at
// answers: what they leave of a value may stand within a text.
func (b *Body) WrittenBack(t *Tuple, fields []field, detected bool) *api.Refusal {
	if b.Document == nil || t.Verb == "delete" || t.Verb == "deletecollection" || len(fields) == 0 && !detected {
		return nil
	}
	if why := b.annotationBack(fields); why != nil {
		return why
	}
	found := ""
	whole := b.Type == typeJSON || b.Type == typeApplyPatch
	find(b.Document, "", func(path string, v any) {
		s, isText := v.(string)
		switch {
		case strings.HasPrefix(path, managed): // API servers leave out what they can't read of it, and keep what is stored
		case isText && isMask(s),
			isText && detected && t.Verb == "update" && strings.Contains(s, stars),
			v == nil && whole && masksNull(path, fields),
			v == "" && t.Verb == "update" && len(fields) > 0 && isKept(path): // typed clients read null so, and write what they read
			found = path
		}
	})
	if found == "" {
		return nil
	}
	return refusal(codeMasked, "The value at "+clipped(found)+" is what a mask showed, and writing it would put the mask in the value's place.",
		"Leave masked fields out of what you write, or write their real values; kubectl patch and kubectl apply write single fields.")
}

// annotationBack refuses an apply that sets kubectl's own annotation to nothing: kubectl read it as nothing, where a mask hides it, and
// tells what a cluster makes of that as a conflict with itself.
func (b *Body) annotationBack(fields []field) *api.Refusal {
	o, _ := b.Document.(object)
	hidden := slices.ContainsFunc(fields, func(f field) bool { return f.place == keptIn(appliedKey) })
	if b.Type != typeApplyPatch || !hidden || o.at("metadata", "annotations", appliedKey) != "" {
		return nil
	}
	return refusal(codeMasked, "The annotation "+appliedKey+" is hidden from you, since something of the object is masked, so kubectl can't keep it for itself.",
		"To apply it server-side from now on, take the annotation away: kubectl annotate … "+appliedKey+"-")
}

// masksNull says that a value at a path of a whole object may be null because a mask made it so.
func masksNull(path string, fields []field) bool {
	for _, f := range fields {
		prefix, every := strings.CutSuffix(f.place, ".*")
		if f.as == "null" && (f.place == path || every && strings.HasPrefix(path, prefix+".")) {
			return true
		}
	}
	return len(fields) > 0 && isKept(path)
}

// isKept says that a path of a whole object leads to an annotation in which a program keeps one.
func isKept(path string) bool {
	key, ok := strings.CutPrefix(path, ".metadata.annotations.")
	return ok && slices.Contains(keepers, key)
}

// find calls what for every single value of a document, with its path.
func find(v any, path string, what func(path string, v any)) {
	switch v := v.(type) {
	case object:
		for _, m := range v {
			find(m.Value, path+"."+m.Key, what)
		}
	case []any:
		for _, x := range v {
			find(x, path+"[*]", what)
		}
	default:
		what(path, v)
	}
}
