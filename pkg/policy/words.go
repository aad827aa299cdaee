package policy

import (
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// words are what a rule asks of a request to a cluster or a service, in one line as the file has it: "kube: {verbs: [get, list]}". ""
// where it asks nothing of one.
func (r *rule) words() string {
	if r.at == nil {
		return ""
	}
	for _, e := range r.at.Entries {
		if e.Key == "kube" || e.Key == "http" {
			return e.Key + ": " + flow(e.Value)
		}
	}
	return ""
}

// flow writes a node on one line.
func flow(n *strict.Node) string {
	var parts []string
	switch n.Kind {
	case strict.Mapping:
		for _, e := range n.Entries {
			parts = append(parts, e.Key+": "+flow(e.Value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case strict.List:
		for _, item := range n.Items {
			parts = append(parts, flow(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return n.Text
}
