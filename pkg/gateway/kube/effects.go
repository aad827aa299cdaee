package kube

import (
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Effects are the pairs that a request is judged by. A subresource counts whatever the method: exec by GET is exec.
func (t *Tuple) Effects() []policy.Access {
	if !t.IsResource() {
		return []policy.Access{{Effect: t.serverEffect(), Object: t.Path}}
	}
	var all []policy.Access
	for _, e := range t.effects() {
		all = append(all, policy.Access{Effect: e, Object: t.Object()})
	}
	return all
}

// Object is "namespace/resource/name". "-" stands for no namespace, and "*" for every object of a collection.
func (t *Tuple) Object() string {
	namespace, name := t.Namespace, t.Name
	if namespace == "" {
		namespace = "-"
	}
	if name == "" {
		name = "*"
	}
	return namespace + "/" + t.GroupResource() + "/" + name
}

func (t *Tuple) effects() []policy.Effect {
	if t.Subresource != "" {
		return t.subresourceEffects()
	}
	switch {
	case t.Reads():
		return []policy.Effect{policy.Read}
	case t.Group == "authorization.k8s.io" && t.Verb == "create",
		t.Group == "authentication.k8s.io" && t.Resource == "selfsubjectreviews" && t.Verb == "create":
		return []policy.Effect{policy.Read} // a question in the form of an object, which nothing keeps
	}
	effect := policy.Write
	switch {
	case t.Group == "" && t.Resource == "bindings": // the old form of pods/binding, which only a rule that names it admits
		effect = policy.Unknown
	case grants(t.Group):
		effect = policy.Privilege
	case defines(t.Group, t.Resource):
		effect = policy.Schema
	}
	if t.Verb != "delete" && t.Verb != "deletecollection" {
		return []policy.Effect{effect}
	}
	if effect == policy.Write {
		return []policy.Effect{policy.Delete}
	}
	return []policy.Effect{effect, policy.Delete}
}

// grants says that who writes the objects of a group gives or takes rights: roles and their bindings, certificates that
// sign people in, webhooks that see and change whatever is written, reviews of tokens.
func grants(group string) bool {
	switch group {
	case "rbac.authorization.k8s.io", "certificates.k8s.io", "admissionregistration.k8s.io", "authentication.k8s.io":
		return true
	}
	return false
}

// defines says that objects of a resource change which resources there are.
func defines(group, resource string) bool {
	return group == "apiextensions.k8s.io" && resource == "customresourcedefinitions" || group == "apiregistration.k8s.io" && resource == "apiservices"
}

// subresourceEffects class what stands behind an object's name. What is not reviewed is unknown.
func (t *Tuple) subresourceEffects() []policy.Effect {
	one := func(e policy.Effect) []policy.Effect { return []policy.Effect{e} }
	switch t.what() {
	case "pods/exec", "pods/attach", "pods/ephemeralcontainers":
		return one(policy.Execute)
	case "pods/portforward", "pods/proxy", "services/proxy", "nodes/proxy":
		return one(policy.Transfer)
	case "pods/log":
		return one(policy.Read)
	case "pods/eviction":
		return one(policy.Delete)
	case "serviceaccounts/token", "certificatesigningrequests.certificates.k8s.io/approval":
		return one(policy.Privilege)
	case "pods/binding", "pods/resize", "namespaces/finalize":
		return one(t.changes(policy.Write))
	}
	if t.Subresource != "status" && t.Subresource != "scale" {
		return one(policy.Unknown)
	}
	switch {
	case grants(t.Group):
		return one(t.changes(policy.Privilege))
	case defines(t.Group, t.Resource):
		return one(t.changes(policy.Schema))
	}
	return one(t.changes(policy.Write))
}

// changes is an effect of what changes something, and read of what does not.
func (t *Tuple) changes(e policy.Effect) policy.Effect {
	switch {
	case t.Reads():
		return policy.Read
	case t.Verb == "delete" && e == policy.Write:
		return policy.Delete
	}
	return e
}

// serverEffect is that of what is no resource: what clients ask of a server before and beside their work, or unknown.
func (t *Tuple) serverEffect() policy.Effect {
	if t.Verb != "get" {
		return policy.Unknown
	}
	parts := strings.Split(t.Path[1:], "/")
	switch {
	case t.Path == "/", t.Path == "/version", t.Path == "/openapi/v2", t.Path == "/openid/v1/jwks", t.Path == "/.well-known/openid-configuration":
		return policy.Session
	case parts[0] == "api" && len(parts) <= 2, parts[0] == "apis" && len(parts) <= 3:
		return policy.Session
	case strings.HasPrefix(t.Path+"/", "/openapi/v3/"):
		return policy.Session
	case len(parts) <= 3 && slices.Contains([]string{"healthz", "livez", "readyz"}, parts[0]):
		return policy.Session
	}
	return policy.Unknown
}
