package cli

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
)

// link is an open connection: grant, listener, events.
type link struct {
	program *program
	options connectOptions
	broker  *session
	grant   *held
	sink    *sink

	ended chan api.GrantEvent // the grant's last event
	idle  chan struct{}       // a token whenever the last local program left

	mu      sync.Mutex
	clients int
}

// run opens the listener, says that it is ready, and holds it until the program, the grant or the person ends it.
func (l *link) run(ctx context.Context, program string) error {
	listen := localproxy.Options{Connection: l.grant.Connection, Port: l.options.port, SocketDir: l.options.socket, Dial: l.grant.dial, Events: l.local}
	dir, dirErr := l.program.stateDir()
	if !l.options.portAsked && dirErr == nil {
		listen.Prefer = lastPort(dir, l.broker.origin, l.grant.Connection.Name)
	}
	proxy, err := localproxy.Listen(listen)
	if err != nil {
		return err
	}
	l.grant.ssh = proxy.SSH()
	work, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	served := make(chan error, 1)
	wg.Go(func() { served <- proxy.Serve(work) })
	wg.Go(func() { l.follow(work) })
	wg.Go(func() { l.grant.keepFresh(work) })
	cleanup, err := l.publish(ctx, proxy.Endpoint())
	defer cleanup()
	if err != nil {
		return err
	}
	l.sink.ready(l.grant, proxy.Endpoint())
	if len(l.options.command) > 0 {
		return l.program.runChild(ctx, program, l.options.command, l.grant.Connection.Kind, proxy.Endpoint())
	}
	return l.hold(ctx, served)
}

// graceAfterExpiry is how long the gateway leaves a running command after the grant's time is over.
const graceAfterExpiry = 65 * time.Second

// hold waits without a program.
func (l *link) hold(ctx context.Context, served <-chan error) error {
	gone := make(chan struct{})
	if l.options.watchStdin {
		go func() { // a read of stdin can't be ended: the process ends first
			_, _ = io.Copy(io.Discard, l.program.in)
			close(gone)
		}()
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-served:
		return err
	case <-gone:
		return nil
	case last := <-l.ended:
		if last.Code == api.EndingExpired {
			l.drain(ctx)
		}
		return endedError(last)
	}
}

// drain lets the commands that run when the time is over come to their end.
func (l *link) drain(ctx context.Context) {
	late := time.After(graceAfterExpiry)
	for {
		l.mu.Lock()
		clients := l.clients
		l.mu.Unlock()
		if clients == 0 {
			return
		}
		select {
		case <-l.idle:
		case <-late:
			return
		case <-ctx.Done():
			return
		}
	}
}

// endedError is the grant's end as an error. Where its time was over a new one can be had at once.
func endedError(last api.GrantEvent) *api.Error {
	e := &api.Error{Code: api.CodeGrantEnded, Message: last.Message, Hint: "Run `hoop connect` again for a new grant."}
	if e.Message == "" {
		e.Message = "The grant is over."
	}
	switch last.Code {
	case api.EndingExpired:
		e.Retryable = true
	case api.EndingLocked, api.EndingPolicy:
		e.Hint = "A new grant will not be given until that changes: ask who looks after the policy."
	case api.EndingSignIn:
		e.Hint = "Run `hoop login`, then `hoop connect` again."
	}
	return e
}
