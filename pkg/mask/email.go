package mask

// Longest parts of an address, in bytes (RFC 5321 section 4.5.3.1).
const (
	maxLocal  = 64
	maxDomain = 253
)

// email finds an address around the @ from i to behind: letters, digits and ._%+- in front of it, a domain with a point and a
// last label of letters behind it. Letters are ASCII, full-width, and those that UTF-8 writes in two bytes (Latin, Greek,
// Cyrillic, Hebrew, Arabic).
func email(v view, i, behind int) (finding, outcome) {
	start := v.local(i)
	if start = v.bare(start, i); start == i {
		return finding{}, nothing
	}
	end, label, point := behind, behind, false
	last, letters := 0, 0 // where the latest label ends that may be the last one; how many letters the label at hand has
	for end < len(v.b) && end-behind < maxDomain {
		c, n := domainSign(v.b, end)
		if n == 0 {
			if v.more {
				return finding{}, unsure
			}
			break
		}
		switch {
		case c == '.' && end == label:
			n = -1 // an empty label
		case c == '.':
			label, point, letters = end+n, true, 0
		case c == 0: // can't be seen
		case isLetter(c):
			letters++
		case end == label && isDigit(c):
			letters = -maxDomain // no last label
		case isDigit(c) || c == '-' && end > label:
		default:
			n = -1
		}
		if n < 0 {
			break
		}
		end += n
		if point && letters >= 2 && c != '-' && c != '.' {
			last = end
		}
	}
	if end >= len(v.b) && v.more {
		return finding{}, unsure
	}
	if last == 0 {
		return finding{}, nothing
	}
	return finding{start: start, end: last, what: Email}, found
}

// domainSign is the sign at i, 'a' for all letters beyond ASCII. A length of 0 says that the bytes end within it.
func domainSign(b []byte, i int) (byte, int) {
	if c := b[i]; c >= 0xC3 && c <= 0xDF {
		if i+1 >= len(b) {
			return other, 0
		}
		if b[i+1]&0xC0 == 0x80 {
			return 'a', 2
		}
		return other, 1
	}
	return glyph(b, i)
}

// local is where the part in front of an @ at i begins, i where there is none.
func (v view) local(i int) int {
	from := max(v.floor, i-maxLocal)
	for at := i; ; i = at {
		switch c := v.before(at); {
		case at <= from:
			return i
		case v.b[at-1] < 0x80:
			if at--; !isLocal(c) {
				return i
			}
		case at-2 >= from && v.b[at-1]&0xC0 == 0x80 && v.b[at-2] >= 0xC3 && v.b[at-2] <= 0xDF:
			at -= 2
		case at-3 >= from && (c == 0 || isLetter(c) || isDigit(c)):
			at -= 3
		default:
			return i
		}
	}
}

func isLocal(c byte) bool {
	switch c {
	case '.', '%', '+', '-':
		return true
	}
	return isWord(c)
}
