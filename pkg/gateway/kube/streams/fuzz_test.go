package streams_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/spdy"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/streams"
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

// said is a connection whose peer says something, waits to be closed where it is the cluster, and keeps what it gets.
type said struct {
	io.Reader
	waits  bool
	mu     sync.Mutex
	got    bytes.Buffer
	closed chan struct{}
	once   sync.Once
}

func says(text []byte, waits bool) *said {
	return &said{Reader: bytes.NewReader(text), waits: waits, closed: make(chan struct{})}
}

func (s *said) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if n == 0 && s.waits {
		<-s.closed
	}
	return n, err
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.Write(p)
}

func (s *said) Close() error                     { s.once.Do(func() { close(s.closed) }); return nil }
func (s *said) LocalAddr() net.Addr              { return nil }
func (s *said) RemoteAddr() net.Addr             { return nil }
func (s *said) SetDeadline(time.Time) error      { return nil }
func (s *said) SetReadDeadline(time.Time) error  { return nil }
func (s *said) SetWriteDeadline(time.Time) error { return nil }

var everything = streams.Plan{What: streams.Exec, Stdin: true, Stdout: true, Stderr: true, TTY: true}

// carries is what the cluster gets of what a client says, and how it ends.
func carries(t *testing.T, plan streams.Plan, text []byte) (got []byte, c *carrier, err error) {
	t.Helper()
	c = &carrier{}
	client, cluster := says(text, false), says(nil, true)
	err = streams.Carry(t.Context(), plan, streams.Side{Conn: client}, streams.Side{Conn: cluster}, c)
	var broke *streams.Violation
	if !errors.Is(err, streams.ErrLeft) && !(errors.As(err, &broke) && !broke.Cluster) {
		t.Fatalf("ended with %v", err)
	}
	return cluster.got.Bytes(), c, err
}

// FuzzChannels: whatever messages a client sends, the cluster gets the input that was told of and sizes that were, in their
// channels, and nothing else.
func FuzzChannels(f *testing.F) {
	f.Add([]byte("\x06\x00hello\x02\xff\x00"), true)
	f.Add([]byte("\x18\x04{\"Width\":1,\"Height\":2}\x02\x00x"), false)
	f.Add([]byte("\x0e\x04{\"Width\":1,\"H\x0b\x04eight\":2}\n \x01\x04"), true)
	f.Fuzz(func(t *testing.T, script []byte, halfClose bool) {
		var text bytes.Buffer
		w := websocket.NewWriter(&text, websocket.Client)
		for len(script) > 0 {
			n := min(int(script[0]), len(script)-1)
			if err := w.Message(websocket.Binary, script[1:1+n]); err != nil {
				t.Fatal(err)
			}
			script = script[1+n:]
		}
		plan := everything
		plan.Protocol = "v4.channel.k8s.io"
		if halfClose {
			plan.Protocol = "v5.channel.k8s.io"
		}
		got, c, _ := carries(t, plan, text.Bytes())
		var in, sizes strings.Builder
		r := websocket.NewReader(bufio.NewReader(bytes.NewReader(got)), websocket.Client)
		for {
			f, err := r.Message()
			if err != nil {
				break
			}
			switch {
			case f.Payload[0] == 0 && len(f.Payload) > 1:
				in.Write(f.Payload[1:])
			case f.Payload[0] == 4:
				sizes.Write(f.Payload[1:])
			case f.Payload[0] == 255 && len(f.Payload) == 2 && halfClose && f.Payload[1] <= 4 && f.Payload[1] != 2:
			default:
				t.Fatalf("the cluster got %q", f.Payload)
			}
		}
		holds(t, c, in.String(), sizes.String())
	})
}

// holds compares what the cluster got with what was told.
func holds(t *testing.T, c *carrier, in, sizes string) {
	t.Helper()
	var want strings.Builder
	for _, s := range c.sizes {
		columns, rows, _ := strings.Cut(s, "x")
		fmt.Fprintf(&want, "{\"Width\":%s,\"Height\":%s}\n", columns, rows)
	}
	if in != c.in.String() || sizes != want.String() {
		t.Fatalf("the cluster got %q and %q; told was %q and %q", in, sizes, c.in.String(), want.String())
	}
}

// FuzzStreams: so do the frames of SPDY, however a client cuts and breaks them; each kind of stream is opened once.
func FuzzStreams(f *testing.F) {
	var b bytes.Buffer
	w := spdy.NewWriter(&b)
	for i, k := range []string{"error", "stdin", "resize", "stdout"} {
		_ = w.SynStream(uint32(2*i+1), k == "stdout", kind(k))
	}
	_ = w.Data(3, []byte("typed"), false)
	_ = w.Data(5, []byte(`{"Width":80,"Height":24}`), false)
	_ = w.Data(3, nil, true)
	_ = w.Ping(1)
	_ = w.Reset(7, 5)
	_ = w.GoAway(0, 0)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		plan := everything
		plan.Protocol = streams.SPDY
		got, c, _ := carries(t, plan, text)
		kinds := map[uint32]string{}
		var in, sizes strings.Builder
		r := spdy.NewReader(bytes.NewReader(got))
		for {
			f, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("the cluster got what is no frame: %v", err)
			}
			switch k := kinds[f.Stream]; {
			case f.Type == spdy.SynStream:
				k = f.Get("streamtype")
				for _, other := range kinds {
					if other == k {
						t.Fatalf("a second stream %s", k)
					}
				}
				if kinds[f.Stream] = k; len(f.Headers) != 1 || !slices.Contains([]string{"error", "stdin", "stdout", "resize"}, k) {
					t.Fatalf("the cluster got %+v", f)
				}
			case f.Type == spdy.Data && k == "stdin":
				in.Write(f.Data)
			case f.Type == spdy.Data && k == "resize":
				sizes.Write(f.Data)
			case f.Type == spdy.Data && k != "" && len(f.Data) == 0, f.Type == spdy.Reset && k != "", f.Type == spdy.Ping, f.Type == spdy.GoAway:
			default:
				t.Fatalf("the cluster got %s", describe(f))
			}
		}
		holds(t, c, in.String(), sizes.String())
	})
}
