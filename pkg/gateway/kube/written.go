package kube

import (
	"strconv"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/argv"
)

// written reads a request as people write it to `hoop can` and into a policy's tests. Either it is a request's line,
// "GET /api/v1/namespaces", or words in kubectl's manner: "get pods -n stg", "delete deployments.apps/web -n stg",
// "exec pods/web-1 -n stg -- ls -l", "port-forward pods/web-1 8080 -n stg". Without -n it is about the namespace "default", with -A about all; a resource of a
// group that is not Kubernetes' own has a namespace only with -n. Versions are v1.
func written(text string) (*Tuple, *api.Refusal) {
	first, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	if knownMethod(first) == nil {
		target := strings.TrimSpace(rest)
		path, query, _ := strings.Cut(target, "?")
		return Parse(first, path, query)
	}
	w, why := readWords(text)
	if why == "" {
		why = w.complete()
	}
	if why != "" {
		return nil, refusal(codeMalformed, "This can't be judged: "+why+".",
			"Write: get pods/web-1 -n stg, exec pods/web-1 -n stg -- ls -l, or GET /api/v1/namespaces.")
	}
	t := w.tuple()
	path, query := t.Target()
	return Parse(t.Method, path, query)
}

// request is what words in kubectl's manner ask for.
type request struct {
	verb, namespace string
	resource        resource
	name            string
	everywhere      bool // -A
	query           Query
	command         []string
}

// action is what a verb of a request's words is to an API server.
type action struct{ method, subresource string }

// actions are the verbs that may be written. Those of kubectl that make several requests are not among them.
var actions = map[string]action{
	"get": {"GET", ""}, "list": {"GET", ""}, "watch": {"GET", ""}, "create": {"POST", ""}, "update": {"PUT", ""}, "patch": {"PATCH", ""},
	"delete": {"DELETE", ""}, "deletecollection": {"DELETE", ""}, "exec": {"POST", "exec"}, "attach": {"POST", "attach"},
	"logs": {"GET", "log"}, "log": {"GET", "log"}, "port-forward": {"POST", "portforward"}, "portforward": {"POST", "portforward"},
	"proxy": {"GET", "proxy"}, "debug": {"PATCH", "ephemeralcontainers"}, "evict": {"POST", "eviction"}, "scale": {"PATCH", "scale"},
}

// readWords reads them, or says what is wrong.
func readWords(text string) (w request, why string) {
	line, err := argv.Parse(text, argv.Limits{})
	if err != nil || !line.Known() || len(line.Commands) != 1 || len(line.Operators) > 0 {
		return w, "it is no list of words"
	}
	words, _ := line.Commands[0].Values()
	if len(words) == 0 {
		return w, "it is empty"
	}
	w.verb = words[0]
	var operands []string
	for i := 1; i < len(words); i++ {
		word := words[i]
		value := func() string {
			if i++; i < len(words) {
				return words[i]
			}
			why = word + " has no value"
			return ""
		}
		switch {
		case word == "--":
			w.command = words[i+1:]
			i = len(words)
		case word == "-n" || word == "--namespace":
			w.namespace = value()
		case word == "-A" || word == "--all-namespaces":
			w.everywhere = true
		case word == "-l" || word == "--selector":
			w.query = append(w.query, Param{"labelSelector", value()})
		case word == "--field-selector":
			w.query = append(w.query, Param{"fieldSelector", value()})
		case word == "--dry-run=server":
			w.query = append(w.query, Param{"dryRun", "All"})
		case word == "-i" || word == "--stdin":
			w.query = append(w.query, Param{"stdin", "true"})
		case word == "-t" || word == "--tty":
			w.query = append(w.query, Param{"tty", "true"})
		case word == "-it" || word == "-ti":
			w.query = append(w.query, Param{"stdin", "true"}, Param{"tty", "true"})
		case strings.HasPrefix(word, "-"):
			return w, "the flag " + clipped(word) + " is not known"
		default:
			operands = append(operands, word)
		}
	}
	if why == "" {
		why = w.operands(operands)
	}
	return w, why
}

// operands are the resource and the name, as one word or as two.
func (w *request) operands(words []string) (why string) {
	if len(words) == 0 {
		return "it names no resource"
	}
	if last := words[len(words)-1]; len(words) > 1 && actions[w.verb].subresource == "portforward" {
		if _, remote, mapped := strings.Cut(last, ":"); mapped {
			last = remote
		}
		if _, err := strconv.ParseUint(last, 10, 16); err == nil {
			w.query, words = append(w.query, Param{"ports", last}), words[:len(words)-1]
		}
	}
	kind, name, slash := strings.Cut(words[0], "/")
	if !slash && actions[w.verb].subresource != "" && len(words) == 1 { // exec web-1, as kubectl has it
		kind, name = "pods", words[0]
	} else if !slash && len(words) == 2 {
		name, words = words[1], words[:1]
	}
	if len(words) > 1 {
		return "it names more than one object"
	}
	r, ok := namedResource(kind)
	if !ok {
		return "the resource " + clipped(kind) + " is not known: write it with its group, widgets.example.com"
	}
	w.resource, w.name = r, name
	return ""
}

// complete fills in what was not said, and says what can't be.
func (w *request) complete() (why string) {
	a, ok := actions[w.verb]
	single := w.name != ""
	switch {
	case !ok:
		return "the verb " + clipped(w.verb) + " is not known"
	case single && (w.verb == "list" || w.verb == "watch" || w.verb == "deletecollection"):
		return w.verb + " is about a collection: use get or delete for one object, or --field-selector metadata.name=" + w.name
	case !single && (a.subresource != "" || w.verb == "update" || w.verb == "patch"):
		return "it names no object"
	case (a.subresource == "exec") != (w.command != nil):
		return "a command stands behind -- of exec, and nowhere else"
	case w.everywhere && single:
		return "-A is about all namespaces, and a named object is in one"
	}
	own := strings.HasSuffix(w.resource.group, ".k8s.io") || !strings.Contains(w.resource.group, ".")
	if w.namespace == "" && !w.everywhere && own && !w.resource.clusterwide {
		w.namespace = "default"
	}
	if w.resource.clusterwide {
		w.namespace = ""
	}
	return ""
}

// tuple is what they ask for.
func (w *request) tuple() *Tuple {
	a := actions[w.verb]
	t := &Tuple{
		Method: a.method, Group: w.resource.group, Version: "v1", Namespace: w.namespace, Resource: w.resource.name,
		Subresource: a.subresource, Name: w.name, Query: w.query,
	}
	t.Collection = w.name == "" || w.verb == "create" && a.subresource == ""
	if w.verb == "watch" {
		t.Query = append(t.Query, Param{"watch", "true"})
	}
	for _, c := range w.command {
		t.Query = append(t.Query, Param{"command", c})
	}
	if t.isNamespace() {
		t.Namespace = t.Name
	}
	return t
}
