package sshhost

import (
	"errors"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/policy"
)

// shellText stands where a command line would. The guard's digest tells it from a line that reads the same: see command.
const shellText = "(interactive shell)"

// shell opens an interactive shell where the policy allows one. Where it does not and names line mode, that begins.
func (c *channel) shell() {
	facts := policy.Command{SSH: &policy.SSH{Channel: "shell"}, Accesses: []policy.Access{{Effect: policy.Shell}}}
	end, err := c.perform(task{
		what: "shell", command: c.command(facts, shellText, shellText),
		told: "hoop: this shell is unrestricted and recorded",
		asks: func(c *channel, remote ssh.Channel, _ *guard.Pass) error { return c.ask(remote, "shell", nil) },
	})
	var r *guard.Refusal
	if errors.As(err, &r) {
		r.Remedy = append(r.Remedy, api.Remedy{Kind: "rewrite", Text: "Run a command: ssh HOST COMMAND."})
		if r.Code == "denied" && c.session.linewise() {
			c.lines(r)
			return
		}
	}
	if err != nil {
		c.refused(err)
		return
	}
	c.exit(end)
}

// linewise says whether the policy names line mode here.
func (s *session) linewise() bool {
	standing := s.gate.Standing()
	return standing != nil && standing.Lines
}
