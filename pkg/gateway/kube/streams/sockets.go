package streams

import (
	"bufio"
	"bytes"
	"io"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/http1/websocket"
)

// normal is the code of a Close frame that means nothing but the end.
const normal = 1000

// sockets are the two WebSockets of a session.
type sockets struct {
	client, target   *websocket.Writer
	clientR, targetR *websocket.Reader

	mu    sync.Mutex
	asked [2][]byte // what the client, and the cluster, wants to see in the answer to its ping
	waits [2]bool   // for one
	code  int       // of the cluster's Close frame
}

func (c *carriage) sockets() *sockets {
	return &sockets{
		client: websocket.NewWriter(c.client.write, websocket.Server), clientR: websocket.NewReader(bufio.NewReader(c.client.Read), websocket.Client),
		target: websocket.NewWriter(c.target.write, websocket.Client), targetR: websocket.NewReader(bufio.NewReader(c.target.Read), websocket.Server),
		code: normal,
	}
}

// next answers the next frame of a message of one side, or the next message where whole is set. io.EOF is the side's end.
func (s *sockets) next(cluster, whole bool) (websocket.Frame, error) {
	r, other := s.clientR, s.target
	if cluster {
		r, other = s.targetR, s.client
	}
	read := r.Next
	if whole {
		read = r.Message
	}
	for {
		f, err := read()
		switch {
		case err != nil:
			return f, err
		case f.Opcode == websocket.Close:
			return f, s.leaves(f.Payload, cluster)
		case f.Opcode == websocket.Ping:
			s.note(f.Payload, cluster)
			err = other.Message(websocket.Ping, nil)
		case f.Opcode == websocket.Pong:
			err = s.answer(cluster)
		default:
			return f, nil
		}
		if err != nil {
			return f, err
		}
	}
}

// note keeps what is to stand in the answer to a ping. It goes on without that: the answer is the other side's, so that it
// tells that both connections live, and nothing passes in it that nobody is told of.
func (s *sockets) note(payload []byte, cluster bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[side(cluster)], s.waits[side(cluster)] = bytes.Clone(payload), true
}

// answer passes on the answer to a ping to whoever waits for it.
func (s *sockets) answer(cluster bool) error {
	to, asker := s.client, side(!cluster)
	if !cluster {
		to = s.target
	}
	s.mu.Lock()
	payload, waits := s.asked[asker], s.waits[asker]
	s.waits[asker] = false
	s.mu.Unlock()
	if !waits {
		return nil
	}
	return to.Message(websocket.Pong, payload)
}

func side(cluster bool) int {
	if cluster {
		return 1
	}
	return 0
}

// leaves passes on that a side ends, without the words for it.
func (s *sockets) leaves(payload []byte, cluster bool) error {
	code, _, err := websocket.ParseClose(payload)
	if err != nil {
		return err
	}
	if !cluster {
		_ = s.target.Close(code, "") // it may be gone already
		return io.EOF
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code = code
	return io.EOF
}

// bye ends the client's WebSocket, as the cluster did where that is why it ends.
func (s *sockets) bye(err error) {
	s.mu.Lock()
	code := s.code
	s.mu.Unlock()
	if err != nil {
		code = normal // else clients would not read what they are told
	}
	_ = s.client.Close(code, "")
}
