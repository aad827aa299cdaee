package kube

import (
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// maxName is how many bytes a name may have.
const maxName = 253

// isLabel says that a text is a word of letters in lower case, digits and dashes, as RFC 1123 has labels. The limit of 63 is
// its caller's: resources of other groups may be longer.
func isLabel(s string) bool {
	if s == "" || len(s) > maxName || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

// isSubdomain says that a text is labels with dots between them.
func isSubdomain(s string) bool {
	if len(s) > maxName {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

// isPathSegment says that a text can be an object's name in a path.
func isPathSegment(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsAny(s, "/%")
}

// dnsNamed are the groups in which every object's name is a subdomain. In others a name may have other characters, as
// "system:node" has.
func dnsNamed(group string) bool { return group == "" || group == "apps" || group == "batch" }

// named checks the name that a path has.
func (t *Tuple) named() *api.Refusal {
	name := t.Name
	switch {
	case t.Collection:
		return nil
	case len(name) > maxName:
		return badRequest("The path's name is too long.")
	case t.Subresource == "proxy":
		return t.proxyName()
	case dnsNamed(t.Group) && !isSubdomain(name):
		return badRequest("The path's name " + clipped(name) + " is not one: names of " + t.GroupResource() + " are DNS names in lower case.")
	}
	return nil
}

// proxyName checks a name that may say with which scheme and at which port a service is asked: "https:web:8443".
func (t *Tuple) proxyName() *api.Refusal {
	parts := strings.Split(t.Name, ":")
	ok := len(parts) <= 3
	if len(parts) == 3 {
		ok = parts[0] == "" || parts[0] == "http" || parts[0] == "https"
		parts = parts[1:]
	}
	if !ok || !isSubdomain(parts[0]) || len(parts) == 2 && parts[1] != "" && !isLabel(parts[1]) {
		return badRequest("The path's name " + clipped(t.Name) + " is not one: what is asked through proxy is NAME, NAME:PORT or SCHEME:NAME:PORT.")
	}
	return nil
}
