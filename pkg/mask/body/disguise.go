package body

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// data says that a body which begins so may be JSON, JSONP, or text in UTF-16 or UTF-32.
func data(head []byte) bool {
	if bytes.HasPrefix(head, []byte{0xFE, 0xFF}) || bytes.HasPrefix(head, []byte{0xFF, 0xFE}) {
		return true
	}
	full := len(head) >= maxHead
	if head = blank(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF"))); len(head) == 0 {
		return full
	}
	if head[0] == '{' || head[0] == '[' {
		return true
	}
	if len(head) > 1 && (utf16Sign(head[0]) && head[1] == 0 || head[0] == 0 && utf16Sign(head[1])) {
		return true
	}
	if zero := []byte{0, 0, 0}; len(head) > 6 && bytes.HasPrefix(head, zero) && utf16Sign(head[3]) && bytes.HasPrefix(head[4:], zero) {
		return true
	}
	return guarded(head) || called(head)
}

// utf16Sign says that a sign which JSON begins with stands next to a zero byte.
func utf16Sign(c byte) bool {
	switch c {
	case '{', '[', '"', ' ', '\n', '\r', '\t':
		return true
	}
	return false
}

// blank is what is behind the white space that a text begins with.
func blank(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

// guarded says that a text is JSON behind what keeps scripts from reading it: )]}', a loop without an end, an error.
func guarded(b []byte) bool {
	b = behindComments(b)
	if rest, ok := bytes.CutPrefix(b, []byte(")]}'")); ok {
		rest = behindComments(bytes.TrimLeft(rest, ","))
		return len(rest) > 0 && (rest[0] == '[' || rest[0] == '{')
	}
	if bytes.HasPrefix(b, []byte("throw ")) {
		at := bytes.IndexAny(b, "{[")
		return at > 0 && argument(b[at:])
	}
	for _, loop := range []string{"for", "while"} {
		rest, ok := bytes.CutPrefix(b, []byte(loop))
		if inner, behind, closed := bytes.Cut(blank(rest), []byte(")")); ok && closed && bytes.HasPrefix(inner, []byte("(")) && argument(behindComments(behind)) {
			return true
		}
	}
	return false
}

// called says that a script begins with a call that has JSON for an argument, be there a name to it or none: name({"…, behind comments,
// semicolons and tests whether the name is there.
func called(b []byte) bool {
	for {
		b = behindComments(b)
		if _, behind, ok := bytes.Cut(b, []byte("&&")); ok && bytes.HasPrefix(b, []byte("typeof ")) {
			b = behind
			continue
		}
		args, ok := bytes.CutPrefix(blank(behindName(bytes.TrimLeft(b, "!+-~"))), []byte("("))
		if !ok {
			return false
		}
		for more := true; more; {
			if args = behindComments(args); argument(args) {
				return true
			}
			value, behind, ok := cutJSON(args)
			if !ok || len(value) == 0 {
				return false
			}
			args, more = bytes.CutPrefix(blank(behind), []byte(","))
		}
		behind, ok := bytes.CutPrefix(args, []byte(")"))
		if !ok {
			return false
		}
		b = bytes.TrimLeft(blank(behind), ",&|") // of several calls
	}
}

// behindComments is what is behind comments, semicolons and white space.
func behindComments(b []byte) []byte {
	for {
		b = bytes.TrimLeft(b, " \t\r\n;")
		switch {
		case bytes.HasPrefix(b, []byte("/*")):
			_, b, _ = bytes.Cut(b[2:], []byte("*/"))
		case bytes.HasPrefix(b, []byte("//")):
			_, b, _ = bytes.Cut(b, []byte("\n"))
		default:
			return b
		}
	}
}

// behindName is what is behind the name of a function, as services let those who ask for JSONP choose it: cb, a.b, a[0].
func behindName(b []byte) []byte {
	n := 0
	for n < len(b) && (plainKey(b[n]) && b[n] != '-' || bytes.IndexByte([]byte("$.[]"), b[n]) >= 0) {
		n++
	}
	return b[n:]
}

// argument says that a text begins with an object or an array in JSON that has a text or a number in it, as far as it goes.
func argument(b []byte) bool {
	if len(b) == 0 || b[0] != '{' && b[0] != '[' {
		return false
	}
	some := false
	d := json.NewDecoder(bytes.NewReader(b))
	for depth := 0; ; {
		switch t, err := d.Token(); t := t.(type) {
		case json.Delim:
			if depth--; t == '{' || t == '[' {
				depth += 2
			}
		case string, float64:
			some = true
		default:
			if err != nil { // all of it that is there is JSON, or it is none
				return (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && len(b) > 1
			}
		}
		if depth == 0 {
			end := blank(b[d.InputOffset():])
			return some && (len(end) == 0 || end[0] == ')')
		}
	}
}

// cutJSON cuts a value in JSON off a text.
func cutJSON(b []byte) (value, behind []byte, ok bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	var raw json.RawMessage
	if d.Decode(&raw) != nil {
		return nil, b, false
	}
	return raw, b[d.InputOffset():], true
}
