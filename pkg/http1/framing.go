package http1

import "strings"

// Lengths of bodies that are not counted.
const (
	Chunked    int64 = -1 // the body ends with its last chunk
	UntilClose int64 = -2 // answers only: the body ends with the connection
	Silent     int64 = -3 // answers only, and only written: there is no body, and nothing is said of the one that GET would have
)

// framing is what the fields of a head say about the message as such.
type framing struct {
	length                int64
	counted, chunked      bool
	close, keep, upgrades bool
	upgrade, host, expect string
	hosts, expects, types int
}

// readFraming looks at every field once. What is said twice is malformed even where both say the same: the next reader may take
// the first, the last or both.
func readFraming(fields Fields) (framing, error) {
	var f framing
	for i := range fields {
		if err := f.take(fields[i].Name, fields[i].Value); err != nil {
			return f, err
		}
	}
	if f.counted && f.chunked {
		return f, malformed("both Content-Length and Transfer-Encoding are given")
	}
	return f, nil
}

func (f *framing) take(name, value string) error {
	switch len(name) {
	case len("Host"):
		if sameName(name, "Host") {
			f.host, f.hosts = value, f.hosts+1
		}
	case len("Expect"):
		if sameName(name, "Expect") {
			f.expect, f.expects = value, f.expects+1
		}
	case len("Upgrade"):
		if sameName(name, "Upgrade") {
			return f.takeUpgrade(value)
		}
	case len("Connection"):
		if sameName(name, "Connection") {
			return f.takeConnection(value)
		}
	case len("Content-Type"):
		if sameName(name, "Content-Type") {
			if f.types++; f.types > 1 { // one reader looks at the body as the first says, the next as the last does
				return malformed("Content-Type is given twice")
			}
		}
	case len("Content-Length"):
		if sameName(name, "Content-Length") {
			return f.takeLength(value)
		}
	case len("Transfer-Encoding"):
		if sameName(name, "Transfer-Encoding") {
			return f.takeCoding(value)
		}
	}
	return nil
}

func (f *framing) takeLength(value string) error {
	if f.counted {
		return malformed("Content-Length is given twice")
	}
	// Eighteen digits are below 2^62, and more than anybody sends.
	if value == "" || len(value) > 18 {
		return malformed("Content-Length is no number of at most 18 digits")
	}
	for i := range len(value) {
		if value[i] < '0' || value[i] > '9' {
			return malformed("Content-Length is not made of digits alone")
		}
		f.length = f.length*10 + int64(value[i]-'0')
	}
	f.counted = true
	return nil
}

func (f *framing) takeCoding(value string) error {
	if f.chunked || !sameName(value, "chunked") {
		return malformed(`Transfer-Encoding is not "chunked", once`)
	}
	f.chunked, f.length = true, Chunked
	return nil
}

func (f *framing) takeConnection(value string) error {
	for token := range strings.SplitSeq(value, ",") {
		token = trim(token)
		switch {
		case token == "": // a list may have empty elements (RFC 9110 section 5.6.1)
		case !isToken(token):
			return malformed("Connection has what is no token")
		case sameName(token, "close"):
			f.close = true
		case sameName(token, "keep-alive"):
			f.keep = true
		case sameName(token, "upgrade"):
			f.upgrades = true
		}
	}
	return nil
}

func (f *framing) takeUpgrade(value string) error {
	if f.upgrade != "" || !isUpgrade(value) {
		return malformed("Upgrade does not name one protocol")
	}
	f.upgrade = strings.ToLower(value)
	return nil
}

// isUpgrade tells whether s names one protocol, with a version or without.
func isUpgrade(s string) bool {
	name, version, versioned := strings.Cut(s, "/")
	return isToken(name) && (!versioned || isToken(version))
}
