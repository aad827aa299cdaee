// Package sshhost serves SSH to hosts: it decodes what a client asks for, asks the guard, and carries what may go on. It
// never decides, masks or records by itself.
//
// The gateway is an SSH server to the client and an SSH client to the host. What reaches the host is what this package
// writes: a channel of a client is never joined to one of the host before the guard has admitted what it is for.
package sshhost

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// Kind is the kind of the connections that this package serves.
const Kind = "ssh"

// Protocol serves connections of kind ssh.
type Protocol struct {
	log   *slog.Logger
	names Names
}

// New makes the protocol.
func New(log *slog.Logger) *Protocol { return &Protocol{log: log, names: net.DefaultResolver} }

// WithNames has names of hosts looked up elsewhere than where this machine does.
func (p *Protocol) WithNames(n Names) *Protocol { return &Protocol{log: p.log, names: n} }

// greeting is a client that has signed in.
type greeting struct {
	conn     *ssh.ServerConn
	channels <-chan ssh.NewChannel
	requests <-chan *ssh.Request
}

func (g *greeting) Client() string { return string(g.conn.ClientVersion()) }
func (g *greeting) Done() bool     { return false }

// Greet does the handshake. Only the key that came with the tunnel's opening signs in.
func (p *Protocol) Greet(_ context.Context, client net.Conn, v gateway.Visit) (gateway.Greeting, error) {
	config, err := serverConfig(v.SSH)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	conn, channels, requests, err := ssh.NewServerConn(requireStrictOr(client, strictClient, withoutCutting(clientAlgorithms())), config)
	if err != nil {
		p.log.Info("client not signed in", "grant", v.GrantID, "error", err)
		return nil, errors.Join(err, client.Close())
	}
	return &greeting{conn, channels, requests}, nil
}

// Refuse tells a client that there is no session for it, at the first channel that it opens.
func (p *Protocol) Refuse(g gateway.Greeting, why *api.Error) {
	hello := g.(*greeting)
	refuseAll(hello, why)
	_ = hello.conn.Close()
}

// Open connects and signs in to the host.
func (p *Protocol) Open(ctx context.Context, g gateway.Greeting, t gateway.Target) (gateway.Session, error) {
	host, err := dial(ctx, p.log, t)
	if err != nil {
		return nil, err
	}
	return newSession(p.log, p.names, g.(*greeting), host, t), nil
}

// GrantEnded has nothing to end: nothing is kept for a grant.
func (p *Protocol) GrantEnded(string) {}

// Judge understands a command line as it would be understood in a session. It asks nothing of the host,
// and looks up no name.
func (p *Protocol) Judge(ctx context.Context, t gateway.Target, _ []policy.Mask, command string) (gateway.Judgement, error) {
	return p.JudgeText(ctx, t.Programs, command), nil
}

// JudgeText does the same.
func (p *Protocol) JudgeText(ctx context.Context, own policy.Programs, command string) gateway.Judgement {
	if w, ok := written(ctx, command); ok {
		return w.judgement()
	}
	u, refusal := understand(command, "exec", false, own)
	return gateway.Judgement{Facts: u.facts, Rewritten: u.normal, Problem: refusal}
}
