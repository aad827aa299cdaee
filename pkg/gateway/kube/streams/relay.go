package streams

import (
	"errors"
	"sync"

	"github.com/hoop-gateway/hoop/pkg/gateway/kube/spdy"
)

// carried is what the streams of a SPDY connection are for: a command, or forwarded connections.
type carried interface {
	// opens is asked before a stream of the client is opened at the cluster, with these headers and no others. errRefused
	// refuses this stream alone, and a *Closed the connection that it is of.
	opens(f *spdy.Frame) (*stream, []spdy.Header, error)
	// sent takes what the client sends and answers what goes on; with last, the client sends no more.
	sent(s *stream, p []byte, last bool) ([]byte, error)
	// shown takes what the cluster sends and answers what the client gets; with last, the cluster sends no more.
	shown(s *stream, p []byte, last bool) ([]byte, error)
	// closed is told that neither side sends more.
	closed(s *stream)
	// last is what the client is told in a stream when all ends; nil: nothing.
	last(s *stream, err error) []byte
}

// stream is one of a SPDY connection, with the same number on both sides.
type stream struct {
	id   uint32
	kind kind
	pair *pair // of a forwarded connection

	// Under the relay's lock:
	replied    bool // by the cluster
	clientDone bool
	targetDone bool
}

// relay passes frames of two SPDY connections, each understood and written anew.
type relay struct {
	what           carried
	client, target *spdy.Writer

	mu      sync.Mutex
	streams map[uint32]*stream
	highest uint32 // number of a stream that the client opened
	leaving bool   // one of them said that it opens, or serves, no more
}

func newRelay(what carried, client, target Side) *relay {
	return &relay{what: what, client: spdy.NewWriter(client.write), target: spdy.NewWriter(target.write), streams: map[uint32]*stream{}}
}

// read passes what one side sends to handle, until it ends.
func read(from Side, handle func(*spdy.Frame) error) error {
	frames := spdy.NewReader(from.Read)
	for {
		f, err := frames.Next()
		if err == nil {
			err = handle(&f)
		}
		if err != nil {
			return err
		}
	}
}

// fromClient passes on a frame of the client.
func (r *relay) fromClient(f *spdy.Frame) error {
	switch f.Type {
	case spdy.SynStream:
		return r.open(f)
	case spdy.Data:
		s, err := r.from(f, false)
		if s == nil || err != nil {
			return err
		}
		p, err := r.what.sent(s, f.Data, f.Fin)
		if err == nil {
			err = r.target.Data(s.id, p, f.Fin)
		}
		if err == nil && f.Fin {
			r.done(s, true, false)
		}
		return err
	case spdy.Reset:
		s, err := r.from(f, false)
		if s == nil || err != nil {
			return err
		}
		r.done(s, true, true)
		return r.target.Reset(s.id, f.Status)
	case spdy.Ping: // the answer is the cluster's: it tells that both connections live
		return r.target.Ping(f.ID)
	case spdy.GoAway:
		r.leaves()
		return r.target.GoAway(0, f.Status)
	case spdy.Settings, spdy.Window:
		return nil
	}
	return fromClient("a frame %s", f.Type)
}

// fromTarget passes on a frame of the cluster.
func (r *relay) fromTarget(f *spdy.Frame) error {
	switch f.Type {
	case spdy.SynReply:
		return r.reply(f)
	case spdy.Data:
		s, err := r.from(f, true)
		if s == nil || err != nil {
			return err
		}
		return r.show(s, f.Data, f.Fin)
	case spdy.Reset:
		s, err := r.from(f, true)
		if s == nil || err != nil {
			return err
		}
		return r.reset(s, f.Status)
	case spdy.Ping:
		return r.client.Ping(f.ID)
	case spdy.GoAway:
		highest := r.leaves()
		return r.client.GoAway(min(f.Stream, highest), f.Status)
	case spdy.Settings, spdy.Window:
		return nil
	}
	return fromCluster("a frame %s", f.Type)
}

// reset ends a stream that the cluster gave up, behind what of it may still be shown.
func (r *relay) reset(s *stream, status uint32) error {
	if !r.silent(s) {
		p, err := r.what.shown(s, nil, true)
		if err == nil {
			err = r.client.Data(s.id, p, false)
		}
		if err != nil {
			return err
		}
	}
	r.done(s, true, true)
	return r.client.Reset(s.id, status)
}

