package localproxy_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hoop-gateway/hoop/localproxy"
	"github.com/hoop-gateway/hoop/pkg/api"
	"github.com/hoop-gateway/hoop/pkg/pgsql/pgtest"
	"github.com/hoop-gateway/hoop/pkg/tunnel"
)

// server is the PostgreSQL that all tests of the package share.
var server *pgtest.Server

func TestMain(m *testing.M) {
	s, err := pgtest.New()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server = s
	code := m.Run()
	s.Close()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// gateway stands for tunnel and gateway: it opens the real server's socket, where no password is asked, as its owner.
type gateway struct {
	dials atomic.Int32
	fail  atomic.Pointer[api.Error]

	mu    sync.Mutex
	conns []net.Conn
}

func (g *gateway) dial(ctx context.Context, first []byte) (tunnel.Conn, string, error) {
	g.dials.Add(1)
	if e := g.fail.Load(); e != nil {
		return nil, "", e
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", fmt.Sprintf("%s/.s.PGSQL.%d", server.Socket, server.Port))
	if err != nil {
		return nil, "", err
	}
	if binary.BigEndian.Uint32(first[4:]) != 80877102 {
		first = asOwner(first)
	}
	if _, err := c.Write(first); err != nil {
		return nil, "", err
	}
	g.mu.Lock()
	g.conns = append(g.conns, c)
	g.mu.Unlock()
	return c.(*net.UnixConn), fmt.Sprintf("ses_%d", g.dials.Load()), nil
}

// asOwner replaces the user of a startup message, as a gateway does.
func asOwner(start []byte) []byte {
	fields := strings.Split(string(start[8:]), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "user" {
			fields[i+1] = server.User
		}
	}
	body := strings.Join(fields, "\x00")
	out := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	out = append(out, start[4:8]...)
	return append(out, body...)
}

// proxy is a served Proxy in front of a gateway.
type proxy struct {
	*localproxy.Proxy
	gw     *gateway
	events chan localproxy.Event
	stop   func() error
}

func serve(t testing.TB, change func(*localproxy.Options)) *proxy {
	t.Helper()
	p := &proxy{gw: &gateway{}, events: make(chan localproxy.Event, 4096)}
	o := localproxy.Options{
		Connection: api.Connection{Name: "db-prod", Kind: "postgres", Database: "postgres"},
		Dial:       p.gw.dial,
		Events:     func(e localproxy.Event) { p.events <- e },
	}
	if change != nil {
		change(&o)
	}
	lp, err := localproxy.Listen(o)
	must(t, err)
	p.Proxy = lp
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- lp.Serve(ctx) }()
	p.stop = sync.OnceValue(func() error { cancel(); return <-over })
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return p
}

func (p *proxy) env() []string {
	env := os.Environ()
	for _, v := range p.Endpoint().Env() {
		env = append(env, v.Name+"="+v.Value)
	}
	return env
}

// next waits for an event of a type.
func (p *proxy) next(t testing.TB, kind string) localproxy.Event {
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

// raw opens a socket to the listener.
func (p *proxy) raw(t testing.TB) net.Conn {
	t.Helper()
	network, address := "tcp", p.Endpoint().String()
	if p.Endpoint().Socket != "" {
		network = "unix"
	}
	c, err := net.Dial(network, address)
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return c
}

// startup encodes a startup message.
func startup(params ...string) []byte {
	body := strings.Join(params, "\x00") + "\x00\x00"
	if len(params) == 0 {
		body = "\x00"
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))
	b = binary.BigEndian.AppendUint32(b, 3<<16)
	return append(b, body...)
}

// answer reads one message.
func answer(t testing.TB, r io.Reader) (kind byte, body string) {
	t.Helper()
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		t.Fatalf("no answer: %v", err)
	}
	b := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
	_, err := io.ReadFull(r, b)
	must(t, err)
	return head[0], string(b)
}
