package body

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/mask"
)

// Bounds of a path, in bytes and in steps.
const (
	maxPath  = 1024
	maxSteps = 32
)

// Path says where in a document values are masked: a part of JSONPath (RFC 9535) in which every step is a key, an element or all of
// them. The zero Path is none; New refuses it.
type Path struct {
	text  string
	steps []step
	as    mask.As // 0: what the rules say
}

// step leads from a value to values in it.
type step struct {
	key   string
	index int  // of an element, where element is set
	deep  bool // in whatever depth
	all   bool // every value
	elem  bool // an element by its index
}

// String is the path as it was written.
func (p Path) String() string { return p.text }

// As answers the path with what is shown in the place of its values, whatever the rules say for others.
func (p Path) As(as mask.As) Path {
	p.as = as
	return p
}

// ParsePath reads a path: "$" is the document, ".key" and "['any key']" are a value of an object, "[3]" is an element of an array,
// "[*]" and ".*" are all values of either, and two dots in front of a step ("$..password", "$..['a b']") let it begin at any depth. A
// plain key is of letters, digits, "_", "-" and signs outside ASCII; in quotes, of either kind, \ stands before a quote or another \.
// An error says what can't be read.
func ParsePath(text string) (Path, error) {
	p := Path{text: text}
	bad := func(rest, why string) (Path, error) {
		return Path{}, fmt.Errorf("path %q: %s at byte %d", text, why, len(text)-len(rest))
	}
	rest, ok := strings.CutPrefix(text, "$")
	switch {
	case len(text) > maxPath:
		return Path{}, fmt.Errorf("a path has %d bytes, %d at most", len(text), maxPath)
	case !utf8.ValidString(text):
		return Path{}, fmt.Errorf("path %q is not UTF-8", text)
	case !ok:
		return Path{}, fmt.Errorf("path %q does not begin with $", text)
	}
	for rest != "" {
		s, behind, why := parseStep(rest)
		if why != "" {
			return bad(rest, why)
		}
		if p.steps = append(p.steps, s); len(p.steps) > maxSteps {
			return bad(rest, fmt.Sprintf("more than %d steps", maxSteps))
		}
		rest = behind
	}
	return p, nil
}

// parseStep reads the first step of a text. why says what is wrong with it.
func parseStep(text string) (s step, rest, why string) {
	if behind, ok := strings.CutPrefix(text, ".."); ok {
		s.deep = true
		if text = "." + behind; strings.HasPrefix(behind, "[") {
			text = behind
		}
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		rest, why = s.bracket(inner)
		return s, rest, why
	}
	name, ok := strings.CutPrefix(text, ".")
	if !ok {
		return s, "", "a step begins with . or ["
	}
	if rest, ok = strings.CutPrefix(name, "*"); ok {
		s.all = true
		return s, rest, ""
	}
	n := 0
	for n < len(name) && plainKey(name[n]) {
		n++
	}
	if n == 0 {
		return s, "", "a key is missing, or must be in quotes: ['a key']"
	}
	s.key = name[:n]
	return s, name[n:], ""
}

func plainKey(c byte) bool {
	return c >= 0x80 || c-'0' < 10 || c|0x20-'a' < 26 || c == '_' || c == '-'
}

// bracket reads what stands behind [.
func (s *step) bracket(text string) (rest, why string) {
	if rest, ok := strings.CutPrefix(text, "*]"); ok {
		s.all = true
		return rest, ""
	}
	if text == "" {
		return "", "] is missing"
	}
	if text[0] != '\'' && text[0] != '"' {
		number, rest, ok := strings.Cut(text, "]")
		n, err := strconv.ParseUint(number, 10, 31)
		if !ok || err != nil || strconv.FormatUint(n, 10) != number {
			return "", "only [*], ['a key'] and [3] are understood"
		}
		s.index, s.elem = int(n), true
		return rest, ""
	}
	var key strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == text[0]:
			rest, ok := strings.CutPrefix(text[i+1:], "]")
			if !ok {
				return "", "] is missing"
			}
			s.key = key.String()
			return rest, ""
		case c == '\\':
			if i++; i == len(text) || text[i] != '\\' && text[i] != '\'' && text[i] != '"' {
				return "", `\ stands only before a quote or another \`
			}
			key.WriteByte(text[i])
		default:
			key.WriteByte(c)
		}
	}
	return "", "a quote is not closed"
}
