package kube

import (
	"bytes"
	"errors"
	"mime"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Body is what a request's body says.
type Body struct {
	// Type is the media type under which JSON is sent in the place of what came; "" where there is no body.
	Type string
	// Document is what is sent, decoded.
	Document any
	Facts    Facts
	pinned   object // what is sent in its place: the same, for one version of the object alone
}

// JSON is what is sent.
func (b *Body) JSON() []byte {
	if b.pinned != nil {
		return appendJSON(nil, b.pinned)
	}
	return b.asked()
}

// asked is what the client said.
func (b *Body) asked() []byte {
	if b.Type == "" {
		return nil
	}
	return appendJSON(nil, b.Document)
}

// The media types of bodies. All are sent as JSON: an apply patch is YAML, of which JSON is a part.
const (
	typeJSON           = "application/json"
	typeYAML           = "application/yaml"
	typeJSONPatch      = "application/json-patch+json"
	typeMergePatch     = "application/merge-patch+json"
	typeStrategicPatch = "application/strategic-merge-patch+json"
	typeApplyPatch     = "application/apply-patch+yaml"
)

// ReadBody reads the body of a request that is not carried to a service behind proxy.
func ReadBody(t *Tuple, contentType string, data []byte) (*Body, *api.Refusal) {
	if len(data) > maxBody {
		return nil, tooLarge()
	}
	b := &Body{}
	if len(data) > 0 {
		if t.Reads() || t.IsResource() && streams(t.Subresource) || !t.IsResource() {
			return nil, badRequest("The request has a body, and nothing of this kind has one.")
		}
		var r *api.Refusal
		if b.Type, r = mediaType(t, contentType); r != nil {
			return nil, r
		}
		if b.Document, r = decoded(b.Type, data); r != nil {
			return nil, r
		}
	}
	if b.Type == typeYAML || b.Type == typeProtobuf {
		b.Type = typeJSON
	}
	if r := b.understand(t); r != nil {
		return nil, r
	}
	return b, nil
}

// understand checks that a body agrees with its path, and reads its facts.
func (b *Body) understand(t *Tuple) *api.Refusal {
	dry, _ := t.Query.Get("dryRun")
	b.Facts.DryRun = dry == "All" && t.what() != "serviceaccounts/token" // of which API servers make a real one all the same
	switch {
	case b.Type == "":
		return nil
	case t.Verb == "delete" || t.Verb == "deletecollection":
		return b.deletes(t)
	case b.Type == typeJSONPatch:
		return b.operations(t)
	}
	o, ok := b.Document.(object)
	if !ok {
		return badRequest("The body is not an object.")
	}
	if r := agrees(t, o); r != nil {
		return r
	}
	b.Facts.read(t, o, b.Type)
	return nil
}

func mediaType(t *Tuple, contentType string) (string, *api.Refusal) {
	if contentType == "" && t.Verb != "patch" { // API servers take it for JSON, and kubectl scale --current-replicas counts on it
		return typeJSON, nil
	}
	got, parameters, err := mime.ParseMediaType(contentType)
	charset, has := parameters["charset"]
	delete(parameters, "charset")
	if contentType == "" || err != nil || len(parameters) > 0 || has && !strings.EqualFold(charset, "utf-8") {
		return "", unsupported("The body's Content-Type " + clipped(contentType) + " is none that hoop reads.")
	}
	patch := got == typeJSONPatch || got == typeMergePatch || got == typeStrategicPatch || got == typeApplyPatch
	switch {
	case t.Verb == "patch" && patch, t.Verb != "patch" && (got == typeJSON || got == typeYAML || got == typeProtobuf):
		return got, nil
	case strings.Contains(got, "protobuf") || strings.Contains(got, "cbor"):
		return "", unsupported("Bodies of " + clipped(got) + " can't be looked into, so hoop passes none.")
	case t.Verb == "patch":
		return "", unsupported("The body's Content-Type " + clipped(got) + " is no kind of patch.")
	}
	return "", unsupported("The body's Content-Type " + clipped(got) + " is none that hoop reads.")
}

func unsupported(message string) *api.Refusal {
	return refusal(codeUnsupported, message, "Send JSON: client-go does with ContentType application/json.")
}

func decoded(mediaType string, data []byte) (any, *api.Refusal) {
	read := readJSON
	if mediaType == typeYAML || mediaType == typeApplyPatch && !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		read = readYAML
	}
	if mediaType == typeProtobuf {
		read = readProtobuf
	}
	v, err := read(data)
	if errors.Is(err, errUnheard) {
		return nil, unsupported("The body can't be looked into as protobuf: " + err.Error() + ".")
	}
	if err != nil {
		return nil, badRequest("The body can't be read in one way alone: " + err.Error() + ".")
	}
	return v, nil
}

