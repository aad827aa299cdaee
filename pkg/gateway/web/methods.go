package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// methodNames are parameters by which frameworks let a POST say that it is another method: in a query, a form, or the top of a document.
var methodNames = []string{
	"_method", "_httpmethod", "_http_method", "x_http_method", "x_http_method_override", "x_method_override", "http_method_override",
}

// errMethod says that a request says twice what its method is.
var errMethod = errors.New("it names another method than its first line does: send the request with that method")

// saysMethod says whether a parameter names another method than the request's own.
func saysMethod(name, value, method string) bool {
	if strings.EqualFold(strings.TrimSpace(value), method) {
		return false
	}
	for _, known := range methodNames {
		if policy.SameParameter(name, known) {
			return true
		}
	}
	return false
}

// overridden answers an error for a body that says that its request is of another method. Which type a body has does not matter but for
// one in parts: some frameworks read a form where no type is said.
func overridden(method, mediaType string, body []byte, whole bool) error {
	switch small := bytes.ToLower(body); {
	case strings.HasPrefix(strings.ToLower(strings.TrimSpace(mediaType)), "multipart/"):
		return inParts(method, mediaType, body, whole)
	case !bytes.Contains(small, []byte("method")) && !bytes.ContainsAny(small, `%\`):
		return nil
	case jsonish(body):
		var top map[string]json.RawMessage
		if json.Unmarshal(body, &top) != nil { // what is no JSON is looked at elsewhere
			return nil
		}
		for name, value := range top {
			var text string
			if _ = json.Unmarshal(value, &text); saysMethod(name, text, method) {
				return errMethod
			}
		}
		return nil
	}
	for _, field := range bytes.FieldsFunc(body, func(r rune) bool { return r == '&' || r == ';' }) {
		if fieldSays(field, method) {
			return errMethod
		}
	}
	return nil
}

// unquery is a part of a form as it is meant, or as it is written where it can't be read.
func unquery(text []byte) string {
	if plain, err := url.QueryUnescape(string(text)); err == nil {
		return plain
	}
	return string(text)
}

// inParts looks at the names of the parts of a body. What can't be taken apart in one way may not speak of a method at all.
func inParts(method, mediaType string, body []byte, whole bool) error {
	_, params, err := mime.ParseMediaType(mediaType)
	if err != nil || params["boundary"] == "" {
		return unclear(body)
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		p, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF), err != nil && !whole:
			return nil
		case err != nil:
			return unclear(body)
		}
		said := p.Header.Values("Content-Disposition")
		if len(said) != 1 {
			return unclear(body)
		}
		_, names, err := mime.ParseMediaType(said[0])
		if err != nil {
			return unclear(body)
		}
		value, _ := io.ReadAll(io.LimitReader(p, 64))
		if saysMethod(names["name"], string(value), method) {
			return errMethod
		}
	}
}

// unclear answers an error for a body in parts that can't be taken apart, and may name a method.
func unclear(body []byte) error {
	if small := bytes.ToLower(body); bytes.Contains(small, []byte("method")) || bytes.ContainsAny(small, `%\`) {
		return errMethod
	}
	return nil
}
