// Package guardtest is the conformance suite that every protocol must pass. It asks the peer's own log, never ours,
// whether something reached it.
package guardtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway"
)

// Answer is what a client got for one command.
type Answer struct {
	Raw     []byte // all bytes, to compare and to look for canaries in
	Refused bool   // the protocol's own way to say so
	Ended   bool   // the session is over
}

// Form is one way to send a command: simple, extended, pipelined, prepared.
type Form struct {
	Encode func(text string) []byte
	Read   func(r io.Reader) (Answer, error)
}

// Adapter is what a protocol brings to be tested. The texts that it makes hold the marker that they are given, so that
// the peer's log can be asked for it.
type Adapter struct {
	Protocol gateway.Protocol
	Target   gateway.Target
	Visit    gateway.Visit // what the tunnel's opening says
	// Policy allows what Allowed, Masked and Running make, asks for an approval for Held, and has no rule for Denied.
	Policy string
	Hello  func(conn net.Conn) error // signs in and reads until commands may be sent
	// Speak, if not nil, stands in Hello's place: it signs in over conn, and answers what forms are written to and read from.
	// Closing that closes conn.
	Speak   func(conn net.Conn) (net.Conn, error)
	Forms   map[string]Form
	Allowed func(marker string) string
	Denied  func(marker string) string
	Held    func(marker string) string
	Masked  func(marker string) string // reads masked values
	Running func(marker string) string // runs for a minute at least
	// Found has a Finding in its text, and reads others, in which detectors of the policy find them; the text does not
	// hold those as they are.
	Found func(marker string) string
	// PeerLog is everything that the peer logged of what it received.
	PeerLog func(t testing.TB) string
	// OnlyPrepared says whether a line of the log tells of a command that was made ready and not run: a held command may
	// be made ready, where planning runs no foreign code.
	OnlyPrepared func(line string) bool
	Canaries     []string // masked values, and the target's credential
	Findings     []string // what is found in the answer to Found, or in its text
	Hostile      [][]byte // messages that announce lengths which nobody may send
}

var markers atomic.Int64

// marker is a word that stands in one command alone.
func marker(what string) string { return fmt.Sprintf("m%s%d", what, markers.Add(1)) }

// Run holds a protocol to the promises of the threat model.
func Run(t *testing.T, a Adapter) {
	positives := 0
	for name, form := range a.Forms {
		t.Run(name, func(t *testing.T) {
			s := &suite{a, form, &positives}
			t.Run("allowed commands reach the peer", s.allowed)
			t.Run("refused commands never reach the peer", s.refused)
			t.Run("every command that reaches the peer is in the recording", s.recorded)
			t.Run("unrecorded commands never reach the peer", s.unrecorded)
			t.Run("unapproved commands never reach the peer", s.unapproved)
			t.Run("an approved command reaches the peer once", s.approved)
			t.Run("a client that vanishes while held never has its command run", s.vanished)
			t.Run("canaries reach neither client nor recording nor log", s.canaries)
			t.Run("split writes at every byte give the same result", s.split)
			t.Run("ending a grant closes within one second", s.ending)
		})
	}
	t.Run("a hostile length allocates nothing and ends one session", func(t *testing.T) { hostile(t, a) })
	if positives == 0 {
		t.Error("the peer's log has none of the allowed commands, so it proves nothing of the refused ones")
	}
}

type suite struct {
	Adapter
	form      Form
	positives *int
}

// logged answers whether the peer's log has a marker, other than in lines that drop answers true for.
func logged(t testing.TB, a Adapter, mark string, drop func(string) bool) bool {
	t.Helper()
	for line := range strings.Lines(a.PeerLog(t)) {
		if strings.Contains(line, mark) && (drop == nil || !drop(line)) {
			return true
		}
	}
	return false
}

func (s *suite) allowed(t *testing.T) {
	e := open(t, s.Adapter)
	mark := marker("allowed")
	if got := e.ask(t, s.form, s.Allowed(mark)); got.Refused || got.Ended {
		t.Fatalf("an allowed command was refused: %q", got.Raw)
	}
	if !logged(t, s.Adapter, mark, nil) {
		t.Fatal("the peer's log does not have it")
	}
	*s.positives++
}

func (s *suite) refused(t *testing.T) {
	e := open(t, s.Adapter)
	for range 3 {
		mark := marker("refused")
		if got := e.ask(t, s.form, s.Denied(mark)); !got.Refused {
			t.Errorf("not refused: %q", got.Raw)
		}
		if logged(t, s.Adapter, mark, nil) {
			t.Error("the peer's log has it")
		}
	}
	s.goesOn(t, e)
}

// goesOn checks that the session is usable after a refusal.
func (s *suite) goesOn(t *testing.T, e *client) {
	t.Helper()
	mark := marker("after")
	if got := e.ask(t, s.form, s.Allowed(mark)); got.Refused || got.Ended || !logged(t, s.Adapter, mark, nil) {
		t.Errorf("the session does not go on: %q", got.Raw)
	}
}

func (s *suite) recorded(t *testing.T) {
	e := open(t, s.Adapter)
	mark := marker("recorded")
	e.ask(t, s.form, s.Allowed(mark))
	denied := marker("denied")
	e.ask(t, s.form, s.Denied(denied))
	text := e.close(t)
	for _, m := range []string{mark, denied} {
		if !strings.Contains(text, m) {
			t.Errorf("the recording does not have %s", m)
		}
	}
}

