package cast

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Filter makes what was put out on one terminal safe to show on another. Text, colours, movements of the cursor and the
// like pass; everything that could speak to the world around that terminal does not: the clipboard, titles, hyperlinks,
// questions that the terminal would answer as if somebody had typed, changes of what its keys and mouse send, printing,
// and all control strings. What does pass is a list of this file, and anything else is left out, so a sequence that
// nobody thought of is left out too. Characters that hide or turn text around become U+FFFD.
//
// The result is the same for any split of the output. The zero Filter is ready; one Filter serves one terminal.
type Filter struct {
	parser  parser
	held    []byte // of a character that is not whole
	changed changes
}

// changes are what has to be put back once a recording ends.
type changes struct{ style, margins, alternate, cursor, wrap, origin, insert, charset bool }

const replacement = "\uFFFD"

// Append adds to dst what of p may be shown.
func (f *Filter) Append(dst, p []byte) []byte {
	for _, b := range p {
		t := f.parser.step(b)
		if t == text && (b >= utf8.RuneSelf || len(f.held) > 0) {
			f.held = append(f.held, b)
			dst = f.runes(dst, false)
			continue
		}
		if f.parser.state != ground || t != text {
			dst = f.runes(dst, true)
		}
		switch t {
		case text:
			dst = append(dst, b)
		case control:
			dst = f.control(dst, b)
		case escape:
			dst = f.escape(dst, b)
		case sequence:
			dst = f.sequence(dst, b)
		}
	}
	return dst
}

// Close adds what puts the terminal back as it was: colours, cursor, the screen that was shown before.
func (f *Filter) Close(dst []byte) []byte {
	dst = f.runes(dst, true)
	for _, c := range []struct {
		changed bool
		back    string
	}{
		{f.changed.style, "\x1b[m"}, {f.changed.charset, "\x1b(B\x1b)B\x0f"}, {f.changed.wrap, "\x1b[?7h"}, {f.changed.insert, "\x1b[4l"},
		{f.changed.origin, "\x1b[?6l"}, {f.changed.margins, "\x1b7\x1b[r\x1b8"}, {f.changed.alternate, "\x1b[?1049l"}, {f.changed.cursor, "\x1b[?25h"},
	} {
		if c.changed {
			dst = append(dst, c.back...)
		}
	}
	*f = Filter{}
	return dst
}

// runes takes the characters that are whole; with all, what is left of one that never will be.
func (f *Filter) runes(dst []byte, all bool) []byte {
	for len(f.held) > 0 && (all || utf8.FullRune(f.held)) {
		r, size := utf8.DecodeRune(f.held)
		if r == utf8.RuneError || !shown(r) {
			dst = append(dst, replacement...)
		} else {
			dst = append(dst, f.held[:size]...)
		}
		f.held = f.held[:copy(f.held, f.held[size:])]
	}
	return dst
}

// shown says whether a character above ASCII shows as what it is. Joiners are in emoji and in several scripts, private use
// is where fonts keep the pictures of prompts.
func shown(r rune) bool {
	return unicode.IsPrint(r) || unicode.Is(unicode.Zs, r) || r == '\u200c' || r == '\u200d' || unicode.Is(unicode.Co, r)
}

func (f *Filter) control(dst []byte, b byte) []byte {
	switch b {
	case '\b', '\t', '\n', '\v', '\f', '\r':
		return append(dst, b)
	case 0x0e, 0x0f: // the two character sets: lines of boxes
		f.changed.charset = true
		return append(dst, b)
	}
	return dst // ENQ asks for an answer, BEL rings
}

func (f *Filter) escape(dst []byte, last byte) []byte {
	between := f.parser.params
	switch {
	case len(between) == 0 && bytes.IndexByte([]byte("78DEHM"), last) >= 0:
		return append(dst, 0x1b, last)
	case len(between) == 1 && (between[0] == '(' || between[0] == ')') && (last == '0' || last == 'A' || last == 'B'):
		f.changed.charset = true
		return append(dst, 0x1b, between[0], last)
	}
	return dst
}

// finals are the control sequences that pass, and how many parameters each takes at most. They move the cursor, erase,
// insert, delete, scroll, set tabs, repeat a character, set colours and margins.
var finals = map[byte]int{
	'A': 1, 'B': 1, 'C': 1, 'D': 1, 'E': 1, 'F': 1, 'G': 1, 'H': 2, 'I': 1, 'J': 1, 'K': 1, 'L': 1, 'M': 1, 'P': 1, 'S': 1, 'T': 1,
	'X': 1, 'Z': 1, '@': 1, '`': 1, 'a': 1, 'b': 1, 'd': 1, 'e': 1, 'f': 2, 'g': 1, 'm': maxParams, 'r': 2, 's': 0, 'u': 0,
}

func (f *Filter) sequence(dst []byte, last byte) []byte {
	if modes, private := bytes.CutPrefix(f.parser.params, []byte("?")); private {
		if last == 'h' || last == 'l' {
			return f.modes(dst, modes, last)
		}
		return dst
	}
	numbers, ok := parameters(f.parser.params, last == 'm')
	if !ok {
		return dst
	}
	switch last {
	case 'h', 'l':
		if len(numbers) != 1 || numbers[0] != 4 {
			return dst
		}
		f.changed.insert = true
	case 'J':
		if len(numbers) == 1 && numbers[0] > 2 {
			return dst // 3 would erase what the viewer's terminal scrolled away
		}
	case 'm':
		f.changed.style = true
	case 'r':
		f.changed.margins = true
	}
	if most, known := finals[last]; last != 'h' && last != 'l' && (!known || len(numbers) > most) {
		return dst
	}
	return append(append(append(dst, 0x1b, '['), f.parser.params...), last)
}

// modes lets those private modes pass that only change what is shown.
func (f *Filter) modes(dst, params []byte, last byte) []byte {
	numbers, ok := parameters(params, false)
	if !ok {
		return dst
	}
	for _, n := range numbers {
		switch n {
		case 6:
			f.changed.origin = true
		case 7:
			f.changed.wrap = true
		case 12, 1048: // the cursor blinks, is kept or put back
		case 25:
			f.changed.cursor = last == 'l'
		case 47, 1047, 1049:
			f.changed.alternate = last == 'h'
		default:
			continue
		}
		dst = append(strconv.AppendInt(append(dst, 0x1b, '[', '?'), int64(n), 10), last)
	}
	return dst
}

// largest bounds the numbers of a sequence: a few bytes must not cost a viewer much.
const largest = 9999

// parameters reads numbers between semicolons, or colons too. An absent number is 0.
func parameters(params []byte, colons bool) (numbers []int, ok bool) {
	if len(params) == 0 {
		return nil, true
	}
	n := 0
	for _, b := range params {
		switch {
		case b >= '0' && b <= '9':
			if n = n*10 + int(b-'0'); n > largest {
				return nil, false
			}
		case b == ';' || b == ':' && colons:
			numbers, n = append(numbers, n), 0
		default:
			return nil, false
		}
	}
	return append(numbers, n), true
}
