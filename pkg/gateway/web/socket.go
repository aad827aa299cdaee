package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

// MethodMessage is what rules call a message that a client sends over an open WebSocket.
const MethodMessage = "MESSAGE"

// closePolicy is the code of RFC 6455, section 7.4.1, for what a policy does not let pass.
const closePolicy = 1008

// upgrade has a WebSocket asked for, with a handshake of our own, which is all that a service may switch to.
func (s *service) upgrade(m *exchange.Meaning, q *exchange.Request) *api.Refusal {
	if q.Upgrade != websocket.Protocol {
		return unsupported("The connection can't be switched to another protocol than websocket.", "Send the request without Upgrade.")
	}
	offer, err := websocket.ReadOffer(q.Request)
	if err != nil {
		return malformed("The handshake: " + err.Error() + ".")
	}
	asked := websocket.Ask(&m.Send, offer.Protocols)
	path := m.Command.Facts.HTTP
	m.Shows = func(p *guard.Pass, a *http1.Answer) (exchange.Shown, error) {
		if a.Status != 101 {
			return s.shows(p, a)
		}
		chosen, err := websocket.Verify(a, asked)
		if err != nil {
			return exchange.Shown{}, err
		}
		return exchange.Shown{Fields: websocket.Agree(offer, chosen).Fields}, nil
	}
	m.Carry = func(ctx context.Context, w exchange.Switched) guard.Outcome { return s.carry(ctx, w, path) }
	return nil
}

// conversation is an open WebSocket.
type conversation struct {
	exchange.Switched
	service *service
	facts   *policy.HTTP // of the handshake
	client  *websocket.Writer
	kept    *cast.Stream
	once    sync.Once
	bytes   int64
}

// carry passes messages both ways until either side closes. Each of the client's is a command of its own.
func (s *service) carry(ctx context.Context, w exchange.Switched, facts *policy.HTTP) guard.Outcome {
	kept, err := w.Pass.Stream(record.Terminal{What: "websocket"})
	if err != nil {
		return guard.Outcome{Tag: "101", Error: "unrecorded"}
	}
	c := &conversation{Switched: w, service: s, facts: facts, kept: kept, client: websocket.NewWriter(w.Client, websocket.Server)}
	var back sync.WaitGroup
	var failed error
	back.Go(func() {
		defer w.Hush()
		defer func() {
			if e := recover(); e != nil {
				failed = errors.New("internal error")
			}
		}()
		failed = c.answers(ctx)
	})
	err = c.messages(ctx)
	c.tell(err)
	w.End()
	back.Wait()
	c.tell(failed)
	outcome := guard.Outcome{Tag: "101", Bytes: c.bytes}
	var broken *websocket.Error
	if errors.As(err, &broken) || errors.As(failed, &broken) {
		outcome.Error = broken.Reason
	}
	if closing := kept.Close(record.Exit{Error: outcome.Error}); closing != nil {
		outcome.Error = "unrecorded"
	}
	return outcome
}

// tell closes the client's side with the reason, once.
func (c *conversation) tell(err error) {
	var refused *guard.Refusal
	var broken *websocket.Error
	switch {
	case errors.As(err, &refused):
		c.once.Do(func() { _ = c.client.Close(closePolicy, short(refused.Message)) })
	case errors.As(err, &broken):
		c.once.Do(func() { _ = c.client.Close(broken.Code, short(broken.Reason)) })
	}
}

// short is what fits into a Close frame.
func short(text string) string {
	text = "hoop: " + text
	for len(text) > 120 {
		text = text[:len(text)-1]
	}
	for len(text) > 0 && text[len(text)-1] >= 0x80 { // never half a character
		text = text[:len(text)-1]
	}
	return text
}

