package sshhost

import (
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// What a client lends to the programs of one channel: its agent, its display.
type (
	x11Request struct {
		Single   bool
		Protocol string
		Cookie   string
		Screen   uint32
	}
	x11Open struct {
		Origin string
		Port   uint32
	}
)

const agentRequest, displayRequest = "auth-agent-req@openssh.com", "x11-req"

var errUnseen = errors.New("detectors can't look into it")

// loan is what was admitted and is asked of the host before the channel's command.
type loan struct {
	request string
	payload []byte
	made    *listener
}

// lendAsked asks whether the client may lend something to what it will run in this channel.
func (c *channel) lendAsked(req *ssh.Request) bool {
	if c.started || len(c.loans) >= 2 {
		return false
	}
	w := wanted{channel: policy.ChannelAgent, kind: req.Type}
	x := loan{request: req.Type, made: &listener{what: agentChannel}}
	if req.Type == displayRequest {
		m, err := decode[x11Request](req.Payload)
		if err != nil || len(m.Protocol)+len(m.Cookie) > maxEnv || strings.ContainsFunc(m.Protocol+m.Cookie, notPlain) {
			w.problem = "the request is malformed"
		}
		w.channel = policy.ChannelX11
		x.payload, x.made = ssh.Marshal(m), &listener{what: x11Channel, owner: c, once: m.Single}
	}
	pass, err := c.session.admit(c.ctx, w)
	if err != nil {
		return false
	}
	x.made.pass = pass
	c.loans = append(c.loans, x)
	return true
}

// lend asks the host for what was admitted. A host that does not want it runs the command without.
func (c *channel) lend(remote ssh.Channel) {
	for _, x := range c.loans {
		err := c.session.listening.begin(x.made, func() error {
			return c.session.up.With(x.made.pass, func(ssh.Conn) error {
				ok, err := remote.SendRequest(x.request, true, x.payload)
				if err == nil && !ok {
					err = errors.New("the host refused it")
				}
				return err
			})
		})
		if err != nil {
			_ = x.made.pass.Finish(guard.Outcome{Error: shown(err.Error())})
		}
	}
	c.loans = nil
}

// returned ends what was lent to this channel alone.
func (c *channel) returned() {
	for _, x := range c.loans { // nothing ran
		_ = x.made.pass.Finish(guard.Outcome{Error: "not used"})
	}
	c.session.stopListening(func(l *listener) bool { return l.owner == c })
}
