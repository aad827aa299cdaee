package body

import (
	"fmt"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

// Bounds of a JSON document. A string that is looked at and is longer than maxHeld is looked at piece by piece, and a number masked as
// a whole.
const (
	maxDepth  = 1000
	maxKey    = 64 << 10  // bytes, as it is written
	maxHeld   = 256 << 10 // bytes of a string, as it is written
	maxNumber = 1 << 10   // bytes of a number
)

// place is what may come next in a document.
type place uint8

const (
	atStart  place = iota // a document
	atValue               // a value
	atFirst               // a value, or the end of an array
	atKey                 // a key
	atOpened              // a key, or the end of an object
	atColon               // :
	atComma               // a comma, or the end of an object or an array
	atEnd                 // nothing more, or another document
	inText                // the rest of a string
	inNumber              // the rest of a number
	inWord                // the rest of true, false or null
)

// frame is an object or an array that is open.
type frame struct {
	array bool
	live  bool // paths lead to values in it
	index int  // of the element that is read, or comes next
}

// jsonStage masks JSON. Bytes that are not masked pass as they are: from is the first one of the piece at hand that has not passed.
type jsonStage struct {
	paths *matcher
	look  *look
	kind  kind

	place  place
	frames []frame
	sets   []uint64 // of each frame, where paths.words is not 0: see matcher
	next   []uint64 // of the value that comes next
	as     mask.As  // what is shown in its place, 0 for itself
	read   int64    // bytes before the piece at hand

	token
	muted
}

// muted is a value that is masked: nothing of it passes.
type muted struct {
	mute  bool
	under int     // how many frames are open around it
	with  mask.As // what is shown instead
}

func newJSON(m *matcher, l *look, k kind) *jsonStage {
	return &jsonStage{paths: m, look: l, kind: k, next: make([]uint64, m.words)}
}

// reset begins a new body.
func (j *jsonStage) reset() {
	*j = jsonStage{paths: j.paths, look: j.look, kind: j.kind, frames: j.frames[:0], sets: j.sets[:0], next: j.next,
		token: token{held: j.held[:0], plain: j.plain[:0], piece: j.piece[:0], stream: j.stream}}
}

func (j *jsonStage) write(dst, p []byte) ([]byte, error) {
	j.dst, j.from, j.tok = dst, 0, 0
	var i int
	var why string
	for i < len(p) && why == "" {
		i, why = j.step(p, i)
	}
	if why == "" && j.capture {
		why = j.hold(p, i)
	} else if why == "" {
		j.pass(p, i)
	}
	dst, j.dst = j.dst, nil
	if why != "" {
		return dst, j.bad(int64(i), why)
	}
	j.read += int64(len(p))
	return dst, nil
}

func (j *jsonStage) bad(at int64, why string) error {
	return fmt.Errorf("%w: %s at byte %d of JSON", ErrMalformed, why, j.read+at)
}

func (j *jsonStage) close(dst []byte) ([]byte, error) {
	j.dst, j.from, j.tok = dst, 0, 0
	why := ""
	if j.place == inNumber {
		why = j.endNumber(nil, 0)
	}
	dst, j.dst = j.dst, nil
	if why == "" && j.place != atEnd && j.place != atStart {
		why = "the document is not at its end"
	}
	if why != "" {
		return dst, j.bad(0, why)
	}
	return dst, nil
}

// pass puts out the bytes up to a place, unless they are of a value that is masked.
func (j *jsonStage) pass(p []byte, to int) {
	if !j.mute && j.from < to {
		j.dst = append(j.dst, p[j.from:to]...)
	}
	j.from = to
}

// step reads the byte at i, and those behind it that are of the same kind. why says what is wrong with it; all before it has passed
// then.
func (j *jsonStage) step(p []byte, i int) (to int, why string) {
	switch j.place {
	case inText:
		return j.text(p, i)
	case inNumber:
		return j.number(p, i)
	case inWord:
		return j.word(p, i)
	}
	c := p[i]
	if c == ' ' || c == '\n' || c == '\r' || c == '\t' {
		for i++; i < len(p) && (p[i] == ' ' || p[i] == '\n' || p[i] == '\r' || p[i] == '\t'); i++ {
		}
		return i, ""
	}
	switch j.place {
	case atEnd:
		if j.kind == document {
			return j.wrong(p, i, "more behind the document")
		}
		if c == recordSeparator && j.kind == records {
			return i + 1, ""
		}
		return j.begin(p, i)
	case atStart:
		if c == recordSeparator && j.kind == records {
			return i + 1, ""
		}
		return j.begin(p, i)
	case atFirst:
		if c == ']' {
			return j.pop(p, i), ""
		}
		return j.element(p, i)
	case atValue:
		if j.frames[len(j.frames)-1].array {
			return j.element(p, i)
		}
		return j.value(p, i)
	case atOpened, atKey:
		if c == '}' && j.place == atOpened {
			return j.pop(p, i), ""
		}
		if c != '"' {
			return j.wrong(p, i, "no key where one must be")
		}
		j.openText(i, true)
		return i + 1, ""
	case atColon:
		if c != ':' {
			return j.wrong(p, i, "no colon behind a key")
		}
		j.place = atValue
		return i + 1, ""
	}
	return j.comma(p, i, c)
}

// recordSeparator stands before each document of a JSON text sequence.
const recordSeparator = 0x1E

// wrong passes what is before a byte that can't be understood.
func (j *jsonStage) wrong(p []byte, i int, why string) (int, string) {
	if j.capture {
		j.drop(p, i)
	} else {
		j.pass(p, i)
	}
	return i, why
}

// comma reads what stands behind a value in an object or an array.
func (j *jsonStage) comma(p []byte, i int, c byte) (int, string) {
	f := &j.frames[len(j.frames)-1]
	switch {
	case c == ',' && f.array:
		f.index++
		j.place = atValue
	case c == ',':
		j.place = atKey
	case c == ']' && f.array, c == '}' && !f.array:
		return j.pop(p, i), ""
	default:
		return j.wrong(p, i, "neither a comma nor an end behind a value")
	}
	return i + 1, ""
}

// begin reads the first byte of a document.
func (j *jsonStage) begin(p []byte, i int) (int, string) {
	copy(j.next, j.paths.root)
	j.as = j.paths.whole
	return j.value(p, i)
}

// element reads the first byte of an array's element.
func (j *jsonStage) element(p []byte, i int) (int, string) {
	if f := &j.frames[len(j.frames)-1]; f.live {
		j.as = j.paths.child(j.next, j.set(), nil, f.index)
	} else {
		j.as = 0
	}
	return j.value(p, i)
}

// set is where the paths stand in the innermost frame.
func (j *jsonStage) set() []uint64 {
	return j.sets[(len(j.frames)-1)*j.paths.words:]
}

// value reads the first byte of a value, of which it is known whether it is masked.
func (j *jsonStage) value(p []byte, i int) (int, string) {
	if j.as != 0 && !j.mute {
		j.pass(p, i)
		j.muted = muted{true, len(j.frames), j.as}
	}
	switch c := p[i]; {
	case c == '"':
		j.openText(i, false)
		return i + 1, ""
	case c == '{', c == '[':
		return j.push(p, i, c == '[')
	case c == '-', c-'0' < 10:
		j.openNumber(i)
		return i, ""
	case c == 't':
		j.rest = "rue"
	case c == 'f':
		j.rest = "alse"
	case c == 'n':
		j.rest = "ull"
		if j.mute && j.under == len(j.frames) {
			j.with = mask.Null // it stays
		}
	default:
		return j.wrong(p, i, "no value where one must be")
	}
	j.place = inWord
	return i + 1, ""
}

func (j *jsonStage) word(p []byte, i int) (int, string) {
	if p[i] != j.rest[0] {
		return j.wrong(p, i, "no value where one must be")
	}
	if j.rest = j.rest[1:]; j.rest == "" {
		j.over(i + 1)
	}
	return i + 1, ""
}

func (j *jsonStage) push(p []byte, i int, array bool) (int, string) {
	if len(j.frames) == maxDepth {
		return j.wrong(p, i, fmt.Sprintf("more than %d levels", maxDepth))
	}
	f := frame{array: array}
	if !j.mute && j.paths.words > 0 {
		inside := len(j.frames) == 0 || j.frames[len(j.frames)-1].live
		f.live = inside && !none(j.next)
	}
	j.frames = append(j.frames, f)
	j.sets = append(j.sets, j.next...)
	if j.place = atOpened; array {
		j.place = atFirst
	}
	return i + 1, ""
}

func (j *jsonStage) pop(_ []byte, i int) int {
	j.frames = j.frames[:len(j.frames)-1]
	j.sets = j.sets[:len(j.frames)*j.paths.words]
	j.over(i + 1)
	return i + 1
}

// over ends a value in front of i. What is shown in its place is put out.
func (j *jsonStage) over(i int) {
	if j.place = atComma; len(j.frames) == 0 {
		j.place = atEnd
	}
	if j.mute && j.under == len(j.frames) {
		j.mute, j.from = false, i
		j.dst = j.instead(j.dst)
	}
}

// instead appends what is shown in the place of a value that is masked.
func (j *jsonStage) instead(dst []byte) []byte {
	if j.with == mask.Null {
		return append(dst, "null"...)
	}
	dst = append(append(dst, '"'), stars...)
	dst = append(appendEscaped(dst, j.last), '"')
	j.last = j.last[:0]
	return dst
}

// key takes a key that was read, as it is written between its quotes.
func (j *jsonStage) key(raw []byte) (why string) {
	j.as = 0
	if j.mute || !j.frames[len(j.frames)-1].live {
		return ""
	}
	if j.escaped {
		j.plain, _ = unescape(j.plain[:0], raw, true)
		raw = j.plain
	}
	if !utf8.Valid(raw) {
		return "a key that is not UTF-8"
	}
	if raw == nil {
		raw = []byte{} // a key, though an empty one
	}
	j.as = j.paths.child(j.next, j.set(), raw, 0)
	return ""
}
