package tunnel_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

func TestATunnelIsNotSplitOffWithoutAVerifier(t *testing.T) {
	if _, err := tunnel.NewSplit(nil, tunnel.Config{Gateway: &tls.Config{}}); err == nil {
		t.Fatal("a tunnel without a verifier was accepted")
	}
}

// ATTACKS D1: whatever a peer offers, hoop/1 comes with TLS 1.3, a certificate and the right name, or not at all.
func TestTheTunnelHasNoFallback(t *testing.T) {
	p := listen(t, nil)
	var requests atomic.Int32
	srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) })}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(p.HTTPS()) }()
	t.Cleanup(func() { _ = srv.Close(); <-served })

	good := tls.Config{RootCAs: p.ca.pool, ServerName: serverName, NextProtos: []string{tunnel.Protocol}, Certificates: []tls.Certificate{p.ca.sign(t)}}
	for name, change := range map[string]func(*tls.Config){
		"no certificate":             func(c *tls.Config) { c.Certificates = nil },
		"no certificate, h2 as well": func(c *tls.Config) { c.Certificates = nil; c.NextProtos = []string{"h2", tunnel.Protocol} },
		"TLS 1.2":                    func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
		"TLS 1.1":                    func(c *tls.Config) { c.MinVersion = tls.VersionTLS11; c.MaxVersion = tls.VersionTLS11 },
		"another protocol":           func(c *tls.Config) { c.NextProtos = []string{"hoop/2"} },
		"another name":               func(c *tls.Config) { c.ServerName = "web.hoop.test" },
		"foreign certificate":        func(c *tls.Config) { c.Certificates = []tls.Certificate{newAuthority(t).sign(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			conf := good.Clone()
			change(conf)
			raw, err := net.Dial("tcp", p.address)
			must(t, err)
			defer raw.Close()
			c := tls.Client(drip{raw}, conf) // in fragments, which must not change what is chosen
			opening, err := tunnel.AppendHello(nil, tunnel.Hello{Connection: "db"})
			must(t, err)
			if err := c.Handshake(); err == nil {
				_, _ = c.Write(opening)
				_, _ = c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
				if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
					t.Error("the peer was answered")
				}
			}
			closedByPeer(t, raw)
		})
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests reached HTTPS", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Accept(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a tunnel was accepted: %v", err)
	}
}

// drip writes one byte at a time.
type drip struct{ net.Conn }

func (d drip) Write(b []byte) (int, error) {
	for i := range b {
		if _, err := d.Conn.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

func TestHTTPSKeepsHTTP2AndAsksForNoCertificate(t *testing.T) {
	p := listen(t, nil)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	})}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(p.HTTPS()) }()
	t.Cleanup(func() { _ = srv.Close(); <-served })
	for proto, next := range map[string][]string{"HTTP/2.0": {"h2", "http/1.1"}, "HTTP/1.1": {"http/1.1"}} {
		tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: p.ca.pool, ServerName: "web.hoop.test", NextProtos: next}}
		if proto == "HTTP/1.1" {
			tr.ForceAttemptHTTP2 = false
		}
		resp, err := (&http.Client{Transport: tr}).Get("https://" + p.address)
		must(t, err)
		body, err := io.ReadAll(io.LimitReader(resp.Body, 100))
		must(t, err)
		_ = resp.Body.Close()
		tr.CloseIdleConnections()
		if string(body) != proto {
			t.Errorf("served as %s, want %s", body, proto)
		}
	}
}

func TestOneSideCanBeLeftOut(t *testing.T) {
	t.Run("no HTTPS", func(t *testing.T) {
		p := listen(t, func(c *tunnel.Config) { c.HTTPS = nil })
		if c, err := tls.Dial("tcp", p.address, &tls.Config{RootCAs: p.ca.pool, ServerName: "web.hoop.test"}); err == nil {
			_ = c.Close()
			t.Error("HTTPS was served")
		}
	})
	t.Run("no tunnel", func(t *testing.T) {
		p := listen(t, func(c *tunnel.Config) { c.Gateway = nil })
		if c, _, err := tunnel.Dial(t.Context(), p.target(), p.credential(t), tunnel.Hello{Connection: "db"}); err == nil {
			_ = c.Close()
			t.Error("a tunnel was served")
		}
	})
}

