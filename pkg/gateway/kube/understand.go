package kube

import (
	"context"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/http1"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Understand says what a request would do.
func (c *cluster) Understand(ctx context.Context, q *exchange.Request) (*exchange.Meaning, *api.Refusal) {
	m := &exchange.Meaning{Command: refusedCommand(q.Request)}
	if r := impersonates(q.Fields); r != nil {
		return m, r
	}
	if r := exchange.Packed(q.Request, ruleRequest); r != nil {
		return m, r
	}
	u, why := c.read(q)
	if why != nil {
		return m, why
	}
	masked := fieldsOf(u.tuple, q.Standing)
	if why := u.body.WrittenBack(u.tuple, masked, detected(q.Standing)); why != nil {
		return m, why
	}
	if why := u.body.guesses(masked); why != nil {
		return m, why
	}
	if why := u.tuple.selects(masked); why != nil {
		return m, why
	}
	c.keepsAccount(ctx, u, q.Standing)
	path, query := u.tuple.Target()
	m.Send = http1.Request{
		Method: q.Method, Path: c.prefix + path, Query: query, Asked: query != "", Minor: 1,
		Fields: sent(u.tuple, q.Fields, u.body, tables(u.tuple, masked)),
	}
	m.Body = u.body.JSON()
	m.Send.Length = int64(len(m.Body))
	if u.tuple.Subresource == "proxy" {
		if m.Rest, m.Send.Length = q.Length != 0, q.Length; m.Rest {
			m.Command.Unshown = "Its body goes to a service behind the cluster."
		}
	}
	if why := c.upgrade(m, u, q); why != nil {
		return m, why
	}
	if m.Shows == nil {
		m.Shows = func(p *guard.Pass, a *http1.Answer) (exchange.Shown, error) { return c.shows(u.tuple, p, a) }
	}
	u.facts.Kube.NamespaceLabels = c.namespaceLabels(ctx, u.tuple, q.Standing)
	m.Command.Facts = u.facts
	c.say(m, q, u, masked)
	return m, nil
}

// read reads a request's line, and its body where that is the cluster's to read.
func (c *cluster) read(q *exchange.Request) (*meant, *api.Refusal) {
	a := asked{method: q.Method, path: q.Path, query: q.Query, contentType: q.Fields.Get("Content-Type")}
	t, why := Parse(a.method, a.path, a.query)
	if why != nil {
		return nil, why
	}
	if t.Subresource != "proxy" && q.Length != 0 {
		content, whole, err := q.Peek(maxBody)
		switch {
		case err != nil:
			return nil, badRequest("The body can't be read.")
		case !whole:
			return nil, tooLarge()
		}
		a.body = content
	}
	return understand(a, programsOf(q.Standing))
}

// upgrade settles what may follow an upgrade, which is the streams of a pod and nothing else.
func (c *cluster) upgrade(m *exchange.Meaning, u *meant, q *exchange.Request) *api.Refusal {
	switch carried := u.tuple.IsResource() && u.tuple.Resource == "pods" && u.tuple.Group == "" && streams(u.tuple.Subresource); {
	case carried:
		return c.carried(m, u, q)
	case q.Upgrade != "":
		return refusal(codeUnsupported, "The connection can't be switched to "+clipped(q.Upgrade)+" here.", "Send the request without Upgrade.")
	}
	m.Command.NoHold = func(context.Context) string { return "Clients ask for it again by themselves, for 45 seconds." }
	return nil
}

// say puts a request into words: for who approves it, for the recording, and for the digest.
func (c *cluster) say(m *exchange.Meaning, q *exchange.Request, u *meant, masked []field) {
	m.Command.Text = u.shown(u.line(), string(m.Body))
	m.Command.Normal = u.normal()
	m.Command.Rewritten = c.base.String() + "\n" + m.Command.Normal
	kept, err := u.body.recorded(append(unrecorded(u.tuple), masked...))
	if err != nil {
		kept = "(not recorded: a mask can't be applied)"
	}
	m.Command.Recorded = c.hidden().Hide(u.shown(u.lineWith(q.SeenQuery), kept))
	if len(m.Command.Text) > mostShown {
		m.Command.Unshown = "It is longer than 256 KiB."
	}
}

// mostShown is how long what a person approves may be, in bytes.
const mostShown = 256 << 10

// refusedCommand is what a recording holds of a request that could not be understood. Its query may hold a credential that was meant
// for somebody else.
func refusedCommand(q *http1.Request) guard.Command {
	line := q.Method + " " + q.Path
	if q.Asked {
		line += "?…"
	}
	return guard.Command{
		Facts: policy.Command{Accesses: []policy.Access{{Effect: policy.Unknown}}, Kube: &policy.Kube{Verb: strings.ToLower(q.Method)}},
		Text:  line, Recorded: line, Normal: line, Rewritten: line,
	}
}
