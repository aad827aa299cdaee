// Package localproxy is the loopback end of a connection: a listener that speaks the target's protocol to local
// programs, proves that they are meant to be there, and carries each socket through a tunnel of its own.
package localproxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hoop-gateway/hoop/localproxy/relay"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// DialFunc opens a tunnel whose first bytes are first, and returns the name of its session at the gateway.
// An error that holds an *api.Error is told to the local program in its protocol's words.
type DialFunc func(ctx context.Context, first []byte) (tunnel.Conn, string, error)

// Options say what a Proxy stands for and where it listens.
type Options struct {
	Connection api.Connection
	Port       int    // a TCP port that was asked for and must be free; 0: Prefer
	Prefer     int    // the port to take when it is free; else any
	SocketDir  string // listen on a Unix socket in this directory instead
	Dial       DialFunc
	Events     func(Event) // called in order, never at the same time; may be nil
	Log        *slog.Logger
}

// Event types.
const (
	ClientConnected = "client_connected"
	ClientClosed    = "client_closed"
	SecretRefused   = "secret_refused" // somebody on this machine keeps trying wrong secrets
	Reconnecting    = "reconnecting"   // a tunnel could not be had; the listener stays
	Reconnected     = "reconnected"
	BrowserSignedIn = "browser_signed_in" // by the link, which is spent; another is good now
)

// Event is one thing that happened at the listener.
type Event struct {
	Type      string
	ClientID  string
	Recording string     // the session at the gateway
	Tries     int        // wrong secrets so far
	Err       *api.Error // why a tunnel could not be had
	SignIn    Secret     // the link for the next browser
}

// Proxy is one local listener.
type Proxy struct {
	opts     Options
	ln       net.Listener
	endpoint Endpoint
	front    front // of the connection's kind
	looks    int   // of that kind
	pending  *tunnel.Pending
	guesses  *guesses
	clients  atomic.Int64
	links    *relay.Engine // while it is served
	rooms    sync.Pool     // of *[pump.Room]byte
	telling  sync.Mutex

	mu   sync.Mutex
	down bool
	open map[net.Conn]struct{}
	over bool
}

// unproven is how many local sockets may be open without having proved anything.
const unproven = 64

// Listen opens the listener. Serve it, and then the endpoint works.
func Listen(o Options) (*Proxy, error) {
	kind, known := kindOf(o.Connection.Kind)
	if !known {
		return nil, &api.Error{Code: api.CodeUsage, Message: fmt.Sprintf("Connections of kind %q are not known to this client.", o.Connection.Kind),
			Hint: "A newer hoop may know them."}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Proxy{opts: o, pending: tunnel.NewPending(unproven), open: map[net.Conn]struct{}{}}
	p.guesses = newGuesses(func(tries int) { p.event(Event{Type: SecretRefused, Tries: tries}) })
	p.endpoint = Endpoint{Kind: o.Connection.Kind, Name: o.Connection.Name}
	p.front, p.looks = kind.front(p), kind.looks
	if err := p.front.listen(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Endpoint says how a local program reaches the proxy.
func (p *Proxy) Endpoint() Endpoint { return p.endpoint }

// Serve carries local sockets until ctx ends. Then it closes the listener and all sockets at once, and returns
// when every goroutine that it started is gone.
func (p *Proxy) Serve(ctx context.Context) error {
	var wg sync.WaitGroup
	p.links = relay.New(p.looks)
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { p.closeAll() })
	defer func() {
		cancel()
		stop()
		p.closeAll()
		wg.Wait()
		p.front.remove()
	}()
	for {
		c, err := p.ln.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = c.Close()
			}
			return nil
		}
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("local listener: %w", err)
			}
			p.opts.Log.Warn("local accept is short of resources", "error", err)
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		if proved := p.pending.Add(c); proved != nil && p.keep(c) {
			wg.Go(func() {
				defer p.forget(c)
				defer proved()
				p.front.serve(ctx, c, proved)
			})
		} else {
			_ = c.Close()
		}
	}
}

// Close ends the listener of a Proxy that is not served.
func (p *Proxy) Close() error {
	p.front.remove()
	if p.ln == nil {
		return nil
	}
	return p.ln.Close()
}

// keep notes a socket that must be closed at the end. It is false when the end has come.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.open[c] = struct{}{}
	}
	return !p.over
}

func (p *Proxy) forget(c net.Conn) {
	p.mu.Lock()
	delete(p.open, c)
	p.mu.Unlock()
	tunnel.Abort(c)
}

func (p *Proxy) closeAll() {
	_ = p.ln.Close()
	p.pending.Close()
	p.links.End()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	for c := range p.open {
		tunnel.Abort(c)
	}
}

func (p *Proxy) event(e Event) {
	if p.opts.Events == nil {
		return
	}
	p.telling.Lock()
	defer p.telling.Unlock()
	p.opts.Events(e)
}

// client says that a client came; what it returns says that it went.
func (p *Proxy) client(session string) (gone func()) {
	id := "client_" + strconv.FormatInt(p.clients.Add(1), 10)
	p.event(Event{Type: ClientConnected, ClientID: id, Recording: session})
	return func() { p.event(Event{Type: ClientClosed, ClientID: id, Recording: session}) }
}

// dial opens a tunnel and says once when that begins to fail and once when it works again.
func (p *Proxy) dial(ctx context.Context, first []byte) (tunnel.Conn, string, error) {
	c, session, err := p.opts.Dial(ctx, first)
	if err == nil && !p.keep(c) {
		tunnel.Abort(c)
		err = net.ErrClosed
	}
	p.mu.Lock()
	changed := p.down != (err != nil)
	p.down = err != nil
	p.mu.Unlock()
	switch {
	case err == nil && changed:
		p.event(Event{Type: Reconnected})
	case err != nil && changed && ctx.Err() == nil:
		p.event(Event{Type: Reconnecting, Err: asError(err)})
	}
	return c, session, err
}

// asError finds the *api.Error in err, or makes one.
func asError(err error) *api.Error {
	var e *api.Error
	if errors.As(err, &e) {
		return e
	}
	return &api.Error{Code: api.CodeUnreachable, Message: err.Error(), Retryable: true}
}
