package streams_test

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"sync"
	"testing"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/spdy"
	"github.com/hoop-gateway/hoop/pkg/gateway/kube/streams"
)

// evenPorts admits connections to ports with an even number, and counts what it is told of.
type evenPorts struct {
	mu     sync.Mutex
	opened map[string]int
	sent   int
	open   int
}

func (e *evenPorts) Open(port uint16) (streams.Link, error) {
	if port%2 == 1 {
		return nil, &streams.Closed{Reason: "odd"}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.opened[strconv.Itoa(int(port))]++
	e.open++
	return e, nil
}

func (e *evenPorts) Sent(p []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent += len(p)
	return nil
}

func (e *evenPorts) Received([]byte) error { return nil }

func (e *evenPorts) Close(string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open--
}

// FuzzForwards: whatever a client says, the cluster is asked for connections that were admitted and for no others, gets the bytes that
// were told of, and every connection that began ends.
func FuzzForwards(f *testing.F) {
	var b bytes.Buffer
	w := spdy.NewWriter(&b)
	for i, port := range []string{"80", "81", "80"} {
		id := uint32(4*i + 1)
		_ = w.SynStream(id, false, toPort("error", port, strconv.Itoa(i))...)
		_ = w.Data(id, nil, true)
		_ = w.SynStream(id+2, false, toPort("data", port, strconv.Itoa(i))...)
		_ = w.Data(id+2, []byte("GET"), false)
	}
	_ = w.Reset(3, 5)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		to := &evenPorts{opened: map[string]int{}}
		client, cluster := says(text, false), says(nil, true)
		err := streams.Forward(t.Context(), forward, streams.Side{Conn: client}, streams.Side{Conn: cluster}, to)
		var broke *streams.Violation
		if !errors.Is(err, streams.ErrLeft) && !(errors.As(err, &broke) && !broke.Cluster) {
			t.Fatalf("ended with %v", err)
		}
		asked, bytesSent := map[string]int{}, 0
		r := spdy.NewReader(bytes.NewReader(cluster.got.Bytes()))
		for {
			frame, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("the cluster got what is no frame: %v", err)
			}
			switch frame.Type {
			case spdy.SynStream:
				if to.opened[frame.Get("port")] == 0 {
					t.Fatalf("the cluster was asked for %s", describe(frame))
				}
				asked[frame.Get("streamtype")+frame.Get("port")]++
			case spdy.Data:
				bytesSent += len(frame.Data)
			}
		}
		for what, n := range asked {
			if port := what[len("data"):]; what[:len("data")] == "data" && n > to.opened[port] {
				t.Fatalf("%d connections to port %s, and %d were admitted", n, port, to.opened[port])
			}
		}
		if bytesSent > to.sent || to.open != 0 {
			t.Fatalf("%d bytes of %d that were told of, %d connections left", bytesSent, to.sent, to.open)
		}
	})
}
