package gateway

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Assertion says that a service of kind http is told who is served, in a signed token that it can verify.
type Assertion struct {
	Header   string
	Audience string // whom the token is for
}

var token = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")

// CheckHeader answers why a header can't be one that the gateway adds to requests: its name is none, or it says how the message itself
// is to be read.
func CheckHeader(name string) error {
	if !token.MatchString(name) {
		return fmt.Errorf("%q is no name of a header", name)
	}
	lower := strings.ToLower(name)
	framing := []string{
		"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive", "proxy-connection",
		"content-type", "content-encoding", "accept-encoding", "range", "date",
	}
	if slices.Contains(framing, lower) || strings.HasPrefix(lower, "impersonate-") || strings.HasPrefix(lower, "sec-websocket-") {
		return fmt.Errorf("the header %s is not one to set here", name)
	}
	return nil
}
