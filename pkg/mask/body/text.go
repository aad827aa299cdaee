package body

import (
	"bytes"
	"fmt"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

// textStage has detectors look at text that comes in pieces.
type textStage struct{ stream *mask.Stream }

// newText is nil where there are no detectors.
func newText(d Detectors) (stage, error) {
	if d == nil {
		return nil, nil
	}
	set, ok := d.(*mask.Set)
	if !ok {
		return nil, fmt.Errorf("%w: the detectors can't look at text in pieces", ErrType)
	}
	return textStage{mask.NewStream(set)}, nil
}

func (t textStage) write(dst, p []byte) ([]byte, error) { return t.stream.Write(dst, p), nil }
func (t textStage) close(dst []byte) ([]byte, error)    { return t.stream.Flush(dst), nil }

// asset lets a body pass, to another stage where there is one, when its first bytes do not look like data that is called something
// else.
type asset struct {
	then stage
	head []byte // the first bytes, until they are enough
	seen bool
}

// maxHead is how many bytes of a body are enough to see whether it looks like data.
const maxHead = 512

func (a *asset) write(dst, p []byte) ([]byte, error) {
	if !a.seen {
		if len(a.head) == 0 { // however much white space comes first
			n := len(p) - len(blank(p))
			var err error
			if dst, err = a.pass(dst, p[:n]); err != nil {
				return dst, err
			}
			p = p[n:]
		}
		n := min(maxHead-len(a.head), len(p))
		a.head, p = append(a.head, p[:n]...), p[n:]
		if len(a.head) < maxHead {
			return dst, nil
		}
		var err error
		if dst, err = a.see(dst); err != nil {
			return dst, err
		}
	}
	return a.pass(dst, p)
}

func (a *asset) close(dst []byte) (out []byte, err error) {
	if !a.seen {
		if dst, err = a.see(dst); err != nil {
			return dst, err
		}
	}
	if a.then != nil {
		return a.then.close(dst)
	}
	return dst, nil
}

func (a *asset) see(dst []byte) ([]byte, error) {
	if data(a.head) {
		return dst, fmt.Errorf("%w: it looks like data that is called something else", ErrMalformed)
	}
	a.seen = true
	dst, err := a.pass(dst, a.head)
	a.head = nil
	return dst, err
}

func (a *asset) pass(dst, p []byte) ([]byte, error) {
	if a.then == nil {
		return append(dst, p...), nil
	}
	return a.then.write(dst, p)
}

// data says that a body which begins so may be JSON, JSONP, or text in UTF-16 or UTF-32.
func data(head []byte) bool {
	if bytes.HasPrefix(head, []byte{0xFE, 0xFF}) || bytes.HasPrefix(head, []byte{0xFF, 0xFE}) {
		return true
	}
	full := len(head) == maxHead
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
	return called(head)
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

// called says that a script begins with a call that has an object in JSON for its argument: name({"…, behind comments, semicolons and
// tests whether the name is there.
func called(b []byte) bool {
	for b = blank(b); ; b = blank(b) {
		if rest, ok := bytes.CutPrefix(b, []byte("/*")); ok {
			_, behind, closed := bytes.Cut(rest, []byte("*/"))
			if !closed {
				return false
			}
			b = behind
			continue
		}
		if _, behind, ok := bytes.Cut(b, []byte("&&")); ok && bytes.HasPrefix(b, []byte("typeof ")) {
			b = behind
			continue
		}
		if len(b) == 0 || b[0] != ';' {
			break
		}
		b = b[1:]
	}
	n := 0
	for n < len(b) && (plainKey(b[n]) && b[n] != '-' || b[n] == '$' || b[n] == '.') {
		n++
	}
	b, ok := bytes.CutPrefix(blank(b[n:]), []byte("("))
	if n == 0 || !ok {
		return false
	}
	b = bytes.TrimLeft(b, " \t\r\n[")
	b, ok = bytes.CutPrefix(b, []byte("{"))
	b = blank(b)
	return ok && len(b) > 0 && b[0] == '"'
}
