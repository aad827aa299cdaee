package record

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes text safe for a terminal: control characters, invisible ones and those that change the direction of
// writing are shown as \n, \u{202e} and the like, a backslash as itself. Bytes that are no UTF-8 become \x{ff}.
func Escape(text string) string { return escape(text, false) }

// EscapeLines is Escape, but line ends and tabs stay what they are.
func EscapeLines(text string) string { return escape(text, true) }

func escape(text string, lines bool) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x{%02x}`, text[i])
		case lines && (r == '\n' || r == '\t'), !hidden(r):
			b.WriteRune(r)
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	return b.String()
}

// hidden says that a character does not show as one mark in its place: controls, format characters (which hold the
// bidirectional ones and the zero-width ones), private use, unassigned ones, and every space but the plain one.
func hidden(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }

// escapeJSON writes hidden characters of encoded JSON as \uXXXX. They can only stand in its strings.
func escapeJSON(dst, text []byte) []byte {
	for _, r := range string(text) {
		switch {
		case !hidden(r):
			dst = utf8.AppendRune(dst, r)
		case r > 0xFFFF:
			r -= 0x10000
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		}
	}
	return dst
}
