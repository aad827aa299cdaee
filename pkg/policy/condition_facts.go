package policy

import (
	"encoding/json"
	"strconv"
)

// resolveKube finds the value of a name behind "kube.".
func (f *facts) resolveKube(name string) (any, bool) {
	k := f.cmd.Kube
	if k == nil {
		k = &Kube{}
	}
	value, ok := map[string]any{
		"verb": k.Verb, "group": k.Group, "version": k.Version, "resource": k.Resource, "subresource": k.Subresource, "namespace": k.Namespace,
		"name": k.Name, "namespace_labels": orEmpty(k.NamespaceLabels), "labels_known": k.NamespaceLabels != nil, "dry_run": k.DryRun,
		"privileged": k.Privileged, "host_path": k.HostPath, "service_accounts": k.ServiceAccounts, "images": k.Images, "argv": k.Argv,
		"operators": k.Operators, "path": k.Path,
	}[name]
	return value, ok
}

// resolveHTTP finds the value of a name behind "http.".
func (f *facts) resolveHTTP(name string) (any, bool) {
	h := f.cmd.HTTP
	if h == nil {
		h = &HTTP{}
	}
	if name == "arguments" {
		return numbered(orEmpty(h.Arguments)), true
	}
	value, ok := map[string]any{
		"method": h.Method, "path": h.Path, "query": orEmpty(h.Query), "headers": orEmpty(h.Headers), "rpc": h.RPC, "tool": h.Tool,
	}[name]
	return value, ok
}

func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// numbered gives JSON's numbers as CEL compares them: whole ones as int, others as double. One that neither holds stays a text, and to
// compare it with a number is an error, which refuses.
func numbered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, x := range v {
			out[key] = numbered(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = numbered(x)
		}
		return out
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return i
		}
		if x, err := v.Float64(); err == nil {
			return x
		}
		return v.String()
	}
	return v
}
