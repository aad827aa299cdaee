// Package mask finds secrets and personal data in free text and replaces them. It stops accidents, not an adversary: what is
// encoded, cut in pieces or spelled out is not found, and docs/reference/policy.md lists what is. It is pure: no I/O.
package mask

import (
	"fmt"
	"slices"
)

// Detector is one kind of thing that is found by what it looks like.
type Detector uint8

// The detectors. What each of them takes for a finding stands with its code.
const (
	Email Detector = iota
	CreditCard
	USSSN
	IBAN
	Phone
	JWT
	AWSKey
	PrivateKey
	APIToken
	detectors // how many there are
)

// Names are the detectors' names in a policy, in the order of the constants.
func Names() []string {
	return []string{"email", "credit_card", "us_ssn", "iban", "phone", "jwt", "aws_key", "private_key", "api_token"}
}

// String is the detector's name in a policy.
func (d Detector) String() string {
	if d >= detectors {
		return "unknown"
	}
	return Names()[d]
}

// As says what is shown in the place of a finding.
type As uint8

// The replacements. Of several for one detector the one that shows least stands, and the later constant shows less.
const (
	Last4  As = iota + 1 // *** and the last four characters of findings longer than seven
	Redact               // ***
	Null                 // the whole value is NULL; where there is no value that could be, nothing
)

// AsNamed is the replacement that a policy calls by the word.
func AsNamed(word string) (As, bool) {
	i := slices.Index([]string{"last4", "redact", "null"}, word)
	return As(i + 1), i >= 0
}

// Form says what a value is made of, where a replacement must fit in.
type Form uint8

// The forms.
const (
	Text  Form = iota
	Piece      // a part of a larger text: what would be Null is left out
	JSON       // a finding that is no part of a string is replaced by null, so that the document stays one
	Fixed      // of an unknown layout: a finding is overwritten with stars, so that no length changes
)

// Result says what became of a value.
type Result uint8

// The results. Nulled says that the whole value is not to be shown.
const (
	Clean Result = iota
	Masked
	Nulled
)

// Set is the detectors that look at something, with what each shows instead. It never changes, and is safe for
// concurrent use. The zero Set finds nothing.
type Set struct {
	as    [detectors]As // 0: off
	class [256]class
}

// Rule is what a mask of a policy says.
type Rule struct {
	Detect []string
	As     string
}

// NewSet makes the set that several rules ask for together. An error says that a word is not known; nothing may be shown
// then, because less would be masked than was asked for.
func NewSet(rules ...Rule) (*Set, error) {
	s := &Set{}
	for _, r := range rules {
		as, ok := AsNamed(r.As)
		if !ok {
			return nil, fmt.Errorf("detectors can't show findings as %q", r.As)
		}
		for _, name := range r.Detect {
			d := slices.Index(Names(), name)
			if d < 0 {
				return nil, fmt.Errorf("there is no detector %q", name)
			}
			s.as[d] = max(s.as[d], as)
		}
	}
	s.class = s.classes()
	return s, nil
}

func (s *Set) on(d Detector) bool { return s.as[d] != 0 }

// Apply replaces in place what is found in a value, and answers what is left of it: a replacement is never longer than what
// it stands for. Where nothing is found the value is untouched. A Nulled value has nothing left.
func (s *Set) Apply(value []byte, form Form) ([]byte, Result) {
	v := view{b: value}
	f, _, out := s.next(v, 0)
	if out != found {
		return value, Clean
	}
	e := edit{b: value}
	j := quotes{b: value}
	for ; out == found; f, _, out = s.next(v, f.end) {
		v.floor = f.end
		as := s.as[f.what]
		switch {
		case form == Fixed:
			for i := f.start; i < f.end; i++ {
				value[i] = '*'
			}
		case as == Null && form == Piece:
			e.replace(f, "", nil)
		case as == Null:
			return value[:0], Nulled
		case form == JSON && !j.inside(f.start):
			e.replace(f, "null", nil)
		default:
			e.replace(f, stars, f.shown(value, as))
		}
	}
	if form == Fixed {
		return value, Masked
	}
	return e.done(), Masked
}

// Find says whether anything is found in a value.
func (s *Set) Find(value []byte) bool {
	_, _, out := s.next(view{b: value}, 0)
	return out == found
}

// stars stand for a finding.
const stars = "***"

// shown is the part of a finding that stays to be seen.
func (f finding) shown(b []byte, as As) []byte {
	if as != Last4 || f.what == PrivateKey {
		return nil
	}
	return lastFour(b[f.start:f.end])
}

// lastFour are the last four characters of a text that has more than seven.
func lastFour(b []byte) []byte {
	count, from := 0, 0
	for i := len(b) - 1; i >= 0; i-- {
		if b[i]&0xC0 == 0x80 { // within a character
			continue
		}
		if count++; count == 4 {
			from = i
		}
	}
	if count <= 7 {
		return nil
	}
	return b[from:]
}

// edit moves what stays of a value to its front, past what was replaced.
type edit struct {
	b    []byte
	r, w int
}

// replace puts text and what is shown of the finding in the finding's place. Both together are never longer.
func (e *edit) replace(f finding, text string, shown []byte) {
	e.w += copy(e.b[e.w:], e.b[e.r:f.start])
	at := f.end - len(shown)
	e.w += copy(e.b[e.w:], text)
	e.w += copy(e.b[e.w:], e.b[at:f.end])
	e.r = f.end
}

func (e *edit) done() []byte {
	e.w += copy(e.b[e.w:], e.b[e.r:])
	return e.b[:e.w]
}

// quotes follows a JSON document to know what is inside of its strings.
type quotes struct {
	b    []byte
	at   int
	open bool
}

// inside says whether position i is. It is asked in growing order, of bytes that were not edited yet.
func (q *quotes) inside(i int) bool {
	for ; q.at < i; q.at++ {
		switch q.b[q.at] {
		case '\\':
			q.at++
		case '"':
			q.open = !q.open
		}
	}
	return q.open
}
