package kube

import (
	"context"
	"errors"
	"strconv"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	carry "github.com/hoop-gateway/hoop/pkg/gateway/kube/streams"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
)

// carried has the streams of a pod asked for, and says who carries them.
func (c *cluster) carried(m *exchange.Meaning, u *meant, q *exchange.Request) *api.Refusal {
	what := map[string]string{"exec": carry.Exec, "attach": carry.Attach, "portforward": carry.PortForward}[u.tuple.Subresource]
	if what == carry.PortForward && detected(q.Standing) {
		return refusal("denied", "Detectors look at what you see here, and they can't look into forwarded connections.",
			"Ask who keeps the policy to leave this connection out of the mask.")
	}
	h, err := carry.Understand(q.Request, what)
	if err != nil {
		var bad *http1.Error
		message := "The request is not one for streams."
		if errors.As(err, &bad) {
			message = "The request is not one for streams: " + bad.Reason + "."
		}
		return badRequest(message)
	}
	h.Ask(&m.Send)
	m.Shows = func(p *guard.Pass, a *http1.Answer) (exchange.Shown, error) {
		if a.Status != 101 {
			return c.shows(u.tuple, p, a)
		}
		if err := h.Verify(a); err != nil {
			return exchange.Shown{}, err
		}
		return exchange.Shown{Fields: h.Agree().Fields}, nil
	}
	ask := u.tuple.Query
	plan := carry.Plan{
		What: what, Protocol: h.Protocol(), Log: c.log,
		Stdin: ask.is("stdin"), Stdout: ask.is("stdout"), Stderr: ask.is("stderr") && !ask.is("tty"), TTY: ask.is("tty"),
	}
	m.Carry = func(ctx context.Context, w exchange.Switched) guard.Outcome {
		by := carry.Admitted{Gate: w.Gate, Pass: w.Pass, Plan: plan, Input: c.input, Object: u.tuple.Object(), Secrets: c.hidden()}
		by.Port = func(port uint16) guard.Command { return toPort(m.Command, by.Object, port) }
		out, err := by.Carry(ctx, carry.Side{Conn: w.Take(), Read: w.Client}, carry.Side{Conn: w.TargetConn, Read: w.Target})
		if err != nil && !errors.Is(err, carry.ErrLeft) {
			c.log.Info("streams ended", "what", what, "error", err)
		}
		return out
	}
	return nil
}

// toPort is the command of one connection of an admitted port-forward.
func toPort(c guard.Command, object string, port uint16) guard.Command {
	facts := *c.Facts.Kube
	facts.Port = port
	c.Facts.Kube = &facts
	text := "(port-forward " + object + ":" + strconv.Itoa(int(port)) + ")"
	c.Text, c.Recorded, c.Normal, c.Rewritten = text, text, text, text
	return c
}
