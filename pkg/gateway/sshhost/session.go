package sshhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hoop-gateway/hoop/pkg/gateway"
	"github.com/hoop-gateway/hoop/pkg/guard"
)

// session is one client connection, with as many channels as it opens, and the connection to the host behind it.
type session struct {
	log    *slog.Logger
	client *greeting
	host   *host
	name   string // the connection's
	user   string // at the host
	input  string // what of it is recorded

	gate *guard.Session
	up   *guard.Upstream[ssh.Conn]
	busy atomic.Int64 // commands that run or wait

	names     Names
	env       variables    // that a client may set
	links     atomic.Int64 // forwarded connections, open or waiting
	listening listeners
	notes     atomic.Int64

	mu     sync.Mutex
	open   map[*channel]bool
	over   error
	noMore bool // the client said that it opens no more sessions
}

// maxChannels is how many channels one client may have open.
const maxChannels = 64

var (
	errLeft     = errors.New("the client left")
	errHostGone = errors.New("the host closed the connection")
)

func newSession(log *slog.Logger, names Names, client *greeting, h *host, t gateway.Target) *session {
	env := t.Env
	if env == nil {
		env = DefaultEnv()
	}
	return &session{log: log, names: names, env: env, client: client, host: h, name: t.Connection.Name, user: t.Credential.User, input: t.Input, open: map[*channel]bool{}}
}

// Serve runs the session until the client leaves, the host does, or ctx ends; what runs is then stopped and told why.
func (s *session) Serve(ctx context.Context, gate *guard.Session) error {
	s.gate, s.up = gate, guard.NewUpstream[ssh.Conn](gate, s.host)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var work sync.WaitGroup
	run := func(f func()) {
		work.Go(func() {
			defer s.recovered(cancel)
			f()
		})
	}
	run(func() { _ = s.client.conn.Wait(); cancel(errLeft) })
	run(func() { _ = s.host.Wait(); cancel(errHostGone) })
	run(func() { s.hostAsks(ctx, run) })
	run(func() { ssh.DiscardRequests(s.host.requests) })
	run(func() { s.clientAsks(ctx) })
	run(func() {
		for asked := range s.client.channels {
			s.channelAsked(ctx, asked, run)
		}
	})
	<-ctx.Done()
	why := context.Cause(ctx)
	s.finish(why)
	work.Wait()
	s.stopListening(func(*listener) bool { return true })
	if errors.Is(why, errLeft) {
		return nil
	}
	return why
}

// recovered turns a panic into the session's end.
func (s *session) recovered(end func(why error)) {
	if e := recover(); e != nil {
		s.log.Error("session panicked", "panic", fmt.Sprint(e), "stack", string(debug.Stack()))
		end(errors.New("internal error"))
	}
}

// channelAsked accepts a channel for commands, in which nothing runs yet, and has all others judged.
func (s *session) channelAsked(ctx context.Context, asked ssh.NewChannel, run func(func())) {
	if asked.ChannelType() != "session" {
		s.forwardAsked(ctx, asked, run)
		return
	}
	c := newChannel(ctx, s)
	if full := s.enter(c); full != "" {
		_ = asked.Reject(ssh.ResourceShortage, "hoop: "+full)
		return
	}
	ch, requests, err := asked.Accept()
	if err != nil {
		s.left(c)
		return
	}
	s.mu.Lock()
	c.Channel, c.requests = ch, requests
	why := s.over
	s.mu.Unlock()
	if why != nil { // it came while the session ended
		_ = ch.Close()
	}
	run(func() {
		defer s.left(c)
		c.serve()
	})
}

// enter counts a channel, or says why there can't be one more.
func (s *session) enter(c *channel) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over != nil:
		return "The session is over."
	case s.noMore:
		return "The client said that it opens no more sessions."
	case len(s.open) >= maxChannels:
		return fmt.Sprintf("There are %d channels open already.", maxChannels)
	}
	s.open[c] = true
	return ""
}

func (s *session) left(c *channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// clientAsks answers requests of the connection as a whole, one after the other.
func (s *session) clientAsks(ctx context.Context) {
	for req := range s.client.requests {
		switch req.Type {
		case "keepalive@openssh.com", "hostkeys-prove-00@openssh.com":
		case "no-more-sessions@openssh.com":
			s.mu.Lock()
			s.noMore = true
			s.mu.Unlock()
		default:
			ok, answer := s.globalAsked(ctx, req)
			_ = req.Reply(ok, answer)
			continue
		}
		_ = req.Reply(false, nil)
	}
}

// finishWithin is how long telling clients the end of their session may take.
const finishWithin = 300 * time.Millisecond

// finish stops what runs at the host, tells the client why where it did not leave by itself, and closes both connections.
func (s *session) finish(why error) {
	s.mu.Lock()
	s.over = why
	var told sync.WaitGroup
	for c := range s.open {
		if c.Channel == nil {
			c.gone(why)
			continue
		}
		told.Go(func() { c.end(why) })
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		told.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(finishWithin): // a client that does not read is cut off, which lets the rest end
	}
	_ = s.client.conn.Close()
	select {
	case <-done:
	case <-time.After(finishWithin): // so is a host
	}
	heard := s.heard()
	select {
	case <-heard:
	case <-time.After(finishWithin):
	}
	_ = s.host.Close()
	<-heard
	<-done
}

// heard is closed once the host has read all that was sent to it so far, the signals among it, or is gone. A connection that
// is closed while the host still says something may lose them on their way, and what they were to stop would go on.
func (s *session) heard() <-chan struct{} {
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		_, _, _ = s.host.SendRequest("keepalive@openssh.com", true, nil) // refused or not: it is answered behind the rest
	}()
	return heard
}

// Idle says whether no command is under way.
func (s *session) Idle() bool { return s.busy.Load() == 0 }

// About describes the far end.
func (s *session) About() (database, role string, settings map[string]string) {
	return "", s.user, map[string]string{"server_version": string(s.host.ServerVersion())}
}

// Close closes both connections. It may be called more than once.
func (s *session) Close() error {
	_ = s.client.conn.Close() // it is closed already where the session was served
	_ = s.host.Close()
	return nil
}
