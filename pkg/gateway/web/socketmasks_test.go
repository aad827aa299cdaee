package web

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

func TestMessagesOfTheTargetAreMasked(t *testing.T) {
	messages := map[string]string{ // what is sent, and what is seen; "" nothing
		`{"ssn":"078-05-1120","a":1}`:               `{"ssn":"***","a":1}`,
		` [{"user":{"ssn":"078-05-1120"}}]`:         ` [{"user":{"ssn":"***"}}]`,
		`42["user",{"ssn":"078-05-1120"}]`:          `42["user",{"ssn":"***"}]`,
		`write to carol.canary@example.com now`:     `write to *** now`,
		`{"note":"\u0063arol.canary@example.com"}`:  `{"note":"***"}`,
		`event:{"ssn":"078-05-1120"}`:               "",
		"\ufeff" + `{"ssn":"078-05-1120"}`:          "",
		`{"ssn":"078-05-1120"}{"ssn":"078-05-1120"`: "",
	}
	for sent, want := range messages {
		log := &journal{}
		s := dial(t, talks(t, log, func(_ net.Conn, r *websocket.Reader, w *websocket.Writer) {
			half := len(sent) / 2
			_ = w.Write(websocket.Frame{Opcode: websocket.Text, Payload: []byte(sent[:half])})
			_ = w.Message(websocket.Ping, nil)
			_ = w.Write(websocket.Frame{Opcode: websocket.Continuation, Fin: true, Payload: []byte(sent[half:])})
			_, _ = r.Message()
			_, _ = r.Message()
		}), maskedTalk)
		f := s.hear()
		if want == "" && f.Opcode != websocket.Close || want != "" && string(f.Payload) != want {
			t.Errorf("%q came as %d %q", sent, f.Opcode, f.Payload)
		}
		if text := s.Recording(); strings.Contains(text, "078-05-1120") || strings.Contains(text, foundMail) {
			t.Errorf("%q: the recording has what was masked:\n%s", sent, text)
		}
	}
}

func TestBinaryMessagesAreWithheldWhereMasksAre(t *testing.T) {
	log := &journal{}
	s := dial(t, talks(t, log, func(_ net.Conn, r *websocket.Reader, w *websocket.Writer) {
		_ = w.Message(websocket.Binary, []byte(`{"ssn":"078-05-1120"}`))
		_, _ = r.Message()
	}), maskedTalk)
	if code, _ := s.bye(); code != 1008 {
		t.Errorf("closed with %d", code)
	}
}

func TestTheTargetsCredentialDoesNotPassInMessages(t *testing.T) {
	log := &journal{}
	s := dial(t, talks(t, log, func(_ net.Conn, r *websocket.Reader, w *websocket.Writer) {
		_ = w.Message(websocket.Binary, []byte("\x00you sent Bearer "+secretToken))
		_ = w.Close(1000, "bye "+secretToken)
		_, _ = r.Message()
	}), talkPolicy)
	if f := s.hear(); bytes.Contains(f.Payload, []byte(secretToken)) || len(f.Payload) == 0 {
		t.Errorf("%q", f.Payload)
	}
	if code, reason := s.bye(); code != 1000 || strings.Contains(reason, secretToken) {
		t.Errorf("%d %q", code, reason)
	}
	if !strings.Contains(log.String(), secretToken) {
		t.Error("the service was not signed in to")
	}
	if text := s.Recording(); strings.Contains(text, secretToken) {
		t.Error("the recording has it")
	}
}
