package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// KubeVerbs are the words that `kube.verbs` can name.
func KubeVerbs() []string {
	return []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "head", "post", "put"}
}

func (d *decoder) kube(n *strict.Node) *kubeFacts {
	f := &kubeFacts{}
	d.Mapping(n, "kube", strict.Fields{
		"verbs": d.words(&f.verbs, "verb", KubeVerbs()...),
		"resources": func(n *strict.Node) {
			d.Each(n, func(n *strict.Node) { f.resources = append(f.resources, d.resource(n)) })
		},
		"subresources":     d.globs(&f.subresources),
		"namespaces":       d.globs(&f.namespaces),
		"names":            d.globs(&f.names),
		"namespace_labels": func(n *strict.Node) { f.namespaceLabels = d.labels(n, "namespace_labels") },
		"dry_run":          d.fact(&f.dryRun),
		"privileged":       d.fact(&f.privileged),
		"host_path":        d.fact(&f.hostPath),
		"service_accounts": d.globs(&f.serviceAccounts),
		"images":           d.globs(&f.images),
		"argv":             d.forms(&f.runs),
		"operators":        d.operators(&f.runs),
		"ports": func(n *strict.Node) {
			f.ports = []ports{}
			d.Each(n, func(n *strict.Node) { f.ports = append(f.ports, d.ports(n)) })
		},
		"paths": func(n *strict.Node) { d.globs(&f.paths)(n); d.rooted(n) },
	})
	d.asks(n)
	d.checkKube(n, f)
	return f
}

// checkKube says where fields of a rule contradict each other.
func (d *decoder) checkKube(n *strict.Node, f *kubeFacts) {
	if f.paths != nil && f.ofObjects() {
		d.Report(n, "paths are of what is no resource, as /metrics is, and the other fields are of objects: no request has both", "write two rules")
	}
	if f.subresources != nil && slices.ContainsFunc(f.resources, func(r resource) bool { return r.sub.text != "" }) {
		d.Report(n, "subresources stand beside a resource that names one itself", `write either resources: ["pods/exec"] or subresources: [exec]`)
	}
	if f.ports != nil && !f.forwards() {
		d.Report(n, "ports are those of port-forward, which this rule is not about", `write beside them: resources: ["pods/portforward"]`)
	}
	if f.resources == nil && f.paths == nil {
		for _, v := range f.verbs {
			if v == "head" || v == "post" || v == "put" {
				d.Report(n, fmt.Sprintf("%s is a method of what is no resource: objects have verbs", v), "write paths beside it, or create, update")
			}
		}
	}
}

// forwards says that a rule writes port-forward out, which only such a rule admits.
func (f *kubeFacts) forwards() bool {
	return f.subresources != nil && slices.ContainsFunc(f.subresources, func(g glob) bool { return g.text == "portforward" }) ||
		slices.ContainsFunc(f.resources, func(r resource) bool { return r.sub.text == "portforward" })
}

// ports reads 8080 or "8000-8099".
func (d *decoder) ports(n *strict.Node) (p ports) {
	var ok bool
	text := d.Text(n)
	if p.low, p.high, ok = readPorts(text); !ok || text == "*" {
		d.Report(n, fmt.Sprintf("%q is no port", text), `write a number from 1 to 65535, or a range of them as "8000-8099"; without ports a rule is for all`)
	}
	return p
}

// checkPorts reports a rule that would have a person asked for each connection.
func (d *decoder) checkPorts(n *strict.Node, r *rule) {
	asks := r.kube != nil && r.kube.ports != nil || r.when != nil && r.when.ported
	if asks && r.verdict == Approve {
		d.Report(n, "a port is known only once the port-forward runs, and nobody can be asked for each of its connections",
			"leave the ports out here, and deny the other ones by another rule")
	}
}

// fact reads a fact that must be as it is written; one that is not written is not asked for.
func (d *decoder) fact(b **bool) func(*strict.Node) {
	return func(n *strict.Node) {
		*b = new(bool)
		d.boolean(*b)(n)
	}
}

// rooted checks that paths begin as they do in requests.
func (d *decoder) rooted(n *strict.Node) {
	for _, item := range n.Items {
		if item.Text != "" && !strings.HasPrefix(item.Text, "/") && !strings.HasPrefix(item.Text, "*") {
			d.Report(item, fmt.Sprintf("%q: a path begins with a slash", item.Text), "")
		}
	}
}

// resource reads "pods", "pods/log", "deployments.apps", "*.example.com" or "*".
func (d *decoder) resource(n *strict.Node) resource {
	text := d.Text(n)
	name, sub, has := strings.Cut(text, "/")
	name, group, grouped := strings.Cut(name, ".")
	r := resource{name: newGlob(name), group: newGlob(group), bare: !grouped, all: text == "*"}
	if text == "*" || name == "*" && !grouped {
		r.group = newGlob("*")
	}
	if has {
		r.sub = newGlob(sub)
	}
	switch home := homeOf(name); {
	case text == "":
	case name == "" || grouped && group == "" || has && sub == "" || strings.Contains(sub, "/") || strings.ToLower(text) != text || strings.ContainsAny(text, " :,"):
		d.Report(n, fmt.Sprintf("%q is no resource", text), `write its plural in small letters, with its group: "pods", "pods/log", "deployments.apps", "*.example.com"`)
	case !grouped && home != "":
		d.Report(n, fmt.Sprintf("%q without a group would be of the core group, and there is none", text), fmt.Sprintf("write %q", name+"."+home+strings.TrimPrefix(text, name)))
	}
	return r
}

// homeOf is the group of a resource that is known to stand in another than the core group; "" for others.
func homeOf(name string) string {
	for group, all := range map[string]string{
		"apps":                         "deployments statefulsets daemonsets replicasets controllerrevisions",
		"batch":                        "jobs cronjobs",
		"autoscaling":                  "horizontalpodautoscalers",
		"policy":                       "poddisruptionbudgets",
		"networking.k8s.io":            "ingresses networkpolicies ingressclasses",
		"rbac.authorization.k8s.io":    "roles rolebindings clusterroles clusterrolebindings",
		"storage.k8s.io":               "storageclasses",
		"coordination.k8s.io":          "leases",
		"apiextensions.k8s.io":         "customresourcedefinitions",
		"apiregistration.k8s.io":       "apiservices",
		"certificates.k8s.io":          "certificatesigningrequests",
		"admissionregistration.k8s.io": "mutatingwebhookconfigurations validatingwebhookconfigurations",
	} {
		if slices.Contains(strings.Fields(all), name) {
			return group
		}
	}
	return ""
}
