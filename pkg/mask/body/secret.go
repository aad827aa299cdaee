package body

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
)

// leastSecret is the shortest secret that is looked for, in bytes.
const leastSecret = 4

// Secrets are literal values, such as a target's credential, in all the forms in which they are looked for. They are made once, for any
// number of bodies and goroutines.
//
// The search looks at a word of the body every few bytes, so far apart that no form fits between two words: where one stands there,
// some word is a part of it. So only around words that may be a part of a form is looked more closely. Which word comes next does not
// depend on the last one, so that the processor looks at several at a time.
type Secrets struct {
	least  int // bytes of the shortest
	most   int // bytes of the longest
	word   int // bytes of a word: 4 or 8
	stride int // from one word to the next: the words that begin in so many first bytes of a form are known
	known  [1 << (knownBits - 6)]uint64
	begin  [256][]string // the forms by what they begin with, the longest first: that one is replaced where several begin at one place
}

// needles are secrets that are looked for in one body.
type needles struct {
	*Secrets
	held []byte // of the body: what may be the beginning of one
}

// newNeedles is nil where there is nothing to look for.
func newNeedles(s *Secrets) *needles {
	if s == nil {
		return nil
	}
	return &needles{Secrets: s}
}

const (
	knownBits = 15
	longWord  = 16  // how long the shortest form is for words of eight bytes
	maxLeast  = 200 // how much of a form is looked at
)

// mix is where a word stands in known: the top bits of a product with an odd number without a pattern (2^64 by the golden ratio).
func mix(word uint64) uint64 { return word * 0x9E3779B97F4A7C15 >> (64 - knownBits) }

