package freetext

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

// maxNesting bounds how deep rows and arrays stand in each other.
const maxNesting = 16

// ErrTooDeep says that a value can't be looked at. It must not be shown.
var ErrTooDeep = errors.New("a value is nested too deep to be looked at")

// Detectors are pkg/mask's.
type Detectors interface {
	// Apply replaces in place what is found in a value, and answers what is left of it, which is never longer.
	Apply(value []byte, form mask.Form) ([]byte, mask.Result)
}

// Value has detectors look at one value, in place, and answers what is left of it. null says that nothing is.
func Value(d Detectors, kind Kind, v []byte) (left []byte, null bool, err error) {
	return lookAt(d, kind, v, 0)
}

func lookAt(d Detectors, kind Kind, v []byte, depth int) (left []byte, null bool, err error) {
	switch kind {
	case textValue:
		return applied(d, v, mask.Text)
	case jsonValue:
		return applied(d, v, mask.JSON)
	case versionedJSON:
		if len(v) == 0 {
			return v, false, nil
		}
		rest, null, err := applied(d, v[1:], mask.JSON)
		if null {
			return v[:0], true, err
		}
		return v[:1+len(rest)], false, err
	case escapedBytes:
		if bytes.HasPrefix(v, []byte(`\x`)) {
			return v, false, nil
		}
		return applied(d, v, mask.Text)
	case arrayValue, recordValue, unknownValue:
		return lookInto(d, v, depth)
	}
	return v, false, nil
}

func applied(d Detectors, v []byte, form mask.Form) ([]byte, bool, error) {
	left, r := d.Apply(v, form)
	return left, r == mask.Nulled, nil
}

// lookInto looks at a value that is laid out as an array, as a row or as pairs of texts, or else as a text, or, where it is
// nothing of these, at its bytes, of which then none is moved. Layouts are exact: all lengths must add up.
func lookInto(d Detectors, v []byte, depth int) ([]byte, bool, error) {
	if depth >= maxNesting {
		return nil, false, ErrTooDeep
	}
	e := editor{d: d, b: v, depth: depth + 1}
	var err error
	switch {
	case isArray(v):
		err = e.array()
	case isRecord(v):
		err = e.record()
	case isPairs(v):
		err = e.pairs()
	case len(v) > 0 && v[0] == 1 && utf8.Valid(v) && bytes.IndexByte(v, 0) < 0:
		return lookAt(d, versionedJSON, v, depth)
	case utf8.Valid(v) && bytes.IndexByte(v, 0) < 0:
		return applied(d, v, mask.Text)
	default:
		return applied(d, v, mask.Fixed)
	}
	return e.b[:e.w], false, err
}

// cells walks n values from at, each with skip bytes in front of its length, and says whether they end where v does.
func cells(v []byte, at, n, skip int) bool {
	for range n {
		if len(v)-at < skip+4 {
			return false
		}
		size := int(int32(binary.BigEndian.Uint32(v[at+skip:])))
		if at += skip + 4; size < -1 || size > len(v)-at {
			return false
		}
		at += max(size, 0)
	}
	return at == len(v)
}

// isArray says whether v is laid out as array_send does: dimensions, whether there are NULLs, the elements' type, for each
// dimension its size and lower bound, the elements.
func isArray(v []byte) bool {
	if len(v) < 12 || binary.BigEndian.Uint32(v) > 6 || binary.BigEndian.Uint32(v[4:]) > 1 {
		return false
	}
	dims := int(binary.BigEndian.Uint32(v))
	n := min(dims, 1)
	for i := range dims {
		if len(v) < 20+8*i {
			return false
		}
		size := int(binary.BigEndian.Uint32(v[12+8*i:]))
		if n *= size; n > len(v)/4 {
			return false
		}
	}
	return cells(v, 12+8*dims, n, 0)
}

// isRecord says whether v is laid out as record_send does: the number of columns, and for each its type, length and bytes.
func isRecord(v []byte) bool {
	return len(v) >= 4 && binary.BigEndian.Uint32(v) <= 1664 && cells(v, 4, int(binary.BigEndian.Uint32(v)), 4)
}

// isPairs says whether v is laid out as hstore_send does: the number of pairs, and for each key and value length and bytes.
func isPairs(v []byte) bool {
	return len(v) >= 4 && int(binary.BigEndian.Uint32(v)) <= len(v)/8 && cells(v, 4, 2*int(binary.BigEndian.Uint32(v)), 0)
}

// editor rewrites a row of values in place: r is how far it has read, w how far it has written, never more.
type editor struct {
	d     Detectors
	b     []byte
	r, w  int
	depth int
}

// keep passes n bytes on.
func (e *editor) keep(n int) {
	if e.w != e.r {
		copy(e.b[e.w:], e.b[e.r:e.r+n])
	}
	e.r, e.w = e.r+n, e.w+n
}

// value looks at a value behind its length, and says whether it became NULL.
func (e *editor) value(kind Kind) (nulled bool, err error) {
	size := int(int32(binary.BigEndian.Uint32(e.b[e.r:])))
	if size < 0 || kind == noText {
		e.keep(4 + max(size, 0))
		return false, nil
	}
	v := e.b[e.r+4 : e.r+4+size : e.r+4+size]
	left, null, err := lookAt(e.d, kind, v, e.depth)
	if err != nil {
		return false, err
	}
	e.r += 4 + size
	if null {
		binary.BigEndian.PutUint32(e.b[e.w:], ^uint32(0))
		e.w += 4
		return true, nil
	}
	binary.BigEndian.PutUint32(e.b[e.w:], uint32(len(left)))
	if e.w += 4; e.w != e.r-size {
		copy(e.b[e.w:], left)
	}
	e.w += len(left)
	return false, nil
}

func (e *editor) array() error {
	dims := int(binary.BigEndian.Uint32(e.b))
	kind := KindOf(binary.BigEndian.Uint32(e.b[8:]), 1)
	e.keep(12 + 8*dims)
	nulls := false
	for e.r < len(e.b) {
		nulled, err := e.value(kind)
		if err != nil {
			return err
		}
		nulls = nulls || nulled
	}
	if nulls {
		binary.BigEndian.PutUint32(e.b[4:], 1)
	}
	return nil
}

func (e *editor) record() error {
	e.keep(4)
	for e.r < len(e.b) {
		kind := KindOf(binary.BigEndian.Uint32(e.b[e.r:]), 1)
		e.keep(4)
		if _, err := e.value(kind); err != nil {
			return err
		}
	}
	return nil
}

// pairs looks at keys and values. A key can't be NULL: one of which nothing is to be shown is empty.
func (e *editor) pairs() error {
	e.keep(4)
	for i := 0; e.r < len(e.b); i++ {
		nulled, err := e.value(textValue)
		if err != nil {
			return err
		}
		if nulled && i%2 == 0 {
			binary.BigEndian.PutUint32(e.b[e.w-4:], 0)
		}
	}
	return nil
}
