package body

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape appends the text that is written in a JSON string, whose escapes were checked. It answers how much it read: less than all
// where the end may be a part of an escape, or the first half of a pair, unless over says that nothing follows. A half without the
// other is U+FFFD.
func unescape(dst, raw []byte, over bool) ([]byte, int) {
	for i := 0; ; {
		n := bytes.IndexByte(raw[i:], '\\')
		if n < 0 {
			return append(dst, raw[i:]...), len(raw)
		}
		dst, i = append(dst, raw[i:i+n]...), i+n
		r, size := escape(raw[i:], over)
		if size == 0 {
			return dst, i
		}
		dst, i = utf8.AppendRune(dst, r), i+size
	}
}

// escape reads the escape that raw begins with. A size of 0 says that its end has not come.
func escape(raw []byte, over bool) (r rune, size int) {
	if len(raw) < 2 {
		return 0, 0
	}
	if raw[1] != 'u' {
		return rune(unescaped(raw[1])), 2
	}
	if len(raw) < 6 {
		return 0, 0
	}
	if r = hex4(raw[2:6]); !utf16.IsSurrogate(r) {
		return r, 6
	}
	rest := raw[6:]
	switch {
	case r >= 0xDC00: // a second half by itself
		return utf8.RuneError, 6
	case !over && (len(rest) == 0 || len(rest) < 6 && rest[0] == '\\' && (len(rest) == 1 || rest[1] == 'u')):
		return 0, 0
	case len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u':
		return utf8.RuneError, 6
	}
	if pair := utf16.DecodeRune(r, hex4(rest[2:6])); pair != utf8.RuneError {
		return pair, 12
	}
	return utf8.RuneError, 6
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // a quote, \ and /
}

func hex4(b []byte) (r rune) {
	for _, c := range b[:4] {
		d := c - '0'
		if d >= 10 {
			d = c | 0x20 - 'a' + 10
		}
		r = r<<4 | rune(d&15)
	}
	return r
}

func isHex(c byte) bool { return c-'0' < 10 || c|0x20-'a' < 6 }

// appendEscaped appends a text as the inside of a JSON string.
func appendEscaped(dst, text []byte) []byte {
	from := 0
	for i, c := range text {
		if inString[c] {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
	}
	return append(dst, text[from:]...)
}

// inString are the bytes that stand in a JSON string as they are.
var inString = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

// appendQuoted appends a text as a JSON string.
func appendQuoted(dst, text []byte) []byte {
	return append(appendEscaped(append(dst, '"'), text), '"')
}

// lastFour are the last four characters of a text that has more than seven: less of a shorter one would be most of it.
func lastFour(text []byte) []byte {
	if utf8.RuneCount(text) <= 7 {
		return nil
	}
	at := len(text)
	for range 4 {
		_, size := utf8.DecodeLastRune(text[:at])
		at -= size
	}
	return text[at:]
}
