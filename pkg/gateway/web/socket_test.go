package web

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/guard/guardtest"
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

// talks is a service whose WebSockets are played by a function, which says what it got in its log.
func talks(t testing.TB, log *journal, play func(c net.Conn, r *websocket.Reader, w *websocket.Writer)) gateway.Target {
	return site(t, func(w http.ResponseWriter, r *http.Request) {
		log.Add("%s %s %v", r.Method, r.URL, r.Header)
		if r.Header.Get("Upgrade") == "" {
			fmt.Fprint(w, "no socket")
			return
		}
		c, both, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.Close() }()
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			websocket.Accept(r.Header.Get("Sec-WebSocket-Key")))
		play(c, websocket.NewReader(both.Reader, websocket.Client), websocket.NewWriter(c, websocket.Server))
	})
}

// echo answers every message with itself, and logs what it gets.
func echo(log *journal) func(net.Conn, *websocket.Reader, *websocket.Writer) {
	return func(_ net.Conn, r *websocket.Reader, w *websocket.Writer) {
		for {
			f, err := r.Message()
			if err != nil {
				log.Add("end %v", err)
				return
			}
			log.Add("frame %d %s", f.Opcode, f.Payload)
			switch f.Opcode {
			case websocket.Ping:
				_ = w.Message(websocket.Pong, f.Payload)
			default:
				_ = w.Write(f)
			}
		}
	}
}

const upgradeHead = "GET /live HTTP/1.1\nHost: localhost\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\n\n"

// socket is a client's side of a WebSocket through the gateway.
type socket struct {
	*stand
	r *websocket.Reader
	w *websocket.Writer
}

func dial(t testing.TB, target gateway.Target, rules string) *socket {
	t.Helper()
	s := open(t, target, rules)
	s.Send(upgradeHead)
	a := s.Head("GET")
	if a.StatusCode != 101 || a.Header.Get("Sec-WebSocket-Accept") != websocket.Accept("dGhlIHNhbXBsZSBub25jZQ==") {
		t.Fatalf("%s %v\n%s", a.Status, a.Header, s.Log)
	}
	if a.Header.Get("Sec-WebSocket-Extensions") != "" {
		t.Error("an extension was agreed on")
	}
	return &socket{s, websocket.NewReader(s.In, websocket.Server), websocket.NewWriter(s.Conn, websocket.Client)}
}

func (s *socket) say(op websocket.Opcode, text string) {
	s.T.Helper()
	if err := s.w.Message(op, []byte(text)); err != nil {
		s.T.Fatal(err)
	}
}

func (s *socket) hear() websocket.Frame {
	s.T.Helper()
	f, err := s.r.Message()
	if err != nil {
		s.T.Fatalf("%v\n%s", err, s.Log)
	}
	f.Payload = bytes.Clone(f.Payload)
	return f
}

// bye reads up to the gateway's Close, and answers its code and reason.
func (s *socket) bye() (code int, reason string) {
	s.T.Helper()
	if err := s.Conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.T.Fatal(err)
	}
	for {
		f := s.hear()
		if f.Opcode == websocket.Close {
			code, reason, err := websocket.ParseClose(f.Payload)
			if err != nil {
				s.T.Fatal(err)
			}
			return code, reason
		}
	}
}

const talkPolicy = `version: 1
rules:
  - {name: dial, effects: [read], http: {paths: [/live]}, verdict: allow}
  - {name: talk, effects: [write], http: {methods: [MESSAGE], paths: [/live]}, verdict: allow}
  - {name: tools, effects: [execute], http: {methods: [MESSAGE], tools: [search]}, verdict: allow}
  - {name: quiet, effects: [write], http: {methods: [MESSAGE], rpc: [shutdown]}, verdict: deny, message: "Nobody shuts it down."}
`

func TestEachMessageOfAWebSocketIsJudged(t *testing.T) {
	log := &journal{}
	s := dial(t, talks(t, log, echo(log)), talkPolicy)
	for _, text := range []string{"hello", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search"}}`, ""} {
		s.say(websocket.Text, text)
		if f := s.hear(); f.Opcode != websocket.Text || string(f.Payload) != text {
			t.Errorf("%q came back as %d %q", text, f.Opcode, f.Payload)
		}
	}
	s.say(websocket.Binary, "\x00\x01")
	if f := s.hear(); f.Opcode != websocket.Binary || string(f.Payload) != "\x00\x01" {
		t.Errorf("%d %q", f.Opcode, f.Payload)
	}
	s.say(websocket.Text, `{"jsonrpc":"2.0","id":1,"method":"shutdown","marker":1}`)
	if code, reason := s.bye(); code != 1008 || !strings.HasPrefix(reason, "hoop: ") {
		t.Errorf("%d %q", code, reason)
	}
	s.Closed("behind a refusal")
	if log.Count("shutdown") > 0 {
		t.Errorf("the service has what was refused:\n%s", log)
	}
	text := s.Recording()
	for _, want := range []string{`MESSAGE /live text\n\nhello`, "shutdown", "tools/call", `MESSAGE /live binary\n\n0001`} {
		if !strings.Contains(text, want) {
			t.Errorf("the recording does not have %q:\n%s", want, text)
		}
	}
}

