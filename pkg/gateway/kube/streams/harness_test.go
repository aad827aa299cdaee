package streams_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/spdy"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/streams"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// pipe is a connection over loopback, with real buffers.
func pipe(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	for _, c := range []net.Conn{near, far} {
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
	}
	return near, far
}

// peer is one end of a SPDY connection that a test plays.
type peer struct {
	t    *testing.T
	conn net.Conn
	*spdy.Writer
	frames *spdy.Reader
}

func newPeer(t *testing.T, conn net.Conn) *peer {
	return &peer{t: t, conn: conn, Writer: spdy.NewWriter(conn), frames: spdy.NewReader(conn)}
}

// next is the next frame.
func (p *peer) next() spdy.Frame {
	p.t.Helper()
	f, err := p.frames.Next()
	if err != nil {
		p.t.Fatalf("there is no frame: %v", err)
	}
	return f
}

// want is a frame that must come next, in words.
func (p *peer) want(words string) spdy.Frame {
	p.t.Helper()
	f := p.next()
	if got := describe(f); got != words {
		p.t.Fatalf("got %s, want %s", got, words)
	}
	f.Data = bytes.Clone(f.Data)
	return f
}

func describe(f spdy.Frame) string {
	text := fmt.Sprintf("%s %d", f.Type, f.Stream)
	for _, h := range f.Headers {
		text += fmt.Sprintf(" %s=%s", h.Name, h.Value)
	}
	switch f.Type {
	case spdy.Data:
		text += fmt.Sprintf(" %q", f.Data)
	case spdy.Ping:
		text = fmt.Sprintf("%s %d", f.Type, f.ID)
	case spdy.Reset, spdy.GoAway:
		text += fmt.Sprintf(" status %d", f.Status)
	}
	if f.Fin {
		text += " fin"
	}
	return text
}

// rest is all that still comes, in words, to the end of the connection, which it closes.
func (p *peer) rest() (all []string) {
	p.t.Helper()
	for {
		f, err := p.frames.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				all = append(all, "broken")
			}
			_ = p.conn.Close()
			return all
		}
		all = append(all, describe(f))
	}
}

// open opens a stream, which the cluster accepts.
func (r *rig) open(id uint32, kind string) {
	r.t.Helper()
	r.must(r.client.SynStream(id, false, spdy.Header{Name: "streamtype", Value: kind}))
	r.cluster.want(fmt.Sprintf("SYN_STREAM %d streamtype=%s", id, kind))
	r.must(r.cluster.SynReply(id, false))
	r.client.want(fmt.Sprintf("SYN_REPLY %d", id))
}

// carrier takes all and shows all, and keeps it.
type carrier struct {
	mu           sync.Mutex
	in, out, err bytes.Buffer
	sizes        []string
	ended        []streams.Status
	refuse       error // of input
}

func (c *carrier) Input(p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in.Write(p)
	return c.refuse
}

func (c *carrier) Output(toErrors bool, p []byte, _ bool) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if toErrors {
		c.err.Write(p)
	} else {
		c.out.Write(p)
	}
	return p, nil
}

func (c *carrier) Resize(columns, rows uint16) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sizes = append(c.sizes, fmt.Sprint(columns, "x", rows))
	return nil
}

func (c *carrier) Ended(s streams.Status) (streams.Status, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = append(c.ended, s)
	return s, nil
}

// rig is a session between a client and a cluster that a test plays.
type rig struct {
	t               *testing.T
	client, cluster *peer
	end             context.CancelCauseFunc
	result          chan error
}

// between has run carry what two peers send.
func between(t *testing.T, run func(ctx context.Context, client, target streams.Side) error) *rig {
	t.Helper()
	client, near := pipe(t)
	far, cluster := pipe(t)
	ctx, end := context.WithCancelCause(t.Context())
	r := &rig{t: t, client: newPeer(t, client), cluster: newPeer(t, cluster), end: end, result: make(chan error, 1)}
	go func() { r.result <- run(ctx, streams.Side{Conn: near}, streams.Side{Conn: far}) }()
	t.Cleanup(func() { end(errors.New("the test is over")) })
	return r
}

var whole = streams.Plan{What: streams.Exec, Protocol: streams.SPDY, Stdin: true, Stdout: true, Stderr: true}

var terminal = streams.Plan{What: streams.Exec, Protocol: streams.SPDY, Stdin: true, Stdout: true, Stderr: true, TTY: true}

func carrying(t *testing.T, plan streams.Plan, c *carrier) *rig {
	t.Helper()
	return between(t, func(ctx context.Context, client, target streams.Side) error {
		return streams.Carry(ctx, plan, client, target, c)
	})
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// over is how the session ended, which it must have within a second.
func (r *rig) over() error {
	r.t.Helper()
	began := time.Now()
	select {
	case err := <-r.result:
		if took := time.Since(began); took > time.Second {
			r.t.Errorf("it took %s", took)
		}
		return err
	case <-time.After(patience):
		r.t.Fatal("it does not end")
		return nil
	}
}

const success = `{"metadata":{},"status":"Success"}`

// message is what a status says.
func message(text string) string {
	var s struct{ Status, Message, Reason string }
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return "no status: " + text
	}
	return s.Status + " " + s.Reason + ": " + s.Message
}
