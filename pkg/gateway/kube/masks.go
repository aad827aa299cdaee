package kube

import (
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// field is a value that is masked, by its place in an object: "data.*".
type field struct {
	place string // as a JSON path goes on behind "$": ".data.*"
	as    string // as policy.Mask says: "redact", "null", "last4"
}

const appliedKey = "kubectl.kubernetes.io/last-applied-configuration"

// keepers are annotations in which programs keep a whole object as a text, packed or not, whatever else is masked in it.
var keepers = []string{
	appliedKey,
	"app.oam.dev/last-applied-configuration", // KubeVela
	"banzaicloud.com/last-applied",
	"kapp.k14s.io/original",
	"kopf.zalando.org/last-handled-configuration",
	"metacontroller.k8s.io/last-applied-configuration",
	"objectset.rio.cattle.io/applied", // Rancher
	"openshift.io/token-secret.value", // not the object, but the token that its data has in another form
}

// keptIn is the place of an annotation.
func keptIn(key string) string { return ".metadata.annotations['" + key + "']" }

// kept are those places, which are masked wherever anything is.
var kept = func() []field {
	all := make([]field, len(keepers))
	for i, key := range keepers {
		all[i] = field{keptIn(key), "null"}
	}
	return all
}()

// managed is where API servers keep who set which fields: what tells elements of a list apart stands there as a part of their names, a set's
// elements whole. It stays an object, as clients read it, and one that can't be taken for a shorter list. A Secret's values are in no list.
const managed = ".metadata.managedFields[*].fieldsV1"

var (
	managers   = field{managed + ".*", "redact"}
	secretData = []field{{".data.*", "null"}, {".stringData.*", "null"}}
	madeToken  = []field{{".status.token", "redact"}}
)

// forms are where an object stands in an answer: alone, in a list, in a watch's event, in a table's row, and in that of an event. A
// path that leads nowhere masks nothing, so all of them are looked for in every answer.
var forms = []string{"$", "$.items[*]", "$.object", "$.object.items[*]", "$.rows[*].object", "$.object.rows[*].object"}

// builtIn is what of Secrets, and of the tokens that API servers make, nobody sees but whom a mask of the policy shows all values of
// Secrets.
func builtIn(t *Tuple) []field {
	switch {
	case t.Group == "" && t.Resource == "secrets":
		return secretData
	case t.what() == "serviceaccounts/token":
		return madeToken
	}
	return nil
}

// unrecorded is what no recording holds of what a request is about, whoever may see it.
func unrecorded(t *Tuple) []field {
	all := builtIn(t)
	if len(all) > 0 {
		all = append(all, kept...)
	}
	if t.what() == "tokenreviews.authentication.k8s.io" {
		all = append(all, field{".spec.token", "redact"}) // somebody's, who is asked about
	}
	return all
}

// fields are what is masked of what a request is about. secrets says that a mask of the policy shows this person
// Secrets.
func fields(t *Tuple, masks []policy.Mask, secrets bool) []field {
	var all []field
	if !secrets {
		all = builtIn(t)
	}
	for _, m := range masks {
		for _, text := range m.Fields {
			place, ok := placed(t, text)
			if !ok {
				continue
			}
			all = append(all, field{place, shownAs(t, m.As)})
			if t.what() == "serviceaccounts/token" {
				all = append(all, builtIn(t)...)
			}
		}
	}
	if len(all) > 0 {
		all = append(all, kept...) // status and others answer whole objects too
	}
	if len(all) > 0 && !(t.Group == "" && t.Resource == "secrets") {
		all = append(all, managers)
	}
	return all
}

// shownAs is how a value is shown. A Secret's values are base64, in which no stars can stand and of which no end means anything:
// they are left out.
func shownAs(t *Tuple, as string) string {
	if t.Group == "" && t.Resource == "secrets" {
		return "null"
	}
	return as
}

// placed reads a mask's field, "secrets.data.*": whether it speaks of what a request is about, and where the value stands. The
// resource has no group, and means those of every group; "*" means every resource.
func placed(t *Tuple, text string) (place string, ok bool) {
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		return "", false
	}
	resource, place := text[:end], text[end:]
	if resource == "secrets" && t.what() == "serviceaccounts/token" {
		return place, true // what holds for Secrets holds for the tokens that they hold
	}
	return place, resource == "*" || resource == t.Resource
}

// tables says that a table of what is masked shows nothing of it: a server's own columns of Secrets and ConfigMaps count values,
// those of other kinds may show any.
func tables(t *Tuple, fields []field) bool {
	return len(fields) == 0 || t.Group == "" && (t.Resource == "secrets" || t.Resource == "configmaps")
}
