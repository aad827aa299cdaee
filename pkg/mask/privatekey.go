package mask

import (
	"bytes"
	"strings"
)

const (
	dashes    = "-----"
	footer    = "-----END "
	maxLabel  = 64  // bytes of a header or footer
	maxHead   = 512 // bytes in which the body must have begun
	leastLine = 24  // signs of base64 that a body has in one piece
)

// privateKey finds a key in PEM (RFC 7468, OpenSSH, OpenPGP) by the B at i: a BEGIN line of a private key, and then base64 with
// white space, line ends that are written as escapes and headers between, through its END line; without one as far as such
// signs go.
func privateKey(v view, i int) (finding, outcome) {
	start := i - len(dashes)
	if start < v.floor || string(v.b[start:i]) != dashes {
		return finding{}, nothing
	}
	const begin = "BEGIN "
	rest := v.b[i:]
	if n := min(len(begin), len(rest)); string(rest[:n]) != begin[:n] {
		return finding{}, nothing
	}
	head := rest[:min(len(rest), maxLabel)]
	label := bytes.Index(head, []byte(dashes))
	if label < 0 {
		return finding{}, v.tooFew(len(rest), maxLabel)
	}
	if name := string(head[:label]); !strings.HasSuffix(name, "PRIVATE KEY") && !strings.HasSuffix(name, "PRIVATE KEY BLOCK") {
		return finding{}, nothing
	}
	body := i + label + len(dashes)
	switch v.bodyBegins(body) {
	case unsure:
		return finding{}, unsure
	case found:
		return v.tailed(start, body, PrivateKey, keyTail)
	}
	return finding{}, nothing
}

// tooFew is unsure where fewer than all bytes that could be asked for have come.
func (v view) tooFew(have, all int) outcome {
	if v.more && have < all {
		return unsure
	}
	return nothing
}

// bodyBegins says whether a long piece of base64 comes soon behind a header.
func (v view) bodyBegins(i int) outcome {
	run := 0
	for at := i; at < i+maxHead; {
		if at >= len(v.b) {
			return v.tooFew(0, 1)
		}
		if isBase64(v.b[at]) {
			if run++; run >= leastLine {
				return found
			}
			at++
			continue
		}
		run = 0
		n, short := keySign(v.b, at, v.more)
		if short {
			return unsure
		}
		if n == 0 {
			return nothing
		}
		at += n
	}
	return nothing
}

func isBase64(c byte) bool { return isDigit(c) || isLetter(c) || c == '+' || c == '/' || c == '=' }

// keySign is how many bytes of a key's body stand at i, 0 where it is over. short says that it depends on what comes.
func keySign(b []byte, i int, more bool) (n int, short bool) {
	switch c := b[i]; {
	case isBase64(c):
		return 1, false
	case c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ':' || c == ',' || c == '-':
		return 1, false
	case c == '\\' && i+1 >= len(b):
		return 0, more
	case c == '\\' && (b[i+1] == 'n' || b[i+1] == 'r' || b[i+1] == 't'):
		return 2, false
	case c == '\\' && b[i+1] == '\\':
		return 1, false
	}
	return 0, false
}

// keyEnd is where the body of a key ends that goes on at i: behind its footer, or at the first sign that is none of a key's.
// open says that it goes on, or may, in bytes that have not come yet; those from end on are to be looked at again with them.
func keyEnd(b []byte, i int, more bool) (end int, open bool) {
	for i < len(b) {
		if b[i] == '-' {
			n := min(len(footer), len(b)-i)
			if string(b[i:i+n]) == footer[:n] {
				if n < len(footer) && more {
					return i, true
				}
				if n == len(footer) {
					label := b[i+n : min(i+n+maxLabel, len(b))]
					if k := bytes.Index(label, []byte(dashes)); k >= 0 {
						return i + n + k + len(dashes), false
					}
					if more && len(label) < maxLabel {
						return i, true
					}
				}
			}
		}
		n, short := keySign(b, i, more)
		if short {
			return i, true
		}
		if n == 0 {
			return i, false
		}
		i += n
	}
	return i, true
}
