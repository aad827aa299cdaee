package kube

import "strings"

// defaultAccount is what pods run as that name no service account.
const defaultAccount = "default"

// defaults says that, by what an object says or takes away, pods run as the account of who names none. last is the object's own key.
func (w *walk) defaults(last string, o object) bool {
	named, taken := account(o)
	_, pod := o.at("containers").([]any)
	_, retains := o.get("$retainKeys")
	switch {
	case named:
		return false
	case w.parts: // an operation may put a pod's spec there, and the next its containers
		return pod || taken || last == "spec"
	case w.whole || replaces(o):
		return pod
	}
	return taken || retains && last == "spec" // a strategic merge patch that keeps what it lists, and nothing else
}

// account says whether an object names a service account, and whether it sets one to nothing.
func account(o object) (named, taken bool) {
	for _, key := range []string{"serviceAccountName", "serviceAccount"} {
		if v, there := o.get(key); there {
			named = named || v != nil && v != ""
			taken = taken || v == nil || v == ""
		}
	}
	return named, taken
}

// replaces says that an object of a strategic merge patch takes the place of what was there.
func replaces(o object) bool { return o.text("$patch") == "replace" }

// removes reads what an operation of a JSON patch takes away: a pod whose account is gone runs as another.
func (w *walk) removes(keys []string) {
	switch folded(keys[len(keys)-1]) {
	case "serviceaccountname", "serviceaccount":
		w.facts.ServiceAccounts = append(w.facts.ServiceAccounts, defaultAccount)
	}
}

// Secrets that are credentials for the cluster itself: one that its controller fills with a token of the account that an annotation
// names, and one by which nodes sign in to join.
const (
	accountToken    = "kubernetes.io/service-account-token"
	accountOfToken  = "kubernetes.io/service-account." // name, uid
	bootstrappingOf = "bootstrap.kubernetes.io/token"
)

// mints says that a Secret is written that is a lasting credential, or comes to be one for another account.
func mints(t *Tuple, o object) bool {
	if t.Group != "" || t.Resource != "secrets" {
		return false
	}
	of := o.text("type")
	annotations, _ := o.at("metadata", "annotations").(object)
	for _, a := range annotations {
		if strings.HasPrefix(a.Key, accountOfToken) {
			return true
		}
	}
	return of == accountToken || of == bootstrappingOf
}

// remints says the same of an operation of a JSON patch.
func remints(t *Tuple, keys []string, value any) bool {
	o, _ := value.(object)
	switch at := strings.Join(keys, "\x00"); {
	case t.Group != "" || t.Resource != "secrets":
		return false
	case strings.HasPrefix(at, "\x00metadata\x00annotations\x00"+accountOfToken):
		return true
	case at == "\x00metadata\x00annotations":
		o = object{{"metadata", object{{"annotations", o}}}}
	case at == "\x00metadata":
		o = object{{"metadata", o}}
	case at != "":
		return false
	}
	return mints(t, o)
}
