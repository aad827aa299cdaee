package kube

import (
	"slices"
	"strings"
)

// Facts are what rules can ask of a body. They are read wherever in it they stand, by their keys and not by the object's
// kind, so that templates, lists, patches and objects of kinds that hoop does not know say no less than a pod does.
type Facts struct {
	DryRun bool
	// Privileged: a container that is privileged, of a namespace of the host (hostPID, hostIPC, hostNetwork), a hostProcess of
	// Windows, with a proc that is not masked, or with a capability beyond NET_BIND_SERVICE.
	Privileged bool
	// HostPath: a volume is a path of the host.
	HostPath bool
	// ServiceAccounts are those that pods run as. A whole pod that names none, or one whose account is taken away, runs as "default".
	ServiceAccounts []string
	Images          []string
	// Name is that of what is created, which no path has; "" where the server makes it.
	Name string
	// Creates: the object is made where it is not there, though the verb is update or patch.
	Creates bool
	// Mints: what is written makes a lasting credential, see mints.
	Mints bool
}

// plainResource says that objects of a resource hold texts alone, in which a key means nothing to a cluster.
func plainResource(t *Tuple) bool {
	return t.Group == "" && (t.Resource == "configmaps" || t.Resource == "secrets" || t.Resource == "events")
}

// read reads the facts of an object, or of a patch that has an object's form.
func (f *Facts) read(t *Tuple, o object, mediaType string) {
	if t.Verb == "create" && t.Collection {
		f.Name = o.text("metadata", "name")
	}
	if o.text("metadata", "uid") == "" { // a version alone keeps no server from making what is not there; a uid does
		f.Creates = t.Subresource == "" && (t.Verb == "update" || mediaType == typeApplyPatch)
	}
	f.Mints = mints(t, o)
	if plainResource(t) {
		return
	}
	w := walk{facts: f, podless: podless(t), whole: mediaType == typeJSON || mediaType == typeApplyPatch || replaces(o)}
	for _, m := range o {
		if m.Key == "metadata" || m.Key == "status" && t.Subresource != "status" {
			continue // servers leave a status out where it is not what the path asks for
		}
		w.value([]string{m.Key}, m.Value)
	}
	if mediaType == typeApplyPatch && appliesAway(t, o, f.ServiceAccounts) {
		f.ServiceAccounts = append(f.ServiceAccounts, defaultAccount)
	}
	if t.Group == "" && t.Resource == "persistentvolumes" {
		f.HostPath = f.HostPath || o.at("spec", "local") != nil
	}
	f.tidy()
}

func (f *Facts) tidy() {
	slices.Sort(f.ServiceAccounts)
	slices.Sort(f.Images)
	f.ServiceAccounts, f.Images = slices.Compact(f.ServiceAccounts), slices.Compact(f.Images)
}

// walk reads the facts of a document whose keys are known from its root on. Places in lists are no keys.
type walk struct {
	facts   *Facts
	podless bool // the object has no pod in it, and nothing runs as an account
	whole   bool // what is not there is not there, as in a patch it is not
	parts   bool // of a JSON patch: what is not there may come with another operation
}

func (w *walk) value(keys []string, v any) {
	switch v := v.(type) {
	case object:
		w.object(keys, v)
		inside := *w
		inside.whole = w.whole || replaces(v)
		for _, m := range v {
			inside.value(append(keys[:len(keys):len(keys)], m.Key), m.Value)
		}
	case []any:
		for _, x := range v {
			w.value(keys, x)
		}
	default:
		w.scalar(keys, v)
	}
}

func (w *walk) object(keys []string, o object) {
	last := folded(keys[len(keys)-1])
	if last == "hostpath" {
		w.facts.HostPath = true
	}
	if w.defaults(last, o) {
		w.facts.ServiceAccounts = append(w.facts.ServiceAccounts, defaultAccount)
	}
}

// folded is a key in small letters. API servers mind case; what reads objects behind them, in Go's own manner, does not, and takes
// two letters outside ASCII for "s" and "k".
func folded(key string) string {
	return strings.ToLower(strings.NewReplacer("ſ", "s", "K", "k").Replace(key))
}

func (w *walk) scalar(keys []string, v any) {
	last, above := folded(keys[len(keys)-1]), ""
	if len(keys) > 1 {
		above = folded(keys[len(keys)-2])
	}
	s, _ := v.(string)
	switch last {
	case "privileged", "hostpid", "hostipc", "hostnetwork", "hostprocess":
		w.facts.Privileged = w.facts.Privileged || v != false && v != nil
	case "procmount":
		w.facts.Privileged = w.facts.Privileged || v != nil && v != "Default"
	case "add":
		w.facts.Privileged = w.facts.Privileged || above == "capabilities" && v != nil && !strings.EqualFold(s, "NET_BIND_SERVICE")
	case "path", "type":
		w.facts.HostPath = w.facts.HostPath || above == "hostpath" && v != nil
	case "serviceaccountname", "serviceaccount":
		if s != "" {
			w.facts.ServiceAccounts = append(w.facts.ServiceAccounts, s)
		} else if w.parts && !w.podless {
			w.facts.ServiceAccounts = append(w.facts.ServiceAccounts, defaultAccount)
		}
	case "image":
		if s != "" {
			w.facts.Images = append(w.facts.Images, s)
		}
	case "reference":
		if above == "image" && s != "" { // a volume that is an image
			w.facts.Images = append(w.facts.Images, s)
		}
	}
}
