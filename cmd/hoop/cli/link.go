package cli

import (
	"context"
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
	proxy   *localproxy.Proxy

	ended  chan api.GrantEvent // the grant's last event
	idle   chan struct{}       // a token whenever the last local program left
	served chan error          // how the listener ended

	mu      sync.Mutex
	clients int
}

// open binds the listener and serves it. What it returns ends that, when it has ended.
func (l *link) open(ctx context.Context) (shut func(), err error) {
	listen := localproxy.Options{Connection: l.grant.Connection, Port: l.options.port, SocketDir: l.options.socket, Dial: l.grant.dial, Events: l.local}
	dir, dirErr := l.program.stateDir()
	if !l.options.portAsked && dirErr == nil {
		listen.Prefer = lastPort(dir, l.broker.origin, l.grant.Connection.Name)
	}
	if l.proxy, err = localproxy.Listen(listen); err != nil {
		return func() {}, err
	}
	l.grant.ssh = l.proxy.SSH()
	work, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { l.served <- l.proxy.Serve(work) })
	wg.Go(func() { l.follow(work) })
	wg.Go(func() { l.grant.keepFresh(work) })
	cleanup := l.publish(ctx, l.proxy.Endpoint())
	return func() {
		cleanup()
		stop()
		wg.Wait()
	}, nil
}

const (
	// graceAfterExpiry is how long the gateway leaves a running command after the grant's time is over.
	graceAfterExpiry = 65 * time.Second
	// cutWithin is how long it may take to cut what is open once a grant is ended otherwise. Who leaves before that is a client that left,
	// whose commands go on at a host.
	cutWithin = time.Second
)

// hold waits without a program, until the grant is over or ctx is.
func (l *link) hold(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-l.served:
		return err
	case last := <-l.ended:
		within := cutWithin
		if last.Code == api.EndingExpired {
			within = graceAfterExpiry
		}
		l.drain(ctx, within)
		return endedError(last)
	}
}

// drain waits until the gateway has ended what runs when the grant is over, or that has come to its end.
func (l *link) drain(ctx context.Context, within time.Duration) {
	late := time.After(within)
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