// messages carries what the client says. It ends with the client's Close, or with a message that may not pass.
func (c *conversation) messages(ctx context.Context) error {
	r := websocket.NewReader(bufio.NewReader(c.Client), websocket.Client)
	var to *websocket.Writer
	var out writerFunc
	to = websocket.NewWriter(&out, websocket.Client)
	for {
		f, err := r.Message()
		if err != nil {
			return err
		}
		if f.Opcode.Control() {
			out = func(p []byte) error { return c.Send(func(w io.Writer) error { _, err := w.Write(p); return err }) }
		} else {
			pass, err := c.admit(ctx, f)
			if err != nil {
				return err
			}
			out = func(p []byte) error {
				return c.SendAs(pass, func(w io.Writer) error { _, err := w.Write(p); return err })
			}
			err = to.Write(f)
			outcome := guard.Outcome{Tag: "sent", Bytes: int64(len(f.Payload))}
			if err != nil {
				outcome.Error = "the target did not take it"
			}
			if err := errors.Join(err, pass.Finish(outcome)); err != nil {
				return err
			}
			continue
		}
		if err := to.Write(f); err != nil {
			return err
		}
	}
}

type writerFunc func([]byte) error

// Write gives p to the function.
func (f *writerFunc) Write(p []byte) (int, error) {
	if err := (*f)(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// admit asks for one message.
func (c *conversation) admit(ctx context.Context, f websocket.Frame) (*guard.Pass, error) {
	if err := c.Pass.Stands(ctx); err != nil {
		return nil, err
	}
	facts := *c.facts
	facts.Method = MethodMessage
	command := guard.Command{Hooks: guard.Hooks{NoHold: func(context.Context) string { return "A message on an open WebSocket can't wait." }}}
	text, kind := string(f.Payload), "text"
	if f.Opcode == websocket.Binary {
		text, kind = fmt.Sprintf("%x", f.Payload), "binary"
	}
	line := MethodMessage + " " + facts.Path + " " + kind
	command.Text, command.Normal, command.Rewritten = line+"\n\n"+text, line+"\n\n"+text, line+"\n\n"+text
	accesses, why := judged(&facts, f.Payload)
	if accesses == nil {
		accesses = []policy.Access{{Effect: policy.Unknown, Object: facts.Path}}
	}
	command.Facts = policy.Command{Accesses: accesses, HTTP: &facts}
	command.Recorded = c.service.recordedMessage(c.Pass.Standing(), line, text, f)
	if why != nil {
		return nil, c.Gate.Reject(ctx, command, *why)
	}
	return c.Gate.Admit(ctx, command)
}

// recordedMessage is a message as recordings hold it.
func (s *service) recordedMessage(now *guard.Standing, line, text string, f websocket.Frame) string {
	if f.Opcode == websocket.Binary {
		return line + "\n\n" + text
	}
	return s.masking(now, line, mediaTypeOf(f.Payload), []byte(text))
}

// answers carries what the target says: each message is masked, recorded, and then shown.
func (c *conversation) answers(ctx context.Context) error {
	r := websocket.NewReader(bufio.NewReader(c.Target), websocket.Server)
	for {
		f, err := r.Message()
		if err != nil {
			return err
		}
		if !f.Opcode.Control() {
			if f.Payload, err = c.shown(ctx, f); err != nil {
				return err
			}
		}
		if f.Opcode == websocket.Close {
			c.once.Do(func() { err = c.client.Write(f) })
			return err
		}
		if err := c.client.Write(f); err != nil {
			return err
		}
	}
}

// shown is what of a message the client may see.
func (c *conversation) shown(ctx context.Context, f websocket.Frame) ([]byte, error) {
	if err := c.Pass.Stands(ctx); err != nil {
		return nil, err
	}
	mediaType := "application/octet-stream"
	if f.Opcode == websocket.Text {
		mediaType = mediaTypeOf(f.Payload)
	}
	paths, err := c.service.paths(c.Pass.Standing())
	if err != nil {
		return nil, err
	}
	seen, err := exchange.Look(c.Pass, mediaType, f.Payload, body.Rules{Paths: paths, Secrets: c.service.secrets, Pages: true})
	if err != nil {
		return nil, &websocket.Error{Code: closePolicy, Reason: "a message can't be looked at for what is masked here"}
	}
	if r := c.Pass.Piece(len(seen)); r != nil {
		return nil, r
	}
	c.bytes += int64(len(seen))
	return seen, c.kept.Output(append(seen[:len(seen):len(seen)], '\n'))
}

// mediaTypeOf is that of a message, which does not say its own.
func mediaTypeOf(message []byte) string {
	if rest := bytes.TrimLeft(message, " \t\r\n"); len(rest) > 0 && (rest[0] == '{' || rest[0] == '[') {
		return "application/json"
	}
	return "text/plain"
}
