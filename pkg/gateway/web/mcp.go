package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// call is what a JSON-RPC request asks for, as the Model Context Protocol uses it.
type call struct {
	method    string
	tool      string
	arguments map[string]any
}

// toolsCall is the method that runs a tool.
const toolsCall = "tools/call"

var (
	errBatch = errors.New("batches of JSON-RPC are not served: send one request at a time")
	errCase  = errors.New("a name of JSON-RPC is written in another case, which some servers read and others don't")
)

// rpc reads a JSON-RPC request, whatever type the body says it has. A body that is none answers nil; one that servers may read in two
// ways, or that some would take for JSON-RPC and we would not, is an error.
func rpc(body []byte) (*call, error) {
	switch beginningOf(body) {
	case noJSON:
		return nil, nil
	case behindComment:
		if mentions(body) {
			return nil, errors.New("it looks like JSON-RPC behind a comment")
		}
		return nil, nil
	case behindOther:
		return nil, errors.New("it looks like JSON behind a byte order mark, in UTF-16, or behind signs that JSON has not")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var found *call
	for documents := 0; ; documents++ {
		value, err := readValue(d, 0)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		var c *call
		if err == nil {
			c, err = callIn(value)
		} else if !mentions(body) {
			return nil, nil // no JSON, or none that anybody would take for a call
		} else {
			err = fmt.Errorf("it looks like JSON-RPC and can't be read in one way: %w", err)
		}
		switch {
		case err != nil:
			return nil, err
		case found != nil, c != nil && documents > 0:
			return nil, errBatch
		}
		found = c
		if c != nil && !utf8.Valid(body) {
			return nil, errors.New("it is JSON-RPC that is not UTF-8")
		}
	}
}

// mentions says whether a body that could not be read has the words of JSON-RPC in it, or may have them in another form.
func mentions(body []byte) bool {
	small := bytes.ToLower(body)
	return bytes.Contains(small, []byte("rpc")) || bytes.Contains(small, []byte("method")) || bytes.ContainsAny(small, "\\\u017f")
}

// callIn is what a document asks for.
func callIn(value any) (*call, error) {
	switch value := value.(type) {
	case map[string]any:
		return callOf(value)
	case []any:
		for _, x := range value {
			if o, ok := x.(map[string]any); ok {
				if c, err := callOf(o); c != nil || err != nil {
					return nil, errBatch
				}
			}
		}
	}
	return nil, nil
}

// callOf reads the envelope. Servers differ in whether they want the version, so what has a method is a call without it too.
func callOf(o map[string]any) (*call, error) {
	if err := envelope(o); err != nil {
		return nil, err
	}
	method, ok := o["method"].(string)
	if !ok {
		if o["method"] != nil && o["jsonrpc"] != nil {
			return nil, errors.New("its method is not a string")
		}
		return nil, nil // something else, or an answer to the server's own request
	}
	if unprintable(method) {
		return nil, errors.New("its method has signs that are none")
	}
	if method != toolsCall && strings.EqualFold(strings.TrimSpace(method), toolsCall) {
		return nil, errCase
	}
	c := &call{method: method}
	if method == toolsCall {
		return c, c.read(o["params"])
	}
	return c, nil
}

// unprintable says whether a name has what nobody sees: some servers stop at it, or leave it out.
func unprintable(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) })
}

// envelope refuses names that some servers read as those of JSON-RPC, and, so that no other request can be dressed as a call, whatever
// stands beside them.
func envelope(o map[string]any) error {
	versioned, cased := o["jsonrpc"] != nil, false
	for name := range o {
		for _, known := range []string{"jsonrpc", "method", "params"} {
			if name != known && strings.EqualFold(name, known) {
				cased = true
				versioned = versioned || known == "jsonrpc"
			}
		}
	}
	for name, value := range o {
		text, _ := value.(string)
		switch {
		case cased && (versioned || strings.EqualFold(strings.TrimSpace(text), toolsCall)):
			return errCase
		case !versioned:
		case name == "jsonrpc", name == "id", name == "method", name == "params", name == "result", name == "error":
		default:
			return fmt.Errorf("%.40q does not belong into a request of JSON-RPC", name)
		}
	}
	return nil
}

// read reads the parameters of tools/call.
func (c *call) read(value any) error {
	params, _ := value.(map[string]any)
	for name := range params {
		for _, known := range []string{"name", "arguments"} {
			if name != known && strings.EqualFold(name, known) {
				return errCase
			}
		}
	}
	var ok bool
	if c.tool, ok = params["name"].(string); !ok || c.tool == "" || unprintable(c.tool) || strings.TrimSpace(c.tool) != c.tool {
		return errors.New("it calls a tool without a name, or by one that servers may read differently")
	}
	if c.arguments, ok = params["arguments"].(map[string]any); !ok && params["arguments"] != nil {
		return errors.New("the arguments of a tool are not an object")
	}
	if twice(params["arguments"]) {
		return errTwice
	}
	return nil
}

// twice says whether an object has names that differ in case alone, of which servers read one or the other.
func twice(value any) bool {
	switch value := value.(type) {
	case []any:
		for _, x := range value {
			if twice(x) {
				return true
			}
		}
	case map[string]any:
		seen := map[string]bool{}
		for name, x := range value {
			folded := strings.ToLower(strings.ToUpper(name))
			if seen[folded] || twice(x) {
				return true
			}
			seen[folded] = true
		}
	}
	return false
}
