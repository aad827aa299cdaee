package kube

import "maps"

// The keys of queries, by what is asked. What stands in none of them is refused: a server may know it, and hoop would not know
// what it does.
var (
	everywhere = map[string]form{"pretty": yesNo, "timeout": duration}
	onGet      = map[string]form{"resourceVersion": text, "includeObject": text}
	selecting  = map[string]form{
		"labelSelector": text, "fieldSelector": text, "shardSelector": text, "limit": number, "continue": text, "resourceVersion": text, "resourceVersionMatch": text,
		"timeoutSeconds": number,
	}
	onList   = map[string]form{"watch": yesNo, "allowWatchBookmarks": yesNo, "sendInitialEvents": yesNo, "includeObject": text}
	onWrite  = map[string]form{"dryRun": dryRun, "fieldManager": text, "fieldValidation": text}
	onPatch  = map[string]form{"dryRun": dryRun, "fieldManager": text, "fieldValidation": text, "force": yesNo}
	onDelete = map[string]form{
		"dryRun": dryRun, "propagationPolicy": text, "gracePeriodSeconds": number, "orphanDependents": yesNo,
		"ignoreStoreReadErrorWithClusterBreakingPotential": never,
	}
	onLog = map[string]form{
		"container": text, "follow": yesNo, "previous": yesNo, "sinceSeconds": number, "sinceTime": text, "timestamps": yesNo, "tailLines": number,
		"limitBytes": number, "stream": text, "insecureSkipTLSVerifyBackend": never,
	}
	onAttach      = map[string]form{"container": text, "stdin": yesNo, "stdout": yesNo, "stderr": yesNo, "tty": yesNo}
	onExec        = map[string]form{"command": texts}
	onPortForward = map[string]form{"ports": numbers}
	onServer      = map[string]form{"hash": text, "verbose": yesNo, "exclude": texts}
)

// keys are those that a request may have.
func (t *Tuple) keys() map[string]form {
	known := maps.Clone(everywhere)
	add := func(more ...map[string]form) map[string]form {
		for _, m := range more {
			maps.Copy(known, m)
		}
		return known
	}
	switch {
	case !t.IsResource():
		return add(onServer)
	case t.Subresource == "log":
		return add(onLog)
	case t.Subresource == "exec":
		return add(onAttach, onExec)
	case t.Subresource == "attach":
		return add(onAttach)
	case t.Subresource == "portforward":
		return add(onPortForward)
	}
	return add(map[string][]map[string]form{
		"get": {onGet}, "list": {selecting, onList}, "create": {onWrite}, "update": {onWrite}, "patch": {onPatch},
		"delete": {onDelete}, "deletecollection": {selecting, onDelete},
	}[t.Verb]...)
}
