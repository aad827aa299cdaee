package localproxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// seen is a request as it came out of the tunnel, read by another reader than the proxy's.
type seen struct {
	*http.Request
	body  string
	whole bool // the body came to its end
}

// noLoop has tunnels be something that no loop takes.
var noLoop atomic.Bool

// webGateway stands for tunnel and gateway of services and clusters. What comes out of each tunnel is answered by serve.
type webGateway struct {
	serve func(g *webGateway, c *net.TCPConn)
	dials atomic.Int32
	fail  atomic.Pointer[api.Error]

	mu   sync.Mutex
	seen []seen
	raw  strings.Builder // every byte that came out of the first tunnel
	all  sync.WaitGroup
}

func (g *webGateway) dial(ctx context.Context, first []byte) (tunnel.Conn, string, error) {
	n := g.dials.Add(1)
	if e := g.fail.Load(); e != nil {
		return nil, "", e
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	defer ln.Close()
	near, err := (&net.Dialer{}).DialContext(ctx, "tcp", ln.Addr().String())
	if err != nil {
		return nil, "", err
	}
	far, err := ln.Accept()
	if err != nil {
		return nil, "", err
	}
	if _, err := near.Write(first); err != nil {
		return nil, "", err
	}
	g.all.Go(func() {
		defer far.Close()
		g.serve(g, far.(*net.TCPConn))
	})
	if noLoop.Load() {
		return struct{ tunnel.Conn }{near.(*net.TCPConn)}, fmt.Sprintf("ses_%d", n), nil
	}
	return near.(*net.TCPConn), fmt.Sprintf("ses_%d", n), nil
}

func (g *webGateway) requests() []seen {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.seen)
}

// read reads the next request of a tunnel, and notes it.
func (g *webGateway) read(r *bufio.Reader) (seen, error) {
	q, err := http.ReadRequest(r)
	if err != nil {
		return seen{}, err
	}
	body, err := io.ReadAll(q.Body)
	s := seen{Request: q, body: string(body), whole: err == nil}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = append(g.seen, s)
	return s, nil
}

// answers is a serve that answers each request with its method and target, until nothing more comes.
func answers(g *webGateway, c *net.TCPConn) {
	r := bufio.NewReader(io.TeeReader(c, &locked{g: g}))
	for {
		q, err := g.read(r)
		if err != nil {
			return
		}
		text := q.Method + " " + q.RequestURI
		if q.Method == "HEAD" {
			text = ""
		}
		if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text); err != nil {
			return
		}
	}
}

// locked collects what comes out of tunnels.
type locked struct{ g *webGateway }

func (l *locked) Write(b []byte) (int, error) {
	l.g.mu.Lock()
	defer l.g.mu.Unlock()
	return l.g.raw.Write(b)
}

// webProxy is a served Proxy of kind http or kubernetes.
type webProxy struct {
	*localproxy.Proxy
	gw     *webGateway
	events chan localproxy.Event
	stop   func()
}

func serveWeb(t testing.TB, kind string, change func(*localproxy.Options, *webGateway)) *webProxy {
	t.Helper()
	p := &webProxy{gw: &webGateway{serve: answers}, events: make(chan localproxy.Event, 4096)}
	o := localproxy.Options{Connection: api.Connection{Name: "grafana", Kind: kind}, Dial: p.gw.dial, Events: func(e localproxy.Event) { p.events <- e }}
	if change != nil {
		change(&o, p.gw)
	}
	lp, err := localproxy.Listen(o)
	must(t, err)
	p.Proxy = lp
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- lp.Serve(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-over; err != nil {
			t.Errorf("serve: %v", err)
		}
		p.gw.all.Wait()
	})
	t.Cleanup(p.stop)
	return p
}

func (p *webProxy) port() string {
	_, port, _ := net.SplitHostPort(p.Endpoint().String())
	return port
}

func (p *webProxy) secret() string { return p.Endpoint().Password.Reveal() }

// next waits for an event of a type.
func (p *webProxy) next(t testing.TB, kind string) localproxy.Event {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case e := <-p.events:
			if e.Type == kind {
				return e
			}
		case <-late:
			t.Fatalf("no event %s", kind)
		}
	}
}

// client is a local program that writes what it likes.
type client struct {
	net.Conn
	r *bufio.Reader
}

func (p *webProxy) client(t testing.TB) *client {
	t.Helper()
	network := "tcp"
	if p.Endpoint().Socket != "" {
		network = "unix"
	}
	c, err := net.Dial(network, p.Endpoint().String())
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return &client{c, bufio.NewReader(c)}
}

func (c *client) send(t testing.TB, text string) {
	t.Helper()
	_, err := io.WriteString(c, text)
	must(t, err)
}

// answer reads one answer whole.
func (c *client) answer(t testing.TB, method string) (*http.Response, string) {
	t.Helper()
	a, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(a.Body)
	must(t, err)
	return a, string(body)
}

// closed fails where more comes, or the socket stays open.
func (c *client) closed(t testing.TB) {
	t.Helper()
	if more, err := io.ReadAll(c.r); len(more) > 0 || err != nil && strings.Contains(err.Error(), "timeout") {
		t.Errorf("not closed: %q, %v", more, err)
	}
}

// head is a request by its first line and fields.
func head(line string, fields ...string) string {
	return line + " HTTP/1.1\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n"
}

// good are the fields of a request that passes.
func (p *webProxy) good(more ...string) []string {
	return append([]string{"Host: 127.0.0.1:" + p.port(), "Authorization: Bearer " + p.secret()}, more...)
}
