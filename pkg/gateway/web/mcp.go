package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/hoop-gateway/hoop/pkg/policy"
)

// call is what a JSON-RPC request asks for, as the Model Context Protocol uses it.
type call struct {
	method    string
	tool      string
	arguments map[string]any
}

// errTwice says that a name stands twice in an object, so that two readers may read two things.
var errTwice = errors.New("a name stands twice in an object of it")

// rpc reads a JSON-RPC request. A body that is none answers nil; one that may be read in two ways is an error.
func rpc(body []byte) (*call, error) {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) == 0 || body[0] != '{' && body[0] != '[' {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	value, err := readValue(d, 0)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("more stands behind it")
		}
	}
	if err != nil {
		if mentions(body) {
			return nil, fmt.Errorf("it looks like JSON-RPC and can't be read in one way: %w", err)
		}
		return nil, nil
	}
	if list, ok := value.([]any); ok {
		for _, x := range list {
			if o, ok := x.(map[string]any); ok && o["jsonrpc"] != nil {
				return nil, errors.New("batches of JSON-RPC are not served: send one request at a time")
			}
		}
		return nil, nil
	}
	return callOf(value.(map[string]any))
}

// mentions says whether a body that could not be read has the words of JSON-RPC in it.
func mentions(body []byte) bool {
	return bytes.Contains(body, []byte("jsonrpc")) || bytes.Contains(body, []byte(`\u`))
}

func callOf(o map[string]any) (*call, error) {
	if o["jsonrpc"] == nil {
		return nil, nil
	}
	c := &call{}
	method, ok := o["method"].(string)
	if !ok {
		if o["method"] != nil {
			return nil, errors.New("its method is not a string")
		}
		return nil, nil // an answer to the server's own request
	}
	c.method = method
	params, _ := o["params"].(map[string]any)
	if method == "tools/call" {
		if c.tool, ok = params["name"].(string); !ok {
			return nil, errors.New("it calls a tool without a name")
		}
		c.arguments, _ = params["arguments"].(map[string]any)
	}
	return c, nil
}

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

// effect is what a call does.
func (c *call) effect() policy.Effect {
	if c.method == "tools/call" {
		return policy.Execute
	}
	return policy.Session
}
