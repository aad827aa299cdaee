package policy

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
		"operators": k.Operators, "port": int64(k.Port), "path": k.Path,
	}[name]
	return value, ok
}

// resolveHTTP finds the value of a name behind "http.".
func (f *facts) resolveHTTP(name string) (any, bool) {
	h := f.cmd.HTTP
	if h == nil {
		h = &HTTP{}
	}
	value, ok := map[string]any{
		"method": h.Method, "path": h.Path, "query": orEmpty(h.Query), "headers": orEmpty(h.Headers), "rpc": h.RPC, "tool": h.Tool,
		"arguments": orEmpty(h.Arguments),
	}[name]
	return value, ok
}

func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}
