package mask

import "bytes"

// tail is the kind of bytes that a finding goes on with for as long as they come.
type tail uint8

const (
	ends      tail = iota // it has an end of its own
	tokenTail             // letters, digits, _ and -
	pointTail             // and points
	keyTail               // the body of a private key, through its footer
)

func isToken(c byte) bool { return isWord(c) || c == '-' }

func (t tail) has(c byte) bool { return isToken(c) || t == pointTail && c == '.' }

// grow is where a finding ends that goes on at i. open says that its end is not among the bytes.
func (t tail) grow(b []byte, i int, more bool) (end int, open bool) {
	if t == keyTail {
		return keyEnd(b, i, more)
	}
	for i < len(b) && t.has(b[i]) {
		i++
	}
	return i, i == len(b)
}

// tailed is a finding that goes on at end with bytes of its kind.
func (v view) tailed(start, end int, what Detector, t tail) (finding, outcome) {
	f := finding{start: start, what: what}
	var open bool
	if f.end, open = t.grow(v.b, end, v.more); open && v.more {
		f.tail = t
	}
	return f, found
}

// atLeast says whether n signs of a token, or n letters and digits where strict, stand at i.
func (v view) atLeast(i, n int, strict bool) outcome {
	for ; n > 0; n, i = n-1, i+1 {
		switch {
		case i >= len(v.b) && v.more:
			return unsure
		case i >= len(v.b), !isToken(v.b[i]), strict && (v.b[i] == '_' || v.b[i] == '-'):
			return nothing
		}
	}
	return found
}

// jwt finds a JSON web token (RFC 7519, and 7516 for encrypted ones) by the J at i: eyJ, and base64url in at least three parts
// with points between them, the first two of ten signs or more.
func jwt(v view, i int) (finding, outcome) {
	start := i - 2
	if start < v.floor || v.b[start] != 'e' || v.b[start+1] != 'y' || !v.free(start) || v.before(start) == '-' {
		return finding{}, nothing
	}
	at := i + 1
	for part := range 2 {
		from := at
		for at < len(v.b) && isToken(v.b[at]) && at-from < 2048 {
			at++
		}
		switch {
		case at == len(v.b) && v.more:
			return finding{}, unsure
		case at-from < 7, at == len(v.b), at-from == 2048 && part == 0:
			return finding{}, nothing
		case part == 1 && at-from == 2048: // long enough to need no more proof
			return v.tailed(start, at, JWT, pointTail)
		case v.b[at] != '.':
			return finding{}, nothing
		}
		at++
	}
	return v.tailed(start, at, JWT, pointTail)
}

// awsKey finds the id of an AWS access key by the A that it begins with: AKIA, ASIA, ABIA or ACCA and sixteen signs of base32.
func awsKey(v view, i int) (finding, outcome) {
	const size = 20
	b := v.b[i:min(i+size, len(v.b))]
	for k, c := range b {
		if !(c >= 'A' && c <= 'Z' || c >= '2' && c <= '7') || k == 3 && !isAWS(string(b[:4])) {
			return finding{}, nothing
		}
	}
	if len(b) < size {
		return finding{}, v.tooFew(len(b), size)
	}
	if !v.free(i) {
		return finding{}, nothing
	}
	return finding{start: i, end: i + size, what: AWSKey}, v.over(i+size, false)
}

func isAWS(prefix string) bool {
	return prefix == "AKIA" || prefix == "ASIA" || prefix == "ABIA" || prefix == "ACCA"
}

// googleKey finds an API key of Google by the A at i: AIza and 35 signs.
func googleKey(v view, i int) (finding, outcome) {
	const prefix = "AIza"
	b := v.b[i:]
	if n := min(len(prefix), len(b)); string(b[:n]) != prefix[:n] || n < len(prefix) && !v.more || !v.free(i) {
		return finding{}, nothing
	} else if n < len(prefix) {
		return finding{}, unsure
	}
	if out := v.atLeast(i+len(prefix), 35, false); out != found {
		return finding{}, out
	}
	return v.tailed(i, i+len(prefix)+35, APIToken, tokenTail)
}

