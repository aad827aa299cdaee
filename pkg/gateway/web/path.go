package web

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// canonical is the one way to write a path, in which rules read it and the target gets it: what needs no encoding is
// decoded, and the rest is encoded in upper case (RFC 3986, section 6.2.2). What servers read in different ways is an error.
//
// An encoded slash stays one. Whether it is a part of its segment or ends it depends on the service, so neither reading may have what
// a server takes away, and rules are asked about both: see decoded.
func canonical(path string) (string, error) {
	if !strings.HasPrefix(path, "/") {
		return "", errors.New("a path begins with a slash")
	}
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '%':
			b, err := encoded(path[i:])
			if err != nil {
				return "", err
			}
			out = append(out, b...)
			i += 2
		case c == ';':
			return "", errors.New("parameters of a segment (\";\") are read differently by different servers")
		case plain(c) || strings.IndexByte("/!$&'()*+,=:@", c) >= 0:
			out = append(out, c)
		case strings.IndexByte("\"<>[]^`{|}", c) >= 0: // means nothing else to anybody, and programs send it as it is
			out = escaped(out, c)
		default:
			return "", fmt.Errorf("%q must be encoded", c)
		}
	}
	clean := string(out)
	if err := once(clean); err != nil {
		return "", err
	}
	if err := segments(clean); err != nil {
		return "", err
	}
	return clean, segments(slashed(clean))
}

// slashed is a path as a server reads it that decodes slashes before it looks the path up.
func slashed(path string) string { return strings.ReplaceAll(path, "%2F", "/") }

// decoded is what slashed says where it says something else than the path, and "" elsewhere.
func decoded(path string) string {
	if other := slashed(path); other != path {
		return other
	}
	return ""
}

// encoded is one encoded byte, written in the canonical way.
func encoded(path string) ([]byte, error) {
	if len(path) < 3 || unhex(path[1]) < 0 || unhex(path[2]) < 0 {
		return nil, errors.New("a percent sign stands alone")
	}
	b := byte(unhex(path[1])<<4 | unhex(path[2]))
	switch {
	case plain(b):
		return []byte{b}, nil
	case b == '\\' || b == ';':
		return nil, fmt.Errorf("an encoded %q is a separator for some servers and none for others", b)
	case b < 0x20 || b == 0x7f:
		return nil, errors.New("a control character is encoded in it")
	}
	return escaped(nil, b), nil
}

func escaped(dst []byte, b byte) []byte {
	const digits = "0123456789ABCDEF"
	return append(dst, '%', digits[b>>4], digits[b&15])
}

// once refuses a canonical path that says something else when it is decoded again, or that is not UTF-8: some decoders read longer
// forms of a dot or a slash.
func once(path string) error {
	var text []byte
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			c = byte(unhex(path[i+1])<<4 | unhex(path[i+2]))
			i += 2
		}
		text = append(text, c)
	}
	if !utf8.Valid(text) {
		return errors.New("it is not UTF-8")
	}
	for i := range text {
		if rest := text[i:]; len(rest) > 2 && rest[0] == '%' && unhex(rest[1]) >= 0 && unhex(rest[2]) >= 0 {
			return errors.New("it is encoded twice")
		}
	}
	return nil
}

// segments refuses what a server may take away before it looks a path up.
func segments(path string) error {
	for rest, more := path[1:], true; more; {
		var s string
		s, rest, more = strings.Cut(rest, "/")
		switch {
		case s == "." || s == "..":
			return errors.New("it has a dot segment")
		case s == "" && more:
			return errors.New("it has an empty segment")
		}
	}
	return nil
}

// plain says whether a byte is one of RFC 3986's unreserved ones.
func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
