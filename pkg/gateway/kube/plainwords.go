package kube

import (
	"regexp"
	"strings"
)

// unspoken is what stands in the place of words that may quote a masked value.
const unspoken = stars + " (hoop hides what the cluster says here: its words may quote values that a mask hides from you. " +
	"Look at the fields that it names, or ask somebody who is shown them)"

// plainWords are what API servers say of a request and not of an object's values. Names of fields, of those who manage them and of objects are
// no values.
var plainWords = regexp.MustCompile(`^(` + strings.Join([]string{
	`[a-z0-9.-]+ "[^"]*" (not found|already exists)`,
	`Operation cannot be fulfilled on [a-z0-9.-]+ "[^"]*": the object has been modified; please apply your changes to the latest version and try again`,
	`[a-z0-9.-]+( "[^"]*")? is forbidden: User "[^"]*" cannot [a-z]+ resource "[a-z0-9./-]+" in API group "[a-z0-9.-]*"( in the namespace "[a-z0-9-]*"| at the cluster scope)`,
	`pods "[^"]*" is forbidden: error looking up service account [a-z0-9-]+/[a-z0-9.-]+: serviceaccount "[a-z0-9.-]+" not found`,
	`Unauthorized`,
	`404 page not found`,
	`the server could not find the requested resource`,
	`the server does not allow this method on the requested resource`,
	`the server rejected our request due to an error in our request`,
	`the server is currently unable to handle the request`,
	`Too many requests, please try again later\.`,
	`etcdserver: [a-z ]+`,
	`(Timeout: )?Too large resource version(: [0-9]+, current: [0-9]+)?`,
	`Cannot evict pod as it would violate the pod's disruption budget\.`,
	`The disruption budget [a-z0-9.-]+ needs [0-9]+ healthy pods and has [0-9]+ currently`,
	`[A-Za-z]+ in version "[a-z0-9]+" cannot be handled as a [A-Za-z]+: ` + misnamed,
	`Apply failed with [0-9]+ conflicts?: (\n?conflicts? with ` + manager + `:(\n- | )` + fieldPath + `(\n- ` + fieldPath + `)*)+`,
	`conflict with ` + manager,
}, "|") + `)$`)

const (
	// misnamed names fields that are not an object's, or stand in it twice.
	misnamed = `strict decoding error: (unknown|duplicate) field "[^"\\]*"(, (unknown|duplicate) field "[^"\\]*")*`
	// manager is who set a field before.
	manager = `"[^"\\]*"( with subresource "[a-z]+")? using [a-z0-9./-]+( at [0-9TZ:+-]+)?`
	// fieldPath is a field that who applies an object names, and another manager too. Keys of elements are what tells them apart.
	fieldPath = `\.[^\n]*`
)

// misread is what API servers say of a patch that names a field which there is not: with the patch, or with the whole object that it makes, in
// quotes.
var misread = regexp.MustCompile(`^( "" is invalid: patch: )?(Invalid value: )"(?:[^"\\]|\\.)*"(: ` + misnamed + `)$`)

// spoken are the words of an answer that says what went wrong, or hidden where they may hold more than plain ones.
func spoken(words, hidden string) string {
	if words == "" || plainWords.MatchString(words) {
		return words
	}
	if misread.MatchString(words) {
		return misread.ReplaceAllString(words, `${1}${2}"`+stars+`"${3}`)
	}
	return hidden
}

// plainWarning is a warning that quotes no value either.
var plainWarning = regexp.MustCompile(`^299 - "([^"\\]* is deprecated in v[0-9.]+\+(, unavailable in v[0-9.]+\+)?(; use [^"\\]*)?|(unknown|duplicate) field \\"[^"\\]*\\")"$`)