// open opens a stream of the client's at the cluster, where it may be.
func (r *relay) open(f *spdy.Frame) error {
	r.mu.Lock()
	again, leaving := f.Stream <= r.highest, r.leaving
	r.highest = max(r.highest, f.Stream)
	r.mu.Unlock()
	switch {
	case f.Stream%2 == 0 || again:
		return fromClient("a stream with the number %d, which is not its next", f.Stream)
	case f.Unidirectional:
		return fromClient("a stream of one direction")
	case leaving:
		return nil // as of one that crossed the other side's word
	}
	s, headers, err := r.what.opens(f)
	var closed *Closed
	switch {
	case err == errRefused:
		return r.client.Reset(f.Stream, spdy.RefusedStream)
	case errors.As(err, &closed):
		return r.shut(f.Stream, s.kind, closed)
	case err != nil:
		return err
	}
	s.id = f.Stream
	r.mu.Lock()
	r.streams[s.id] = s
	r.mu.Unlock()
	if f.Fin {
		if _, err := r.what.sent(s, nil, true); err != nil {
			return err
		}
		r.done(s, true, false)
	}
	return r.target.SynStream(s.id, f.Fin, headers...)
}

// shut answers a stream of a connection that was refused as the cluster answers one that it can't make: the stream for errors says why.
// What the client still sends in it is dropped.
func (r *relay) shut(id uint32, k kind, why *Closed) error {
	var text []byte
	if k == status {
		text = []byte(why.Reason)
	}
	return errors.Join(r.client.SynReply(id, false), r.client.Data(id, text, true))
}

// reply passes on that the cluster accepted a stream.
func (r *relay) reply(f *spdy.Frame) error {
	s, err := r.from(f, true)
	if s == nil || err != nil {
		return err
	}
	r.mu.Lock()
	again := s.replied
	s.replied = true
	r.mu.Unlock()
	if again {
		return fromCluster("a second %s for a stream", f.Type)
	}
	if err := r.client.SynReply(s.id, false); err != nil || !f.Fin {
		return err
	}
	return r.show(s, nil, true)
}

// show gives the client what may be shown of a stream.
func (r *relay) show(s *stream, p []byte, last bool) error {
	p, err := r.what.shown(s, p, last)
	if err == nil {
		err = r.client.Data(s.id, p, last)
	}
	if err == nil && last {
		r.done(s, false, true)
	}
	return err
}

// from answers the stream that a frame is of: nil where it is closed and the sender may not know it yet. A number that never
// was a stream's, and more in a stream that its sender had ended, break the protocol.
func (r *relay) from(f *spdy.Frame, cluster bool) (*stream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	broke := &Violation{Cluster: cluster}
	if f.Stream > r.highest || f.Stream%2 == 0 {
		broke.Reason = f.Type.String() + " for a stream that was never opened"
		return nil, broke
	}
	s := r.streams[f.Stream]
	if s != nil && f.Type == spdy.Data && (cluster && s.targetDone || !cluster && s.clientDone) {
		broke.Reason = "data in a stream behind its end"
		return nil, broke
	}
	return s, nil
}

// done notes who sends no more in a stream, which is forgotten once neither does.
func (r *relay) done(s *stream, client, target bool) {
	r.mu.Lock()
	s.clientDone, s.targetDone = s.clientDone || client, s.targetDone || target
	over := s.clientDone && s.targetDone && r.streams[s.id] == s
	if over {
		delete(r.streams, s.id)
	}
	r.mu.Unlock()
	if over {
		r.what.closed(s)
	}
}

// silent says whether the cluster sends no more in a stream.
func (r *relay) silent(s *stream) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.targetDone
}

// leaves answers the number of the last stream that was opened.
func (r *relay) leaves() uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leaving = true
	return r.highest
}

// last shows the rest of every stream and says how all ends. Nothing comes from the cluster any more.
func (r *relay) last(err error) {
	r.mu.Lock()
	var open []*stream
	for _, s := range r.streams {
		open = append(open, s)
	}
	r.leaving = true
	highest := r.highest
	r.mu.Unlock()
	for _, s := range open {
		r.farewell(s, err)
	}
	_ = r.client.GoAway(highest, 0)
	for _, s := range open {
		r.done(s, true, true)
	}
}

// farewell ends a stream towards the client. What was refused, or can't be recorded, is not shown any more.
func (r *relay) farewell(s *stream, err error) {
	if r.silent(s) {
		return
	}
	var rest []byte
	if err == nil {
		rest, _ = r.what.shown(s, nil, true)
	}
	rest = append(rest, r.what.last(s, err)...)
	_ = r.client.Data(s.id, rest, true)
}
