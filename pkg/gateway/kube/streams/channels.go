package streams

import (
	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

// closing is the channel of the fifth version in which a client says that it sends no more in another one.
const closing = 255

// channels are the streams of a command in messages of WebSocket, whose first byte says of which stream the rest is.
type channels struct {
	*command
	*sockets
	halfClose bool
	closed    [kinds]bool // by the client
}

// channels has WebSocket spoken on both sides.
func (c *carriage) channels(to *command, halfClose bool) {
	s := &channels{command: to, sockets: c.sockets(), halfClose: halfClose}
	c.up, c.down, c.last = s.up, s.down, s.last
}

func (c *channels) up() error {
	for {
		f, err := c.next(false, true)
		if err == nil {
			err = c.fromClient(f.Payload)
		}
		if err != nil {
			return err
		}
	}
}

// fromClient passes on a message of the client's. Whether it is text or binary means nothing: some clients send either.
func (c *channels) fromClient(message []byte) error {
	if len(message) == 0 {
		return nil
	}
	channel, data := message[0], message[1:]
	if channel == closing && c.halfClose {
		return c.closes(data)
	}
	k := kind(channel)
	switch {
	case k > resize || !c.plan.asked(k):
		return fromClient("a message in channel %d, which its request did not ask for", channel)
	case c.closed[k]:
		return fromClient("data in channel %d behind its end", channel)
	}
	data, err := c.sent(k, data)
	if err != nil || len(data) == 0 {
		return err
	}
	return c.send(c.target, k, data)
}

// closes passes on that the client sends no more in a channel.
func (c *channels) closes(data []byte) error {
	if len(data) != 1 {
		return fromClient("the end of %d channels at once", len(data))
	}
	k := kind(data[0])
	if k > resize || !c.plan.asked(k) {
		return fromClient("the end of channel %d, which its request did not ask for", data[0])
	}
	if c.closed[k] {
		return nil
	}
	c.closed[k] = true
	return c.target.Message(websocket.Binary, []byte{closing, byte(k)})
}

// send sends data of a channel, in messages of 512 KiB at most.
func (c *channels) send(to *websocket.Writer, k kind, data []byte) error {
	for {
		piece := data[:min(len(data), websocket.MaxPayload/2)]
		if err := to.Message(websocket.Binary, append([]byte{byte(k)}, piece...)); err != nil {
			return err
		}
		if data = data[len(piece):]; len(data) == 0 {
			return nil
		}
	}
}

func (c *channels) down() error {
	for {
		f, err := c.next(true, true)
		if err == nil {
			err = c.fromTarget(f.Payload)
		}
		if err != nil {
			return err
		}
	}
}

// fromTarget passes on a message of the cluster's. An empty one tells that the connection stands.
func (c *channels) fromTarget(message []byte) error {
	if len(message) == 0 {
		return nil
	}
	k, data := kind(message[0]), message[1:]
	if k > resize || !c.plan.asked(k) && len(data) > 0 {
		return fromCluster("a message in channel %d, which the request did not ask for", message[0])
	}
	shown, err := c.shown(k, data, false)
	if err != nil || len(shown) == 0 && len(data) > 0 {
		return err
	}
	return c.send(c.client, k, shown)
}

// last shows the rest of the output and says how all ends.
func (c *channels) last(err error) {
	if err == nil {
		for _, k := range []kind{stdout, stderr} {
			if rest, err := c.shown(k, nil, true); c.plan.asked(k) && err == nil && len(rest) > 0 {
				_ = c.send(c.client, k, rest)
			}
		}
	}
	if v, ok := c.verdict(err); ok {
		_ = c.send(c.client, status, v.append(nil))
	}
	c.bye(err)
}
