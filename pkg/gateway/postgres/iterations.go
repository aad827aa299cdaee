package postgres

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// maxIterations is how many iterations of SCRAM-SHA-256 a target may ask for: what OWASP recommends for stored passwords, and about
// 100 ms of work for each connection. (RFC 7677 asks for 4096 at least, PostgreSQL's scram_iterations is that unless it is set, and can
// be set to 2^31-1; pgconn takes 10,000,000.) Whoever answers in a target's place must not be able to ask for more.
const maxIterations = 600_000

// boundIterations has connections of a configuration fail where the target asks for more.
func boundIterations(c *pgconn.Config) {
	build := c.BuildFrontend
	c.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend { return build(&signingIn{Reader: r}, w) }
}

// maxSignIn is how much of what a target sends while the gateway signs in is looked at, in bytes: far more than there is of it.
const maxSignIn = 64 << 10

// signingIn looks at what a target sends until it has accepted the gateway, before anybody else sees it.
type signingIn struct {
	io.Reader
	held []byte // the beginning of a message whose end has not come
	seen int
	done bool
}

// Read fails where a message asks for too much.
func (s *signingIn) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if s.done {
		return n, err
	}
	s.seen += n
	s.held = append(s.held, b[:n]...)
	for !s.done && len(s.held) >= 5 {
		size := int64(binary.BigEndian.Uint32(s.held[1:])) + 1
		if s.seen > maxSignIn || size < 5 {
			s.done = true // it is for pgconn to refuse
			break
		}
		if int64(len(s.held)) < size {
			break
		}
		if asked := iterationsOf(s.held[:size]); asked > maxIterations {
			return 0, &api.Error{
				Code: api.CodeTargetDown, Message: "The target asks for " + strconv.FormatInt(asked, 10) + " iterations of SCRAM-SHA-256, and the gateway takes no more than " + strconv.Itoa(maxIterations) + ".",
				Hint: "Ask who runs the gateway: at the target, lower scram_iterations and set the role's password again.",
			}
		}
		s.done = s.held[0] == 'Z' || s.held[0] == 'R' && bytes.Equal(s.held[5:size], []byte{0, 0, 0, 0})
		s.held = s.held[size:]
	}
	if s.done {
		s.held = nil
	}
	return n, err
}

// iterationsOf is what an AuthenticationSASLContinue asks for, 0 where it is none or can't be read. (RFC 5802, section 5.1)
func iterationsOf(message []byte) int64 {
	if message[0] != 'R' || len(message) < 9 || binary.BigEndian.Uint32(message[5:]) != 11 {
		return 0
	}
	at := bytes.LastIndex(message, []byte(",i="))
	if at < 0 {
		return 0
	}
	digits, _, _ := bytes.Cut(message[at+3:], []byte(","))
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return 0 // no number, or one that pgconn refuses
	}
	return n
}