func (s *suite) unrecorded(t *testing.T) {
	e := open(t, s.Adapter)
	e.Recorder.Fail()
	mark := marker("unrecorded")
	if got := e.ask(t, s.form, s.Allowed(mark)); !got.Refused && !got.Ended {
		t.Errorf("not refused: %q", got.Raw)
	}
	if logged(t, s.Adapter, mark, nil) {
		t.Error("the peer's log has it")
	}
}

func (s *suite) unapproved(t *testing.T) {
	e := open(t, s.Adapter)
	for _, state := range []string{"rejected", "expired", "pending"} {
		mark := marker("unapproved")
		e.Desk.Answer(state)
		if got := e.ask(t, s.form, s.Held(mark)); !got.Refused {
			t.Errorf("%s: not refused: %q", state, got.Raw)
		}
		if logged(t, s.Adapter, mark, s.OnlyPrepared) {
			t.Errorf("%s: the peer's log has it", state)
		}
	}
	s.goesOn(t, e)
}

func (s *suite) approved(t *testing.T) {
	e := open(t, s.Adapter)
	mark := marker("approved")
	e.Desk.Answer("approved")
	if got := e.ask(t, s.form, s.Held(mark)); got.Refused || got.Ended {
		t.Fatalf("refused: %q", got.Raw)
	}
	if !logged(t, s.Adapter, mark, s.OnlyPrepared) {
		t.Error("the peer's log does not have it")
	}
	if claims := e.Desk.Claims(); claims != 1 {
		t.Errorf("the approval was used %d times", claims)
	}
}

func (s *suite) vanished(t *testing.T) {
	e := open(t, s.Adapter)
	mark := marker("vanished")
	e.Desk.Hold()
	e.send(t, s.form.Encode(s.Held(mark)))
	e.Desk.AwaitAsked(t)
	if err := e.conn.Close(); err != nil {
		t.Fatal(err)
	}
	_ = e.Served(t, 5*time.Second)
	e.Desk.Answer("approved")
	if logged(t, s.Adapter, mark, s.OnlyPrepared) {
		t.Error("the peer's log has it")
	}
	if e.Desk.Claims() != 0 {
		t.Error("the approval was used")
	}
}

func (s *suite) canaries(t *testing.T) {
	e := open(t, s.Adapter)
	mark := marker("masked")
	got := e.ask(t, s.form, s.Masked(mark))
	if got.Refused || got.Ended {
		t.Fatalf("a masked read was refused: %q", got.Raw)
	}
	if !logged(t, s.Adapter, mark, nil) {
		t.Error("the peer's log does not have it")
	}
	e.Desk.Answer("approved")
	found := e.ask(t, s.form, s.Found(marker("found")))
	if found.Refused || found.Ended {
		t.Fatalf("a read of free text was refused: %q", found.Raw)
	}
	seen := [][]byte{got.Raw, found.Raw, e.ask(t, s.form, s.Held(marker("held"))).Raw, e.ask(t, s.form, s.Denied(marker("denied"))).Raw}
	text := e.close(t)
	for _, canary := range slices.Concat(s.Canaries, s.Findings) {
		if bytes.Contains(bytes.Join(seen, nil), []byte(canary)) {
			t.Errorf("the client got %q", canary)
		}
		if strings.Contains(text, canary) || bytes.Contains(e.Recorder.file(t), []byte(canary)) {
			t.Errorf("the recording has %q", canary)
		}
		if strings.Contains(e.Log.String(), canary) {
			t.Errorf("the log has %q", canary)
		}
	}
}

func (s *suite) split(t *testing.T) {
	text := s.Allowed(marker("split"))
	message := s.form.Encode(text)
	whole := open(t, s.Adapter)
	want := whole.ask(t, s.form, text)
	for at := 1; at < len(message); at++ {
		whole.send(t, message[:at])
		whole.send(t, message[at:])
		if got := whole.read(t, s.form); !bytes.Equal(got.Raw, want.Raw) {
			t.Fatalf("split at %d: got %q, want %q", at, got.Raw, want.Raw)
		}
	}
	single := open(t, s.Adapter)
	for i := range message {
		single.send(t, message[i:i+1])
	}
	if got := single.read(t, s.form); !bytes.Equal(got.Raw, want.Raw) {
		t.Errorf("one byte at a time: got %q, want %q", got.Raw, want.Raw)
	}
}

func (s *suite) ending(t *testing.T) {
	e := open(t, s.Adapter)
	mark := marker("running")
	e.send(t, s.form.Encode(s.Running(mark)))
	Within(t, 10*time.Second, "the peer's log has the running command", func() bool { return logged(t, s.Adapter, mark, s.OnlyPrepared) })
	began := time.Now()
	e.End(fmt.Errorf("the grant was ended"))
	_ = e.Served(t, 5*time.Second)
	if took := time.Since(began); took > time.Second {
		t.Errorf("the session closed after %v", took)
	}
	if _, err := io.Copy(io.Discard, e.conn); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the client's socket is still open: %v", err)
	}
}

// Within polls a condition of another process until it holds.
func Within(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			if ok() { // since the look before, which may have taken long
				return
			}
			t.Fatalf("not within %v: %s", limit, what)
		case <-tick.C:
		}
	}
}
