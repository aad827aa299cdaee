package sshhost

import (
	"context"
	"errors"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// task is something to run at the host: what the guard judges of it, and how the host is asked.
type task struct {
	what    string // in recordings: "exec", "shell", "line"
	command guard.Command
	why     *refusal // it can't even be judged
	asks    func(c *channel, remote ssh.Channel, p *guard.Pass) error
	told    string // to the client, once it is admitted
}

// exec is a task for a command line.
func (c *channel) exec(text string) task {
	u, why := understand(text, "exec", c.pty.Load() != nil, c.session.programs())
	return c.commandTask("exec", u, text, u.normal, why, func() task { return c.exec(text) })
}

// programs are the policy's own.
func (s *session) programs() policy.Programs {
	if now := s.gate.Standing(); now != nil {
		return now.Programs
	}
	return nil
}

// commandTask is a task for a command line that was understood. Of it text is shown and sent is what runs. What a program does is
// the policy's to say, and the policy may have changed while a person was asked: again understands it anew.
func (c *channel) commandTask(what string, u understood, text, sent string, why *refusal, again func() task) task {
	command := c.command(u.facts, text, sent)
	command.Anew = func(context.Context) (guard.Command, error) {
		fresh := again()
		if fresh.why != nil {
			return guard.Command{}, errors.New(fresh.why.Message)
		}
		return fresh.command, nil
	}
	return task{what: what, why: why, command: command, asks: askExec}
}

// askExec asks the host to run what was admitted.
func askExec(c *channel, remote ssh.Channel, p *guard.Pass) error {
	return c.ask(remote, "exec", execRequest{p.Text()})
}

// command is what the guard judges.
func (c *channel) command(facts policy.Command, text, sent string) guard.Command {
	command := guard.Command{
		Facts: facts, Text: text, Recorded: text, Normal: sent, Rewritten: sent,
		Hooks: guard.Hooks{
			NoHold:  func(context.Context) string { return "" },
			Waiting: c.waiting,
			Holding: c.holding,
		},
		Context: func() []string {
			// The channel's word is among it, so that no line of text can be approved in a shell's place.
			around := []string{"user " + c.session.user, "channel " + facts.SSH.Channel}
			if p := c.pty.Load(); p != nil {
				around = append(around, "terminal "+p.Term)
			}
			return around
		},
	}
	for _, e := range c.env {
		shown := e.Name + "=" + e.Value
		command.Params = append(command.Params, guard.Param{Value: []byte(shown), Shown: shown})
	}
	return command
}

// perform asks for a task and carries it once it is admitted. An error says that it was not; the client is not told yet.
func (c *channel) perform(t task) (ending, error) {
	if t.why != nil {
		return ending{}, c.session.gate.Reject(c.ctx, t.command, *t.why)
	}
	pass, err := c.session.gate.Admit(c.ctx, t.command)
	if err != nil {
		return ending{}, err
	}
	if t.told != "" {
		c.say(t.told)
	}
	end, outcome := c.carry(pass, t)
	c.finished(pass, outcome)
	return end, nil
}

// finished records how something ended.
func (c *channel) finished(p *guard.Pass, outcome guard.Outcome) {
	if err := p.Finish(outcome); err != nil {
		c.session.log.Error("outcome not recorded", "error", err)
	}
}
