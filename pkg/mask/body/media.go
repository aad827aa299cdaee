package body

import (
	"fmt"
	"mime"
	"strings"
)

// kind is how a body is looked at.
type kind uint8

const (
	document kind = iota + 1 // one JSON document
	sequence                 // several
	records                  // several, each behind a record separator (RFC 7464)
	events                   // server-sent events
	form                     // a form's fields
	text                     // text
	page                     // text that passes though paths are asked for, where it does not look like data
	opaque                   // what passes unlooked where it does not look like data
)

// kindOf finds how a body is looked at, or answers an error that wraps ErrType.
func kindOf(mediaType string, paths, pages bool) (kind, error) {
	name, params, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return 0, fmt.Errorf("%w: its Content-Type is missing or can't be read", ErrType)
	}
	switch strings.ToLower(params["charset"]) {
	case "", "utf-8", "utf8", "us-ascii":
	default:
		return 0, fmt.Errorf("%w: %.100q in a charset that is not UTF-8", ErrType, name)
	}
	k := kinds(name)
	switch {
	case k == document && params["stream"] != "":
		return sequence, nil
	case k == text && paths && pages && isPage(name):
		return page, nil
	case k == 0:
		return 0, fmt.Errorf("%w: %.100q", ErrType, name)
	case k == text && paths && name != "image/svg+xml":
		return 0, fmt.Errorf("%w: %.100q has no paths", ErrType, name)
	case k == text && paths:
		return page, nil
	}
	return k, nil
}

// kinds is the closed list.
func kinds(name string) kind {
	switch name {
	case "application/json", "text/json":
		return document
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl", "application/jsonlines",
		"application/x-jsonlines", "application/stream+json":
		return sequence
	case "application/json-seq":
		return records
	case "text/event-stream":
		return events
	case "application/x-www-form-urlencoded":
		return form
	case "application/xml", "application/openmetrics-text", "image/svg+xml":
		return text
	case "application/javascript", "application/x-javascript", "application/ecmascript", "text/javascript", "text/ecmascript", "text/css",
		"application/wasm":
		return opaque
	case "text/yaml", "text/x-yaml", "text/vnd.yaml":
		return 0
	}
	top, sub, _ := strings.Cut(name, "/")
	switch {
	case strings.HasSuffix(sub, "+json"):
		return document
	case strings.HasSuffix(sub, "+json-seq"):
		return records
	case strings.HasSuffix(sub, "+xml"), top == "text" && !strings.Contains(sub, "+"):
		return text
	case top == "image", top == "font", top == "audio", top == "video":
		return opaque
	}
	return 0
}

// isPage says that a text is what people read.
func isPage(name string) bool {
	return name == "text/html" || name == "text/plain" || name == "application/xhtml+xml"
}