func TestARefusedMessageNeverReachesTheTarget(t *testing.T) {
	for name, text := range map[string]string{
		"a rule":             `{"jsonrpc":"2.0","id":1,"method":"shutdown"}`,
		"no rule for a tool": `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drop"}}`,
		"two methods":        `{"jsonrpc":"2.0","method":"ping","method":"shutdown"}`,
		"a batch":            `[{"jsonrpc":"2.0","method":"shutdown"}]`,
		"another case":       `{"jsonrpc":"2.0","Method":"shutdown"}`,
	} {
		t.Run(name, func(t *testing.T) {
			log := &journal{}
			s := dial(t, talks(t, log, echo(log)), talkPolicy)
			s.say(websocket.Text, text)
			if code, _ := s.bye(); code != 1008 {
				t.Errorf("closed with %d", code)
			}
			s.Closed("behind a refusal")
			if log.Count("frame") > 0 {
				t.Errorf("the service got something:\n%s", log)
			}
		})
	}
}

func TestNoRuleForMessagesLetsNoMessagePass(t *testing.T) {
	log := &journal{}
	s := dial(t, talks(t, log, echo(log)), "version: 1\nrules: [{name: r, effects: [read, session], verdict: allow}]\n")
	s.say(websocket.Text, "hello")
	if code, _ := s.bye(); code != 1008 || log.Count("frame") > 0 {
		t.Errorf("%d\n%s", code, log)
	}
}

func TestFragmentsAreOneMessage(t *testing.T) {
	log := &journal{}
	s := dial(t, talks(t, log, echo(log)), talkPolicy)
	text := `{"jsonrpc":"2.0","id":1,"method":"shut`
	if err := errors.Join(s.w.Write(websocket.Frame{Opcode: websocket.Text, Payload: []byte(text)}),
		s.w.Message(websocket.Ping, []byte("within")),
		s.w.Write(websocket.Frame{Opcode: websocket.Continuation, Fin: true, Payload: []byte(`down"}`)})); err != nil {
		t.Fatal(err)
	}
	if code, _ := s.bye(); code != 1008 || log.Count("frame") > 0 {
		t.Errorf("%d\n%s", code, log)
	}
}

func TestMessagesAbove1MiBAreRefused(t *testing.T) {
	log := &journal{}
	s := dial(t, talks(t, log, echo(log)), talkPolicy)
	most := strings.Repeat("x", websocket.MaxPayload)
	s.say(websocket.Text, most)
	if f := s.hear(); len(f.Payload) != len(most) {
		t.Errorf("%d bytes came back", len(f.Payload))
	}
	go func() {
		_, _ = s.Conn.Write(append([]byte{0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4}, most...))
	}()
	if code, _ := s.bye(); code != websocket.TooBig || log.Count("frame") != 1 {
		t.Errorf("closed with %d", code)
	}
}

func TestALongMessageOfTheTargetIsNotPassed(t *testing.T) {
	log := &journal{}
	s := dial(t, talks(t, log, func(c net.Conn, r *websocket.Reader, w *websocket.Writer) {
		half := bytes.Repeat([]byte("x"), websocket.MaxPayload/2+1)
		_ = w.Write(websocket.Frame{Opcode: websocket.Text, Payload: half})
		_ = w.Write(websocket.Frame{Opcode: websocket.Continuation, Fin: true, Payload: half})
		_, _ = r.Message()
	}), talkPolicy)
	if code, _ := s.bye(); code != websocket.TooBig {
		t.Errorf("closed with %d", code)
	}
}

func TestPingsAreAnsweredOnTheSideTheyComeFrom(t *testing.T) {
	log := &journal{}
	ponged := make(chan string, 1)
	s := dial(t, talks(t, log, func(c net.Conn, r *websocket.Reader, w *websocket.Writer) {
		_ = w.Message(websocket.Ping, []byte("078-05-1120"))
		f, _ := r.Message()
		ponged <- fmt.Sprintf("%d %s", f.Opcode, f.Payload)
		echo(log)(c, r, w)
	}), talkPolicy)
	if got := <-ponged; got != "10 078-05-1120" {
		t.Errorf("the target's ping was answered with %q", got)
	}
	s.say(websocket.Ping, "secret words")
	if f := s.hear(); f.Opcode != websocket.Pong || string(f.Payload) != "secret words" {
		t.Errorf("%d %q", f.Opcode, f.Payload)
	}
	s.say(websocket.Text, "hello")
	if f := s.hear(); string(f.Payload) != "hello" {
		t.Errorf("%q", f.Payload)
	}
	if log.Count("secret words") > 0 {
		t.Error("what stands in a ping reached the target unjudged")
	}
}

