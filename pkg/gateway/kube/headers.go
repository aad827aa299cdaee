package kube

import (
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// impersonates refuses a client that says whom it wants to be taken for, in whatever spelling: a proxy on the way may read an
// underscore as a dash.
func impersonates(fields http1.Fields) *api.Refusal {
	for _, f := range fields {
		name := strings.ReplaceAll(strings.ToLower(f.Name), "_", "-")
		if strings.HasPrefix(name, "impersonate-") || strings.HasPrefix(name, "x-remote-") {
			return refusal("impersonation", "The request asks to be taken for somebody else ("+clipped(f.Name)+"), which is the gateway's to say.",
				"Leave out --as and --as-group: you are who you signed in as.")
		}
	}
	return nil
}

// sent are the fields that go to an API server: those that are named here, and nothing else that a client says. The exchange adds
// the credential.
func sent(t *Tuple, fields http1.Fields, body *Body, tables bool) http1.Fields {
	var out http1.Fields
	add := func(name, value string) {
		if value != "" {
			out = append(out, http1.Field{Name: name, Value: value})
		}
	}
	add("User-Agent", fields.Get("User-Agent")) // servers name the manager of fields by it
	switch {
	case !t.IsResource() || t.Subresource == "proxy":
		add("Accept", fields.Get("Accept")) // no objects come back
	case t.Subresource == "log" || streams(t.Subresource):
		add("Accept", typeJSON+", */*") // what goes wrong is told as an object
	default:
		add("Accept", Accept(fields.Get("Accept"), tables))
	}
	if t.Subresource == "proxy" {
		add("Content-Type", fields.Get("Content-Type"))
	} else {
		add("Content-Type", body.Type)
	}
	if !t.IsResource() {
		add("If-None-Match", fields.Get("If-None-Match"))
	}
	add("Accept-Encoding", "identity")
	return out
}

// answered are the fields of an answer that go to the client. whole says that the body passes as it is, masked that something of what it
// is about is masked.
func answered(t *Tuple, a *http1.Answer, whole, masked bool) http1.Fields {
	var out http1.Fields
	for _, f := range a.Fields {
		switch name := strings.ToLower(f.Name); name {
		case "content-type", "date", "retry-after", "cache-control", "vary", "audit-id", "x-kubernetes-pf-flowschema-uid",
			"x-kubernetes-pf-prioritylevel-uid", "x-content-type-options":
			out = append(out, f)
		case "warning":
			if masked && t.quotes(200) && !plainWarning.MatchString(f.Value) {
				f.Value = `299 - "` + unspoken + `"`
			}
			out = append(out, f)
		case "etag", "last-modified":
			if whole {
				out = append(out, f)
			}
		case "content-disposition", "content-language":
			if t.Subresource == "proxy" {
				out = append(out, f)
			}
		}
	}
	return out
}
