package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// outlet is where events are written to, those of all connections.
type outlet struct {
	only string    // when set, the one event that is written: -o json prints ready alone
	text bool      // tell a person
	file io.Closer // to close at the end

	mu sync.Mutex
	w  io.Writer // nil: nobody asked
}

// sink is where the events of one connection go: JSON lines where they were asked for, and a line on stderr for a person.
type sink struct {
	*outlet
	program    *program
	connection string
	grant      string
	done       atomic.Bool // the last event was written
	waiting    string      // the request that was told of last
}

// openEvents decides where events go: to --events; else, without a program, to stdout under -o json or ndjson.
func (p *program) openEvents(o connectOptions) (*outlet, error) {
	s := &outlet{text: p.format == formatText || len(o.command) > 0}
	switch {
	case o.events != "":
		f, err := openSink(o.events)
		if err != nil {
			return nil, err
		}
		if s.w = f; f.Fd() > 2 {
			s.file = f
		}
	case len(o.command) > 0 || p.format == formatText:
	case p.format == formatJSON:
		s.w, s.only = p.out, "ready"
	default:
		s.w = p.out
	}
	return s, nil
}

// openSink opens a file, private since it will hold the listener's secret, or a descriptor that was inherited.
func openSink(where string) (*os.File, error) {
	if number, ok := strings.CutPrefix(where, "fd:"); ok {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 {
			return nil, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("--events %s names no descriptor.", where)}
		}
		f := os.NewFile(uintptr(n), where)
		if _, err := f.Stat(); err != nil {
			return nil, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("--events %s: the descriptor is not open.", where)}
		}
		closeOnExec(f.Fd()) // the program does not get it too
		return f, nil
	}
	f, err := os.OpenFile(where, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", &api.Error{Code: api.CodeUsage, Message: "The file for --events can't be opened."}, err)
	}
	return f, nil
}

func (s *outlet) close() {
	if s.file != nil {
		_ = s.file.Close()
	}
}

// event writes one event. A reader that is gone is no reason to end the connection.
func (s *sink) event(kind string, more ...member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w == nil || s.only != "" && s.only != kind {
		return
	}
	_ = writeLine(s.w, newEvent(kind, s.connection, s.grant, more...))
}

// ready says that the listener can be used. With a program nothing is said to people: the program has begun.
func (s *sink) ready(g *held, e localproxy.Endpoint) {
	vars := make(object, 0, 8)
	for _, v := range e.Env() {
		vars = append(vars, member{v.Name, v.Value})
	}
	s.event("ready", member{"kind", e.Kind}, member{"host", e.Host}, member{"port", e.Port}, member{"socket", orNull(e.Socket)}, member{"user", e.User},
		member{"password", orNull(e.Password.Reveal())}, member{"database", e.Database}, member{"url", e.URL()},
		member{"browser_url", orNull(e.SignIn.Reveal())}, member{"env", vars}, member{"expires_at", stamp(g.ExpiresAt)}, member{"pid", os.Getpid()})
	p := s.program
	if !s.text || p.child {
		return
	}
	p.say("%s is open on %s until %s; Ctrl-C ends it", s.connection, e.String(), g.ExpiresAt.Local().Format("15:04:05"))
	fmt.Fprintln(p.out, e.Line())
	if link := e.SignIn.Reveal(); link != "" {
		p.say("in a browser, good once: %s", link)
	}
}

// passOn writes one of the broker's events, and tells a person what waits for whom.
func (s *sink) passOn(e api.GrantEvent) {
	switch e.Type {
	case api.EventApprovalRequired, api.EventApprovalWaiting, api.EventApproved, api.EventRejected:
		s.event(e.Type, member{"approval_id", orNull(e.ApprovalID)}, member{"approval_url", orNull(e.ApprovalURL)}, member{"command", orNull(e.Command)},
			member{"by", orNull(e.By)}, member{"hold_until", stamp(e.HoldUntil)}, member{"expires_at", stamp(e.ExpiresAt)})
	case api.EventCommandRefused:
		s.event(e.Type, member{"refusal", e.Refusal})
	case api.EventExpiring, api.EventRenewed:
		s.event(e.Type, member{"expires_at", stamp(e.ExpiresAt)})
	default:
		s.event(e.Type, member{"code", orNull(e.Code)}, member{"message", orNull(e.Message)})
	}
	if s.text {
		s.tell(e)
	}
}

func (s *sink) tell(e api.GrantEvent) {
	p := s.program
	switch e.Type {
	case api.EventApprovalRequired:
		held := e.HoldUntil.After(e.Time)
		if !held && s.waiting == e.ApprovalID { // a client that asks again by itself, as kubectl does
			return
		}
		s.waiting = e.ApprovalID
		p.say("waiting for approval %s (hoop approvals show %s)", e.ApprovalID, e.ApprovalID)
		if held {
			p.say("  the command is held until %s", e.HoldUntil.Local().Format("15:04:05"))
		}
	case api.EventApproved:
		p.say("%s was approved by %s", e.ApprovalID, e.By)
	case api.EventRejected:
		p.say("%s was rejected by %s", e.ApprovalID, e.By)
	case api.EventExpiring:
		p.say("%s expires at %s", s.connection, e.ExpiresAt.Local().Format("15:04:05"))
	case api.EventRenewed:
		p.say("%s goes on until %s", s.connection, e.ExpiresAt.Local().Format("15:04:05"))
	}
}

// closed writes the grant's last event.
func (s *sink) closed(e api.GrantEvent) {
	s.done.Store(true)
	why := endedError(e)
	s.event("closed", member{"code", orNull(e.Code)}, member{"message", why.Message}, member{"hint", why.Hint}, member{"retryable", why.Retryable},
		member{"request_id", nil}, member{"exit_code", exitCode(why)})
	if s.program.child || s.program.many {
		s.program.say("%s is closed: %s", s.connection, why.Message)
	}
}

// over writes the last event of a connection that did not end with its grant.
func (s *sink) over(err error) {
	if s.done.Swap(true) {
		return
	}
	var child exited
	if err == nil || errors.As(err, &child) {
		s.event("closed", member{"code", nil}, member{"message", "The connection was closed."}, member{"hint", nil}, member{"retryable", true},
			member{"request_id", nil}, member{"exit_code", int(child)})
		return
	}
	e, kind := asError(err), "error"
	if e.Code == codeInterrupted {
		kind = "closed"
	}
	s.event(kind, member{"code", e.Code}, member{"message", e.Message}, member{"hint", orNull(e.Hint)}, member{"retryable", e.Retryable},
		member{"request_id", orNull(e.RequestID)}, member{"exit_code", exitCode(err)})
}
