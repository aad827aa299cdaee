// Package web serves HTTP services: it gives requests their meaning, has the exchange ask the guard and send what was
// understood, and says which masks are for what answers. It never decides, masks or records by itself.
package web

import (
	"context"
	"log/slog"
	"strings"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/exchange"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Kind is the kind of the connections that this package serves.
const Kind = "http"

// Protocol serves connections of kind http.
type Protocol struct {
	exchange.Door
	log     *slog.Logger
	asserts *Asserter
	jars    *jars
}

// New makes the protocol. Without an Asserter connections that want assertions are refused.
func New(log *slog.Logger, asserts *Asserter) *Protocol {
	return &Protocol{exchange.NewDoor(words{}), log, asserts, newJars()}
}

// GrantEnded forgets the cookies that services have set in a grant.
func (p *Protocol) GrantEnded(id string) { p.jars.ended(id) }

// Open makes ready to reach the service, which the first request does.
func (p *Protocol) Open(ctx context.Context, g gateway.Greeting, t gateway.Target) (gateway.Session, error) {
	client := g.(*exchange.Client)
	held := p.jars.of(ctx, client.Grant)
	if held == nil {
		return nil, context.Cause(ctx)
	}
	s, err := newService(t, p.asserts, held)
	if err != nil {
		p.log.Error("connection can't be made", "connection", t.Connection.Name, "error", err)
		return nil, &api.Error{Code: api.CodeTargetDown, Message: "The gateway can't use what it has for this service.", Hint: "Ask who runs the gateway: its log says more."}
	}
	target := &exchange.Target{Dial: exchange.Dialer(t.Base, t.TLS), Host: t.Base.Host, Sign: s.signer(t, p.asserts)}
	return &session{exchange.NewSession(p.log, client, s, target), s}, nil
}

// session is one socket.
type session struct {
	*exchange.Session
	service *service
}

// About describes the service.
func (s *session) About() (database, role string, settings map[string]string) {
	return "", "", map[string]string{"origin": s.service.origin()}
}

// Judge understands a request as it would be understood in a session: "POST /api/users", and behind an empty line its body.
func (p *Protocol) Judge(ctx context.Context, t gateway.Target, _ []policy.Mask, command string) (gateway.Judgement, error) {
	j := p.JudgeText(ctx, t.Programs, command)
	if j.Facts.HTTP != nil && t.RawPaths {
		j.Facts.HTTP.Decoded = ""
	}
	return j, nil
}

// JudgeText does the same.
func (p *Protocol) JudgeText(_ context.Context, _ policy.Programs, command string) gateway.Judgement {
	line, body, _ := strings.Cut(command, "\n\n")
	method, target, ok := strings.Cut(strings.TrimSpace(line), " ")
	if !ok {
		method, target = "GET", method
	}
	path, query, _ := strings.Cut(target, "?")
	facts, why := factsOf(method, path, query)
	if why != nil {
		return gateway.Judgement{Problem: why}
	}
	facts.Headers = map[string][]string{}
	accesses, why := judged(facts, []byte(body), true)
	return gateway.Judgement{Facts: policy.Command{Accesses: accesses, HTTP: facts}, Problem: why}
}