const maskedTalk = talkPolicy + `masks:
  - {name: ssn, json: ["$..ssn"], as: redact}
  - {name: mail, detect: [email], as: redact}
`

func TestBothSidesCloseInOrder(t *testing.T) {
	t.Run("the client", func(t *testing.T) {
		log := &journal{}
		s := dial(t, talks(t, log, echo(log)), talkPolicy)
		if err := s.w.Close(1001, "words that nobody judged"); err != nil {
			t.Fatal(err)
		}
		if code, _ := s.bye(); code != 1001 {
			t.Errorf("answered with %d", code)
		}
		s.Closed("behind both")
		if got := log.String(); !strings.Contains(got, "frame 8 \x03\xe9") || strings.Contains(got, "nobody judged") {
			t.Errorf("the target got:\n%q", got)
		}
	})
	t.Run("the target", func(t *testing.T) {
		log := &journal{}
		s := dial(t, talks(t, log, func(c net.Conn, r *websocket.Reader, w *websocket.Writer) {
			_ = w.Close(4001, "over")
			echo(log)(c, r, w)
		}), talkPolicy)
		if code, reason := s.bye(); code != 4001 || reason != "over" {
			t.Errorf("%d %q", code, reason)
		}
		s.say(websocket.Close, "\x0f\xa1")
		s.Closed("behind both")
		guardtest.Within(t, patience, "the target gets the client's Close", func() bool { return log.Count("frame 8 \x0f\xa1") == 1 })
	})
	t.Run("a target that does not answer", func(t *testing.T) {
		log := &journal{}
		s := dial(t, talks(t, log, func(c net.Conn, r *websocket.Reader, _ *websocket.Writer) { _, _ = io.Copy(io.Discard, c) }), talkPolicy)
		s.say(websocket.Close, "")
		_ = s.Served(t, patience)
	})
}

func TestAWebSocketIsCutWithinASecond(t *testing.T) {
	cuts := map[string]func(*socket){
		"the grant ends":       func(s *socket) { s.End(&api.Error{Code: api.CodeGrantEnded, Message: "The grant was ended."}) },
		"the rule is gone":     func(s *socket) { s.Change("version: 1\nrules: [{name: none, effects: [session], verdict: allow}]\n") },
		"other masks hold":     func(s *socket) { s.Change(maskedTalk) },
		"the recording failed": func(s *socket) { s.Recorder.Fail() },
	}
	for name, cut := range cuts {
		t.Run(name, func(t *testing.T) {
			log := &journal{}
			s := dial(t, talks(t, log, echo(log)), talkPolicy)
			s.say(websocket.Text, "hello")
			s.hear()
			cut(s)
			if rest := s.Cut(name); name != "the recording failed" && !strings.Contains(rest, "hoop: ") {
				t.Errorf("the client was not told: %q", rest)
			}
			guardtest.Within(t, time.Second, "the target is freed", func() bool { return log.Count("end") == 1 })
		})
	}
}

func TestASocketWhoseUpgradeDidNotComeAboutIsClosed(t *testing.T) {
	behind := "GET /behind HTTP/1.1\r\nHost: localhost\r\n\r\n"
	forged := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
	answers := map[string]string{
		"200":                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
		"426":                 "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
		"another's accept":    forged + websocket.Accept("AAAAAAAAAAAAAAAAAAAAAA==") + "\r\n\r\n",
		"no accept":           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"another protocol":    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n",
		"an extension":        forged + "KEY\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
		"a protocol unasked":  forged + "KEY\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
		"a 101 that says h2c": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
	}
	for name, text := range answers {
		t.Run(name, func(t *testing.T) {
			log := &journal{}
			s := open(t, raw(t, func(c net.Conn) {
				r := bufio.NewReader(c)
				for {
					q, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					log.Add("%s %s", q.Method, q.URL)
					_, _ = io.WriteString(c, strings.Replace(text, "KEY", websocket.Accept(q.Header.Get("Sec-WebSocket-Key")), 1))
				}
			}), allowAll)
			s.Send(upgradeHead + behind)
			if a := s.Read("GET"); a.StatusCode == 101 || !a.Close {
				t.Errorf("%s, close %v", a.Status, a.Close)
			}
			s.Closed("behind an upgrade that did not come about")
			if log.Count("/live") != 1 || log.Count("/behind") > 0 {
				t.Errorf("the service got:\n%s", log)
			}
		})
	}
}

func TestOnlyWebSocketsAreUpgraded(t *testing.T) {
	log := &journal{}
	s := open(t, talks(t, log, echo(log)), allowAll)
	s.Send("GET /live HTTP/1.1\nHost: localhost\nUpgrade: tcp\nConnection: Upgrade\n\n")
	if a := s.Read("GET"); a.StatusCode != 415 || !a.Close || log.Count("GET") > 0 {
		t.Errorf("%s\n%s", a.Status, log)
	}
}
