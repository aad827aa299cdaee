package streams

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/spdy"
)

// Forwards is who carries the connections of one port-forward.
type Forwards interface {
	// Open is asked before the cluster connects to a port. A *Closed refuses this connection, with its reason; another error ends the
	// session.
	Open(port uint16) (Link, error)
}

// Closed refuses one connection of a port-forward.
type Closed struct{ Reason string }

// Error is the reason.
func (c *Closed) Error() string { return c.Reason }

// Link is one forwarded connection. An error of Sent and Received ends the session, and what they were told of does not go on.
// Sent is called from one goroutine, Received and Said from another one.
type Link interface {
	// Sent is told what the client sends, before it goes on.
	Sent(p []byte) error
	// Received is told what the client is about to get.
	Received(p []byte) error
	// Close is told that it is over, and what the cluster said of it, which is "" where all went well.
	Close(said string)
}

// Limits of a port-forward.
const (
	// maxPairs is how many connections may be open at once; one more is refused by itself.
	maxPairs = 64
	// maxSaid bounds what the cluster may say of one.
	maxSaid = 16 << 10
	// maxRequest bounds the client's name for one.
	maxRequest = 20
)

// Forward carries a port-forward until it ends; it answers as Carry does.
func Forward(ctx context.Context, plan Plan, client, target Side, to Forwards) error {
	c := newCarriage(plan, client, target)
	f := &forwards{to: to, open: map[string]*pair{}}
	if plan.Protocol == SPDY {
		c.relay(f)
	} else {
		c.tunnel(f)
	}
	defer f.end()
	return c.run(ctx)
}

// pair is one forwarded connection: a stream for its data and one for what the cluster says of it.
type pair struct {
	request string
	port    uint16
	link    Link
	closed  *Closed // it was refused: it is there until its second stream has come
	streams [kinds]*stream
	open    int // of them
	said    []byte
}

// forwards are the connections of one port-forward. opens and sent are called by one goroutine, shown and last by another one.
type forwards struct {
	to      Forwards
	open    map[string]*pair
	refused []*pair // of open, whose second stream has not come, the oldest first
	sync.Mutex
}

// opens has a pair begin with whichever of its streams comes first.
func (f *forwards) opens(frame *spdy.Frame) (*stream, []spdy.Header, error) {
	k, request, port := kindOf(frame.Get("streamtype")), frame.Get("requestid"), frame.Get("port")
	if k != data && k != status {
		return nil, nil, fromClient("a stream %s for a port", k)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 || strconv.FormatUint(number, 10) != port {
		return nil, nil, fromClient("a stream for what is no port")
	}
	if _, err := strconv.ParseUint(request, 10, 63); err != nil || len(request) > maxRequest {
		return nil, nil, fromClient("a stream for a connection without a number")
	}
	p, err := f.pair(request, uint16(number))
	if err != nil {
		return nil, nil, err
	}
	s := &stream{kind: k, pair: p}
	if !f.joins(s) {
		return nil, nil, fromClient("a second stream %s of one connection", k)
	}
	if p.closed != nil {
		return s, nil, p.closed
	}
	return s, []spdy.Header{{Name: "streamtype", Value: k.String()}, {Name: "port", Value: port}, {Name: "requestid", Value: request}}, nil
}

// pair answers the connection that a stream is of, which may be a new one.
func (f *forwards) pair(request string, port uint16) (*pair, error) {
	f.Lock()
	p, full := f.open[request], len(f.open)-len(f.refused) >= maxPairs
	f.Unlock()
	switch {
	case p != nil && p.port != port:
		return nil, fromClient("two ports of one connection")
	case p != nil:
		return p, nil
	case full:
		return nil, errRefused
	}
	link, err := f.to.Open(port)
	p = &pair{request: request, port: port, link: link}
	if err != nil && !errors.As(err, &p.closed) {
		return nil, err
	}
	f.Lock()
	defer f.Unlock()
	f.open[request] = p
	if p.closed != nil {
		if f.refused = append(f.refused, p); len(f.refused) > maxPairs { // its second stream, if it comes, begins another one
			f.forget(f.refused[0])
		}
	}
	return p, nil
}

// forget drops a connection that was refused.
func (f *forwards) forget(p *pair) {
	delete(f.open, p.request)
	f.refused = slices.DeleteFunc(f.refused, func(other *pair) bool { return other == p })
}

// joins adds a stream to its pair, which has each once.
func (f *forwards) joins(s *stream) bool {
	f.Lock()
	defer f.Unlock()
	if s.pair.streams[s.kind] != nil {
		return false
	}
	s.pair.streams[s.kind] = s
	if s.pair.open++; s.pair.closed != nil && s.pair.open == 2 {
		f.forget(s.pair)
	}
	return true
}

func (f *forwards) sent(s *stream, p []byte, _ bool) ([]byte, error) {
	if s.kind == status && len(p) > 0 {
		return nil, fromClient("data in stream %s", s.kind)
	}
	if len(p) == 0 {
		return nil, nil
	}
	return p, s.pair.link.Sent(p)
}

func (f *forwards) shown(s *stream, p []byte, _ bool) ([]byte, error) {
	if len(p) == 0 {
		return nil, nil
	}
	if s.kind == data {
		return p, s.pair.link.Received(p)
	}
	f.Lock()
	defer f.Unlock()
	if s.pair.said = append(s.pair.said, p...); len(s.pair.said) > maxSaid {
		return nil, fromCluster("more than %d bytes in stream %s", maxSaid, status)
	}
	return p, nil
}

// closed ends a connection with the last of its streams.
func (f *forwards) closed(s *stream) {
	p := s.pair
	f.Lock()
	p.open--
	over := p.open == 0 && f.open[p.request] == p
	if over {
		delete(f.open, p.request)
	}
	said := string(p.said)
	f.Unlock()
	if over {
		p.link.Close(said)
	}
}

// last tells why all ends in the streams that are for that.
func (f *forwards) last(s *stream, err error) []byte {
	if s.kind != status || err == nil || errors.Is(err, ErrLeft) {
		return nil
	}
	text, _ := told(err)
	return []byte(text)
}

// end closes what is open when all has ended.
func (f *forwards) end() {
	f.Lock()
	open := f.open
	f.open = map[string]*pair{}
	f.Unlock()
	for _, p := range open {
		if p.closed == nil {
			p.link.Close(string(p.said))
		}
	}
}
