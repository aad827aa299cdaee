package mask

// other stands for signs that are no part of a number.
const other = 0xFF

// glyph is the sign at i in its plain form, and its length in bytes: full-width digits, letters and signs are their ASCII
// ones, all dashes are '-', all spaces are ' ', and what can't be seen (zero-width joiners, marks of direction, soft
// hyphens) is 0. A length of 0 says that the bytes end within it.
func glyph(b []byte, i int) (c byte, n int) {
	c = b[i]
	if c < 0x80 {
		return max(c, 1), 1 // the zero byte is no sign that can't be seen
	}
	switch c {
	case 0xC2, 0xE2, 0xE3, 0xEF:
	default:
		return other, 1
	}
	if i+1 >= len(b) {
		return other, 0
	}
	if c == 0xC2 {
		switch b[i+1] {
		case 0xA0:
			return ' ', 2
		case 0xAD:
			return 0, 2
		}
		return other, 1
	}
	if i+2 >= len(b) {
		return other, 0
	}
	if c = glyph3(c, b[i+1], b[i+2]); c == other {
		return other, 1
	}
	return c, 3
}

// glyph3 reads signs of three bytes.
func glyph3(a, b, c byte) byte {
	switch {
	case a == 0xE2 && b == 0x80:
		switch {
		case c >= 0x8B && c <= 0x8F, c >= 0xAA && c <= 0xAE:
			return 0
		case c >= 0x80 && c <= 0x8A, c == 0xAF:
			return ' '
		case c >= 0x90 && c <= 0x95:
			return '-'
		}
	case a == 0xE2 && b == 0x81 && c >= 0xA0 && c <= 0xA4:
		return 0
	case a == 0xE2 && b == 0x88 && c == 0x92:
		return '-'
	case a == 0xE3 && b == 0x80 && c == 0x80:
		return ' '
	case a == 0xEF && b == 0xBB && c == 0xBF:
		return 0
	case a == 0xEF && b == 0xBC && c >= 0x81 && c <= 0xBF: // U+FF01 … U+FF3F are ! … _
		return c - 0x81 + '!'
	case a == 0xEF && b == 0xBD && c >= 0x80 && c <= 0x9E: // U+FF40 … U+FF5E are ` … ~
		return c - 0x80 + '`'
	}
	return other
}

func isDigit(c byte) bool  { return c-'0' < 10 }
func isLetter(c byte) bool { return c|0x20-'a' < 26 }
func isWord(c byte) bool   { return isDigit(c) || isLetter(c) || c == '_' }

// before is the sign in front of i in its plain form, ' ' where there is none. A finding is no sign.
func (v view) before(i int) byte {
	switch {
	case i <= v.floor:
		return ' '
	case v.b[i-1] < 0x80:
		return v.b[i-1]
	case i-3 >= v.floor:
		if c, n := glyph(v.b, i-3); n == 3 {
			return c
		}
	}
	return other
}

// free says that no word goes on at i. The letter of an escape (\n) is the end of one, as in JSON and COPY.
func (v view) free(i int) bool {
	c := v.before(i)
	return !isWord(c) || i-2 >= v.floor && v.b[i-2] == '\\' && isEscape(c)
}

func isEscape(c byte) bool {
	switch c {
	case 'n', 'r', 't', 'b', 'f', 'v':
		return true
	}
	return false
}

// bare is where a finding that would begin at i begins: behind the letter of an escape, so that the escape stays whole.
func (v view) bare(i, end int) int {
	if i <= v.floor || i >= end || v.b[i-1] != '\\' {
		return i
	}
	if isEscape(v.b[i]) {
		return i + 1
	}
	if v.b[i] == 'u' && i+5 < end && isHex(v.b[i+1]) && isHex(v.b[i+2]) && isHex(v.b[i+3]) && isHex(v.b[i+4]) {
		return i + 5
	}
	return i
}

func isHex(c byte) bool { return isDigit(c) || c|0x20-'a' < 6 }

// behind is the sign at i, ' ' where the bytes end. unsure says that it has not come yet.
func (v view) behind(i int) (byte, outcome) {
	for hops := 0; i < len(v.b); hops++ {
		c, n := glyph(v.b, i)
		if n == 0 {
			break
		}
		if c != 0 || hops == 8 { // what can't be seen is passed over
			return c, found
		}
		i += n
	}
	if v.more {
		return ' ', unsure
	}
	return ' ', found
}

// over says that a number which ends at i is at its end: no word goes on, and no decimals follow. dash: nor another group.
func (v view) over(i int, dash bool) outcome {
	c, out := v.behind(i)
	switch {
	case out == unsure:
		return unsure
	case isWord(c):
		return nothing
	case c == '.' || c == '-' && dash:
		next, out := v.behind(i + 1)
		if out == unsure || !isDigit(next) {
			return out
		}
		return nothing
	}
	return found
}
