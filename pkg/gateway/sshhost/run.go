package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/guard"
	"github.com/hoop-gateway/hoop/pkg/record"
)

// run asks for a command, and carries it once it is admitted.
func (c *channel) run(text string) {
	if t := c.transfer(text); t != nil {
		c.carries(text, t)
		return
	}
	end, err := c.perform(c.exec(text))
	if err != nil {
		c.refused(err)
		return
	}
	c.exit(end)
}

// start opens a channel at the host and asks it to run a task.
func (c *channel) start(p *guard.Pass, t task) (remote ssh.Channel, replies <-chan *ssh.Request, err error) {
	err = c.session.up.With(p, func(h ssh.Conn) error {
		if remote, replies, err = h.OpenChannel("session", nil); err != nil {
			return err
		}
		for _, e := range c.env {
			if _, err := remote.SendRequest("env", false, ssh.Marshal(e)); err != nil {
				return err
			}
		}
		c.lend(remote)
		if c.pty.Load() != nil {
			if err := c.ask(remote, "pty-req", c.sized()); err != nil {
				return err
			}
		}
		return t.asks(c, remote, p)
	})
	if err != nil && remote != nil {
		_ = remote.Close()
	}
	return remote, replies, err
}

// sized is the terminal that was asked for, in its latest size.
func (c *channel) sized() ptyRequest {
	p := *c.pty.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.size; w != nil {
		p.Columns, p.Rows, p.Width, p.Height = w.Columns, w.Rows, w.Width, w.Height
	}
	return p
}

func (c *channel) ask(remote ssh.Channel, name string, payload any) error {
	var body []byte
	if payload != nil {
		body = ssh.Marshal(payload)
	}
	ok, err := remote.SendRequest(name, true, body)
	if err == nil && !ok {
		err = fmt.Errorf("the host refused %s", name)
	}
	return err
}

// carry runs an admitted command, and answers how it ended: for the client, and for the record.
func (c *channel) carry(p *guard.Pass, t task) (ending, guard.Outcome) {
	kept, err := p.Stream(c.terminal(t.what))
	if err != nil {
		return c.failed("The command's output can't be recorded.")
	}
	r := &running{pass: p, kept: kept, shell: t.what == "shell"}
	end, outcome := c.through(r, t)
	outcome.Bytes = r.bytes
	if err := kept.Close(end.exit(outcome)); err != nil {
		c.session.log.Error("end of a command not recorded", "error", err)
	}
	return end, outcome
}

// terminal is what recordings say of the streams that follow.
func (c *channel) terminal(what string) record.Terminal {
	t := record.Terminal{What: what, Input: c.session.input}
	if c.pty.Load() != nil {
		p := c.sized()
		t.PTY, t.Term, t.Columns, t.Rows = true, p.Term, p.Columns, p.Rows
	}
	return t
}

// through runs an admitted command at the host, whose streams go past the recording.
func (c *channel) through(r *running, t task) (ending, guard.Outcome) {
	streams, err := c.streams(r)
	if err != nil {
		return c.failed("The detectors can't look at its output.")
	}
	remote, replies, err := c.start(r.pass, t)
	if err != nil {
		return c.failed("The host did not run the command: " + err.Error() + ".")
	}
	r.remote, streams[0].from, streams[1].from = remote, remote, remote.Stderr()
	c.runs(r)
	stop := context.AfterFunc(c.ctx, c.kill)
	defer stop()
	defer c.timed(r.pass)()
	var out sync.WaitGroup
	for _, s := range streams {
		out.Go(func() { c.output(r, s) })
	}
	c.work.Go(func() { c.input(r) }) // ends with the channel, which closes behind this command
	end := awaitEnd(replies)
	out.Wait()
	c.runs(nil)
	_ = remote.Close()
	return c.concluded(end)
}

// concluded is how something ended for the client and for the record, which was told by the host or cut off here.
func (c *channel) concluded(end ending) (ending, guard.Outcome) {
	var refused *guard.Refusal
	if cause := context.Cause(c.ctx); errors.As(cause, &refused) {
		c.tell(refused)
		return ending{status: refusedStatus}, guard.Outcome{Error: refused.Code}
	} else if cause != nil && end.lost() {
		return end, guard.Outcome{Error: cause.Error()}
	}
	return end, end.outcome()
}

// runs notes what runs at the host; nil: nothing does.
func (c *channel) runs(r *running) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = r
}

// failed is the end of a command that did not come to run.
func (c *channel) failed(why string) (ending, guard.Outcome) {
	c.say("hoop: " + why)
	return ending{status: lostStatus}, guard.Outcome{Error: why}
}

// kill stops a command that its session, or a limit, ends. What a client leaves behind goes on, as it does without hoop.
func (c *channel) kill() {
	c.mu.Lock()
	r, line := c.running, c.line
	c.mu.Unlock()
	if line != nil {
		line.kill()
	}
	if r == nil {
		return
	}
	if why := context.Cause(c.ctx); !errors.Is(why, errLeft) && !errors.Is(why, guard.ErrCancelled) {
		c.housekeep(r, "signal", signalRequest{"KILL"})
	}
	_ = r.remote.Close()
}

// timed ends a command that runs for longer than a limit allows.
func (c *channel) timed(p *guard.Pass) (stop func()) {
	return p.Timed(func(r *guard.Refusal) { c.cancel(r) })
}

// input carries what the client types or sends, to its end.
func (c *channel) input(r *running) {
	defer c.session.recovered(c.cancel)
	buf := make([]byte, pieceSize)
	for {
		n, err := c.Read(buf)
		if n > 0 {
			if werr := c.typed(r, buf[:n]); werr != nil {
				_, _ = io.Copy(io.Discard, c.Channel) // as a program that reads no more: the client may go on to its end
				return
			}
		}
		if err != nil {
			_ = c.session.up.Housekeep(guard.InputEnd, func(ssh.Conn) error { return r.remote.CloseWrite() })
			return
		}
	}
}

// typed records a piece of input, as far as it may be, before it goes on.
func (c *channel) typed(r *running, piece []byte) error {
	if r.shell {
		if err := r.pass.Stands(c.ctx); err != nil {
			c.cancel(err)
			return err
		}
	}
	if err := r.kept.Input(piece); err != nil {
		return err
	}
	r.screen.Typed(piece)
	if c.pty.Load() == nil { // what is typed may be a password, which a hash would tell
		r.pass.Input(piece)
	}
	return c.session.up.Continue(r.pass, func(ssh.Conn) error { _, err := r.remote.Write(piece); return err })
}
