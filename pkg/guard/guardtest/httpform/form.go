// Package httpform is what the tests of protocols over HTTP/1.1 share: the form in which requests are sent and answers read, services
// that say themselves what they got, and a session between a client's socket and such a service.
package httpform

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
)

// Form sends requests that are written as a line, and their JSON behind it: "POST /path HTTP/1.1\n{}". LINE stands in head for what is
// made of that.
func Form(head string) guardtest.Form {
	return guardtest.Form{
		Encode: func(text string) []byte {
			line, body, _ := strings.Cut(text, "\n")
			if body != "" {
				line += fmt.Sprintf("\r\nContent-Type: application/json\r\nContent-Length: %d", len(body))
			}
			return []byte(strings.Replace(head, "LINE", line, 1) + body)
		},
		Read: read,
	}
}

// read reads one answer, without what differs each time.
func read(r io.Reader) (guardtest.Answer, error) {
	answer, err := http.ReadResponse(bufio.NewReader(r), &http.Request{Method: "GET"})
	if err != nil {
		return guardtest.Answer{Ended: true}, err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Header.Del("Date")
	raw := fmt.Appendf(nil, "%s\n%v\n%s", answer.Status, answer.Header, body)
	switch answer.StatusCode {
	case 403, 429, 503:
		return guardtest.Answer{Raw: raw, Refused: true, Ended: answer.Close}, err
	}
	return guardtest.Answer{Raw: raw, Ended: answer.Close}, err
}

// Hostile are heads that announce lengths which nobody may send; path is one that may be posted to.
func Hostile(path string) [][]byte {
	return [][]byte{
		[]byte("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"),
		[]byte("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
	}
}
