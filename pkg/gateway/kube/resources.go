package kube

import "strings"

// resource is one that people may name without its group.
type resource struct {
	name, group string
	clusterwide bool
}

// resourceNames are the resources of Kubernetes itself, each line a group, and behind each name its short ones; "!" stands before
// what has no namespace. It is for what people write to `hoop can` and into a policy's tests, since requests name all of it themselves, and
// tells what has pods in it and what has none: see podAt.
const resourceNames = `
- pods,pod,po services,service,svc configmaps,configmap,cm secrets,secret serviceaccounts,serviceaccount,sa !namespaces,namespace,ns !nodes,node,no events,event,ev
- endpoints,ep persistentvolumeclaims,persistentvolumeclaim,pvc !persistentvolumes,persistentvolume,pv replicationcontrollers,replicationcontroller,rc
- limitranges,limitrange,limits resourcequotas,resourcequota,quota podtemplates,podtemplate
apps deployments,deployment,deploy statefulsets,statefulset,sts daemonsets,daemonset,ds replicasets,replicaset,rs controllerrevisions,controllerrevision
batch jobs,job cronjobs,cronjob,cj
autoscaling horizontalpodautoscalers,horizontalpodautoscaler,hpa
policy poddisruptionbudgets,poddisruptionbudget,pdb
networking.k8s.io ingresses,ingress,ing networkpolicies,networkpolicy,netpol !ingressclasses,ingressclass
rbac.authorization.k8s.io roles,role rolebindings,rolebinding !clusterroles,clusterrole !clusterrolebindings,clusterrolebinding
storage.k8s.io !storageclasses,storageclass,sc !volumeattachments,volumeattachment !csidrivers,csidriver !csinodes,csinode
apiextensions.k8s.io !customresourcedefinitions,customresourcedefinition,crd,crds
apiregistration.k8s.io !apiservices,apiservice
certificates.k8s.io !certificatesigningrequests,certificatesigningrequest,csr
admissionregistration.k8s.io !validatingwebhookconfigurations,validatingwebhookconfiguration !mutatingwebhookconfigurations,mutatingwebhookconfiguration
authentication.k8s.io !tokenreviews,tokenreview !selfsubjectreviews,selfsubjectreview
authorization.k8s.io !subjectaccessreviews,subjectaccessreview !selfsubjectaccessreviews,selfsubjectaccessreview !selfsubjectrulesreviews,selfsubjectrulesreview
coordination.k8s.io leases,lease
discovery.k8s.io endpointslices,endpointslice
scheduling.k8s.io !priorityclasses,priorityclass,pc
`

// namedResource finds a resource by how people write it: "pods", "po", "deployments.apps", "widgets.example.com". One of a group
// that is none of Kubernetes' own must be written with it.
func namedResource(text string) (r resource, ok bool) {
	name, group, grouped := strings.Cut(text, ".")
	if r, ok = listedResource(text); ok {
		return r, true
	}
	return resource{name, group, false}, grouped && isLabel(name) && isSubdomain(group)
}

// listedResource finds one of Kubernetes' own.
func listedResource(text string) (r resource, ok bool) {
	name, group, grouped := strings.Cut(text, ".")
	for line := range strings.Lines(strings.TrimSpace(resourceNames)) {
		words := strings.Fields(line)
		of := strings.TrimPrefix(words[0], "-")
		if grouped && group != of {
			continue
		}
		for _, w := range words[1:] {
			names := strings.Split(strings.TrimPrefix(w, "!"), ",")
			for _, n := range names {
				if n == name {
					return resource{names[0], of, w[0] == '!'}, true
				}
			}
		}
	}
	return resource{}, false
}
