package kube

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
)

// selects refuses a selection by what is masked: whether an object is among those that are answered tells its value, to who tries often
// enough.
func (t *Tuple) selects(fields []field) *api.Refusal {
	if len(fields) == 0 {
		return nil
	}
	selectors := t.selectors()
	if len(selectors) == 0 { // as most have none
		return nil
	}
	all, err := paths(fields)
	if err != nil {
		return badRequest("A mask can't be applied to what the request selects by.")
	}
	for _, keys := range selectors {
		var v any = "value"
		for _, key := range slices.Backward(keys) {
			if key == element {
				v = []any{v}
			} else {
				v = object{{key, v}}
			}
		}
		if !unmasked(v, all) {
			return refusal(codeMasked, "The request selects by "+clipped(strings.Join(keys, "."))+", which is masked here, and the answer would tell what it is.",
				"Select by something else, or ask for all of them.")
		}
	}
	return nil
}

// unmasked says that nothing of a document is masked.
func unmasked(document any, all []body.Path) bool {
	text := appendJSON(nil, document)
	out, err := exchange.Masked(typeJSON, text, body.Rules{Paths: all})
	return err == nil && bytes.Equal(out, text)
}

// element stands for the elements of a list among the keys of a field.
const element = "[*]"

// fieldOf is where the value stands with which API servers compare, where a field selector does not name it as the object does.
func (t *Tuple) fieldOf(name string) [][]string {
	switch t.GroupResource() + " " + name {
	case "pods spec.host":
		return [][]string{{"spec", "nodeName"}}
	case "pods status.podIP", "pods status.podIPs":
		return [][]string{{"status", "podIP"}, {"status", "podIPs", element, "ip"}}
	case "jobs.batch status.successful":
		return [][]string{{"status", "succeeded"}}
	case "events source", "events.events.k8s.io source":
		return [][]string{{"source", "component"}, {"deprecatedSource", "component"}, {"reportingComponent"}, {"reportingController"}}
	}
	return nil
}

// selectors are the fields that a request selects by. Its name and its namespace a path tells as well.
func (t *Tuple) selectors() (all [][]string) {
	fields, _ := t.Query.Get("fieldSelector")
	for _, term := range terms(fields) {
		if name, _, _, ok := cutTerm(term); ok && name != "metadata.name" && name != "metadata.namespace" {
			all = append(all, t.fieldOf(name)...)
			all = append(all, strings.Split(strings.TrimPrefix(name, "."), "."))
		}
	}
	labels, _ := t.Query.Get("labelSelector")
	for _, key := range labelKeys(labels) {
		all = append(all, []string{"metadata", "labels", key})
	}
	return all
}

// labelKeys are the labels that a selector asks for: "app=web, !ssn, tier in (a, b)". A word counts as a label unless it stands where
// API servers read an operator or a value, or refuse the selector.
func labelKeys(selector string) (keys []string) {
	var label, value, list bool // a label stands in front, a value comes next, a list of values is open
	for selector != "" {
		end := strings.IndexAny(selector, " \t\r\n,()!=<>")
		if end < 0 {
			end = len(selector)
		}
		switch word := selector[:end]; {
		case word == "" || list:
		case value:
			value, label = false, false
		case label && (word == "in" || word == "notin"):
			label = false
		default:
			keys, label = append(keys, word), true
		}
		if end == len(selector) {
			break
		}
		switch selector[end] {
		case ',':
			value, label = false, false
		case '(', ')':
			list, value, label = selector[end] == '(', false, false
		case '=', '<', '>':
			value = !list
		}
		selector = selector[end+1:]
	}
	return keys
}
