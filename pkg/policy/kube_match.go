package policy

import (
	"slices"
	"strings"
)

// kubeFacts are what a rule asks of a request to a cluster. Its fields are held by the bearing of its verdict.
type kubeFacts struct {
	verbs             []string
	resources         []resource
	subresources      globs
	namespaces, names globs
	namespaceLabels   []label
	dryRun            *bool // nil: not asked
	privileged        *bool
	hostPath          *bool
	serviceAccounts   globs
	images            globs
	runs
	paths globs
	ports []ports
}

// ports are one port, or a range of them.
type ports struct{ low, high uint16 }

// resource is one entry of `resources`.
type resource struct {
	name, group glob
	sub         glob // text "" means the resource itself
	bare        bool // it names no group: of what allows that is the core group, of what refuses any
	all         bool // "*" alone, which means what leaving the list out means
}

// Subresources that belong to reading and writing an object. All others run, open, grant or decide something, or are not known: they
// are admitted only by a rule that writes them out.
func ordinarySubresource(s string) bool {
	return s == "" || s == "log" || s == "status" || s == "scale"
}

// byName says whether only a rule that names its subresource admits the request.
func (k *Kube) byName() bool { return k != nil && !ordinarySubresource(k.Subresource) }

// spans says that a request is about every namespace at once.
func (k *Kube) spans() bool {
	collection := k.Verb == "list" || k.Verb == "watch" || k.Verb == "deletecollection"
	return k.Resource != "" && k.Namespace == "" && collection && !clusterWide(k.Group, k.Resource)
}

// clusterWide says that objects of a resource stand in no namespace. A resource that is not listed may stand in one.
func clusterWide(group, resource string) bool {
	return slices.Contains(strings.Fields(map[string]string{
		"":                             "nodes namespaces persistentvolumes componentstatuses",
		"rbac.authorization.k8s.io":    "clusterroles clusterrolebindings",
		"storage.k8s.io":               "storageclasses csidrivers csinodes volumeattachments volumeattributesclasses",
		"apiextensions.k8s.io":         "customresourcedefinitions",
		"apiregistration.k8s.io":       "apiservices",
		"admissionregistration.k8s.io": "mutatingwebhookconfigurations validatingwebhookconfigurations validatingadmissionpolicies validatingadmissionpolicybindings mutatingadmissionpolicies mutatingadmissionpolicybindings",
		"certificates.k8s.io":          "certificatesigningrequests clustertrustbundles",
		"scheduling.k8s.io":            "priorityclasses",
		"node.k8s.io":                  "runtimeclasses",
		"networking.k8s.io":            "ingressclasses ipaddresses servicecidrs",
		"flowcontrol.apiserver.k8s.io": "flowschemas prioritylevelconfigurations",
		"metrics.k8s.io":               "nodes",
	}[group]), resource)
}

func (f *kubeFacts) match(k *Kube, how bearing) bool {
	return f.matchBeside(k, how) && (k.Resource == "" || f.sets(k, how))
}

// matchBeside is match whatever a request's body sets.
func (f *kubeFacts) matchBeside(k *Kube, how bearing) bool {
	switch {
	case k == nil || !f.does(k, how):
		return false
	case k.Resource == "":
		return !f.ofObjects() && (f.paths == nil || f.paths.match(k.Path) || how == wary && k.Path == "")
	case f.paths != nil:
		return false
	}
	return f.about(k, how) && f.stands(k, how) && f.executes(k, how) && f.connects(k, how)
}

// connects says whether a port-forward, or one connection of it, is to a port of the rule's. A request says none: a rule that admits some
// ports admits it, one that denies some does not meet it, and each connection is judged by its own.
func (f *kubeFacts) connects(k *Kube, how bearing) bool {
	switch {
	case f.ports == nil:
		return true
	case k.Subresource != "portforward":
		return false
	case k.Port == 0:
		return how == admitting
	}
	return slices.ContainsFunc(f.ports, func(p ports) bool { return k.Port >= p.low && k.Port <= p.high })
}

// ofObjects says that the rule asks for what only requests about objects have.
func (f *kubeFacts) ofObjects() bool {
	return f.resources != nil || f.subresources != nil || f.namespaces != nil || f.names != nil || f.namespaceLabels != nil ||
		f.privileged != nil || f.hostPath != nil || f.serviceAccounts != nil || f.images != nil || f.argv != nil || f.operators != "" || f.ports != nil
}

// does says whether the verb is one of the rule's. To run something by GET is to create it, as kubectl does both. A rule that is wary
// takes what comes to the same as one: a list shows each object, a patch is an update.
func (f *kubeFacts) does(k *Kube, how bearing) bool {
	streams := k.Subresource == "exec" || k.Subresource == "attach" || k.Subresource == "portforward"
	switch {
	case f.verbs == nil || slices.Contains(f.verbs, k.Verb) || streams && slices.Contains(f.verbs, "create"):
		return true
	case how != wary:
		return false
	case streams || k.Subresource == "proxy":
		return true
	}
	same := map[string][]string{
		"list": {"get", "watch"}, "watch": {"get", "list"}, "deletecollection": {"delete"}, "update": {"patch"}, "patch": {"update"},
	}[k.Verb]
	if k.Subresource == "eviction" {
		same = append(same, "delete")
	}
	if k.Creates {
		same = append(same, "create")
	}
	return slices.ContainsFunc(same, func(v string) bool { return slices.Contains(f.verbs, v) })
}

