package http1

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// Answer is the head of an answer.
type Answer struct {
	Status int    // 100 to 599
	Fields Fields // all that came, what frames the message with it

	Length  int64  // of the body that follows; 0 none, Chunked, UntilClose
	Close   bool   // the connection ends behind this answer
	Upgrade string // of a 101: the protocol that is spoken from here on, in lower case
}

// EndToEnd answers the fields that are meant for whoever asked, without what is said to the next hop only, in a slice of
// their own.
func (a *Answer) EndToEnd() Fields { return a.Fields.endToEnd() }

// Body reads the body that stands behind the head, as Request.Body does.
func (a *Answer) Body(r *bufio.Reader) io.Reader { return newBody(r, a.Length, 502) }

// ReadAnswer reads the head of one answer to a request with the given method. Interim answers (1xx) are answers of their own;
// how many may come is for the caller. Errors are those of ReadRequest, an *Error's status is 502.
func ReadAnswer(r *bufio.Reader, method string) (*Answer, error) {
	a, err := readAnswer(r, method)
	var e *Error
	if errors.As(err, &e) {
		return nil, &Error{Status: 502, Reason: e.Reason}
	}
	return a, err
}

func readAnswer(r *bufio.Reader, method string) (*Answer, error) {
	head, err := readHead(r)
	if err != nil {
		return nil, err
	}
	line, rest := cutLine(head)
	a := &Answer{}
	minor, err := a.readLine(line)
	if err != nil {
		return nil, err
	}
	if a.Fields, err = parseFields(rest); err != nil {
		return nil, err
	}
	f, err := readFraming(a.Fields)
	if err != nil {
		return nil, err
	}
	if err := a.frame(f, minor, method); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Answer) readLine(line string) (minor int, err error) {
	version, rest, _ := strings.Cut(line, " ")
	if minor, err = parseVersion(version); err != nil {
		return 0, err
	}
	status, reason, _ := strings.Cut(rest, " ")
	if len(status) != 3 || status[0] < '1' || status[0] > '5' || !isDigit(status[1]) || !isDigit(status[2]) || !isValue(trim(reason)) {
		return 0, malformed("the first line has no status, or a control character")
	}
	a.Status = int(status[0]-'0')*100 + int(status[1]-'0')*10 + int(status[2]-'0')
	return minor, nil
}

// frame tells how the body ends (RFC 9112 section 6.3).
func (a *Answer) frame(f framing, minor int, method string) error {
	a.Close = f.close || minor == 0 && !f.keep
	switch {
	case f.chunked && minor == 0:
		return malformed("HTTP/1.0 has no Transfer-Encoding")
	case a.Status == 101:
		if a.Upgrade = f.upgrade; !f.upgrades || f.upgrade == "" {
			return malformed("a 101 does not say what is spoken from here on")
		}
	}
	if f.length != 0 && (a.Status < 200 || a.Status == 204) {
		return malformed("an answer that has no body announces one")
	}
	switch {
	case method == "HEAD" || a.Status < 200 || a.Status == 204 || a.Status == 304:
		a.Length = 0
	case f.counted || f.chunked:
		a.Length = f.length
	default:
		a.Length, a.Close = UntilClose, true
	}
	return nil
}