// issue is how a service's tokens begin, and how many signs follow at least.
type issue struct {
	prefix string
	least  int
	strict bool // the least are letters and digits
	digit  bool // a digit is among them
	tail   tail
}

// issues answers the prefixes that end with c and have the sign last in front of it.
func issues(last, c byte) []issue {
	switch {
	case c == '_':
		return underscored(last)
	case c == '-':
		return dashed(last)
	case last == 'G':
		return sendgrid[:]
	case last == 's':
		return vault[:]
	}
	return nil
}

func underscored(last byte) []issue {
	switch last {
	case 'p', 'o', 'u', 's', 'r':
		return github[:]
	case 't', 'e', 'a':
		return patterned[:]
	case 'm', 'f', '1', 'c', 'i':
		return rarer[:]
	}
	return nil
}

func dashed(last byte) []issue {
	switch last {
	case 't':
		return gitlab[:]
	case 'a', 'b', 'e', 'o', 'p', 'r', 's':
		return slack[:]
	case 'k', 'j':
		return openai[:]
	case 'i':
		return pypi[:]
	}
	return nil
}

// Written down once; nobody changes them.
var (
	github = [...]issue{
		{"ghp_", 36, true, false, tokenTail}, {"gho_", 36, true, false, tokenTail}, {"ghu_", 36, true, false, tokenTail},
		{"ghs_", 36, true, false, tokenTail}, {"ghr_", 36, true, false, tokenTail}, {"shpss_", 32, true, false, tokenTail},
	}
	patterned = [...]issue{
		{"github_pat_", 22, true, false, tokenTail}, {"dckr_pat_", 20, false, false, tokenTail}, {"shpat_", 32, true, false, tokenTail},
		{"shpca_", 32, true, false, tokenTail}, {"shppa_", 32, true, false, tokenTail}, {"glsa_", 32, true, false, tokenTail},
		{"sk_live_", 16, true, false, tokenTail}, {"sk_test_", 16, true, false, tokenTail},
		{"rk_live_", 16, true, false, tokenTail}, {"rk_test_", 16, true, false, tokenTail},
	}
	rarer = [...]issue{
		{"npm_", 36, true, false, tokenTail}, {"hf_", 30, true, false, tokenTail}, {"dop_v1_", 64, true, false, tokenTail},
		{"whsec_", 24, true, true, tokenTail}, {"lin_api_", 32, true, false, tokenTail},
	}
	gitlab = [...]issue{{"glpat-", 20, false, false, pointTail}, {"sk-ant-", 20, false, true, tokenTail}, {"glptt-", 20, false, false, tokenTail}}
	slack  = [...]issue{
		{"xoxb-", 10, false, true, tokenTail}, {"xoxp-", 10, false, true, tokenTail}, {"xoxa-", 10, false, true, tokenTail},
		{"xoxr-", 10, false, true, tokenTail}, {"xoxs-", 10, false, true, tokenTail}, {"xoxo-", 10, false, true, tokenTail},
		{"xoxe-", 10, false, true, tokenTail}, {"xapp-", 10, false, true, tokenTail},
	}
	openai   = [...]issue{{"sk-", 32, true, false, tokenTail}, {"sk-proj-", 20, false, true, tokenTail}}
	pypi     = [...]issue{{"pypi-", 50, false, false, tokenTail}}
	sendgrid = [...]issue{{"SG.", 20, false, true, pointTail}}
	vault    = [...]issue{{"hvs.", 24, false, true, tokenTail}}
)

// apiToken finds a token of a service by the last sign of its prefix, at i.
func apiToken(v view, i int) (finding, outcome) {
	if i <= v.floor {
		return finding{}, nothing
	}
	for _, x := range issues(v.b[i-1], v.b[i]) {
		start := i + 1 - len(x.prefix)
		if start < v.floor || string(v.b[start:i+1]) != x.prefix || !v.free(start) {
			continue
		}
		if out := v.atLeast(i+1, x.least, x.strict); out != found {
			return finding{}, out
		}
		if x.digit && !bytes.ContainsAny(v.b[i+1:i+1+x.least], "0123456789") {
			continue
		}
		return v.tailed(start, i+1+x.least, APIToken, x.tail)
	}
	return finding{}, nothing
}