// NewSecrets makes values ready to be looked for: as they are, and where they are written as base64, percent-encoded, in hexadecimal or
// UTF-16, or escaped as in JSON, scripts and HTML. Values shorter than four bytes are not looked for. It is nil where none is left.
func NewSecrets(values ...string) *Secrets {
	var all []string
	for _, s := range values {
		if len(s) < leastSecret {
			continue
		}
		for _, form := range written(s) {
			if len(form) >= leastSecret {
				all = append(all, form)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	all = slices.Compact(all)
	n := &Secrets{least: len(all[len(all)-1]), most: len(all[0]), word: leastSecret}
	looked := min(n.least, maxLeast)
	if looked >= longWord {
		n.word = 8
	}
	n.stride = looked - n.word + 1
	for _, s := range all {
		n.begin[s[0]] = append(n.begin[s[0]], s)
		for i := range n.stride {
			at := mix(n.wordAt([]byte(s), i))
			n.known[at/64] |= 1 << (at % 64)
		}
	}
	return n
}

// written are the forms in which a secret is looked for.
func written(s string) []string {
	forms := []string{s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s)}
	for _, f := range forms[1:3] {
		forms = append(forms, lowerHex(f))
	}
	inner := string(appendEscaped(nil, []byte(s)))
	angles := strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`).Replace(inner)
	forms = append(forms, inner, angles, strings.ReplaceAll(inner, "/", `\/`), wide(inner), strings.ReplaceAll(wide(inner), "/", `\/`))
	for before := range 3 { // base64 reads three bytes at a time: the secret can begin with each of them
		b := append(make([]byte, before), s...)
		whole := base64.RawStdEncoding.EncodeToString(b)
		from, to := (before*8+5)/6, len(b)*8/6 // the signs that are of the secret alone
		if before == 0 {
			to = len(whole)
		}
		for _, core := range []string{whole[from:to], whole[from : len(b)*8/6]} { // at the end of a text, and with more behind it
			if len(core) >= 2*leastSecret || before == 0 {
				forms = append(forms, core, strings.NewReplacer("+", "-", "/", "_").Replace(core), strings.ReplaceAll(core, "/", `\/`),
					url.QueryEscape(core), lowerHex(url.QueryEscape(core)))
			}
		}
	}
	return append(forms, spelled(s)...)
}

// spelled are the forms in which bytes of a secret are written by a number: all of them, as in hexadecimal and UTF-16, or those that are
// neither letters nor digits, as encoders for pages and scripts do.
func spelled(s string) []string {
	forms := []string{fmt.Sprintf("%x", s), fmt.Sprintf("%X", s)}
	for _, each := range []string{`\x%02x`, `\x%02X`, `\u%04x`, `\u%04X`, "%%%02X", "%%%02x", "&#%d;", "&#x%x;", "&#x%X;"} {
		var form strings.Builder
		for _, c := range []byte(s) {
			if c-'0' < 10 || c|0x20-'a' < 26 {
				form.WriteByte(c)
			} else {
				fmt.Fprintf(&form, each, c)
			}
		}
		forms = append(forms, form.String())
	}
	var little, big []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		little, big = binary.LittleEndian.AppendUint16(little, unit), binary.BigEndian.AppendUint16(big, unit)
	}
	return append(forms, string(little), string(big))
}

// lowerHex is a percent-encoded text with small letters in its signs.
func lowerHex(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(s[i+1:i+3]))
		}
	}
	return string(b)
}

// wide is the inside of a JSON string with all signs outside ASCII as escapes.
func wide(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xFFFF:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// Hide is a text with stars in place of all of them. The nil Secrets hide nothing.
func (n *Secrets) Hide(text string) string {
	if n == nil {
		return text
	}
	b := []byte(text)
	if !n.in(b) {
		return text
	}
	b, _ = n.replace(nil, b, true)
	return string(b)
}

// in says whether a text holds any of them.
func (n *Secrets) in(text []byte) bool {
	_, size := n.find(text, 0)
	return size > 0
}

// find is the first of them at or behind i that is there as a whole, and its length, 0 for none.
func (n *Secrets) find(b []byte, i int) (at, size int) {
	for i += n.stride - 1; ; i += max(n.stride-1, 1) { // not a whole stride: a text may repeat itself in such steps
		if i = n.maybe(b, i); i == len(b) {
			return len(b), 0
		}
		for at = i - n.stride + 1; at <= i; at++ {
			if size = n.at(b[at:]); size > 0 {
				return at, size
			}
		}
	}
}

// at is the length of the longest of them that b begins with; 0: none.
func (n *Secrets) at(b []byte) int {
	for _, s := range n.begin[b[0]] {
		if len(b) >= len(s) && string(b[:len(s)]) == s {
			return len(s)
		}
	}
	return 0
}

// maybe is the first place at i, or strides behind it, with a word that may be a part of one; len(b): there is none.
func (n *Secrets) maybe(b []byte, i int) int {
	if n.word == 8 {
		for ; i <= len(b)-8; i += n.stride {
			if at := mix(binary.LittleEndian.Uint64(b[i:])); n.known[at/64]>>(at%64)&1 != 0 {
				return i
			}
		}
		return len(b)
	}
	for ; i <= len(b)-4; i += n.stride {
		if at := mix(uint64(binary.LittleEndian.Uint32(b[i:]))); n.known[at/64]>>(at%64)&1 != 0 {
			return i
		}
	}
	return len(b)
}

// wordAt is the word that begins at i.
func (n *Secrets) wordAt(b []byte, i int) uint64 {
	if n.word == 8 {
		return binary.LittleEndian.Uint64(b[i:])
	}
	return uint64(binary.LittleEndian.Uint32(b[i:]))
}

// open is the first place at or behind i, in the last bytes, where one may begin whose end has not come.
func (n *Secrets) open(b []byte, i int) int {
	for i = max(i, len(b)-n.most+1); i < len(b); i++ {
		for _, s := range n.begin[b[i]] {
			if len(s) > len(b)-i && s[:len(b)-i] == string(b[i:]) {
				return i
			}
		}
	}
	return len(b)
}

// write appends the next bytes to dst, without what may be the beginning of a needle.
func (n *needles) write(dst, p []byte) []byte {
	b := p
	if len(n.held) > 0 {
		n.held = append(n.held, p...)
		b = n.held
	}
	dst, rest := n.replace(dst, b, false)
	n.held = append(n.held[:0], b[rest:]...)
	return dst
}

// flush appends what was kept to dst: nothing follows it.
func (n *needles) flush(dst []byte) []byte {
	dst, _ = n.replace(dst, n.held, true)
	n.held = n.held[:0]
	return dst
}

// replace appends b with stars for secrets to dst, and answers where it had to stop.
func (n *Secrets) replace(dst, b []byte, over bool) ([]byte, int) {
	i, stop := 0, len(b)
	for {
		if !over {
			stop = n.open(b, i)
		}
		at, size := n.find(b, i)
		if size == 0 || at >= stop {
			return append(dst, b[i:stop]...), stop
		}
		dst = append(append(dst, b[i:at]...), stars...)
		i = at + size
	}
}
