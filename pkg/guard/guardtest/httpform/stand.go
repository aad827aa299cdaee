package httpform

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
)

// Stand is one session between a client's socket and a service.
type Stand struct {
	*guardtest.Engagement
	Conn *net.TCPConn // of the client
	In   *bufio.Reader
	T    testing.TB
}

// Open begins one.
func Open(t testing.TB, in guardtest.Setting) *Stand {
	t.Helper()
	e := guardtest.Open(t, in)
	s := &Stand{e, e.Socket.(*net.TCPConn), bufio.NewReader(e.Socket), t}
	if err := s.Conn.SetDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	return s
}

// Change puts another policy in force.
func (s *Stand) Change(rules string) {
	s.T.Helper()
	s.Engagement.Change(s.T, rules)
}

// Recording ends the session and answers its recording as text.
func (s *Stand) Recording() string {
	s.T.Helper()
	return s.Engagement.Recording(s.T)
}

// Say writes to the gateway, and does not mind that it has closed by then.
func (s *Stand) Say(text string) { _, _ = io.WriteString(s.Conn, text) }

// Send sends a request whose head has lines that end with LF, which become CRLF.
func (s *Stand) Send(text string) {
	s.T.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	if _, err := io.WriteString(s.Conn, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"+body); err != nil {
		s.T.Fatal(err)
	}
}

// Answer is one that was read whole.
type Answer struct {
	*http.Response
	Text string
}

// Read reads an answer to a request of the method.
func (s *Stand) Read(method string) Answer {
	s.T.Helper()
	a := s.Head(method)
	body, err := io.ReadAll(a.Body)
	if err != nil {
		s.T.Fatalf("%s: its body: %v, so far %q", a.Status, err, body)
	}
	return Answer{a, string(body)}
}

// Head reads the head of an answer.
func (s *Stand) Head(method string) *http.Response {
	s.T.Helper()
	a, err := http.ReadResponse(s.In, &http.Request{Method: method})
	if err != nil {
		s.T.Fatalf("read an answer: %v\n%s", err, s.Log)
	}
	return a
}

// Ask sends a request with fields, one a line, and a body, and reads the answer.
func (s *Stand) Ask(line, fields, body string) Answer {
	s.T.Helper()
	if body != "" {
		fields += fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	s.Send(line + " HTTP/1.1\nHost: localhost\n" + strings.TrimPrefix(fields+"\n\n", "\n") + body)
	method, _, _ := strings.Cut(line, " ")
	return s.Read(method)
}

// Patience is how long a test waits for what must come, and promises nothing.
const Patience = 30 * time.Second

// Closed says that the gateway closes the client's socket, and answers what came before.
func (s *Stand) Closed(what string) string {
	s.T.Helper()
	return s.closed(what, Patience)
}

// Cut says that it does so within a second, as is promised for ends of grants and changes of policy.
func (s *Stand) Cut(what string) string {
	s.T.Helper()
	return s.closed(what, time.Second)
}

func (s *Stand) closed(what string, within time.Duration) string {
	s.T.Helper()
	if err := s.Conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		s.T.Fatal(err)
	}
	rest, err := io.ReadAll(s.In)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		s.T.Errorf("%s: the socket is open after %v, and had %q", what, within, rest)
	}
	return string(rest)
}
