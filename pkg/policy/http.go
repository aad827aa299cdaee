package policy

// HTTP holds the facts about a request to a service that rules can ask for.
type HTTP struct {
	Method    string
	Path      string              // canonical; "" not known
	Decoded   string              // what Path may be to a service that takes the encoded slashes in it for slashes; "": nothing else
	Query     map[string][]string // decoded
	Headers   map[string][]string // names in lower case
	RPC       string              // of JSON-RPC: the method; "" it is none
	Tool      string              // of the Model Context Protocol: the tool that tools/call names
	Arguments map[string]any      // of that tool
}
