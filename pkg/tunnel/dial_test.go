package tunnel_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

func TestATunnelCarriesBytesBothWaysAndHalfCloses(t *testing.T) {
	p := listen(t, nil)
	served := p.next(t, func(in *tunnel.Incoming) {
		if in.Hello.Connection != "db-prod" || in.Hello.Client != "hoop/test" || len(in.PeerCertificates) == 0 {
			t.Errorf("the gateway saw %+v with %d certificates", in.Hello, len(in.PeerCertificates))
		}
		c, err := in.Accept("ses_1")
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		got, err := io.ReadAll(io.LimitReader(c, 1<<20)) // ends only when the client half-closes
		if err != nil {
			t.Errorf("read to the half-close: %v", err)
		}
		if _, err := c.Write([]byte(strings.ToUpper(string(got)))); err != nil {
			t.Errorf("answer after the half-close: %v", err)
		}
	})
	c, answer, err := tunnel.Dial(t.Context(), p.target(), p.credential(t), tunnel.Hello{Connection: "db-prod", Client: "hoop/test", First: []byte("first ")})
	must(t, err)
	defer c.Close()
	if answer.Session != "ses_1" {
		t.Errorf("session %q", answer.Session)
	}
	_, err = c.Write([]byte("second"))
	must(t, err)
	must(t, c.CloseWrite())
	got, err := io.ReadAll(io.LimitReader(c, 1<<20))
	must(t, err)
	if string(got) != "FIRST SECOND" {
		t.Errorf("got %q", got)
	}
	<-served
}

func TestAGatewaysRefusalReachesTheClientInFull(t *testing.T) {
	p := listen(t, nil)
	why := &api.Error{Code: api.CodeTargetDown, Message: "db-prod does not answer", Hint: "ask its operator", RequestID: "req_1"}
	served := p.next(t, func(in *tunnel.Incoming) {
		if err := in.Refuse(why); err != nil {
			t.Error(err)
		}
	})
	// The opening bytes lie unread at the gateway while it closes: they must not cost the answer.
	first := make([]byte, 64<<10)
	_, _, err := tunnel.Dial(t.Context(), p.target(), p.credential(t), tunnel.Hello{Connection: "db-prod", First: first})
	var got *api.Error
	if !errors.As(err, &got) || *got != *why {
		t.Fatalf("got %v, want %v", err, why)
	}
	<-served
}

func TestARefusalInTooManyWordsIsCutAndStillArrives(t *testing.T) {
	p := listen(t, nil)
	served := p.next(t, func(in *tunnel.Incoming) {
		if err := in.Refuse(&api.Error{Code: api.CodeDenied, Message: strings.Repeat("\x01", 5000), Hint: strings.Repeat("ü", 5000)}); err != nil {
			t.Error(err)
		}
	})
	_, _, err := tunnel.Dial(t.Context(), p.target(), p.credential(t), tunnel.Hello{Connection: "db"})
	wantCode(t, err, api.CodeDenied, false)
	<-served
}

func TestDialTrustsOnlyTheNamedGateway(t *testing.T) {
	p := listen(t, nil)
	stranger := newAuthority(t)
	for name, change := range map[string]func(*tunnel.Target){
		"another CA":     func(g *tunnel.Target) { g.Roots = stranger.pool },
		"no CA":          func(g *tunnel.Target) { g.Roots = nil },
		"no server name": func(g *tunnel.Target) { g.ServerName = "" },
	} {
		t.Run(name, func(t *testing.T) {
			target := p.target()
			change(&target)
			_, _, err := tunnel.Dial(t.Context(), target, p.credential(t), tunnel.Hello{Connection: "db"})
			wantCode(t, err, api.CodeUnreachable, false)
		})
	}
}

