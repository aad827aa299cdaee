package exchange

import (
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// write writes an answer of our own, whole. A socket on which it is the last says so.
func write(conn net.Conn, q *http1.Request, r Reply, last bool) error {
	a := http1.Answer{Status: r.Status, Fields: r.Fields, Length: int64(len(r.Body)), Close: last}
	out := http1.AppendAnswer(nil, &a)
	if q == nil || q.Method != "HEAD" {
		out = append(out, r.Body...)
	}
	_, err := conn.Write(out)
	return err
}

// partWithin is how long a client that still sends is heard when the last answer was written.
const partWithin = 2 * time.Second

// tellToContinue answers a client that waits before it sends its body.
func (s *Session) tellToContinue() error {
	_, err := io.WriteString(s.client.conn, "HTTP/1.1 100 Continue\r\n\r\n")
	return err
}

// reply answers a request in the place of the target. What is left of the request's body is not read, so it is the last one then.
func (s *Session) reply(q *Request, r Reply) error {
	last := q.last()
	s.waits.words()
	if err := write(s.client.conn, q.Request, r, last); err != nil {
		return err
	}
	if last {
		s.unread = q.unread()
		return errLeft
	}
	return nil
}

// What a protocol refuses before anything is judged, beside guard's own codes.
const (
	CodeMalformed   = "malformed"
	CodeMethod      = "method"
	CodeTooLarge    = "too_large"
	CodeUnsupported = "unsupported"
)

// Packed refuses a request whose body does not come as it is, whichever of several fields a server reads; nil: it does. rule stands
// where the name of a rule would.
func Packed(q *http1.Request, rule string) *api.Refusal {
	for _, coding := range q.Fields.Values("Content-Encoding") {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return &api.Refusal{
				Code: CodeUnsupported, Rule: rule, Message: "The body of a request must come as it is: an encoded one can't be judged.",
				Remedy: []api.Remedy{{Kind: "rewrite", Text: "Send it without Content-Encoding."}},
			}
		}
	}
	return nil
}

// StatusOf is the HTTP status of a refusal.
func StatusOf(code string) int {
	switch code {
	case CodeMalformed:
		return 400
	case CodeMethod:
		return 405
	case CodeTooLarge:
		return 413
	case CodeUnsupported:
		return 415
	case "limit_reached":
		return 429
	case "unavailable", "unrecorded":
		return 503
	default:
		return 403
	}
}

// RetryAfter is the field that says in how many seconds a limit that refused is counted anew (RFC 9110, section 10.2.3); none where no
// limit did.
func RetryAfter(r *guard.Refusal) http1.Fields {
	if r.ResetsAt.IsZero() {
		return nil
	}
	return http1.Fields{{Name: "Retry-After", Value: strconv.Itoa(max(1, int(time.Until(r.ResetsAt).Seconds())))}}
}
