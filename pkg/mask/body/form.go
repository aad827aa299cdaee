package body

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

// maxField is how many bytes a field of a form has at most, as it is written.
const maxField = 1 << 20

// formFields masks a form (WHATWG URL, 5) field by field. A name with brackets or dots (user[ssn], user.ssn) is read both as it is and as
// the value of an object in an object, as servers do.
type formFields struct {
	paths *matcher
	look  *look
	field []byte // that is read
	sets  [2][]uint64

	name, value []byte
}

func newFormFields(m *matcher, l *look) *formFields {
	return &formFields{paths: m, look: l, sets: [2][]uint64{make([]uint64, m.words), make([]uint64, m.words)}}
}

func (f *formFields) write(dst, p []byte) ([]byte, error) {
	for {
		field, rest, over := bytes.Cut(p, []byte("&"))
		if f.field = append(f.field, field...); len(f.field) > maxField {
			return dst, fmt.Errorf("%w: a field of more than %d bytes", ErrMalformed, maxField)
		}
		if !over {
			return dst, nil
		}
		var err error
		if dst, err = f.show(dst); err != nil {
			return dst, err
		}
		dst, p = append(dst, '&'), rest
	}
}

func (f *formFields) close(dst []byte) ([]byte, error) { return f.show(dst) }

// show puts out the field that was read.
func (f *formFields) show(dst []byte) ([]byte, error) {
	name, value, has := bytes.Cut(f.field, []byte("="))
	var ok, fine bool
	f.name, ok = fromForm(f.name[:0], name)
	f.value, fine = fromForm(f.value[:0], value)
	if !ok || !fine {
		return dst, fmt.Errorf("%w: a field with a broken escape", ErrMalformed)
	}
	if !utf8.Valid(f.name) && len(f.paths.steps) > 0 {
		return dst, fmt.Errorf("%w: a field's name is not UTF-8", ErrMalformed)
	}
	as := f.as()
	dst = f.part(dst, name, f.name, mask.Piece)
	if has {
		dst = append(dst, '=')
	}
	switch {
	case as == 0 || len(value) == 0:
		dst = f.part(dst, value, f.value, mask.Text)
	case as == mask.Redact:
		dst = append(dst, stars...)
	case as == mask.Last4:
		dst = toForm(append(dst, stars...), lastFour(f.value))
	}
	f.field = f.field[:0]
	return dst, nil
}

// part appends what is shown of a name or a value.
func (f *formFields) part(dst, raw, text []byte, form mask.Form) []byte {
	left, r := f.look.over(text, form, !bytes.Equal(raw, text))
	switch r {
	case mask.Clean:
		return append(dst, raw...)
	case mask.Nulled:
		return dst
	}
	return toForm(dst, left)
}

// as is what is shown in the place of the field's value.
func (f *formFields) as() mask.As {
	as := f.paths.whole
	if f.paths.words == 0 {
		return as
	}
	next, other := f.sets[0], f.sets[1]
	as = max(as, f.paths.child(next, f.paths.root, f.name, 0))
	n := bytes.IndexAny(f.name, "[.")
	if n < 0 {
		return as
	}
	as = max(as, f.paths.child(next, f.paths.root, f.name[:n], 0))
	for rest := f.name[n:]; len(rest) > 0; {
		var part []byte
		part, rest = inner(rest)
		next, other = other, next
		as = max(as, f.paths.child(next, other, part, 0))
	}
	return as
}

// inner cuts the next part off the rest of a name, which begins with [ or with a dot. The part in [] is nil, an element of an array.
func inner(rest []byte) (part, behind []byte) {
	if rest[0] == '[' {
		if part, behind, ok := bytes.Cut(rest[1:], []byte("]")); ok {
			if len(part) == 0 {
				part = nil
			}
			return part, behind
		}
	}
	if rest[0] == '[' || rest[0] == '.' {
		rest = rest[1:]
	}
	n := bytes.IndexAny(rest, "[.")
	if n < 0 {
		n = len(rest)
	}
	return rest[:n:n], rest[n:]
}

// fromForm appends the text that a part of a form is written for. ok says that its escapes are whole.
func fromForm(dst, raw []byte) (text []byte, ok bool) {
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '+':
			dst = append(dst, ' ')
		case c != '%':
			dst = append(dst, c)
		case i+2 < len(raw) && isHex(raw[i+1]) && isHex(raw[i+2]):
			dst = append(dst, byte(hex4([]byte{'0', '0', raw[i+1], raw[i+2]})))
			i += 2
		default:
			return dst, false
		}
	}
	return dst, true
}

// toForm appends a text as a part of a form.
func toForm(dst, text []byte) []byte {
	for _, c := range text {
		switch {
		case c == ' ':
			dst = append(dst, '+')
		case c-'0' < 10, c|0x20-'a' < 26, c == '*', c == '-', c == '.', c == '_':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		}
	}
	return dst
}
