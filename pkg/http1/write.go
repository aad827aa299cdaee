package http1

import (
	"net/http"
	"strconv"
	"strings"
)

// AppendRequest writes a head that ReadRequest reads as the same request. What frames the message and the connection is written from
// q's own Length, Close, Upgrade and Continue; fields that say the same are passed over, but what Connection names stays named.
//
// Fields that a reader would refuse are left out, all the more if somebody else made them. Where method, target or Host can't be
// written, nothing is: dst comes back as it was.
func AppendRequest(dst []byte, q *Request) []byte {
	if !q.writable() {
		return dst
	}
	dst = append(append(dst, q.Method...), ' ')
	dst = append(dst, q.Path...)
	if q.Asked || q.Query != "" {
		dst = append(append(dst, '?'), q.Query...)
	}
	dst = append(append(dst, " HTTP/1."...), '0'+byte(q.Minor), '\r', '\n')
	dst = appendFields(dst, q.Fields)
	dst = appendLength(dst, q.Length, q.Length == 0 && !bodied(q.Method))
	if q.Continue && q.Length != 0 {
		dst = append(dst, "Expect: 100-continue\r\n"...)
	}
	if q.Upgrade != "" {
		dst = appendField(dst, "Upgrade", q.Upgrade)
	}
	dst = appendConnection(dst, q.Fields, q.Close && q.Minor == 1, !q.Close && q.Minor == 0, q.Upgrade != "")
	return append(dst, '\r', '\n')
}

// bodied tells whether a method is expected to have a body, so that an empty one is said to be empty.
func bodied(method string) bool { return method == "POST" || method == "PUT" || method == "PATCH" }

// writable tells whether a reader would take q's first line and framing.
func (q *Request) writable() bool {
	hosts := 0
	for i := range q.Fields {
		if sameName(q.Fields[i].Name, "Host") {
			if hosts++; !isHost(q.Fields[i].Value) {
				return false
			}
		}
	}
	switch {
	case hosts > 1, hosts == 0 && q.Minor == 1, q.Minor != 0 && q.Minor != 1, q.Length < Chunked:
		return false
	case !isToken(q.Method) || q.Method == "CONNECT" || q.Method == "TRACE":
		return false
	case q.Minor == 0 && (q.Length == Chunked || q.Upgrade != ""), q.Upgrade != "" && (q.Length != 0 || !isUpgrade(q.Upgrade)):
		return false
	}
	return isPath(q.Path, q.Method) && isQuery(q.Query) && (q.Path != "*" || !q.Asked && q.Query == "")
}

// AppendAnswer writes a head of HTTP/1.1. What frames the message and the connection is written from a's own Length, Close and
// Upgrade. Fields that a reader would refuse are left out (an attempt at splitting an answer), and a status that is none is a 502, as
// is a 101 that names no protocol.
// A peer of HTTP/1.0 knows no chunks: the body of an answer to it is counted, or ends with the connection.
func AppendAnswer(dst []byte, a *Answer) []byte {
	status, upgrade := a.Status, a.Upgrade
	if upgrade == "" {
		upgrade = a.Fields.Get("Upgrade")
	}
	if status < 100 || status > 599 || status == http.StatusSwitchingProtocols && !isUpgrade(upgrade) {
		status = http.StatusBadGateway
	}
	dst = strconv.AppendInt(append(dst, "HTTP/1.1 "...), int64(status), 10)
	dst = append(append(dst, ' '), http.StatusText(status)...)
	dst = append(dst, '\r', '\n')
	dst = appendFields(dst, a.Fields)
	dst = appendLength(dst, a.Length, status < 200 || status == 204 || status == 304 && a.Length <= 0)
	if status == http.StatusSwitchingProtocols {
		dst = appendField(dst, "Upgrade", upgrade)
	}
	dst = appendConnection(dst, a.Fields, a.Close || a.Length == UntilClose, false, status == http.StatusSwitchingProtocols)
	return append(dst, '\r', '\n')
}

// appendFields writes the fields that neither frame a message nor would be refused.
func appendFields(dst []byte, fields Fields) []byte {
	for i := range fields {
		if !framed(fields[i].Name) {
			dst = appendField(dst, fields[i].Name, fields[i].Value)
		}
	}
	return dst
}

func appendField(dst []byte, name, value string) []byte {
	if !isToken(name) || !isValue(value) {
		return dst
	}
	dst = append(append(dst, name...), ':', ' ')
	return append(append(dst, value...), '\r', '\n')
}

// framed tells whether a field is written from what a message is, not from its fields.
func framed(name string) bool {
	switch len(name) {
	case len("Expect"):
		return sameName(name, "Expect")
	case len("Upgrade"): // and of Trailer
		return sameName(name, "Upgrade") || sameName(name, "Trailer")
	case len("Connection"): // and of Keep-Alive
		return sameName(name, "Connection") || sameName(name, "Keep-Alive")
	case len("Content-Length"):
		return sameName(name, "Content-Length")
	case len("Transfer-Encoding"):
		return sameName(name, "Transfer-Encoding")
	}
	return false
}

func appendLength(dst []byte, length int64, silent bool) []byte {
	switch {
	case silent || length == UntilClose || length == Silent:
		return dst
	case length == Chunked:
		return append(dst, "Transfer-Encoding: chunked\r\n"...)
	default:
		dst = strconv.AppendInt(append(dst, "Content-Length: "...), length, 10)
		return append(dst, '\r', '\n')
	}
}

func appendConnection(dst []byte, fields Fields, closes, keeps, upgrades bool) []byte {
	start := len(dst)
	add := func(token string) {
		if len(dst) == start {
			dst = append(dst, "Connection: "...)
		} else {
			dst = append(dst, ',', ' ')
		}
		dst = append(dst, token...)
	}
	if closes {
		add("close")
	}
	if keeps {
		add("keep-alive")
	}
	if upgrades {
		add("Upgrade")
	}
	for i := range fields {
		if !sameName(fields[i].Name, "Connection") {
			continue
		}
		for token := range strings.SplitSeq(fields[i].Value, ",") {
			token = trim(token)
			if isToken(token) && !sameName(token, "close") && !sameName(token, "keep-alive") && !sameName(token, "upgrade") {
				add(token)
			}
		}
	}
	if len(dst) > start {
		dst = append(dst, '\r', '\n')
	}
	return dst
}
