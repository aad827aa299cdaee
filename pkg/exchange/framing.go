package exchange

import (
	"strconv"

	"github.com/hoop-gateway/hoop/pkg/http1"
)

// framing lays an answer out for its client: with its length where that is known, else in chunks, and to the socket's end for
// who does not know those.
type framing struct {
	length int64 // of the body as the client sees it; -1: not known
	close  bool
	bare   bool // there is no body, whatever the length says
	toEnd  bool // neither a length nor chunks
	begun  bool
}

// frame settles it. A body that was encoded is decoded before the client gets it.
func frame(q *Request, a *http1.Answer, shown Shown, encoded bool) *framing {
	f := &framing{length: a.Length, close: q.last()}
	if f.bare = q.Method == "HEAD" || a.Status == 204 || a.Status == 304; f.bare {
		f.length = http1.Silent
		if n, err := strconv.ParseInt(a.Fields.Get("Content-Length"), 10, 64); err == nil && shown.Filter == nil && !encoded {
			f.length = n // of what GET would have answered; after masks it is not known
		}
		return f
	}
	if (shown.Filter != nil || encoded) && f.length != 0 {
		f.length = -1
	}
	if f.length < 0 && q.Minor == 0 {
		f.toEnd, f.close = true, true
	}
	return f
}

// append appends the next piece to dst.
func (f *framing) append(dst []byte, status int, fields http1.Fields, piece []byte, over bool) []byte {
	if !f.begun {
		f.begun = true
		dst = http1.AppendAnswer(dst, &http1.Answer{Status: status, Fields: fields, Length: f.announced(), Close: f.close})
	}
	switch {
	case f.bare:
		return dst
	case f.length >= 0 || f.toEnd:
		return append(dst, piece...)
	}
	if len(piece) > 0 {
		dst = strconv.AppendInt(dst, int64(len(piece)), 16)
		dst = append(append(append(dst, "\r\n"...), piece...), "\r\n"...)
	}
	if over {
		dst = append(dst, "0\r\n\r\n"...)
	}
	return dst
}

// announced is the length that the head says.
func (f *framing) announced() int64 {
	switch {
	case f.toEnd:
		return http1.UntilClose
	case f.bare:
		return f.length
	case f.length < 0:
		return http1.Chunked
	}
	return f.length
}