// ATTACKS D3: a PROXY header is not understood, so nobody can claim an address with one.
func TestAProxyHeaderIsNotUnderstood(t *testing.T) {
	p := listen(t, nil)
	for _, header := range []string{"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x0a\x00\x00\x01\x0a\x00\x00\x02\x00\x01\x00\x02"} {
		raw, err := net.Dial("tcp", p.address)
		must(t, err)
		_, err = raw.Write([]byte(header))
		must(t, err)
		conf := &tls.Config{RootCAs: p.ca.pool, ServerName: serverName, NextProtos: []string{tunnel.Protocol}, Certificates: []tls.Certificate{p.ca.sign(t)}}
		if err := tls.Client(raw, conf).Handshake(); err == nil {
			t.Error("a handshake went through behind a PROXY header")
		}
		_ = raw.Close()
	}
}

// ATTACKS D4: the deadline holds in every phase, and those who stall do not keep others out.
func TestStallingPeersAreCutInEveryPhase(t *testing.T) {
	p := listen(t, func(c *tunnel.Config) { c.Timeout = 200 * time.Millisecond })
	conf := &tls.Config{RootCAs: p.ca.pool, ServerName: serverName, NextProtos: []string{tunnel.Protocol}, Certificates: []tls.Certificate{p.ca.sign(t)}}
	phases := map[string]func(net.Conn){
		"before the first byte": func(net.Conn) {},
		"inside a record":       func(c net.Conn) { _, _ = c.Write([]byte{22, 3, 1}) },
		"before the hello":      func(c net.Conn) { _ = tls.Client(c, conf).Handshake() },
		"inside the hello": func(c net.Conn) {
			tc := tls.Client(c, conf)
			_ = tc.Handshake()
			_, _ = tc.Write([]byte{0})
		},
		"nobody accepts": func(c net.Conn) {
			tc := tls.Client(c, conf)
			b, _ := tunnel.AppendHello(nil, tunnel.Hello{Connection: "db"})
			_ = tc.Handshake()
			_, _ = tc.Write(b)
		},
	}
	for name, act := range phases {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", p.address)
			must(t, err)
			defer c.Close()
			act(c)
			closedByPeer(t, c)
		})
	}
}

func TestStallingPeersDoNotKeepOthersOut(t *testing.T) {
	p := listen(t, func(c *tunnel.Config) { c.Handshakes = 50; c.Timeout = time.Minute })
	stalled := make([]net.Conn, 1000)
	for i := range stalled {
		c, err := net.Dial("tcp", p.address)
		must(t, err)
		defer c.Close()
		_, _ = c.Write([]byte{22})
		stalled[i] = c
	}
	served := p.next(t, func(in *tunnel.Incoming) {
		if c, err := in.Accept("ses_1"); err == nil {
			_ = c.Close()
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // those who stall have a minute
	defer cancel()
	c, _, err := tunnel.Dial(ctx, p.target(), p.credential(t), tunnel.Hello{Connection: "db"})
	must(t, err)
	must(t, c.Close())
	<-served
	closedByPeer(t, stalled[0])
}

func TestABadHelloIsAnsweredAndClosed(t *testing.T) {
	p := listen(t, nil)
	conf := &tls.Config{RootCAs: p.ca.pool, ServerName: serverName, NextProtos: []string{tunnel.Protocol}, Certificates: []tls.Certificate{p.ca.sign(t)}}
	for _, hello := range []string{"\xff\xff", "\x00\x02{}", "\x00\x19" + `{"v":2,"connection":"db"}`, "\x00\x01x"} {
		c, err := tls.Dial("tcp", p.address, conf)
		must(t, err)
		_, err = c.Write([]byte(hello))
		must(t, err)
		answer, err := tunnel.ReadAnswer(c)
		must(t, err)
		if answer.Error == nil || !strings.Contains(answer.Error.Message, "not understood") {
			t.Errorf("%q: answered %+v", hello, answer)
		}
		closedByPeer(t, c)
		_ = c.Close()
	}
}

func TestServeEndsWhatIsUnfinished(t *testing.T) {
	ca := newAuthority(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s, err := tunnel.NewSplit(ln, tunnel.Config{Gateway: &tls.Config{Certificates: []tls.Certificate{ca.sign(t, serverName)}},
		Verify: func([]*x509.Certificate) error { return nil }, Timeout: time.Hour})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- s.Serve(ctx) }()
	c, err := net.Dial("tcp", ln.Addr().String())
	must(t, err)
	defer c.Close()
	cancel()
	must(t, <-over)
	closedByPeer(t, c)
	if _, err := s.Accept(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after the end: %v", err)
	}
	if _, err := s.HTTPS().Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("HTTPS accept after the end: %v", err)
	}
}
