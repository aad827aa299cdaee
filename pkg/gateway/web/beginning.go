package web

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// beginning is what stands before an object or a list of JSON in a body.
type beginning uint8

// The beginnings.
const (
	noJSON        beginning = iota // there is none
	plainJSON                      // nothing but white space of JSON's
	behindComment                  // a comment, or the line by which some keep scripts from reading it
	behindOther                    // a byte order mark, the zeros of UTF-16, other white space
)

// jsonish says whether some server may take a body for JSON with an object or a list in it.
func jsonish(body []byte) bool { return beginningOf(body) != noJSON }

// beginningOf answers by what comes first, where there is more than one thing before the JSON.
func beginningOf(body []byte) beginning {
	before, commented := plainJSON, false
	for rest := body; len(rest) > 0; {
		what := plainJSON
		r, size := utf8.DecodeRune(rest)
		switch c := rest[0]; {
		case c == '{', c == '[' && !commented:
			if before == plainJSON && bytes.IndexByte(rest[:min(len(rest), 8)], 0) >= 0 {
				return behindOther
			}
			return before
		case c == '[': // what stands behind comments is a text of its own kind more often than a list of JSON: an object shows which
			rest = rest[1:]
		case c == 0, c == 0xFE, c == 0xFF, r == utf8.RuneError && (c == 0xEF || c == 0xBB || c == 0xBF): // what byte order marks and UTF-16 are made of
			rest, what = rest[1:], behindOther
		case c == ' ', c == '\t', c == '\r', c == '\n':
			rest = rest[1:]
		case unicode.IsSpace(r), r >= 0x200B && r <= 0x200D, r == 0x2060, r == 0x180E, r == 0xFEFF:
			rest, what = rest[size:], behindOther
		case bytes.HasPrefix(rest, []byte("/*")):
			_, rest, _ = bytes.Cut(rest[2:], []byte("*/"))
			what = behindComment
		case bytes.HasPrefix(rest, []byte("//")), c == '#', bytes.HasPrefix(rest, []byte(")]}'")):
			_, rest, _ = bytes.Cut(rest, []byte("\n"))
			what = behindComment
		default:
			return noJSON
		}
		commented = commented || what == behindComment
		if before == plainJSON {
			before = what
		}
	}
	switch {
	case len(body) != bodyCap:
		return noJSON
	case before == plainJSON:
		return behindOther
	}
	return before // nothing but that so far
}
