package sshhost

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/guard"
)

// channel is one channel of a client, in which one command may run.
type channel struct {
	ssh.Channel
	session  *session
	requests <-chan *ssh.Request
	ctx      context.Context // ends with the channel, and has why as its cause
	cancel   context.CancelCauseFunc

	pty     atomic.Pointer[ptyRequest] // nil: no terminal
	env     []envRequest
	loans   []loan
	started bool
	keys    *typed // of a line of line mode: what is typed at its terminal; nil elsewhere
	next    func() // begins once the request that asked for it is answered
	work    sync.WaitGroup

	mu      sync.Mutex
	running *running // while a command runs at the host
	size    *windowRequest
	repl    *repl    // line mode, once it is on
	line    *channel // of line mode: in which a line runs, or waits for a person

	telling sync.Mutex // what is said to the client, and its end, come one behind the other
}

// newChannel makes a channel that is ended by its session explicitly, so that a client that goes can be told from one that
// took its command back.
func newChannel(ctx context.Context, s *session) *channel {
	c := &channel{session: s}
	c.ctx, c.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	return c
}

// serve answers the client's requests until it closes the channel.
func (c *channel) serve() {
	for req := range c.requests {
		ok := c.request(req)
		if req.WantReply {
			_ = req.Reply(ok, nil)
		}
		if c.next != nil { // what it says, and its end, come behind the answer to what asked for it
			c.work.Go(c.next)
			c.next = nil
		}
	}
	c.gone(errLeft)
	_ = c.Close()
	c.work.Wait()
	c.returned()
}

// gone ends what the channel was for. On a terminal a client that leaves takes back what waits for a person.
func (c *channel) gone(why error) {
	if c.pty.Load() != nil && why == errLeft {
		why = guard.ErrCancelled
	}
	c.cancel(why)
}

// request carries out one request. Everything that is not named here is refused.
func (c *channel) request(req *ssh.Request) bool {
	switch req.Type {
	case "exec":
		text, err := decodeExec(req.Payload)
		if err != nil {
			c.reject("exec", "(a command that is no text)", notServed("The command is not UTF-8 text without NUL, of 64 KiB at most."))
			return true
		}
		return c.begin(func() { c.run(text) })
	case "shell":
		return c.begin(c.shell)
	case "subsystem":
		s, _ := decode[subsystemRequest](req.Payload)
		if s.Name == "sftp" {
			return c.begin(c.sftp)
		}
		c.reject("subsystem", fmt.Sprintf("(subsystem %.60q)", s.Name), notServed("Of subsystems only sftp is served."))
		return true
	case "pty-req":
		return c.ptyAsked(req.Payload)
	case "env":
		return c.envAsked(req.Payload)
	case "window-change":
		return c.resized(req.Payload)
	case "signal":
		return c.signalled(req.Payload)
	case agentRequest, displayRequest:
		return c.lendAsked(req)
	case "eow@openssh.com", "keepalive@openssh.com":
		return false
	default:
		c.session.gate.Reject(c.ctx, plainCommand("request", fmt.Sprintf("(request %.60q)", req.Type)), notServed("This is not served."))
		return false
	}
}

// begin has the one command that a channel may have start once its request is answered.
func (c *channel) begin(f func()) bool {
	if c.started {
		return false
	}
	c.started = true
	c.session.busy.Add(1)
	c.next = func() {
		defer c.session.busy.Add(-1)
		defer c.session.recovered(func(why error) {
			c.cancel(why)
			c.exit(ending{none: true}) // else the client would wait for it
		})
		f()
	}
	return true
}

// reject refuses what can't even be judged, on the channel itself.
func (c *channel) reject(kind, text string, why refusal) {
	c.begin(func() {
		c.refused(c.session.gate.Reject(c.ctx, plainCommand(kind, text), why))
	})
}

func (c *channel) ptyAsked(payload []byte) bool {
	p, err := decodePty(payload)
	if err != nil || c.started || c.pty.Load() != nil {
		return false
	}
	c.pty.Store(&p)
	return true
}

// maxVariables is how many variables a command may be given.
const maxVariables = 32

func (c *channel) envAsked(payload []byte) bool {
	e, allowed, err := decodeEnv(payload, c.session.env)
	if err != nil || !allowed || c.started || len(c.env) >= maxVariables {
		c.session.gate.Note("env", "The variable "+shown(e.Name)+" was not passed on.")
		return false
	}
	c.env = append(c.env, e)
	return true
}

// resized passes a new size on to a command that runs, and keeps it for one that does not yet.
func (c *channel) resized(payload []byte) bool {
	w, err := decode[windowRequest](payload)
	if err != nil || c.pty.Load() == nil {
		return false
	}
	c.mu.Lock()
	c.size = &w
	r, line, mode := c.running, c.line, c.repl
	c.mu.Unlock()
	if mode != nil {
		mode.resized(w)
	}
	if line != nil {
		return line.resized(payload)
	}
	return r == nil || r.kept.Resize(w.Columns, w.Rows) == nil && c.housekeep(r, "window-change", w)
}

// signalled passes a signal on to a command that runs. One that waits for a person is taken back by it.
func (c *channel) signalled(payload []byte) bool {
	sig, err := decode[signalRequest](payload)
	if err != nil || !knownSignal(sig.Signal) || !c.started {
		return false
	}
	c.mu.Lock()
	r, line, mode := c.running, c.line, c.repl
	c.mu.Unlock()
	switch {
	case line != nil:
		return line.signalled(payload)
	case r != nil:
		return c.housekeep(r, "signal", sig)
	case mode != nil:
		return false // nothing but the prompt is there
	}
	c.cancel(guard.ErrCancelled)
	return true
}

// housekeep sends what steers a command that was admitted.
func (c *channel) housekeep(r *running, name string, payload any) bool {
	err := c.session.up.Housekeep(guard.Steer, func(ssh.Conn) error {
		_, err := r.remote.SendRequest(name, false, ssh.Marshal(payload))
		return err
	})
	return err == nil
}
