package web

import (
	"encoding/json"
	"errors"
)

// errTwice says that a name stands twice in an object, so that two readers may read two things.
var errTwice = errors.New("a name stands twice in an object of it")

// maxDepth is how deep a body may be nested.
const maxDepth = 200

// readValue reads a value in which no name stands twice.
func readValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("it is nested too deep")
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		return readObject(d, depth)
	case json.Delim('['):
		var list []any
		for d.More() {
			x, err := readValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, x)
		}
		_, err = d.Token()
		return list, err
	}
	return t, nil
}

func readObject(d *json.Decoder, depth int) (any, error) {
	o := map[string]any{}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := k.(string)
		if !ok {
			return nil, errors.New("a name is not a string")
		}
		if _, twice := o[name]; twice {
			return nil, errTwice
		}
		if o[name], err = readValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return o, err
}
