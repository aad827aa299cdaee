package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What a head may have. Every limit is on what was read, nothing is set aside for what is announced.
const (
	maxHead   = 64 << 10
	maxLine   = 32 << 10
	maxFields = 200
)

// Error is a message that is not understood, with the status that says so to its sender: 4xx and 5xx for requests, 502 for answers.
// Where it stands in a stream is not known any more: whoever got one closes the connection.
type Error struct {
	Status int
	Reason string
}

// Error tells the reason.
func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Reason, e.Status) }

// HeadBuffered says whether the empty line that ends a head was read: to read that head takes nothing more from what is below.
func HeadBuffered(r *bufio.Reader) bool {
	ahead, _ := r.Peek(r.Buffered()) // never fails
	return bytes.Contains(ahead, []byte("\r\n\r\n"))
}

func malformed(format string, args ...any) *Error {
	return &Error{Status: 400, Reason: fmt.Sprintf(format, args...)}
}

// readHead reads lines up to the empty one, which is not part of the answer. Lines end with CRLF; a CR or LF by itself is malformed,
// since some readers take it for an end of line and others don't (RFC 9112 section 2.2 lets them).
func readHead(r *bufio.Reader) (string, error) {
	var near [2048]byte // most heads fit, and stay off the heap until they are a string
	head, start := near[:0], 0
	for {
		part, err := r.ReadSlice('\n')
		head = append(head, part...)
		switch {
		case start == 0 && len(head) > maxLine:
			return "", &Error{Status: 414, Reason: "the first line is longer than 32 KiB"}
		case len(head) > maxHead:
			return "", &Error{Status: 431, Reason: "the head is longer than 64 KiB"}
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(head) > 0:
			return "", io.ErrUnexpectedEOF
		case err != nil:
			return "", err
		}
		n := len(head) - start
		if n < 2 || head[len(head)-2] != '\r' {
			return "", malformed("a line ends with LF alone")
		}
		if n == 2 {
			if start == 0 {
				return "", malformed("an empty line stands where a message has to start")
			}
			return string(head[:start]), nil
		}
		start = len(head)
	}
}

// cutLine takes the first line from a head that readHead answered.
func cutLine(head string) (line, rest string) {
	line, rest, _ = strings.Cut(head, "\r\n")
	return line, rest
}

// parseFields reads field lines. A line that begins with a space (obs-fold) has no name, and is malformed for it.
func parseFields(head string) (Fields, error) {
	count := strings.Count(head, "\r\n")
	if count > maxFields {
		return nil, &Error{Status: 431, Reason: "there are more than 200 fields"}
	}
	fields := make(Fields, 0, count)
	for head != "" {
		var line string
		line, head = cutLine(head)
		name, value, ok := strings.Cut(line, ":")
		value = trim(value)
		switch {
		case !ok || !isToken(name):
			return nil, malformed("a field's name is no token")
		case !isValue(value):
			return nil, malformed("the value of %s has a control character", name)
		}
		fields = append(fields, Field{Name: name, Value: value})
	}
	return fields, nil
}

// isToken tells whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		if !tokens[s[i]] {
			return false
		}
	}
	return s != ""
}

var tokens = tokenTable()

func tokenTable() (table [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		table[c] = true
	}
	return table
}

// isValue tells whether s may be a field's value: no control character but the tab, and no white space at its ends. Bytes above
// 127 are opaque (RFC 9110 section 5.5).
func isValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return len(s) == len(trim(s))
}
