package web

import (
	"bytes"
	"mime"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// tail looks for a parameter that names another method in a body that is too long to be read whole. It sees every byte before the
// service does, so that no such name reaches it with a value behind it.
//
// It errs on the side of finding one: where the value is not there yet the name is enough, and the parts of a body are told by their
// heads alone, wherever lines stand that look like one.
type tail struct {
	method string
	read   func([]byte) ([]byte, error) // what it answers is still to be looked at, with what comes behind it
	held   []byte
	within bool // a value, or a name that is too long to be one of ours
}

// Bounds of what is held back of a body until it can be told what it is.
const (
	longestName = 4 << 10
	longestHead = 8 << 10
	around      = 256 // bytes before a part's head that tell whether it begins a line
)

// newTail is nil for a type that nobody reads as a form.
func newTail(method, mediaType string) *tail {
	t := &tail{method: method}
	small := strings.ToLower(strings.TrimSpace(mediaType))
	_, _, err := mime.ParseMediaType(small)
	switch {
	case strings.HasPrefix(small, "multipart/"):
		t.read = t.heads
	case err != nil, strings.Contains(small, "form"), strings.HasPrefix(small, "text/"):
		t.read = t.fields
	default:
		return nil
	}
	return t
}

// follows takes the next piece in the words of a protocol.
func (t *tail) follows(piece []byte) *api.Refusal {
	if err := t.look(piece); err != nil {
		return malformed("The body: " + err.Error() + ".")
	}
	return nil
}

// look takes the next piece. After an error nothing more of the body may be sent.
func (t *tail) look(piece []byte) error {
	if t == nil {
		return nil
	}
	rest, err := t.read(append(t.held, piece...))
	t.held = append(t.held[:0], rest...)
	return err
}

// fields looks at those of a form.
func (t *tail) fields(text []byte) ([]byte, error) {
	for {
		end := bytes.IndexAny(text, "&;")
		if end < 0 {
			break
		}
		if !t.within && fieldSays(text[:end], t.method) {
			return nil, errMethod
		}
		text, t.within = text[end+1:], false
	}
	name, _, valued := bytes.Cut(text, []byte("="))
	switch {
	case t.within:
		return nil, nil
	case valued || len(name) > longestName:
		t.within = true
		if nameSays(name, "", t.method) {
			return nil, errMethod
		}
		return nil, nil
	}
	return text, nil
}

// fieldSays says whether a field of a form names another method.
func fieldSays(field []byte, method string) bool {
	name, value, valued := bytes.Cut(field, []byte("="))
	return valued && nameSays(name, unquery(value), method)
}

// nameSays says so of its name. One may be long for what some servers leave out of it, at either end.
func nameSays(name []byte, value, method string) bool {
	plain := strings.TrimSpace(unquery(name))
	if len(name) <= longestName {
		return saysMethod(plain, value, method)
	}
	begin := strings.ToValidUTF8(plain[:min(len(plain), 64)], "")
	if strings.Contains(strings.ToLower(begin), "method") {
		for n := range begin {
			if saysMethod(begin[:n], value, method) {
				return true
			}
		}
	}
	return len(plain) < longestName/4 // the rest is white space, which may go on
}

// heads looks at those of parts.
func (t *tail) heads(text []byte) ([]byte, error) {
	for {
		at, value := disposition(text)
		if at < 0 {
			return text[max(0, len(text)-around):], nil
		}
		end := blank(value)
		if end < 0 && len(text)-at > longestHead {
			return nil, errMethod
		}
		if end < 0 {
			return text[max(0, at-around):], nil
		}
		if err := t.head(value[:end], value[end:]); err != nil {
			return nil, err
		}
		text = value
	}
}

// head looks at what a part says of itself, with what stands behind the head.
func (t *tail) head(said, content []byte) error {
	unfolded := strings.NewReplacer("\r\n ", " ", "\r\n\t", " ", "\n ", " ", "\n\t", " ").Replace(string(said))
	line, _, _ := strings.Cut(unfolded, "\n")
	_, names, err := mime.ParseMediaType(strings.TrimSpace(line))
	if err != nil {
		return unclear(said)
	}
	value, _, ended := bytes.Cut(bytes.TrimLeft(content, "\r\n"), []byte("\n"))
	if !ended {
		value = nil
	}
	if saysMethod(names["name"], string(value), t.method) {
		return errMethod
	}
	return nil
}

// disposition finds the next line that says what a part is: where it begins, and what stands behind its colon; -1: none is there yet.
func disposition(text []byte) (at int, value []byte) {
	const name = "content-disposition"
	const dash = len("content")
	for from := 0; ; {
		i := bytes.IndexByte(text[from:], '-')
		if i < 0 {
			return -1, nil
		}
		at, from = from+i-dash, from+i+1
		if at < 0 || at+len(name) > len(text) || !bytes.EqualFold(text[at:at+len(name)], []byte(name)) {
			continue
		}
		before := bytes.TrimRight(text[:at], " \t")
		behind := bytes.TrimLeft(text[at+len(name):], " \t")
		if len(before) > 0 && !bytes.HasSuffix(before, []byte("\n")) && !bytes.HasSuffix(before, []byte("\r")) {
			continue
		}
		switch {
		case len(behind) == 0:
			return at, nil
		case behind[0] == ':':
			return at, behind[1:]
		}
	}
}

// blank is where the blank line behind a part's head begins; -1: it is not there yet.
func blank(text []byte) int {
	crlf, lf := bytes.Index(text, []byte("\n\r\n")), bytes.Index(text, []byte("\n\n"))
	if crlf < 0 || lf >= 0 && lf < crlf {
		return lf
	}
	return crlf
}
