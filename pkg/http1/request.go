// Package http1 reads and writes the messages of HTTP/1.1 (RFC 9112) strictly.
//
// What two readers could understand in two ways is an error here, and never repaired: a request that was read can be written anew
// (AppendRequest), and means the same to everybody. Nothing is set aside for lengths that are only announced.
package http1

import (
	"bufio"
	"io"
	"strings"
)

// Request is the head of a request.
type Request struct {
	Method string // a token, in the case in which it came; never CONNECT or TRACE
	Path   string // begins with "/", still percent-encoded; "*" for OPTIONS only
	Query  string // what stands behind "?", as it came
	Asked  bool   // there is a "?", even where nothing is behind it
	Minor  int    // 1 for HTTP/1.1, 0 for HTTP/1.0

	Fields Fields // all that came, Host and what frames the message with it

	Length   int64  // of the body; 0 none, Chunked
	Close    bool   // no further request may follow on this connection
	Upgrade  string // the protocol that the client wants to speak from here on, in lower case; "" none
	Continue bool   // the client sends the body only after a 100 (Continue)
}

// Host answers the host that the client named, "" where a request of HTTP/1.0 names none.
func (q *Request) Host() string { return q.Fields.Get("Host") }

// EndToEnd answers the fields that are meant for whoever answers in the end: without Host, without what frames the message or is
// said to the next hop, and without the fields that Connection names. What is to be added by a gateway is added to these.
func (q *Request) EndToEnd() Fields { return q.Fields.endToEnd() }

// ReadRequest reads the head of one request. io.EOF means that the peer sent nothing more, *Error that what it sent is not
// understood; every other error is one of the connection. The head has 64 KiB at most (431), 200 fields (431), and a first line of
// 32 KiB (414); how long a peer may take is for the caller's deadlines.
//
// CONNECT and TRACE are refused here (405): a tunnel can't be judged, and an echo would show the credential that a gateway adds.
// An upgrade is seen only where Connection says so, never with a body, and never to h2c, which is passed over as RFC 9113 lets
// servers do: behind it would be a protocol that nobody here reads.
func ReadRequest(r *bufio.Reader) (*Request, error) {
	head, err := readHead(r)
	if err != nil {
		return nil, err
	}
	line, rest := cutLine(head)
	q := &Request{}
	if err := q.readLine(line); err != nil {
		return nil, err
	}
	if q.Fields, err = parseFields(rest); err != nil {
		return nil, err
	}
	f, err := readFraming(q.Fields)
	if err != nil {
		return nil, err
	}
	if err := q.frame(f); err != nil {
		return nil, err
	}
	return q, nil
}

// Body reads the body that stands behind the head: io.EOF comes behind exactly its last byte, io.ErrUnexpectedEOF where the
// connection ended before, *Error where a chunk is malformed. Trailers are read and dropped. It is asked for once a request, and is
// to be read to its end before the next request is.
//
// Chunks with extensions are refused: they mean nothing to anybody, clients don't send them, and readers differ in where they end.
func (q *Request) Body(r *bufio.Reader) io.Reader { return newBody(r, q.Length, 400) }

func (q *Request) readLine(line string) error {
	method, rest, ok := strings.Cut(line, " ")
	if !ok || !isToken(method) {
		return malformed("the first line does not begin with a method")
	}
	target, version, ok := strings.Cut(rest, " ")
	if !ok {
		return malformed("the first line is not made of method, target and version")
	}
	minor, err := parseVersion(version)
	if err != nil {
		return err
	}
	if method == "CONNECT" || method == "TRACE" {
		return &Error{Status: 405, Reason: method + " is not served"}
	}
	path, query, asked := strings.Cut(target, "?")
	if !isPath(path, method) || !isQuery(query) || asked && path == "*" {
		return malformed("the target is not an absolute path, with a query or without, in printable ASCII")
	}
	q.Method, q.Path, q.Query, q.Asked, q.Minor = method, path, query, asked, minor
	return nil
}

func parseVersion(v string) (int, error) {
	switch {
	case v == "HTTP/1.1":
		return 1, nil
	case v == "HTTP/1.0":
		return 0, nil
	case len(v) == 8 && strings.HasPrefix(v, "HTTP/") && v[6] == '.' && isDigit(v[5]) && isDigit(v[7]):
		return 0, &Error{Status: 505, Reason: "HTTP/1.1 and HTTP/1.0 are spoken here"}
	default:
		return 0, malformed("the first line does not end with a version")
	}
}

func (q *Request) frame(f framing) error {
	switch {
	case f.hosts > 1 || f.hosts == 0 && q.Minor == 1:
		return malformed("a request names exactly one Host")
	case f.hosts == 1 && !isHost(f.host):
		return malformed("Host is no name or address, with a port or without")
	case f.chunked && q.Minor == 0:
		return malformed("HTTP/1.0 has no Transfer-Encoding")
	}
	q.Length = f.length
	q.Close = f.close || q.Minor == 0 && !f.keep
	if q.Minor == 1 && f.upgrades && f.upgrade != "h2c" {
		q.Upgrade = f.upgrade
	}
	if q.Upgrade != "" && q.Length != 0 {
		return malformed("a request for an upgrade has a body")
	}
	if f.expects > 1 || f.expects == 1 && !sameName(f.expect, "100-continue") {
		return &Error{Status: 417, Reason: `nothing but "100-continue" can be expected`}
	}
	q.Continue = f.expects == 1 && q.Minor == 1 && q.Length != 0
	return nil
}

// isPath tells whether s may be a path: from "/" on, printable ASCII, escapes complete, and without what begins a query or
// fragment or is a "/" to some (the backslash).
func isPath(s, method string) bool {
	if s == "*" {
		return method == "OPTIONS"
	}
	if s == "" || s[0] != '/' {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f || c == '#' || c == '?' || c == '\\':
			return false
		case c == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])):
			return false
		}
	}
	return true
}

// isQuery tells whether s may be a query: printable ASCII. Escapes are for whoever takes it apart: forms in the wild have lone "%".
func isQuery(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}

// isHost tells whether s is a name or an address, with a port or without; no user, no path, no list.
func isHost(s string) bool {
	name, port := s, ""
	if end := strings.LastIndexByte(s, ':'); end >= 0 && end > strings.LastIndexByte(s, ']') {
		name, port = s[:end], s[end+1:]
		if port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "" {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		return ok && inner != "" && strings.Trim(inner, "0123456789abcdefABCDEF:.") == ""
	}
	for i := range len(name) {
		if c := lower(name[i]); !isDigit(c) && (c < 'a' || c > 'z') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return name != ""
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { _, ok := unhex(c); return ok }
