package policy

// Kube holds the facts about a request to a cluster that rules can ask for.
type Kube struct {
	// Verb is get, list, watch, create, update, patch, delete or deletecollection; of what is no resource the method in lower case.
	Verb                               string
	Group, Version                     string
	Resource, Subresource              string            // Resource is "" of what is no resource
	Namespace, Name                    string            // Namespace "": none, or all of them; Name "": none, or not known
	NamespaceLabels                    map[string]string // nil: not known
	DryRun                             bool
	Creates                            bool // by another verb than create, where the object is not there yet
	Privileged, HostPath               bool // also where it can't be told
	ServiceAccounts, Images, Operators []string
	Argv                               [][]string // of exec: the words of every program that runs. Nil: they are not known
	Path                               string     // of what is no resource
	Port                               uint16     // of a pod, of one connection of a port-forward; 0: the request for it, whose ports are each judged by themselves
}

// what is how rules write what the request is about: "pods/exec", "deployments.apps".
func (k *Kube) what() string {
	text := k.Resource
	if k.Group != "" {
		text += "." + k.Group
	}
	if k.Subresource != "" {
		text += "/" + k.Subresource
	}
	return text
}