// deletes reads DeleteOptions. Where there are some, an API server takes no option from the query.
func (b *Body) deletes(t *Tuple) *api.Refusal {
	o, ok := b.Document.(object)
	if kind := o.text("kind"); !ok || kind != "" && kind != "DeleteOptions" {
		return badRequest("The body of a deletion is not of kind DeleteOptions.")
	}
	dry := false
	if v, there := o.get("dryRun"); there && v != nil {
		list, ok := v.([]any)
		if dry = len(list) > 0; !ok || len(list) > 1 || dry && list[0] != "All" {
			return badRequest("The dryRun of the body is not [\"All\"], and there is nothing else that it can be.")
		}
	}
	if b.Facts.DryRun && !dry {
		return badRequest("The query says dryRun=All and the body does not, and an API server goes by the body: it would delete.")
	}
	b.Facts.DryRun = dry
	if o.at("ignoreStoreReadErrorWithClusterBreakingPotential") == true {
		return badRequest("The body asks for ignoreStoreReadErrorWithClusterBreakingPotential, which hoop does not pass on.")
	}
	return nil
}

// agrees checks that an object is the one that the path names.
func agrees(t *Tuple, o object) *api.Refusal {
	name, namespace := t.Name, t.Namespace
	if t.Resource == "namespaces" {
		namespace = ""
	}
	metadata, there := o.get("metadata")
	if _, ok := metadata.(object); there && metadata != nil && !ok {
		return badRequest("The body's metadata is not an object.")
	}
	for _, field := range []string{"name", "namespace", "generateName"} {
		if v := o.at("metadata", field); v != nil && o.text("metadata", field) == "" && v != "" {
			return badRequest("The body's metadata." + field + " is not a text.")
		}
	}
	if got := o.text("metadata", "name"); got != "" && !t.Collection && got != name {
		return badRequest("The body is about " + clipped(got) + ", and the path about " + clipped(name) + ".")
	}
	if got := o.text("metadata", "namespace"); got != "" && got != namespace {
		return badRequest("The body is in the namespace " + clipped(got) + ", and the path in " + clipped(namespace) + ".")
	}
	if t.Subresource != "" && t.Subresource != "status" {
		return nil // it has a kind of its own: Scale, Eviction, TokenRequest
	}
	version := t.Version
	if t.Group != "" {
		version = t.Group + "/" + t.Version
	}
	if got := o.text("apiVersion"); got != "" && got != version {
		return badRequest("The body is of " + clipped(got) + ", and the path of " + clipped(version) + ".")
	}
	if kind := o.text("kind"); kind != "" && (dnsNamed(t.Group) || t.Group == "rbac.authorization.k8s.io") && !plural(kind, t.Resource) {
		return badRequest("The body is of kind " + clipped(kind) + ", and the path of " + t.GroupResource() + ".")
	}
	return nil
}

// plural says that a resource can be what objects of a kind are called.
func plural(kind, resource string) bool {
	kind = strings.ToLower(kind)
	stem, y := strings.CutSuffix(kind, "y")
	return resource == kind || resource == kind+"s" || resource == kind+"es" || y && resource == stem+"ies"
}
