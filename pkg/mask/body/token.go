package body

import "github.com/hoop-gateway/hoop/pkg/mask"

// token is a string, a number or a word that is read. One that is looked at, or compared with paths, is captured: it passes as a
// whole, or does not.
type token struct {
	dst  []byte
	from int

	capture bool
	tok     int    // where it begins in the piece at hand, 0 where it began before
	held    []byte // what came of it before
	isKey   bool
	long    bool // a string that is looked at piece by piece

	escapes int  // of a string: where in an escape it is
	escaped bool // it has escapes
	digits  digits
	minus   bool   // of a number: a sign has come
	rest    string // of a word

	last   []byte // what stays to be seen of the value that is masked
	plain  []byte
	piece  []byte
	stream *mask.Stream
}

func (j *jsonStage) openText(i int, key bool) {
	j.place, j.isKey, j.escapes, j.escaped = inText, key, 0, false
	if key {
		j.open(i, !j.mute && (j.look.on() || j.frames[len(j.frames)-1].live))
	} else {
		j.open(i, j.looked() || j.tailed())
	}
}

// looked says that the value at hand is looked at.
func (j *jsonStage) looked() bool { return !j.mute && j.look.on() }

// tailed says that the value at hand is masked, and its end shown.
func (j *jsonStage) tailed() bool { return j.mute && j.under == len(j.frames) && j.with == mask.Last4 }

func (j *jsonStage) open(i int, capture bool) {
	if j.capture = capture; capture {
		j.tok, j.held, j.long = i, j.held[:0], false
	}
}

// text reads on in a string.
func (j *jsonStage) text(p []byte, i int) (int, string) {
	for i < len(p) {
		c := p[i]
		switch {
		case j.escapes == 0:
			for inString[c] {
				if i++; i == len(p) {
					return i, ""
				}
				c = p[i]
			}
			switch c {
			case '"':
				return i + 1, j.endText(p, i+1)
			case '\\':
				j.escapes, j.escaped = 1, true
			default:
				return j.wrong(p, i, "a control character in a string")
			}
		case j.escapes > 1:
			if !isHex(c) {
				return j.wrong(p, i, "a broken escape")
			}
			if j.escapes++; j.escapes == 6 {
				j.escapes = 0
			}
		default:
			switch c {
			case 'u':
				j.escapes = 2
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				j.escapes = 0
			default:
				return j.wrong(p, i, "a broken escape")
			}
		}
		i++
	}
	return i, ""
}

// most is how much is captured of the token at hand.
func (j *jsonStage) most() int {
	switch {
	case j.place == inNumber:
		return maxNumber
	case j.isKey:
		return maxKey
	}
	return maxHeld
}

// hold keeps what came of a captured token in the piece up to i, unless it is too much.
func (j *jsonStage) hold(p []byte, i int) (why string) {
	j.keep(p, i)
	return j.bound(false)
}

func (j *jsonStage) keep(p []byte, i int) {
	if len(j.held) == 0 {
		j.pass(p, j.tok)
	}
	j.held = append(j.held, p[j.tok:i]...)
	j.tok, j.from = i, i
}

// bound says what becomes of a token that is longer than what is captured. All of it that came is held; over says that this is all.
func (j *jsonStage) bound(over bool) (why string) {
	switch {
	case j.long:
		j.more(over)
		return ""
	case len(j.held) <= j.most():
		return ""
	case j.isKey && j.place == inText:
		return "a key that is too long"
	case !j.mute && j.place == inText && (j.look.set != nil || j.look.detectors == nil):
		j.long = true
		j.begun()
		j.more(over)
		return ""
	}
	j.capture, j.held = false, j.held[:0]
	if !j.mute {
		j.muted = muted{true, len(j.frames), mask.Redact}
		if j.place == inNumber {
			j.with = mask.Null
		}
	}
	return ""
}

// drop is the end of a captured token that can't be understood at i: it does not pass.
func (j *jsonStage) drop(p []byte, i int) {
	_ = j.hold(p, i)
	j.capture = false
}

// whole answers a captured token that ends in front of i. Where it is too long there is no answer, and all is done.
func (j *jsonStage) whole(p []byte, i int) (raw []byte, ok bool, why string) {
	if raw = p[j.tok:i]; len(j.held) == 0 && !j.long && len(raw) <= j.most() {
		return raw, true, ""
	}
	j.keep(p, i)
	ok = !j.long && len(j.held) <= j.most()
	why = j.bound(true)
	return j.held, ok, why
}

// replace puts something in the place of the captured token, which ends before i.
func (j *jsonStage) replace(p []byte, i int, with []byte) {
	if len(j.held) == 0 {
		j.pass(p, j.tok)
	}
	j.dst, j.from = append(j.dst, with...), i
}

// endText ends a string in front of i.
func (j *jsonStage) endText(p []byte, i int) (why string) {
	if !j.capture {
		if j.isKey {
			j.place, j.as = atColon, 0
			return ""
		}
		j.over(i)
		return ""
	}
	raw, ok, why := j.whole(p, i)
	switch {
	case why != "":
		return why
	case ok && j.isKey:
		if why = j.key(raw[1 : len(raw)-1]); why != "" {
			return j.refuse(p, why)
		}
		j.shown(p, i, raw)
	case ok && j.mute:
		j.tail(raw[1 : len(raw)-1])
	case ok:
		j.shown(p, i, raw)
	}
	j.capture = false
	if j.isKey {
		j.place = atColon
		return why
	}
	j.over(i)
	return why
}

// refuse passes what is before the captured token, and nothing of it.
func (j *jsonStage) refuse(p []byte, why string) string {
	if len(j.held) == 0 {
		j.pass(p, j.tok)
	}
	return why
}

// tail takes what stays to be seen of a string that is masked.
func (j *jsonStage) tail(raw []byte) {
	if j.escaped {
		j.plain, _ = unescape(j.plain[:0], raw, true)
		raw = j.plain
	}
	j.last = append(j.last[:0], lastFour(raw)...)
}

// shown looks at a string that is not masked by a path, and puts out what is shown of it.
func (j *jsonStage) shown(p []byte, i int, raw []byte) {
	if j.look.on() {
		value := raw[1 : len(raw)-1]
		form := mask.Text
		if j.isKey {
			form = mask.Piece
		}
		if j.escaped {
			j.plain, _ = unescape(j.plain[:0], value, true)
			value = j.plain
		}
		left, r := j.look.over(value, form, j.escaped)
		switch {
		case r == mask.Nulled && j.isKey:
			raw = append(j.piece[:0], `"`+stars+`"`...)
		case r == mask.Nulled:
			raw = append(j.piece[:0], "null"...)
		case r == mask.Masked:
			raw = appendQuoted(j.piece[:0], left)
		}
		if r != mask.Clean {
			j.piece = raw
			j.replace(p, i, raw)
			return
		}
	}
	if len(j.held) > 0 {
		j.replace(p, i, raw)
	}
}