func TestDialRefusesAServerThatDoesNotNegotiateTheTunnel(t *testing.T) {
	ca := newAuthority(t)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{ca.sign(t, serverName)}})
	must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := ln.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if err := c.(*tls.Conn).Handshake(); err != nil {
			return
		}
		if b, _ := io.ReadAll(io.LimitReader(c, 10)); len(b) != 0 {
			t.Errorf("the client sent %q to a server that is no gateway", b)
		}
	}()
	cert := ca.sign(t)
	_, _, err = tunnel.Dial(t.Context(), tunnel.Target{Addresses: []string{ln.Addr().String()}, ServerName: serverName, Roots: ca.pool},
		func(context.Context) (*tls.Certificate, error) { return &cert, nil }, tunnel.Hello{Connection: "db"})
	wantCode(t, err, api.CodeUnreachable, false)
	must(t, ln.Close())
	<-done
}

func TestAnUnacceptedCertificateReadsAsAGrantThatIsOver(t *testing.T) {
	p := listen(t, func(c *tunnel.Config) {
		c.Verify = func([]*x509.Certificate) error { return errors.New("grant is over") }
	})
	_, _, err := tunnel.Dial(t.Context(), p.target(), p.credential(t), tunnel.Hello{Connection: "db"})
	wantCode(t, err, api.CodeGrantEnded, false)
	if strings.Contains(err.Error(), "grant is over") {
		t.Error("the gateway's own reason went to an unverified peer")
	}
}

func TestDialGoesOnToTheNextAddress(t *testing.T) {
	p := listen(t, nil)
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, dead.Close())
	served := p.next(t, func(in *tunnel.Incoming) {
		if c, err := in.Accept("ses_2"); err == nil {
			_ = c.Close()
		}
	})
	target := p.target()
	target.Addresses = append([]string{dead.Addr().String()}, target.Addresses...)
	c, _, err := tunnel.Dial(t.Context(), target, p.credential(t), tunnel.Hello{Connection: "db"})
	must(t, err)
	must(t, c.Close())
	<-served

	target.Addresses = target.Addresses[:1]
	_, _, err = tunnel.Dial(t.Context(), target, p.credential(t), tunnel.Hello{Connection: "db"})
	wantCode(t, err, api.CodeUnreachable, true)
	target.Addresses = nil
	_, _, err = tunnel.Dial(t.Context(), target, p.credential(t), tunnel.Hello{Connection: "db"})
	wantCode(t, err, api.CodeUnreachable, false)
}

func TestDialEndsWithItsContext(t *testing.T) {
	p := listen(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	served := p.next(t, func(in *tunnel.Incoming) {
		cancel() // the gateway has the Hello and keeps its answer
		<-ctx.Done()
		_ = in.Close()
	})
	_, _, err := tunnel.Dial(ctx, p.target(), p.credential(t), tunnel.Hello{Connection: "db"})
	if err == nil {
		t.Fatal("dialled without an answer")
	}
	<-served
}

func TestDialSendsNoHelloThatAGatewayWouldRefuse(t *testing.T) {
	p := listen(t, nil)
	for _, name := range []string{"", "a\x1b[31m", strings.Repeat("x", 300), "\xff"} {
		_, _, err := tunnel.Dial(t.Context(), p.target(), p.credential(t), tunnel.Hello{Connection: name})
		wantCode(t, err, api.CodeUsage, false)
	}
}

func TestDialFailsWithoutACertificate(t *testing.T) {
	p := listen(t, nil)
	sad := errors.New("no certificate")
	_, _, err := tunnel.Dial(t.Context(), p.target(), func(context.Context) (*tls.Certificate, error) { return nil, sad }, tunnel.Hello{Connection: "db"})
	if !errors.Is(err, sad) {
		t.Fatalf("got %v", err)
	}
}

func wantCode(t *testing.T, err error, code string, retryable bool) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) || e.Code != code || e.Retryable != retryable {
		t.Fatalf("got %v, want code %s, retryable %v", err, code, retryable)
	}
}
