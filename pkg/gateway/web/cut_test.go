package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest/httpform"
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

// patience is how long a test waits for what must come, and promises nothing.
const patience = httpform.Patience

var grantEnded = &api.Error{Code: api.CodeGrantEnded, Message: "The grant was ended."}

// ends ends the session as the gateway does.
func (s *socket) ends() {
	s.Gate.End(api.Refusal{Code: grantEnded.Code, Rule: "grant", Message: grantEnded.Message})
	s.End(grantEnded)
}

// told reads up to the gateway's Close, which says that the grant was ended, and then the end of the socket. A reset in its place may
// take the words with it.
func (s *socket) told() {
	s.T.Helper()
	if code, reason := s.bye(); code != closePolicy || reason != "hoop: The grant was ended." {
		s.T.Errorf("%d %q", code, reason)
	}
	if rest, err := io.ReadAll(s.In); err != nil || len(rest) > 0 {
		s.T.Errorf("behind the reason come %q, %v", rest, err)
	}
}

// held has the recording take its time from here on. Something waits for it when this returns.
func (s *socket) held(begin func()) (release func()) {
	s.T.Helper()
	release = sync.OnceFunc(s.Recorder.Hold())
	s.T.Cleanup(release)
	begin()
	guardtest.Within(s.T, patience, "something is to be recorded", func() bool { return s.Recorder.Waiting() > 0 })
	return release
}

// What is in the way of the end may take as long as it likes: a message that is being recorded, or an answer.
func TestWhatStillRunsDoesNotKeepTheReasonFromTheClient(t *testing.T) {
	spoken := make(chan struct{})
	for name, c := range map[string]struct {
		play  func(*journal) func(net.Conn, *websocket.Reader, *websocket.Writer)
		begin func(*socket)
	}{
		"a message": {echo, func(s *socket) { s.say(websocket.Text, "hello") }},
		"an answer": {func(log *journal) func(net.Conn, *websocket.Reader, *websocket.Writer) {
			return func(c net.Conn, r *websocket.Reader, w *websocket.Writer) {
				<-spoken
				_ = w.Message(websocket.Text, []byte("hello"))
				echo(log)(c, r, w)
			}
		}, func(*socket) { spoken <- struct{}{} }},
	} {
		t.Run(name, func(t *testing.T) {
			log := &journal{}
			s := dial(t, talks(t, log, c.play(log)), talkPolicy)
			s.held(func() { c.begin(s) })
			s.ends()
			if code, reason := s.bye(); code != closePolicy || reason != "hoop: The grant was ended." {
				t.Errorf("%d %q", code, reason)
			}
		})
	}
}

// A client that says much is told all the same, and what nobody read of it does not reset its socket.
func TestTheReasonIsNotLostBehindWhatNobodyRead(t *testing.T) {
	log := &journal{}
	s := dial(t, talks(t, log, echo(log)), talkPolicy)
	release := s.held(func() { s.say(websocket.Text, "hello") })
	for range 100 {
		s.say(websocket.Text, strings.Repeat("x", 1000))
	}
	s.ends()
	release()
	s.told()
	if log.Count("xxx") > 0 {
		t.Error("something passed behind the end")
	}
}

// A message that is refused is the last that is read of a client that goes on sending.
func TestARefusalIsNotLostBehindWhatNobodyRead(t *testing.T) {
	log := &journal{}
	s := dial(t, talks(t, log, echo(log)), talkPolicy)
	release := s.held(func() { s.say(websocket.Text, `{"jsonrpc":"2.0","id":1,"method":"shutdown"}`) })
	for range 100 {
		s.say(websocket.Text, strings.Repeat("x", 1000))
	}
	release()
	if code, reason := s.bye(); code != closePolicy || !strings.HasPrefix(reason, "hoop: ") {
		t.Errorf("%d %q", code, reason)
	}
	if rest, err := io.ReadAll(s.In); err != nil || len(rest) > 0 {
		t.Errorf("behind the reason come %q, %v", rest, err)
	}
	if log.Count("xxx") > 0 {
		t.Error("something passed behind the refusal")
	}
}

// The service's own Close gives a client time to answer it, but not beyond the end of the grant.
func TestAServiceThatClosesDoesNotPutOffTheCut(t *testing.T) {
	log, spoken := &journal{}, make(chan struct{})
	s := dial(t, talks(t, log, func(c net.Conn, r *websocket.Reader, w *websocket.Writer) {
		<-spoken
		_ = w.Close(4001, "over")
		echo(log)(c, r, w)
	}), talkPolicy)
	release := s.held(func() { close(spoken) })
	s.ends()
	if code, reason := s.bye(); code != closePolicy || reason != "hoop: The grant was ended." {
		t.Errorf("%d %q", code, reason)
	}
	began := time.Now()
	release()
	if err := s.Served(t, patience); !errors.Is(err, grantEnded) {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the session was open for %v more", took)
	}
}

func TestTheGatewaysReasonStandsBeforeATargetsClose(t *testing.T) {
	t.Run("the session ends", func(t *testing.T) {
		ctx, end := context.WithCancelCause(t.Context())
		end(&api.Error{Code: api.CodeLocked, Message: "The user is locked."})
		var said bytes.Buffer
		c := &conversation{
			Switched: exchange.Switched{Patience: func(time.Duration) {}, Hurry: func() {}}, client: websocket.NewWriter(&said, websocket.Server),
		}
		c.tell(c.bye(ctx, websocket.Frame{Opcode: websocket.Close, Fin: true, Payload: websocket.AppendClose(nil, 4001, "gone")}))
		f, err := websocket.NewReader(bufio.NewReader(&said), websocket.Server).Message()
		if err != nil {
			t.Fatal(err)
		}
		if code, reason, _ := websocket.ParseClose(f.Payload); code != closePolicy || reason != "hoop: The user is locked." {
			t.Errorf("%d %q", code, reason)
		}
	})
	t.Run("the rule is gone", func(t *testing.T) {
		log, leave := &journal{}, make(chan struct{})
		s := dial(t, talks(t, log, func(c net.Conn, r *websocket.Reader, w *websocket.Writer) {
			<-leave
			_ = w.Close(4001, "gone")
			echo(log)(c, r, w)
		}), talkPolicy)
		s.Change("version: 1\nrules: [{name: none, effects: [session], verdict: allow}]\n")
		close(leave)
		if code, reason := s.bye(); code != closePolicy || !strings.HasPrefix(reason, "hoop: ") {
			t.Errorf("%d %q", code, reason)
		}
	})
}
