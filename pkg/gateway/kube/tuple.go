// Package kube serves Kubernetes clusters: what a request to an API server means, what is sent in its place, and how its
// answer is shown. It decodes and encodes; whether a request runs is the guard's to say.
package kube

import (
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Tuple is what an API server itself reads from a request, by the rules of its RequestInfo, and what is sent in the
// request's place: see Target. Two requests that mean the same have the same Tuple.
type Tuple struct {
	Method string
	// Verb is get, list, watch, create, update, patch, delete or deletecollection; of what is no resource the method in
	// lower case.
	Verb                  string
	Group, Version        string
	Namespace             string
	Resource, Subresource string
	Name                  string // of a collection: the one that its field selector asks for, "" all
	Collection            bool   // the path names no single object
	Path                  string // of what is no resource
	Rest                  string // behind proxy, from its slash; "" none
	Query                 Query
}

// IsResource says that a request is about objects, and not about the server.
func (t *Tuple) IsResource() bool { return t.Resource != "" }

// Reads says that a request changes nothing by its verb; its subresource may all the same.
func (t *Tuple) Reads() bool {
	switch t.Verb {
	case "get", "list", "watch", "head":
		return true
	}
	return false
}

// GroupResource is "pods" or "deployments.apps".
func (t *Tuple) GroupResource() string {
	if t.Group == "" {
		return t.Resource
	}
	return t.Resource + "." + t.Group
}

// what is "pods/exec" or "deployments.apps": how rules and people call what a request is about.
func (t *Tuple) what() string {
	if t.Subresource == "" {
		return t.GroupResource()
	}
	return t.GroupResource() + "/" + t.Subresource
}

// Parse reads a request's line. A refusal says why an API server might read it otherwise than it looks, or that hoop does
// not serve it.
func Parse(method, path, query string) (*Tuple, *api.Refusal) {
	if r := knownMethod(method); r != nil {
		return nil, r
	}
	t := &Tuple{Method: method}
	head, rest := proxied(discovery(path))
	parts, r := segments(head, false)
	if r != nil {
		return nil, r
	}
	if r := t.route(parts); r != nil {
		return nil, r
	}
	if r := t.behindProxy(rest); r != nil {
		return nil, r
	}
	if r := t.methodFits(); r != nil {
		return nil, r
	}
	if t.Query, r = t.parseQuery(query); r != nil {
		return nil, r
	}
	return t, t.settle()
}

// discovery takes the slash from the end of a path under which clients ask what a server is and has: libraries that are made from its
// description write one, and API servers read the path without it.
func discovery(path string) string {
	short, slash := strings.CutSuffix(path, "/")
	parts := strings.Split(short, "/")
	if slash && (short == "/version" || parts[0] == "" && len(parts) > 1 && (parts[1] == "api" && len(parts) <= 3 || parts[1] == "apis" && len(parts) <= 4)) {
		return short
	}
	return path
}

func knownMethod(method string) *api.Refusal {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE":
		return nil
	}
	return notAllowed("The method " + clipped(method) + " is not served: API servers are asked by GET, HEAD, POST, PUT, PATCH and DELETE.")
}

// route reads the segments of a path.
func (t *Tuple) route(parts []string) *api.Refusal {
	t.Verb = strings.ToLower(t.Method)
	if t.Method == "HEAD" {
		t.Verb = "get"
	}
	groupless := len(parts) > 0 && parts[0] == "api"
	grouped := len(parts) > 0 && parts[0] == "apis"
	if !groupless && !grouped || groupless && len(parts) < 3 || grouped && len(parts) < 4 {
		return t.noResource(parts)
	}
	parts = parts[1:]
	if grouped {
		if t.Group, parts = parts[0], parts[1:]; !isSubdomain(t.Group) {
			return badRequest("The path's group " + clipped(t.Group) + " is not one: a group is a DNS name in lower case.")
		}
	}
	if t.Version, parts = parts[0], parts[1:]; !isLabel(t.Version) {
		return badRequest("The path's version " + clipped(t.Version) + " is not one: a version is a word in lower case.")
	}
	if parts[0] == "watch" || parts[0] == "proxy" {
		return badRequest("Paths of the old form /" + parts[0] + "/ are not served: ask for the collection with watch=true, or for the subresource proxy.")
	}
	return t.resource(parts)
}

