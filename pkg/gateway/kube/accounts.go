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
	case named || w.podless:
		return false
	case w.parts: // an operation may put a pod's spec there, and the next its containers
		return pod || taken || last == "spec"
	case w.whole || replaces(o):
		return pod || taken
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
	switch last := folded(keys[len(keys)-1]); {
	case w.podless:
	case last == "serviceaccountname", last == "serviceaccount":
		w.facts.ServiceAccounts = append(w.facts.ServiceAccounts, defaultAccount)
	}
}

// appliesAway says that an apply patch may take an account away by leaving it out: what a field manager applied before and applies no more
// is removed, and whoever patches can be any manager. named are the accounts that it names. Of other kinds than Kubernetes' own nobody knows
// where they stand, and any that it names counts.
func appliesAway(t *Tuple, o object, named []string) bool {
	place, known := t.podAt()
	if t.Subresource != "" || known && len(place) < 2 { // a pod's account can't be changed
		return false
	}
	if !known {
		return len(named) == 0
	}
	spec, _ := o.at(place...).(object)
	names, _ := account(spec)
	return !names
}

// podAt is where the pod stands in an object, nil where there is none. known says that hoop knows, which it does of Kubernetes' own kinds.
func (t *Tuple) podAt() (place []string, known bool) {
	if t.Subresource == "scale" { // of whatever kind, it is a Scale
		return nil, true
	}
	switch t.GroupResource() {
	case "pods":
		return []string{"spec"}, true
	case "podtemplates":
		return []string{"template", "spec"}, true
	case "replicationcontrollers", "deployments.apps", "statefulsets.apps", "daemonsets.apps", "replicasets.apps", "jobs.batch":
		return []string{"spec", "template", "spec"}, true
	case "cronjobs.batch":
		return []string{"spec", "jobTemplate", "spec", "template", "spec"}, true
	case "controllerrevisions.apps": // they hold another object's template, in whatever form
		return nil, false
	}
	r, ok := listedResource(t.GroupResource())
	return nil, ok && r.name == t.Resource && r.group == t.Group
}

// podless says that there is no pod in an object, as hoop knows of Kubernetes' own kinds.
func podless(t *Tuple) bool {
	place, known := t.podAt()
	return known && place == nil
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
