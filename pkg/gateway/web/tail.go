package web

import (
	"bytes"
	"mime"
	"strings"
	"unicode"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// tail looks for a parameter that names another method in a body that is too long to be read whole. It sees every byte before the
// service does, so that no such name reaches it with a value behind it.
//
// It errs on the side of finding one: where the value is not there yet the name is enough, and where servers may part a body in different
// ways, its parts are told by their heads alone, wherever lines stand that look like one.
type tail struct {
	method string
	read   func([]byte) ([]byte, error) // what it answers is still to be looked at, with what comes behind it
	held   []byte
	room   []byte // for held, and what comes behind it
	parts  *regions
	within bool // in a form: a value, or a name that is too long to be one of ours; in parts: a line that began as those of heads do
}

// Bounds of what is held back of a body until it can be told what it is.
const (
	longestName  = 4 << 10
	longestKnown = 64 // more than any name of ours
	longestHead  = 8 << 10
	around       = 256 // bytes before what names a part that tell how its line begins
)

// newTail is nil for a type that nobody reads as a form.
func newTail(method, mediaType string) *tail {
	t := &tail{method: method}
	small := strings.ToLower(strings.TrimSpace(mediaType))
	_, _, err := mime.ParseMediaType(small)
	switch {
	case strings.HasPrefix(small, "multipart/"):
		t.read, t.parts = t.inParts, regionsOf(mediaType)
	case err != nil, strings.Contains(small, "form"), strings.Contains(small, "urlencoded"), strings.HasPrefix(small, "text/"):
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
	text := piece
	if len(t.held) > 0 {
		t.room = append(append(t.room[:0], t.held...), piece...)
		text = t.room
	}
	rest, err := t.read(text)
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
	return valued && mayHoldMethod(name) && nameSays(name, unquery(value), method)
}

// mayHoldMethod is for most names of most forms, which are to cost little.
func mayHoldMethod(name []byte) bool {
	return len(name) > longestName || holdsMethod(name) || bytes.IndexByte(name, '%') >= 0
}

// nameSays says so of its name. One may be long for what some servers leave out of it, at either end.
func nameSays(name []byte, value, method string) bool {
	plain := unquery(name)
	if len(name) <= longestName {
		return saysMethod(plain, value, method)
	}
	plain = strings.TrimLeftFunc(plain, unicode.IsSpace)
	begin := strings.ToValidUTF8(plain[:min(len(plain), longestKnown)], "")
	if holdsMethod(begin) {
		for n := range begin {
			if saysMethod(begin[:n], value, method) {
				return true
			}
		}
	}
	return len(plain) < longestKnown // the rest is white space, which may go on
}

// heads looks at what parts say of themselves, as far as that begins in front of a byte.
func (t *tail) heads(text []byte, limit int) ([]byte, error) {
	for from := 0; ; {
		n, ok := naming(text, from)
		if !ok || n.at >= limit {
			return t.cut(text, len(text)-around), nil
		}
		from = n.behind
		if !t.heading(text, n.at) {
			continue
		}
		line, ended := logical(text[n.behind:])
		known := ended
		if ended {
			from += len(line)
			if n.says(line, "", t.method) == nil {
				continue
			}
			var value string
			if value, known = valueOf(text[from:]); known && n.says(line, value, t.method) == nil {
				continue
			}
		}
		switch {
		case known:
			return nil, errMethod
		case len(text)-n.at > 2*longestHead || !ended && len(text)-n.behind > longestHead:
			return nil, errHead
		}
		return t.cut(text, n.at-around), nil
	}
}

// cut forgets a text up to a byte, but for how the line begins that goes on there.
func (t *tail) cut(text []byte, at int) []byte {
	at = max(at, 0)
	if end := bytes.LastIndexAny(text[:at], "\r\n"); end >= 0 {
		t.within = headlike(text[end+1:])
	}
	return text[at:]
}

// heading says whether what stands at a byte may be of a part's head: some servers find it anywhere in that.
func (t *tail) heading(text []byte, at int) bool {
	end := bytes.LastIndexAny(text[:at], "\r\n")
	return len(bytes.TrimLeft(text[end+1:at], " \t")) == 0 || end < 0 && t.within || end >= 0 && headlike(text[end+1:])
}

// headlike says whether a line begins as those of a part's head do: with a name and a colon.
func headlike(line []byte) bool {
	n := bytes.IndexFunc(line, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) })
	return n < 0 || n > 0 && line[n] == ':'
}