// namespaceSubresource says what may stand behind a namespace's name that is no resource in it.
func namespaceSubresource(word string) bool { return word == "status" || word == "finalize" }

func (t *Tuple) resource(parts []string) *api.Refusal {
	if parts[0] == "namespaces" && len(parts) > 1 {
		if t.Namespace = parts[1]; !isLabel(t.Namespace) || len(t.Namespace) > 63 {
			return badRequest("The path's namespace " + clipped(t.Namespace) + " is not one: a namespace is a word of at most 63 letters, digits and dashes in lower case.")
		}
		if len(parts) > 2 && !namespaceSubresource(parts[2]) {
			if parts = parts[2:]; parts[0] == "namespaces" {
				return notFound("There are no namespaces in a namespace.")
			}
		}
	}
	if t.Resource = parts[0]; !isLabel(t.Resource) {
		return badRequest("The path's resource " + clipped(t.Resource) + " is not one: a resource is a word in lower case.")
	}
	if len(parts) > 3 {
		return notFound("The path has more behind the subresource, and hoop serves that of proxy alone.")
	}
	if len(parts) > 2 {
		if t.Subresource = parts[2]; !isLabel(t.Subresource) {
			return badRequest("The path's subresource " + clipped(t.Subresource) + " is not one: a subresource is a word in lower case.")
		}
	}
	t.Collection = len(parts) == 1
	if !t.Collection {
		t.Name = parts[1]
	}
	t.resourceVerb()
	return t.named()
}

func (t *Tuple) resourceVerb() {
	t.Verb = map[string]string{"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[t.Method]
	switch {
	case t.Collection && t.Verb == "get":
		t.Verb = "list" // or watch, which the query says
	case t.Collection && t.Verb == "delete":
		t.Verb = "deletecollection"
	}
}

// noResource reads the path of what is no resource.
func (t *Tuple) noResource(parts []string) *api.Refusal {
	if len(parts) > 2 && parts[0] == "apis" && !isLabel(parts[2]) || len(parts) > 1 && parts[0] == "apis" && !isSubdomain(parts[1]) {
		return badRequest("The path is not that of a group's discovery: groups and versions are in lower case.")
	}
	t.Path = "/" + strings.Join(parts, "/")
	return nil
}

// settle reads from the query what belongs to the verb, once all is known.
func (t *Tuple) settle() *api.Refusal {
	if t.Verb != "list" {
		return nil
	}
	if t.Query.is("watch") {
		t.Verb = "watch"
	}
	selector, ok := t.Query.Get("fieldSelector")
	if !ok {
		return nil
	}
	name, r := exactName(selector)
	if r != nil {
		return r
	}
	if isPathSegment(name) {
		t.Name = name
	}
	return nil
}

// methodFits refuses methods that API servers do not serve at a path.
func (t *Tuple) methodFits() *api.Refusal {
	switch {
	case !t.IsResource() || t.Subresource == "proxy":
		return nil
	case t.Method == "HEAD":
		return notAllowed("HEAD is not served for objects: API servers answer GET.")
	case streams(t.Subresource) && t.Method != "GET" && t.Method != "POST":
		return notAllowed("The method " + t.Method + " is not served for " + t.what() + ": it is asked for by GET and POST.")
	case t.Collection && (t.Method == "PUT" || t.Method == "PATCH"):
		return notAllowed("The method " + t.Method + " is not served for collections: name the object.")
	case t.Subresource == "log" && t.Method != "GET":
		return notAllowed("The method " + t.Method + " is not served for " + t.what() + ": logs are read by GET.")
	case !t.Collection && t.Subresource == "" && t.Method == "POST":
		return notAllowed("POST is not served for a named object: create it in its collection.")
	}
	return nil
}

// streams says that a subresource is carried as streams, whatever the method.
func streams(subresource string) bool {
	return subresource == "exec" || subresource == "attach" || subresource == "portforward"
}
