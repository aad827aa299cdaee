package sshhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

type refusal = api.Refusal

// notServed refuses what this version does not do, whatever the policy says.
func notServed(message string) refusal {
	return refusal{
		Code: "refused", Rule: "ssh", Message: message,
		Remedy: []api.Remedy{{Kind: "rewrite", Text: "Run a command: ssh HOST COMMAND."}},
	}
}

// plainCommand is something that is recorded and refused without a closer look.
func plainCommand(kind, text string) guard.Command {
	return guard.Command{
		Facts: policy.Command{Accesses: []policy.Access{{Effect: policy.Unknown}}, SSH: &policy.SSH{Channel: kind}},
		Text:  text, Recorded: text, Normal: text, Rewritten: text,
	}
}

// describeChannel says what a client wanted a channel for, in the words of RFC 4254, section 7.2 where it is one of those.
func describeChannel(asked ssh.NewChannel) string {
	d, err := decode[struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}](asked.ExtraData())
	if err != nil {
		return fmt.Sprintf("(channel %.60q)", asked.ChannelType())
	}
	return fmt.Sprintf("(channel %.60q to %.200q port %d)", asked.ChannelType(), d.Host, d.Port)
}

// say writes a line to the client's stderr. On a terminal lines end with a carriage return too.
func (c *channel) say(lines ...string) {
	newline := "\n"
	if c.pty.Load() != nil {
		newline = "\r\n"
	}
	c.telling.Lock()
	defer c.telling.Unlock()
	_, _ = io.WriteString(c.words(), strings.Join(lines, newline)+newline)
}

// words is where the client is told something: its stderr. On the screen of line mode that would come out of turn.
func (c *channel) words() io.Writer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if line, ok := c.Channel.(*lineChannel); ok && c.keys != nil {
		return line.Channel
	}
	if c.repl != nil && c.repl.screen != nil {
		return c.Channel
	}
	return c.Stderr()
}

// waiting tells the client that its command waits for a person.
func (c *channel) waiting(message string) { c.say("hoop: " + message) }

// tell writes a refusal: in words, then as the object that every protocol has.
func (c *channel) tell(r *guard.Refusal) {
	lines := []string{"hoop: " + r.Message}
	if hint := r.Hint(); hint != "" {
		lines = append(lines, "hint: "+hint)
	}
	c.say(append(lines, r.JSON())...)
}

// refused ends a channel whose command did not run.
func (c *channel) refused(err error) {
	var r *guard.Refusal
	if errors.As(err, &r) {
		c.tell(r)
	} else {
		c.say("hoop: the command was not admitted")
	}
	c.exit(ending{status: refusedStatus})
}

// end tells a channel why its session is over, and then stops what runs in it. Who left by itself is told nothing.
func (c *channel) end(why error) {
	defer c.kill()
	defer c.gone(why)
	if errors.Is(why, errLeft) {
		return
	}
	var known *api.Error
	switch {
	case errors.As(why, &known):
		c.say(errorLines(known)...)
	case errors.Is(why, errHostGone):
		c.say("hoop: the host closed the connection")
	default:
		c.say("hoop: the session is over")
	}
}

func errorLines(e *api.Error) []string {
	lines := []string{"hoop: " + e.Message}
	if e.Hint != "" {
		lines = append(lines, "hint: "+e.Hint)
	}
	if object, err := json.Marshal(e); err == nil {
		lines = append(lines, string(object))
	}
	return lines
}

// refuseWithin is how long a client without a session has to ask for something, so that it can be told.
const refuseWithin = 2 * time.Second

// refuseAll tells a client at the first channel that it opens why there is no session.
func refuseAll(g *greeting, why *api.Error) {
	late := time.AfterFunc(refuseWithin, func() { _ = g.conn.Close() })
	defer late.Stop()
	go ssh.DiscardRequests(g.requests) // ends with the connection
	for asked := range g.channels {
		if asked.ChannelType() != "session" {
			_ = asked.Reject(ssh.Prohibited, "hoop: "+why.Message)
			continue
		}
		ch, requests, err := asked.Accept()
		if err != nil {
			return
		}
		c := &channel{Channel: ch}
		for req := range requests {
			starts := req.Type == "exec" || req.Type == "shell" || req.Type == "subsystem"
			if req.WantReply {
				_ = req.Reply(starts, nil)
			}
			if starts {
				c.say(errorLines(why)...)
				c.exit(ending{status: refusedStatus})
				return
			}
		}
		return
	}
}
