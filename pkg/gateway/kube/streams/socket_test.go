package streams_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/spdy"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/streams"
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

// socket is one end of a WebSocket that a test plays.
type socket struct {
	t    *testing.T
	conn net.Conn
	*websocket.Writer
	*websocket.Reader
}

func newSocket(t *testing.T, conn net.Conn, as websocket.Side) *socket {
	return &socket{t, conn, websocket.NewWriter(conn, as), websocket.NewReader(bufio.NewReader(conn), websocket.Client+websocket.Server-as)}
}

func (s *socket) send(channel byte, text string) {
	s.t.Helper()
	if err := s.Writer.Message(websocket.Binary, append([]byte{channel}, text...)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) want(words string) {
	s.t.Helper()
	f, err := s.Reader.Message()
	if got := inWords(f); err != nil || got != words {
		s.t.Fatalf("got %s, %v, want %s", got, err, words)
	}
}

func inWords(f websocket.Frame) string { return fmt.Sprintf("%d %q", f.Opcode, f.Payload) }

func (s *socket) rest() (all []string) {
	for {
		f, err := s.Reader.Message()
		if err != nil {
			_ = s.conn.Close()
			return all
		}
		all = append(all, inWords(f))
	}
}

// socketRig is a session over WebSocket between a client and a cluster that a test plays.
type socketRig struct {
	*rig
	client, cluster *socket
}

func overSockets(t *testing.T, run func(ctx context.Context, client, target streams.Side) error) *socketRig {
	r := between(t, run)
	return &socketRig{r, newSocket(t, r.client.conn, websocket.Client), newSocket(t, r.cluster.conn, websocket.Server)}
}

func carryingSockets(t *testing.T, plan streams.Plan, version string, c *carrier) *socketRig {
	plan.Protocol = version + ".channel.k8s.io"
	return overSockets(t, func(ctx context.Context, client, target streams.Side) error {
		return streams.Carry(ctx, plan, client, target, c)
	})
}

func TestACommandPassesOverWebSocket(t *testing.T) {
	c := &carrier{}
	r := carryingSockets(t, whole, "v5", c)
	r.cluster.send(1, "") // that the connection stands
	r.client.want(`2 "\x01"`)
	r.client.send(0, "typed")
	r.cluster.want(`2 "\x00typed"`)
	r.must(r.client.Writer.Message(websocket.Text, []byte("\x00text"))) // as some clients send it
	r.cluster.want(`2 "\x00text"`)
	r.client.send(255, "\x00") // the end of its input is not the end of its output
	r.cluster.want(`2 "\xff\x00"`)
	r.cluster.send(1, "out")
	r.client.want(`2 "\x01out"`)
	r.cluster.send(2, "err")
	r.client.want(`2 "\x02err"`)
	r.cluster.send(3, success)
	r.client.want(fmt.Sprintf("2 %q", "\x03"+success))
	r.must(r.cluster.Close(1000, "secret reason"))
	r.client.want(`8 "\x03\xe8"`)
	r.must(r.client.conn.Close())
	if err := r.over(); err != nil {
		t.Error(err)
	}
	if c.in.String() != "typedtext" || c.out.String() != "out" || c.err.String() != "err" || len(c.ended) != 1 || !c.ended[0].Success {
		t.Errorf("carried %q, %q, %q, %+v", c.in.String(), c.out.String(), c.err.String(), c.ended)
	}
}

func TestMessagesAreJoinedFromTheirFrames(t *testing.T) {
	r := carryingSockets(t, whole, "v4", &carrier{})
	r.must(r.client.Write(websocket.Frame{Opcode: websocket.Binary, Payload: []byte{0}}))
	r.must(r.client.Write(websocket.Frame{Opcode: websocket.Ping, Fin: true, Payload: []byte("mine")}))
	r.must(r.client.Write(websocket.Frame{Opcode: websocket.Continuation, Fin: true, Payload: []byte("whole")}))
	r.cluster.want(`9 ""`) // a ping says nothing of its own
	r.cluster.want(`2 "\x00whole"`)
	r.must(r.cluster.Writer.Message(websocket.Pong, []byte("something else")))
	r.client.want(`10 "mine"`)
	r.must(r.cluster.Writer.Message(websocket.Pong, []byte("unasked")))
	r.must(r.cluster.Writer.Message(websocket.Ping, []byte("yours")))
	r.client.want(`9 ""`)
	r.must(r.client.Writer.Message(websocket.Pong, nil))
	r.cluster.want(`10 "yours"`)
}

func TestRudeSocketsAreEndedWithAReason(t *testing.T) {
	for name, c := range map[string]struct {
		version string
		rude    func(r *socketRig)
		reason  string
		cluster bool
	}{
		"an undefined channel":      {"v5", func(r *socketRig) { r.client.send(5, "x") }, "a message in channel 5, which its request did not ask for", false},
		"channel 200":               {"v5", func(r *socketRig) { r.client.send(200, "x") }, "a message in channel 200, which its request did not ask for", false},
		"a channel not asked for":   {"v5", func(r *socketRig) { r.client.send(2, "x") }, "a message in channel 2, which its request did not ask for", false},
		"the output":                {"v5", func(r *socketRig) { r.client.send(1, "x") }, "data in stream stdout", false},
		"the status":                {"v5", func(r *socketRig) { r.client.send(3, success) }, "data in stream error", false},
		"half a close":              {"v5", func(r *socketRig) { r.client.send(255, "") }, "the end of 0 channels at once", false},
		"a close and a half":        {"v5", func(r *socketRig) { r.client.send(255, "\x00\x01") }, "the end of 2 channels at once", false},
		"a close of no channel":     {"v5", func(r *socketRig) { r.client.send(255, "\xff") }, "the end of channel 255, which its request did not ask for", false},
		"a close in version 4":      {"v4", func(r *socketRig) { r.client.send(255, "\x00") }, "a message in channel 255, which its request did not ask for", false},
		"data behind the close":     {"v5", func(r *socketRig) { r.client.send(255, "\x00"); r.client.send(0, "x") }, "data in channel 0 behind its end", false},
		"a size that is none":       {"v4", func(r *socketRig) { r.client.send(4, "80x24}") }, "what is no terminal's size in stream resize", false},
		"a frame without a mask":    {"v4", func(r *socketRig) { _, _ = io.WriteString(r.client.conn, "\x82\x01\x00") }, "what is no message: a client's frame is not masked", false},
		"a frame of 1 GiB":          {"v4", func(r *socketRig) { _, _ = io.WriteString(r.client.conn, "\x82\xff\x00\x00\x00\x00\x40\x00\x00\x00") }, "what is no message: a frame is longer than 1 MiB", false},
		"the cluster's input":       {"v5", func(r *socketRig) { r.cluster.send(0, "4111") }, "data in stream stdin", true},
		"the cluster's channel 9":   {"v5", func(r *socketRig) { r.cluster.send(9, "4111") }, "a message in channel 9, which the request did not ask for", true},
		"the cluster's close":       {"v5", func(r *socketRig) { r.cluster.send(255, "\x00") }, "a message in channel 255, which the request did not ask for", true},
		"what is no status":         {"v5", func(r *socketRig) { r.cluster.send(3, "4111") }, "what is no status in stream error", true},
		"stderr beside a terminal":  {"v5", func(r *socketRig) { r.cluster.send(2, "4111") }, "a message in channel 2, which the request did not ask for", true},
		"the cluster's masked mess": {"v5", func(r *socketRig) { _, _ = io.WriteString(r.cluster.conn, "\x82\x81\x00\x00\x00\x00\x01") }, "what is no message: a server's frame is masked", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := carryingSockets(t, terminal, c.version, &carrier{})
			c.rude(r)
			got := strings.Join(r.client.rest(), " ")
			if strings.Contains(got, "4111") || !strings.Contains(got, "sent "+c.reason) {
				t.Errorf("the client got %s", got)
			}
			for _, got := range r.cluster.rest() {
				if got != `2 "\xff\x00"` {
					t.Errorf("the cluster got %s", got)
				}
			}
			var broke *streams.Violation
			if err := r.over(); !errors.As(err, &broke) || broke.Cluster != c.cluster || broke.Reason != c.reason {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAClientThatClosesItsSocketLeaves(t *testing.T) {
	r := carryingSockets(t, whole, "v5", &carrier{})
	r.must(r.client.Close(1001, "bye"))
	r.cluster.want(`8 "\x03\xe9"`)
	if err := r.over(); !errors.Is(err, streams.ErrLeft) {
		t.Error(err)
	}
}

func TestASocketThatEndsWithoutAStatusIsNoSuccess(t *testing.T) {
	r := carryingSockets(t, whole, "v5", &carrier{})
	r.must(r.cluster.conn.Close())
	got := r.client.rest()
	if len(got) != 2 || !strings.Contains(got[0], "did not say how the command ended") || got[1] != `8 "\x03\xe8"` {
		t.Errorf("the client got %v", got)
	}
	if err := r.over(); err != nil {
		t.Error(err)
	}
}

func TestWhatDetectorsHeldBackComesBeforeTheEndOfASocket(t *testing.T) {
	plan := whole
	plan.Protocol = "v5.channel.k8s.io"
	a, j := admitted(t, plan, &rules{masks: leaks})
	outcome := make(chan string, 1)
	r := overSockets(t, func(ctx context.Context, client, target streams.Side) error {
		o, err := a.Carry(ctx, client, target)
		outcome <- o.Tag
		return err
	})
	for _, piece := range []string{"al", "ice@exam", "ple.com"} {
		r.cluster.send(1, piece)
	}
	r.cluster.send(3, success)
	r.must(r.cluster.Close(1000, ""))
	text := strings.Join(r.client.rest(), " ")
	if strings.Contains(text, "ali") || strings.Contains(text, "exam") || !strings.Contains(text, "***") {
		t.Errorf("the client got %s", text)
	}
	if tag := <-outcome; tag != "exit 0" || !j.shows("***") {
		t.Errorf("%s, recorded %q", tag, j.rows.String())
	}
}

// tunnelled is a connection in messages of WebSocket.
type tunnelled struct {
	net.Conn
	s    *socket
	left []byte
}

func (c *tunnelled) Read(p []byte) (int, error) {
	for len(c.left) == 0 {
		f, err := c.s.Next()
		if err != nil {
			return 0, err
		}
		if f.Opcode == websocket.Binary || f.Opcode == websocket.Continuation {
			c.left = bytes.Clone(f.Payload)
		}
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

// Write sends every byte as a message of its own: where messages end means nothing.
func (c *tunnelled) Write(p []byte) (int, error) {
	for i := range p {
		if err := c.s.Writer.Message(websocket.Binary, p[i:i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func TestAForwardPassesInATunnel(t *testing.T) {
	plan := forward
	plan.Protocol = "SPDY/3.1+portforward.k8s.io"
	a, j := admitted(t, plan, &rules{})
	s := overSockets(t, func(ctx context.Context, client, target streams.Side) error {
		_, err := a.Carry(ctx, client, target)
		return err
	})
	r := s.rig
	r.client, r.cluster = newPeer(t, &tunnelled{Conn: s.client.conn, s: s.client}), newPeer(t, &tunnelled{Conn: s.cluster.conn, s: s.cluster})
	r.connect(1, "80", "0")
	r.must(r.client.Data(3, []byte("GET"), true))
	var got []byte
	for string(got) != "GET" {
		got = append(got, r.cluster.next().Data...)
	}
	r.must(r.cluster.Data(3, []byte("200"), true))
	if got := r.client.told(3); got != "200" {
		t.Errorf("got %q", got)
	}
	r.must(r.cluster.Reset(1, spdy.Cancel))
	r.client.want("RST_STREAM 1 status 5")
	r.must(s.client.Close(1000, ""))
	if err := r.over(); err != nil {
		t.Error(err)
	}
	if !j.has(`"address":"stg/pods/web:80","sent_bytes":3,"received_bytes":3`) {
		t.Errorf("recorded %v", j.events)
	}
}

func TestTextInATunnelEndsIt(t *testing.T) {
	plan := forward
	plan.Protocol = "SPDY/3.1+portforward.k8s.io"
	a, _ := admitted(t, plan, &rules{})
	r := overSockets(t, func(ctx context.Context, client, target streams.Side) error {
		_, err := a.Carry(ctx, client, target)
		return err
	})
	r.must(r.client.Writer.Message(websocket.Text, []byte("GET / HTTP/1.1")))
	if got := r.cluster.rest(); !slices.Equal(got, nil) {
		t.Errorf("the cluster got %v", got)
	}
	var broke *streams.Violation
	if err := r.over(); !errors.As(err, &broke) || broke.Reason != "text in a tunnel" {
		t.Error(err)
	}
}
