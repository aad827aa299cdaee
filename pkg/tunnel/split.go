package tunnel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hoop-gateway/hoop/pkg/api"
)

// Config says what a Split serves.
type Config struct {
	// HTTPS serves every peer that does not ask for the tunnel, over h2 and http/1.1. Nil: they are turned away.
	HTTPS *tls.Config
	// Gateway has the certificate of the tunnel. Nil: peers that ask for it are turned away.
	// Version, protocols, client authentication and tickets are set here, whatever it says.
	Gateway *tls.Config
	// Verify judges a client's certificates during the handshake. An error ends the handshake. Required with Gateway.
	Verify func([]*x509.Certificate) error
	// ServerName, when set, is the only name under which the tunnel answers.
	ServerName string
	// Handshakes is how many peers may be unfinished at a time, 1024 when zero. Beyond it the oldest is cut.
	Handshakes int
	// Timeout bounds handshake and Hello together, 5 s when zero.
	Timeout time.Duration
	Log     *slog.Logger
}

// Split shares one listener between the tunnel and HTTPS. The ALPN protocol alone decides, and neither side
// falls back to the other's configuration.
type Split struct {
	ln       net.Listener
	conf     Config
	base     *tls.Config
	pending  *Pending
	incoming chan *Incoming
	https    *handover
	done     chan struct{}
}

// NewSplit takes over ln. Nothing is accepted before Serve.
func NewSplit(ln net.Listener, conf Config) (*Split, error) {
	if conf.Gateway != nil && conf.Verify == nil {
		return nil, errors.New("split listener: a tunnel needs a function that verifies its clients")
	}
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	if conf.Handshakes <= 0 {
		conf.Handshakes = 1024
	}
	if conf.Timeout <= 0 {
		conf.Timeout = Timeout
	}
	s := &Split{
		ln: ln, conf: conf,
		pending:  NewPending(conf.Handshakes),
		incoming: make(chan *Incoming),
		done:     make(chan struct{}),
	}
	s.https = &handover{addr: ln.Addr(), conns: make(chan net.Conn), closed: make(chan struct{})}
	s.base = s.tlsConfig()
	return s, nil
}

// HTTPS is the listener for an http.Server: its connections are *tls.Conn whose handshake is done.
// Closing it turns HTTPS peers away and leaves the tunnel open.
func (s *Split) HTTPS() net.Listener { return s.https }

// Accept waits for the next tunnel. After Serve has returned it fails with net.ErrClosed.
func (s *Split) Accept(ctx context.Context) (*Incoming, error) {
	select {
	case in := <-s.incoming:
		return in, nil
	case <-s.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Serve accepts until ctx ends or the listener fails. It returns when every goroutine that it started is gone;
// connections that were handed over are their owners'.
func (s *Split) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	stop := context.AfterFunc(ctx, func() { _ = s.ln.Close() })
	defer func() {
		cancel()
		stop()
		_ = s.ln.Close()
		s.pending.Close()
		wg.Wait()
		close(s.done)
		_ = s.https.Close()
	}()
	for {
		c, err := s.ln.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = c.Close()
			}
			return nil
		}
		if err != nil {
			if !temporary(ctx, err) {
				return fmt.Errorf("accept: %w", err)
			}
			s.conf.Log.Warn("accept is short of resources", "error", err)
			continue
		}
		remove := s.pending.Add(c)
		if remove == nil {
			_ = c.Close()
			continue
		}
		wg.Go(func() { s.receive(ctx, c, remove) })
	}
}

// temporary tells whether the accept loop may go on, after a pause: out of descriptors is, a closed listener is not.
func temporary(ctx context.Context, err error) bool {
	var op *net.OpError
	if errors.Is(err, net.ErrClosed) || !errors.As(err, &op) {
		return false
	}
	select {
	case <-time.After(20 * time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}

// receive brings one connection from its first byte to who serves it, all within the timeout.
func (s *Split) receive(ctx context.Context, raw net.Conn, remove func() bool) {
	defer remove()
	keepAlive(raw)
	ctx, cancel := context.WithTimeout(ctx, s.conf.Timeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	if err := raw.SetDeadline(deadline); err != nil {
		_ = raw.Close()
		return
	}
	under := &gathering{Conn: raw}
	c := tls.Server(under, s.base)
	if err := c.HandshakeContext(ctx); err != nil {
		s.conf.Log.Debug("handshake refused", "remote", raw.RemoteAddr().String(), "error", err)
		_ = raw.Close()
		return
	}
	if c.ConnectionState().NegotiatedProtocol == Protocol {
		s.greet(ctx, &gathered{c, under}, remove)
		return
	}
	if err := raw.SetDeadline(time.Time{}); err != nil || !remove() || !s.https.give(ctx, c) {
		_ = raw.Close()
	}
}

// greet reads a tunnel's Hello and offers it to Accept.
func (s *Split) greet(ctx context.Context, c *gathered, remove func() bool) {
	in := &Incoming{PeerCertificates: c.ConnectionState().PeerCertificates, Remote: c.RemoteAddr(), conn: c}
	hello, err := ReadHello(c)
	if err != nil {
		s.conf.Log.Debug("hello refused", "remote", in.Remote.String(), "error", err)
		if errors.Is(err, ErrFrame) {
			_ = in.Refuse(&api.Error{Code: api.CodeUsage, Message: "The client's opening is not understood.",
				Hint: "The versions of hoop and the server may be too far apart."})
		}
		_ = in.Close()
		return
	}
	in.Hello = hello
	if err := c.SetDeadline(time.Time{}); err != nil || !remove() {
		_ = in.Close()
		return
	}
	select {
	case s.incoming <- in:
	case <-ctx.Done():
		_ = in.Close()
	}
}

// tlsConfig chooses by the protocols that a peer offers, before anything else of it is looked at.
func (s *Split) tlsConfig() *tls.Config {
	gateway, https := s.gatewayConfig(), s.httpsConfig()
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true,
		GetConfigForClient: func(hi *tls.ClientHelloInfo) (*tls.Config, error) {
			switch {
			case !slices.Contains(hi.SupportedProtos, Protocol):
				if https == nil {
					return nil, errors.New("only the tunnel is served here")
				}
				return https, nil
			case gateway == nil:
				return nil, errors.New("no tunnel is served here")
			case s.conf.ServerName != "" && hi.ServerName != s.conf.ServerName:
				return nil, errors.New("the tunnel is asked for under another name")
			}
			return gateway, nil
		},
	}
}

func (s *Split) gatewayConfig() *tls.Config {
	if s.conf.Gateway == nil {
		return nil
	}
	verify := s.conf.Verify
	conf := s.conf.Gateway.Clone()
	conf.MinVersion, conf.MaxVersion = tls.VersionTLS13, 0
	conf.NextProtos = []string{Protocol}
	conf.SessionTicketsDisabled = true
	conf.DynamicRecordSizingDisabled = true
	conf.ClientAuth = tls.RequireAnyClientCert
	conf.GetConfigForClient = nil
	conf.VerifyPeerCertificate = nil
	conf.VerifyConnection = func(cs tls.ConnectionState) error {
		if len(cs.PeerCertificates) == 0 || cs.NegotiatedProtocol != Protocol {
			return errors.New("a tunnel needs a certificate and its protocol")
		}
		return verify(cs.PeerCertificates)
	}
	return conf
}

func (s *Split) httpsConfig() *tls.Config {
	if s.conf.HTTPS == nil {
		return nil
	}
	conf := s.conf.HTTPS.Clone()
	conf.NextProtos = []string{"h2", "http/1.1"}
	conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	conf.GetConfigForClient = nil
	return conf
}
