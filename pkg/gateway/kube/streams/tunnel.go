package streams

import (
	"io"

	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

// tunnel has SPDY spoken in messages of WebSocket on both sides. Where messages end means nothing.
func (c *carriage) tunnel(what carried) {
	s := c.sockets()
	c.client.Read, c.client.write = &tunnelled{of: s}, messages{s.client}
	c.target.Read, c.target.write = &tunnelled{of: s, cluster: true}, messages{s.target}
	c.relay(what)
	last := c.last
	c.last = func(err error) {
		last(err)
		s.bye(err)
	}
}

// tunnelled is what one side sends, without the messages that it stands in.
type tunnelled struct {
	of      *sockets
	cluster bool
	left    []byte
}

func (t *tunnelled) Read(p []byte) (int, error) {
	for len(t.left) == 0 {
		f, err := t.of.next(t.cluster, false)
		if err != nil {
			return 0, err
		}
		if t.left = f.Payload; f.Opcode == websocket.Text {
			return 0, &Violation{t.cluster, "text in a tunnel"}
		}
	}
	n := copy(p, t.left)
	t.left = t.left[n:]
	return n, nil
}

// messages writes each piece as a message.
type messages struct{ to *websocket.Writer }

func (m messages) Write(p []byte) (int, error) {
	if err := m.to.Message(websocket.Binary, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

var _ io.Writer = messages{}