// about says whether the resource and the subresource are the rule's. A resource does not mean its subresources, but to a rule that is
// wary.
func (f *kubeFacts) about(k *Kube, how bearing) bool {
	if f.resources == nil && f.subresources == nil {
		return how == wary || ordinarySubresource(k.Subresource)
	}
	if f.subresources != nil {
		base := f.resources == nil || slices.ContainsFunc(f.resources, func(r resource) bool { return r.sub.text == "" && r.named(k, how) })
		return base && k.Subresource != "" && slices.ContainsFunc(f.subresources, func(g glob) bool { return names(g, k.Subresource, how) })
	}
	return slices.ContainsFunc(f.resources, func(r resource) bool {
		switch {
		case !r.named(k, how):
			return false
		case r.sub.text != "":
			return k.Subresource != "" && names(r.sub, k.Subresource, how)
		case k.Subresource == "" || how == wary:
			return true
		}
		return r.all && ordinarySubresource(k.Subresource)
	})
}

// names says whether a pattern means a subresource. A star means one that must be written out only to a rule that is wary.
func names(g glob, sub string, how bearing) bool {
	return g.match(sub) && (how == wary || g.text == sub || ordinarySubresource(sub))
}

// named says whether the entry is for the resource, whatever the subresource.
func (r resource) named(k *Kube, how bearing) bool {
	return r.name.match(k.Resource) && (r.group.match(k.Group) || r.bare && how == wary)
}

// stands says whether the object stands where the rule says. A request about all namespaces, or about an object whose name is not told,
// may be about any.
func (f *kubeFacts) stands(k *Kube, how bearing) bool {
	if f.namespaces != nil && !f.namespaces.match(k.Namespace) && !(how == wary && k.spans()) {
		return false
	}
	if f.names != nil && !f.names.match(k.Name) && !(how == wary && (k.Name == "" || f.names.match(k.bare()))) {
		return false
	}
	if f.namespaceLabels == nil {
		return true
	}
	if k.NamespaceLabels == nil {
		return how == wary && (k.Namespace != "" || k.spans())
	}
	return !slices.ContainsFunc(f.namespaceLabels, func(l label) bool {
		value, ok := k.NamespaceLabels[l.name]
		return !ok || !l.values.match(value)
	})
}

// unlabelled says that a command was refused, by this rule, for want of its namespace's labels: the rule asks for them, or another one
// does that would admit the command if they were right.
func (p *Policy) unlabelled(s *Subject, c *Connection, cmd *Command, by string) bool {
	if cmd.Kube == nil || cmd.Kube.NamespaceLabels != nil || cmd.Kube.Namespace == "" {
		return false
	}
	return slices.ContainsFunc(p.rules, func(r rule) bool {
		if r.kube == nil || r.kube.namespaceLabels == nil || !r.meets(s, c) || (by != r.name && (by != RuleDefault || r.verdict == Deny)) {
			return false
		}
		facts := *r.kube
		facts.namespaceLabels = nil
		return facts.match(cmd.Kube, bearingOf(r.verdict)) && r.touchesAny(cmd)
	})
}

// sets says whether what the body sets is as the rule asks.
func (f *kubeFacts) sets(k *Kube, how bearing) bool {
	is := func(asked *bool, fact bool) bool { return asked == nil || *asked == fact }
	return is(f.dryRun, k.DryRun) && is(f.privileged, k.Privileged) && is(f.hostPath, k.HostPath) &&
		lists(f.serviceAccounts, k.ServiceAccounts, k, how) && lists(f.images, k.Images, k, how)
}

// lists holds a list against the texts that a request names. One that names none is admitted only where it leaves them as they are: a
// patch, and a change of how many there are to be.
func lists(asked globs, named []string, k *Kube, how bearing) bool {
	switch {
	case asked == nil:
		return true
	case how == admitting && len(named) == 0:
		return k.Verb == "patch" && k.Subresource == "" || (k.Verb == "patch" || k.Verb == "update") && k.Subresource == "scale"
	case how == admitting:
		return asked.matchAll(named)
	}
	return asked.matchAny(named)
}

// executes says whether what runs in a container is as the rule asks.
func (f *kubeFacts) executes(k *Kube, how bearing) bool {
	if f.argv == nil && f.operators == "" {
		return true
	}
	switch running := k.Subresource == "exec" || k.Subresource == "attach" || k.Subresource == "ephemeralcontainers"; {
	case !running:
		return false
	case k.Argv == nil:
		return how == wary
	case how == admitting && f.operators == "" && slices.ContainsFunc(k.Operators, func(o string) bool { return strings.ContainsAny(o, "<>") }):
		return false // a list of programs says nothing of the files that their output goes to
	}
	return f.operate(k.Argv, k.Operators) && f.start(k.Argv, how)
}
