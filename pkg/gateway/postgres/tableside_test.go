package postgres_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgproto3/v2"
)

// side is where the messages of a cell go: the server itself, or a gateway before it. A connection that is alive behind a
// cell serves the next one too.
type side struct {
	dial func() (net.Conn, error)
	conn net.Conn
	in   *bufio.Reader
}

// direct is the server, with the database role that the gateway uses.
func direct(t testing.TB) *side { return newSide(t, dialServer) }

func dialServer() (net.Conn, error) {
	return net.Dial("unix", fmt.Sprintf("%s/.s.PGSQL.%d", server.Socket, server.Port))
}

// through is a gateway.
func through(t testing.TB, s *stand) *side {
	return newSide(t, func() (net.Conn, error) { return net.Dial("tcp", s.listener.Addr().String()) })
}

func newSide(t testing.TB, dial func() (net.Conn, error)) *side {
	s := &side{dial: dial}
	t.Cleanup(s.leave)
	return s
}

func (s *side) leave() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// enter signs in, unless a cell before left its connection.
func (s *side) enter() error {
	if s.conn != nil {
		return nil
	}
	c, err := s.dial()
	if err != nil {
		return err
	}
	s.conn, s.in = c, bufio.NewReader(c)
	hello := &pgproto3.StartupMessage{ProtocolVersion: 3 << 16, Parameters: map[string]string{"user": "agent", "database": server.Database}}
	if _, err := c.Write(join(hello)); err != nil {
		return err
	}
	for {
		m, err := s.next()
		if err != nil || m[0] == 'E' {
			return fmt.Errorf("not signed in: %q, %w", m, err)
		}
		if m[0] == 'Z' {
			return nil
		}
	}
}

// next reads one answer. It takes what breaks off for the end.
func (s *side) next() ([]byte, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(s.in, head); err != nil {
		return nil, ended(err)
	}
	m := append(head, make([]byte, binary.BigEndian.Uint32(head[1:])-4)...)
	_, err := io.ReadFull(s.in, m[5:])
	return m, ended(err)
}

func ended(err error) error {
	if err == nil || os.IsTimeout(err) {
		return err
	}
	return io.EOF
}

// asking ends whatever state a session is in, asks what came of it, and takes that back.
func asking() []encoder {
	return []encoder{
		&copyFail{Message: "over"}, &syncing{}, &query{String: "ROLLBACK"}, &query{String: "SELECT 'left', i FROM cells ORDER BY i"},
		&query{String: "DELETE FROM cells"}, &query{String: "RESET application_name; DEALLOCATE ALL"}, &query{String: "CLOSE ALL"}, &query{String: "SELECT 'the cell is over'"},
	}
}

// cell is one of the table.
type cell struct {
	in   state
	say  []encoder
	wait bool // until the state is reached; else everything is sent at once
	sent func()
}

// run answers all that a side answers to a cell: on the way into the state, where it waits for that, and then.
func (s *side) run(c cell) (way, then string, err error) {
	if err := s.enter(); err != nil {
		return "", "", err
	}
	if err := s.conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return "", "", err
	}
	into := join(c.in.into...)
	if c.wait && len(into) > 0 {
		if way, err = s.reach(into, c.in.reached); err != nil {
			return way, "", err
		}
		into = nil
	}
	// Where the connection ends at the first of it, the rest is not taken.
	_, _ = s.conn.Write(append(append(into, join(c.say...)...), join(asking()...)...))
	if c.sent != nil {
		c.sent()
	}
	var got script
	for {
		m, err := s.next()
		if err == io.EOF {
			s.leave()
			return way, got.cut(), nil
		}
		if err != nil {
			s.leave()
			return way, got.String(), err
		}
		got.add(m)
		if m[0] != 'D' || !bytes.Contains(m, []byte("the cell is over")) {
			continue
		}
		for m[0] != 'Z' {
			if m, err = s.next(); err != nil {
				return way, got.String(), err
			}
		}
		return way, got.String(), nil
	}
}

// reach leads into a state.
func (s *side) reach(into []byte, reached string) (string, error) {
	if _, err := s.conn.Write(into); err != nil {
		return "", err
	}
	var got script
	for reached != "" {
		m, err := s.next()
		if err != nil {
			return got.String(), fmt.Errorf("on the way into the state, before %q: %w", reached, err)
		}
		got.add(m)
		if m[0] == reached[0] {
			reached = reached[1:]
		} else if told := strings.LastIndexByte(reached, 'N'); m[0] == 'N' && told > 0 { // a notice may overtake answers
			reached = reached[:told] + reached[told+1:]
		} else if m[0] != 'N' && m[0] != 'S' && m[0] != 'T' {
			return got.String(), fmt.Errorf("on the way into the state: %q, not %q", m, reached)
		}
	}
	return got.String(), nil
}

// script is what a side answers, in words: everything that a client can tell apart, but for where the server's own code
// raised an error.
type script struct{ words []string }

func (s *script) add(m []byte) { s.words = append(s.words, word(m)) }

func (s *script) String() string { return strings.Join(s.words, " ") }

// cut ends a script with the end of the connection. What the server says before that may be one error or two.
func (s *script) cut() string {
	last := ""
	for len(s.words) > 0 && strings.HasPrefix(s.words[len(s.words)-1], "E") {
		last = s.words[len(s.words)-1]
		if s.words = s.words[:len(s.words)-1]; !strings.HasPrefix(last, "EFATAL:08P01") && !strings.HasPrefix(last, "E08P01") {
			break
		}
	}
	if strings.HasPrefix(last, "E08P01") || strings.HasPrefix(last, "EFATAL:08P01") {
		last = "E08P01"
	}
	return strings.TrimSpace(s.String() + " " + last + " END")
}

func word(m []byte) string {
	switch body := m[5:]; m[0] {
	case 'E', 'N':
		return string(m[:1]) + complaintOf(body)
	case 'Z':
		return "Z" + string(body)
	case 'C':
		return fmt.Sprintf("C(%s)", body[:len(body)-1])
	case 'S':
		return fmt.Sprintf("S%q", body)
	case '1', '2', '3', 'c', 'n', 's', 'I':
		return string(m[:1])
	default:
		if len(body) > 40 {
			body = body[:40]
		}
		return fmt.Sprintf("%c%q", m[0], body)
	}
}

// complaintOf is an error or a notice: its severity where that ends the session, its SQLSTATE and its text.
func complaintOf(body []byte) string {
	fields := map[byte]string{}
	for f := range bytes.SplitSeq(body, []byte{0}) {
		if len(f) > 0 {
			fields[f[0]] = string(f[1:])
		}
	}
	out := fields['C'] + "[" + fields['M'] + "]"
	if fields['V'] == "FATAL" || fields['V'] == "PANIC" {
		out = fields['V'] + ":" + out
	}
	return out
}
