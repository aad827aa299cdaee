package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
	"github.com/hoop-gateway/hoop/pkg/mask/body"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// messages carries what the client says. It ends with the client's Close, or with a message that may not pass.
func (c *conversation) messages(ctx context.Context) error {
	r := websocket.NewReader(bufio.NewReader(c.Client), websocket.Client)
	for {
		f, err := r.Message()
		switch {
		case err != nil:
			return err
		case f.Opcode == websocket.Ping:
			err = c.client.Message(websocket.Pong, f.Payload)
		case f.Opcode == websocket.Close:
			return c.leave(f)
		case !f.Opcode.Control() && !c.closing.Load():
			err = c.say(ctx, f)
		}
		if err != nil {
			return err
		}
	}
}

// leave tells the target that the client has said Close. Why is for nobody to judge, so the target gets the code alone.
func (c *conversation) leave(f websocket.Frame) error {
	code, _, err := websocket.ParseClose(f.Payload)
	if err != nil {
		return err
	}
	_ = c.TargetConn.SetReadDeadline(time.Now().Add(closeWithin))
	bye := websocket.Frame{Opcode: websocket.Close, Fin: true, Payload: websocket.AppendClose(nil, code, "")}
	if err := c.target.send(c.Send, bye); err != nil || c.closing.Load() {
		return io.EOF // both have said it
	}
	return errClosed
}

// say sends one message.
func (c *conversation) say(ctx context.Context, f websocket.Frame) error {
	pass, err := c.admit(ctx, f)
	if err != nil {
		return err
	}
	err = c.target.send(func(send func(io.Writer) error) error { return c.SendAs(pass, send) }, f)
	outcome := guard.Outcome{Tag: "sent", Bytes: int64(len(f.Payload))}
	if err != nil {
		outcome.Error = "the target did not take it"
	}
	return errors.Join(err, pass.Finish(outcome))
}

// admit asks for one message.
func (c *conversation) admit(ctx context.Context, f websocket.Frame) (*guard.Pass, error) {
	if err := c.Pass.Stands(ctx); err != nil {
		return nil, err
	}
	facts := *c.facts
	facts.Method = MethodMessage
	command := guard.Command{Hooks: guard.Hooks{NoHold: func(context.Context) string { return "A message on an open WebSocket can't wait." }}}
	line := MethodMessage + " " + facts.Path + " "
	if f.Opcode == websocket.Binary {
		command.Text = line + fmt.Sprintf("binary\n\n%x", f.Payload)
		command.Recorded = command.Text
	} else {
		command.Text = line + "text\n\n" + string(f.Payload)
		prefix, rest, mediaType := framed(f.Payload)
		command.Recorded = c.service.masking(c.Pass.Standing(), line+"text\n\n"+string(prefix), mediaType, rest)
	}
	command.Normal, command.Rewritten = c.service.base.String()+"\n"+command.Text, command.Text
	accesses, why := judged(&facts, f.Payload, true)
	if accesses == nil {
		accesses = []policy.Access{{Effect: policy.Unknown, Object: facts.Path}}
	}
	command.Facts = policy.Command{Accesses: accesses, HTTP: &facts}
	if why != nil {
		return nil, c.Gate.Reject(ctx, command, *why)
	}
	return c.Gate.Admit(ctx, command)
}

// answers carries what the target says: each message is masked, recorded, and then shown.
func (c *conversation) answers(ctx context.Context) error {
	r := websocket.NewReader(bufio.NewReader(c.Target), websocket.Server)
	for {
		f, err := r.Message()
		switch {
		case err != nil:
			return err
		case f.Opcode == websocket.Ping:
			err = c.target.send(c.Send, websocket.Frame{Opcode: websocket.Pong, Fin: true, Payload: f.Payload})
		case f.Opcode == websocket.Close:
			return c.bye(ctx, f)
		case !f.Opcode.Control():
			if f.Payload, err = c.shown(ctx, f); err == nil {
				err = c.client.Write(f)
			}
		}
		if err != nil {
			return err
		}
	}
}

// bye tells the client that the target has said Close, and why as far as that may be shown, and gives it time to answer. Where the gateway
// ends the conversation at the same moment, its own reason is told: many a target closes because of that.
func (c *conversation) bye(ctx context.Context, f websocket.Frame) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	code, reason, err := websocket.ParseClose(f.Payload)
	if err != nil {
		return err
	}
	seen, err := c.shown(ctx, websocket.Frame{Opcode: websocket.Text, Payload: []byte(reason)})
	var unseen *websocket.Error
	switch {
	case errors.As(err, &unseen): // its words alone can't be shown
		seen = nil
	case err != nil:
		return err
	}
	c.closing.Store(true)
	c.Patience(closeWithin)
	c.told.Do(func() { err = c.client.Close(code, string(seen)) })
	return errClosed
}

// shown is what of a message the client may see.
func (c *conversation) shown(ctx context.Context, f websocket.Frame) ([]byte, error) {
	if err := c.Pass.Stands(ctx); err != nil {
		return nil, err
	}
	prefix, rest, mediaType := []byte(nil), f.Payload, "application/octet-stream"
	if f.Opcode == websocket.Text {
		prefix, rest, mediaType = framed(f.Payload)
	}
	paths, err := c.service.paths(c.Pass.Standing())
	if err != nil {
		return nil, err
	}
	rules := body.Rules{Paths: paths, Secrets: c.service.secrets, Pages: !bytes.ContainsAny(rest, "{[") && !whole(paths)}
	seen, err := exchange.Look(c.Pass, mediaType, rest, rules)
	if err != nil {
		return nil, &websocket.Error{Code: closePolicy, Reason: "a message can't be looked at for what is masked here"}
	}
	seen = append(prefix[:len(prefix):len(prefix)], seen...)
	if r := c.Pass.Piece(len(seen)); r != nil {
		return nil, r
	}
	c.bytes += int64(len(seen))
	return seen, c.kept.Output(append(seen[:len(seen):len(seen)], '\n'))
}

// whole says whether a path names documents as such, of which any text may be one.
func whole(paths []body.Path) bool {
	return slices.ContainsFunc(paths, func(p body.Path) bool { return p.String() == "$" })
}

// framed takes a message apart that has JSON in it, alone or behind a number, as Socket.IO sends it. Messages do not say their type. A
// string, a number and a word can be a document too.
func framed(message []byte) (prefix, rest []byte, mediaType string) {
	n := 0
	for n < len(message) && n < 20 && '0' <= message[n] && message[n] <= '9' {
		n++
	}
	if rest = bytes.TrimLeft(message[n:], " \t\r\n"); len(rest) > 0 && (rest[0] == '{' || rest[0] == '[') {
		return message[:n], message[n:], "application/json"
	}
	if json.Valid(message) {
		return nil, message, "application/json"
	}
	return nil, message, "text/plain"
}
