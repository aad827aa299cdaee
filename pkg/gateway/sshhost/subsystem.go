package sshhost

import (
	"context"
	"errors"
	"io"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/gateway/sshhost/sftp"
	"github.com/hoop-gateway/hoop/pkg/guard"
)

// sftp serves files to the client.
func (c *channel) sftp() {
	c.withFiles("sftp", "(subsystem sftp)", func(ctx context.Context, f *sftp.Files) error { return f.Serve(ctx, filesClient{c.Channel, c}) })
}

// filesClient is the client's channel as files are served on it: its end does not overtake what is being said beside.
type filesClient struct {
	ssh.Channel
	of *channel
}

func (f filesClient) CloseWrite() error {
	f.of.telling.Lock()
	defer f.of.telling.Unlock()
	return f.Channel.CloseWrite()
}

// withFiles opens the host's files for a channel that a rule names, serves them, and ends the client's channel.
func (c *channel) withFiles(name, text string, serve func(context.Context, *sftp.Files) error) {
	if c.pty.Load() != nil {
		c.refused(c.session.gate.Reject(c.ctx, sftp.Opening(name, text), noTerminalFiles()))
		return
	}
	f, err := c.files(name, text)
	if err != nil {
		c.refused(err)
		return
	}
	if f.Files == nil {
		status, outcome := c.failed("The host does not serve files: " + f.problem.Error() + ".")
		c.closed(f, outcome)
		c.exit(status)
		return
	}
	c.runs(&running{pass: f.pass, remote: f.remote})
	stop := context.AfterFunc(c.ctx, c.kill)
	status, outcome := c.served(serve(c.ctx, f.Files))
	stop()
	c.runs(nil)
	c.closed(f, outcome)
	c.exit(status)
}

// opened are a host's files that a channel was opened for.
type opened struct {
	*sftp.Files             // nil: the host serves none
	problem     error       // why
	pass        *guard.Pass // for opening them
	remote      ssh.Channel
}

// files opens the host's files where a rule names the channel. An error is the guard's.
func (c *channel) files(name, text string) (*opened, error) {
	pass, err := c.session.gate.Admit(c.ctx, sftp.Opening(name, text))
	if err != nil {
		return nil, err
	}
	f := &opened{pass: pass}
	var replies <-chan *ssh.Request
	if f.remote, replies, f.problem = c.subsystem(pass); f.problem != nil {
		return f, nil
	}
	c.work.Go(func() { ssh.DiscardRequests(replies) })
	c.work.Go(func() { _, _ = io.Copy(io.Discard, f.remote.Stderr()) }) // nothing looks at it, so that nobody sees it
	f.Files, f.problem = sftp.Open(c.ctx, sftp.Config{
		Gate: c.session.gate, Channel: name, Opening: pass, Host: f.remote, User: c.session.user, Log: c.session.log,
		Tell: c.tell, Waiting: c.waiting,
	})
	return f, nil
}

// closed closes a host's files, and records how they were left.
func (c *channel) closed(f *opened, outcome guard.Outcome) {
	if f.Files != nil {
		_ = f.Close() // it may be closed already
	}
	c.finished(f.pass, outcome)
}

// served is how serving files ended.
func (c *channel) served(err error) (ending, guard.Outcome) {
	var status ending
	switch cause := context.Cause(c.ctx); {
	case cause != nil && !errors.Is(cause, errLeft):
		return ending{status: lostStatus}, guard.Outcome{Error: cause.Error()}
	case errors.As(err, &status):
		return status, status.outcome()
	case err != nil:
		c.session.log.Warn("files not served to the end", "error", err)
		return ending{status: lostStatus}, guard.Outcome{Error: "ended by an error"}
	}
	return ending{}, guard.Outcome{Tag: "closed"}
}

// subsystem opens a channel at the host in which its SFTP server runs.
func (c *channel) subsystem(p *guard.Pass) (remote ssh.Channel, replies <-chan *ssh.Request, err error) {
	err = c.session.up.With(p, func(h ssh.Conn) error {
		if remote, replies, err = h.OpenChannel("session", nil); err != nil {
			return err
		}
		return c.ask(remote, "subsystem", subsystemRequest{"sftp"})
	})
	if err != nil && remote != nil {
		_ = remote.Close()
	}
	return remote, replies, err
}

func noTerminalFiles() refusal {
	r := notServed("Files are not carried in a terminal.")
	r.Remedy = nil
	return r
}
