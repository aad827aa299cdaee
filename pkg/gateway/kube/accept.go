package kube

import (
	"mime"
	"slices"
	"strings"
)

// Accept is what is asked of an API server in the place of what a client accepts: JSON, in the shapes that the client asks for
// and nothing else, so that what comes can be looked into. tables says that Table may be among the shapes.
func Accept(asked string, tables bool) string {
	var all []string
	for part := range strings.SplitSeq(asked, ",") {
		name, parameters, err := mime.ParseMediaType(part)
		shape := parameters["as"]
		if err != nil || shape == "" || name != typeJSON && name != "application/vnd.kubernetes.protobuf" && name != "application/cbor" {
			continue
		}
		group, version := parameters["g"], parameters["v"]
		if !isShape(shape, group, version) || shape == "Table" && !tables {
			continue
		}
		entry := typeJSON + ";as=" + shape + ";g=" + group + ";v=" + version
		if parameters["profile"] == "nopeer" {
			entry += ";profile=nopeer"
		}
		if !slices.Contains(all, entry) {
			all = append(all, entry)
		}
	}
	return strings.Join(append(all, typeJSON), ",")
}

// isShape says that objects may be asked for in a shape.
func isShape(shape, group, version string) bool {
	switch shape {
	case "Table", "PartialObjectMetadata", "PartialObjectMetadataList":
		return group == "meta.k8s.io" && (version == "v1" || version == "v1beta1")
	case "APIGroupDiscoveryList":
		return group == "apidiscovery.k8s.io" && (version == "v2" || version == "v2beta1")
	}
	return false
}

// answersJSON says that an answer is what Accept asked for.
func answersJSON(contentType string) bool {
	name, parameters, err := mime.ParseMediaType(contentType)
	charset, has := parameters["charset"]
	return err == nil && name == typeJSON && (!has || strings.EqualFold(charset, "utf-8"))
}
