package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// methodNames are parameters by which frameworks let a POST say that it is another method: in a query, a form, or the top of a document.
var methodNames = []string{
	"_method", "_httpmethod", "_http_method", "x_http_method", "x_http_method_override", "x_method_override", "http_method_override",
}

// What is said of a request that says twice what its method is, or may.
var (
	errMethod  = errors.New("it names another method than its first line does: send the request with that method")
	errUnclear = errors.New("its parts can't be read in one way, and one of them may name another method: give each part one Content-Disposition, with its name in quotes")
	errHead    = errors.New("what a part says of itself (Content-Disposition) is longer than 8 KiB, and it may name another method: shorten it, as the name of a file")
)

// saysMethod says whether a parameter names another method than the request's own.
func saysMethod(name, value, method string) bool {
	if !holdsMethod(name) || strings.EqualFold(strings.TrimSpace(value), method) {
		return false
	}
	for _, known := range methodNames {
		if policy.SameParameter(name, known) {
			return true
		}
	}
	return false
}

// holdsMethod says whether the word is in a text, as it is in all methodNames.
func holdsMethod[T string | []byte](text T) bool {
	const word = "method"
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i]|0x20 == word[0] && strings.EqualFold(string(text[i:i+len(word)]), word) {
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

// unquery is a part of a form as it is meant. What is no escape stays as it is written, as most servers have it; some know "%u005f", too.
func unquery[T string | []byte](text T) string {
	if !strings.ContainsAny(string(text), "%+") {
		return string(text)
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		r, size := escape(string(text[i:min(i+6, len(text))]))
		switch {
		case size == 3:
			out = append(out, byte(r))
		case size > 0:
			out = utf8.AppendRune(out, r)
		case text[i] == '+':
			out = append(out, ' ')
			continue
		default:
			out = append(out, text[i])
			continue
		}
		i += size - 1
	}
	return string(out)
}

// escape is what an escape at the beginning of a text stands for, and how long that is: 0 where none is there.
func escape(text string) (r rune, size int) {
	digits := ""
	switch {
	case len(text) < 3 || text[0] != '%':
		return 0, 0
	case text[1]|0x20 == 'u' && len(text) >= 6:
		digits, size = text[2:6], 6
	default:
		digits, size = text[1:3], 3
	}
	n, err := strconv.ParseUint(digits, 16, 16)
	if err != nil {
		return 0, 0
	}
	return rune(n), size
}
