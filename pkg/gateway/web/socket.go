package web

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
	"github.com/hoop-gateway/hoop/pkg/policy"
	"github.com/hoop-gateway/hoop/pkg/record"
	"github.com/hoop-gateway/hoop/pkg/record/cast"
)

// MethodMessage is what rules call a message that a client sends over an open WebSocket.
const MethodMessage = "MESSAGE"

const (
	// closePolicy is the code of RFC 6455, section 7.4.1, for what a policy does not let pass.
	closePolicy = 1008
	// closeWithin is how long one side may take to answer the other's Close.
	closeWithin = 2 * time.Second
)

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
	refused := m.Shows
	m.Shows = func(p *guard.Pass, a *http1.Answer) (exchange.Shown, error) {
		if a.Status != 101 {
			return refused(p, a)
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

// conversation is an open WebSocket. Pings are answered here, on the side that they come from: what else they hold would reach the other
// side unjudged, or unmasked.
type conversation struct {
	exchange.Switched
	service *service
	facts   *policy.HTTP // of the handshake
	client  *websocket.Writer
	target  *targetSide
	kept    *cast.Stream
	told    sync.Once   // the client, that it is over
	closing atomic.Bool // the target has said Close
	bytes   int64
}

// carry passes messages both ways until either side closes. Each of the client's is a command of its own.
func (s *service) carry(ctx context.Context, w exchange.Switched, facts *policy.HTTP) guard.Outcome {
	c := &conversation{
		Switched: w, service: s, facts: facts, client: websocket.NewWriter(w.Client, websocket.Server), target: newTargetSide(),
	}
	// The client is told at once: what is to be recorded may keep everything else waiting.
	defer context.AfterFunc(ctx, func() { c.tell(context.Cause(ctx)) })()
	var err error
	if c.kept, err = w.Pass.Stream(record.Terminal{What: "websocket"}); err != nil {
		return guard.Outcome{Tag: "101", Error: "unrecorded"}
	}
	var back sync.WaitGroup
	var failed error
	back.Go(func() {
		defer func() {
			if e := recover(); e != nil {
				failed = errors.New("internal error")
			}
			if !errors.Is(failed, errClosed) {
				w.Hush()
			}
		}()
		failed = c.answers(ctx)
	})
	err = c.messages(ctx)
	c.tell(err)
	if !errors.Is(err, errClosed) {
		w.End()
	}
	back.Wait()
	w.End()
	c.tell(failed)
	c.tell(context.Cause(ctx))
	outcome := guard.Outcome{Tag: "101", Bytes: c.bytes, Error: ended(ctx, err, failed)}
	if closing := c.kept.Close(record.Exit{Error: outcome.Error}); closing != nil {
		outcome.Error = "unrecorded"
	}
	return outcome
}

// errClosed says that a side has said Close, and that the other may answer it.
var errClosed = errors.New("closed")

// ended is the reason for the recording: "" where a side just closed or left.
func ended(ctx context.Context, reasons ...error) string {
	for _, err := range append(reasons, context.Cause(ctx)) {
		var refused *guard.Refusal
		var broken *websocket.Error
		var over *api.Error
		switch {
		case errors.As(err, &refused):
			return refused.Code
		case errors.As(err, &broken):
			return broken.Reason
		case errors.As(err, &over):
			return over.Code
		}
	}
	return ""
}

// tell closes the client's side with the reason, once. It was told when this returns.
func (c *conversation) tell(err error) {
	var refused *guard.Refusal
	var broken *websocket.Error
	var over *api.Error
	switch {
	case errors.As(err, &refused):
		c.close(closePolicy, refused.Message)
	case errors.As(err, &broken):
		c.close(broken.Code, broken.Reason)
	case errors.As(err, &over):
		c.close(closePolicy, over.Message)
	}
}

// close writes the last words, unless there were others. They get their time when they are written, however long ago the end came.
func (c *conversation) close(code int, reason string) {
	c.told.Do(func() {
		c.Hurry()
		_ = c.client.Close(code, short(reason)) // else it is gone, or does not read
	})
}

// short is what fits into a Close frame.
func short(text string) string {
	text = "hoop: " + text
	for len(text) > 120 {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// targetSide writes frames to the target, each by the right that it is given.
type targetSide struct {
	mu     sync.Mutex
	writer *websocket.Writer
	lend   func(func(io.Writer) error) error // of the frame that is written
}

func newTargetSide() *targetSide {
	t := &targetSide{}
	t.writer = websocket.NewWriter(t, websocket.Client)
	return t
}

// Write is called by the writer.
func (t *targetSide) Write(p []byte) (int, error) {
	if err := t.lend(func(w io.Writer) error { _, err := w.Write(p); return err }); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (t *targetSide) send(lend func(func(io.Writer) error) error, f websocket.Frame) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lend = lend
	return t.writer.Write(f)
}
