package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/hoop-gateway/hoop/pkg/policy/strict"
)

// readYAML reads one YAML document without anchors, aliases, tags and merge keys. A word without quotes that versions of YAML
// read in different ways is an error.
func readYAML(data []byte) (any, error) {
	if len(data) > strict.MaxFile {
		return nil, fmt.Errorf("YAML of more than %d KiB is not read; send it as JSON", strict.MaxFile>>10)
	}
	r := strict.Reader{File: "body"}
	root := r.Document(data)
	if err := r.Err(); err != nil {
		return nil, err
	}
	if root == nil {
		return nil, errors.New("it is not YAML")
	}
	return fromNode(root, 0)
}

func fromNode(n *strict.Node, depth int) (any, error) {
	if depth > maxNested {
		return nil, errNested
	}
	switch n.Kind {
	case strict.List:
		list := []any{}
		for _, item := range n.Items {
			v, err := fromNode(item, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case strict.Mapping:
		return fromMapping(n, depth)
	case strict.Scalar:
		return fromScalar(n)
	}
	return nil, nil
}

func fromMapping(n *strict.Node, depth int) (any, error) {
	o, seen := object{}, map[string]bool{}
	for _, e := range n.Entries {
		if seen[e.Key] {
			return nil, fmt.Errorf("line %d: the key %s stands in one object twice", e.At.Line, clipped(e.Key))
		}
		seen[e.Key] = true
		v, err := fromNode(e.Value, depth+1)
		if err != nil {
			return nil, err
		}
		o = append(o, member{e.Key, v})
	}
	return o, nil
}

var (
	yamlNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	// yamlWord is what every version of YAML reads as a text: nothing that begins like a number, and none of its words for yes,
	// no and nothing.
	yamlWord  = regexp.MustCompile(`^[^-+.0-9~<=]`)
	yamlOther = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null)$`)
	yamlName  = regexp.MustCompile(`^[0-9]+[a-zA-Z][-a-zA-Z0-9./]*$`) // "100m", "10Gi"
	yamlRadix = regexp.MustCompile(`^0[xob]|^[0-9]+[eE][0-9]+$`)
)

func fromScalar(n *strict.Node) (any, error) {
	switch s := n.Text; {
	case !n.Plain:
		return s, nil
	case s == "true" || s == "false":
		return s == "true", nil
	case yamlNumber.MatchString(s):
		return json.Number(s), nil
	case yamlWord.MatchString(s) && !yamlOther.MatchString(s), yamlName.MatchString(s) && !yamlRadix.MatchString(s):
		return s, nil
	default:
		return nil, fmt.Errorf("line %d: %s is read in different ways without quotes: put quotes around it", n.Line, clipped(s))
	}
}
