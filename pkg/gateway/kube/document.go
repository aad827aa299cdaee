package kube

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A document is what a body says: an object, a list ([]any), a string, a json.Number, a bool or nil. It is what hoop judges,
// and what is sent in the body's place.
type object []member

// member is a key of an object with its value. No key stands in an object twice.
type member struct {
	Key   string
	Value any
}

func (o object) get(key string) (any, bool) {
	for _, m := range o {
		if m.Key == key {
			return m.Value, true
		}
	}
	return nil, false
}

// at follows keys into objects in objects; nil where there is none.
func (o object) at(keys ...string) any {
	var v any = o
	for _, key := range keys {
		inside, _ := v.(object)
		v, _ = inside.get(key)
	}
	return v
}

// text is what stands behind keys where it is a string, "" elsewhere.
func (o object) text(keys ...string) string {
	s, _ := o.at(keys...).(string)
	return s
}

// Limits of documents.
const (
	maxBody   = 3 << 20 // bytes, as API servers have it
	maxNested = 128     // objects and lists in each other
)

var errNested = errors.New("it is nested too deeply")

// readJSON reads one JSON document (RFC 8259) in which no key stands twice in one object.
func readJSON(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("it is not UTF-8 text")
	}
	if err := nested(data); err != nil {
		return nil, err
	}
	if !json.Valid(data) {
		return nil, errors.New("it is not JSON")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := readValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the document")
	}
	return v, nil
}

// nested bounds the nesting before anything is read.
func nested(data []byte) error {
	depth, inside, escaped := 0, false, false
	for _, c := range data {
		switch {
		case escaped:
			escaped = false
		case inside:
			escaped, inside = c == '\\', c != '"'
		case c == '"':
			inside = true
		case c == '{' || c == '[':
			if depth++; depth > maxNested {
				return errNested
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

func readValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		return readObject(d)
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := readValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	if s, ok := t.(string); ok && strings.ContainsRune(s, utf8.RuneError) {
		return nil, errors.New("it has a text with half a character in it")
	}
	return t, nil
}

func readObject(d *json.Decoder) (any, error) {
	o, seen := object{}, map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, ok := t.(string)
		if !ok || seen[key] {
			return nil, fmt.Errorf("the key %s stands in one object twice", clipped(key))
		}
		seen[key] = true
		v, err := readValue(d)
		if err != nil {
			return nil, err
		}
		o = append(o, member{key, v})
	}
	_, err := d.Token()
	return o, err
}

// appendJSON writes a document, on one line.
func appendJSON(dst []byte, v any) []byte {
	switch v := v.(type) {
	case object:
		dst = append(dst, '{')
		for i, m := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, m.Key), ':')
			dst = appendJSON(dst, m.Value)
		}
		return append(dst, '}')
	case []any:
		dst = append(dst, '[')
		for i, x := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, x)
		}
		return append(dst, ']')
	case string:
		return appendString(dst, v)
	case json.Number:
		return append(dst, v...)
	case bool:
		return fmt.Appendf(dst, "%t", v)
	}
	return append(dst, "null"...)
}

func appendString(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always can be
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}
